/**
 * How a scene lies in a Y.Doc (OBJECTS.md): root map `objects`: id -> Y.Map with `type`, the fields, and `transform`.
 *
 * [LA1] An object and its containers (Y.Text, Y.Array, set and counter maps) are made in one transaction, so two people never race to make
 *       the container of one field.
 * [LA2] Readers never throw on a document they did not write: a field of the wrong shape reads as its initial value.
 * [LA3] Writers throw a RangeError on what the scene does not declare: that is the application's mistake, not the peer's.
 * [LA4] Ids come out sorted, so nothing downstream depends on who connected first.
 */
import * as Y from "yjs";
import { isIdentifier } from "../base/index.ts";
import type { Scene } from "./define-scene.ts";
import { IDENTITY_TRANSFORM, type ObjectTransform } from "./fields.ts";
import type { FieldSpec, ObjectSpec, PlainObject } from "./types.ts";
import { COUNTER_MAX, isPlainValue, packTransform, SCALE_MAX, SCALE_MIN, SET_KEY_MAX, STRING_MAX, unpackTransform } from "./values.ts";

export const OBJECTS_ROOT = "objects";
export type ObjectMap = Y.Map<unknown>;

export const objectsRoot = (doc: Y.Doc): Y.Map<ObjectMap> => doc.getMap<ObjectMap>(OBJECTS_ROOT);

/** The live Y.Map of an object, or undefined when there is none (never made, or deleted). */
export function objectMap(doc: Y.Doc, id: string): ObjectMap | undefined {
  const map = objectsRoot(doc).get(id);
  return map instanceof Y.Map ? map : undefined;
}

/** Makes an object with all its containers [LA1]. `init` holds plain values by field. Throws a RangeError on what the scene does not declare. */
export function createObject(doc: Y.Doc, scene: Scene, type: string, id: string, init: Readonly<Record<string, unknown>> = {}): void {
  const spec = Object.hasOwn(scene.objects, type) ? scene.objects[type] : undefined;
  if (spec === undefined) throw new RangeError(`scene "${scene.name}" has no object type "${type}"`);
  if (!isIdentifier(id)) throw new RangeError(`"${id}" is not an identifier`);
  if (objectMap(doc, id) !== undefined) throw new RangeError(`object "${id}" exists already`);
  for (const name of Object.keys(init)) if (!Object.hasOwn(spec, name)) throw new RangeError(`${type} has no field "${name}"`);
  doc.transact(() => {
    const map: ObjectMap = new Y.Map();
    map.set("type", type);
    for (const [name, field] of Object.entries(spec)) {
      const stored = storedInitial(`${type}.${name}`, field, init[name], doc.clientID);
      if (stored !== undefined) map.set(name, stored);
    }
    objectsRoot(doc).set(id, map);
  });
}

/** Deletes an object. False when there was none. */
export function deleteObject(doc: Y.Doc, id: string): boolean {
  if (objectMap(doc, id) === undefined) return false;
  objectsRoot(doc).delete(id);
  return true;
}

/** True when an object of this id was there and was deleted. */
export function isTombstoned(doc: Y.Doc, id: string): boolean {
  return objectsRoot(doc)._map.get(id)?.deleted === true;
}

/** Ids of all live objects, sorted. */
export function objectIds(doc: Y.Doc): string[] {
  return [...objectsRoot(doc).keys()].sort();
}

/** The declared type of a live object, or undefined. */
export function objectType(doc: Y.Doc, scene: Scene, id: string): string | undefined {
  const type = objectMap(doc, id)?.get("type");
  return typeof type === "string" && Object.hasOwn(scene.objects, type) ? type : undefined;
}

/** A plain copy of a live object of a declared type, or undefined. */
export function readObject(doc: Y.Doc, scene: Scene, id: string): PlainObject | undefined {
  const type = objectType(doc, scene, id);
  const spec = type === undefined ? undefined : scene.objects[type];
  if (type === undefined || spec === undefined) return undefined;
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(spec)) fields[name] = readField(doc, scene, id, name);
  return { id, type, fields };
}

/** All live objects, by id. */
export function listObjects(doc: Y.Doc, scene: Scene): PlainObject[] {
  return objectIds(doc).flatMap((id) => readObject(doc, scene, id) ?? []);
}

