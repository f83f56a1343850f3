/**
 * What is stored and broadcast is always re-encoded from what was judged (`encodeUpdate`), so nothing that was not read (trailing bytes, known
 * prefixes, idle delete ranges) travels on; here are the server's own map writes.
 */
import { encodeUpdate, NOTHING, type Piece, type Range } from "@copresence/shared/scene";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

export { encodeUpdate, NOTHING, type Piece, type Range };
export type Struct = Piece["struct"];

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
