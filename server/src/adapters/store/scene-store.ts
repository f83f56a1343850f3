/**
 * The `SceneStore` contract: durable before visible. Proven by one exported suite (`scene-store.contract.ts`) on every adapter.
 *
 * [ST1] `append` resolves ok only after the records have reached the disk (fsync), and in order per scene.
 * [ST2] `open` returns exactly what was acknowledged, or an error; never an empty or a shorter scene in place of an unreadable one.
 * [ST3] A tail that was never acknowledged is cut and reported; damage to anything that was acknowledged quarantines the scene.
 * [ST4] `compact` replaces the log by a snapshot in one transaction, after the snapshot was seen to decode, and keeps the previous generation:
 *       either of the two loads the same document.
 * [ST6] What compaction takes from the log stays readable as history, with author and time, until it is older or larger than `Retention`.
 * [ST8] `reroot` puts a fresh document with the same content in the place of the old one, as a new epoch, in one transaction: after a crash
 *       there is the old epoch or the new one, each whole. What was the old epoch is history from then on, like what compaction takes away.
 * [ST5] One holder per scene: who opened it later, after the earlier holder died or let go, wins, and the earlier holder's writes are `fenced`.
 * [ST6] `note` is as durable as `append`; `open` returns the newest of each key.
 */
import type { Result } from "@copresence/shared/base";
import type { Rerooted, Wear } from "../../core/document/renewal.ts";
import type { PastAnswer, PastQuery } from "../../core/history/types.ts";
import type { AppendRecord } from "../../core/types.ts";

/**
 * `locked`: another process holds it. `fenced`: another process has taken it over, and this one must let go. `corrupt`: damaged, or
 * written by a newer server; stays closed until a person acts (server/OPERATIONS.md). `closed`: not open here. `full`, `io`: may pass; `probe` says when.
 */
export type StoreError = { readonly code: "io" | "full" | "corrupt" | "closed" | "locked" | "fenced"; readonly sentence: string };

export type LoadedScene = {
  /** Incremented when the document is re-rooted; part of every ack. */
  readonly epoch: number;
  /** Sequence number of the last durable record. */
  readonly seq: number;
  readonly snapshot: Uint8Array | undefined;
  /** Updates after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  /** Records of a tail that nobody was promised, cut at this load. */
  readonly cutRecords: number;
  /** Who writes under which Yjs clientID, so that nobody takes another's after a restart (core/document/client-registry.ts). */
  readonly owners?: ReadonlyMap<number, string>;
  /** Small records of the scene beside its document, by key: permissions. */
  readonly notes?: ReadonlyMap<string, Uint8Array>;
};

/** The new snapshot: everything up to record `seq`, `bytes` long. */
/** `wear`: what the document carries around; unknown when nothing had to be folded. */
export type Compacted = { readonly seq: number; readonly bytes: number; readonly wear?: Wear | undefined };
export type SceneNote = { readonly key: string; readonly value: Uint8Array };

export type SceneStore = {
  /** Loads or creates the scene and becomes its holder; `scene` is an identifier, hashed before it becomes a key. */
  open(scene: string): Promise<Result<LoadedScene, StoreError>>;
  append(scene: string, epoch: number, records: readonly AppendRecord[]): Promise<Result<{ readonly seq: number }, StoreError>>;
  /** Folds snapshot and log into a new snapshot. Appends go on meanwhile; the caller's thread does none of the work. */
  compact(scene: string, epoch: number): Promise<Result<Compacted, StoreError>>;
  /**
   * Begins a new epoch with a fresh document of the same content [ST8]; its records are the answer. `note` is replaced in the same transaction. The
   * caller appends nothing meanwhile; its thread does none of the work.
   */
  reroot(scene: string, epoch: number, note: SceneNote): Promise<Result<Rerooted, StoreError>>;
  /** Replaces one of the scene's notes; durable when it resolves ok. `key` is an identifier. Notes survive compaction and new epochs. */
  note(scene: string, key: string, value: Uint8Array): Promise<Result<void, StoreError>>;
  /** Reads the scene's past as far as it is kept (core/history/past.ts); the caller's thread does none of the work. */
  recall(scene: string, epoch: number, query: PastQuery): Promise<Result<PastAnswer, StoreError>>;
  /** The room has ended: nothing more is written, another process may open the scene. */
  release(scene: string): Promise<void>;
  /** A verified write, to learn whether the store works again; brings back a store whose thread or connection has died. */
  probe(): Promise<Result<void, StoreError>>;
  close(): Promise<void>;
};
