/**
 * Reads a scene's past: lists who changed what and when, and works out what the scene would be without some of the changes. Runs in the
 * compaction's thread: it replays the whole log that is kept. Pure.
 *
 * [HI1] An edit is undone where nothing was built on it: what others wrote over it, or into it, stays (Yjs's UndoManager decides per entry of
 *       a map and per character).
 * [HI2] An object that was made by an undone edit and that others have worked on stays, with their work.
 * [HI4] A re-rooted document has a past per epoch, none of whose ids mean anything in another. Each is read by itself: the undo of an earlier one
 *       is in plain values as they were at the re-rooting, and what was changed since stays, as with anything changed since.
 * [HI3] The answer is in plain values, before and after: the room writes it as an edit of its own (document/undo.ts), under its own checks.
 */
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";
import { personPast, type PersonPast } from "./person-past.ts";
import { beginPast, noteChanges, type SeenChanges } from "./replay.ts";
import type { Past, PastAnswer, PastEntry, PastQuery, PastRecord, PersonObject, StoredObject, UndoneObject } from "./types.ts";

/** Edits of one person to one object that are not further apart are one entry. */
const TOGETHER_MS = 60_000;
const FIELDS_NAMED = 16;
/** Objects one rollback may change; what is left is undone by the next. */
const OBJECTS_UNDONE = 2000;

type Deletions = ReturnType<typeof Y.createDeleteSet>;
type Open = { user: string; object: string; kind: PastEntry["kind"]; fields: Set<string>; fromMs: number; untilMs: number; edits: number };

/** `pasts`: one per epoch, oldest first. */
export function readPast(pasts: readonly Past[], query: PastQuery): PastAnswer {
  if (query.kind === "person") return { kind: "person", ...together(pasts.map((past) => personPast(past, query.by))) };
  return query.kind === "list" ? list(pasts, query) : undo(pasts, query);
}

function list(pasts: readonly Past[], query: PastQuery): PastAnswer {
  const lists = pasts.map((past) => listOne(past, query)).reverse();
  const entries = lists.flat();
  const latest = entries.slice(0, query.limit);
  return {
    kind: "list",
    startMs: pasts.flatMap(({ records }) => records.slice(0, 1))[0]?.atMs ?? 0,
    more: entries.length > latest.length,
    entries: latest.map((entry) => ({ ...entry, fields: [...entry.fields].sort().slice(0, FIELDS_NAMED) })),
  };
}

/** The newest epoch's first: what it undoes is undone before what was there when it began. */
function undo(pasts: readonly Past[], query: PastQuery): PastAnswer {
  const undone = pasts.map((past) => undoOne(past, query)).reverse();
  const touched = new Set(undone.flatMap(({ wanted }) => wanted));
  return { kind: "undo", touched: touched.size, objects: undone.flatMap(({ objects }) => objects).slice(0, OBJECTS_UNDONE) };
}

const chosen = (record: PastRecord, { by, sinceMs }: PastQuery): boolean => (by === "" || record.user === by) && record.atMs >= sinceMs;

/** What a person did in all epochs. */
function together(epochs: readonly PersonPast[]): PersonPast {
  const objects = new Map<string, PersonObject>();
  for (const one of epochs.flatMap((past) => past.objects)) {
    const before = objects.get(one.object);
    objects.set(one.object, { ...one, made: one.made || before?.made === true });
  }
  const startMs = epochs.find((past) => past.startMs > 0)?.startMs ?? 0;
  return { startMs, edits: epochs.flatMap(({ edits }) => edits), objects: [...objects.values()] };
}

/** Newest first. */
function listOne(past: Past, query: PastQuery): Open[] {
  const { doc, records } = begin(past);
  const root = doc.getMap(OBJECTS_ROOT);
  const entries: Open[] = [];
  const newest = new Map<string, Open>();
  let record: PastRecord | undefined;
  root.observeDeep((events) => {
    if (record === undefined || !chosen(record, query)) return;
    const seen: SeenChanges = new Map();
    for (const event of events) noteChanges(event as unknown as Y.YEvent<Y.AbstractType<unknown>>, seen);
    for (const [object, change] of seen) {
      if (query.object !== "" && query.object !== object) continue;
      merge(entries, newest, { ...change, user: record.user, object, fromMs: record.atMs, untilMs: record.atMs, edits: 1 });
    }
  });
  for (record of records) Y.applyUpdate(doc, record.bytes);
  doc.destroy();
  return entries.reverse().sort((a, b) => b.untilMs - a.untilMs);
}

