/**
 * What a device keeps of a scene while there is no room to keep it: the port, filled in by adapters/indexed-db.ts in browsers.
 *
 * [CA1] `confirmed` holds only what the room has said or acknowledged. Local edits are kept apart as `pending`, so that no refused edit can
 *       outlive its refusal in a cache.
 * [CA2] Changes written in one turn of the event loop become durable together or not at all.
 * [CA3] A cache belongs to one person: another person's unsaved edits are neither shown nor sent, and stay where they are.
 */
import type { OutboxPart } from "./outbox.ts";

export type CachedScene = {
  readonly user: string;
  readonly epoch: number;
  /** V1 updates; applied in any order they give the document as the room last confirmed it. */
  readonly confirmed: readonly Uint8Array[];
  /** In the order of editing. */
  readonly pending: readonly OutboxPart[];
};

export type CacheChange =
  /** The document is of this epoch. */
  | { readonly kind: "epoch"; readonly epoch: number }
  | { readonly kind: "confirm"; readonly update: Uint8Array }
  /** A new pending edit, or a new form of the one with the same id, which then goes to the end. */
  | { readonly kind: "add"; readonly edit: OutboxPart }
  | { readonly kind: "drop"; readonly ids: readonly string[] }
  /** All that was confirmed is replaced by this state. */
  | { readonly kind: "replace"; readonly state: Uint8Array };

export type SceneCache = {
  /** What was kept; undefined on a first visit. */
  readonly found: CachedScene | undefined;
  /** Changes from now on are of this person's copy. */
  become(user: string): void;
  write(change: CacheChange): void;
  /** Resolves when all that was written is durable, or could not be made so. */
  close(): Promise<void>;
  /** Called when the device refuses to keep edits (no space, private mode), with a sentence for people. Set by the core. */
  onTrouble: (sentence: string) => void;
};
