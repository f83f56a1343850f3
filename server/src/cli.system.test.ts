/** The server as a process: what it prints, how it ends, with which code. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const ENTRY = fileURLToPath(new URL("../copresence.mjs", import.meta.url));
const SCENE = fileURLToPath(new URL("./adapters/testing/test-scene.ts", import.meta.url));
/** A module without a scene. */
const CONFIG = fileURLToPath(new URL("./config.ts", import.meta.url));
const SETTINGS = { COPRESENCE_SCENE: SCENE, COPRESENCE_DEV_TICKETS: "1", COPRESENCE_STORE: "memory", COPRESENCE_PORT: "0", COPRESENCE_LOG: "silent" };

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Run = { readonly child: ChildProcess; readonly ended: Promise<Ended>; readonly url: Promise<string> };
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function run(settings: Record<string, string>): Run {
  const child = spawn(process.execPath, [ENTRY], { env: { PATH: process.env["PATH"] ?? "", ...settings }, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let stdout = "";
  let stderr = "";
  let found: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    found = resolve;
  });
  child.stdout?.on("data", (chunk) => {
    stdout += String(chunk);
    const match = /running at (\S+)/.exec(stdout);
    if (match?.[1] !== undefined) found(match[1]);
  });
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended, url };
}

describe("the server process", () => {
  it("prints its URL, answers, and ends with 0 on SIGTERM", async () => {
    const { child, ended, url } = run(SETTINGS);
    const health = await (await fetch(`${await url}/healthz`)).json();
    expect(health).toMatchObject({ status: "ok", region: "local", build: "dev", version: "0.1.0" });
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("a taken port is one clear sentence and exit code 2", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await run({ ...SETTINGS, COPRESENCE_PORT: String(port) }).ended;
    taken.close();
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `Port ${port} on 127.0.0.1 is taken by another program. Stop it, or choose another port with COPRESENCE_PORT.\n`,
    });
  });

  it("a wrong setting is said and exit code 3", async () => {
    const { code, stderr } = await run({ ...SETTINGS, COPRESENCE_TRANSPORT: "udp", COPRESENCE_ORIGIN: "https://a.example" }).ended;
    expect(code).toBe(3);
    expect(stderr).toContain("COPRESENCE_TRANSPORT must be one of auto, uws, ws.");
    expect(stderr).toContain("COPRESENCE_ORIGIN is not a setting");
  });

  it("no scene, or one that does not load, is said and exit code 3", async () => {
    const { COPRESENCE_SCENE: _, ...without } = SETTINGS;
    expect(await run(without).ended).toMatchObject({ code: 3, stderr: expect.stringContaining("COPRESENCE_SCENE") });
    expect(await run({ ...SETTINGS, COPRESENCE_SCENE: CONFIG }).ended).toMatchObject({ code: 3, stderr: expect.stringContaining("defineScene") });
    expect(await run({ ...SETTINGS, COPRESENCE_SCENE: "nowhere.ts" }).ended).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("could not be loaded"),
    });
  });

  it("a store that another process has, or that cannot be there, is said and exit code 3", async () => {
    const folder = await mkdtemp(join(tmpdir(), "copresence-cli-"));
    const store = join(folder, "scenes.sqlite");
    const first = run({ ...SETTINGS, COPRESENCE_STORE: store });
    await first.url;
    const taken = await run({ ...SETTINGS, COPRESENCE_STORE: store }).ended;
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringMatching(/^Another process has the store's file open; stop it first\. \(.*\)\n$/) });
    const below = await run({ ...SETTINGS, COPRESENCE_STORE: join(store, "deeper", "scenes.sqlite") }).ended;
    expect(below).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^The store's folder cannot be made \(ENOTDIR\); choose another\. \(.*\)\n$/),
    });
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);
    await rm(folder, { recursive: true });
  });

  it("development tickets that other machines can ask for are warned about", async () => {
    const { child, ended, url } = run({ ...SETTINGS, COPRESENCE_HOST: "0.0.0.0", COPRESENCE_LOG: "warn" });
    await url;
    child.kill("SIGTERM");
    expect((await ended).stdout).toContain("development tickets are on and other machines can reach this server");
  });

  it("a static folder that is not there is said and exit code 3", async () => {
    expect(await run({ ...SETTINGS, COPRESENCE_STATIC: "nowhere" }).ended).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("static folder"),
    });
  });

  it("two signals end it at once", async () => {
    const { child, ended, url } = run({ ...SETTINGS, COPRESENCE_STOP_MS: "60000" });
    await url;
    child.kill("SIGINT");
    child.kill("SIGINT");
    const { code } = await ended;
    expect([0, 130]).toContain(code);
  });
});
