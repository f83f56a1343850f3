/**
 * What an edit may do: the scene's declaration and the author's rights, applied to the places an update writes and deletes.
 *
 * [PO1] A new object comes with its declared `type` in the same update; nobody writes into a live object's id or type.
 * [PO2] Every field is written by its policy's own means: plain values for `lww`, elements for containers, whole containers only at creation.
 * [PO3] `leased` and `serverOnly` are the server's; `cas` is accepted only on top of the current value: the Yjs origin is the observed version.
 * [PO4] A counter's share is written by the client whose id is its key.
 * [PO5] A deletion inside a map counts as a write: what may not be written may not be removed.
 * [PO6] Every object an update makes, writes into or deletes is asked for by its own right, type and resting place (shared permissions.ts).
 */
import { isIdentifier, type Vec3 } from "@copresence/shared/base";
import type { DeniedReason } from "@copresence/shared/protocol";
import {
  COUNTER_MAX,
  type FieldSpec,
  inBounds,
  isPlainValue,
  LIST_MAX,
  type ObjectSpec,
  type Right,
  type Scene,
  SET_KEY_MAX,
  SET_MAX,
  TEXT_MAX,
  unpackTransform,
} from "@copresence/shared/scene";
import * as Y from "yjs";
import { fieldPlace, idKey, type Place } from "./places.ts";
import type { Deletion, ReadUpdate, Write } from "./update-reader.ts";

export type Denial = { readonly reason: DeniedReason; readonly object: string; readonly field: string; readonly sentence: string };

/** What the policy asks about the state an edit meets: the document plus what waits for the disk. */
export type SceneView = {
  readonly scene: Scene;
  /** Whether the author has a right over an object; `map` is the `idKey` of its map, `made` what the same update says of a new one. */
  may(right: Right, object: string, map: string, made?: Made): boolean;
  /** Whether the author may write anything at all. */
  readonly mayWrite: boolean;
  /** Live objects, counting those that wait. */
  readonly objectCount: number;
  objectExists(object: string): boolean;
  /** Declared type of the object whose map is `map` (`idKey`), or undefined. */
  typeOfMap(map: string): string | undefined;
  /** True when the object whose map is `map` was deleted meanwhile: what is written there vanishes, for everybody alike. */
  isGone(map: string): boolean;
  /** Newest write of a map entry (`idKey`), "" when there is none. */
  newest(place: Place): string;
  /** Elements in a field's container: characters, list elements or entries. */
  size(map: string, field: string): number;
};

/** Objects of one scene: a joiner downloads and draws them all. */
export const OBJECTS_MAX = 20_000;

/** A new object: its type once it is known, and where it is put. */
export type Made = { readonly type: string | undefined; readonly position: Vec3 | undefined };

type ObjectPlace = Extract<Place, { at: "object" }>;
type InsidePlace = Extract<Place, { at: "inside" }>;

/** The first thing in the update that is not allowed, or undefined. */
export function judge(update: ReadUpdate, view: SceneView): Denial | undefined {
  return new Judge(view).judge(update);
}

class Judge {
  private readonly view: SceneView;
  /** Maps made in this update, with the ids of their objects. */
  private readonly made = new Map<string, Made & { readonly object: string }>();
  /** Entries written in this update (`map/field` or `map/field/key`), with the newest write. */
  private readonly written = new Map<string, string>();
  private readonly grown = new Map<string, number>();
  /** Answers of the view, which do not change while one update is judged. */
  private readonly gone = new Map<string, boolean>();
  private readonly editable = new Map<string, boolean>();

  constructor(view: SceneView) {
    this.view = view;
  }

  judge({ writes, deletions }: ReadUpdate): Denial | undefined {
    for (const write of writes) {
      const denial = this.declareWrite(write);
      if (denial !== undefined) return denial;
    }
    for (const write of writes) {
      const { place } = write.node;
      if (place.at === "meta") return deny("server-only", "", "", "Only the server writes outside of the objects.");
      if (this.isGone(place)) continue;
      const denial = place.at === "object" ? this.field(write, place) : place.at === "inside" ? this.inside(write, place) : undefined;
      if (denial !== undefined) return denial;
    }
    for (const [map, made] of this.made) {
      if (made.type === undefined) return deny("malformed", "", "type", `A new object (${map}) comes without its type.`);
      if (!this.view.may("create", made.object, map, made)) return deny("not-allowed", made.object, "", `You may not create a ${made.type} here.`);
    }
    // What changes nothing visible (writes under something deleted) still grows the document.
    return this.deletes(deletions) ?? (this.view.mayWrite ? undefined : deny("not-allowed", "", "", "You may not edit in this space."));
  }

