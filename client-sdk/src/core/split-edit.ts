/**
 * A transaction that is more than the room takes in one update, as parts that it takes one after the other.
 *
 * [SL1] Structs go in clock order, so each part builds only on those before it; whoever has all parts has what the whole update says.
 * [SL2] A new object travels in one piece with all it was made with. Where that alone is too much, it is cut behind what must come with it: its
 *       type, fields and containers. What cannot be cut stays whole, and the room refuses it as too large.
 * [SL3] Deletions come last, objects before what they held: alone, what an object held may not be deleted. What a write replaces or undoes of the
 *       same transaction is deleted beside that write, as the room judges both together.
 * [SL4] Every edit of the journal goes with the part that makes it, so that parts can be refused, known or made again by themselves.
 * [SL5] What fits is not cut: it is taken or refused as one. Neither is what was written under several client ids: no edit, an import.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { LIMITS } from "@copresence/shared/protocol";
import { encodeUpdate, OBJECTS_ROOT, type Range } from "@copresence/shared/scene";
import { FRAME_BYTES } from "./doc-wire.ts";
import type { Edit } from "./edit-journal.ts";
import type { OutboxPart } from "./outbox.ts";
import type { Id, SequenceEdit } from "./rebase.ts";

/** What one part carries where it may be cut: as much as edits are merged to. A room takes some milliseconds for it. */
const PART = { structs: 400, bytes: 16_384, ranges: 100, clocks: 4000 } as const;
/** Elements one update may delete: the room looks at each, and at what objects hold once more. */
const DELETED_CLOCKS_MAX = 10_000;

export type EditPart = Pick<OutboxPart, "clocks" | "edits" | "update">;

/** A struct and a range of deletions take two bytes each at least: an update this short has no more of them together than the room takes. */
const SHORT_BYTES = 2 * LIMITS.updateStructs;

/**
 * `update` is a transaction of `doc`, `edits` its journal. One part, unless the room would refuse it as too large. `deletes`, for the newest
 * transaction: what it deletes; a short one need not be decoded then.
 */
export function splitEdit(
  doc: Y.Doc,
  update: Uint8Array,
  edits: readonly Edit[],
  deletes?: ReadonlyMap<number, readonly { readonly len: number }[]>,
): readonly EditPart[] {
  const isShort = deletes !== undefined && update.length <= SHORT_BYTES && lengthOf(deletes) <= DELETED_CLOCKS_MAX;
  const short = isShort ? clocksOf(doc, update) : undefined;
  if (short !== undefined) return [{ clocks: short, edits, update }];
  const { structs, ds } = Y.decodeUpdate(update);
  const [first] = structs;
  const last = structs.at(-1);
  const clocks = first === undefined || last === undefined ? 0 : last.id.clock + last.length - first.id.clock;
  const ranges = [...ds.clients.values()].flat();
  const deleted = ranges.reduce((sum, { len }) => sum + len, 0);
  const fits =
    structs.length + ranges.length <= LIMITS.updateStructs && deleted <= DELETED_CLOCKS_MAX && update.length + FRAME_BYTES <= LIMITS.syncBytes;
  const foreign = structs.some(({ id }) => id.client !== first?.id.client);
  if (fits || foreign) return [{ clocks, edits, update }];
  return new Cutter(doc, structs as readonly Struct[], ds.clients).parts(edits);
}

/** Clock ticks an update up to the end of its only client spends, read from its head (yjs/src/utils/encoding.js); undefined with several clients. */
function clocksOf(doc: Y.Doc, update: Uint8Array): number | undefined {
  const decoder = decoding.createDecoder(update);
  const clients = decoding.readVarUint(decoder);
  if (clients === 0) return 0;
  if (clients > 1) return undefined;
  decoding.readVarUint(decoder);
  const client = decoding.readVarUint(decoder);
  return Y.getState(doc.store, client) - decoding.readVarUint(decoder);
}

function lengthOf(deletes: ReadonlyMap<number, readonly { readonly len: number }[]>): number {
  let length = 0;
  for (const ranges of deletes.values()) for (const { len } of ranges) length += len;
  return length;
}

