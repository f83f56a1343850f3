/**
 * What a room lost although it was settled once: its store was put back from a backup, or never got what it acknowledged. The replica still has it.
 *
 * [LE1] What this session and the restored edits wrote, up to the first edit that waits in the outbox, goes before the outbox, cut as large edits
 *       are (split-edit.ts): every edit of the outbox keeps its own outcome.
 * [LE2] What others wrote cannot be sent in their name: such a replica is no longer the room's, and is fetched anew.
 * [LE3] Of deletions those go along that lie in what is sent: which others the room lost, its state vector does not say.
 */
import * as Y from "yjs";
import { encodeUpdate, type Range } from "@copresence/shared/scene";
import type { OutboxPart } from "./outbox.ts";
import { type EditPart, splitEdit } from "./split-edit.ts";

/** What `vector` lacks of this document before `unsaved`, in parts; undefined when some of it is others' [LE2]. */
export function lostEdits(doc: Y.Doc, vector: Uint8Array, unsaved: readonly OutboxPart[]): readonly EditPart[] | undefined {
  const has = Y.decodeStateVector(vector);
  const waiting = new Map([[doc.clientID, 0]]);
  for (const { client, clocks } of unsaved) waiting.set(client, (waiting.get(client) ?? 0) + clocks);
  const ends = Y.decodeStateVector(Y.encodeStateVector(doc));
  const lost: EditPart[] = [];
  for (const [client, end] of ends) {
    const from = has.get(client) ?? 0;
    if (from >= end) continue;
    const own = waiting.get(client);
    if (own === undefined) return undefined;
    if (from < end - own) lost.push(...splitEdit(doc, written(doc, ends, { client, from, until: end - own }), []));
  }
  return lost;
}

type Span = { readonly client: number; readonly from: number; readonly until: number };

function written(doc: Y.Doc, ends: ReadonlyMap<number, number>, { client, from, until }: Span): Uint8Array {
  const vector = Y.encodeStateVector(new Map([...ends, [client, from]]));
  const { structs, ds } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc, vector));
  const pieces = structs.flatMap((struct) => {
    if (struct instanceof Y.Skip || struct.id.clock >= until) return [];
    shorten(struct, until - struct.id.clock);
    return [{ struct, offset: 0 }];
  });
  const deletes = (ds.clients.get(client) ?? []).flatMap(({ clock, len }): Range[] => {
    const [begin, end] = [Math.max(clock, from), Math.min(clock + len, until)];
    return begin < end ? [{ clock: begin, len: end - begin }] : [];
  });
  return encodeUpdate(new Map([[client, pieces]]), new Map(deletes.length === 0 ? [] : [[client, deletes]]));
}

/** Yjs joins what was written side by side; this takes it apart again. The struct was just decoded: nobody else has it. */
function shorten(struct: Y.Item | Y.GC, length: number): void {
  if (struct.length <= length) return;
  if (struct instanceof Y.Item) struct.content.splice(length);
  struct.length = length;
}
