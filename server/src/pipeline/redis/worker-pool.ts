/**
 * Worker processes behind Redis, kept alive: `npm run worker` is one pool.
 *
 * [WP1] A worker that ends is replaced after a backoff (backoff.ts).
 *       What it served is free at once, not when its leases expire.
 * [WP2] `stop` asks them to hand their parts over and kills what has not left after `STOP_MS`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Backoff } from "../backoff.ts";
import { WORKER_ENV, WORKER_FLAGS } from "../host/vessel.ts";
import { keysOf } from "./keys.ts";
import { openLink } from "./link.ts";
import { releaseLeases } from "./part-leases.ts";
import type { FromServer, ToServer, WorkerStats } from "./serve.ts";

const STOP_MS = 5000;

export type PoolOptions = {
  readonly url: string;
  readonly namespace: string;
  readonly workers: number;
  readonly onLog: (sentence: string) => void;
  readonly entry?: URL;
  /** The longest backoff. */
  readonly backoffMs?: number;
};
type Slot = {
  child: ChildProcess | undefined;
  worker: string | undefined;
  stats: WorkerStats | undefined;
  startedMs: number;
  readonly backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
};

export class WorkerPool {
  private readonly options: PoolOptions;
  private readonly slots: Slot[];
  private stopping = false;
  /** Workers lost and replaced. */
  restarts = 0;

  constructor(options: PoolOptions) {
    this.options = options;
    this.slots = Array.from({ length: options.workers }, () => ({
      child: undefined,
      worker: undefined,
      stats: undefined,
      startedMs: 0,
      backoff: new Backoff(options.backoffMs),
      timer: undefined,
    }));
    for (const slot of this.slots) this.start(slot);
  }

  /** Of the workers that serve now. */
  get stats(): readonly WorkerStats[] {
    return this.slots.flatMap(({ stats }) => stats ?? []);
  }
  get pids(): readonly number[] {
    return this.slots.flatMap(({ child }) => child?.pid ?? []);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(
      this.slots.map(async ({ child, timer }) => {
        clearTimeout(timer);
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
        const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        tell(child, { kind: "stop" });
        await gone;
        clearTimeout(late);
      }),
    );
  }

  /** Should that fail, the leases expire. */
  private release(worker: string): void {
    const link = openLink(this.options.url);
    void link
      .ready()
      .then(() => releaseLeases(link, keysOf(this.options.namespace), worker))
      .catch(() => undefined)
      .finally(() => link.close());
  }

  private start(slot: Slot): void {
    const { entry = new URL("./worker-process.ts", import.meta.url), url, namespace, onLog } = this.options;
    const child = fork(fileURLToPath(entry), {
      env: { ...WORKER_ENV },
      execArgv: [...WORKER_FLAGS],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    slot.child = child;
    slot.startedMs = performance.now();
    child.on("message", (message: FromServer) => {
      if (message.kind === "stats") slot.stats = message.stats;
      if (message.kind === "serving") slot.worker = message.worker;
      if (message.kind !== "stats") onLog(message.kind === "log" ? message.sentence : `a worker is ready with ${message.runtime}`);
    });
    child.on("error", () => undefined);
    child.once("exit", (code, signal) => {
      slot.child = undefined;
      slot.stats = undefined;
      const { worker } = slot;
      slot.worker = undefined;
      if (worker !== undefined && (code !== 0 || signal !== null)) this.release(worker);
      if (this.stopping) return;
      const backoffMs = slot.backoff.next(performance.now() - slot.startedMs);
      this.restarts++;
      onLog(`a worker left with ${signal ?? `code ${code}`}; the next starts in ${backoffMs} ms`);
      slot.timer = setTimeout(() => this.start(slot), backoffMs);
    });
    tell(child, { kind: "start", url, namespace });
  }
}

const tell = (child: ChildProcess, message: ToServer): void => void (child.connected && child.send(message, () => undefined));
