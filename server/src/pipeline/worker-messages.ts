/** What the room's process and the pipeline's worker thread say to each other. Plain data, cloned by postMessage. */
import type { PipelineEvent } from "../core/types.ts";
import type { PipelineAnswer } from "./types.ts";

export type WorkerData = { readonly gate: SharedArrayBuffer };
export type BatchItem = { readonly scene: string; readonly event: PipelineEvent };
export type SceneAnswer = { readonly scene: string; readonly answer: PipelineAnswer };

export type ToWorker =
  | { readonly kind: "batch"; readonly id: number; readonly items: readonly BatchItem[] }
  | { readonly kind: "forget"; readonly scene: string }
  /** Finish what is running and leave. */
  | { readonly kind: "close" }
  /** Fault injection: die, or stop answering. */
  | { readonly kind: "fault"; readonly fault: Fault };
export type Fault = "crash" | "freeze";

export type FromWorker =
  | { readonly kind: "ready"; readonly runtimeOk: boolean; readonly runtime: string }
  /** Every event of the batch has been handled; these are its answers. */
  | { readonly kind: "done"; readonly id: number; readonly answers: readonly SceneAnswer[] };
