/** A real server process that is going to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashPoint } from "@copresence/server/store/crash-point";

const CLI = fileURLToPath(new URL("../../../server/src/cli.ts", import.meta.url));
const SCENE = fileURLToPath(new URL("./notes-scene.ts", import.meta.url));
const WAIT_HERE = new URL("./wait-here.ts", import.meta.url);
const CRASH_HERE = new URL("./crash-here.ts", import.meta.url);

export type Death = { readonly signal: string | null; readonly code: number | null; readonly output: string };
export type Victim = {
  /** Where it listens, or undefined when it died before it did. */
  readonly url: Promise<string | undefined>;
  readonly died: Promise<Death>;
  readonly process: ChildProcess;
  /** Lets one that waits begin. */
  readonly begin: () => void;
};
export type VictimOptions = {
  /** COPRESENCE_STORE. */
  readonly store: string;
  readonly space: string;
  /** It waits for `begin` before it opens or does anything (wait-here.ts), and has its pipeline inline, with no child process that loads models. */
  readonly spare?: boolean;
  /** Where it is to die by itself, and at which visit. */
  readonly crash?: { readonly at: CrashPoint; readonly hit: number } | undefined;
};

export function startVictim({ store, space, crash, spare = false }: VictimOptions): Victim {
  const hook = crash === undefined ? [] : ["--import", `${CRASH_HERE.href}?at=${crash.at}&hit=${crash.hit}`];
  const wait = spare ? ["--import", WAIT_HERE.href] : [];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COPRESENCE_")));
  const child = spawn(process.execPath, [...hook, ...wait, CLI], {
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
      ...(spare ? { COPRESENCE_PIPELINE: "inline" } : {}),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const begin = (): void => void child.stdin.end("\n");
  // One that is dead already takes no line.
  child.stdin.on("error", () => undefined);
  if (!spare) begin();
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
  return { url: Promise.race([listening, died.then(() => undefined)]), died, process: child, begin };
}

/**
 * One life with a peaceful end: Node writes down what it compiled, and stripped of types, only when a process ends by itself, which no victim
 * does. Without it every start would compile everything anew.
 */
export async function keepCompiled(options: VictimOptions, visit: (url: string) => Promise<unknown>): Promise<void> {
  const victim = startVictim(options);
  const url = await victim.url;
  if (url !== undefined) await visit(url);
  victim.process.kill("SIGTERM");
  await victim.died;
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
