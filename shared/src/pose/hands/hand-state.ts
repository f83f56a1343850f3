/**
 * A source's two hands as integers: the H0 that both ends remember, and the way from integers to joints.
 */
import { multiplyQuat } from "../lattice.ts";
import {
  clampValue,
  GROUPS,
  HAND_FLOATS,
  HANDS,
  JOINT_FLOATS,
  JOINTS,
  OFFSET_PARENT,
  OFFSET_STEPS,
  offsetAt,
  TURN_PARENT,
  TURN_STEPS,
  turnAt,
  VALUES,
} from "./hand-format.ts";

/** One pose of both hands in integers, and what the next block's parameters depend on. */
export class HandsState {
  /** Number of the H0, counted modulo 16. */
  sequence = 0;
  valid = false;
  /** Uint8Array[2]: 1 where a hand is tracked; the values of one that is not are its last. */
  readonly present = new Uint8Array(HANDS);
  /** Int16Array[2 * 150]: turns, then offsets. */
  readonly values = new Int16Array(HANDS * VALUES);
  /** Uint8Array[2 * 10]: residual class per group. */
  readonly classes = new Uint8Array(HANDS * GROUPS.length);

  copy(from: HandsState): void {
    this.sequence = from.sequence;
    this.valid = from.valid;
    this.present.set(from.present);
    this.values.set(from.values);
    this.classes.set(from.classes);
  }

  /** The values of one hand. */
  copyValues(from: HandsState, hand: number): void {
    for (let i = hand * VALUES; i < (hand + 1) * VALUES; i++) this.values[i] = from.values[i] as number;
  }

  set(hand: number, index: number, value: number): void {
    this.values[hand * VALUES + index] = clampValue(index, value);
  }
}

/** Turns integers to joints; holds scratch space only. */
export class HandPoser {
  private readonly turn = new Float64Array(4);
  private readonly tilt = new Float64Array(4);
  private readonly flexion = new Float64Array(4);
  private readonly joined = new Float64Array(4);

  /** out[to..] = the turn of `joint` relative to its parent: tilt, then flexion. */
  relativeTurn(values: Int16Array, at: number, out: Float64Array, to: number): void {
    rodrigues(0, values[at + 1] as number, values[at + 2] as number, this.tilt);
    rodrigues(values[at] as number, 0, 0, this.flexion);
    multiplyQuat(this.tilt, 0, this.flexion, 0, out, to);
  }

  /** Orientation of `joint` into pose[o + 3..], whose parent's is already there. */
  orient(values: Int16Array, base: number, joint: number, pose: Float64Array, o: number): void {
    this.relativeTurn(values, base + turnAt(joint), this.turn, 0);
    const parent = o + (TURN_PARENT[joint] as number) * JOINT_FLOATS + 3;
    multiplyQuat(pose, parent, this.turn, 0, this.joined, 0);
    const to = o + joint * JOINT_FLOATS + 3;
    for (let c = 0; c < 4; c++) pose[to + c] = this.joined[c] as number;
  }

  /**
   * Joints 1..24 of `hand` into pose[o..o + 175) (metres, unit quaternions, the wrist's frame of reference), whose first seven numbers are
   * the wrist.
   */
  write(state: HandsState, hand: number, pose: Float64Array, o: number): void {
    const base = hand * VALUES;
    for (let joint = 1; joint < JOINTS; joint++) {
      this.orient(state.values, base, joint, pose, o);
      const parent = o + (OFFSET_PARENT[joint] as number) * JOINT_FLOATS;
      const to = o + joint * JOINT_FLOATS;
      addRotated(pose, parent, state.values, base + offsetAt(joint), to);
    }
  }
}

export const newHandsPose = (): Float64Array => {
  const pose = new Float64Array(HANDS * HAND_FLOATS);
  for (let i = JOINT_FLOATS - 1; i < pose.length; i += JOINT_FLOATS) pose[i] = 1;
  return pose;
};

/** Quaternion of MRP integers; integers as arguments, because doubles handed to a function may be boxed on the heap. */
function rodrigues(xSteps: number, ySteps: number, zSteps: number, out: Float64Array): void {
  const x = xSteps / TURN_STEPS;
  const y = ySteps / TURN_STEPS;
  const z = zSteps / TURN_STEPS;
  const square = x * x + y * y + z * z;
  const scale = 1 / (1 + square);
  out[0] = 2 * x * scale;
  out[1] = 2 * y * scale;
  out[2] = 2 * z * scale;
  out[3] = (1 - square) * scale;
}

/** pose[to..to+2] = the position at pose[at..] plus the offset in steps at values[v..] turned by the quaternion at pose[at + 3..]. */
function addRotated(pose: Float64Array, at: number, values: Int16Array, v: number, to: number): void {
  const x = (values[v] as number) / OFFSET_STEPS;
  const y = (values[v + 1] as number) / OFFSET_STEPS;
  const z = (values[v + 2] as number) / OFFSET_STEPS;
  const qx = pose[at + 3] as number;
  const qy = pose[at + 4] as number;
  const qz = pose[at + 5] as number;
  const qw = pose[at + 6] as number;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  pose[to] = (pose[at] as number) + x + qw * tx + qy * tz - qz * ty;
  pose[to + 1] = (pose[at + 1] as number) + y + qw * ty + qz * tx - qx * tz;
  pose[to + 2] = (pose[at + 2] as number) + z + qw * tz + qx * ty - qy * tx;
}
