/**
 * From hostile bytes to structs of an update whose every neighbour and parent is known: bounded decoding, contiguity, places.
 *
 * [UR1] V1 only, decoded before anything is applied; sizes and counts are bounded before the work they cause.
 * [UR2] An update is `read` only if Yjs can integrate it completely: no missing clock, no missing neighbour, no cycle. What lacks something is
 *       a `gap`; nothing is ever left in Yjs's pending storage, which is unbounded and slow (measured: 1.4 s for 1 000 gap messages).
 * [UR3] Elements the room has already are cut off; a struct is judged by what is new in it.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { PendingIndex } from "./pending-index.ts";
import { GONE, holdsOf, type Node, nodeOf, type Place, placeInside, samePlace } from "./places.ts";
import type { Piece, Range } from "./update-bytes.ts";

/** New structs, and delete ranges that still delete something, of one update (OBJECTS.md). */
export const STRUCTS_MAX = 1000;
/** Structs that delete ranges may touch: the largest text, cut into single characters, several times over. */
const TOUCHED_MAX = 65_536;
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
};
export type UpdateFault = "malformed" | "too-large" | "gap";

/** Decodes and resolves an update against the document and what waits for the disk. Never throws, changes nothing. */
export function readUpdate(bytes: Uint8Array, doc: Y.Doc, pending: PendingIndex): Result<ReadUpdate, UpdateFault> {
  if (bytes.length > LIMITS.syncBytes) return err("too-large");
  let decoded: ReturnType<typeof Y.decodeUpdate>;
  try {
    decoded = Y.decodeUpdate(bytes);
  } catch {
    return err("malformed");
  }
  const resolver = new Resolver(doc, pending);
  const fault = resolver.take(decoded.structs) ?? resolver.resolve() ?? resolver.takeDeletes(decoded.ds.clients);
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

  constructor(doc: Y.Doc, pending: PendingIndex) {
    this.doc = doc;
    this.pending = pending;
  }

  result(): ReadUpdate {
    const pieces = new Map([...this.lanes].map(([client, lane]) => [client, lane.pieces]));
    return { pieces, writes: this.writes, ranges: this.ranges, deletions: this.deletions };
  }

  /** Sorts structs into lanes, cuts off what is known [UR3], checks that clocks are contiguous. */
  take(structs: readonly (Y.Item | Y.GC | Y.Skip)[]): UpdateFault | undefined {
    let count = 0;
    for (const struct of structs) {
      const { client, clock } = struct.id;
      if (client > CLIENT_MAX || clock + struct.length > CLOCK_MAX || struct.length < 1) return "malformed";
      const end = this.lanes.get(client)?.end ?? this.pending.end(client);
      if (clock + struct.length <= end) continue;
      if (struct instanceof Y.Skip || clock > end) return "gap";
      if (++count > STRUCTS_MAX) return "too-large";
      let lane = this.lanes.get(client);
      if (lane === undefined) {
        if (this.lanes.size === CLIENTS_MAX) return "too-large";
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
      const node: Node = { client, clock: from, length: piece.struct.length - piece.offset, place, holds: holdsOf(piece.struct) };
      lane.nodes.push(node);
      this.writes.push({ ...piece, node });
      lane.next++;
    }
    return undefined;
  }

  private placeOf({ struct, offset }: Piece): Place | UpdateFault {
    if (struct instanceof Y.GC) return GONE;
    // The known beginning of a struct decides for the rest: its continuation is written with that as its left neighbour.
    if (offset > 0) {
      const known = this.nodeAt({ client: struct.id.client, clock: struct.id.clock + offset - 1 });
      return typeof known === "string" ? known : known.place;
    }
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

  private isCollected(id: Y.ID | null): boolean {
    if (id === null || id.clock >= Y.getState(this.doc.store, id.client)) return false;
    return Y.getItem(this.doc.store, id) instanceof Y.GC;
  }

  private placeUnder(parent: unknown, key: string | null): Place | UpdateFault {
    if (typeof parent === "string") return parent === OBJECTS_ROOT && key !== null ? { at: "root", object: key } : "malformed";
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
    const index = lane.pieces.findLastIndex((piece) => piece.struct.id.clock + piece.offset <= id.clock);
    return this.resolveThrough(lane, index) ?? lane.nodes[index] ?? "malformed";
  }

  /** Keeps the delete ranges that still delete something; an honest step 2 names everything ever deleted. */
  takeDeletes(clients: ReadonlyMap<number, readonly Range[]>): UpdateFault | undefined {
    let touched = 0;
    let kept = 0;
    for (const [client, ranges] of clients) {
      const end = this.lanes.get(client)?.end ?? this.pending.end(client);
      const keep: Range[] = [];
      for (const range of ranges) {
        if (range.clock + range.len > end) return "gap";
        const before = this.deletions.length;
        touched += this.takeRange(client, range);
        if (touched > TOUCHED_MAX) return "too-large";
        if (this.deletions.length > before) keep.push({ clock: range.clock, len: range.len });
      }
      kept += keep.length;
      if (kept > STRUCTS_MAX) return "too-large";
      if (keep.length > 0) this.ranges.set(client, keep);
    }
    return undefined;
  }

  /** Collects the live runs of a range; returns how many structs it looked at. */
  private takeRange(client: number, { clock, len }: Range): number {
    let looked = 0;
    let at = clock;
    const end = clock + len;
    const structs = this.doc.store.clients.get(client) ?? [];
    const durable = Y.getState(this.doc.store, client);
    if (at < durable) {
      for (let i = Y.findIndexSS(structs, at); i < structs.length && at < end; i++, looked++) {
        const struct = structs[i] as Y.Item | Y.GC;
        const next = struct.id.clock + struct.length;
        if (!struct.deleted && !this.pending.isDeleted(client, at, Math.min(next, end) - at)) {
          this.deletions.push({ node: nodeOf(this.doc, struct), client });
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
