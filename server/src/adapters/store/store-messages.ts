/** What the thread of a store and its host say to each other. */
import type { Result } from "@copresence/shared/base";
import type { PastQuery } from "../../core/history/types.ts";
import type { AppendRecord } from "../../core/types.ts";
import type { SceneNote, StoreError } from "./scene-store.ts";
import type { AdminError, SceneContent } from "./store-admin.ts";

export type StoreRequest =
  /** Answered with when it was open, by the clock of thread-time.ts: its host may be busy and hear of it late. */
  | { readonly id: number; readonly op: "start" }
  | { readonly id: number; readonly op: "open"; readonly scene: string }
  | { readonly id: number; readonly op: "append"; readonly scene: string; readonly epoch: number; readonly records: readonly AppendRecord[] }
  | { readonly id: number; readonly op: "compact"; readonly scene: string; readonly epoch: number }
  | { readonly id: number; readonly op: "reroot"; readonly scene: string; readonly epoch: number; readonly note: SceneNote }
  | { readonly id: number; readonly op: "note"; readonly scene: string; readonly key: string; readonly value: Uint8Array }
  | { readonly id: number; readonly op: "recall"; readonly scene: string; readonly epoch: number; readonly query: PastQuery }
  | { readonly id: number; readonly op: "release"; readonly scene: string }
  | { readonly id: number; readonly op: "admin"; readonly ask: AdminAsk }
  | { readonly id: number; readonly op: "probe" }
  | { readonly id: number; readonly op: "close" };
export type AdminAsk =
  | { readonly what: "exportScene"; readonly scene: string }
  | { readonly what: "importScene"; readonly scene: string; readonly content: SceneContent; readonly replace: boolean }
  | { readonly what: "exportPerson"; readonly user: string }
  | { readonly what: "erasePerson"; readonly user: string; readonly alias: string };
export type StoreReply =
  | { readonly id: number; readonly result: Result<unknown, StoreError | AdminError> }
  /** Something an operator should read in the log. */
  | { readonly notice: string };
