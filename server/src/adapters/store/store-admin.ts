/**
 * What an operator asks of a store, beside the rooms: scenes as files, and what is kept about a person. Every adapter meets it
 * (`store-admin.contract.ts`).
 *
 * [SA1] `exportScene` gives the scene with its history, authors and notes, from one moment, or an error when any of it is damaged.
 * [SA2] `importScene` writes all of it in one transaction, after it was seen to decode. A scene that is open is refused, one that is not empty
 *       too, unless it is to be replaced; what was replaced is gone, and the scene has a new epoch.
 * [SA3] After `erasePerson` the person's id is nowhere in what the store keeps about scenes (log of every epoch, quarantined scenes
 *       included; authors of clientIDs; permission rules), nor in what the store's file once held there (free pages, write-ahead log).
 *       Checks that held before hold after; damage stays damage.
 * [SA4] Erasing goes in small transactions and may be cut off anywhere: asked again, it finishes. Where nothing is left to do nothing happens.
 * [SA5] What people wrote into shared objects stays as it is: `mentions` counts where the id is still part of it.
 */
import type { Result } from "@copresence/shared/base";
import type { PersonEdit, PersonObject } from "../../core/history/types.ts";
import type { RuleNote } from "./person-notes.ts";
import type { Owner } from "./records.ts";
import type { SceneStore, StoreError } from "./scene-store.ts";

/** `occupied`: the scene is not empty. `unknown`: there is no such scene. Otherwise as for rooms. */
export type AdminError = { readonly code: StoreError["code"] | "occupied" | "unknown"; readonly sentence: string };

export type ContentRecord = {
  readonly user: string;
  readonly client: number;
  readonly clock: number;
  /** Wall clock. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
};
/** A scene as it travels. `base`: the document before the first record; undefined: empty. */
export type SceneContent = {
  readonly base: Uint8Array | undefined;
  readonly records: readonly ContentRecord[];
  readonly owners: readonly Owner[];
  readonly notes: ReadonlyMap<string, Uint8Array>;
};

/** What is kept about a person in one scene. `fault`: why the history could not be read; the rest is there all the same. */
export type PersonInScene = {
  /** "" when the store does not know it: it was last opened by an older version. */
  readonly scene: string;
  readonly key: string;
  /** Yjs clientIDs they wrote under. */
  readonly clients: readonly number[];
  readonly rules: readonly RuleNote[];
  readonly historyFromMs: number;
  readonly edits: readonly PersonEdit[];
  readonly objects: readonly PersonObject[];
  readonly fault: string | undefined;
};

export type Erased = {
  readonly scenes: number;
  readonly records: number;
  readonly clients: number;
  readonly rules: number;
  /** Stored records, snapshots and notes whose content still has the id in it [SA5]. */
  readonly mentions: number;
  /** What a person must see to, in sentences; empty when nothing is left. */
  readonly left: readonly string[];
};

export type StoreAdmin = {
  exportScene(scene: string): Promise<Result<SceneContent, AdminError>>;
  importScene(scene: string, content: SceneContent, options: { readonly replace: boolean }): Promise<Result<{ readonly epoch: number }, AdminError>>;
  exportPerson(user: string): Promise<Result<readonly PersonInScene[], AdminError>>;
  /** `alias` stands where the id stood: an identifier that says nothing about the person. */
  erasePerson(user: string, alias: string): Promise<Result<Erased, AdminError>>;
};
export type AdminStore = SceneStore & StoreAdmin;

/** Rows changed in one transaction: appends get their turn between two. */
export const ERASE_PAGE = 500;

export const isAdmin = (store: SceneStore): store is AdminStore => "erasePerson" in store;

/** A scene that was imported begins with this record number behind it. */
export const baseSeq = ({ base }: SceneContent): number => (base === undefined ? 0 : 1);

export const openHere: AdminError = { code: "locked", sentence: "The scene is open in a room; close the room, or stop the server, first." };
export const occupied: AdminError = {
  code: "occupied",
  sentence: "The scene is not empty; say that it is to be replaced, and what it holds is gone.",
};
export const unknownScene: AdminError = { code: "unknown", sentence: "The store has no such scene." };
/** Of a note that this program does not know the meaning of. */
export const strangeNote = (key: string): string =>
  `The note "${key}" of a scene names them, and this program does not know how to take them out of it.`;