  /** First pass: which objects are new, and of what type [PO1]. */
  private declareWrite({ struct, node }: Write): Denial | undefined {
    const { place } = node;
    if (place.at === "root") {
      const { object } = place;
      if (!this.view.mayWrite) return deny("not-allowed", object, "", "You may not create objects in this space.");
      if (!isIdentifier(object)) return deny("malformed", "", "", "An object's id is not an identifier.");
      if (this.view.objectExists(object)) return deny("lost-race", object, "", "An object of this id exists already.");
      if (node.holds === "nothing") return undefined;
      if (node.holds !== "map") return deny("malformed", object, "", "An object is a map.");
      this.made.set(idKey(node.client, node.clock), { object, type: undefined, position: undefined });
      if (this.view.objectCount + this.made.size > OBJECTS_MAX) return deny("too-many", object, "", `A scene holds up to ${OBJECTS_MAX} objects.`);
      return undefined;
    }
    const made = place.at === "object" ? this.made.get(place.map) : undefined;
    if (place.at === "object" && place.field === "transform" && made !== undefined) {
      const position = unpackTransform(only(struct))?.position;
      if (position !== undefined) this.made.set(place.map, { ...made, position });
    }
    if (place.at === "object" && place.field === "type" && !this.isGone(place)) {
      if (made === undefined || made.type !== undefined) return deny("not-allowed", place.object, "type", "An object's type is fixed.");
      const type = struct instanceof Y.Item && struct.content instanceof Y.ContentAny ? struct.content.arr[0] : undefined;
      if (typeof type !== "string" || !Object.hasOwn(this.view.scene.objects, type)) {
        return deny("malformed", place.object, "type", "The scene declares no such type of object.");
      }
      this.made.set(place.map, { ...made, type });
    }
    return undefined;
  }

  private field(write: Write, place: ObjectPlace): Denial | undefined {
    if (place.field === "type") return undefined;
    const spec = this.spec(place);
    if ("reason" in spec) return spec;
    const fresh = this.made.has(place.map);
    const before = this.newest(place);
    this.written.set(entry(place), idKey(write.node.client, write.node.clock));
    // A value that was replaced before it was ever sent arrives as a tombstone; in a new object it hides nothing.
    if (fresh) return write.node.holds === "nothing" ? undefined : this.stored(write, place, spec);
    const blocked = this.blocked(place, spec);
    if (blocked !== undefined) return blocked;
    if (spec.policy === "cas" && before !== originOf(write)) {
      return deny("lost-race", place.object, place.field, "Somebody else changed this first.");
    }
    return this.stored(write, place, spec);
  }

  /** Why an existing object's field may not be written whole, whatever the value [PO2] [PO3]. */
  private blocked({ object, field, map }: ObjectPlace, { policy }: FieldSpec): Denial | undefined {
    if (!this.mayEdit(object, map)) return deny("not-allowed", object, field, "You may not edit this object.");
    if (policy === "leased") return deny("not-holder", object, field, "Pick the object up to move it.");
    if (policy === "serverOnly") return deny("server-only", object, field, "Only the server writes this.");
    if (policy === "lww" || policy === "cas") return undefined;
    return this.view.newest(fieldPlace(object, map, field)) === "" ? undefined : deny("lost-race", object, field, `This ${policy} exists already.`);
  }

  /** Whether the content of a field's entry is what its policy stores. */
  private stored({ struct, node }: Write, { object, field }: ObjectPlace, spec: FieldSpec): Denial | undefined {
    const wrong = deny("malformed", object, field, `The value is not what a ${spec.policy} field (${spec.value}) stores.`);
    if (node.holds === "nothing") return spec.policy === "lww" || spec.policy === "cas" ? undefined : wrong;
    switch (spec.policy) {
      case "text":
        return node.holds === "text" ? undefined : wrong;
      case "list":
        return node.holds === "array" ? undefined : wrong;
      case "set":
      case "counter":
        return node.holds === "map" ? undefined : wrong;
      case "serverOnly":
        return deny("server-only", object, field, "Only the server writes this.");
      default: {
        const value = only(struct);
        if (spec.policy !== "leased") return isPlainValue(spec.value, value) ? undefined : wrong;
        const transform = unpackTransform(value);
        if (transform === undefined) return wrong;
        return inBounds(transform.position, this.view.scene.bounds)
          ? undefined
          : deny("out-of-bounds", object, field, "That is outside of the space.");
      }
    }
  }

  private inside(write: Write, place: InsidePlace): Denial | undefined {
    const { object, field, map, key } = place;
    const spec = this.spec(place);
    if ("reason" in spec) return spec;
    if (!this.made.has(map) && !this.mayEdit(object, map)) return deny("not-allowed", object, field, "You may not edit this object.");
    const { struct, node } = write;
    if (key !== null) this.written.set(`${map}/${field}/${key}`, idKey(node.client, node.clock));
    if (spec.policy === "counter" && key !== String(node.client))
      return deny("client-id", object, field, "A counter's share belongs to the client it names.");
    if (node.holds === "nothing") return undefined;
    if (!isElement(struct, spec, key)) return deny("malformed", object, field, `That is not an element of a ${spec.policy} field.`);
    const countable = struct instanceof Y.Item && struct.content.isCountable();
    return countable && spec.policy !== "counter" ? this.grow(place, spec, node.length) : undefined;
  }

