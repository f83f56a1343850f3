/**
 * From hostile bytes to structs of an update whose every neighbour and parent is known: bounded decoding, contiguity, places.
 *
 * [UR1] V1 only, decoded before anything is applied; sizes and counts are bounded before the work they cause.
 * [UR2] An update is `read` only if Yjs can integrate it completely: no missing clock, no missing neighbour, no cycle. What lacks something is
 *       a `gap`; nothing is ever left in Yjs's pending storage, which is unbounded and slow (measured: 1.4 s for 1 000 gap messages).
 * [UR3] Elements the room has already are cut off; a struct is judged by what is new in it.
 * [UR4] What integrating would cost is known before it is done (integration-cost.ts) and bounded, so that no update holds the room's thread.
 *       The server's own updates (`trusted`) are bounded by who writes them.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";
import { integrationSteps } from "./integration-cost.ts";
import type { PendingIndex } from "./pending-index.ts";
import {
  GONE,
  hasMarks,
  headOf,
  holdsOf,
  META,
  type Node,
  nodeOf,
  type Place,
  placeInside,
  rootPlace,
  samePlace,
  strandCensus,
  structAt,
} from "./places.ts";
import type { Piece, Range } from "./update-bytes.ts";
import { isSceneUpdate } from "./update-shape.ts";

/** What one update may cost Yjs, estimated: it leaves room below the 50 ms that no update may hold the thread. */
const WEIGHT_MAX_US = 32_000;
/**
 * Measured on Yjs 13.6.33, rounded up: placing an element, walking over one, deleting one with what it holds, and cutting one in two, which
 * moves the structs behind it in its client's list. A text with marks is tidied after every change: every element, once per
 * mark for what is set there, and the gap around every deletion.
 */
const US = { struct: 3, step: 0.6, touched: 1.2, cut: 2, cutPerStruct: 0.0008, tidy: 0.05, tidyPerMark: 0.04, tidyPerDeletion: 0.02 } as const;
const TOUCHED_MAX = WEIGHT_MAX_US / US.touched;
const STEPS_MAX = WEIGHT_MAX_US / US.step;
/** Clients one update may bring structs of: a person's devices and reloads while offline. */
const CLIENTS_MAX = 64;
/** Clocks and client ids travel as u32 in acks; Yjs draws ids from 32 bits. */
const CLOCK_MAX = 2 ** 31;
const CLIENT_MAX = 2 ** 32 - 1;

/** A new piece of an update and where it lies. */
export type Write = Piece & { readonly node: Node };
/** A live run of elements that the update deletes. `client` and `clock` name its first element. */
export type Deletion = { readonly node: Node; readonly client: number };
export type ReadUpdate = {
  /** New pieces per client, in clock order. */
  readonly pieces: ReadonlyMap<number, readonly Piece[]>;
  /** The same pieces with their places, neighbours before those that build on them. */
  readonly writes: readonly Write[];
  /** Delete ranges that still delete something. */
  readonly ranges: ReadonlyMap<number, readonly Range[]>;
  readonly deletions: readonly Deletion[];
  /** What applying it costs, in us, estimated from what it does [UR4]. */
  readonly weightUs: number;
};
/**
 * `gap`: builds on what the room does not have. `tangled`: meets too much that was written meanwhile, or touches too much at once.
 */
export type UpdateFault = "malformed" | "too-large" | "gap" | "tangled";

/** Decodes and resolves an update against the document and what waits for the disk. Never throws, changes nothing. */
export function readUpdate(bytes: Uint8Array, doc: Y.Doc, pending: PendingIndex, trusted = false): Result<ReadUpdate, UpdateFault> {
  if (!trusted && bytes.length > LIMITS.syncBytes) return err("too-large");
  if (!trusted && !isSceneUpdate(bytes)) return err("malformed");
  let decoded: ReturnType<typeof Y.decodeUpdate>;
  try {
    decoded = Y.decodeUpdate(bytes);
  } catch {
    return err("malformed");
  }
  const resolver = new Resolver(doc, pending, trusted);
  const fault = resolver.take(decoded.structs) ?? resolver.resolve() ?? resolver.takeDeletes(decoded.ds.clients) ?? resolver.weigh();
  return fault === undefined ? ok(resolver.result()) : err(fault);
}

