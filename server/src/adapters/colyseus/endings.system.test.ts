/**
 * Rooms and servers that end at the worst moment: while somebody is on the way in, while a room is being made, in a storm of joins.
 */
import { Protocol } from "@colyseus/core";
import { CLOSE, LIMITS } from "@copresence/shared/protocol";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createObject } from "@copresence/shared/scene";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { memoryStore } from "../store/index.ts";
import { matchmake, RawClient } from "../testing/raw-client.ts";
import { startTestServer, type TestServer, type TestServerOptions, testScene } from "../testing/test-server.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer("ws", options);
  cleanups.push(() => server.stop());
  return server;
}

/** A memory store that can be told to hold its answers back. */
function heldStore(operation: "open" | "append") {
  const store = memoryStore();
  let hold: Promise<void> | undefined;
  let letGo: () => void = () => {};
  let asked: () => void = () => {};
  const held = {
    store: {
      ...store,
      [operation]: async (...args: never[]) => {
        asked();
        await hold;
        return (store[operation] as (...passed: never[]) => unknown)(...args);
      },
    } as typeof store,
    /** Resolves when the operation is asked for the next time. */
    hold: (): Promise<void> => {
      hold = new Promise((resolve) => {
        letGo = resolve;
      });
      return new Promise((resolve) => {
        asked = resolve;
      });
    },
    release: (): void => {
      hold = undefined;
      letGo();
    },
  };
  return held;
}

async function edit(server: TestServer, user: string): Promise<void> {
  const doc = new Y.Doc();
  const params = { ticket: await server.ticket({ user }) };
  const options = { params, WebSocketPolyfill: WebSocket as never, disableBc: true };
  const provider = new WebsocketProvider(`${server.url.replace("http", "ws")}/sync`, "demo", doc, options);
  cleanups.push(() => provider.destroy());
  await new Promise<void>((resolve) => provider.once("sync", () => resolve()));
  provider.shouldReconnect = () => false;
  createObject(doc, testScene, "box", "crate");
}

const durationMs = async (work: Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work;
  return performance.now() - started;
};

describe("a server that stops", () => {
  it("sends whoever is half-way in elsewhere, and does not wait for seats nobody takes", async () => {
    const disk = heldStore("append");
    const server = await start({ store: { kind: "own", store: disk.store } });
    const writing = disk.hold();
    await edit(server, "ada");
    await writing;
    const inside = await RawClient.join(server.url, await server.ticket({ user: "in" }));
    await matchmake(server.url, { ticket: await server.ticket({ user: "never-comes" }) });
    const late = await RawClient.take(server.url, await server.ticket({ user: "late" }), { acknowledges: false });
    await new Promise((resolve) => late.socket.once("message", resolve));
    const stopped = durationMs(server.stop());
    late.sendRaw(new Uint8Array([Protocol.JOIN_ROOM]));
    disk.release();
    expect((await late.closed).code).toBe(CLOSE.serverDraining.code);
    expect((await inside.closed).code).toBe(CLOSE.serverDraining.code);
    expect(await stopped).toBeLessThan(LIMITS.handshakeMs / 2);
  });

  it("[SO4] ends a room that was being made when the stop began, and leaves nothing running", async () => {
    const disk = heldStore("open");
    const server = await start({ store: { kind: "own", store: disk.store } });
    const opening = disk.hold();
    const joining = matchmake(server.url, { ticket: await server.ticket() });
    await opening;
    const stopping = server.stop();
    disk.release();
    const answer = await joining.catch(() => undefined);
    expect([undefined, true]).toContain(answer?.body["retryable"]);
    await stopping;
    // The space is free again: another server in this process opens it at once.
    const next = await start({ store: { kind: "own", store: memoryStore() } });
    await RawClient.join(next.url, await next.ticket());
  });

  it("in a storm of joins ends in time, and everybody is told something retryable", async () => {
    const server = await start();
    await RawClient.join(server.url, await server.ticket({ user: "first" }));
    let underWay = 0;
    let flood: () => void = () => {};
    const flooding = new Promise<void>((resolve) => {
      flood = resolve;
    });
    const storm = Array.from({ length: 150 }, async (_, i) => {
      const ticket = await server.ticket({ user: `storm-${i}`, space: i % 3 === 0 ? `test-${i}` : "demo" });
      if (++underWay === 60) flood();
      try {
        const client = await RawClient.take(server.url, ticket, { space: i % 3 === 0 ? `test-${i}` : "demo" });
        return (await client.closed).code;
      } catch (error) {
        // Refused with the table's code, or the listener was closed already.
        const text = String(error);
        return /"retryable":true/.test(text) || /fetch failed/.test(text) ? "refused retryably" : text;
      }
    });
    await flooding;
    expect(await durationMs(server.stop())).toBeLessThan(9000);
    const outcomes = new Set(await Promise.all(storm));
    for (const outcome of outcomes) {
      expect([CLOSE.serverDraining.code, CLOSE.handshakeTimeout.code, 1006, "refused retryably"]).toContain(outcome);
    }
  });
});

describe("people who come and go", () => {
  it("leave nothing behind: the thousandth costs what the tenth did", async () => {
    const server = await start();
    await RawClient.join(server.url, await server.ticket({ user: "stays" }));
    const cycle = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i += 10) {
        await Promise.all(
          Array.from({ length: 10 }, async (_, j) => {
            const client = await RawClient.join(server.url, await server.ticket({ user: `u${i + j}` }));
            client.socket.close();
            await client.closed;
          }),
        );
      }
    };
    const sessions = async (): Promise<string | undefined> =>
      /copresence_sessions\S* (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1];
    const usedMb = (): number => {
      for (let i = 0; i < 3; i++) collectGarbage();
      return process.memoryUsage().heapUsed / 2 ** 20;
    };
    await cycle(0, 200);
    const before = usedMb();
    await cycle(200, 1000);
    expect(await sessions()).toBe("1");
    // What one session keeps while it is here (pose guard, rig history, encoders) is tens of kB.
    expect(usedMb() - before).toBeLessThan(8);
  });
});
