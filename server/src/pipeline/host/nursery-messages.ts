/** What the room's process and the one that starts its workers say to each other. `id` is a worker's, never used twice. */
import type { FromWorker, ToWorker } from "../worker-messages.ts";

export type ToNursery =
  | { readonly kind: "start"; readonly id: number; readonly entry: string }
  | { readonly kind: "post"; readonly id: number; readonly message: ToWorker }
  | { readonly kind: "kill"; readonly id: number };

export type FromNursery =
  | { readonly kind: "started"; readonly id: number; readonly pid: number }
  | { readonly kind: "said"; readonly id: number; readonly message: FromWorker }
  /** The last that is said about a worker. */
  | { readonly kind: "gone"; readonly id: number; readonly sentence: string };
