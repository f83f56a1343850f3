/**
 * The words a scene is declared in: `t.lww(t.boolean())`, `t.text()`, `t.leased()`. Each field names its conflict policy; none is implied.
 * The TypeScript type of the value rides along as a phantom, so `SceneObject` knows it.
 */
import type { Quat, Vec3 } from "../base/index.ts";
import type { BodySpec, FieldPolicy, FieldSpec, ValueType } from "./types.ts";

/** Where an object is at rest: metres in the room's frame, unit quaternion x y z w, uniform scale. */
export type ObjectTransform = { readonly position: Vec3; readonly rotation: Quat; readonly scale: number };

/** The type of a primitive value, with the value an untouched field shows. */
export type ValueSpec<T> = { readonly value: ValueType; readonly initial: T };

const field = <T, P extends FieldPolicy>(policy: P, value: FieldSpec["value"], initial: T): FieldSpec<T, P> => ({ policy, value, initial });
const none: readonly never[] = [];

export const IDENTITY_TRANSFORM: ObjectTransform = { position: [0, 0, 0], rotation: [0, 0, 0, 1], scale: 1 };

export const t = {
  boolean: (initial = false): ValueSpec<boolean> => ({ value: "boolean", initial }),
  number: (initial = 0): ValueSpec<number> => ({ value: "number", initial }),
  string: (initial = ""): ValueSpec<string> => ({ value: "string", initial }),
  /** `#rrggbb`. */
  color: (initial = "#ffffff"): ValueSpec<string> => ({ value: "color", initial }),

  /** Last writer wins: low-value fields. */
  lww: <T>(of: ValueSpec<T>): FieldSpec<T, "lww"> => field("lww", of.value, of.initial),
  /** Y.Text: every concurrent edit survives. */
  text: (): FieldSpec<string, "text"> => field("text", "text", ""),
  /** Y.Array of primitives. */
  list: <T>(of: ValueSpec<T>): FieldSpec<readonly T[], "list"> => field("list", of.value, none as readonly T[]),
  /** Add-wins set of short strings. */
  set: (): FieldSpec<readonly string[], "set"> => field("set", "string", none as readonly string[]),
  /** Per-client entries, summed: no increment is lost. */
  counter: (): FieldSpec<number, "counter"> => field("counter", "number", 0),
  /** The object's transform: on the pose plane while held, one durable write by the server on release. */
  leased: (body?: BodySpec): FieldSpec<ObjectTransform, "leased"> => ({
    ...field("leased", "transform", IDENTITY_TRANSFORM),
    ...(body === undefined ? {} : { body }),
  }),
  /** Compare-and-set: a write is accepted only if it was made on the current value. */
  cas: <T>(of: ValueSpec<T>): FieldSpec<T, "cas"> => field("cas", of.value, of.initial),
  /** Only the server writes. */
  serverOnly: <T>(of: ValueSpec<T>): FieldSpec<T, "serverOnly"> => field("serverOnly", of.value, of.initial),
} as const;
