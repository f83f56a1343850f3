import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Random } from "@copresence/simulations/people";
import { describe, expect, it } from "vitest";
import { BadInput } from "../suite.ts";
import { networksIn } from "./network-files.ts";
import type { Network } from "./networks.ts";

const DELAYS = "t_ms,one_way_delay_ms\n0,12\n20,14\n40,16\n";
const FRAMES = "resolution,sample,latency_ms\n240p,0,30\n240p,1,40\n";
const PINGS = "ping_avg_ms,ping_min_ms,ping_max_ms,ping_sd_ms,ping_loss_pct\n82,79,86,3,0\n,,,,100\n";
const TRAFFIC = "time,size,direction\r\n0.1,1000,DL\r\n0.2,1000,UL\r\n";
const profile = (name: string, more: object): object => ({ source: "me", name, loss_pct: 1, ...more });
const PROFILES = JSON.stringify({
  profiles: [
    profile("Fast (lane)", { delay_ms: 20, delay_kind: "round trip", up_kbps: 142 * 8, down_kbps: null }),
    profile("Slow", { delay_ms: 20, up_kbps: 40, down_kbps: 400 }),
    profile("Far", { up_delay_ms: 1200, down_delay_ms: 10 }),
    profile("Web", { delay_ms: 20, delay_kind: "minimum request latency" }),
  ],
});

function read(files: Readonly<Record<string, string | Buffer>>): { networks: Network[]; said: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "networks-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const said: string[] = [];
    return { networks: networksIn(folder, (line) => said.push(line.replaceAll(folder, "."))), said };
  } catch (error) {
    if (error instanceof BadInput) throw new BadInput(error.message.replaceAll(folder, "."), { cause: error });
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const up = (network: Network | undefined): number | undefined =>
  network?.lanes({ random: new Random(1), startMs: 0, intervalMs: 10 }).moverUp.send(0, 90);

describe("networks from a folder", () => {
  it("[NF1] knows recordings by what is in them, gzipped or not, whatever they are called", () => {
    const { networks, said } = read({
      "my.up": "0\n40\n",
      "my.down.gz": gzipSync("7\n9\n"),
      "both.txt": "3\n9\n",
      "delays.csv.gz": gzipSync(DELAYS),
      "delay_starlink_leocc_10ms.csv.gz": gzipSync(DELAYS),
      "frames.csv": FRAMES,
      "train.csv": PINGS,
      "neighbour.csv": TRAFFIC,
      "README.md": "about",
    });
    expect(said).toEqual([]);
    expect(networks.map(({ id }) => id)).toEqual(["starlink", "delays", "frames", "neighbour", "train", "both", "my"]);
    expect(networks.find(({ id }) => id === "delays")?.lengthMs).toBe(60);
    for (const network of networks) expect(up(network), network.id).toSatisfy(Number.isFinite);
    expect(up(networks.find(({ id }) => id === "frames"))).toBe(15);
  });

  it("[NF1] takes published profiles, with their rate as a queue, and names what cannot carry poses", () => {
    const { networks, said } = read({ "profiles.json": PROFILES, "notes.json": "{}" });
    expect(networks.map(({ id }) => id)).toEqual(["me-fast-lane"]);
    const lane = networks[0]?.lanes({ random: new Random(1), startMs: 0, intervalMs: 10 }).moverUp;
    // 90 B and 52 B of headers take a millisecond; half of the round trip comes on top.
    expect([0, 0, 100].map((t) => lane?.send(t, 90))).toEqual([11, 12, 111]);
    expect(said.join("\n")).toContain("me Slow, me Far, me Web");
    expect(said.join("\n")).toContain("notes.json: no list of profiles");
  });

  it("[NF1] leaves out by name what is no network, and stops at a broken line with its number", () => {
    expect(read({ "odd.csv": "a,b\n1,2\n", "odd.bin": "x" }).said).toHaveLength(2);
    expect(() => read({ "d.csv": DELAYS.replace("14", "") })).toThrow('./d.csv:3: one_way_delay_ms is "", not a number from 0 on.');
    expect(() => read({ "q.up": "0\n5\n3\n" })).toThrow("./q.up:3: no time in ms that is at or after the one before.");
    expect(() => read({ "q.up": "0\n0\n" })).toThrow("./q.up: all delivery opportunities are at 0 ms.");
    expect(() => read({ "p.json": "{" })).toThrow(BadInput);
  });
});
