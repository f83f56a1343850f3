/** The side pipeline (INFERENCE.md). Rooms see `Pipeline`; which one it is, the composition root decides. */
import type { CarrierEvents } from "./carrier.ts";
import { canFork, ChildLauncher } from "./host/child-launcher.ts";
import { HostCarrier } from "./host/host-carrier.ts";
import { threadLauncher } from "./host/thread-launcher.ts";
import { InlinePipeline } from "./inline-pipeline.ts";
import { RedisCarrier, type RedisOptions } from "./redis/redis-carrier.ts";
import { type Deadlines, SidePipeline } from "./side-pipeline.ts";
import { realTimers, type Timers } from "./timers.ts";
import type { Pipeline } from "./types.ts";

export type { Deadlines } from "./side-pipeline.ts";
export type { Pipeline, PipelineAnswer, PipelineHealth, PipelineMode } from "./types.ts";

/**
 * `process`: a child process with the model runtime. `thread`: the same in a thread. `redis`: workers of their own (`npm run worker`), shared
 * by many servers. `inline`: in the room's thread, in slices, without models.
 */
export type PipelineChoice = { readonly kind: "process" | "thread" | "inline" } | ({ readonly kind: "redis" } & RedisOptions);

export type PipelineOptions = {
  /** Sentences for the log: restarts, runtime, trouble. Never texts or ids. */
  readonly onLog?: (line: string) => void;
  readonly timers?: Timers;
  readonly deadlines?: Deadlines;
  /** When the first worker of our own may start; default at once. */
  readonly startAt?: Promise<void>;
};

const ENTRY = new URL("./worker.ts", import.meta.url);

export function createPipeline(choice: PipelineChoice, options: PipelineOptions = {}): Pipeline {
  const timers = options.timers ?? realTimers;
  switch (choice.kind) {
    case "inline":
      return new InlinePipeline({ timers });
    case "redis":
      return new SidePipeline({ ...options, mode: "redis", carrier: (events) => new RedisCarrier({ ...choice, timers }, events) });
    case "process":
    case "thread": {
      const fork = choice.kind === "process" && canFork();
      if (choice.kind === "process" && !fork) options.onLog?.("no child process can be started under this loader; the pipeline runs in a thread");
      const launcher = fork ? new ChildLauncher() : threadLauncher;
      const carrier = (events: CarrierEvents) => new HostCarrier({ launcher, entry: ENTRY, timers, startAt: options.startAt }, events);
      return new SidePipeline({ ...options, mode: fork ? "process" : "thread", carrier });
    }
  }
}
