/** What the room's process and its own worker, thread or child process, say to each other. Plain data, cloned or serialised on the way. */
import type { PipelineEvent } from "../core/types.ts";
import type { RuntimeReport } from "./carrier.ts";
import type { Handled } from "./consumers.ts";

export type WorkerData = { readonly gate: SharedArrayBuffer };
export type BatchItem = { readonly scene: string; readonly event: PipelineEvent };

export type ToWorker =
  | { readonly kind: "batch"; readonly id: number; readonly items: readonly BatchItem[] }
  | { readonly kind: "forget"; readonly scene: string }
  /** Finish what is running and leave. */
  | { readonly kind: "close" }
  /** Fault injection: die, or stop answering. */
  | { readonly kind: "fault"; readonly fault: Fault };
export type Fault = "crash" | "freeze";

export type FromWorker =
  | { readonly kind: "ready"; readonly runtime: RuntimeReport }
  /** Every event of the batch has been handled; one entry per item, in order. */
  | { readonly kind: "done"; readonly id: number; readonly handled: readonly Handled[] };
