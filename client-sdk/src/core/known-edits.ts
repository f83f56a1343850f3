/** Which edits a room has, by its document and by what it says it has. */
import * as Y from "yjs";
import type { OutboxPart } from "./outbox.ts";

/**
 * Whether an update is in `doc`, or its structs are in what the room's state vector says it has (its deletions then are too). Parts are judged
 * one by one: those of one message may have reached the room in an earlier message, before a link broke.
 */
export function isKnown(doc: Y.Doc, roomVector: Uint8Array | undefined): (part: OutboxPart) => boolean {
  const room = roomVector === undefined ? undefined : Y.decodeStateVector(roomVector);
  return ({ update }) => {
    const { structs, ds } = Y.decodeUpdate(update);
    const has = ({ id, length }: (typeof structs)[number]): boolean =>
      id.clock + length <= Math.max(Y.getState(doc.store, id.client), room?.get(id.client) ?? 0);
    if (structs.length > 0) return structs.every(has);
    return [...ds.clients].every(([client, ranges]) => ranges.every(({ clock, len }) => isDeleted(doc, client, clock, len)));
  };
}

function isDeleted(doc: Y.Doc, client: number, clock: number, length: number): boolean {
  const structs = doc.store.clients.get(client) ?? [];
  if (Y.getState(doc.store, client) < clock + length) return false;
  return structs.every((struct) => struct.deleted || struct.id.clock >= clock + length || struct.id.clock + struct.length <= clock);
}
