/**
 * Processes of a bench that talk to it: each answers questions by name. The one under measurement and the one that loads it are never the
 * same, so that neither pays for the other.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** What a child does when asked; answers must survive JSON. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>;

/** How much the process used since it started, and what it holds. */
export type Usage = { readonly atMs: number; readonly cpuMs: number; readonly heapBytes: number };

const START_MS = 30_000;
const ASK_MS = 120_000;

export class Child {
  private readonly process: ChildProcess;
  private asked = 0;
  private readonly waiting = new Map<number, { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }>();

  private constructor(process: ChildProcess) {
    this.process = process;
    process.on("message", (message: { readonly id: number; readonly value?: unknown; readonly error?: string }) => {
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.value as never);
      else waiting?.reject(new Error(message.error));
    });
    process.on("exit", (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the process ended with ${code}`));
      this.waiting.clear();
    });
  }

  /** Starts `script` (relative to this folder); it can collect its garbage on request. `prefix`: the command that runs node, if not node. */
  static async start(script: string, prefix: readonly string[] = []): Promise<Child> {
    const file = fileURLToPath(new URL(script, import.meta.url));
    const [command = process.execPath, ...before] = prefix;
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
    const child = new Child(spawn(command, [...before, "--expose-gc", file], { stdio: [...stdio] }));
    await child.ask("ready", undefined, START_MS);
    return child;
  }

  /** Binds all threads of the process to one core, where that can be done. */
  pin(core: number): void {
    if (canPin()) execFileSync("taskset", ["-acp", String(core), String(this.process.pid)], { stdio: "ignore" });
  }

  ask<T>(question: string, argument?: unknown, patienceMs = ASK_MS): Promise<T> {
    const id = ++this.asked;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to "${question}"`)), patienceMs);
      const settle =
        <V>(then: (value: V) => void) =>
        (value: V): void => {
          clearTimeout(timer);
          then(value);
        };
      this.waiting.set(id, { resolve: settle(resolve) as (value: never) => void, reject: settle(reject) });
      this.process.send?.({ id, question, argument });
    });
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}

let pinning: boolean | undefined;
/** Whether two processes can have a core each. */
export function canPin(): boolean {
  if (pinning !== undefined) return pinning;
  if (availableParallelism() < 2) return (pinning = false);
  try {
    execFileSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" });
    return (pinning = true);
  } catch {
    return (pinning = false);
  }
}

/** Answers the parent from within a child; `ready` and `usage` are understood by all. */
export function serve(answers: Answers): void {
  const all: Answers = { ready: () => true, usage, end: () => process.exit(0), ...answers };
  process.on("message", (message: { readonly id: number; readonly question: string; readonly argument: unknown }) => {
    void Promise.resolve()
      .then(() => all[message.question]?.(message.argument as never))
      .then(
        (value) => process.send?.({ id: message.id, value }),
        (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
      );
  });
  process.on("disconnect", () => process.exit(0));
}

/** `heapBytes` after a collection: heap, and external memory with array buffers. */
function usage(options?: { readonly collect: boolean }): Usage {
  if (options?.collect === true) for (let i = 0; i < 2; i++) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  return { atMs: performance.now(), cpuMs: (user + system) / 1000, heapBytes: heapUsed + external };
}

/** A clock that processes of one machine share. */
export const epochMs = (): number => performance.timeOrigin + performance.now();

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
