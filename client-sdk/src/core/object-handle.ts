/**
 * One shared object as the application holds it: a live view by id over the current document.
 *
 * [OH1] Declared fields are properties (`valve.open`) unless the handle has a member of that name; all are in `fields`.
 * [OH2] What my role may not do, and what is more than a field holds, is refused here, before the document changes: the room would undo it
 *       anyway, at the price of fetching the document anew, and close who goes on.
 * [OH3] A field the definition does not declare, or declares otherwise, throws a RangeError wherever it is named.
 */
import type { Doc } from "yjs";
import {
  addCounter,
  type FieldSpec,
  isPlainValue,
  listField,
  objectMap,
  type PermissionSubject,
  readField,
  readTransform,
  CONTENT_MAX,
  type Right,
  type Scene,
  setField,
  setMember,
  textField,
} from "@copresence/shared/scene";
import { type CasAsks, CasView } from "./cas-asks.ts";
import { CounterView, ListView, SetView } from "./field-handles.ts";
import type { Holds } from "./holds.ts";
import {
  type CasHandle,
  type CounterHandle,
  type DeniedNotice,
  type GrabOptions,
  type GrabResult,
  type Hand,
  HIDDEN_TEXT,
  type ListHandle,
  type ReleaseOptions,
  type SetHandle,
  type TextHandle,
  type Veil,
} from "./space-types.ts";
import { TextView } from "./text-handle.ts";

/** What handles need of the space around them. */
export type ObjectContext = {
  readonly doc: () => Doc;
  /** The definition that declares this object's type. */
  readonly sceneOf: (id: string) => Scene | undefined;
  readonly holds: Holds;
  readonly mySlot: () => number;
  readonly veil: (id: string, field: string) => Veil | undefined;
  readonly nowMs: () => number;
  /** Why I may not, as far as that is known here (rights.ts). */
  readonly refusal: (right: Right, subject: PermissionSubject) => Pick<DeniedNotice, "reason" | "sentence"> | undefined;
  readonly deny: (reason: DeniedNotice["reason"], object: string, field: string, sentence: string) => void;
  readonly casAsks: CasAsks;
};

export class ObjectHandle {
  readonly id: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  private readonly context: ObjectContext;

  constructor(id: string, type: string, context: ObjectContext) {
    this.id = id;
    this.type = type;
    this.context = context;
    this.fields = fieldsProxy(this);
  }

  get exists(): boolean {
    return objectMap(this.context.doc(), this.id) !== undefined;
  }

  get transform(): Float64Array {
    return this.context.holds.display(this.id, this.stored()).transform;
  }

  get holder(): number | undefined {
    return this.context.holds.holder(this.id);
  }

  get heldByMe(): boolean {
    return this.holder !== undefined && this.holder === this.context.mySlot();
  }

  get grabbable(): boolean {
    return this.context.sceneOf(this.id)?.objects[this.type]?.["transform"]?.policy === "leased";
  }

  /** Names of the declared fields. */
  fieldNames(): readonly string[] {
    return Object.keys(this.context.sceneOf(this.id)?.objects[this.type] ?? {});
  }

  /** Value of a field as this reader may see it. */
  read(field: string): unknown {
    const scene = this.context.sceneOf(this.id);
    if (scene === undefined) return undefined;
    const veil = this.veiled(field);
    return veil !== undefined && !veil.mine ? HIDDEN_TEXT : readField(this.context.doc(), scene, this.id, field);
  }

  toJSON(): { readonly id: string; readonly type: string; readonly fields: Readonly<Record<string, unknown>> } {
    return { id: this.id, type: this.type, fields: { ...this.fields } };
  }

  set(field: string, value: unknown): void {
    const scene = this.context.sceneOf(this.id);
    if (this.spec(field)?.policy === "cas") throw new RangeError(`${this.id}.${field} is a cas field: use cas("${field}").set(value)`);
    if (scene !== undefined && this.mayEdit(field)) setField(this.context.doc(), scene, this.id, field, value);
  }

  text(field: string): TextHandle {
    this.mustBe("text", field);
    return new TextView({
      find: () => textField(this.context.doc(), this.id, field),
      mayEdit: () => this.mayEdit(field),
      hasRoom: (length) => this.hasRoom("text", field, length),
    });
  }

  count(field: string, by = 1): void {
    this.mustBe("counter", field);
    const doc = this.context.doc();
    if (this.mayEdit(field)) addCounter(doc, this.id, field, String(doc.clientID), by);
  }

  member(field: string, element: string, present: boolean): void {
    const scene = this.context.sceneOf(this.id);
    this.mustBe("set", field);
    const grown = [...((this.read(field) as readonly string[] | undefined) ?? []), element];
    if (present && !this.hasRoom("set", field, new Set(grown).size)) return;
    if (scene !== undefined && this.mayEdit(field)) setMember(this.context.doc(), scene, this.id, field, element, present);
  }

  list(field: string): ListHandle<unknown> {
    this.mustBe("list", field);
    return new ListView({
      find: () => listField(this.context.doc(), this.id, field),
      mayEdit: () => this.mayEdit(field),
      fits: (item) => isPlainValue(this.spec(field)?.value ?? "string", item),
      hasRoom: (size) => this.hasRoom("list", field, size),
    });
  }

