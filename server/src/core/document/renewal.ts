/**
 * Re-rooting a document while people are in it: when it is due, and the steps by which a fresh generation takes its place. The store makes the
 * fresh document beside the room (fresh-root.ts); the room takes it in slices, so that no step is long.
 *
 * [RN1] Nothing is admitted while it goes on, and the store is asked only when nothing waits for the disk: all that was admitted is in the fresh
 *       document. What people do meanwhile stays in their outboxes.
 * [RN2] A failure leaves the document as it is; the next compaction tries again.
 * [RN3] One slice per tick.
 */
import * as Y from "yjs";
import type { DocumentRoot } from "./document-root.ts";

/** ClientIDs that a document may name: every state vector names them all. */
export const CLIENTS_RENEWED = 2000;
/** Deleted structs worth the trouble; fewer cost little, whatever their share. */
export const TOMBSTONES_RENEWED = 2000;
/** And more than this many times what lives: fewer would be fetched by everybody anew too often for what it saves. */
const TOMBSTONES_PER_LIVE = 1.5;
/** Applied in one tick: a few milliseconds. */
const SLICE_BYTES = 96 * 1024;

/** What a document carries around: clientIDs, structs of what is there, structs of what was deleted. */
export type Wear = { readonly clients: number; readonly live: number; readonly dead: number };
/** A fresh generation as the store has it: `updates` are its records, `root` the clientID all of them are written under. */
export type Rerooted = { readonly epoch: number; readonly root: number; readonly updates: readonly Uint8Array[] };

/** Costs a walk over all structs. */
export function wearOf(doc: Y.Doc): Wear {
  let [all, dead] = [0, 0];
  for (const structs of doc.store.clients.values()) {
    all += structs.length;
    for (const struct of structs) if (struct.deleted) dead++;
  }
  return { clients: doc.store.clients.size, live: all - dead, dead };
}

export const isWornOut = ({ clients, live, dead }: Wear): boolean =>
  clients > CLIENTS_RENEWED || (dead > TOMBSTONES_RENEWED && dead > live * TOMBSTONES_PER_LIVE);

export class Renewal {
  private state: "none" | "draining" | "building" | "loading" = "none";
  private next: DocumentRoot | undefined;
  private updates: readonly Uint8Array[] = [];
  private at = 0;

  /** Whether nothing may be admitted. */
  get active(): boolean {
    return this.state !== "none";
  }

  want(): void {
    if (this.state === "none") this.state = "draining";
  }

  /** True once, when the store is to be asked: nothing waits for the disk. */
  begin(nothingWaits: boolean): boolean {
    if (this.state !== "draining" || !nothingWaits) return false;
    this.state = "building";
    return true;
  }

  /** The store has made a fresh generation; `next` is to hold it. */
  built(next: DocumentRoot, { updates }: Rerooted): void {
    this.state = "loading";
    this.next = next;
    this.updates = updates;
    this.at = 0;
  }

  /** Takes one slice; the fresh generation once it has everything. Throws what Yjs throws on bytes it did not write. */
  slice(): DocumentRoot | undefined {
    const { next } = this;
    if (this.state !== "loading" || next === undefined) return undefined;
    for (let bytes = 0; this.at < this.updates.length && bytes < SLICE_BYTES; this.at++) {
      const update = this.updates[this.at] as Uint8Array;
      Y.applyUpdate(next.doc, update);
      bytes += update.length;
    }
    if (this.at < this.updates.length) return undefined;
    next.size.loaded(0, this.updates);
    this.cancel();
    return next;
  }

  cancel(): void {
    this.state = "none";
    this.next = undefined;
    this.updates = [];
  }
}
