/** The operator's commands, beside a running server and a stopped one. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createObject } from "@copresence/shared/scene";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { RawClient } from "./adapters/testing/raw-client.ts";
import { startTestServer, type TestServer, testScene } from "./adapters/testing/test-server.ts";
import { keysOf } from "./pipeline/redis/keys.ts";
import { startRedis } from "./pipeline/redis/redis-process.ts";
import { writePosted } from "./pipeline/redis/wire.ts";
import { chatEvent } from "./pipeline/testing/events.ts";

const CLI = fileURLToPath(new URL("./scenes-cli.ts", import.meta.url));
const KEY = "an-operators-key-of-some-length";
const CANARY = "canary-7f3a91c05e";
type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

let folder: string;
let file: string;
let server: TestServer | undefined;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "copresence-operator-"));
  file = join(folder, "scenes.sqlite");
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await server?.stop();
  server = undefined;
  await rm(folder, { recursive: true });
});

const scenes = (...args: string[]): Promise<Ended> => scenesWith({}, ...args);

function scenesWith(settings: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  const env = { PATH: process.env["PATH"] ?? "", COPRESENCE_STORE: file, COPRESENCE_OPERATOR_KEY: KEY, ...settings };
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const [out, err]: string[][] = [[], []];
  child.stdout.on("data", (chunk) => out?.push(String(chunk)));
  child.stderr.on("data", (chunk) => err?.push(String(chunk)));
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, stdout: (out ?? []).join(""), stderr: (err ?? []).join("") }));
  });
}

const start = async (): Promise<TestServer> => (server = await startTestServer("ws", { store: { kind: "sqlite", file }, operatorKey: KEY }));

/** One edit by a person, durable and seen by everybody, after which they leave. */
async function visit(at: TestServer, user: string, object: string): Promise<void> {
  const watcher = await RawClient.join(at.url, await at.ticket({ user: "watcher" }));
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(`${at.url.replace("http", "ws")}/sync`, "demo", doc, {
    params: { ticket: await at.ticket({ user }) },
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
  });
  await new Promise<void>((resolve) => provider.once("sync", () => resolve()));
  const seen = new Promise<void>((resolve) => {
    watcher.onDown = (message) => message.type === "syncDown" && Buffer.from(message.body).includes(object) && resolve();
  });
  createObject(doc, testScene, "box", object, { label: "mine" });
  await seen;
  provider.destroy();
  watcher.socket.close();
  await watcher.closed;
}

async function stored(): Promise<Buffer> {
  return Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))));
}

describe("npm run scenes", () => {
  it("hands out and erases a person's data beside a running server, which goes on", async () => {
    const at = await start();
    await visit(at, CANARY, "crate");
    const offline = await scenes("erase-person", CANARY, "--yes");
    expect(offline).toMatchObject({ code: 1, stderr: expect.stringMatching(/has the store's file open.*--server/s) });

    const exported = await scenes("export-person", CANARY, "--server", at.url);
    expect(JSON.parse(exported.stdout)).toMatchObject({
      user: CANARY,
      present: [],
      scenes: [{ scene: "demo", edits: [{ changes: [{ object: "crate", kind: "created" }], wrote: expect.arrayContaining(["mine"]) }] }],
    });

    const back = await RawClient.join(at.url, await at.ticket({ user: CANARY }));
    expect(await scenes("erase-person", CANARY, "--yes", "--server", at.url)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/in demo now/),
    });
    back.socket.close();
    await back.closed;

    expect(await scenes("erase-person", CANARY, "--server", at.url)).toMatchObject({ code: 1, stderr: expect.stringMatching(/Nothing was erased/) });
    expect((await stored()).includes(CANARY)).toBe(true);
    const erased = await scenes("erase-person", CANARY, "--yes", "--server", at.url);
    expect(erased).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^1 scenes knew them\n1 edits/) });
    expect((await stored()).includes(CANARY)).toBe(false);

    await visit(at, "somebody-else", "barrel");
    const scene = await scenes("export", "demo", "--server", at.url, "--out", join(folder, "demo.scene"));
    expect(scene).toMatchObject({ code: 0, stderr: "" });
    expect(await fetch(`${at.url}/operator/export-person`, { method: "POST", body: `{"user":"ada"}` }).then(({ status }) => status)).toBe(401);
    await server?.stop();
    server = undefined;
    const everything = await stored();
    expect(everything.includes(CANARY)).toBe(false);
    expect(everything.includes("somebody-else")).toBe(true);
  });

  it("reaches into Redis, through a running server and beside a stopped one", async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    try {
      const where = { url: redis.url, namespace: "cli" };
      const { dead } = keysOf(where.namespace);
      const waits = (): Promise<unknown> =>
        client.xadd(dead, "*", "why", "failed", "e", writePosted({ producer: "p", id: 1, scene: "demo", event: chatEvent(1, "said", CANARY) }));
      server = await startTestServer("ws", { store: { kind: "sqlite", file }, operatorKey: KEY, pipeline: { kind: "redis", ...where } });
      await waits();
      const exported = await scenes("export-person", CANARY, "--server", server.url);
      expect(JSON.parse(exported.stdout)).toMatchObject({ redis: [{ scene: "demo", text: "said", givenUp: true }] });
      const erased = { code: 0, stderr: "", stdout: expect.stringMatching(/^1 texts of theirs that waited in Redis/m) };
      expect(await scenes("erase-person", CANARY, "--yes", "--server", server.url)).toMatchObject(erased);
      expect(await client.xlen(dead)).toBe(0);
      await server.stop();
      server = undefined;
      await waits();
      const settings = { COPRESENCE_REDIS: redis.url, COPRESENCE_REDIS_NAMESPACE: where.namespace };
      expect(await scenesWith(settings, "erase-person", CANARY, "--yes")).toMatchObject(erased);
      expect(await client.xlen(dead)).toBe(0);
      client.disconnect();
      await redis.kill();
      const [gone, wrong] = await Promise.all([
        scenesWith(settings, "erase-person", CANARY, "--yes"),
        scenesWith({ COPRESENCE_REDIS: "nowhere" }, "erase-person", CANARY, "--yes"),
      ]);
      expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/LEFT: Redis: Redis cannot be reached/) });
      expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/must be the address of Redis/) });
    } finally {
      client.disconnect();
      await redis.close();
    }
  });

  it("takes a scene from one store into another, and refuses what it should", async () => {
    const at = await start();
    await visit(at, "ada", "crate");
    await at.stop();
    server = undefined;
    const out = join(folder, "demo.scene");
    expect(await scenes("export", "demo", "--out", out)).toMatchObject({ code: 0, stderr: "" });
    expect(await scenes("export", "demo", "--out", out)).toMatchObject({ code: 1, stderr: expect.stringMatching(/there already/) });
    expect(await scenes("import", "demo", out)).toMatchObject({ code: 1, stderr: expect.stringMatching(/not empty.*--replace/) });
    expect(await scenes("import", "copy", out)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^"copy" is now what "demo" was: 1 records/),
    });
    const [missing, unnamed, unknown] = await Promise.all([
      scenes("export", "demo", "--store", join(folder, "missing")),
      scenes("erase-person", "no name"),
      scenes("conjure"),
    ]);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/no file/) });
    expect(unnamed).toMatchObject({ code: 2 });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/^npm run scenes/) });
  });
});
