/**
 * A Redis of one's own for tests and benches: Debian's redis-server on a free port of this machine, in a folder that is removed.
 * Nothing is written to disk.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

const START_MS = 10_000;

export type RedisProcess = {
  readonly url: string;
  readonly pid: number;
  /** Every key with all that is under it, as text. */
  dump(): Promise<string>;
  /** Every command it is given from now on, as it says itself. */
  monitor(): Promise<() => string>;
  /** Starts it again, empty, at the same address. */
  restart(): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

export async function startRedis(): Promise<RedisProcess> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-redis-"));
  const port = await freePort();
  let child = await launch(port, folder);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const monitors: ChildProcess[] = [];
  return {
    dump: () => dump(port),
    monitor: () => {
      const monitor = spawn("redis-cli", ["-p", String(port), "monitor"], { stdio: ["ignore", "pipe", "inherit"] });
      monitors.push(monitor);
      let output = "";
      return new Promise((resolve) =>
        monitor.stdout.on("data", (chunk: Buffer) => {
          output += chunk.toString();
          resolve(() => output);
        }),
      );
    },
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    restart: async () => {
      await kill();
      child = await launch(port, folder);
    },
    kill,
    close: async () => {
      for (const monitor of monitors) monitor.kill("SIGKILL");
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, folder: string): Promise<ChildProcess> {
  const settings = { port, bind: "127.0.0.1", dir: folder, save: "", appendonly: "no", loglevel: "notice" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new Error(`redis-server did not start (Debian's package redis-server has it):\n${output}`));
    const late = setTimeout(fail, START_MS);
    child.once("error", fail);
    child.once("exit", fail);
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.includes("Ready to accept connections")) return;
      clearTimeout(late);
      child.off("exit", fail);
      resolve();
    });
  });
  return child;
}

async function dump(port: number): Promise<string> {
  const redis = new Redis(port, "127.0.0.1");
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (key) => redis.get(key),
    stream: (key) => redis.xrange(key, "-", "+"),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, "0", "-1"),
  };
  try {
    const lines: string[] = [];
    for (const key of await redis.keys("*")) {
      const type = await redis.type(key);
      if (type !== "none") lines.push(`${key} ${type} ${JSON.stringify(await read[type]?.(key))}`);
    }
    return lines.join("\n");
  } finally {
    redis.disconnect();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
