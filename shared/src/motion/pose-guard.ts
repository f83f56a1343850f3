/**
 * Plausibility of one person's samples, enforced by the room before anybody else sees them (POSE.md).
 *
 * [PG1] A sample judged `ok` or `clamped` has finite positions inside the bounds, unit quaternions, hands within 1.5 m of the head,
 *       a time in [now - 1 s, now + 100 ms] after the one before it, and a head that moved at most 12 m/s since it.
 * [PG2] Refused samples leave no trace: the next one is compared with the last accepted one. A jump that stays is therefore
 *       accepted as soon as 12 m/s could have covered it, and nobody is locked out by a recentred headset.
 * [PG3] Nothing is allocated; clamping is in place.
 */
import { DEVICE_FLOATS, DeviceState, POSE_FLOATS, type PoseSample } from "../pose/types.ts";
import type { Rig } from "./rig.ts";
import type { RigBounds } from "./step.ts";

export type PoseVerdict = "ok" | "clamped" | "refused";

export const HEAD_MAX_M_PER_S = 12;
export const HAND_REACH_M = 1.5;
/** A head farther from its rig's origin left any real play space: walking there is the rig's business. */
export const PLAY_SPACE_M = 50;
const PAST_MS = 1000;
const FUTURE_MS = 100;
/** Tracking noise and the 1 mm lattice at a sample distance of a few milliseconds. */
const HEAD_SLACK_M = 0.05;
/** Off by more than this, a quaternion is not rounding but nonsense. */
const NORM_SLACK = 0.1;
/** Off by less in its square, it is a unit one: what is decoded from the lattice is. */
const UNIT_SLACK = 1e-12;
/** What a guard remembers: time, x, y, z of the last head it let through. */
export const GUARD_FLOATS = 4;

export class PoseGuard {
  /** Float64Array[6]: least and greatest x y z, m. */
  private readonly bounds: Float64Array;
  private readonly last: Float64Array;
  private readonly at: number;

  /** `memory[at..at + GUARD_FLOATS)`: where a caller that keeps more about a person wants the guard to keep what it remembers. */
  constructor(options: { readonly bounds: RigBounds; readonly memory?: Float64Array; readonly at?: number }) {
    this.bounds = inMetres(options.bounds);
    this.last = options.memory ?? new Float64Array(GUARD_FLOATS);
    this.at = options.at ?? 0;
    this.reset();
  }

  /** Forgets the last sample: after sleep, and when the room moved the rig itself. */
  reset(): void {
    this.last[this.at] = Number.NEGATIVE_INFINITY;
  }

  /**
   * Judges `sample` (room frame) at room time `nowMs` and clamps it in place. `rig` is the one it was composed with; `teleported`:
   * a teleport or a snap turn was applied since the last sample, so the head may jump.
   */
  judge(sample: PoseSample, nowMs: number, rig: Readonly<Rig>, teleported: boolean): PoseVerdict {
    const { pose, timeMs } = sample;
    const { last, at } = this;
    if (!(timeMs >= nowMs - PAST_MS && timeMs <= nowMs + FUTURE_MS && timeMs > (last[at] as number))) return "refused";
    if (!allFinite(pose) || !normalise(pose)) return "refused";
    const x = pose[0] as number;
    const y = pose[1] as number;
    const z = pose[2] as number;
    if (distance(x, y, z, rig.xMm / 1000, rig.yMm / 1000, rig.zMm / 1000) > PLAY_SPACE_M) return "refused";
    // Each device stays where it was relative to the others: the head is clamped first, then the hands are pulled to it.
    let clamped = this.clampToBounds(pose, 0);
    if (!teleported && !this.plausibleHead(pose, timeMs)) return "refused";
    for (let device = 1; device < 3; device++) {
      const moved = pullToHead(pose, device * DEVICE_FLOATS);
      const outside = this.clampToBounds(pose, device * DEVICE_FLOATS);
      // A hand that is not tracked says nothing about where it is, so putting it in place is no violation.
      if ((moved || outside) && sample.states[device] !== DeviceState.lost) clamped = true;
    }
    last[at] = timeMs;
    for (let axis = 0; axis < 3; axis++) last[at + 1 + axis] = pose[axis] as number;
    return clamped ? "clamped" : "ok";
  }

  private plausibleHead(pose: Float64Array, timeMs: number): boolean {
    const { last, at } = this;
    const reach = (HEAD_MAX_M_PER_S * (timeMs - (last[at] as number))) / 1000 + HEAD_SLACK_M;
    const x = last[at + 1] as number;
    const y = last[at + 2] as number;
    const z = last[at + 3] as number;
    return distance(pose[0] as number, pose[1] as number, pose[2] as number, x, y, z) <= reach;
  }

  private clampToBounds(pose: Float64Array, at: number): boolean {
    let moved = false;
    for (let axis = 0; axis < 3; axis++) {
      const value = pose[at + axis] as number;
      const min = this.bounds[axis] as number;
      const max = this.bounds[axis + 3] as number;
      if (value >= min && value <= max) continue;
      pose[at + axis] = value < min ? min : max;
      moved = true;
    }
    return moved;
  }
}

/** By bounds: everybody in a room has the same. */
const metres = new WeakMap<RigBounds, Float64Array>();
function inMetres(bounds: RigBounds): Float64Array {
  const known = metres.get(bounds);
  if (known !== undefined) return known;
  const made = Float64Array.from([...bounds.minMm, ...bounds.maxMm], (mm) => mm / 1000);
  metres.set(bounds, made);
  return made;
}

function allFinite(pose: Float64Array): boolean {
  // One non-finite term makes the sum non-finite; values whose sum overflows are nonsense as well.
  let sum = 0;
  for (let i = 0; i < POSE_FLOATS; i++) sum += Math.abs(pose[i] as number);
  return sum < Number.POSITIVE_INFINITY;
}

/** Makes every quaternion a unit one; false when one is too far from it to be rounding. */
function normalise(pose: Float64Array): boolean {
  for (let at = 3; at < POSE_FLOATS; at += DEVICE_FLOATS) {
    const x = pose[at] as number;
    const y = pose[at + 1] as number;
    const z = pose[at + 2] as number;
    const w = pose[at + 3] as number;
    const square = x * x + y * y + z * z + w * w;
    if (Math.abs(square - 1) <= UNIT_SLACK) continue;
    const norm = Math.sqrt(square);
    if (!(Math.abs(norm - 1) <= NORM_SLACK)) return false;
    pose[at] = x / norm;
    pose[at + 1] = y / norm;
    pose[at + 2] = z / norm;
    pose[at + 3] = w / norm;
  }
  return true;
}

/** Pulls a hand onto the sphere around the head; true when it was outside. */
function pullToHead(pose: Float64Array, at: number): boolean {
  const x = pose[0] as number;
  const y = pose[1] as number;
  const z = pose[2] as number;
  const far = distance(pose[at] as number, pose[at + 1] as number, pose[at + 2] as number, x, y, z);
  if (far <= HAND_REACH_M) return false;
  const keep = HAND_REACH_M / far;
  pose[at] = x + ((pose[at] as number) - x) * keep;
  pose[at + 1] = y + ((pose[at + 1] as number) - y) * keep;
  pose[at + 2] = z + ((pose[at + 2] as number) - z) * keep;
  return true;
}

function distance(ax: number, ay: number, az: number, bx: number, by: number, bz: number): number {
  return Math.sqrt((ax - bx) * (ax - bx) + (ay - by) * (ay - by) + (az - bz) * (az - bz));
}
