/** What is asked of a scene's past, and what comes back. Passed between threads: plain data only. */
import type { HistoryEntry as PastEntry } from "@copresence/shared/scene";

export type { PastEntry };

/** Names are "" and `sinceMs` 0 where they do not narrow anything. `sinceMs`: wall clock. */
export type PastQuery = {
  /** `person`: everything `by` did, for handing it to them. */
  readonly kind: "list" | "undo" | "person";
  readonly by: string;
  readonly object: string;
  readonly sinceMs: number;
  /** Entries of a list. */
  readonly limit: number;
};

/** One record of the log: who wrote what, when. */
export type PastRecord = { readonly user: string; readonly atMs: number; readonly bytes: Uint8Array };
/** The log as far back as it is kept: the document before the first record, and the records. */
export type Past = { readonly base: Uint8Array | undefined; readonly records: readonly PastRecord[] };

/** An object as Yjs stores it, `toJSON`; undefined: there is none. */
export type StoredObject = Readonly<Record<string, unknown>> | undefined;
export type UndoneObject = { readonly object: string; readonly before: StoredObject; readonly after: StoredObject };

/** One edit of a person. `wrote`: text and values it carries; `update`: the edit itself, for Yjs. */
export type PersonEdit = {
  readonly atMs: number;
  readonly changes: readonly { readonly object: string; readonly kind: PastEntry["kind"]; readonly fields: readonly string[] }[];
  readonly wrote: readonly unknown[];
  readonly update: Uint8Array;
};
/** An object that a person made, or changed last. `gone`: it was deleted since. */
export type PersonObject = { readonly object: string; readonly made: boolean; readonly lastChanged: boolean; readonly gone: boolean };

export type PastAnswer =
  | { readonly kind: "person"; readonly startMs: number; readonly edits: readonly PersonEdit[]; readonly objects: readonly PersonObject[] }
  /** Newest first. `startMs`: when the history begins; `more`: older entries were left out. */
  | { readonly kind: "list"; readonly startMs: number; readonly more: boolean; readonly entries: readonly PastEntry[] }
  /** `touched`: objects the undone edits were about; those of them that are not among `objects` have been changed by others since. */
  | { readonly kind: "undo"; readonly touched: number; readonly objects: readonly UndoneObject[] };
