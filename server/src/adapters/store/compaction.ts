/**
 * Folds a snapshot and the updates behind it into a new snapshot, through a fresh garbage-collecting Y.Doc: merging updates neither collects
 * what was deleted nor stays linear (OBJECTS.md, Durability). Pure; takes as long as building the document twice.
 *
 * [CP1] The result was decoded again, completely, and names exactly the edits that went in, before anybody is handed it.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import * as Y from "yjs";
import { type Wear, wearOf } from "../../core/document/renewal.ts";
import { crashPoint } from "./crash-point.ts";

export type Fold = { readonly state: Uint8Array; readonly wear: Wear };

export function fold(snapshot: Uint8Array | undefined, updates: readonly Uint8Array[]): Result<Fold, string> {
  const doc = new Y.Doc({ gc: true });
  const again = new Y.Doc({ gc: true });
  try {
    doc.transact(() => {
      if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
      for (const update of updates) Y.applyUpdate(doc, update);
    });
    if (incomplete(doc)) return err("the log lacks updates that others build on");
    const state = Y.encodeStateAsUpdate(doc);
    crashPoint("compaction.fold");
    Y.applyUpdate(again, state);
    crashPoint("compaction.verify");
    if (incomplete(again) || !sameVector(doc, again)) return err("the new snapshot does not decode to what went into it");
    return ok({ state, wear: wearOf(again) });
  } catch (error) {
    return err(`the log cannot be decoded (${error instanceof Error ? error.message : String(error)})`);
  } finally {
    doc.destroy();
    again.destroy();
  }
}

const incomplete = (doc: Y.Doc): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null;

function sameVector(a: Y.Doc, b: Y.Doc): boolean {
  const left = Y.decodeStateVector(Y.encodeStateVector(a));
  const right = Y.decodeStateVector(Y.encodeStateVector(b));
  if (left.size !== right.size) return false;
  for (const [client, clock] of left) if (right.get(client) !== clock) return false;
  return true;
}
