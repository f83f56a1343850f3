/**
 * A whole document as one Yjs V1 update, encoded a slice at a time while edits go on: for ten megabytes in one piece Yjs holds its thread for
 * a tenth of a second and more.
 *
 * [WH1] `finish` says what the document says at that moment: clients that grew since their slice are caught up with, and the delete set is
 *       today's. What was deleted after its slice travels with its old content and is deleted by the receiver.
 * [WH2] Work is counted in structs and bytes, not in milliseconds: the same room does the same (`lastUnits` of the newest call).
 *
 * Layout: update-bytes.ts. Clients come in Yjs's order, highest first.
 */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

/** Bytes that cost as much as a struct. */
const BYTES_PER_UNIT = 64;
/** One slice: about 10 ms. */
export const SLICE_UNITS = 16_000;

/** `until`: clock behind the last struct written. */
type Lane = { until: number; structs: number; readonly pieces: Uint8Array[] };

export class WholeState {
  /** What the newest slice or finish had to encode. */
  lastUnits = 0;
  private readonly doc: Y.Doc;
  private readonly lanes = new Map<number, Lane>();

  constructor(doc: Y.Doc) {
    this.doc = doc;
  }

  /** Encodes about `units`; true when there is nothing left. */
  slice(units: number): boolean {
    this.lastUnits = 0;
    for (const client of this.doc.store.clients.keys()) {
      if (this.lastUnits >= units) return false;
      if (!this.encode(client, units - this.lastUnits)) return false;
    }
    return true;
  }

  /** The rest, and all of it behind `head`. */
  finish(head: (length: number) => Uint8Array): Uint8Array {
    this.slice(Number.POSITIVE_INFINITY);
    const pieces: Uint8Array[] = [encoding.encode((out) => encoding.writeVarUint(out, this.lanes.size))];
    for (const [client, lane] of [...this.lanes].sort(([a], [b]) => b - a)) {
      const begin = encoding.encode((out) => {
        encoding.writeVarUint(out, lane.structs);
        encoding.writeVarUint(out, client);
        encoding.writeVarUint(out, 0);
      });
      pieces.push(begin, ...lane.pieces);
    }
    pieces.push(deleteSet(this.doc));
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const first = head(length);
    const whole = new Uint8Array(first.length + length);
    let at = 0;
    for (const piece of [first, ...pieces]) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** True when the client is encoded to its end. */
  private encode(client: number, units: number): boolean {
    const structs = this.doc.store.clients.get(client) ?? [];
    const lane = this.lanes.get(client) ?? { until: 0, structs: 0, pieces: [] };
    this.lanes.set(client, lane);
    if (lane.until >= Y.getState(this.doc.store, client)) return true;
    const out = new Y.UpdateEncoderV1();
    let at = Y.findIndexSS(structs, lane.until);
    const first = at;
    let spent = 0;
    for (; at < structs.length && spent < units; at++) {
      const struct = structs[at] as Y.Item | Y.GC;
      // Yjs may have joined it meanwhile with what was written already.
      struct.write(out, lane.until - struct.id.clock);
      lane.until = struct.id.clock + struct.length;
      spent = at - first + 1 + encoding.length(out.restEncoder) / BYTES_PER_UNIT;
    }
    lane.structs += at - first;
    lane.pieces.push(out.toUint8Array());
    this.lastUnits += spent;
    return at >= structs.length;
  }
}

/** What encoding all that `known` lacks would take, about: a character counts as a byte, an embedded value too. Cheap. */
export function missingUnits(doc: Y.Doc, known: ReadonlyMap<number, number>): number {
  let units = 0;
  for (const [client, structs] of doc.store.clients) {
    const [from, end] = [known.get(client) ?? 0, Y.getState(doc.store, client)];
    if (from < end) units += structs.length - Y.findIndexSS(structs, from) + (end - from) / BYTES_PER_UNIT;
  }
  return units;
}

function deleteSet(doc: Y.Doc): Uint8Array {
  const { clients } = Y.createDeleteSetFromStructStore(doc.store);
  return encoding.encode((out) => {
    encoding.writeVarUint(out, clients.size);
    for (const [client, ranges] of clients) {
      encoding.writeVarUint(out, client);
      encoding.writeVarUint(out, ranges.length);
      for (const { clock, len } of ranges) {
        encoding.writeVarUint(out, clock);
        encoding.writeVarUint(out, len);
      }
    }
  });
}