/** The plain value of a field: boolean, number, string, string[], ObjectTransform, ... `undefined` only when object or field do not exist. */
export function readField(doc: Y.Doc, scene: Scene, id: string, name: string): unknown {
  const field = fieldSpec(doc, scene, id, name);
  if (field === undefined) return undefined;
  const stored = objectMap(doc, id)?.get(name);
  switch (field.policy) {
    case "text":
      return stored instanceof Y.Text ? stored.toString() : "";
    case "list":
      return stored instanceof Y.Array ? stored.toArray().filter((item) => isPlainValue(field.value, item)) : [];
    case "set":
      return stored instanceof Y.Map ? [...stored.keys()].sort() : [];
    case "counter":
      return sumCounter(stored);
    case "leased":
      return unpackTransform(stored) ?? IDENTITY_TRANSFORM;
    default:
      return isPlainValue(field.value, stored) ? stored : field.initial;
  }
}

/** Writes an `lww` or `cas` field. Throws on other policies: they have their own verbs. */
export function setField(doc: Y.Doc, scene: Scene, id: string, name: string, value: unknown): void {
  const field = mustHave(doc, scene, id, name, ["lww", "cas"]);
  if (!isPlainValue(field.value, value)) throw new RangeError(`${id}.${name} takes a ${described(field.value)}`);
  objectMap(doc, id)?.set(name, value);
}

/** The Y.Text of a text field, for editors and awareness; undefined when the object is gone. */
export function textField(doc: Y.Doc, id: string, name: string): Y.Text | undefined {
  const stored = objectMap(doc, id)?.get(name);
  return stored instanceof Y.Text ? stored : undefined;
}

/** The Y.Array of a list field. */
export function listField(doc: Y.Doc, id: string, name: string): Y.Array<unknown> | undefined {
  const stored = objectMap(doc, id)?.get(name);
  return stored instanceof Y.Array ? stored : undefined;
}

/** Adds to or removes from a set field. Add wins over a concurrent remove of the earlier add. */
export function setMember(doc: Y.Doc, scene: Scene, id: string, name: string, element: string, present: boolean): void {
  mustHave(doc, scene, id, name, ["set"]);
  if (!isElement(element)) throw new RangeError(`an element of ${id}.${name} is a string of 1 to ${SET_KEY_MAX} characters`);
  const map = nestedMap(doc, id, name);
  if (present) map?.set(element, true);
  else map?.delete(element);
}

/**
 * Adds `by` to a counter, in this client's own entry. `clientKey` must be `String(doc.clientID)` of the writing document: the gate refuses a
 * share written under another's key.
 */
export function addCounter(doc: Y.Doc, id: string, name: string, clientKey: string, by: number): void {
  const map = nestedMap(doc, id, name);
  if (map === undefined) throw new RangeError(`${id}.${name} is not a counter of a live object`);
  const mine = map.get(clientKey);
  const next = (typeof mine === "number" ? mine : 0) + by;
  // A string would have been appended.
  if (typeof next !== "number" || !(Math.abs(next) <= COUNTER_MAX))
    throw new RangeError(`${id}.${name} counts in numbers, and a client's share stays within +-${COUNTER_MAX}`);
  map.set(clientKey, next);
}

/** Sum of all clients' entries; 0 when there is no such counter. */
export function counterValue(doc: Y.Doc, id: string, name: string): number {
  return sumCounter(objectMap(doc, id)?.get(name));
}

/** The newest live write of a field's entry, which is what compare-and-set compares; null when there is none. */
export function entryVersion(doc: Y.Doc, id: string, name: string): { readonly client: number; readonly clock: number } | null {
  const item = objectMap(doc, id)?._map.get(name);
  if (item === undefined || item.deleted) return null;
  const { client, clock } = item.lastId;
  return { client, clock };
}

/** Where the object rests, or undefined when it is gone or has no transform. */
export function readTransform(doc: Y.Doc, id: string): ObjectTransform | undefined {
  return unpackTransform(objectMap(doc, id)?.get("transform"));
}

/** Writes the resting transform. In a running room only the server's writes pass the gate (policy `leased`). */
export function writeTransform(doc: Y.Doc, id: string, transform: ObjectTransform): void {
  objectMap(doc, id)?.set("transform", packTransform(transform));
}