type Struct = Y.Item | Y.GC;
type Deletes = Map<number, Range[]>;
type Part = { readonly from: number; readonly until: number; readonly structs: readonly Struct[]; readonly deletes: Deletes; edits: Edit[] };
/** May a part begin with this struct? */
const Cut = { never: 0, ifMust: 1, well: 2 } as const;

class Cutter {
  private readonly doc: Y.Doc;
  private readonly root: Y.Map<unknown>;
  private readonly structs: readonly Struct[];
  private readonly client: number;
  private readonly from: number;
  /** By struct: what is deleted beside it [SL3]. */
  private readonly beside: { readonly client: number; readonly range: Range }[][];
  private readonly roots: { readonly client: number; readonly range: Range }[] = [];
  private readonly others: { readonly client: number; readonly range: Range }[] = [];

  constructor(doc: Y.Doc, structs: readonly Struct[], deletes: ReadonlyMap<number, readonly Range[]>) {
    this.doc = doc;
    this.root = doc.getMap(OBJECTS_ROOT);
    this.structs = structs;
    this.client = structs[0]?.id.client ?? doc.clientID;
    this.from = structs[0]?.id.clock ?? Number.POSITIVE_INFINITY;
    this.beside = structs.map(() => []);
    for (const [client, ranges] of deletes) for (const range of ranges) this.sort(client, range);
  }

  parts(edits: readonly Edit[]): EditPart[] {
    const parts = [...this.writes(), ...bundles(this.roots), ...bundles(this.others)];
    for (const edit of edits) this.give(edit, parts);
    return parts.map(({ from, until, structs, deletes, edits: own }) => {
      const pieces = new Map(structs.length === 0 ? [] : [[this.client, structs.map((struct) => ({ struct, offset: 0 }))]]);
      return { clocks: until - from, edits: own, update: encodeUpdate(pieces, deletes) };
    });
  }

  // ---------------------------------------------------------------------------------------------------------------------- deletions

  /** Goes over what a range deletes, piece by piece. */
  private sort(client: number, { clock, len }: Range): void {
    const end = clock + len;
    for (let at = clock; at < end;) {
      const item = structAt(this.doc, client, at);
      const next = Math.min(end, item === undefined ? end : item.id.clock + item.length, this.endOfPiece(client, at));
      const piece = { client, range: { clock: at, len: next - at } };
      const writer = this.writerOver(client, at, item);
      if (writer !== undefined) this.beside[writer]?.push(piece);
      else if (item instanceof Y.Item && item.parent === this.root) this.roots.push(piece);
      else this.others.push(piece);
      at = next;
    }
  }

  private endOfPiece(client: number, clock: number): number {
    const index = this.indexOf(client, clock);
    const struct = index === undefined ? undefined : this.structs[index];
    return struct === undefined ? Number.POSITIVE_INFINITY : struct.id.clock + struct.length;
  }

  /** The struct of this transaction that was undone again, or that took an entry's place. */
  private writerOver(client: number, clock: number, item: Struct | undefined): number | undefined {
    const own = this.indexOf(client, clock);
    if (own !== undefined || !(item instanceof Y.Item) || item.parentSub === null || item.right === null) return own;
    return this.indexOf(item.right.id.client, item.right.id.clock);
  }

  // ------------------------------------------------------------------------------------------------------------------------- writes

  private writes(): Part[] {
    const cuts = this.cuts();
    const bytes = this.structs.map(bytesOf);
    const parts: Part[] = [];
    for (let from = 0; from < this.structs.length;) {
      const until = this.nextCut(from, cuts, bytes);
      parts.push(this.part(from, until));
      from = until;
    }
    return parts;
  }

