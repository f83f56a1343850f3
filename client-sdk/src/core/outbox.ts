/**
 * Edits on their way to the room's disk.
 *
 * [OB1] Order is the order of editing. An entry leaves only when it is settled, refused, or known to the room.
 * [OB2] Merging joins neighbours that were never sent, and stops well below what the room takes in one update (64 KiB, 1 000 structs; a
 *       clock tick is at most one struct).
 */
import * as Y from "yjs";
import type { Edit } from "./edit-journal.ts";

const MERGE_BYTES = 16_384;
const MERGE_CLOCKS = 400;

export type OutboxEntry = {
  readonly update: Uint8Array;
  readonly edits: readonly Edit[];
  /** Clock ticks it spends; 0 for pure deletions. */
  readonly clocks: number;
  /** Number of the message that carries it on this link, from 1; undefined until sent. */
  sentAs: number | undefined;
};

export class Outbox {
  private entries: OutboxEntry[] = [];

  get empty(): boolean {
    return this.entries.length === 0;
  }
  get hasUnsent(): boolean {
    return this.entries.some((entry) => entry.sentAs === undefined);
  }

  push(update: Uint8Array, edits: readonly Edit[], clocks: number): void {
    this.entries.push({ update, edits, clocks, sentAs: undefined });
  }

  /** The oldest unsent entries as one, still in its place; undefined when all is sent. */
  next(): OutboxEntry | undefined {
    const first = this.entries.findIndex((entry) => entry.sentAs === undefined);
    if (first < 0) return undefined;
    let bytes = 0;
    let clocks = 0;
    let end = first;
    for (let entry = this.entries[end]; entry !== undefined; entry = this.entries[++end]) {
      if (end > first && (bytes + entry.update.length > MERGE_BYTES || clocks + entry.clocks > MERGE_CLOCKS)) break;
      bytes += entry.update.length;
      clocks += entry.clocks;
    }
    const joined = this.entries.slice(first, end);
    const [only] = joined;
    if (only === undefined || joined.length === 1) return only;
    const update = Y.mergeUpdates(joined.map((item) => item.update));
    const entry: OutboxEntry = { update, edits: joined.flatMap((item) => item.edits), clocks, sentAs: undefined };
    this.entries.splice(first, joined.length, entry);
    return entry;
  }

  remove(entry: OutboxEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  /** Messages up to this number are settled. */
  settled(number: number): void {
    this.entries = this.entries.filter((entry) => entry.sentAs === undefined || entry.sentAs > number);
  }

  /** This message was refused for what it says. */
  refused(number: number): void {
    this.entries = this.entries.filter((entry) => entry.sentAs !== number);
  }

  /** The room ignored this message and all after it, or the link they went by is gone: their edits wait again. */
  unsend(fromNumber = 0): void {
    for (const entry of this.entries) if (entry.sentAs !== undefined && entry.sentAs >= fromNumber) entry.sentAs = undefined;
  }

  /** Everything becomes this one update, which has it all. */
  replaceBy(update: Uint8Array): void {
    this.entries = [{ update, edits: this.entries.flatMap((entry) => entry.edits), clocks: MERGE_CLOCKS, sentAs: undefined }];
  }

  /** Empties it; the edits that a document with this state vector lacks. Pure deletions are among them: repeating them is harmless. */
  takeEdits(vector: Uint8Array): readonly (readonly Edit[])[] {
    const taken = this.entries.splice(0);
    const lacks = ({ update }: OutboxEntry): boolean => Y.decodeUpdate(Y.diffUpdate(update, vector)).structs.length > 0;
    return taken.filter((entry) => entry.clocks === 0 || lacks(entry)).map((entry) => entry.edits);
  }
}
