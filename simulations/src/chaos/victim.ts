/** A real server process that is going to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashPoint } from "@copresence/server/store/crash-point";

const CLI = fileURLToPath(new URL("../../../server/src/cli.ts", import.meta.url));
const SCENE = fileURLToPath(new URL("./notes-scene.ts", import.meta.url));
const CRASH_HERE = new URL("./crash-here.ts", import.meta.url);

export type Death = { readonly signal: string | null; readonly code: number | null; readonly output: string };
export type Victim = {
  /** Where it listens, or undefined when it died before it did. */
  readonly url: Promise<string | undefined>;
  readonly died: Promise<Death>;
  readonly process: ChildProcess;
};
export type VictimOptions = {
  /** COPRESENCE_STORE. */
  readonly store: string;
  readonly space: string;
  /** Where it is to die by itself, and at which visit. */
  readonly crash?: { readonly at: CrashPoint; readonly hit: number } | undefined;
};

export function startVictim({ store, space, crash }: VictimOptions): Victim {
  const hook = crash === undefined ? [] : ["--import", `${CRASH_HERE.href}?at=${crash.at}&hit=${crash.hit}`];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COPRESENCE_")));
  const child = spawn(process.execPath, [...hook, CLI], {
    env: {
      // A thousand starts of the same sources: Node need not compile them a thousand times.
      NODE_COMPILE_CACHE: join(tmpdir(), "copresence-compile-cache"),
      ...inherited,
      COPRESENCE_PORT: "0",
      COPRESENCE_LOG: "warn",
      COPRESENCE_TRANSPORT: "ws",
      COPRESENCE_SCENE: SCENE,
      COPRESENCE_SPACES: space,
      COPRESENCE_DEV_TICKETS: "1",
      COPRESENCE_TICK_RATE: "20",
      COPRESENCE_STORE: store,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const died = new Promise<Death>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, output }));
  });
  const listening = new Promise<string>((resolve) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      const url = /running at (\S+) \(/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
  });
  return { url: Promise.race([listening, died.then(() => undefined)]), died, process: child };
}

/** One metric of a running server, summed over its label sets; undefined when it died meanwhile. */
export async function metricOf(url: string, name: string): Promise<number | undefined> {
  try {
    const text = await (await fetch(new URL("/metrics", url))).text();
    const values = text.split("\n").flatMap((line) => new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`).exec(line)?.[1] ?? []);
    return values.reduce((sum, value) => sum + Number(value), 0);
  } catch {
    return undefined;
  }
}
