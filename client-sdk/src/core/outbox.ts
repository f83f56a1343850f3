/**
 * Edits on their way to the room's disk.
 *
 * [OB1] Order is the order of editing. A part leaves only when it is settled, refused, or known to the room.
 * [OB2] Merging joins neighbours that were never sent, and stops well below what the room takes in one update (64 KiB, 1 000 structs; a
 *       clock tick is at most one struct).
 * [OB3] A message may carry many edits; each stays a part with an id of its own, so that a refusal takes only those it names.
 * [OB4] A large edit is several parts (split-edit.ts). Refused, one takes those of the same edit behind it along: the room keeps a beginning.
 * [OB5] What the room lost goes before everything (lost-edits.ts), in messages that carry no edits of the outbox.
 */
import * as Y from "yjs";
import { type Edit, touches } from "./edit-journal.ts";

const MERGE_BYTES = 16_384;
const MERGE_CLOCKS = 400;

/** One edit of the application, or a part of a large one. */
export type OutboxPart = {
  readonly id: string;
  /** Id of the edit it is a part of. */
  readonly of?: string;
  /** Yjs client id of the document it was made on. */
  readonly client: number;
  /** Clock ticks it spends; 0 for pure deletions. */
  readonly clocks: number;
  readonly edits: readonly Edit[];
  readonly update: Uint8Array;
};

export type OutboxEntry = {
  readonly update: Uint8Array;
  readonly parts: readonly OutboxPart[];
  /** Clock ticks it spends; 0 for pure deletions. */
  readonly clocks: number;
  /** Number of the message that carries it on this link, from 1; undefined until sent. */
  sentAs: number | undefined;
};

/** Id of the application's edit. */
export const editOf = ({ id, of }: OutboxPart): string => of ?? id;

export class Outbox {
  private entries: OutboxEntry[] = [];

  get empty(): boolean {
    return this.entries.length === 0;
  }
  get hasUnsent(): boolean {
    return this.entries.some((entry) => entry.sentAs === undefined);
  }

  push(part: OutboxPart): void {
    this.entries.push({ update: part.update, parts: [part], clocks: part.clocks, sentAs: undefined });
  }

  /** The oldest unsent entries as one, still in its place; undefined when all is sent. */
  next(): OutboxEntry | undefined {
    const first = this.entries.findIndex((entry) => entry.sentAs === undefined);
    if (first < 0) return undefined;
    let bytes = 0;
    let clocks = 0;
    let end = first;
    for (let entry = this.entries[end]; entry !== undefined; entry = this.entries[++end]) {
      const lost = entry.parts.length === 0 || this.entries[first]?.parts.length === 0;
      if (end > first && (lost || bytes + entry.update.length > MERGE_BYTES || clocks + entry.clocks > MERGE_CLOCKS)) break;
      bytes += entry.update.length;
      clocks += entry.clocks;
    }
    const joined = this.entries.slice(first, end);
    const [only] = joined;
    if (only === undefined || joined.length === 1) return only;
    const update = Y.mergeUpdates(joined.map((item) => item.update));
    const entry: OutboxEntry = { update, parts: joined.flatMap((item) => item.parts), clocks, sentAs: undefined };
    this.entries.splice(first, joined.length, entry);
    return entry;
  }

  /** Takes out a message that cannot be sent: its parts, and what they take along [OB4]. */
  remove(entry: OutboxEntry): readonly OutboxPart[] {
    return this.take(this.entries.indexOf(entry), entry.parts);
  }

  /** Messages up to this number are settled: what they carried. */
  settled(number: number): readonly OutboxEntry[] {
    const isSettled = ({ sentAs }: OutboxEntry): boolean => sentAs !== undefined && sentAs <= number;
    const settled = this.entries.filter(isSettled);
    if (settled.length > 0) this.entries = this.entries.filter((entry) => !isSettled(entry));
    return settled;
  }

  /**
   * This message was refused for what it says about a field of an object ("" for any, or for none in particular). Takes the parts that touch
   * it, or all of the message's when none does [OB3].
   */
  refused(number: number, object: string, field: string): readonly OutboxPart[] {
    const at = this.entries.findIndex((entry) => entry.sentAs === number);
    const entry = this.entries[at];
    if (entry === undefined) return [];
    const named = object === "" ? [] : entry.parts.filter(({ edits }) => edits.some((edit) => touches(edit, object, field)));
    return this.take(at, named.length > 0 ? named : entry.parts);
  }

  /** Takes parts out of a message, and all behind them of the same edits [OB4]. */
  private take(at: number, wanted: readonly OutboxPart[]): readonly OutboxPart[] {
    const taken = new Set(wanted);
    const edits = new Set<string>();
    this.entries = this.entries.flatMap((entry, index) => {
      if (index < at) return [entry];
      for (const part of entry.parts) {
        if (part.of !== undefined && edits.has(part.of)) taken.add(part);
        if (part.of !== undefined && taken.has(part)) edits.add(part.of);
      }
      const kept = entry.parts.filter((part) => !taken.has(part));
      return kept.length === entry.parts.length ? [entry] : kept.length > 0 ? [{ ...entry, parts: kept }] : [];
    });
    return [...taken];
  }

  /** The room ignored this message and all after it, or the link they went by is gone: their edits wait again. */
  unsend(fromNumber = 0): void {
    for (const entry of this.entries) if (entry.sentAs !== undefined && entry.sentAs >= fromNumber) entry.sentAs = undefined;
  }

  /** Everything waits again, and these go first, in the place of others that did. */
  beginWith(updates: readonly Pick<OutboxEntry, "clocks" | "update">[]): void {
    this.unsend();
    const first = updates.map(({ clocks, update }): OutboxEntry => ({ update, parts: [], clocks, sentAs: undefined }));
    this.entries = [...first, ...this.entries.filter(({ parts }) => parts.length > 0)];
  }

  parts(): readonly OutboxPart[] {
    return this.entries.flatMap(({ parts }) => parts);
  }

  /** Takes out the edits with these ids. */
  forget(ids: ReadonlySet<string>): void {
    this.entries = this.entries.filter((entry) => !entry.parts.every((part) => ids.has(part.id)));
  }

  /** Empties it: every part that was in it. */
  takeParts(): readonly OutboxPart[] {
    const parts = this.parts();
    this.entries = [];
    return parts;
  }
}