  private grow({ object, map, field }: InsidePlace, { policy }: FieldSpec, by: number): Denial | undefined {
    const at = `${map}/${field}`;
    const size = (this.grown.get(at) ?? (this.made.has(map) ? 0 : this.view.size(map, field))) + by;
    this.grown.set(at, size);
    const max = policy === "text" ? TEXT_MAX : policy === "list" ? LIST_MAX : SET_MAX;
    return size <= max ? undefined : deny("too-large", object, field, `A ${policy} field holds up to ${max}.`);
  }

  private deletes(deletions: readonly Deletion[]): Denial | undefined {
    const removed = new Set<string>();
    for (const { node } of deletions) {
      if (node.place.at !== "root") continue;
      const { object } = node.place;
      const map = idKey(node.client, node.clock);
      removed.add(map);
      if (!this.view.may("delete", object, map, this.made.get(map))) return deny("not-allowed", object, "", "You may not delete this object.");
    }
    for (const { node } of deletions) {
      const { place } = node;
      if (place.at === "meta") return deny("server-only", "", "", "Only the server writes outside of the objects.");
      if (place.at === "root" || place.at === "gone" || removed.has(place.map) || this.made.has(place.map) || this.isGone(place)) continue;
      const denial = this.removal(place);
      if (denial !== undefined) return denial;
    }
    return undefined;
  }

  private removal(place: ObjectPlace | InsidePlace): Denial | undefined {
    const { object, field } = place;
    if (field === "type") return deny("not-allowed", object, field, "An object's type is fixed.");
    const spec = this.spec(place);
    if ("reason" in spec) return spec;
    if (place.at === "inside") {
      if (!this.mayEdit(object, place.map)) return deny("not-allowed", object, field, "You may not edit this object.");
      const foreign = spec.policy === "counter" && !this.written.has(`${place.map}/${field}/${place.key ?? ""}`);
      return foreign ? deny("client-id", object, field, "A counter's share belongs to the client it names.") : undefined;
    }
    const blocked = this.blocked(place, spec);
    if (blocked !== undefined) return blocked;
    return spec.policy === "lww" || this.written.has(entry(place)) ? undefined : deny("not-allowed", object, field, "This field cannot be removed.");
  }

  private spec({ object, map, field }: ObjectPlace | InsidePlace): FieldSpec | Denial {
    const type = this.made.get(map)?.type ?? this.view.typeOfMap(map);
    const spec: ObjectSpec | undefined = type === undefined ? undefined : this.view.scene.objects[type];
    if (spec === undefined) return deny("unknown-object", object, field, "There is no such object.");
    const found = Object.hasOwn(spec, field) ? spec[field] : undefined;
    return found ?? deny("malformed", object, field, "The scene declares no such field.");
  }

  private isGone(place: Place): boolean {
    if (place.at === "gone") return true;
    if (place.at === "root" || place.at === "meta") return false;
    let gone = this.gone.get(place.map);
    if (gone === undefined) this.gone.set(place.map, (gone = this.view.isGone(place.map)));
    return gone;
  }

  private mayEdit(object: string, map: string): boolean {
    let may = this.editable.get(map);
    if (may === undefined) this.editable.set(map, (may = this.view.may("edit", object, map)));
    return may;
  }

  private newest(place: ObjectPlace): string {
    return this.written.get(entry(place)) ?? this.view.newest(place);
  }
}

const entry = ({ strand }: ObjectPlace): string => strand;
const deny = (reason: DeniedReason, object: string, field: string, sentence: string): Denial => ({ reason, object, field, sentence });

function originOf({ struct }: Write): string {
  return struct instanceof Y.Item && struct.origin !== null ? idKey(struct.origin.client, struct.origin.clock) : "";
}

/** The single plain value of a map entry; undefined when it is not one. */
function only(struct: Y.Item | Y.GC): unknown {
  return struct instanceof Y.Item && struct.content instanceof Y.ContentAny && struct.content.arr.length === 1 ? struct.content.arr[0] : undefined;
}

function isElement(struct: Y.Item | Y.GC, spec: FieldSpec, key: string | null): boolean {
  if (!(struct instanceof Y.Item)) return true;
  const { content } = struct;
  switch (spec.policy) {
    case "text":
      return key === null && (content instanceof Y.ContentString ? !content.str.includes("\0") : isPlainFormat(content));
    case "list":
      return key === null && content instanceof Y.ContentAny && content.arr.every((item) => isPlainValue(spec.value, item));
    case "set":
      return key !== null && key.length > 0 && key.length <= SET_KEY_MAX && only(struct) === true;
    case "counter": {
      const share = only(struct);
      return typeof share === "number" && Number.isFinite(share) && Math.abs(share) <= COUNTER_MAX;
    }
    default:
      return false;
  }
}

/** Rich-text marks (bold, links) are short and plain: nothing nested, nothing that a renderer would run. */
function isPlainFormat(content: unknown): boolean {
  if (!(content instanceof Y.ContentFormat)) return false;
  const { key, value } = content as { key: string; value: unknown };
  const plain = value === null || typeof value === "boolean" || typeof value === "number" || (typeof value === "string" && value.length <= 256);
  return plain && key.length <= 32;
}
