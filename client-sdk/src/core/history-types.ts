/** The public face of `space.history` and `space.rollback`. */
import type { DeniedReason } from "@copresence/shared/protocol";
import type { HistoryEntry } from "@copresence/shared/scene";

export type { HistoryEntry };

/** `by`: a user; `since`: wall clock, ms or a Date. */
export type RollbackOptions = { readonly by?: string; readonly object?: string; readonly since?: number | Date };
/** `limit`: entries, at most 100. */
export type HistoryOptions = RollbackOptions & { readonly limit?: number };
/** `too-many`: the history is being read already. `read-only`: the room's storage is in trouble. */
export type PastRefusal = { readonly ok: false; readonly reason: DeniedReason | "offline"; readonly sentence: string };
/** The history begins at `startMs`; `more`: older entries were left out. */
export type HistoryResult =
  | { readonly ok: true; readonly startMs: number; readonly more: boolean; readonly entries: readonly HistoryEntry[] }
  | PastRefusal;
/** Objects that were changed, and objects left as they are because others have changed them since. */
export type RollbackResult = { readonly ok: true; readonly changed: number; readonly kept: number } | PastRefusal;