/** What is stored for a plain value of a declared field; undefined when the field is undeclared, or when nothing is stored for no value. */
export function storedField(doc: Y.Doc, scene: Scene, id: string, name: string, value: unknown): unknown {
  const type = objectMap(doc, id)?.get("type");
  const spec = typeof type === "string" && Object.hasOwn(scene.objects, type) ? scene.objects[type] : undefined;
  const field = spec !== undefined && Object.hasOwn(spec, name) ? spec[name] : undefined;
  if (field === undefined) return undefined;
  if (field.policy !== "serverOnly") return storedInitial(`${id}.${name}`, field, value, doc.clientID);
  if (value !== undefined && !isPlainValue(field.value, value)) throw new RangeError(`${id}.${name} takes a ${field.value}`);
  return value;
}

function storedInitial(where: string, field: FieldSpec, given: unknown, clientId: number): unknown {
  switch (field.policy) {
    case "text":
      if (given !== undefined && typeof given !== "string") throw new RangeError(`${where} takes a string`);
      return new Y.Text(given);
    case "list":
      return Y.Array.from(asArray(where, given, (item) => isPlainValue(field.value, item)) as (string | number)[]);
    case "set":
      return new Y.Map(asArray(where, given, isElement).map((element) => [element as string, true]));
    case "counter":
      if (given !== undefined && !Number.isFinite(given)) throw new RangeError(`${where} takes a number`);
      return new Y.Map(given === undefined || given === 0 ? [] : [[String(clientId), given]]);
    case "leased":
      return packedRest(where, given);
    default:
      if (given === undefined) return undefined;
      if (field.policy === "serverOnly") throw new RangeError(`${where} is written by the server only`);
      if (!isPlainValue(field.value, given)) throw new RangeError(`${where} takes a ${described(field.value)}`);
      return given;
  }
}

/** A resting place of which any part may be left out. */
function packedRest(where: string, given: unknown): number[] {
  const parts = typeof given === "object" && given !== null ? given : given === undefined ? {} : { given };
  const { position, rotation, scale } = { ...IDENTITY_TRANSFORM, ...(parts as Partial<ObjectTransform>) };
  const known = Object.keys(parts).every((part) => Object.hasOwn(IDENTITY_TRANSFORM, part));
  const packed = known && isList(position) && isList(rotation) ? packTransform({ position, rotation, scale }) : undefined;
  if (packed !== undefined && unpackTransform(packed) !== undefined) return packed;
  throw new RangeError(
    `${where} takes { position: [x, y, z], rotation: [x, y, z, w], scale }: finite, a unit quaternion, a scale of ${SCALE_MIN} to ${SCALE_MAX}`,
  );
}

const isList = (value: unknown): boolean => Array.isArray(value) || ArrayBuffer.isView(value);
const isElement = (value: unknown): boolean => typeof value === "string" && value.length > 0 && value.length <= SET_KEY_MAX;

/** A kind of value in words. */
const described = (kind: FieldSpec["value"]): string =>
  kind === "string" ? `string of up to ${STRING_MAX} characters` : kind === "color" ? "color (#rrggbb)" : kind === "number" ? "finite number" : kind;

function asArray(where: string, given: unknown, fits: (item: unknown) => boolean): unknown[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || !given.every(fits)) throw new RangeError(`${where} takes an array of its element type`);
  return given;
}

function fieldSpec(doc: Y.Doc, scene: Scene, id: string, name: string): FieldSpec | undefined {
  const type = objectType(doc, scene, id);
  const spec: ObjectSpec | undefined = type === undefined ? undefined : scene.objects[type];
  return spec !== undefined && Object.hasOwn(spec, name) ? spec[name] : undefined;
}

function mustHave(doc: Y.Doc, scene: Scene, id: string, name: string, policies: readonly string[]): FieldSpec {
  const field = fieldSpec(doc, scene, id, name);
  if (field === undefined) throw new RangeError(`there is no field "${name}" on object "${id}"`);
  if (!policies.includes(field.policy)) throw new RangeError(`${id}.${name} is a ${field.policy} field`);
  return field;
}

function nestedMap(doc: Y.Doc, id: string, name: string): Y.Map<unknown> | undefined {
  const stored = objectMap(doc, id)?.get(name);
  return stored instanceof Y.Map ? stored : undefined;
}

function sumCounter(stored: unknown): number {
  if (!(stored instanceof Y.Map)) return 0;
  let sum = 0;
  for (const share of stored.values()) if (typeof share === "number" && Number.isFinite(share)) sum += share;
  return sum;
}
