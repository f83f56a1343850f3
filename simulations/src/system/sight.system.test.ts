/** What SDK clients and a real server do about who sees whom, over real sockets: less uplink unseen, resync after a stall, explanations. */
import { connect as tcp, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, devTickets, frameLoop, type Space } from "@copresence/client/node";
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { defaultRoles, defineScene, type SceneSpec, t } from "@copresence/shared/scene";

const spec = {
  name: "sight",
  version: 1,
  bounds: { min: [-20, -1, -20], max: [20, 10, 20] },
  roles: defaultRoles,
  objects: { note: { transform: t.leased(), label: t.text() } },
} satisfies SceneSpec;
const scene = defineScene(spec);
type Notes = typeof spec;
const KEY = "only-the-tests-operator-knows-it";
const HZ = 60;

let server: RunningServer;
let stopMoving = (): void => {};
const spaces: Space<Notes>[] = [];

beforeAll(async () => {
  const rules = [{ spaces: "*", scene }];
  server = await startServer(
    developmentConfig(rules, { port: 0, transport: "ws", pipeline: { kind: "inline" }, logLevel: "silent", tickRateHz: HZ, operatorKey: KEY }),
  );
  stopMoving = frameLoop(HZ, (nowMs) => {
    for (const space of spaces) {
      const sway = 0.2 * Math.sin(nowMs / 300);
      space.me.setPose([sway, 1.6, 0, 0, 0, 0, 1, -0.2 + sway, 1.1, -0.3, 0, 0, 0, 1, 0.2 + sway, 1.1, -0.3, 0, 0, 0, 1]);
      space.frame(nowMs);
    }
  });
});
afterAll(async () => {
  stopMoving();
  await Promise.all(spaces.map((space) => space.leave()));
  await server.stop();
});

async function enter(name: string, space: string, url = server.url): Promise<Space<Notes>> {
  const entered = await connect<Notes>({ url, space, scene, ticket: devTickets(server.url, { space, name }) });
  spaces.push(entered);
  return entered;
}

/** Polls what cannot be waited for by an event. */
async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Passes TCP on, and can stop delivering what the server sends. */
class Valve {
  shut = false;
  private readonly server: Server;
  private readonly upstream: Socket[] = [];

  private constructor(port: number) {
    this.server = createServer((down) => {
      const up = tcp({ port, host: "127.0.0.1" });
      this.upstream.push(up);
      down.pipe(up);
      up.pipe(down);
      up.on("error", () => down.destroy());
      down.on("error", () => up.destroy());
      down.on("close", () => up.destroy());
      up.on("close", () => down.destroy());
    });
  }
  static async open(port: number): Promise<Valve & { url: string }> {
    const valve = new Valve(port);
    await new Promise<void>((resolve) => {
      valve.server.listen(0, "127.0.0.1", resolve);
    });
    return Object.assign(valve, { url: `http://127.0.0.1:${(valve.server.address() as AddressInfo).port}` });
  }
  /** What is connected now delivers nothing more; later connections do. */
  stall(): void {
    for (const up of this.upstream) {
      up.unpipe();
      up.pause();
    }
  }
  close(): void {
    for (const up of this.upstream) up.destroy();
    this.server.close();
  }
}

const uplinkHzOf = async (space: string, viewer: string, source: string): Promise<number> => {
  const response = await fetch(`${server.url}/debug/explain?space=${space}&viewer=${viewer}&source=${source}`, {
    headers: { authorization: `Bearer ${KEY}` },
  });
  const { people } = (await response.json()) as { people: { uplinkHz: number; tier: string }[] };
  return people[0]?.uplinkHz ?? Number.NaN;
};

describe("who sees whom", () => {
  it("[DE1] [UL4] somebody alone sends the base layer, and everything again once somebody is near", async () => {
    const anna = await enter("Anna", "alone");
    const rate = async (): Promise<number> => {
      const before = anna.stats.bytesOut;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return anna.stats.bytesOut - before;
    };
    const full = await rate();
    let alone = full;
    await until("the room asks for less", async () => (alone = await rate()) < full / 2);
    await enter("Ben", "alone");
    await until("the room asks for everything", async () => (await rate()) > alone * 1.8);
  });

  it("the operator's key opens the explanations, and nothing else does", async () => {
    const ben = spaces.find(({ me }) => me.name === "Ben");
    const anna = spaces.find(({ me }) => me.name === "Anna");
    await until("Anna is asked for everything", async () => (await uplinkHzOf("alone", ben!.me.user, anna!.me.user)) === HZ);
    expect((await fetch(`${server.url}/debug/explain?space=alone&viewer=0`)).status).toBe(401);
  });

  it("[GV2] a client behind a link that stalls comes back by itself, with everything that was written meanwhile", async () => {
    const valve = await Valve.open(server.port);
    try {
      const writer = await enter("Clara", "stall");
      const sleeper = await enter("Dora", "stall", valve.url);
      writer.objects.create("note", { label: "a" }, "note-1");
      await until("Dora has the note", () => sleeper.objects.get("note-1") !== undefined);
      const statuses: string[] = [];
      sleeper.on("status", ({ status }) => void statuses.push(status));
      valve.stall();
      sleeper.objects.get("note-1")?.text("label").insert(0, "[while deaf] ");
      for (let i = 0; i < 20; i++) writer.objects.create("note", { label: `note ${i}` }, `later-${i}`);
      await until("Dora is back", () => statuses.join() === "reconnecting,live");
      await until("both have everything", () => {
        const [a, b] = [writer, sleeper].map((space) =>
          JSON.stringify([...space.objects.ids()].sort().map((id) => space.objects.get(id, "note")?.label)),
        );
        return a === b && (a ?? "").includes("[while deaf]") && (a ?? "").includes("note 19");
      });
      expect(sleeper.saved).toBe("saved");
    } finally {
      valve.close();
    }
  });
});
