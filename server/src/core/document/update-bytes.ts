/**
 * Writes Yjs V1 updates by hand: what the gate checked, canonically, and the server's own map writes. What is stored and broadcast is always
 * re-encoded from what was judged, so nothing that was not read (trailing bytes, known prefixes, idle delete ranges) travels on.
 *
 * Layout (yjs/src/utils/encoding.js): varuint clients, then per client: varuint structs, client, first clock, structs; then the delete set:
 * varuint clients, then per client: client, varuint ranges, (clock, length)*.
 */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

export type Struct = Y.Item | Y.GC;
/** A struct to write, and how many of its first elements the receiver has already. */
export type Piece = { readonly struct: Struct; readonly offset: number };
export type Range = { readonly clock: number; readonly len: number };

/** The update that says nothing: no structs, no deletions. */
export const NOTHING: Uint8Array = new Uint8Array([0, 0]);

/** Pieces per client in clock order without holes; delete ranges per client. */
export function encodeUpdate(pieces: ReadonlyMap<number, readonly Piece[]>, deletes: ReadonlyMap<number, readonly Range[]>): Uint8Array {
  const out = new Y.UpdateEncoderV1();
  encoding.writeVarUint(out.restEncoder, pieces.size);
  for (const [client, list] of pieces) {
    const first = list[0];
    encoding.writeVarUint(out.restEncoder, list.length);
    encoding.writeVarUint(out.restEncoder, client);
    encoding.writeVarUint(out.restEncoder, first === undefined ? 0 : first.struct.id.clock + first.offset);
    for (const { struct, offset } of list) struct.write(out, offset);
  }
  encoding.writeVarUint(out.restEncoder, deletes.size);
  for (const [client, ranges] of deletes) {
    encoding.writeVarUint(out.restEncoder, client);
    encoding.writeVarUint(out.restEncoder, ranges.length);
    for (const { clock, len } of ranges) {
      encoding.writeVarUint(out.restEncoder, clock);
      encoding.writeVarUint(out.restEncoder, len);
    }
  }
  return out.toUint8Array();
}

/** One map entry written on top of `previous`, which it deletes; without a previous entry, into the map whose item is `map`. */
export function encodeMapSet(id: Y.ID, map: Y.ID, key: string, previous: Y.ID | null, value: unknown): Uint8Array {
  const item = new Y.Item(id, null, previous, null, null, map as never, key, new Y.ContentAny([value]));
  const deletes = new Map(previous === null ? [] : [[previous.client, [{ clock: previous.clock, len: 1 }]]]);
  return encodeUpdate(new Map([[id.client, [{ struct: item, offset: 0 }]]]), deletes);
}

/** An encoded state vector (`clients -> next clock`), as sync step 1 carries it. */
export function encodeVector(clocks: ReadonlyMap<number, number>): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clocks.size);
    for (const [client, clock] of clocks) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
    }
  });
}
