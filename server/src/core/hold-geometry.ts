/**
 * Where hands and held objects are. Arithmetic only (+ - x / and square root, all exact by IEEE 754), metres, room frame.
 */
import type { Quat, Vec3 } from "@copresence/shared/base";
import { DEVICE_FLOATS } from "@copresence/shared/pose";
import type { Hand } from "@copresence/shared/protocol";
import type { Bounds, ObjectTransform } from "@copresence/shared/scene";

/** Quaternion components on the wire are scaled by this. */
const QUAT_ONE = 32_767;
/** Shorter than this (of 1) a quaternion is nothing to normalise. */
const QUAT_MIN = 0.5;

/** The device that carries an object: a pointer is carried in front of the head. */
export const deviceOf = (hand: Hand): number => (hand === "left" ? 1 : hand === "right" ? 2 : 0);

/** A unit quaternion from its wire form, or undefined when it is too short to mean a rotation. */
export function quatFromWire(wire: readonly number[]): Quat | undefined {
  const [x = 0, y = 0, z = 0, w = 0] = wire;
  const norm = Math.sqrt(x * x + y * y + z * z + w * w);
  if (norm < QUAT_ONE * QUAT_MIN) return undefined;
  return [x / norm, y / norm, z / norm, w / norm];
}

export const metres = (mm: readonly number[]): Vec3 => [(mm[0] ?? 0) / 1000, (mm[1] ?? 0) / 1000, (mm[2] ?? 0) / 1000];

export function distanceM(a: Vec3, b: Vec3): number {
  const x = a[0] - b[0];
  const y = a[1] - b[1];
  const z = a[2] - b[2];
  return Math.sqrt(x * x + y * y + z * z);
}

/** Position of one device of a `Float64Array[21]` pose. */
export function devicePosition(pose: Float64Array, device: number): Vec3 {
  const at = device * DEVICE_FLOATS;
  return [pose[at] ?? 0, pose[at + 1] ?? 0, pose[at + 2] ?? 0];
}

function deviceRotation(pose: Float64Array, device: number): Quat {
  const at = device * DEVICE_FLOATS + 3;
  return [pose[at] ?? 0, pose[at + 1] ?? 0, pose[at + 2] ?? 0, pose[at + 3] ?? 1];
}

/** Hamilton product a * b: the rotation `b` followed by `a`. */
export function multiply(a: Quat, b: Quat): Quat {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** `v` turned by the unit quaternion `q`. */
export function rotate(q: Quat, v: Vec3): Vec3 {
  const [qx, qy, qz, qw] = q;
  const tx = 2 * (qy * v[2] - qz * v[1]);
  const ty = 2 * (qz * v[0] - qx * v[2]);
  const tz = 2 * (qx * v[1] - qy * v[0]);
  return [v[0] + qw * tx + qy * tz - qz * ty, v[1] + qw * ty + qz * tx - qx * tz, v[2] + qw * tz + qx * ty - qy * tx];
}

/** Where an object held at a grip offset (hand frame) is: hand * grip. */
export function heldAt(
  pose: Float64Array,
  hold: { readonly hand: Hand; readonly gripMm: readonly number[]; readonly gripRotation: readonly number[] },
): { readonly position: Vec3; readonly rotation: Quat } {
  const device = deviceOf(hold.hand);
  const hand = devicePosition(pose, device);
  const turn = deviceRotation(pose, device);
  const offset = rotate(turn, metres(hold.gripMm));
  const grip = quatFromWire(hold.gripRotation) ?? [0, 0, 0, 1];
  return { position: [hand[0] + offset[0], hand[1] + offset[1], hand[2] + offset[2]], rotation: normalised(multiply(turn, grip)) };
}

function normalised(q: Quat): Quat {
  const norm = Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  return norm > 0 ? [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm] : [0, 0, 0, 1];
}

/** The same transform moved into the scene's bounds. */
export function clampToBounds(transform: ObjectTransform, bounds: Bounds): ObjectTransform {
  const axis = (i: 0 | 1 | 2): number => Math.min(bounds.max[i], Math.max(bounds.min[i], transform.position[i]));
  return { ...transform, position: [axis(0), axis(1), axis(2)] };
}
