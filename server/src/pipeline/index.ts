/** The side pipeline (INFERENCE.md). Rooms see `Pipeline`; which one it is, the composition root decides. */
import { InlinePipeline } from "./inline-pipeline.ts";
import { SidePipeline } from "./side-pipeline.ts";
import type { Timers } from "./timers.ts";
import type { Pipeline } from "./types.ts";

export type PipelineOptions = {
  /** `worker`: a thread of its own with the model runtime. `inline`: in the room's thread, in slices, without models. */
  readonly mode: "worker" | "inline";
  /** Sentences for the log: restarts, runtime, trouble. Never texts or ids. */
  readonly onLog?: (line: string) => void;
  readonly timers?: Timers;
};

export function createPipeline({ mode, ...options }: PipelineOptions): Pipeline {
  return mode === "worker" ? new SidePipeline(options) : new InlinePipeline(options);
}
