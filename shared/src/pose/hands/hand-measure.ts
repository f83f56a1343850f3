/**
 * From measured joints to integers; the sender's side only, so nothing here needs to be exact.
 *
 * Flexions are measured against the parent as the receiver has it, so that their errors do not add up along a finger. Slow values keep
 * what the receiver has until they leave the dead band.
 */
import { turnBetween } from "../lattice.ts";
import {
  HAND_FLOATS,
  isFast,
  isOffset,
  JOINT_FLOATS,
  JOINTS,
  OFFSET_PARENT,
  OFFSET_STEPS,
  offsetAt,
  SLOW,
  TURN_PARENT,
  TURN_STEPS,
  turnAt,
  VALUES,
} from "./hand-format.ts";
import { HandPoser, type HandsState, newHandsPose } from "./hand-state.ts";

/** In steps of the value: 1 degree, 2 mm. Half a step would follow every tremor. */
const TURN_BAND = 0.75;
const OFFSET_BAND = 2;

export class HandMeasure {
  private readonly poser = new HandPoser();
  private readonly shown = newHandsPose();
  private readonly turn = new Float64Array(4);
  /** Flexion, and a tilt that is not used. */
  private readonly closed = new Float64Array(3);
  /** The tilt as sent, then what is left of the turn after it. */
  private readonly tilt = new Float64Array(8);
  private readonly exact = new Float64Array(VALUES);

  /**
   * Writes the values of `hand` into `state`, from `pose` (Float64Array[175] at `o`, wrist first). `held`: what the receiver has, or
   * undefined when it has nothing and everything is sent; a slow value that may stay, stays.
   */
  measure(pose: Float64Array, o: number, hand: number, held: HandsState | undefined, state: HandsState): void {
    const { exact, shown } = this;
    const base = hand * VALUES;
    this.measureExact(pose, o);
    for (let i = 0; i < VALUES; i++) state.set(hand, i, nearest(exact, i));
    if (held !== undefined)
      for (const i of SLOW) if (this.stays(i, held.values[base + i] as number)) state.values[base + i] = held.values[base + i] as number;
    const to = hand * HAND_FLOATS;
    for (let c = 0; c < JOINT_FLOATS; c++) shown[to + c] = pose[o + c] as number;
    for (let joint = 1; joint < JOINTS; joint++) {
      if (isFast(turnAt(joint))) this.refine(pose, o, hand, joint, state);
      this.poser.orient(state.values, base, joint, shown, to);
    }
  }

  /** The flexion that, after the tilt as sent and the parent as shown, comes nearest to the joint's measured orientation. */
  private refine(pose: Float64Array, o: number, hand: number, joint: number, state: HandsState): void {
    const { turn, tilt, shown, closed } = this;
    const at = hand * VALUES + turnAt(joint);
    state.values[at] = 0;
    this.poser.relativeTurn(state.values, at, tilt, 0);
    const parent = hand * HAND_FLOATS + (TURN_PARENT[joint] as number) * JOINT_FLOATS + 3;
    turnBetween(shown, parent, pose, o + joint * JOINT_FLOATS + 3, turn, 0);
    turnBetween(tilt, 0, turn, 0, tilt, 4);
    for (let c = 0; c < 4; c++) turn[c] = tilt[4 + c] as number;
    tiltAndTwist(turn, closed, 0);
    state.set(hand, turnAt(joint), nearest(closed, 0));
  }

  private stays(index: number, held: number): boolean {
    return Math.abs((this.exact[index] as number) - held) <= (isOffset(index) ? OFFSET_BAND : TURN_BAND);
  }

  private measureExact(pose: Float64Array, o: number): void {
    const { exact, turn } = this;
    for (let joint = 1; joint < JOINTS; joint++) {
      const at = o + joint * JOINT_FLOATS;
      turnBetween(pose, o + (TURN_PARENT[joint] as number) * JOINT_FLOATS + 3, pose, at + 3, turn, 0);
      tiltAndTwist(turn, exact, turnAt(joint));
      const parent = o + (OFFSET_PARENT[joint] as number) * JOINT_FLOATS;
      unrotate(pose, parent, at, exact, offsetAt(joint));
    }
  }
}

/** As a 32-bit integer, which needs no box; garbage becomes some integer, which is clamped. */
const nearest = (values: Float64Array, i: number): number => Math.floor((values[i] as number) + 0.5) | 0;

/** q = tilt * twist about X. out[to..to+2] in steps: MRP of the twist, at least half a turn away from its singularity, and of the tilt. */
function tiltAndTwist(q: Float64Array, out: Float64Array, to: number): void {
  const length = Math.sqrt((q[0] as number) * (q[0] as number) + (q[3] as number) * (q[3] as number));
  const x = length < 1e-9 ? 0 : (q[0] as number) / length;
  const w = length < 1e-9 ? 1 : (q[3] as number) / length;
  // q * conj(twist) has no x: (0, y, z, length).
  const y = (q[1] as number) * w - (q[2] as number) * x;
  const z = (q[2] as number) * w + (q[1] as number) * x;
  out[to] = w < 0 ? (-x / (1 - w)) * TURN_STEPS : (x / (1 + w)) * TURN_STEPS;
  out[to + 1] = (y / (1 + length)) * TURN_STEPS;
  out[to + 2] = (z / (1 + length)) * TURN_STEPS;
}

/** out[to..] = the offset from pose[from..] to pose[at..] in the former's frame, in steps. */
function unrotate(pose: Float64Array, from: number, at: number, out: Float64Array, to: number): void {
  const x = (pose[at] as number) - (pose[from] as number);
  const y = (pose[at + 1] as number) - (pose[from + 1] as number);
  const z = (pose[at + 2] as number) - (pose[from + 2] as number);
  const qx = -(pose[from + 3] as number);
  const qy = -(pose[from + 4] as number);
  const qz = -(pose[from + 5] as number);
  const qw = pose[from + 6] as number;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  out[to] = (x + qw * tx + qy * tz - qz * ty) * OFFSET_STEPS;
  out[to + 1] = (y + qw * ty + qz * tx - qx * tz) * OFFSET_STEPS;
  out[to + 2] = (z + qw * tz + qx * ty - qy * tx) * OFFSET_STEPS;
}
