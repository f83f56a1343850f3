/**
 * Writes Yjs V1 updates by hand, from structs that were read: what the gate lets pass, and parts of what is too large for one message.
 *
 * Layout (yjs/src/utils/encoding.js): varuint clients, then per client: varuint structs, client, first clock, structs; then the delete set:
 * varuint clients, then per client: client, varuint ranges, (clock, length)*.
 */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

/** A struct to write, and how many of its first elements the receiver has already. */
export type Piece = { readonly struct: Y.Item | Y.GC; readonly offset: number };
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
