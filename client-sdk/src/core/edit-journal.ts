/**
 * What the application meant, kept beside the Yjs update that says it, so that an edit can be made again on another document.
 *
 * A refused update cannot be taken out of a Yjs document: its clocks are spent. The document is then fetched anew and the edits that
 * were not refused are made again on it (scene-sync.ts, [SS4]).
 *
 * [EJ1] Captured from the shared types' own events, so edits made by editor bindings on the document are kept like the SDK's.
 * [EJ2] Replaying never throws and never creates what its parent no longer holds: an edit whose object is gone is gone too.
 * [EJ3] A counter's share is replayed as an increment under the new document's id; values as they were, changes of texts and lists where they were
 *       meant (rebase.ts).
 */
import * as Y from "yjs";
import { type Rebase, type Run, type SequenceEdit, sequenceEdits } from "./rebase.ts";

type Path = readonly string[];
export type Edit =
  | { readonly kind: "set"; readonly path: Path; readonly key: string; readonly value: Plain }
  | { readonly kind: "unset"; readonly path: Path; readonly key: string }
  | { readonly kind: "count"; readonly path: Path; readonly by: number }
  | { readonly kind: "sequence"; readonly path: Path; readonly edits: readonly SequenceEdit[] };

/** A value outside of any document: shared types become tagged copies. */
type Plain =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "text"; readonly text: string; readonly made: readonly Run[] }
  | { readonly kind: "list"; readonly items: readonly Plain[]; readonly made: readonly Run[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, Plain])[] };

/** The edits of one transaction, from `observeDeep` on the objects' root. */
export function captureEdits(events: readonly Y.YEvent<Y.AbstractType<unknown>>[], clientId: number): Edit[] {
  return events.flatMap((event) => {
    if (!event.path.every((part) => typeof part === "string")) return [];
    const path = event.path as readonly string[];
    if (event instanceof Y.YMapEvent) return mapEdits(event as Y.YMapEvent<unknown>, path, String(clientId));
    return [{ kind: "sequence", path, edits: sequenceEdits(event) }];
  });
}

/** Makes the edits again below `root`. `fromClient` is the id of the document they were made on. */
export function replayEdits(root: Y.Map<unknown>, edits: readonly Edit[], fromClient: number, rebase: Rebase): void {
  root.doc?.transact(() => {
    for (const edit of edits) replay(root, edit, String(fromClient), rebase);
  });
}

/** Ids of the objects an edit of one transaction creates, changes or deletes. */
export const objectsOf = (edits: readonly Edit[]): readonly string[] => [...new Set(edits.map((edit) => place(edit)[0] ?? ""))];

/** Whether it changes this field of this object; "" is any field, and creating or deleting the object changes them all. */
export function touches(edit: Edit, object: string, field: string): boolean {
  const [id, name] = place(edit);
  return id === object && (field === "" || name === undefined || name === field);
}

/** Object, then field, then what is inside of it. */
const place = (edit: Edit): Path => (edit.kind === "set" || edit.kind === "unset" ? [...edit.path, edit.key] : edit.path);

function mapEdits(event: Y.YMapEvent<unknown>, path: Path, share: string): Edit[] {
  const edits: Edit[] = [];
  for (const [key, change] of event.changes.keys) {
    const now: unknown = event.target.get(key);
    if (change.action === "delete") edits.push({ kind: "unset", path, key });
    else if (key === share && typeof now === "number")
      edits.push({ kind: "count", path, by: now - (typeof change.oldValue === "number" ? change.oldValue : 0) });
    else edits.push({ kind: "set", path, key, value: toPlain(now) });
  }
  return edits;
}

function replay(root: Y.Map<unknown>, edit: Edit, fromShare: string, rebase: Rebase): void {
  const target = find(root, edit.path);
  switch (edit.kind) {
    case "set":
      if (!(target instanceof Y.Map)) return;
      target.set(edit.key, toShared(edit.value, fromShare, shareOf(root)));
      return remade(target.get(edit.key), edit.value, rebase);
    case "unset":
      if (target instanceof Y.Map) target.delete(edit.key);
      return;
    case "count":
      if (target instanceof Y.Map) {
        const mine: unknown = target.get(shareOf(root));
        target.set(shareOf(root), (typeof mine === "number" ? mine : 0) + edit.by);
      }
      return;
    case "sequence":
      if (target instanceof Y.Text || target instanceof Y.Array) for (const part of edit.edits) rebase.apply(target, part);
  }
}

function find(root: Y.Map<unknown>, path: Path): unknown {
  let at: unknown = root;
  for (const part of path) at = at instanceof Y.Map ? at.get(part) : undefined;
  return at;
}

const shareOf = (root: Y.Map<unknown>): string => String(root.doc?.clientID);

function toPlain(value: unknown): Plain {
  if (value instanceof Y.Text) return { kind: "text", text: value.toString(), made: runsOf(value) };
  if (value instanceof Y.Array) return { kind: "list", items: value.toArray().map(toPlain), made: runsOf(value) };
  if (value instanceof Y.Map) return { kind: "map", entries: [...value.entries()].map(([key, inner]) => [key, toPlain(inner)]) };
  return { kind: "value", value };
}

function toShared(plain: Plain, fromShare: string, toShare: string): unknown {
  switch (plain.kind) {
    case "text":
      return new Y.Text(plain.text);
    case "list":
      return Y.Array.from(plain.items.map((item) => toShared(item, fromShare, toShare)) as string[]);
    case "map":
      return new Y.Map(plain.entries.map(([key, inner]) => [key === fromShare ? toShare : key, toShared(inner, fromShare, toShare)]));
    case "value":
      return plain.value;
  }
}

/** Live elements of a text or list, in order. */
function runsOf(sequence: Y.Text | Y.Array<unknown>): Run[] {
  const runs: Run[] = [];
  for (let item = sequence._start; item !== null; item = item.right) {
    if (!item.deleted && item.countable) runs.push([item.id.client, item.id.clock, item.length]);
  }
  return runs;
}

/** What became of the elements of containers that were made again. */
function remade(shared: unknown, plain: Plain, rebase: Rebase): void {
  if (plain.kind === "map" && shared instanceof Y.Map) for (const [key, inner] of plain.entries) remade(shared.get(key), inner, rebase);
  else if ((plain.kind === "text" || plain.kind === "list") && (shared instanceof Y.Text || shared instanceof Y.Array))
    rebase.remade(shared, plain.made);
}
