/**
 * What a stored value must look like. Both ends use it: the SDK before it writes, the gate before it accepts. Never throws.
 */
import type { Quat, Vec3 } from "../base/index.ts";
import type { ObjectTransform } from "./fields.ts";
import type { Bounds, FieldSpec } from "./types.ts";

/** Longest `string` value of an lww or cas field, in UTF-16 units; longer prose belongs in a text field. */
export const STRING_MAX = 1000;
/** Longest text field, in UTF-16 units: the recorded writing sessions of the bench grow to 22 000. */
export const TEXT_MAX = 65_536;
export const LIST_MAX = 1024;
export const SET_MAX = 256;
/** Largest element of a set, in UTF-16 units. */
export const SET_KEY_MAX = 64;
/** Most of what a field of these policies holds, in UTF-16 units or entries. */
export const CONTENT_MAX = { text: TEXT_MAX, list: LIST_MAX, set: SET_MAX } as const;
/** Largest magnitude of one client's share of a counter; sums of thousands of shares stay exact. */
export const COUNTER_MAX = 1e9;
const COLOR = /^#[0-9a-fA-F]{6}$/;
export const SCALE_MIN = 0.01;
export const SCALE_MAX = 100;

/** True when `value` is a `kind` as a field may store it: primitives only, numbers finite, strings bounded. */
export function isPlainValue(kind: FieldSpec["value"], value: unknown): boolean {
  switch (kind) {
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "string":
      return typeof value === "string" && value.length <= STRING_MAX && !value.includes("\0");
    case "color":
      return typeof value === "string" && COLOR.test(value);
    default:
      return false;
  }
}

/** The stored form `[x,y,z,qx,qy,qz,qw,scale]`. */
export function packTransform(transform: ObjectTransform): number[] {
  return [...transform.position, ...transform.rotation, transform.scale];
}

/** Reads the stored form; undefined when it is not eight finite numbers with a unit quaternion and a sane scale. */
export function unpackTransform(value: unknown): ObjectTransform | undefined {
  if (!Array.isArray(value) || value.length !== 8 || !value.every((n) => typeof n === "number" && Number.isFinite(n))) return undefined;
  const [x, y, z, qx, qy, qz, qw, scale] = value as [number, number, number, number, number, number, number, number];
  const norm = qx * qx + qy * qy + qz * qz + qw * qw;
  if (Math.abs(norm - 1) > 0.01 || scale < SCALE_MIN || scale > SCALE_MAX) return undefined;
  const position: Vec3 = [x, y, z];
  const rotation: Quat = [qx, qy, qz, qw];
  return { position, rotation, scale };
}

export function inBounds(position: Vec3, bounds: Bounds): boolean {
  return [0, 1, 2].every((axis) => {
    const p = position[axis as 0];
    return p >= bounds.min[axis as 0] && p <= bounds.max[axis as 0];
  });
}
