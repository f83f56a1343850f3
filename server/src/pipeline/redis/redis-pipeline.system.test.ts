/** The pipeline over a real redis-server with real worker processes: the contract, and what only Redis can do to it. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { pipelineContract, type PipelineUnderTest, WORKERS_ONLY } from "../side-pipeline.contract.ts";
import { type Deadlines, SidePipeline } from "../side-pipeline.ts";
import { Answers, chatEvent, objectEvent, searchEvent } from "../testing/events.ts";
import { LogLines } from "../testing/log-lines.ts";
import { realTimers } from "../timers.ts";
import { GROUP, keysOf, PARTS, partOfScene } from "./keys.ts";
import { redisKeeper } from "./person-keeper.ts";
import { RedisCarrier } from "./redis-carrier.ts";
import { type RedisProcess, startRedis } from "./redis-process.ts";
import { pseudonymOf, writePosted } from "./wire.ts";
import { WorkerPool } from "./worker-pool.ts";

const ENTRY = new URL("../testing/poison-redis-worker.ts", import.meta.url);

let server: RedisProcess;
let spaces = 0;
beforeAll(async () => {
  server = await startRedis();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Setup = PipelineUnderTest & {
  readonly namespace: string;
  readonly pool: WorkerPool;
  readonly resume: () => void;
  readonly pipeline: SidePipeline;
};

function open({ deadlines, workers = 1 }: { readonly deadlines?: Deadlines; readonly workers?: number } = {}): Setup {
  const namespace = `test-${++spaces}`;
  const pool = startPool(namespace, workers);
  const setup = openOn(namespace, pool, deadlines);
  return { ...setup, close: async () => void (await Promise.all([setup.close(), pool.stop()])) };
}

const startPool = (namespace: string, workers: number): WorkerPool =>
  new WorkerPool({ url: server.url, namespace, workers, entry: ENTRY, backoffMs: 100, onLog: () => undefined });

/** A pipeline on a pool that outlives it. */
function openOn(namespace: string, pool: WorkerPool, deadlines?: Deadlines): Setup {
  const lines = new LogLines();
  const pipeline = openPipeline(namespace, lines, deadlines);
  const signal = (name: NodeJS.Signals) => (): void => {
    for (const pid of pool.pids) process.kill(pid, name);
  };
  const resume = signal("SIGCONT");
  const close = async (): Promise<void> => {
    resume();
    await pipeline.close();
  };
  return { namespace, pool, pipeline, lines, crash: signal("SIGKILL"), freeze: signal("SIGSTOP"), resume, close };
}

function openPipeline(namespace: string, lines: LogLines, deadlines?: Deadlines): SidePipeline {
  return new SidePipeline({
    mode: "redis",
    onLog: lines.add,
    deadlines,
    carrier: (events) => new RedisCarrier({ url: server.url, namespace, timers: realTimers }, events),
  });
}

const ready = (pipeline: SidePipeline): Promise<void> =>
  vi.waitFor(() => expect(pipeline.health().state).toBe("ready"), { timeout: 15_000, interval: 10 });

/** Starting a worker for every test would be most of the time they take. */
let shared: WorkerPool | undefined;
afterAll(async () => {
  await shared?.stop();
  await server.close();
});
pipelineContract("Redis Streams", async ({ deadlines }) => openOn("contract", (shared ??= startPool("contract", 1)), deadlines));

