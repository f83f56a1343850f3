/**
 * P19 where everything is kept apart: a server with PostgreSQL, Redis and a worker of its own. People pose, talk, search, write, report; then
 * every table, every key and stream, every command Redis was given, every file, the metrics and the logs are searched for what must not be there.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, devTicket } from "@copresence/client/node";
import { type RedisProcess, startRedis } from "@copresence/server/pipeline/redis-process";
import { WorkerPool } from "@copresence/server/pipeline/worker-pool";
import { type PostgresServer, startPostgres } from "@copresence/server/store/postgres-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { workshop } from "../../../examples/src/workshop.ts";
import { type ServerProcess, startServerProcess } from "../server-process.ts";

const SCENE = fileURLToPath(new URL("../../../examples/src/workshop.ts", import.meta.url));
const NAMESPACE = "searched";
/** Metres; nothing else here has these digits. */
const PLACE = [3.2415926, 1.6180339, 2.9182818] as const;
const folder = mkdtempSync(join(tmpdir(), "copresence-canary-"));
const said: string[] = [];
const tickets: string[] = [];
let redis: RedisProcess;
let postgres: PostgresServer;
let pool: WorkerPool;
let server: ServerProcess;

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  pool = new WorkerPool({ url: redis.url, namespace: NAMESPACE, workers: 1, onLog: (line) => void said.push(line) });
  server = await startServerProcess({
    COPRESENCE_SCENE: SCENE,
    COPRESENCE_STORE: await postgres.database("searched"),
    COPRESENCE_CASES: join(folder, "scenes.cases"),
    COPRESENCE_PIPELINE: "redis",
    COPRESENCE_REDIS: redis.url,
    COPRESENCE_REDIS_NAMESPACE: NAMESPACE,
    COPRESENCE_DEV_TICKETS: "1",
    COPRESENCE_LOG: "debug",
  });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await pool?.stop();
  await Promise.all([redis?.close(), postgres?.remove()]);
  rmSync(folder, { recursive: true, force: true });
});

const enter = (user: string, name: string) =>
  connect({
    url: server.url,
    space: "demo",
    scene: workshop,
    ticket: async () => {
      const ticket = await devTicket(server.url, { space: "demo", name, user });
      tickets.push(ticket);
      return ticket;
    },
  });
type Joined = Awaited<ReturnType<typeof enter>>;

const readyz = async (): Promise<string> => ((await (await fetch(`${server.url}/readyz`)).json()) as { pipeline: { state: string } }).pipeline.state;
const hear = (space: Joined, words: string): Promise<void> =>
  new Promise((resolve) => void space.on("chat", ({ text }) => text.includes(words) && resolve()));

/** A pose's numbers as bytes and as digits, also as the wire rounds them. */
function showsPose(bytes: Buffer): boolean {
  // Redis writes the time before each command.
  const text = bytes.toString("latin1").replaceAll(/^\d+\.\d+ /gm, "");
  return PLACE.some((metres) => {
    const [f64, f32] = [Buffer.alloc(8), Buffer.alloc(4)];
    f64.writeDoubleLE(metres);
    f32.writeFloatLE(metres);
    const cm = Math.floor(metres * 100) / 100;
    return bytes.includes(f64) || bytes.includes(f32) || new RegExp(`(?<![\\d.])-?${String(cm).replace(".", "\\.")}\\d`).test(text);
  });
}

it("P19 poses, tickets, who it was and what was only said are in no table, key, stream, command, file, metric or log", async () => {
  const commands = await redis.monitor();
  const [ada, eve] = [await enter("canary-ada", "Aaliyah"), await enter("canary-eve", "Evangeline")];
  await expect.poll(readyz, { timeout: 20_000 }).toBe("ready");
  const pose = new Float64Array(21);
  for (const at of [0, 7, 14]) pose.set([...PLACE, 0, 0, 0, 1], at);
  eve.me.setPose(pose);
  eve.frame();
  const spoken = hear(ada, "canary-spoken");
  eve.chat("canary-spoken");
  await spoken;
  const sign = eve.objects.create("crate", { label: "canary-kept" });
  await expect.poll(async () => (await ada.search("canary-kept")).hits.length, { timeout: 10_000 }).toBe(1);
  const [x, y, z] = PLACE;
  const from = { position: [x, y, z], rotation: [0, 0, 0, 1] } as const;
  await eve.search("the canary-asked left of me", { from });
  expect((await ada.describe({ from })).text).not.toBe("");
  expect(await ada.safety.report({ user: "canary-eve", reason: "harassment", text: "canary-reported" })).toBe(1);

  // What nobody has handled yet is found; so the search below would find what should not be there.
  for (const pid of pool.pids) process.kill(pid, "SIGSTOP");
  const waits = hear(ada, "canary-waits");
  eve.chat("canary-waits");
  await waits;
  await expect.poll(() => redis.dump()).toContain("canary-waits");
  const waiting = await redis.dump();
  for (const pid of pool.pids) process.kill(pid, "SIGCONT");
  await expect.poll(() => redis.dump(), { timeout: 15_000 }).not.toContain("canary");
  expect(commands()).toContain("canary-spoken");

  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(eve.objects.get(sign.id)).toBeDefined();
  for (const space of [ada, eve]) await space.leave();
  const rest = await redis.dump();
  await server.stop();
  await pool.stop();
  const tables = postgres.dump("searched");
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
  const text = { tables, commands: commands(), waiting, rest, metrics, log: server.output(), workers: said.join("\n") };
  const places = [...Object.entries(text).map(([name, all]) => [name, Buffer.from(all, "latin1")] as const), ...files];
  const where = (canary: string): string[] => places.filter(([, bytes]) => bytes.includes(canary)).map(([name]) => name);

  for (const ticket of tickets) expect(where(ticket)).toEqual([]);
  expect(places.filter(([, bytes]) => showsPose(bytes)).map(([name]) => name)).toEqual([]);
  const inFiles = (names: readonly string[]): string[] => names.filter((name) => name.startsWith("scenes.cases"));
  // People are named as authors and to moderators; what they say is nowhere but on its way, what they report is with the moderators.
  expect(where("canary-eve").filter((name) => !name.startsWith("scenes.cases"))).toEqual(["tables"]);
  expect(inFiles(where("canary-reported")).length).toBeGreaterThan(0);
  expect(where("canary-reported")).toEqual(inFiles(where("canary-reported")));
  expect(where("canary-spoken").filter((name) => !name.startsWith("scenes.cases"))).toEqual(["commands"]);
  expect(where("canary-waits")).toEqual(["commands", "waiting"]);
  expect(where("canary-asked")).toEqual(["commands"]);
  expect(where("canary-kept").toSorted()).toEqual(["commands", "tables"]);
  expect(where("Evangeline")).toEqual(["commands"]);
}, 60_000);