  /** The last good place within a part's size; where there is none, the first within what the room takes; then any that is possible. */
  private nextCut(from: number, cuts: readonly number[], bytes: readonly number[]): number {
    let [count, size] = [0, 0];
    let [well, ifMust] = [0, 0];
    for (let at = from; at < this.structs.length; at++) {
      if (at > from && cuts[at] === Cut.well) well = at;
      if (at > from && cuts[at] !== Cut.never) ifMust = at;
      count += 1 + (this.beside[at]?.length ?? 0);
      size += (bytes[at] ?? 0) + BYTES_PER_RANGE * (this.beside[at]?.length ?? 0);
      if (well > 0 && (count > PART.structs || size > PART.bytes)) return well;
      if (ifMust > 0 && (count > LIMITS.updateStructs || size + FRAME_BYTES + HEAD_BYTES > LIMITS.syncBytes)) return ifMust;
    }
    return this.structs.length;
  }

  private part(from: number, until: number): Part {
    const structs = this.structs.slice(from, until);
    const deletes: Deletes = new Map();
    for (const pieces of this.beside.slice(from, until)) for (const piece of pieces) add(deletes, piece);
    const last = structs.at(-1);
    return { from: structs[0]?.id.clock ?? 0, until: last === undefined ? 0 : last.id.clock + last.length, structs, deletes, edits: [] };
  }

  /** [SL2] */
  private cuts(): number[] {
    const cuts = this.structs.map(() => Cut.well as number);
    type Made = { readonly begin: number; together: number; fields: number; all: number };
    const made = new Map<number, Made>();
    for (const [index, { id }] of this.structs.entries()) {
      const item = structAt(this.doc, id.client, id.clock);
      const top = item instanceof Y.Item ? this.topOf(item) : undefined;
      const begin = top === undefined ? undefined : this.indexOf(top.id.client, top.id.clock);
      if (!(item instanceof Y.Item) || begin === undefined) continue;
      const object: Made = made.get(begin) ?? { begin, together: begin, fields: begin, all: begin };
      made.set(begin, object);
      object.all = index;
      if (index === object.together + 1) object.together = index;
      // A value that is written after something else was done is an edit like any other.
      const isField = item.parent instanceof Y.AbstractType && item.parent._item === top;
      const isBirth = index === object.together || item.parentSub === "type" || item.content instanceof Y.ContentType;
      if (isField && isBirth) object.fields = index;
    }
    for (const { begin, fields, all } of made.values()) {
      for (let at = begin + 1; at <= all; at++) cuts[at] = Math.min(cuts[at] as number, at <= fields ? Cut.never : Cut.ifMust);
    }
    return cuts;
  }

  /** The object that an item is, or is part of. */
  private topOf(item: Y.Item): Y.Item | undefined {
    for (let at = item; ;) {
      const { parent } = at;
      if (parent === this.root) return at;
      if (!(parent instanceof Y.AbstractType) || parent._item === null) return undefined;
      at = parent._item;
    }
  }

