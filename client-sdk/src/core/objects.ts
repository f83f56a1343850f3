/**
 * `space.objects`: the scene's objects by id, typed by its definition. Handles are made when asked for and kept while their object lives.
 */
import {
  CONTENT_MAX,
  createObject,
  deleteObject,
  inBounds,
  objectIds,
  objectMap,
  type ObjectTransform,
  readTransform,
  type Scene,
} from "@copresence/shared/scene";
import type { Doc } from "yjs";
import { type ObjectContext, type ObjectHandle, objectHandle } from "./object-handle.ts";
import type { DeniedNotice, Objects, SpaceObject } from "./space-types.ts";

export class ObjectStore {
  private readonly handles = new Map<string, ObjectHandle>();
  private readonly context: ObjectContext;
  private readonly scene: Scene | undefined;
  private readonly freshId: () => string;

  /** `freshId` gives the random part of new objects' ids. */
  constructor(context: ObjectContext, scene: Scene | undefined, freshId: () => string) {
    this.context = context;
    this.scene = scene;
    this.freshId = freshId;
  }

  get doc(): Doc {
    return this.context.doc();
  }

  get size(): number {
    return this.ids().length;
  }

  ids(): readonly string[] {
    return objectIds(this.doc).filter((id) => this.typeOf(id) !== undefined);
  }

  *[Symbol.iterator](): Iterator<ObjectHandle> {
    for (const id of this.ids()) yield this.get(id) as ObjectHandle;
  }

  get(id: string, type?: string): ObjectHandle | undefined {
    const actual = this.typeOf(id);
    if (actual === undefined || (type !== undefined && type !== actual)) return undefined;
    let handle = this.handles.get(id);
    if (handle?.type !== actual) this.handles.set(id, (handle = objectHandle(id, actual, this.context)));
    return handle;
  }

  create(type: string, init?: Readonly<Record<string, unknown>>, id = `${type}-${this.freshId()}`.slice(0, 64)): ObjectHandle {
    if (this.scene === undefined) throw new RangeError("creating objects needs the scene's definition; give it to connect()");
    const subject = { object: id, type, position: positionIn(init) };
    const mayNot = this.context.refusal("create", subject);
    const fault: ContentFault | undefined = mayNot === undefined ? contentFault(this.scene, type, init) : { ...mayNot, field: "" };
    if (fault === undefined) createObject(this.doc, this.scene, type, id, init);
    else this.context.deny(fault.reason, id, fault.field, fault.sentence);
    return this.get(id) ?? objectHandle(id, type, this.context);
  }

  delete(id: string): void {
    const refusal = this.context.refusal("delete", { object: id, type: this.typeOf(id), position: readTransform(this.doc, id)?.position });
    if (refusal === undefined) deleteObject(this.doc, id);
    else this.context.deny(refusal.reason, id, "", refusal.sentence);
  }

  /** Objects that changed: handles of the gone are forgotten, resting places taken over. */
  changed(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const map = objectMap(this.doc, id);
      if (map !== undefined) this.context.holds.restChanged(id, map.get("transform"));
      else {
        this.handles.delete(id);
        this.context.holds.objectGone(id);
      }
    }
  }

  /** The public face, typed by the definition. */
  typed(): Objects {
    return this as unknown as Objects & Iterable<SpaceObject>;
  }

  private typeOf(id: string): string | undefined {
    const type = objectMap(this.doc, id)?.get("type");
    if (typeof type !== "string") return undefined;
    return this.scene === undefined || Object.hasOwn(this.scene.objects, type) ? type : undefined;
  }
}

/** What of a new object's first values the room would refuse though they are of the right kind: a person may have pasted them. */
function contentFault(scene: Scene, type: string, init: Readonly<Record<string, unknown>> = {}): ContentFault | undefined {
  const spec = Object.hasOwn(scene.objects, type) ? scene.objects[type] : undefined;
  for (const [field, value] of Object.entries(init)) {
    const policy = spec?.[field]?.policy as keyof typeof CONTENT_MAX | undefined;
    const max = policy === undefined ? undefined : CONTENT_MAX[policy];
    if (max !== undefined && (typeof value === "string" || Array.isArray(value)) && value.length > max)
      return { reason: "too-large", field, sentence: `A ${policy} field holds up to ${max}.` };
  }
  const position = positionIn(init);
  if (position === undefined || inBounds(position, scene.bounds)) return undefined;
  return { reason: "out-of-bounds", field: "transform", sentence: "That is outside of the space." };
}
type ContentFault = Pick<DeniedNotice, "reason" | "field" | "sentence">;

/** Where a new object is going to rest; undefined if it has no place, or none that can be (createObject says so). */
function positionIn(init: Readonly<Record<string, unknown>> | undefined): ObjectTransform["position"] | undefined {
  const transform = init?.["transform"] as Partial<ObjectTransform> | null | undefined;
  if (transform === undefined || transform === null) return undefined;
  const [x, y, z] = Array.from(transform.position ?? [0, 0, 0]);
  return [x, y, z].every(Number.isFinite) ? ([x, y, z] as ObjectTransform["position"]) : undefined;
}
