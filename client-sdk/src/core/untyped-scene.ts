/**
 * A space joined without a scene definition: fields are read by what they look like, so that tools can look at any scene.
 *
 * Y.Text is a text, Y.Array a list, Y.Map of numbers a counter, other Y.Maps a set, `transform` leased, everything else last writer wins.
 */
import * as Y from "yjs";
import { type FieldSpec, type ObjectSpec, objectMap, type Scene } from "@copresence/shared/scene";

/** A definition that declares exactly the object's own type, or undefined when there is no such object. */
export function sceneOfObject(doc: Y.Doc, id: string): Scene | undefined {
  const map = objectMap(doc, id);
  const type = map?.get("type");
  if (map === undefined || typeof type !== "string") return undefined;
  const spec: Record<string, FieldSpec> = {};
  for (const [name, value] of map.entries()) if (name !== "type") spec[name] = fieldOf(name, value);
  return sceneWith(type, spec);
}

const sceneWith = (type: string, spec: ObjectSpec): Scene => ({
  name: "untyped",
  version: 1,
  bounds: { min: [-1, -1, -1], max: [1, 1, 1] },
  roles: {},
  objects: { [type]: spec },
  hash: "",
});

function fieldOf(name: string, value: unknown): FieldSpec {
  if (name === "transform") return { policy: "leased", value: "transform" };
  if (value instanceof Y.Text) return { policy: "text", value: "text" };
  if (value instanceof Y.Array) return { policy: "list", value: typeof value.get(0) === "number" ? "number" : "string" };
  if (value instanceof Y.Map) return { policy: [...value.values()].every((entry) => typeof entry === "number") ? "counter" : "set", value: "string" };
  return { policy: "lww", value: typeof value === "boolean" ? "boolean" : typeof value === "number" ? "number" : "string" };
}