/** Into the newest entry about the object, when that is the same person's and not long ago. */
function merge(entries: Open[], newest: Map<string, Open>, next: Open): void {
  const last = newest.get(next.object);
  if (last?.user === next.user && next.fromMs - last.untilMs <= TOGETHER_MS && last.kind !== "deleted" && next.kind !== "created") {
    if (next.kind === "deleted") last.kind = "deleted";
    for (const field of next.fields) last.fields.add(field);
    last.untilMs = next.untilMs;
    last.edits++;
    return;
  }
  entries.push(next);
  newest.set(next.object, next);
}

function undoOne(past: Past, query: PastQuery): { readonly wanted: readonly string[]; readonly objects: readonly UndoneObject[] } {
  const { doc, records } = begin(past);
  const root = doc.getMap<unknown>(OBJECTS_ROOT);
  const insertions: Deletions[] = [];
  const deletions: Deletions[] = [];
  const touched = new Set<string>();
  let record: PastRecord | undefined;
  const watch = (transaction: Y.Transaction): void => {
    if (record === undefined || !chosen(record, query)) return;
    insertions.push(inserted(transaction));
    deletions.push(transaction.deleteSet);
  };
  root.observeDeep((events) => {
    if (record === undefined || !chosen(record, query)) return;
    for (const event of events) {
      if (event.path[0] !== undefined) touched.add(String(event.path[0]));
      else for (const key of event.changes.keys.keys()) touched.add(key);
    }
  });
  doc.on("afterTransaction", watch);
  for (record of records) Y.applyUpdate(doc, record.bytes);
  doc.off("afterTransaction", watch);
  record = undefined;
  const wanted = [...touched].filter((object) => query.object === "" || object === query.object).sort();
  const before = new Map(wanted.map((object) => [object, stored(root, object)]));
  reverse(root, Y.mergeDeleteSets(insertions), Y.mergeDeleteSets(deletions));
  const objects: UndoneObject[] = [];
  for (const object of wanted) {
    const entry = { object, before: before.get(object), after: stored(root, object) };
    if (JSON.stringify(entry.before) !== JSON.stringify(entry.after) && objects.length < OBJECTS_UNDONE) objects.push(entry);
  }
  doc.destroy();
  return { wanted, objects };
}

/** All chosen edits are one step of Yjs's own undo. */
function reverse(root: Y.Map<unknown>, insertions: Deletions, deletions: Deletions): void {
  const manager = new Y.UndoManager(root, { deleteFilter: (item) => mayGo(item, root, insertions) });
  const step = { insertions, deletions, meta: new Map() };
  (manager.undoStack as unknown as (typeof step)[]).push(step);
  manager.undo();
  manager.destroy();
}

/** [HI2] An object with others' work in it stays, and with it what makes it an object: its type and its containers. */
function mayGo(item: Y.Item, root: Y.Map<unknown>, insertions: Deletions): boolean {
  if (item.parent === root) return !holdsForeign(item, insertions);
  const object = item.parent instanceof Y.AbstractType ? item.parent._item : null;
  const isField = object !== null && object.parent === root && item.parentSub !== null;
  if (!isField || object === null) return true;
  const stays = !Y.isDeleted(insertions, object.id) || holdsForeign(object, insertions);
  return !(stays && (item.parentSub === "type" || item.content instanceof Y.ContentType));
}

function holdsForeign(item: Y.Item, insertions: Deletions): boolean {
  if (!(item.content instanceof Y.ContentType)) return false;
  const type = item.content.type as Y.AbstractType<unknown> & { readonly _map: Map<string, Y.Item>; readonly _start: Y.Item | null };
  const foreign = (child: Y.Item): boolean => !child.deleted && (!Y.isDeleted(insertions, child.id) || holdsForeign(child, insertions));
  for (const child of type._map.values()) if (foreign(child)) return true;
  for (let child = type._start; child !== null; child = child.right) if (foreign(child)) return true;
  return false;
}

/**
 * The document before the first record that anybody made; nothing deleted is forgotten from there on. An epoch begins with records of nobody's:
 * the fresh root, and what the room wrote into it of itself.
 */
function begin({ base, records }: Past): { readonly doc: Y.Doc; readonly records: readonly PastRecord[] } {
  const doc = beginPast(base);
  const first = records.findIndex(({ user }) => user !== "");
  const founding = first < 0 ? records : records.slice(0, first);
  for (const { bytes } of founding) Y.applyUpdate(doc, bytes);
  return { doc, records: records.slice(founding.length) };
}

function inserted({ beforeState, afterState }: Y.Transaction): Deletions {
  const set = Y.createDeleteSet();
  for (const [client, end] of afterState) {
    const start = beforeState.get(client) ?? 0;
    if (end > start) set.clients.set(client, [{ clock: start, len: end - start } as never]);
  }
  return set;
}

function stored(root: Y.Map<unknown>, object: string): StoredObject {
  const map = root.get(object);
  return map instanceof Y.Map ? (map.toJSON() as StoredObject) : undefined;
}