/** The new pieces of one client and how far they are resolved. */
type Lane = { readonly pieces: Piece[]; readonly nodes: Node[]; next: number; busy: boolean; end: number };

class Resolver {
  private readonly doc: Y.Doc;
  private readonly pending: PendingIndex;
  private readonly lanes = new Map<number, Lane>();
  private readonly writes: Write[] = [];
  private readonly ranges = new Map<number, Range[]>();
  private readonly deletions: Deletion[] = [];
  private readonly trusted: boolean;
  private count = 0;
  private touched = 0;
  private weightUs = 0;

  constructor(doc: Y.Doc, pending: PendingIndex, trusted: boolean) {
    this.doc = doc;
    this.pending = pending;
    this.trusted = trusted;
  }

  result(): ReadUpdate {
    const pieces = new Map([...this.lanes].map(([client, lane]) => [client, lane.pieces]));
    return { pieces, writes: this.writes, ranges: this.ranges, deletions: this.deletions, weightUs: this.weightUs };
  }

  /** Sorts structs into lanes, cuts off what is known [UR3], checks that clocks are contiguous. */
  take(structs: readonly (Y.Item | Y.GC | Y.Skip)[]): UpdateFault | undefined {
    for (const struct of structs) {
      const { client, clock } = struct.id;
      if (client > CLIENT_MAX || clock + struct.length > CLOCK_MAX || struct.length < 1) return "malformed";
      const end = this.lanes.get(client)?.end ?? this.pending.end(client);
      if (clock + struct.length <= end) continue;
      if (struct instanceof Y.Skip || clock > end) return "gap";
      if (++this.count > LIMITS.updateStructs && !this.trusted) return "too-large";
      let lane = this.lanes.get(client);
      if (lane === undefined) {
        if (!this.trusted && this.lanes.size === CLIENTS_MAX) return "too-large";
        lane = { pieces: [], nodes: [], next: 0, busy: false, end };
        this.lanes.set(client, lane);
      }
      lane.pieces.push({ struct, offset: end - clock });
      lane.end = clock + struct.length;
    }
    return undefined;
  }