describe("Redis", () => {
  it("[RC2] freezes, then dies and comes back empty: offers never wait, rooms are answered degraded, and everything is there again", async () => {
    const { pipeline, lines, close } = open();
    cleanups.push(close);
    const answers = new Answers(pipeline, "room");
    for (let i = 0; i < 100; i++) pipeline.offer("room", objectEvent(`o${i}`, "lantern"));
    await ready(pipeline);
    process.kill(server.pid, "SIGSTOP");
    const costs: number[] = [];
    for (let i = 0; i < 2000; i++) {
      const started = performance.now();
      pipeline.offer("room", objectEvent(`frozen${i}`, "buoy"));
      pipeline.offer("room", chatEvent(i, i === 0 ? "kys" : "hello", `user${i % 100}`));
      costs.push(performance.now() - started);
    }
    expect(costs.sort((a, b) => a - b)[1980]).toBeLessThan(1);
    expect(await answers.chatVerdict(0)).toMatchObject({ hide: true });
    await lines.until(/did not answer/);
    expect(pipeline.health().state).toBe("degraded");
    const before = lines.all.length;
    process.kill(server.pid, "SIGCONT");
    await lines.until(/answers again/, before);
    await lines.until(/is serving/, before);

    await server.restart();
    const after = lines.all.length;
    await lines.until(/is serving/, after);
    pipeline.offer("room", { ...searchEvent(1, "lantern"), limit: 64 });
    pipeline.offer("room", { ...searchEvent(2, "buoy"), limit: 64 });
    const found = await Promise.all([answers.searched(1), answers.searched(2)]);
    expect(found.map(({ hits }) => hits.length)).toEqual([64, 64]);
    expect(pipeline.health()).toMatchObject({ dropped: 0, dead: 0 });
    expect(answers.all.filter(({ kind }) => kind === "verdict").length).toBe(2000);
  });

  it("[PL1] shares the parts among workers, and one takes over what another leaves", async () => {
    const { pipeline, pool, close } = open({ workers: 2, deadlines: WORKERS_ONLY });
    cleanups.push(close);
    const answers = new Answers(pipeline, "room");
    for (let scene = 0; scene < 40; scene++) pipeline.offer(`scene-${scene}`, objectEvent("o", "lantern"));
    await vi.waitFor(() => expect(pool.stats.map(({ parts }) => parts)).toEqual([PARTS / 2, PARTS / 2]), { timeout: 15_000 });
    await ready(pipeline);
    for (let i = 0; i < 200; i++) {
      if (i === 100) process.kill(pool.pids[0] ?? 0, "SIGKILL");
      pipeline.offer("room", chatEvent(i, "hello", `user${i % 10}`));
    }
    await Promise.all(Array.from({ length: 200 }, (_, i) => answers.chatVerdict(i)));
    await ready(pipeline);
    expect(pipeline.health()).toMatchObject({ degradedAnswers: 0, dropped: 0 });
  });

  it("[EW2] [RC1] holds no pose, nothing that is acknowledged, and no more than a window; garbage and trimming cost nobody an event", async () => {
    const { namespace, pipeline, freeze, resume, close } = open({ deadlines: { ...WORKERS_ONLY, resendMs: 1000 } });
    cleanups.push(close);
    const redis = new Redis(server.url);
    cleanups.push(() => redis.disconnect());
    const seen = await server.monitor();
    const answers = new Answers(pipeline, "room");
    pipeline.offer("room", objectEvent("o", "lantern"));
    await ready(pipeline);
    const keys = keysOf(namespace);
    const stream = keys.events(partOfScene("room"));
    await redis.xadd(stream, "*", "e", "{not json");
    await redis.xadd(
      stream,
      "*",
      "e",
      JSON.stringify({ producer: "x", id: 1, scene: "room", event: { kind: "object", object: "evil", pose: [1, 2, 3] } }),
    );
    const from = { position: [7.131719, 1.671313, -3.371311], rotation: [0.0313, 0.7173, 0.0171, 0.6957] };
    pipeline.offer("room", { ...searchEvent(1, "lantern"), from });
    expect(await answers.searched(1)).toMatchObject({ degraded: false, hits: [{ object: "o" }] });
    await vi.waitFor(async () => expect([await redis.xlen(stream), await redis.xlen(keys.dead)]).toEqual([0, 2]));
    await vi.waitFor(() => expect(seen()).toMatch(/search.*lantern[^]*searched.*lantern/), { timeout: 5000 });
    for (const canary of ["7.1317", "1.6713", "3.3713", "0.0313", "0.7173", "0.0171", "0.6957"]) {
      expect(seen().includes(canary)).toBe(false);
    }

    freeze();
    for (let i = 0; i < 3000; i++) {
      pipeline.offer("room", objectEvent(`o${i}`, "anchor"));
      pipeline.offer("room", chatEvent(i, "hello", `user${i % 100}`));
    }
    await vi.waitFor(async () => expect(await redis.xlen(stream)).toBe(128 + 256));
    await redis.xtrim(stream, "MAXLEN", 0);
    resume();
    await Promise.all(Array.from({ length: 3000 }, (_, i) => answers.chatVerdict(i)));
    pipeline.offer("room", { ...searchEvent(2, "anchor"), limit: 64 });
    expect(await answers.searched(2)).toMatchObject({ degraded: false, hits: { length: 64 } });
    expect(pipeline.health()).toMatchObject({ dropped: 0, degradedAnswers: 0, dead: 0 });
    expect(pipeline.health().resent).toBeGreaterThan(0);
  });

  it("[RK1] [RK2] [EW4] P19 never learns a user's id, and forgets who is erased: what waits, what a worker has, what was given up; others lose nothing", async () => {
    const { namespace, pipeline, freeze, resume, close } = open();
    cleanups.push(close);
    const redis = new Redis(server.url);
    cleanups.push(() => redis.disconnect());
    const seen = await server.monitor();
    const [keys, keeper] = [keysOf(namespace), redisKeeper({ url: server.url, namespace })];
    const stream = keys.events(partOfScene("room"));
    const answers = new Answers(pipeline, "room");
    pipeline.offer("room", objectEvent("o", "lantern"));
    await ready(pipeline);
    const describe = { view: false, people: [{ name: "canary-name", asleep: false, view: null, holds: [] }] };
    pipeline.offer("room", { ...searchEvent(1, "lantern"), describe });
    expect(await answers.searched(1)).toMatchObject({ degraded: false });
    // An answer that was read is gone, and so is who it told of [RC5].
    await vi.waitFor(async () => expect(await server.dump()).not.toContain("canary-name"));

    freeze();
    for (let i = 0; i < 4; i++) pipeline.offer("room", chatEvent(i, `canary-line ${i}`, "canary-user"));
    pipeline.offer("room", chatEvent(9, "stays", "ben"));
    await vi.waitFor(async () => expect(await redis.xlen(stream)).toBe(5));
    await redis.xreadgroup("GROUP", GROUP, "somebody", "COUNT", 2, "STREAMS", stream, ">");
    const given = (event: Parameters<typeof writePosted>[0]["event"]) => writePosted({ producer: "p", id: 1, scene: "room", event });
    for (const event of [chatEvent(5, "canary-dead", "canary-user"), chatEvent(6, "stays, too", "ben"), { ...searchEvent(2, "who"), describe }])
      await redis.xadd(keys.dead, "*", "why", "failed", "e", given(event));
    // Somebody else's writing, which names them.
    const said = seen();
    await redis.xadd(keys.dead, "*", "why", "could not be read", "e", `{"user":"canary-user"`);
    for (const canary of ["canary-line 3", "canary-dead", "canary-name"]) expect(await server.dump()).toContain(canary);

    const told = await keeper.exportPerson("canary-user");
    expect(told.ok && told.value.map(({ text }) => text)).toEqual([0, 1, 2, 3].map((i) => `canary-line ${i}`).concat("canary-dead"));
    expect(await keeper.erasePerson("canary-user")).toEqual({ ok: true, value: { done: { texts: 6, questions: 1 }, left: [] } });
    const left = await server.dump();
    expect(left.match(/stays/g)).toHaveLength(2);
    for (const canary of ["canary", pseudonymOf("canary-user")]) expect(left).not.toContain(canary);
    expect(said).not.toContain("canary-user");
    const pending = (await redis.xpending(stream, GROUP, "-", "+", 10)) as readonly (readonly [string])[];
    const there = new Set((await redis.xrange(stream, "-", "+")).map(([id]) => id));
    expect(pending.filter(([id]) => !there.has(id))).toEqual([]);
    resume();
    await vi.waitFor(async () => expect(await redis.xlen(stream)).toBe(0), { timeout: 10_000 });
    await ready(pipeline);
    pipeline.offer("room", searchEvent(3, "lantern"));
    expect(await answers.searched(3)).toMatchObject({ degraded: false, hits: [{ object: "o" }] });
    expect(pipeline.health()).toMatchObject({ dropped: 0, dead: 0 });
  });
});
