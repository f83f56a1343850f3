/**
 * A disk for one scene that can lose power: what was written but not yet fsynced is gone, or half there, after a crash.
 *
 * [VD1] `append` reports success only after the batch is durable, and batches become durable in order.
 * [VD2] After `crash` exactly the durable records remain; a batch in flight is lost whole (the store cuts torn tails).
 */
import * as Y from "yjs";
import type { LoadedScene } from "@copresence/server/store";
import { type AppendRecord, freshRoot, type Rerooted, type Wear, wearOf } from "@copresence/server/core";
import type { Random } from "../random.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Fresh documents are written under this and the epoch. */
const FIRST_ROOT = 0xf000_0000;
/** p50 of a group commit with fdatasync on ordinary flash, and how far it strays. */
const FSYNC_MS = { least: 0.5, most: 9 };

export class VirtualDisk {
  private durable: Uint8Array[] = [];
  private snapshot: { readonly seq: number; readonly state: Uint8Array } | undefined;
  private readonly owners = new Map<number, string>();
  private readonly notes = new Map<string, Uint8Array>();
  /** Deaths of the process so far. */
  private generation = 0;
  private epoch = 1;
  private lastDoneMs = 0;
  private readonly time: VirtualTime;
  private readonly random: Random;
  seq = 0;

  constructor(time: VirtualTime, random: Random) {
    this.time = time;
    this.random = random;
  }

  loaded(): LoadedScene {
    const { owners, notes } = this;
    return { epoch: this.epoch, seq: this.seq, snapshot: this.snapshot?.state, updates: this.durable, cutRecords: 0, owners, notes };
  }

  /** `lying`: a disk (or a planted bug) that reports success before the bytes are safe. */
  append(records: readonly AppendRecord[], done: () => void, lying = false): void {
    const { generation } = this;
    const atMs = Math.max(this.lastDoneMs, this.time.nowMs + this.random.between(FSYNC_MS.least, FSYNC_MS.most));
    this.lastDoneMs = atMs;
    if (lying) this.time.at(this.time.nowMs, () => generation === this.generation && done());
    this.time.at(lying ? atMs + 1000 : atMs, () => {
      if (generation !== this.generation) return;
      for (const { update, client, user } of records) {
        this.durable.push(update.slice());
        if (client !== 0 && !this.owners.has(client)) this.owners.set(client, user);
      }
      this.seq += records.length;
      if (!lying) done();
    });
  }

  /** Replaces a note; `done` when it is durable. */
  note(key: string, value: Uint8Array, done: () => void): void {
    const { generation } = this;
    this.time.at(this.time.nowMs + this.random.between(FSYNC_MS.least, FSYNC_MS.most), () => {
      if (generation !== this.generation) return;
      this.notes.set(key, value.slice());
      done();
    });
  }

  /** As if a backup had been put in place: the newest records are gone, although they were acknowledged. Only while there is no room. */
  forget(records: number): void {
    const kept = Math.max(0, this.durable.length - records);
    this.seq -= this.durable.length - kept;
    this.durable = this.durable.slice(0, kept);
  }

  /** Folds what is durable into one state, as the store does. Atomic. Returns its bytes and what it carries around. */
  compact(): { readonly bytes: number; readonly wear: Wear } {
    const doc = new Y.Doc({ gc: true });
    if (this.snapshot !== undefined) Y.applyUpdate(doc, this.snapshot.state);
    for (const update of this.durable) Y.applyUpdate(doc, update);
    const state = Y.encodeStateAsUpdate(doc);
    const wear = wearOf(doc);
    doc.destroy();
    this.snapshot = { seq: this.seq, state };
    this.durable = [];
    return { bytes: state.length, wear };
  }

  /** Begins a new epoch with a fresh document; `done` when it is durable. Atomic. */
  reroot(note: { readonly key: string; readonly value: Uint8Array }, done: (fresh: Rerooted | undefined) => void): void {
    const { generation } = this;
    this.time.at(this.time.nowMs + this.random.between(FSYNC_MS.least, FSYNC_MS.most), () => {
      if (generation !== this.generation) return;
      const root = FIRST_ROOT + this.epoch;
      const fresh = freshRoot(this.snapshot === undefined ? this.durable : [this.snapshot.state, ...this.durable], root);
      if (!fresh.ok) return done(undefined);
      const updates = fresh.value.map(({ update }) => update);
      this.epoch++;
      this.seq = updates.length;
      this.snapshot = undefined;
      this.durable = [...updates];
      this.owners.clear();
      this.notes.set(note.key, note.value);
      done({ epoch: this.epoch, root, updates });
    });
  }

  crash(): void {
    this.generation++;
    this.lastDoneMs = 0;
  }
}