  elements(field: string): SetHandle {
    this.mustBe("set", field);
    return new SetView({
      read: () => (this.read(field) as readonly string[] | undefined) ?? [],
      write: (element, present) => this.member(field, element, present),
    });
  }

  counter(field: string): CounterHandle {
    this.mustBe("counter", field);
    return new CounterView(
      () => (this.read(field) as number | undefined) ?? 0,
      (by) => this.count(field, by),
    );
  }

  cas(field: string): CasHandle<unknown> {
    this.mustBe("cas", field);
    const spec = this.spec(field);
    return new CasView({
      read: () => this.read(field),
      fits: (value) => isPlainValue(spec?.value ?? "string", value),
      refusal: () => (this.exists ? this.refusedEdit(field) : "unknown-object"),
      ask: (value) => this.context.casAsks.ask(this.context.doc(), this.id, field, value),
    });
  }

  veiled(field: string): Veil | undefined {
    return this.context.veil(this.id, field);
  }

  grab(how?: Hand | GrabOptions, more?: GrabOptions): Promise<GrabResult> {
    const { context } = this;
    const options = typeof how === "object" ? how : more;
    if (!this.exists) return refused({ granted: false, reason: "unknown-object", holder: undefined }, options);
    if (context.refusal("grab", this.subject()) !== undefined)
      return refused({ granted: false, reason: "not-allowed", holder: this.holder }, options);
    const hand = typeof how === "string" ? how : context.holds.handFor(this.id, this.stored());
    return context.holds.grab(this.id, this.stored(), hand, options, context.nowMs());
  }

  release(options?: ReleaseOptions): void {
    this.context.holds.release(this.id, options, this.context.nowMs());
  }

  private stored(): unknown {
    return objectMap(this.context.doc(), this.id)?.get("transform");
  }

  private mayEdit(field: string): boolean {
    if (!this.exists) return false;
    return this.refusedEdit(field) === undefined;
  }

  /** Why I may not edit, told as an event. */
  private refusedEdit(field: string): DeniedNotice["reason"] | undefined {
    const refusal = this.context.refusal("edit", this.subject());
    if (refusal !== undefined) this.context.deny(refusal.reason, this.id, field, refusal.sentence);
    return refusal?.reason;
  }

  /** [OH3] */
  private mustBe(policy: keyof typeof CONTENT_MAX | "counter" | "cas", field: string): void {
    // One that was guessed (untyped-scene.ts) has no hash, and takes an empty set for a counter.
    if ((this.context.sceneOf(this.id)?.hash ?? "") === "") return;
    const spec = this.spec(field);
    if (spec === undefined) throw new RangeError(`there is no field "${field}" on object "${this.id}"`);
    if (spec.policy !== policy) throw new RangeError(`${this.id}.${field} is a ${spec.policy} field`);
  }

  private hasRoom(policy: keyof typeof CONTENT_MAX, field: string, size: number): boolean {
    const max = CONTENT_MAX[policy];
    if (size > max) this.context.deny("too-large", this.id, field, `A ${policy} field holds up to ${max}.`);
    return size <= max;
  }

  private subject(): PermissionSubject {
    return { object: this.id, type: this.type, position: readTransform(this.context.doc(), this.id)?.position };
  }

  private spec(field: string): FieldSpec | undefined {
    const spec = this.context.sceneOf(this.id)?.objects[this.type];
    return spec !== undefined && Object.hasOwn(spec, field) ? spec[field] : undefined;
  }
}

function refused(result: Extract<GrabResult, { granted: false }>, options: GrabOptions | undefined): Promise<GrabResult> {
  options?.onDenied?.(result);
  return Promise.resolve(result);
}

/** A handle with its fields as properties [OH1]. */
export function objectHandle(id: string, type: string, context: ObjectContext): ObjectHandle {
  return new Proxy(new ObjectHandle(id, type, context), {
    get(target, key) {
      // Members and their private state are reached on the handle itself; everything else is a field.
      const value: unknown = Reflect.get(target, key, target);
      if (value !== undefined || key in target || typeof key !== "string") return typeof value === "function" ? value.bind(target) : value;
      return target.read(key);
    },
    set: (target, key) => notAssigned(target.id, key),
    has: (target, key) => key in target || (typeof key === "string" && target.fieldNames().includes(key)),
  });
}

function fieldsProxy(handle: ObjectHandle): Readonly<Record<string, unknown>> {
  return new Proxy<Record<string, unknown>>(
    {},
    {
      get: (_, key) => (typeof key === "string" ? handle.read(key) : undefined),
      has: (_, key) => typeof key === "string" && handle.fieldNames().includes(key),
      ownKeys: () => [...handle.fieldNames()],
      getOwnPropertyDescriptor: (_, key) =>
        typeof key === "string" && handle.fieldNames().includes(key) ? { configurable: true, enumerable: true, value: handle.read(key) } : undefined,
      set: (_, key) => notAssigned(handle.id, key),
    },
  );
}

/** It would look as if it had worked, here and nowhere else. */
function notAssigned(id: string, key: string | symbol): never {
  throw new RangeError(`${id}.${String(key)} is not assigned to: use set("${String(key)}", value), or the field's own verbs`);
}
