/** What every reader of a scene's past does: beginning with the document as it was, and telling which objects a change was about. */
import * as Y from "yjs";
import type { PastEntry } from "./types.ts";

/** By object. */
export type SeenChanges = Map<string, { kind: PastEntry["kind"]; fields: Set<string> }>;

/** The document before the first record; nothing deleted is forgotten from there on. */
export function beginPast(base: Uint8Array | undefined): Y.Doc {
  const doc = new Y.Doc({ gc: false });
  if (base !== undefined) Y.applyUpdate(doc, base);
  return doc;
}

/** Adds an event of the objects' root to what was seen. */
export function noteChanges(event: Y.YEvent<Y.AbstractType<unknown>>, seen: SeenChanges): void {
  const [object, field] = event.path;
  const of = (id: string) => {
    let change = seen.get(id);
    if (change === undefined) seen.set(id, (change = { kind: "changed", fields: new Set() }));
    return change;
  };
  if (object === undefined) {
    for (const [key, { action }] of event.changes.keys) of(key).kind = action === "delete" ? "deleted" : "created";
    return;
  }
  const change = of(String(object));
  if (field !== undefined) change.fields.add(String(field));
  else if (event instanceof Y.YMapEvent) for (const key of event.keysChanged) change.fields.add(String(key));
}
