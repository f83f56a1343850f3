/**
 * Writes an undone past into the present document, in plain values, each by the means of its field's policy.
 *
 * [UN1] What differs from what the undo started from was changed meanwhile and stays; texts are merged by position, sets by element, counters
 *       by difference.
 * [UN2] What the scene does not declare (any more) is left alone; nothing here throws on a document it did not write.
 */
import { createObject, deleteObject, isPlainValue, objectMap, objectsRoot, type Scene, unpackTransform } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { StoredObject, UndoneObject } from "../history/types.ts";

type Fields = Readonly<Record<string, unknown>>;
type FieldSpec = NonNullable<Scene["objects"][string]>[string];

/** Whether anything was written. */
export function writeUndone(doc: Y.Doc, scene: Scene, { object, before, after }: UndoneObject): boolean {
  const now = objectMap(doc, object)?.toJSON() as StoredObject;
  if (after === undefined) return before !== undefined && unchanged(scene, now, before) && deleteObject(doc, object);
  if (before === undefined) return now === undefined && restore(doc, scene, object, after);
  if (now === undefined) return false;
  if (before["type"] !== after["type"]) return unchanged(scene, now, before) && deleteObject(doc, object) && restore(doc, scene, object, after);
  const spec = scene.objects[String(now["type"])];
  const map = objectMap(doc, object);
  if (spec === undefined || map === undefined || now["type"] !== after["type"]) return false;
  let wrote = false;
  for (const [name, field] of Object.entries(spec)) {
    if (same(before[name], after[name])) continue;
    wrote = writeField(map, name, field, { before: before[name], after: after[name], now: now[name] }) || wrote;
  }
  return wrote;
}

type Versions = { readonly before: unknown; readonly after: unknown; readonly now: unknown };

function writeField(map: Y.Map<unknown>, name: string, field: FieldSpec, { before, after, now }: Versions): boolean {
  const stored = map.get(name);
  switch (field.policy) {
    case "text":
      return stored instanceof Y.Text && replaceText(stored, merged(asText(before), asText(after), stored.toString()));
    case "list": {
      if (!(stored instanceof Y.Array) || !same(now, before)) return false;
      replaceList(stored, Array.isArray(after) ? after.filter((item) => isPlainValue(field.value, item)) : []);
      return true;
    }
    case "set":
      return stored instanceof Y.Map && changeSet(stored, asFields(before), asFields(after));
    case "counter": {
      const by = sum(after) - sum(before);
      if (!(stored instanceof Y.Map) || by === 0) return false;
      const key = String(map.doc?.clientID ?? 0);
      const mine = stored.get(key);
      stored.set(key, (typeof mine === "number" ? mine : 0) + by);
      return true;
    }
    default: {
      if (!same(now, before)) return false;
      const fits = field.policy === "leased" ? unpackTransform(after) !== undefined : isPlainValue(field.value, after);
      if (fits) map.set(name, after);
      else if (after === undefined && field.policy !== "leased") map.delete(name);
      else return false;
      return true;
    }
  }
}

/** The object as it was; a counter is one share of the room's. */
function restore(doc: Y.Doc, scene: Scene, object: string, was: Fields): boolean {
  const type = String(was["type"]);
  const spec = Object.hasOwn(scene.objects, type) ? scene.objects[type] : undefined;
  if (spec === undefined) return false;
  const init: Record<string, unknown> = {};
  const own: [string, unknown][] = [];
  for (const [name, field] of Object.entries(spec)) {
    const value = was[name];
    if (field.policy === "text") init[name] = asText(value);
    else if (field.policy === "list") init[name] = Array.isArray(value) ? value.filter((item) => isPlainValue(field.value, item)) : [];
    else if (field.policy === "set") init[name] = Object.keys(asFields(value));
    else if (field.policy === "counter") init[name] = sum(value);
    else if (field.policy === "leased") init[name] = unpackTransform(value);
    else if (isPlainValue(field.value, value)) {
      if (field.policy === "serverOnly") own.push([name, value]);
      else init[name] = value;
    }
  }
  createObject(doc, scene, type, object, init);
  for (const [name, value] of own) objectsRoot(doc).get(object)?.set(name, value);
  return true;
}

/** `now` with the difference from `before` to `after` made in it, as Yjs merges two people's edits. */
function merged(before: string, after: string, now: string): string {
  if (now === before) return after;
  const base = new Y.Doc();
  base.getText().insert(0, before);
  const state = Y.encodeStateAsUpdate(base);
  const sides = [after, now].map((text) => {
    const side = new Y.Doc();
    Y.applyUpdate(side, state);
    replaceText(side.getText(), text);
    return side;
  });
  for (const side of sides) Y.applyUpdate(base, Y.encodeStateAsUpdate(side));
  return base.getText().toString();
}

/** Changes only what differs between the common beginning and the common end. */
function replaceText(text: Y.Text, wanted: string): boolean {
  const had = text.toString();
  if (had === wanted) return false;
  const [start, end] = differing(had, wanted);
  const cut = had.length - end - start;
  if (cut > 0) text.delete(start, cut);
  const added = wanted.slice(start, wanted.length - end);
  if (added !== "") text.insert(start, added);
  return true;
}

function replaceList(list: Y.Array<unknown>, wanted: readonly unknown[]): void {
  const had = list.toArray();
  const [start, end] = differing(had, wanted);
  if (had.length - end > start) list.delete(start, had.length - end - start);
  const added = wanted.slice(start, wanted.length - end);
  if (added.length > 0) list.insert(start, [...added]);
}

/** Lengths of the common beginning and of the common end, never splitting a surrogate pair. */
function differing(a: ArrayLike<unknown>, b: ArrayLike<unknown>): readonly [start: number, end: number] {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  if (start > 0 && isHigh(a[start - 1])) start--;
  if (end > 0 && isLow(a[a.length - end])) end--;
  return [start, end];
}

const isHigh = (unit: unknown): boolean => typeof unit === "string" && /^[\uD800-\uDBFF]$/.test(unit);
const isLow = (unit: unknown): boolean => typeof unit === "string" && /^[\uDC00-\uDFFF]$/.test(unit);

function changeSet(stored: Y.Map<unknown>, before: Fields, after: Fields): boolean {
  let wrote = false;
  for (const element of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const wanted = Object.hasOwn(after, element);
    if (wanted === Object.hasOwn(before, element) || wanted === stored.has(element)) continue;
    if (wanted) stored.set(element, true);
    else stored.delete(element);
    wrote = true;
  }
  return wrote;
}

const asText = (value: unknown): string => (typeof value === "string" ? value : "");
const asFields = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const sum = (value: unknown): number =>
  Object.values(asFields(value)).reduce<number>((all, share) => all + (typeof share === "number" && Number.isFinite(share) ? share : 0), 0);

/** Whether an object reads as it did; a re-rooting gathers a counter's shares into one. */
function unchanged(scene: Scene, now: StoredObject, before: Fields): boolean {
  if (now === undefined) return false;
  const spec = scene.objects[String(now["type"])] ?? {};
  const plain = (fields: Fields): Fields =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, spec[name]?.policy === "counter" ? sum(value) : value]));
  return same(plain(now), plain(before));
}

/** Keys of maps may come in another order from another replica. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [asFields(a), asFields(b)];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]));
}
