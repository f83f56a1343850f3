/**
 * Where a Yjs struct lies in the scene: which object, which field. Yjs writes the parent of a struct only when it has no neighbour, so a place
 * is found through the neighbours: in the document, in what waits for the disk, or in the same update.
 *
 * [PL1] The tree is root -> object -> field -> content; anything deeper or elsewhere has no place and is refused (depth <= 3). The one other
 *       root, the server's notes, has a place of its own (`meta`), so that nobody's write there passes for one that changes nothing.
 * [PL2] Nothing here trusts the update: unknown ids answer `undefined` and a place is never guessed.
 */
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import * as Y from "yjs";

export type Place =
  /** An entry of the root map: the object itself. */
  | { readonly at: "root"; readonly object: string; readonly strand: string }
  /** An entry of an object's map. `map` names that map (`idKey` of its item): an id may be reused after deletion. */
  | { readonly at: "object"; readonly object: string; readonly map: string; readonly field: string; readonly strand: string }
  /** An element of a field's container: characters and list elements have no key, entries of sets and counters do. */
  | {
      readonly at: "inside";
      readonly object: string;
      readonly map: string;
      readonly field: string;
      readonly key: string | null;
      readonly strand: string;
    }
  /** Under another root of the document: the server's own notes (schema version). */
  | { readonly at: "meta"; readonly strand: "" }
  /** Under something deleted: a write there changes nothing. */
  | { readonly at: "gone"; readonly strand: "" };

/** What a struct's content is to its children. */
export type Holds = "map" | "text" | "array" | "value" | "nothing";

/** A run of elements of one client with one place. */
export type Node = {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  readonly place: Place;
  readonly holds: Holds;
  /** Of a run that is not in the document yet: an element of the document that it will lie left of, or null. */
  readonly docRight?: Y.ID | null;
};

export const GONE: Place = { at: "gone", strand: "" };
export const META: Place = { at: "meta", strand: "" };
/** `strand` names one sequence, or one map entry with its history: what Yjs keeps in one linked list. */
export const rootPlace = (object: string): Extract<Place, { at: "root" }> => ({ at: "root", object, strand: `/${object}` });
export const fieldPlace = (object: string, map: string, field: string): Extract<Place, { at: "object" }> => {
  return { at: "object", object, map, field, strand: `${map}/${field}` };
};
const innerPlace = (object: string, map: string, field: string, key: string | null): Place => {
  return { at: "inside", object, map, field, key, strand: `${map}/${field}/${key ?? ""}` };
};

export const idKey = (client: number, clock: number): string => `${client}:${clock}`;
export const stateOf = (doc: Y.Doc, client: number): number => Y.getState(doc.store, client);

export function samePlace(a: Place, b: Place): boolean {
  if (a === b) return true;
  if (a.at !== b.at) return false;
  if (a.at === "gone" || b.at === "gone" || a.at === "meta" || b.at === "meta") return true;
  if (a.at === "root" || b.at === "root") return a.object === b.object;
  if (a.map !== b.map || a.field !== b.field) return false;
  return a.at === "object" || b.at === "object" || a.key === b.key;
}

/** The place of an entry (`key`) or element (`key` null) inside what `parent` holds; undefined when that cannot be [PL1]. */
export function placeInside(parent: Node, key: string | null): Place | undefined {
  const { place, holds } = parent;
  if (place.at === "meta") return place;
  if (place.at === "gone" || holds === "nothing") return GONE;
  if (place.at === "root") {
    return holds === "map" && key !== null ? fieldPlace(place.object, idKey(parent.client, parent.clock), key) : undefined;
  }
  if (place.at !== "object" || holds === "value") return undefined;
  if ((holds === "map") !== (key !== null)) return undefined;
  return innerPlace(place.object, place.map, place.field, key);
}

export function holdsOf(struct: Y.Item | Y.GC): Holds {
  if (struct instanceof Y.GC || struct.content instanceof Y.ContentDeleted) return "nothing";
  if (!(struct.content instanceof Y.ContentType)) return "value";
  // Exact kinds: the XML types extend these and have no place in a scene.
  const kind = struct.content.type.constructor;
  if (kind === Y.Map) return "map";
  if (kind === Y.Text) return "text";
  return kind === Y.Array ? "array" : "value";
}

/** The struct of the document that holds element `clock` of `client`; undefined when the document does not have it. */
export function structAt(doc: Y.Doc, client: number, clock: number): Y.Item | Y.GC | undefined {
  const structs = doc.store.clients.get(client);
  if (structs === undefined || clock >= stateOf(doc, client)) return undefined;
  return structs[Y.findIndexSS(structs, clock)];
}

/** The node of a struct of the document. */
export function nodeOf(doc: Y.Doc, struct: Y.Item | Y.GC): Node {
  const place = struct instanceof Y.GC ? GONE : placeOfItem(doc, struct);
  return { client: struct.id.client, clock: struct.id.clock, length: struct.length, place, holds: holdsOf(struct) };
}

