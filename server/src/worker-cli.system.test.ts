/** `npm run worker` as a process, beside a real server: configured alike, found through Redis, ended politely. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RawClient } from "./adapters/testing/raw-client.ts";
import { startTestServer } from "./adapters/testing/test-server.ts";
import { startRedis } from "./pipeline/redis/redis-process.ts";

const ENTRY = fileURLToPath(new URL("./worker-cli.ts", import.meta.url));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function run(settings: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [ENTRY], {
    env: { PATH: process.env["PATH"] ?? "", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanups.push(() => child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  const port = new Promise<string>((resolve) =>
    child.stdout?.on("data", (chunk) => {
      stdout += String(chunk);
      const match = /http on port (\d+)/.exec(stdout);
      if (match?.[1] !== undefined) resolve(match[1]);
    }),
  );
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  const ended = new Promise<{ readonly code: number | null; readonly stderr: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, stderr })),
  );
  return { child, port, ended };
}

describe("npm run worker", () => {
  it("[WC1] says what is wrong with its settings, all at once, without the password, and exits with 3", async () => {
    const settings = { COPRESENCE_REDIS: "http://user:hunter2@nowhere", COPRESENCE_WORKERS: "0", COPRESENCE_WORKER: "1" };
    const { code, stderr } = await run(settings).ended;
    expect(code).toBe(3);
    expect(stderr).toContain("COPRESENCE_REDIS must be the address of Redis");
    expect(stderr).toContain("COPRESENCE_WORKERS must be a whole number from 1 to 16.");
    expect(stderr).toContain("COPRESENCE_WORKER is not a setting");
    expect(stderr).not.toContain("hunter2");
  });

  it("[WC2] [WS1] serves the rooms of a server, tells how, and leaves with 0", async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.close());
    const where = { url: redis.url, namespace: "cli" };
    const { child, port, ended } = run({
      COPRESENCE_REDIS: where.url,
      COPRESENCE_REDIS_NAMESPACE: where.namespace,
      COPRESENCE_WORKER_PORT: "0",
      COPRESENCE_LOG: "silent",
    });
    const server = await startTestServer("ws", { pipeline: { kind: "redis", ...where } });
    cleanups.push(() => server.stop());
    const at = `http://127.0.0.1:${await port}`;
    await vi.waitFor(async () => expect((await fetch(`${at}/readyz`)).status).toBe(200), { timeout: 15_000 });
    const readyz = async () => (await (await fetch(`${server.url}/readyz`)).json()) as { readonly pipeline: unknown };
    await vi.waitFor(async () => expect((await readyz()).pipeline).toMatchObject({ state: "ready", degraded: false, mode: "redis" }), {
      timeout: 15_000,
    });

    const ada = await RawClient.join(server.url, await server.ticket());
    ada.send({ type: "chat", ref: 1, text: "you stupid idiot" });
    expect(await ada.next("chatMessage")).toMatchObject({ hidden: true });
    await vi.waitFor(
      async () => expect(await (await fetch(`${at}/metrics`)).text()).toMatch(/copresence_worker_events_total\{.*what="handled".*\} [1-9]/),
      {
        timeout: 5000,
      },
    );
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
    // Nobody serves the room any more: it says so, and goes on by itself.
    await vi.waitFor(async () => expect((await readyz()).pipeline).toMatchObject({ state: "degraded", degraded: true }), { timeout: 15_000 });
    ada.send({ type: "chat", ref: 2, text: "you stupid idiot" });
    expect(await ada.next("chatMessage")).toMatchObject({ hidden: true });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/copresence_pipeline_degraded_answers\{.*\} 1/);
  });
});
