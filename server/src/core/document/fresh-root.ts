/**
 * A fresh document with the content of an old one: one clientID, contiguous clocks, nothing deleted. Runs in the store's compaction thread. Pure.
 *
 * [FR1] What is read of it is what was read of the old one: maps, texts with their formatting, lists, nested containers, values, under every
 *       root. A counter's shares, one per client that ever counted, become one share of the new root's: its sum is what is read.
 * [FR2] It comes as a row of updates, each of about PIECE_BYTES, which apply in order and only in order: the store appends them as the first
 *       records of the new epoch, and the room takes them in slices.
 * [FR3] What cannot be carried over (a kind of type that no scene has) is an error, never left out.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";

/** Applied in a few milliseconds. */
const PIECE_BYTES = 32 * 1024;
/** Entries of roots written in one transaction: a piece is looked at after each. */
const ENTRIES = 16;

/** `clock`: the root's next one after it. */
export type FreshPiece = { readonly update: Uint8Array; readonly clock: number };

type Shared = Y.AbstractType<unknown> & { readonly _map: Map<string, Y.Item>; readonly _start: Y.Item | null };
class Uncarried extends Error {}

/** The updates of a document with the content of `state`, all written under `root`; or why it cannot be made. */
export function freshRoot(state: readonly Uint8Array[], root: number): Result<FreshPiece[], string> {
  const [old, fresh] = [new Y.Doc({ gc: true }), new Y.Doc({ gc: true })];
  try {
    old.transact(() => {
      for (const update of state) Y.applyUpdate(old, update);
    });
    if (old.store.pendingStructs !== null || old.store.pendingDs !== null) return err("the log lacks updates that others build on");
    fresh.clientID = root;
    const pieces = collect(fresh);
    // An entry of a map is one key; a text or list at the root goes as a whole.
    for (const name of [...old.share.keys()].sort()) for (const write of copyRoot(old, fresh, name)) pieces.write(write);
    return ok(pieces.done());
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  } finally {
    old.destroy();
    fresh.destroy();
  }
}

/** Gathers what is written into updates of a good size. */
function collect(doc: Y.Doc) {
  const pieces: FreshPiece[] = [];
  let waiting: (() => void)[] = [];
  let open: Uint8Array[] = [];
  let bytes = 0;
  doc.on("update", (update: Uint8Array) => {
    open.push(update);
    bytes += update.length;
  });
  const close = (): void => {
    const [only] = open;
    if (only !== undefined) pieces.push({ update: open.length === 1 ? only : Y.mergeUpdates(open), clock: Y.getState(doc.store, doc.clientID) });
    open = [];
    bytes = 0;
  };
  const flush = (): void => {
    const writes = waiting;
    waiting = [];
    doc.transact(() => writes.forEach((write) => write()));
    if (bytes >= PIECE_BYTES) close();
  };
  return {
    write: (write: () => void): void => {
      waiting.push(write);
      if (waiting.length >= ENTRIES) flush();
    },
    done: (): FreshPiece[] => {
      flush();
      close();
      // A document that was emptied is not one that never was: there is a first record in any case.
      return pieces.length > 0 ? pieces : [{ update: Y.encodeStateAsUpdate(doc), clock: 0 }];
    },
  };
}

/** A root's kind is not stored: it is told from what lies in it, as Yjs itself cannot before somebody asks for it by its kind. */
function* copyRoot(old: Y.Doc, fresh: Y.Doc, name: string): Iterable<() => void> {
  const raw = old.share.get(name) as Shared;
  const entries = [...raw._map].filter(([, item]) => !item.deleted).map(([key]) => key);
  const kinds = liveKinds(raw);
  if (kinds.size === 0) {
    const map = old.getMap<unknown>(name);
    const target = fresh.getMap<unknown>(name);
    for (const key of entries.sort()) yield () => void target.set(key, copyEntry(map.get(key), fresh.clientID, name === OBJECTS_ROOT ? 1 : 0));
    return;
  }
  if (entries.length > 0) throw new Uncarried(`the root "${name}" is of a kind that no scene has`);
  const isText = [...kinds].every((kind) => kind === Y.ContentString || kind === Y.ContentFormat || kind === Y.ContentEmbed);
  if (isText) yield () => fresh.getText(name).applyDelta(deltaOf(old.getText(name), fresh.clientID));
  else
    yield () =>
      fresh.getArray(name).push(
        old
          .getArray(name)
          .toArray()
          .map((item) => copy(item, fresh.clientID)),
      );
}

function liveKinds(type: Shared): ReadonlySet<unknown> {
  const kinds = new Set<unknown>();
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) kinds.add(item.content.constructor);
  return kinds;
}

/** `level`: 1 for an object of the scene, whose fields may be counters. */
function copyEntry(value: unknown, root: number, level: number): unknown {
  if (level === 0 || !(value instanceof Y.Map)) return copy(value, root);
  return new Y.Map(entriesOf(value).map(([field, stored]) => [field, isCounter(stored) ? oneShare(stored, root) : copy(stored, root)]));
}

function copy(value: unknown, root: number): unknown {
  if (value instanceof Y.Text && value.constructor === Y.Text) {
    const text = new Y.Text();
    text.applyDelta(deltaOf(value, root));
    for (const [name, attribute] of Object.entries(value.getAttributes() as Record<string, unknown>)) text.setAttribute(name, copy(attribute, root));
    return text;
  }
  if (value instanceof Y.Array && value.constructor === Y.Array)
    return Y.Array.from(value.toArray().map((item: unknown) => copy(item, root)) as string[]);
  if (value instanceof Y.Map && value.constructor === Y.Map) return new Y.Map(entriesOf(value).map(([key, inner]) => [key, copy(inner, root)]));
  if (value instanceof Y.AbstractType || value instanceof Y.Doc) throw new Uncarried("the document holds a type that no scene has");
  return value;
}

function deltaOf(text: Y.Text, root: number): unknown[] {
  const delta = text.toDelta() as { insert: unknown }[];
  return delta.map((op) => (typeof op.insert === "string" ? op : { ...op, insert: copy(op.insert, root) }));
}

const entriesOf = (map: Y.Map<unknown>): [string, unknown][] => [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1));

/** Shares are numbers under clientIDs; a set's elements are `true`. */
function isCounter(value: unknown): value is Y.Map<unknown> {
  if (!(value instanceof Y.Map) || value.size === 0) return false;
  return [...value.entries()].every(([key, share]) => /^\d{1,16}$/.test(key) && typeof share === "number");
}

function oneShare(counter: Y.Map<unknown>, root: number): Y.Map<unknown> {
  let sum = 0;
  for (const share of counter.values()) if (typeof share === "number" && Number.isFinite(share)) sum += share;
  return new Y.Map(sum === 0 ? [] : [[String(root), sum]]);
}
