/**
 * Small conversions between the SDK's typed arrays and three.js. A device in a pose is `x y z qx qy qz qw`; devices are head 0, left 1,
 * right 2 (shared/pose).
 */
import type { Object3D, Quaternion, Vector3 } from "three";

export const HEAD = 0;
export const LEFT = 1;
export const RIGHT = 2;
const FLOATS = 7;

export type Handedness = "left" | "right";
export const deviceOf = (hand: Handedness): number => (hand === "left" ? LEFT : RIGHT);

export function readDevice(pose: ArrayLike<number>, device: number, position: Vector3, rotation: Quaternion): void {
  const at = device * FLOATS;
  position.set(pose[at] as number, pose[at + 1] as number, pose[at + 2] as number);
  rotation.set(pose[at + 3] as number, pose[at + 4] as number, pose[at + 5] as number, pose[at + 6] as number);
}

export function writeDevice(pose: Float64Array, device: number, position: Vector3, rotation: Quaternion): void {
  position.toArray(pose as unknown as number[], device * FLOATS);
  rotation.toArray(pose as unknown as number[], device * FLOATS + 3);
}

/** Places `object` at `x y z qx qy qz qw`. */
export function place(object: Object3D, transform: ArrayLike<number>): void {
  readDevice(transform, 0, object.position, object.quaternion);
}

/** Heading of a rotation about +Y in radians: 0 looks along -Z, counter-clockwise seen from above. */
export function headingOf(rotation: Quaternion): number {
  const { x, y, z, w } = rotation;
  return Math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y));
}

/** True while the keyboard belongs to a form field. */
export function isTyping(event: Event): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=range]):not([type=checkbox]), textarea, select"))
  );
}