  resolve(): UpdateFault | undefined {
    for (const lane of this.lanes.values()) {
      const fault = this.resolveThrough(lane, lane.pieces.length - 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /**
   * Finds the places of a lane's pieces up to `index`. A lane that is asked for more while it resolves a piece waits for itself: a cycle.
   * Recursion is as deep as there are lanes.
   */
  private resolveThrough(lane: Lane, index: number): UpdateFault | undefined {
    while (lane.next <= index) {
      if (lane.busy) return "malformed";
      lane.busy = true;
      const piece = lane.pieces[lane.next] as Piece;
      const place = this.placeOf(piece);
      lane.busy = false;
      if (typeof place === "string") return place;
      const { client, clock } = piece.struct.id;
      const from = clock + piece.offset;
      const docRight = piece.struct instanceof Y.Item ? this.docRightOf(piece.struct.rightOrigin) : null;
      const node: Node = { client, clock: from, length: piece.struct.length - piece.offset, place, holds: holdsOf(piece.struct), docRight };
      lane.nodes.push(node);
      this.writes.push({ ...piece, node });
      lane.next++;
    }
    return undefined;
  }

  private placeOf({ struct, offset }: Piece): Place | UpdateFault {
    if (struct instanceof Y.GC) return GONE;
    // The known beginning of a struct decides for the rest: its continuation is written with that as its left neighbour, and with the
    // right neighbour the struct names.
    if (offset > 0) return this.placeBetween(Y.createID(struct.id.client, struct.id.clock + offset - 1), struct.rightOrigin);
    if (struct.origin !== null || struct.rightOrigin !== null) return this.placeBetween(struct.origin, struct.rightOrigin);
    return this.placeUnder(struct.parent, struct.parentSub);
  }

  /** As Yjs does: a collected neighbour makes the item collected; otherwise the neighbours' common place. */
  private placeBetween(origin: Y.ID | null, rightOrigin: Y.ID | null): Place | UpdateFault {
    const left = origin === null ? undefined : this.nodeAt(origin);
    if (typeof left === "string") return left;
    const right = rightOrigin === null ? undefined : this.nodeAt(rightOrigin);
    if (typeof right === "string") return right;
    if (left?.place.at === "gone" || right?.place.at === "gone") {
      const collected = this.isCollected(origin) || this.isCollected(rightOrigin);
      return collected || (left ?? right)?.place.at === (right ?? left)?.place.at ? GONE : "malformed";
    }
    const place = (left ?? right)?.place;
    if (place === undefined || (left !== undefined && right !== undefined && !samePlace(left.place, right.place))) return "malformed";
    return place;
  }

  /** The element itself when the document has it, or the one that is known to lie right of it. */
  private docRightOf(right: Y.ID | null): Y.ID | null {
    if (right === null || right.clock < Y.getState(this.doc.store, right.client)) return right;
    const node = this.nodeAt(right);
    return typeof node === "string" ? null : (node.docRight ?? null);
  }

  private isCollected(id: Y.ID | null): boolean {
    if (id === null || id.clock >= Y.getState(this.doc.store, id.client)) return false;
    return Y.getItem(this.doc.store, id) instanceof Y.GC;
  }

  private placeUnder(parent: unknown, key: string | null): Place | UpdateFault {
    if (parent !== OBJECTS_ROOT && this.trusted && typeof parent === "string") return META;
    if (typeof parent === "string") return parent === OBJECTS_ROOT && key !== null ? rootPlace(key) : "malformed";
    if (!(parent instanceof Y.ID)) return "malformed";
    const node = this.nodeAt(parent);
    return typeof node === "string" ? node : (placeInside(node, key) ?? "malformed");
  }

  /** The node of one element: in the document, in what waits, or (resolving it first) in this update. */
  private nodeAt(id: { readonly client: number; readonly clock: number }): Node | UpdateFault {
    const known = this.pending.find(id.client, id.clock);
    if (known !== undefined) return known;
    const lane = this.lanes.get(id.client);
    if (lane === undefined || id.clock >= lane.end) return "gap";
    const index = lastAtOrBefore(lane.pieces, id.clock);
    return this.resolveThrough(lane, index) ?? lane.nodes[index] ?? "malformed";
  }

  /** Keeps the delete ranges that still delete something; an honest step 2 names everything ever deleted. */
  takeDeletes(clients: ReadonlyMap<number, readonly Range[]>): UpdateFault | undefined {
    let kept = this.count;
    for (const [client, ranges] of clients) {
      const end = this.lanes.get(client)?.end ?? this.pending.end(client);
      const keep: Range[] = [];
      for (const range of ranges) {
        if (range.clock + range.len > end) return "gap";
        const before = this.deletions.length;
        this.touched += this.takeRange(client, range, TOUCHED_MAX - this.touched);
        if (this.touched > TOUCHED_MAX && !this.trusted) return "too-large";
        if (this.deletions.length > before) keep.push({ clock: range.clock, len: range.len });
      }
      kept += keep.length;
      if (kept > LIMITS.updateStructs && !this.trusted) return "too-large";
      if (keep.length > 0) this.ranges.set(client, keep);
    }
    return undefined;
  }

  /** What applying it would cost [UR4]. */
  weigh(): UpdateFault | undefined {
    const { doc, pending } = this;
    let us = this.count * US.struct + this.touched * US.touched;
    for (const [client, ranges] of this.ranges) {
      for (const { clock, len } of ranges) {
        us += US.struct;
        if (this.isInside({ client, clock }, 0)) us += this.cutUs(client);
        if (this.isInside({ client, clock: clock + len - 1 }, 1)) us += this.cutUs(client);
      }
    }
    for (const { struct, offset } of this.writes) {
      if (!(struct instanceof Y.Item)) continue;
      if (offset === 0 && this.isInside(struct.origin, 1)) us += this.cutUs((struct.origin as Y.ID).client);
      if (this.isInside(struct.rightOrigin, 0)) us += this.cutUs((struct.rightOrigin as Y.ID).client);
    }
    this.weightUs = us + this.tidyingUs();
    if (this.trusted) return undefined;
    this.weightUs += US.step * integrationSteps(this.writes, { doc, pending, headOf: (place) => headOf(doc, place) }, STEPS_MAX);
    return this.weightUs > WEIGHT_MAX_US ? "tangled" : undefined;
  }

  /** What Yjs pays for the marks of the texts this update touches. */
  private tidyingUs(): number {
    const texts = new Map<string, { readonly place: Place; marks: number; writes: number; deletions: number }>();
    const text = (place: Place) => {
      const key = place.strand;
      let found = texts.get(key);
      if (found === undefined) texts.set(key, (found = { place, marks: 0, writes: 0, deletions: 0 }));
      return found;
    };
    for (const { node, struct } of this.writes) {
      if (node.place.at !== "inside" || node.place.key !== null) continue;
      const touched = text(node.place);
      touched.writes++;
      if (struct instanceof Y.Item && struct.content instanceof Y.ContentFormat) touched.marks++;
    }
    for (const { node } of this.deletions) if (node.place.at === "inside" && node.place.key === null) text(node.place).deletions++;
    let us = 0;
    for (const { place, marks, writes, deletions } of texts.values()) {
      const known = marks > 0 || hasMarks(this.doc, place) ? strandCensus(this.doc, place) : undefined;
      if (known === undefined) continue;
      const waiting = this.pending.strandLength(place);
      const length = known.length + waiting + writes;
      us += length * (US.tidy + US.tidyPerMark * (known.marks + waiting + marks) + US.tidyPerDeletion * deletions);
    }
    return us;
  }

  private cutUs(client: number): number {
    return US.cut + US.cutPerStruct * (this.doc.store.clients.get(client)?.length ?? 0);
  }

  /** True when the document's struct has to be cut after (`after` 1) or before (0) this element. */
  private isInside(id: { readonly client: number; readonly clock: number } | null, after: 0 | 1): boolean {
    const struct = id === null ? undefined : structAt(this.doc, id.client, id.clock);
    if (id === null || struct === undefined) return false;
    return after === 1 ? id.clock + 1 < struct.id.clock + struct.length : id.clock > struct.id.clock;
  }

  /** Collects the live runs of a range; returns how many structs it touches: looked at here, or deleted with what they hold. Stops soon after `max`. */
  private takeRange(client: number, { clock, len }: Range, max: number): number {
    let looked = 0;
    let at = clock;
    const end = clock + len;
    const structs = this.doc.store.clients.get(client) ?? [];
    const durable = Y.getState(this.doc.store, client);
    if (at < durable) {
      for (let i = Y.findIndexSS(structs, at); i < structs.length && at < end && (looked <= max || this.trusted); i++, looked++) {
        const struct = structs[i] as Y.Item | Y.GC;
        const next = struct.id.clock + struct.length;
        if (!struct.deleted && !this.pending.isDeleted(client, at, Math.min(next, end) - at)) {
          this.deletions.push({ node: nodeOf(this.doc, struct), client });
          if (struct instanceof Y.Item && struct.content instanceof Y.ContentType) looked += contentLength(struct.content.type, max - looked);
        }
        at = next;
      }
    }
    while (at < end) {
      const node = this.nodeAt({ client, clock: at });
      if (typeof node === "string") return looked;
      const next = node.clock + node.length;
      if (node.holds !== "nothing" && !this.pending.isDeleted(client, at, Math.min(next, end) - at)) this.deletions.push({ node, client });
      at = next;
      looked++;
    }
    return looked;
  }
}

/** Index of the last piece that begins at `clock` or before; -1 when there is none. */
function lastAtOrBefore(pieces: readonly Piece[], clock: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { struct, offset } = pieces[middle] as Piece;
    if (struct.id.clock + offset <= clock) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Structs below a type, deleted ones included: Yjs walks over them when it deletes the type. Stops soon after `max`. */
function contentLength(type: Y.AbstractType<any>, max: number): number {
  let length = 0;
  const count = (first: Y.Item | null, next: (item: Y.Item) => Y.Item | null): void => {
    for (let item = first; item !== null && length <= max; item = next(item)) {
      length++;
      if (!item.deleted && item.content instanceof Y.ContentType) length += contentLength(item.content.type, max - length);
    }
  };
  count(type._start, (item) => item.right);
  for (const newest of type._map.values()) count(newest, (item) => item.left);
  return length;
}
