import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Random } from "@copresence/simulations/people";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Figure } from "../report.ts";
import { DatagramLane, gamma, QueueLane, SharedLane, StreamLane } from "./lanes.ts";
import { clockErrors, measure } from "./measure.ts";
import { loadMotions } from "./motion.ts";
import { type Network, PROFILES } from "./networks.ts";
import { quantile } from "./score.ts";
import { playout, type Scale } from "./suite.ts";

const TINY: Scale = { seed: 1, passes: 1, joins: 5, motionMs: 4000 };
const NOWHERE = "there/is/no/such/folder";
const value = (figures: readonly Figure[], id: string): number => figures.find((figure) => figure.id === id)?.value as number;
const profile = (id: string): Network => PROFILES.find((network) => network.id === id) as Network;

describe("the playout bench", () => {
  it("runs without recordings, says so, and judges no motion bar", async () => {
    const folder = await mkdtemp(join(tmpdir(), "playout-"));
    try {
      const said: string[] = [];
      const options = { traces: NOWHERE, network: NOWHERE, dump: folder, data: undefined };
      const { figures, settings } = playout(options, (line) => said.push(line), TINY);
      expect(said.join("\n")).toContain("NO RECORDINGS");
      expect(said.join("\n")).toContain("NO RECORDED NETWORKS");
      expect(settings["motion"]).toBe("synthetic");
      expect(figures.filter(({ bar }) => bar !== undefined).map(({ id }) => id)).toEqual(["playout.clock_ms_p95"]);
      expect(value(figures, "playout.fibre.ratio")).toBeGreaterThan(2);
      expect(value(figures, "playout.bad-tcp.ratio")).toBeGreaterThan(1);
      for (const figure of figures) expect(figure.value, figure.id).toSatisfy(Number.isFinite);
      const files = readdirSync(folder);
      expect(files).toHaveLength(PROFILES.length * 4 * 2);
      const rows = gunzipSync(readFileSync(join(folder, files.find((name) => name.startsWith("fibre.") && name.includes("frames")) as string)))
        .toString()
        .trim()
        .split("\n");
      expect(rows.length).toBeGreaterThan(300);
      expect(rows.every((row) => row.split(",").length === 1 + 3 * 21)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives the same figures for the same seed, and others for another", () => {
    const motions = loadMotions(undefined).people.slice(0, 1);
    const rates = { tickRateHz: 30, uplinkHz: 30, displayHz: 90 };
    const once = (seed: number): unknown => measure({ network: profile("4g-tcp"), motions, rates, seed, passes: 1 });
    expect(once(3)).toEqual(once(3));
    expect(once(3)).not.toEqual(once(4));
  });

  it("synchronises the clock over Wi-Fi to 2 ms at the 95th percentile", () => {
    expect(quantile(clockErrors(profile("wifi"), 1, 100), 0.95)).toBeLessThan(2);
  });
});

describe("lanes", () => {
  const weather = (random: Random) => ({ delayMs: () => gamma(random, 40, 15), loss: () => 0.1 });

  it("[LN2] a stream loses nothing and keeps order; [LN3] a datagram lane loses what its weather says", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new Random(seed);
        const stream = new StreamLane({ random, weather: weather(random), stallMs: () => 100 });
        let last = 0;
        for (let t = 0; t < 3000; t += 10) {
          const at = stream.send(t);
          if (!(at >= last && at > t)) return false;
          last = at;
        }
        return true;
      }),
      { numRuns: 30 },
    );
    const random = new Random(1);
    const lane = new DatagramLane({ random, weather: weather(random) });
    const lost = Array.from({ length: 5000 }, (_, t) => lane.send(t)).filter((at) => at === undefined).length;
    expect(lost / 5000).toBeCloseTo(0.1, 1);
  });

  it("gamma has the mean and the deviation it is asked for, also where its shape is below one", () => {
    for (const [mean, deviation] of [
      [40, 15],
      [5, 10],
    ] as const) {
      const random = new Random(2);
      const draws = Array.from({ length: 40_000 }, () => gamma(random, mean, deviation));
      const average = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const spread = Math.sqrt(draws.reduce((sum, x) => sum + (x - average) ** 2, 0) / draws.length);
      expect(average / mean).toBeCloseTo(1, 1);
      expect(spread / deviation).toBeCloseTo(1, 1);
    }
  });

  it("a recorded queue delivers with its opportunities, several small packets in one, and begins again at its end", () => {
    const queue = new QueueLane({ opportunitiesMs: Float64Array.of(0, 10, 50), delayMs: 5, startMs: 0 });
    expect(queue.send(2, 400)).toBe(15);
    expect(queue.send(3, 400)).toBe(15);
    expect(queue.send(4, 1400)).toBe(55);
    expect(queue.send(48, 3000)).toBe(51 + 10 + 5);
    const late = new QueueLane({ opportunitiesMs: Float64Array.of(0, 10, 50), delayMs: 5, startMs: 20 });
    expect(late.send(0, 100)).toBe(35);
  });

  it("a shared link makes packets wait for what is queued", () => {
    const lane = new SharedLane({ atMs: Float64Array.of(0, 10, 100), busyUntilMs: Float64Array.of(4, 30, 101), delayMs: 3, startMs: 0 });
    expect([0, 5, 12, 40, 100.5].map((t) => lane.send(t))).toEqual([7, 8, 33, 43, 104]);
  });
});