/** Places of a sequence's elements and of an object's fields, by their container: every edit of a text asks for the same one. */
type Known = { readonly owner: Y.Item; readonly root: Y.Item | undefined; readonly places: Map<string | null, Place> };
const known = new WeakMap<Y.AbstractType<any>, Known>();

function placeOfItem(doc: Y.Doc, item: Y.Item): Place {
  const container = item.parent instanceof Y.AbstractType ? item.parent : undefined;
  const found = container === undefined ? undefined : known.get(container);
  const place = found?.places.get(item.parentSub);
  if (found !== undefined && place !== undefined) return found.owner.deleted || found.root?.deleted === true ? GONE : place;
  const fresh = traced(doc, item);
  const [owner, root] = [container?._item ?? undefined, container?._item?.parent instanceof Y.AbstractType ? container._item.parent._item : null];
  const kept = fresh.at === "object" || (fresh.at === "inside" && fresh.key === null);
  if (kept && container !== undefined && owner !== undefined) {
    if (found !== undefined) found.places.set(item.parentSub, fresh);
    else known.set(container, { owner, root: root ?? undefined, places: new Map([[item.parentSub, fresh]]) });
  }
  return fresh;
}

/** The place by way of the item's owners. */
function traced(doc: Y.Doc, item: Y.Item): Place {
  const trail: Y.Item[] = [item];
  for (let owner = ownerOf(item); owner !== null; owner = ownerOf(owner)) {
    if (owner === undefined || owner.deleted) return GONE;
    if (trail.length === 3) return META;
    trail.unshift(owner);
  }
  const [root, entry, inner] = trail as [Y.Item, Y.Item?, Y.Item?];
  if (root.parent !== doc.share.get(OBJECTS_ROOT)) return META;
  if (root.parentSub === null) return GONE;
  const object = root.parentSub;
  if (entry === undefined) return rootPlace(object);
  if (entry.parentSub === null) return GONE;
  const map = idKey(root.id.client, root.id.clock);
  return inner === undefined ? fieldPlace(object, map, entry.parentSub) : innerPlace(object, map, entry.parentSub, inner.parentSub);
}

/** The item whose content this item lies in; null for a root's entries, undefined when the parent is unknown. */
function ownerOf(item: Y.Item): Y.Item | null | undefined {
  return item.parent instanceof Y.AbstractType ? item.parent._item : undefined;
}

/** The first element of a place's sequence, or of a map entry's history (walked back to it: `steps`); null when the document has none. */
export function headOf(doc: Y.Doc, place: Place): { readonly item: Y.Item | null; readonly steps: number } {
  const parent = parentOf(doc, place);
  if (parent === undefined) return { item: null, steps: 0 };
  const key = place.at === "root" ? place.object : place.at === "object" ? place.field : place.at === "inside" ? place.key : null;
  if (key === null) return { item: parent._start, steps: 0 };
  let item = parent._map.get(key) ?? null;
  let steps = 0;
  for (; item !== null && item.left !== null; item = item.left) steps++;
  return { item, steps };
}

/** Structs in a place's sequence or a map entry's history, deleted ones included. */
export function strandLength(doc: Y.Doc, place: Place): number {
  let length = 0;
  for (let { item } = headOf(doc, place); item !== null; item = item.right) length++;
  return length;
}

/** Whether a text has marks, now or once. */
export function hasMarks(doc: Y.Doc, place: Place): boolean {
  const parent = parentOf(doc, place);
  return parent instanceof Y.Text && parent._hasFormatting;
}

/** Structs of a text, deleted ones included, and the live marks among them. */
export function strandCensus(doc: Y.Doc, place: Place): { readonly length: number; readonly marks: number } {
  let length = 0;
  let marks = 0;
  for (let { item } = headOf(doc, place); item !== null; item = item.right) {
    length++;
    if (!item.deleted && item.content instanceof Y.ContentFormat) marks++;
  }
  return { length, marks };
}

function parentOf(doc: Y.Doc, place: Place): Y.AbstractType<any> | undefined {
  if (place.at === "gone" || place.at === "meta") return undefined;
  if (place.at === "root") return doc.share.get(OBJECTS_ROOT);
  const map = typeAt(structAt(doc, ...idOf(place.map)));
  return place.at === "object" || map === undefined ? map : typeAt(map._map.get(place.field));
}

const typeAt = (struct: Y.Item | Y.GC | undefined): Y.AbstractType<any> | undefined =>
  struct instanceof Y.Item && struct.content instanceof Y.ContentType ? struct.content.type : undefined;

/** The element an `idKey` names. */
export function idOf(key: string): [client: number, clock: number] {
  const colon = key.indexOf(":");
  return [Number(key.slice(0, colon)), Number(key.slice(colon + 1))];
}