  /** Index of the struct of this transaction that has this element. */
  private indexOf(client: number, clock: number): number | undefined {
    if (client !== this.client || clock < this.from) return undefined;
    let [low, high] = [0, this.structs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.structs[middle] as Struct).id.clock <= clock) low = middle + 1;
      else high = middle;
    }
    const struct = this.structs[low - 1];
    return struct !== undefined && clock < struct.id.clock + struct.length ? low - 1 : undefined;
  }

  // ------------------------------------------------------------------------------------------------------------------------ journal

  /** [SL4] */
  private give(edit: Edit, parts: readonly Part[]): void {
    if (edit.kind !== "sequence") return void this.partOf(this.elementOf(edit), parts)?.edits.push(edit);
    for (const change of edit.edits) {
      for (const piece of change.kind === "insert" ? this.pieces(change, parts) : [change]) {
        const run = piece.kind === "insert" ? piece.made[0] : piece.kind === "erase" ? piece.runs[0] : undefined;
        const part = this.partOf(run === undefined ? undefined : [run[0], run[1]], parts);
        const open = part?.edits.at(-1);
        if (open?.kind === "sequence" && open.path === edit.path) part?.edits.splice(-1, 1, { ...open, edits: [...open.edits, piece] });
        else part?.edits.push({ ...edit, edits: [piece] });
      }
    }
  }

  /** An insertion, cut where parts are cut: each piece beside the one before it. */
  private pieces(insert: Extract<SequenceEdit, { kind: "insert" }>, parts: readonly Part[]): SequenceEdit[] {
    const pieces: Extract<SequenceEdit, { kind: "insert" }>[] = [];
    let [at, left] = [0, insert.left];
    let previous: Part | undefined;
    for (const run of insert.made) {
      const [client, clock, length] = run;
      const part = this.partOf([client, clock], parts);
      const content = insert.content.slice(at, at + length);
      const open = pieces.at(-1);
      if (open !== undefined && part === previous) {
        const joined = typeof open.content === "string" ? open.content + String(content) : [...open.content, ...content];
        pieces.splice(-1, 1, { ...open, made: [...open.made, run], content: joined });
      } else pieces.push({ ...insert, left, made: [run], content });
      previous = part;
      at += length;
      left = [client, clock + length - 1];
    }
    return pieces.length > 0 ? pieces : [insert];
  }

  /** What a change of an entry wrote, or deleted. */
  private elementOf(edit: Exclude<Edit, { kind: "sequence" }>): Id | undefined {
    let at: unknown = this.root;
    for (const key of edit.path) at = at instanceof Y.Map ? at.get(key) : undefined;
    const key = edit.kind === "count" ? String(this.doc.clientID) : edit.key;
    const item = at instanceof Y.Map ? at._map.get(key) : undefined;
    return item === undefined ? undefined : [item.lastId.client, item.lastId.clock];
  }

  /** The part that writes this element, or else deletes it; the last one for what is not known. */
  private partOf(id: Id | undefined, parts: readonly Part[]): Part | undefined {
    if (id === undefined) return parts.at(-1);
    const [client, clock] = id;
    const writes = client === this.client ? parts.find(({ from, until }) => clock >= from && clock < until) : undefined;
    const has = ({ deletes }: Part): boolean =>
      deletes.get(client)?.some((range) => clock >= range.clock && clock < range.clock + range.len) === true;
    return writes ?? parts.find(has) ?? parts.at(-1);
  }
}

const HEAD_BYTES = 64;
/** Client, clock and length. */
const BYTES_PER_RANGE = 16;

/** Deletions in parts of bounded work. */
function bundles(pieces: readonly { readonly client: number; readonly range: Range }[]): Part[] {
  const parts: Part[] = [];
  let [ranges, clocks] = [0, 0];
  for (const { client, range } of pieces) {
    for (let at = range.clock, end = range.clock + range.len; at < end;) {
      if (parts.length === 0 || ranges >= PART.ranges || clocks >= PART.clocks) {
        parts.push({ from: 0, until: 0, structs: [], deletes: new Map(), edits: [] });
        ranges = clocks = 0;
      }
      const len = Math.min(end - at, PART.clocks - clocks);
      if (add((parts.at(-1) as Part).deletes, { client, range: { clock: at, len } })) ranges++;
      clocks += len;
      at += len;
    }
  }
  return parts;
}

/** True when it did not just make the last one longer. */
function add(deletes: Deletes, { client, range }: { readonly client: number; readonly range: Range }): boolean {
  const list = deletes.get(client);
  const last = list?.at(-1);
  if (list !== undefined && last !== undefined && last.clock + last.len === range.clock) {
    list.splice(-1, 1, { clock: last.clock, len: last.len + range.len });
    return false;
  }
  if (list === undefined) deletes.set(client, [range]);
  else list.push(range);
  return true;
}

function bytesOf(struct: Struct): number {
  const out = new Y.UpdateEncoderV1();
  struct.write(out, 0);
  return encoding.length(out.restEncoder);
}

function structAt(doc: Y.Doc, client: number, clock: number): Struct | undefined {
  const structs = doc.store.clients.get(client);
  return structs === undefined || clock >= Y.getState(doc.store, client) ? undefined : structs[Y.findIndexSS(structs, clock)];
}
