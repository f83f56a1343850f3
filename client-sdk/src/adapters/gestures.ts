/**
 * Gestures from joints: which fingers are stretched, and whether thumb and index finger touch. A handful of thresholds in the hand's own
 * measure, so that small and large hands are read alike; an application with a better classifier calls `me.setControls` itself.
 */
import { Gesture, JOINT_FLOATS, type Gesture as GestureCode } from "@copresence/shared/pose";

const WRIST = 0;
const THUMB_TIP = 4;
/** First joint (metacarpal) of index, middle, ring and little finger; proximal, intermediate, distal and tip follow it. */
const FINGERS = [5, 10, 15, 20] as const;
const INDEX_TIP = 9;
/** Distance of thumb and index tips at which a pinch is complete, and at which it begins, in hand lengths (wrist to middle knuckle). */
const PINCH_CLOSED = 0.17;
const PINCH_OPEN = 0.55;
const PINCHED = 0.8;
/** A finger is stretched when its tip is this many hand lengths farther from the wrist than its second joint, curled when it is nearer. */
const STRETCHED = 0.2;
/** A thumb stands off when its tip is this far from the index finger's knuckle, and up when it points within 45 degrees of up. */
const THUMB_OFF = 0.55;
const UP = 0.7;

/** 0 open to 1 closed: how near thumb and index tips of `joints` (175 floats, wrist first) are. */
export function pinchOf(joints: Float64Array): number {
  const part = distance(joints, THUMB_TIP, INDEX_TIP) / handLength(joints);
  return Math.max(0, Math.min(1, (PINCH_OPEN - part) / (PINCH_OPEN - PINCH_CLOSED)));
}

export function gestureOf(joints: Float64Array): GestureCode {
  const length = handLength(joints);
  const reach = FINGERS.map((root) => (distance(joints, WRIST, root + 4) - distance(joints, WRIST, root + 2)) / length);
  const stretched = reach.map((part) => part > STRETCHED);
  const curled = reach.map((part) => part < 0);
  if (pinchOf(joints) > PINCHED && !curled.every(Boolean)) return stretched.slice(1).every(Boolean) ? Gesture.ok : Gesture.pinch;
  if (curled.every(Boolean)) return thumbUp(joints, length) ? Gesture.thumbUp : Gesture.fist;
  if (stretched.every(Boolean)) return Gesture.open;
  const [, middle, ring, little] = curled;
  if (stretched[0] === true && ring === true && little === true) {
    if (middle === true) return Gesture.point;
    if (stretched[1] === true) return Gesture.victory;
  }
  return Gesture.none;
}

function thumbUp(joints: Float64Array, length: number): boolean {
  if (distance(joints, THUMB_TIP, FINGERS[0] + 1) < THUMB_OFF * length) return false;
  const rise = (joints[THUMB_TIP * JOINT_FLOATS + 1] as number) - (joints[2 * JOINT_FLOATS + 1] as number);
  return rise > UP * distance(joints, THUMB_TIP, 2);
}

const handLength = (joints: Float64Array): number => Math.max(1e-3, distance(joints, WRIST, FINGERS[1] + 1));

function distance(joints: Float64Array, a: number, b: number): number {
  let square = 0;
  for (let axis = 0; axis < 3; axis++) square += ((joints[a * JOINT_FLOATS + axis] as number) - (joints[b * JOINT_FLOATS + axis] as number)) ** 2;
  return Math.sqrt(square);
}
