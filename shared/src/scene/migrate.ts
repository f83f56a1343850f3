/**
 * Old documents under a new definition: `defineScene({ version, migrations })`, run by the room when it loads a document, as one edit of its own.
 *
 * [MI1] A document says which version it was written for, in its own root `copresence`, which only the server writes. One without is of version 1.
 * [MI2] Migrations run one version at a time, each once; the version is written in the same transaction, so a document is old or new, never half.
 * [MI3] Afterwards every object has the containers its type declares, so a field added to a definition needs no migration of its own.
 * [MI4] A document of a newer version than the definition is not touched and not opened.
 */
import * as Y from "yjs";
import type { Scene } from "./define-scene.ts";
import { createObject, deleteObject, objectIds, objectMap, objectsRoot, storedField } from "./layout.ts";
import type { FieldPolicy } from "./types.ts";

export const META_ROOT = "copresence";
const VERSION_KEY = "version";

/** One object of a document that is being migrated, whatever its type was declared as. */
export type MigratedObject = {
  readonly id: string;
  readonly type: string;
  /** Plain JSON of what is stored under a field; undefined when nothing is. A counter reads as `{client: share}`, a set as `{element: true}`. */
  get(field: string): unknown;
  /** Stores a plain value as the newest definition declares the field (a string becomes a text, an array a list or set); undeclared: as it is. */
  set(field: string, value: unknown): void;
  remove(field: string): void;
  /** Changes the type; fields keep their names. */
  become(type: string): void;
};
export type MigratingScene = {
  /** Every object, or those of one (old) type. */
  objects(type?: string): readonly MigratedObject[];
  create(type: string, id: string, init?: Readonly<Record<string, unknown>>): void;
  delete(id: string): void;
};
/** `{ 3: scene => ... }` brings a document from version 2 to 3. */
export type Migrations = Readonly<Record<number, (scene: MigratingScene) => void>>;

/** The version a document was written for, where that is newer than the definition's [MI4]. Cheap. */
export function newerVersion(doc: Y.Doc, scene: Scene): number | undefined {
  const version = storedVersion(doc);
  return version > scene.version ? version : undefined;
}

/** Whether a document is of its definition's version, and lacks no containers [MI3]. Looks at every object. */
export function isMigrated(doc: Y.Doc, scene: Scene): boolean {
  if (storedVersion(doc) !== scene.version) return false;
  for (const map of objectsRoot(doc).values()) if (map instanceof Y.Map && lackingFields(scene, map).length > 0) return false;
  return true;
}

/** Brings a document to its definition's version [MI2] [MI3]. Throws what a migration throws; an empty document only gets its version. */
export function migrateDocument(doc: Y.Doc, scene: Scene): void {
  const from = storedVersion(doc);
  if (from > scene.version) throw new RangeError(`the document is of version ${from}, the definition of version ${scene.version}`);
  doc.transact(() => {
    for (let version = from + 1; version <= scene.version; version++) {
      try {
        scene.migrations?.[version]?.(migrating(doc, scene));
      } catch (error) {
        throw new RangeError(
          `the migration to version ${version} of scene "${scene.name}" failed: ${error instanceof Error ? error.message : String(error)}`,
          {
            cause: error,
          },
        );
      }
    }
    for (const id of objectIds(doc)) {
      const map = objectMap(doc, id);
      for (const field of map === undefined ? [] : lackingFields(scene, map)) map?.set(field, storedField(doc, scene, id, field, undefined));
    }
    if (doc.getMap(META_ROOT).get(VERSION_KEY) !== scene.version) doc.getMap(META_ROOT).set(VERSION_KEY, scene.version);
  });
}

function storedVersion(doc: Y.Doc): number {
  const stored = doc.getMap(META_ROOT).get(VERSION_KEY);
  return typeof stored === "number" && Number.isInteger(stored) && stored >= 1 ? stored : 1;
}

/** What `storedField` makes for these policies; looked at for every object of a scene that is loaded, so none is made for it. */
const CONTAINERS: Readonly<Partial<Record<FieldPolicy, unknown>>> = { text: Y.Text, list: Y.Array, set: Y.Map, counter: Y.Map };

/** What an object of a type must have; `container` undefined: anything. */
type Needed = { readonly field: string; readonly container: unknown };
const NOTHING_LACKS: readonly string[] = [];
/** By scene and type: a document that is loaded is asked for every object, by a process that has just started. */
const needs = new WeakMap<Scene, ReadonlyMap<string, readonly Needed[]>>();

function neededOf(scene: Scene): ReadonlyMap<string, readonly Needed[]> {
  let known = needs.get(scene);
  if (known === undefined) {
    const needed = (fields: Scene["objects"][string]): Needed[] =>
      Object.entries(fields).flatMap(([field, { policy }]) => {
        const container = CONTAINERS[policy as FieldPolicy];
        return container !== undefined || policy === "leased" ? [{ field, container }] : [];
      });
    needs.set(scene, (known = new Map(Object.entries(scene.objects).map(([type, fields]) => [type, needed(fields)]))));
  }
  return known;
}

/** Declared containers an object lacks, or has as something else. */
function lackingFields(scene: Scene, map: Y.Map<unknown>): readonly string[] {
  const needed = neededOf(scene).get(map.get("type") as string) ?? [];
  const isThere = ({ field, container }: Needed): boolean => {
    const stored = map.get(field);
    return container === undefined ? stored !== undefined : stored?.constructor === container;
  };
  return needed.every(isThere) ? NOTHING_LACKS : needed.filter((need) => !isThere(need)).map(({ field }) => field);
}

function migrating(doc: Y.Doc, scene: Scene): MigratingScene {
  return {
    objects: (type) =>
      objectIds(doc)
        .map((id) => migrated(doc, scene, id))
        .filter((object) => type === undefined || object.type === type),
    create: (type, id, init) => createObject(doc, scene, type, id, init),
    delete: (id) => void deleteObject(doc, id),
  };
}

function migrated(doc: Y.Doc, scene: Scene, id: string): MigratedObject {
  const map = (): Y.Map<unknown> => {
    const found = objectMap(doc, id);
    if (found === undefined) throw new RangeError(`object "${id}" is gone`);
    return found;
  };
  return {
    id,
    get type() {
      return String(map().get("type"));
    },
    get: (field) => (map().has(field) ? (map().toJSON() as Record<string, unknown>)[field] : undefined),
    set: (field, value) => void map().set(field, storedField(doc, scene, id, field, value) ?? value),
    remove: (field) => {
      if (field !== "type") map().delete(field);
    },
    become: (type) => void map().set("type", type),
  };
}
