/**
 * Where hands and held objects are. Arithmetic only (+ - x / and square root, all exact by IEEE 754), metres, room frame.
 */
import type { Quat, Vec3 } from "@copresence/shared/base";
import { HAND_FRAME_FLOATS, handFrame, heldTransform, type HoldScale, type ScaleRange } from "@copresence/shared/motion";
import { DEVICE_FLOATS } from "@copresence/shared/pose";
import type { Hand } from "@copresence/shared/protocol";
import type { Bounds, ObjectTransform } from "@copresence/shared/scene";

export type Grip = HoldScale & { readonly hand: Hand; readonly gripMm: readonly number[]; readonly gripRotation: readonly number[] };

/** Quaternion components on the wire are scaled by this. */
const QUAT_ONE = 32_767;
/** Shorter than this (of 1) a quaternion is nothing to normalise. */
const QUAT_MIN = 0.5;

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

const frame = new Float64Array(HAND_FRAME_FLOATS);
const gripped = new Float64Array(DEVICE_FLOATS);
const held = new Float64Array(8);

/** Where an object held at a grip offset (hand frame) is: hand * grip, with the scale two hands give it. */
export function heldAt(pose: Float64Array, hold: Grip, range: ScaleRange): ObjectTransform {
  handFrame(pose, hold.hand, frame);
  gripped.set(metres(hold.gripMm), 0);
  gripped.set(quatFromWire(hold.gripRotation) ?? [0, 0, 0, 1], 3);
  heldTransform(frame, gripped, hold, range, held);
  const [x, y, z, qx, qy, qz, qw, scale] = held as unknown as readonly [number, number, number, number, number, number, number, number];
  return { position: [x, y, z], rotation: [qx, qy, qz, qw], scale };
}

/** The same transform moved into the scene's bounds. */
export function clampToBounds(transform: ObjectTransform, bounds: Bounds): ObjectTransform {
  const axis = (i: 0 | 1 | 2): number => Math.min(bounds.max[i], Math.max(bounds.min[i], transform.position[i]));
  return { ...transform, position: [axis(0), axis(1), axis(2)] };
}
