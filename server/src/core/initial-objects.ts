/**
 * What a space starts with: objects the studio declares beside its scene, written by the room into an empty document, once.
 *
 * [IO1] Only a document that never had a record is empty: what people deleted stays deleted.
 * [IO2] A wrong declaration is the studio's mistake and keeps the space from opening, with a sentence that names the object.
 */
import { createObject, isPlainValue, objectMap, type Scene, unpackTransform } from "@copresence/shared/scene";
import type { Doc } from "yjs";
import type { LoadedScene } from "../adapters/store/scene-store.ts";

export type InitialObject = {
  readonly id: string;
  readonly type: string;
  /** Plain values by field; `transform` as an ObjectTransform's parts or in its stored form `[x y z qx qy qz qw scale]`. */
  readonly fields: Readonly<Record<string, unknown>>;
};

export const neverWritten = (loaded: LoadedScene): boolean => loaded.seq === 0 && loaded.snapshot === undefined && loaded.updates.length === 0;

/** Creates the objects, those fields included that only the server writes. Throws a RangeError on what the scene does not declare [IO2]. */
export function createInitialObjects(doc: Doc, scene: Scene, objects: readonly InitialObject[]): void {
  for (const { id, type, fields } of objects) {
    const init: Record<string, unknown> = {};
    const reserved: [string, unknown][] = [];
    for (const [name, value] of Object.entries(fields)) {
      const spec = scene.objects[type]?.[name];
      if (spec?.policy === "serverOnly") {
        if (!isPlainValue(spec.value, value)) throw new RangeError(`initial object "${id}": ${name} takes a ${spec.value}`);
        reserved.push([name, value]);
      } else init[name] = spec?.policy === "leased" && Array.isArray(value) ? restFrom(id, value) : value;
    }
    createObject(doc, scene, type, id, init);
    for (const [name, value] of reserved) objectMap(doc, id)?.set(name, value);
  }
}

function restFrom(id: string, stored: unknown): unknown {
  const transform = unpackTransform(stored);
  if (transform === undefined) throw new RangeError(`initial object "${id}": transform is not [x y z qx qy qz qw scale] with a unit quaternion`);
  return transform;
}
