/**
 * What one person did, as far as a scene's history goes back: for handing them their data. Replays the log as `readPast` does, in the same
 * thread. Pure.
 *
 * [PP1] An edit is told with what it changed and with the person's own words and values in it; what others wrote into the same objects is
 *       theirs, and is not told.
 * [PP2] An object is told of when the person made it, or is the last to have changed it, within the history.
 */
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";
import { beginPast, noteChanges, type SeenChanges } from "./replay.ts";
import type { Past, PersonEdit, PersonObject } from "./types.ts";

export type PersonPast = { readonly startMs: number; readonly edits: readonly PersonEdit[]; readonly objects: readonly PersonObject[] };

type Track = { made: boolean; last: string; gone: boolean };

export function personPast(past: Past, user: string): PersonPast {
  const doc = beginPast(past.base);
  const edits: PersonEdit[] = [];
  const tracks = new Map<string, Track>();
  let seen: SeenChanges = new Map();
  doc.getMap(OBJECTS_ROOT).observeDeep((events) => {
    for (const event of events) noteChanges(event as unknown as Y.YEvent<Y.AbstractType<unknown>>, seen);
  });
  for (const record of past.records) {
    seen = new Map();
    Y.applyUpdate(doc, record.bytes);
    for (const [object, { kind }] of seen) {
      const track = tracks.get(object) ?? { made: false, last: "", gone: false };
      tracks.set(object, { made: track.made || (kind === "created" && record.user === user), last: record.user, gone: kind === "deleted" });
    }
    if (record.user !== user) continue;
    const changes = [...seen].map(([object, { kind, fields }]) => ({ object, kind, fields: [...fields].sort() }));
    edits.push({ atMs: record.atMs, changes, wrote: wordsIn(record.bytes), update: record.bytes });
  }
  doc.destroy();
  const objects = [...tracks]
    .filter(([, { made, last }]) => made || last === user)
    .map(([object, { made, last, gone }]) => ({ object, made, lastChanged: last === user, gone }));
  return { startMs: past.records[0]?.atMs ?? 0, edits, objects };
}

/** Text and values that an update carries. */
function wordsIn(update: Uint8Array): unknown[] {
  return Y.decodeUpdate(update).structs.flatMap((struct): unknown[] => {
    if (!(struct instanceof Y.Item)) return [];
    if (struct.content instanceof Y.ContentString) return [struct.content.str];
    return struct.content instanceof Y.ContentAny ? struct.content.arr : [];
  });
}
