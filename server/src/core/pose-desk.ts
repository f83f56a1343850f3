/**
 * One person's uplink of poses: reconciled with the room's rig, judged, and handed to the pose plane.
 *
 * [PD1] Nothing reaches the pose plane, and so nobody else, that the guard did not judge `ok` or `clamped` (PROMISES P15).
 * [PD2] Whose pose it is comes from the session, never from the payload.
 * [PD3] No allocation per sample.
 */
import { PoseGuard, type Rig, type RigBounds } from "@copresence/shared/motion";
import { decodeUplinkBody, DEVICE_COUNT, DEVICE_FLOATS, newPoseSample, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import type { RigDesk } from "./rig-desk.ts";

/** Samples of one message, decoded here; shared by everybody because a message is handled to its end before the next. */
const scratch: PoseSample[] = Array.from({ length: LIMITS.uplinkSamples }, newPoseSample);
/** A rig that the room moved farther than this between two samples moved the head with it: no speed to judge. */
const RIG_JUMP_MM = 250;
/** Messages whose lateness is remembered: a tenth of a second at 30 messages a second, so one honest stall is seen and old ones are not. */
const DELAYS = 4;

export type Intake = { accepted: number; clamped: number; refused: number; malformed: boolean };

export class PoseDesk {
  /** Newest accepted pose, room frame, as in pose/types.ts; meaningless while `seen` is false. */
  readonly pose = newPoseSample();
  seen = false;
  /** Arrival of the newest pose message, room ms; NaN before the first. */
  receivedMs = Number.NaN;
  /** How early that message was for the tick that used it, ms. */
  slackMs = 0;
  private readonly guard: PoseGuard;
  private readonly lastRig: Rig = { xMm: 0, yMm: 0, zMm: 0, yaw: 0 };
  private readonly delaysMs = new Float64Array(DELAYS);
  private delayAt = 0;
  private readonly result: Intake = { accepted: 0, clamped: 0, refused: 0, malformed: false };

  constructor(bounds: RigBounds) {
    this.guard = new PoseGuard({ bounds });
  }

  /** Takes one message; `submit` gets each accepted sample, reused afterwards. The result is reused by the next call. */
  take(message: MessageOf<"poseUp">, rigDesk: RigDesk, nowMs: number, receivedMs: number, submit: (sample: PoseSample) => void): Intake {
    const { result } = this;
    result.accepted = result.clamped = result.refused = 0;
    const count = decodeUplinkBody(message.body, scratch);
    result.malformed = count === 0;
    if (count === 0) return result;
    const rig = rigDesk.match(message.rig);
    if (rig === undefined) {
      result.refused = count;
      return result;
    }
    this.arrived(receivedMs, scratch[count - 1] as PoseSample);
    for (let i = 0; i < count; i++) this.judge(scratch[i] as PoseSample, rig, rigDesk.shiftMm, nowMs, submit);
    return result;
  }

  private judge(sample: PoseSample, rig: Readonly<Rig>, shiftMm: Int32Array, nowMs: number, submit: (sample: PoseSample) => void): void {
    const { result } = this;
    shift(sample.pose, shiftMm);
    const verdict = this.guard.judge(sample, nowMs, rig, this.rigJumped(rig));
    if (verdict === "refused") {
      result.refused++;
      return;
    }
    if (verdict === "clamped") result.clamped++;
    result.accepted++;
    this.lastRig.xMm = rig.xMm;
    this.lastRig.yMm = rig.yMm;
    this.lastRig.zMm = rig.zMm;
    this.lastRig.yaw = rig.yaw;
    this.pose.timeMs = sample.timeMs;
    for (let i = 0; i < POSE_FLOATS; i++) this.pose.pose[i] = sample.pose[i] as number;
    for (let d = 0; d < DEVICE_COUNT; d++) this.pose.states[d] = sample.states[d] as number;
    this.seen = true;
    submit(sample);
  }

  /** Where a tick found the newest message: how early it came is what the client paces its uplink by. */
  ticked(tickMs: number): void {
    if (this.receivedMs <= tickMs) this.slackMs = tickMs - this.receivedMs;
    this.receivedMs = Number.NaN;
  }

  /** The longest any of the last few messages was under way, ms; bounds how far back a claim may reach. 0 before the first. */
  uplinkDelayMs(): number {
    let longest = 0;
    for (let i = 0; i < DELAYS; i++) longest = Math.max(longest, this.delaysMs[i] ?? 0);
    return longest;
  }

  /** After sleep: the person may wake anywhere in the play space. */
  reset(): void {
    this.guard.reset();
    this.seen = false;
  }

  /** Where the head is and looks, room frame, or null before the first pose. */
  headView(): { readonly position: readonly number[]; readonly rotation: readonly number[] } | null {
    if (!this.seen) return null;
    const { pose } = this.pose;
    return { position: [...pose.subarray(0, 3)], rotation: [...pose.subarray(3, DEVICE_FLOATS)] };
  }

  private arrived(receivedMs: number, newest: PoseSample): void {
    this.receivedMs = receivedMs;
    this.delaysMs[this.delayAt] = receivedMs - newest.timeMs;
    this.delayAt = (this.delayAt + 1) % DELAYS;
  }

  private rigJumped(rig: Readonly<Rig>): boolean {
    const last = this.lastRig;
    if (!this.seen || rig.yaw !== last.yaw) return true;
    return Math.abs(rig.xMm - last.xMm) > RIG_JUMP_MM || Math.abs(rig.yMm - last.yMm) > RIG_JUMP_MM || Math.abs(rig.zMm - last.zMm) > RIG_JUMP_MM;
  }
}

function shift(pose: Float64Array, shiftMm: Int32Array): void {
  const x = (shiftMm[0] ?? 0) / 1000;
  const y = (shiftMm[1] ?? 0) / 1000;
  const z = (shiftMm[2] ?? 0) / 1000;
  if (x === 0 && y === 0 && z === 0) return;
  for (let at = 0; at < POSE_FLOATS; at += DEVICE_FLOATS) {
    pose[at] = (pose[at] as number) + x;
    pose[at + 1] = (pose[at + 1] as number) + y;
    pose[at + 2] = (pose[at + 2] as number) + z;
  }
}
