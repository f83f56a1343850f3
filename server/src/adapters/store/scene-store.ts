/**
 * The `SceneStore` contract: durable before visible. Proven by one exported suite (`scene-store.contract.ts`) on every adapter.
 *
 * [ST1] `append` resolves ok only after the records have reached the disk (fsync), and in order per scene.
 * [ST2] `open` returns exactly what was acknowledged, or an error; never an empty scene in place of an unreadable one.
 * [ST3] A torn tail is cut and reported (`cutRecords`); a flipped bit elsewhere quarantines the scene.
 * [ST4] `snapshot` replaces the log up to `seq` in one transaction and keeps the previous generation until the new one decodes.
 * [ST5] `note` is as durable as `append`; `open` returns the newest of each key.
 */
import type { Result } from "@copresence/shared/base";
import type { AppendRecord } from "../../core/types.ts";

export type StoreError = { readonly code: "io" | "full" | "corrupt" | "closed" | "locked"; readonly sentence: string };

export type LoadedScene = {
  /** Incremented when the document is re-rooted; part of every ack. */
  readonly epoch: number;
  /** Sequence number of the last durable record. */
  readonly seq: number;
  readonly snapshot: Uint8Array | undefined;
  /** Updates after the snapshot, oldest first. */
  readonly updates: readonly Uint8Array[];
  readonly cutRecords: number;
  /** Who writes under which Yjs clientID, so that nobody takes another's after a restart (core/document/client-registry.ts). */
  readonly owners?: ReadonlyMap<number, string>;
  /** Small records of the scene beside its document, by key: permissions. */
  readonly notes?: ReadonlyMap<string, Uint8Array>;
};

export type SceneStore = {
  /** Loads or creates the scene; `scene` is an identifier, hashed before it becomes a key. */
  open(scene: string): Promise<Result<LoadedScene, StoreError>>;
  append(scene: string, epoch: number, records: readonly AppendRecord[]): Promise<Result<{ readonly seq: number }, StoreError>>;
  snapshot(scene: string, epoch: number, seq: number, state: Uint8Array): Promise<Result<void, StoreError>>;
  /** Replaces one of the scene's notes; durable when it resolves ok. `key` is an identifier. Notes survive snapshots and new epochs. */
  note(scene: string, key: string, value: Uint8Array): Promise<Result<void, StoreError>>;
  /** A small verified write, to learn whether the store works again. */
  probe(): Promise<Result<void, StoreError>>;
  close(): Promise<void>;
};
