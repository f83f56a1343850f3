/**
 * Play space to room frame and back. A pose is `Float64Array[21]` as in pose/types.ts: head, left, right, each x y z in m and a unit
 * quaternion; a rig turns about +Y and then shifts.
 *
 * [FR1] Only + - x /, on table values: no transcendental function, the same doubles in every engine.
 * [FR2] decompose(compose(p)) = p within 1e-6 m for rigs in the default bounds. `local` and `out` may be the same array.
 */
import { DEVICE_FLOATS, POSE_FLOATS } from "../pose/types.ts";
import type { Rig } from "./rig.ts";
import { TURN_STEP } from "./step.ts";
import { cosHalfYaw, cosYaw, sinHalfYaw, sinYaw, YAW_ONE, YAW_TURN } from "./yaw-table.ts";

/** Play space -> room frame. */
export function composeRig(rig: Readonly<Rig>, local: Float64Array, out: Float64Array): void {
  const cos = cosYaw(rig.yaw) / YAW_ONE;
  const sin = sinYaw(rig.yaw) / YAW_ONE;
  const halfCos = cosHalfYaw(rig.yaw) / YAW_ONE;
  const halfSin = sinHalfYaw(rig.yaw) / YAW_ONE;
  for (let at = 0; at < POSE_FLOATS; at += DEVICE_FLOATS) {
    const x = local[at] as number;
    const z = local[at + 2] as number;
    out[at] = x * cos + z * sin + rig.xMm / 1000;
    out[at + 1] = (local[at + 1] as number) + rig.yMm / 1000;
    out[at + 2] = z * cos - x * sin + rig.zMm / 1000;
    turnQuaternion(local, out, at + 3, halfSin, halfCos);
  }
}

/** Room frame -> play space; the inverse of `composeRig`. */
export function decomposeRig(rig: Readonly<Rig>, room: Float64Array, out: Float64Array): void {
  const cos = cosYaw(rig.yaw) / YAW_ONE;
  const sin = sinYaw(rig.yaw) / YAW_ONE;
  const halfCos = cosHalfYaw(rig.yaw) / YAW_ONE;
  const halfSin = sinHalfYaw(rig.yaw) / YAW_ONE;
  for (let at = 0; at < POSE_FLOATS; at += DEVICE_FLOATS) {
    const x = (room[at] as number) - rig.xMm / 1000;
    const z = (room[at + 2] as number) - rig.zMm / 1000;
    out[at] = x * cos - z * sin;
    out[at + 1] = (room[at + 1] as number) - rig.yMm / 1000;
    out[at + 2] = z * cos + x * sin;
    turnQuaternion(room, out, at + 3, -halfSin, halfCos);
  }
}

/** out = (0, sin, 0, cos) * q: a turn about +Y after `q`. */
function turnQuaternion(from: Float64Array, out: Float64Array, at: number, sin: number, cos: number): void {
  const x = from[at] as number;
  const y = from[at + 1] as number;
  const z = from[at + 2] as number;
  const w = from[at + 3] as number;
  out[at] = cos * x + sin * z;
  out[at + 1] = cos * y + sin * w;
  out[at + 2] = cos * z - sin * x;
  out[at + 3] = cos * w - sin * y;
}

/** Radians to 1/65536 turn, 0..65535. For inputs only: what is sent is the integer. */
export function yawFromRad(rad: number): number {
  return Math.round((rad / (2 * Math.PI)) * YAW_TURN) & (YAW_TURN - 1);
}

/** 1/65536 turn to radians, 0..2 pi. */
export function yawToRad(yaw: number): number {
  return (yaw / YAW_TURN) * 2 * Math.PI;
}

/**
 * Teleport that turns the play space by `steps` snap turns about a point of the room instead of about its own origin, so that
 * the head stays where it is: a person rarely stands on the origin of the play space.
 */
export function turnAbout(
  rig: Readonly<Rig>,
  steps: number,
  pivotXMm: number,
  pivotZMm: number,
): { readonly positionMm: readonly [number, number, number]; readonly yaw: number } {
  const by = steps * TURN_STEP;
  const cos = cosYaw(by) / YAW_ONE;
  const sin = sinYaw(by) / YAW_ONE;
  const x = rig.xMm - pivotXMm;
  const z = rig.zMm - pivotZMm;
  return {
    positionMm: [Math.round(pivotXMm + x * cos + z * sin), rig.yMm, Math.round(pivotZMm + z * cos - x * sin)],
    yaw: (rig.yaw + by) & (YAW_TURN - 1),
  };
}
