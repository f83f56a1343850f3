/**
 * Keeps one worker thread alive: starts it, gives it one batch at a time, notices when it dies or hangs, and starts another.
 *
 * [WH1] Restarts back off from 100 ms to 10 s and start over after the worker has served for a while.
 * [WH2] A worker that does not finish a batch in `BATCH_MS` or does not start in `START_MS` is taken for hung and replaced.
 * [WH3] A thread is terminated only through the native gate; one that hangs inside native code is left behind, unable to keep the process
 *       alive, and after `MAX_LEFT_BEHIND` of those no further worker is started.
 */
import { Worker } from "node:worker_threads";
import { NativeGate } from "./runtime/native-gate.ts";
import type { Timers } from "./timers.ts";
import type { BatchItem, Fault, FromWorker, SceneAnswer, ToWorker, WorkerData } from "./worker-messages.ts";

const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;
const STABLE_MS = 10_000;
const BATCH_MS = 3000;
const START_MS = 15_000;
const CLOSE_MS = 2000;
const MAX_LEFT_BEHIND = 3;
/** A second in all: an inference that takes longer is not one of ours. */
const GATE_RETRY_MS = 20;
const GATE_TRIES = 50;
/** Ten thousand objects and the models take a fraction; more is a leak, and the thread dies instead of the process. */
const HEAP_MB = 256;

export type HostEvents = {
  readonly onReady: (runtime: { readonly ok: boolean; readonly sentence: string }) => void;
  readonly onDone: (answers: readonly SceneAnswer[]) => void;
  /** The worker is gone; what it had not acknowledged is to be given to the next. */
  readonly onDown: (sentence: string) => void;
  readonly onLog: (sentence: string) => void;
};

type Running = { readonly worker: Worker; readonly gate: NativeGate; readonly startedMs: number };

export class WorkerHost {
  private readonly timers: Timers;
  private readonly events: HostEvents;
  private running: Running | undefined;
  private ready = false;
  private batch = 0;
  private inFlight: number | undefined;
  private backoffMs = FIRST_BACKOFF_MS;
  private leftBehind = 0;
  private closed = false;
  private cancelWatch: (() => void) | undefined;
  private cancelRestart: (() => void) | undefined;

  constructor(timers: Timers, events: HostEvents) {
    this.timers = timers;
    this.events = events;
  }

  /** Ready and without a batch. */
  get idle(): boolean {
    return this.ready && this.inFlight === undefined;
  }

  start(): void {
    this.cancelRestart = undefined;
    if (this.closed || this.running !== undefined) return;
    if (this.leftBehind >= MAX_LEFT_BEHIND) return this.events.onLog("too many workers hang in native code; staying without one");
    const gate = new NativeGate();
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "copresence-pipeline",
      workerData: { gate: gate.buffer } satisfies WorkerData,
      // The thread needs none of the server's secrets, flags or preloaded modules.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.unref();
    this.running = { worker, gate, startedMs: this.timers.now() };
    const mine = (run: () => void) => (): void => {
      if (this.running?.worker === worker) run();
    };
    worker.on("message", (message: FromWorker) => mine(() => this.hear(message))());
    worker.on("error", (error: Error) => mine(() => this.down(`the worker failed: ${error.message}`))());
    worker.on("exit", (code) => mine(() => this.down(`the worker left with code ${code}`))());
    this.watch(START_MS, "the worker did not start in time");
  }

  /** Call only when `idle`. */
  send(items: readonly BatchItem[]): void {
    this.inFlight = ++this.batch;
    this.post({ kind: "batch", id: this.batch, items });
    this.watch(BATCH_MS, "the worker did not finish a batch in time");
  }

  forget(scene: string): void {
    if (this.ready) this.post({ kind: "forget", scene });
  }

  inject(fault: Fault): void {
    this.post({ kind: "fault", fault });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelWatch?.();
    this.cancelRestart?.();
    const running = this.running;
    this.running = undefined;
    this.ready = false;
    if (running === undefined) return;
    running.worker.ref();
    running.worker.on("error", () => undefined);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => void this.end(running).then(resolve), CLOSE_MS);
      running.worker.once("exit", () => {
        clearTimeout(timer);
        resolve();
      });
      running.worker.postMessage({ kind: "close" } satisfies ToWorker);
    });
  }

  private hear(message: FromWorker): void {
    if (message.kind === "ready") {
      this.ready = true;
      this.cancelWatch?.();
      this.events.onReady({ ok: message.runtimeOk, sentence: message.runtime });
    } else if (message.id === this.inFlight) {
      this.inFlight = undefined;
      this.cancelWatch?.();
      if (this.timers.now() - (this.running?.startedMs ?? 0) > STABLE_MS) this.backoffMs = FIRST_BACKOFF_MS;
      this.events.onDone(message.answers);
    }
  }

  private down(sentence: string): void {
    const running = this.running;
    if (running === undefined) return;
    this.running = undefined;
    this.ready = false;
    this.inFlight = undefined;
    this.cancelWatch?.();
    running.worker.on("error", () => undefined);
    void this.end(running);
    this.events.onDown(sentence);
    this.cancelRestart = this.timers.after(this.backoffMs, () => this.start());
    this.backoffMs = Math.min(LAST_BACKOFF_MS, this.backoffMs * 2);
  }

  /** Terminates through the gate, waiting a while for a native call to end [WH3]. */
  private async end({ worker, gate }: Running): Promise<void> {
    for (let tries = 0; tries < GATE_TRIES; tries++) {
      if (gate.close()) {
        await worker.terminate();
        return;
      }
      await new Promise<void>((resolve) => this.timers.after(GATE_RETRY_MS, resolve));
    }
    this.leftBehind++;
    worker.unref();
    this.events.onLog("a worker hangs in native code and was left behind");
  }

  private watch(ms: number, sentence: string): void {
    this.cancelWatch?.();
    this.cancelWatch = this.timers.after(ms, () => this.down(sentence));
  }

  private post(message: ToWorker): void {
    this.running?.worker.postMessage(message);
  }
}
