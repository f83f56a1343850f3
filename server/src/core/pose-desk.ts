/**
 * One person's uplink of poses: reconciled with the room's rig, judged, and handed to the pose plane.
 *
 * [PD1] Nothing reaches the pose plane, and so nobody else, that the guard did not judge `ok` or `clamped` (PROMISES P15).
 * [PD2] Whose pose it is comes from the session, never from the payload.
 * [PD3] No allocation per sample.
 */
import { GUARD_FLOATS, PoseGuard, type Rig, type RigBounds } from "@copresence/shared/motion";
import { decodeUplinkBody, DEVICE_FLOATS, newPoseSample, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { LIMITS, type MessageOf, type PoseUpFields } from "@copresence/shared/protocol";
import type { ClaimedRig, RigDesk } from "./rig-desk.ts";

/** Samples of one message, decoded here; shared by everybody because a message is handled to its end before the next. */
const scratch: PoseSample[] = Array.from({ length: LIMITS.uplinkSamples }, newPoseSample);
/** A rig that the room moved farther than this between two samples moved the head with it: no speed to judge. */
const RIG_JUMP_MM = 250;
/** What is kept about a person, in one array: objects of their own were a miss of the cache each, a thousand times a tick. */
const At = { pose: 0, receivedMs: 21, slackMs: 22, rig: 23, guard: 27, delays: 27 + GUARD_FLOATS } as const;
/** Messages whose lateness is remembered: a tenth of a second at 30 messages a second, so one honest stall is seen and old ones are not. */
const DELAYS = 4;

/** What of a message is read here: the rig its samples were composed with, and where they are. */
type Fields = Pick<PoseUpFields, "bytes" | "from" | "end"> & { readonly rig: ClaimedRig };
export type Intake = { accepted: number; clamped: number; refused: number; malformed: boolean };

/** Of the message under work, for everybody. */
const result: Intake = { accepted: 0, clamped: 0, refused: 0, malformed: false };

export class PoseDesk {
  seen = false;
  private readonly kept = new Float64Array(At.delays + DELAYS);
  private readonly guard: PoseGuard;
  private delayAt = 0;

  constructor(bounds: RigBounds) {
    this.kept[At.receivedMs] = Number.NaN;
    this.guard = new PoseGuard({ bounds, memory: this.kept, at: At.guard });
  }

  /** Float64Array, of which the first 21 are the newest accepted pose, room frame, as in pose/types.ts; meaningless while `seen` is false. */
  get pose(): Float64Array {
    return this.kept;
  }
  /** How early the newest message was for the tick that used it, ms. */
  get slackMs(): number {
    return this.kept[At.slackMs] as number;
  }

  /** Takes one message; `submit` gets each accepted sample, reused afterwards. The result is reused by the next call. */
  take(message: MessageOf<"poseUp">, rigDesk: RigDesk, nowMs: number, receivedMs: number, submit: (sample: PoseSample) => void): Intake {
    const { rig, body } = message;
    return this.takeFields({ rig, bytes: body, from: 0, end: body.length }, rigDesk, nowMs, receivedMs, submit);
  }

  /** The same for a message that was read without an object of its own. */
  takeFields(fields: Fields, rigDesk: RigDesk, nowMs: number, receivedMs: number, submit: (sample: PoseSample) => void): Intake {
    result.accepted = result.clamped = result.refused = 0;
    const count = decodeUplinkBody(fields.bytes, scratch, fields.from, fields.end);
    result.malformed = count === 0;
    if (count === 0) return result;
    const rig = rigDesk.match(fields.rig);
    if (rig === undefined) {
      result.refused = count;
      return result;
    }
    this.arrived(receivedMs, scratch[count - 1] as PoseSample);
    for (let i = 0; i < count; i++) this.judge(scratch[i] as PoseSample, rig, rigDesk.shiftMm, nowMs, submit);
    return result;
  }

  private judge(sample: PoseSample, rig: Readonly<Rig>, shiftMm: Int32Array, nowMs: number, submit: (sample: PoseSample) => void): void {
    const { kept } = this;
    shift(sample.pose, shiftMm);
    const verdict = this.guard.judge(sample, nowMs, rig, this.rigJumped(rig));
    if (verdict === "refused") {
      result.refused++;
      return;
    }
    if (verdict === "clamped") result.clamped++;
    result.accepted++;
    kept[At.rig] = rig.xMm;
    kept[At.rig + 1] = rig.yMm;
    kept[At.rig + 2] = rig.zMm;
    kept[At.rig + 3] = rig.yaw;
    const { pose } = sample;
    for (let i = 0; i < POSE_FLOATS; i++) kept[i] = pose[i] as number;
    this.seen = true;
    submit(sample);
  }

  /** Where a tick found the newest message: how early it came is what the client paces its uplink by. */
  ticked(tickMs: number): void {
    const { kept } = this;
    const receivedMs = kept[At.receivedMs] as number;
    if (receivedMs <= tickMs) kept[At.slackMs] = tickMs - receivedMs;
    kept[At.receivedMs] = Number.NaN;
  }

  /** The longest any of the last few messages was under way, ms; bounds how far back a claim may reach. 0 before the first. */
  uplinkDelayMs(): number {
    let longest = 0;
    for (let i = 0; i < DELAYS; i++) longest = Math.max(longest, this.kept[At.delays + i] as number);
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
    const { pose } = this;
    return { position: [...pose.subarray(0, 3)], rotation: [...pose.subarray(3, DEVICE_FLOATS)] };
  }

  private arrived(receivedMs: number, newest: PoseSample): void {
    this.kept[At.receivedMs] = receivedMs;
    this.kept[At.delays + this.delayAt] = receivedMs - newest.timeMs;
    this.delayAt = (this.delayAt + 1) % DELAYS;
  }

  private rigJumped(rig: Readonly<Rig>): boolean {
    if (!this.seen || rig.yaw !== this.kept[At.rig + 3]) return true;
    return this.movedFar(0, rig.xMm) || this.movedFar(1, rig.yMm) || this.movedFar(2, rig.zMm);
  }

  private movedFar(axis: number, mm: number): boolean {
    return Math.abs(mm - (this.kept[At.rig + axis] as number)) > RIG_JUMP_MM;
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
