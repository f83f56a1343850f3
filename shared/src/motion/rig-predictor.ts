/**
 * The client's rig: moved at once by its own inputs, corrected when the room judged them differently.
 *
 * [RP1] Whenever every input was acknowledged unchanged, `rig` is what the room has, to the bit.
 * [RP2] A correction rewinds to the acknowledged rig and replays what the room has not seen yet.
 * [RP3] What the eye sees moves smoothly: `displayOffset` takes up the difference and goes to zero over 60 ms, or at once when the
 *       correction is longer than 0.5 m (a glide that long would look like being dragged). Headings are corrected at once.
 * [RP4] Bounded: at most PENDING_INPUTS unacknowledged inputs are kept for replay.
 */
import { LIMITS } from "../protocol/limits.ts";
import type { Rig, RigInput } from "./rig.ts";
import { copyRig, MAX_INPUT_MS, type RigBounds, sameRig, seqAfter, stepRig } from "./step.ts";

/** Metres in the room's frame, to add to what is displayed. */
export type DisplayOffset = { x: number; y: number; z: number };

/** How long a correction is blended. */
export const CORRECTION_BLEND_MS = 60;
/** A longer correction snaps. */
export const CORRECTION_SNAP_M = 0.5;
/** Five seconds of inputs at 90 Hz; a link that slow is about to be replaced. */
const PENDING_INPUTS = 450;

export class RigPredictor {
  /** The predicted rig. Live: mutated in place, never replaced. */
  readonly rig: Rig;
  /** Decaying correction to add to displayed positions, m. Live. */
  readonly displayOffset: DisplayOffset = { x: 0, y: 0, z: 0 };
  private readonly bounds: RigBounds;
  /** The rig after the newest acknowledged input, as the room has it. */
  private readonly base: Rig;
  private ackSeq = 0;
  private seq = 0;
  private unsent = 0;
  private readonly pending: RigInput[] = [];
  private readonly blendFrom: DisplayOffset = { x: 0, y: 0, z: 0 };
  private blendStartMs = 0;
  private blending = false;

  constructor(rig: Readonly<Rig>, bounds: RigBounds) {
    this.rig = { ...rig };
    this.base = { ...rig };
    this.bounds = bounds;
  }

  /** Sequence number of the newest input in `rig`; goes with every pose composed with it. */
  get inputSeq(): number {
    return this.seq;
  }

  get pendingCount(): number {
    return this.pending.length;
  }

  /** Applies an input at once and queues it. Values are first brought to what the wire carries; the returned input is what was applied. */
  push(input: Omit<RigInput, "seq">): RigInput {
    this.seq = (this.seq + 1) & 0xffff;
    const applied = onWire(input, this.seq);
    stepRig(this.rig, applied, this.bounds);
    this.pending.push(applied);
    this.unsent++;
    if (this.pending.length > PENDING_INPUTS) this.retire();
    return applied;
  }

  /** The inputs not yet handed out, oldest first, at most one message's worth; call until empty. */
  takeUnsent(): RigInput[] {
    const start = this.pending.length - this.unsent;
    const taken = this.pending.slice(start, start + LIMITS.rigInputs);
    this.unsent -= taken.length;
    return taken;
  }

  /**
   * `server`: the room's rig after `ackSeq`, when it says so; undefined: as predicted. Acknowledgements that are older than
   * one already seen, or newer than anything sent, are ignored.
   */
  reconcile(ackSeq: number, server: Readonly<Rig> | undefined, nowMs: number): void {
    if (seqAfter(this.ackSeq, ackSeq) || seqAfter(ackSeq, this.seq)) return;
    while (this.pending.length > 0 && !seqAfter((this.pending[0] as RigInput).seq, ackSeq)) this.retire();
    this.ackSeq = ackSeq;
    if (server === undefined || sameRig(server, this.base)) return;
    copyRig(server, this.base);
    const { xMm, yMm, zMm } = this.rig;
    copyRig(server, this.rig);
    for (const input of this.pending) stepRig(this.rig, input, this.bounds);
    this.correct((xMm - this.rig.xMm) / 1000, (yMm - this.rig.yMm) / 1000, (zMm - this.rig.zMm) / 1000, nowMs);
  }

  /** Brings `displayOffset` to `nowMs`. Call once per rendered frame. */
  update(nowMs: number): void {
    if (!this.blending) return;
    const elapsed = Math.max(0, nowMs - this.blendStartMs);
    const left = elapsed >= CORRECTION_BLEND_MS ? 0 : (1 - elapsed / CORRECTION_BLEND_MS) ** 2;
    this.blending = left > 0;
    this.displayOffset.x = this.blendFrom.x * left;
    this.displayOffset.y = this.blendFrom.y * left;
    this.displayOffset.z = this.blendFrom.z * left;
  }

  /** The oldest pending input becomes part of the base, as the room most likely judged it. */
  private retire(): void {
    const input = this.pending.shift();
    if (input === undefined) return;
    if (this.unsent > this.pending.length) this.unsent = this.pending.length;
    stepRig(this.base, input, this.bounds);
  }

  private correct(x: number, y: number, z: number, nowMs: number): void {
    this.update(nowMs);
    const from = this.blendFrom;
    from.x = this.displayOffset.x + x;
    from.y = this.displayOffset.y + y;
    from.z = this.displayOffset.z + z;
    if (from.x * from.x + from.y * from.y + from.z * from.z > CORRECTION_SNAP_M ** 2) from.x = from.y = from.z = 0;
    this.blendStartMs = nowMs;
    this.blending = true;
    this.update(nowMs);
  }
}

function onWire(input: Omit<RigInput, "seq">, seq: number): RigInput {
  const { teleport } = input;
  return {
    seq,
    dtMs: integer(input.dtMs, 0, MAX_INPUT_MS),
    moveX: integer(input.moveX, -127, 127),
    moveZ: integer(input.moveZ, -127, 127),
    heading: Math.round(input.heading) & 0xffff,
    turn: integer(input.turn, -127, 127),
    teleport:
      teleport === null
        ? null
        : {
            positionMm: [0, 1, 2].map((axis) => integer(teleport.positionMm[axis] ?? 0, -(2 ** 31), 2 ** 31 - 1)),
            yaw: Math.round(teleport.yaw) & 0xffff,
          },
  };
}

/** Nearest integer in the range; NaN becomes 0. Never -0. */
function integer(value: number, min: number, max: number): number {
  const rounded = Math.round(value);
  return rounded >= min ? (rounded > max ? max : rounded + 0) : rounded < min ? min : 0;
}
