/**
 * What a worker of our own runs in: a child process or a thread. Both speak `ToWorker` and `FromWorker`.
 *
 * Measured (`npm run bench -- pipeline`, figures `pipeline.<vessel>_*`): a child process costs a few tenths of a millisecond per chat line and about
 * 50 MB more than a thread, and can always be killed, whatever native code it is in; it takes its garbage collection, and a crash of native
 * code, with it. Hence the child process is the default.
 *
 * [VE1] `end` is final and safe at any time: the room's process survives it, whatever the worker is doing.
 * [VE2] Nothing of a vessel keeps the room's process alive until `leave` is asked.
 */
import type { FromWorker, ToWorker } from "../worker-messages.ts";

export type VesselEvents = {
  readonly onMessage: (message: FromWorker) => void;
  /** It ended by itself. */
  readonly onGone: (sentence: string) => void;
};

export type Vessel = {
  post(message: ToWorker): void;
  /** Ends it now. False when it could not be ended and was left behind. */
  end(): Promise<boolean>;
  /** Asks it to finish and leave; resolves when it is gone, at the latest after `ms`, by force if need be. */
  leave(ms: number): Promise<void>;
  /** Process id of a child process. */
  readonly pid: number | undefined;
};

export type Launcher = {
  launch(entry: URL, events: VesselEvents): Vessel;
  /** Once every vessel has left. */
  close(): Promise<void>;
};

/** Ten thousand objects and the models take a fraction; more is a leak, and the worker dies instead of the process. */
export const HEAP_MB = 256;
/**
 * What a worker process is started with. By default V8 lets the young generation grow to 48 MB, and glibc keeps what was freed in an arena per
 * thread: a hundred megabytes of nothing beside a hundred of index and models.
 */
export const WORKER_FLAGS: readonly string[] = [`--max-old-space-size=${HEAP_MB}`, "--max-semi-space-size=4"];
export const WORKER_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "2" };
/** Where a worker process finds the stream it shares with the room's process, and the variable with the mark (hex, frames.ts) its messages begin with. */
export const WIRE_FD = 4;
export const MARK_VARIABLE = "COPRESENCE_WORKER_MARK";
