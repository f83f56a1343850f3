/**
 * The room's rig of one person: the same motion step as the client's, with a budget that real time fills.
 *
 * [RA1] Over any span the inputs that were applied cover at most that span plus BUDGET_MS: sending faster does not move faster.
 * [RA2] Every input after `ackSeq` is judged once and acknowledged, applied or not; what was not applied shows in `rigAt`.
 * [RA3] Nothing is allocated per input: the history is a ring.
 */
import type { Rig, RigInput } from "./rig.ts";
import { copyRig, MAX_INPUT_MS, type RigBounds, sameRig, seqAfter, stepRig } from "./step.ts";

/** `late`: seen before. `too-fast`: over the time budget. `refused`: out of range, or teleports too often. Only `ok` moves the rig. */
export type InputVerdict = "ok" | "late" | "too-fast" | "refused";

/** A stall of this length may be caught up with at once: a TCP retransmission or two. */
const BUDGET_MS = 1000;
/** A client's clock may be this much faster than ours. */
const DRIFT = 1.01;
/** Teleports and snap turns about the head: a burst of eight, four a second sustained. */
const TELEPORT_BURST = 8;
const TELEPORTS_PER_MS = 4 / 1000;
/** Poses refer to inputs at most about a second old; at 90 Hz this is 1.4 s. */
const HISTORY = 128;
const RECORD = 5;

export class RigAuthority {
  /** The judged rig. Live: mutated in place. */
  readonly rig: Rig;
  private readonly bounds: RigBounds;
  private newestSeq = 0;
  private budgetMs = BUDGET_MS;
  private teleports = TELEPORT_BURST;
  private lastMs = Number.NaN;
  /** Ring of `seq x y z yaw`, newest at `head`. */
  private readonly history = new Int32Array(HISTORY * RECORD);
  private head = 0;
  private filled = 1;
  private readonly past: Rig = { xMm: 0, yMm: 0, zMm: 0, yaw: 0 };

  constructor(rig: Readonly<Rig>, bounds: RigBounds) {
    this.rig = { ...rig };
    this.bounds = bounds;
    this.record();
  }

  /** Newest judged input; 0 before the first. */
  get ackSeq(): number {
    return this.newestSeq;
  }

  /** `nowMs`: room time, not going back. */
  apply(input: RigInput, nowMs: number): InputVerdict {
    this.refill(nowMs);
    if (!seqAfter(input.seq, this.newestSeq)) return "late";
    this.newestSeq = input.seq;
    const verdict = this.judge(input);
    if (verdict === "ok") stepRig(this.rig, input, this.bounds);
    this.head = (this.head + 1) % HISTORY;
    if (this.filled < HISTORY) this.filled++;
    this.record();
    return verdict;
  }

  /** Moves the person by the room's own will (seat, moderator, safe spawn): the rig after `ackSeq` is this from now on. */
  place(rig: Readonly<Rig>): void {
    copyRig(rig, this.rig);
    this.record();
  }

  /**
   * The rig after `inputSeq`, or undefined when that input is unknown: not judged yet, or too long ago.
   * The object is reused by the next call.
   */
  rigAt(inputSeq: number): Rig | undefined {
    const back = (this.newestSeq - inputSeq) & 0xffff;
    for (let i = 0; i < this.filled && i <= back; i++) {
      const at = ((this.head - i + HISTORY) % HISTORY) * RECORD;
      if (this.history[at] !== inputSeq) continue;
      this.past.xMm = this.history[at + 1] as number;
      this.past.yMm = this.history[at + 2] as number;
      this.past.zMm = this.history[at + 3] as number;
      this.past.yaw = this.history[at + 4] as number;
      return this.past;
    }
    return undefined;
  }

  /** True when the room's rig after `inputSeq` is exactly `claimed`. */
  agrees(inputSeq: number, claimed: Readonly<Rig>): boolean {
    const judged = this.rigAt(inputSeq);
    return judged !== undefined && sameRig(judged, claimed);
  }

  private judge(input: RigInput): InputVerdict {
    const { dtMs, moveX, moveZ, heading, turn, teleport } = input;
    const whole = Number.isInteger(dtMs + moveX + moveZ + heading + turn);
    if (!whole || dtMs < 0 || dtMs > MAX_INPUT_MS || Math.abs(moveX) > 127 || Math.abs(moveZ) > 127 || Math.abs(turn) > 127) return "refused";
    if (teleport !== null && !this.mayTeleport(teleport.positionMm)) return "refused";
    if (dtMs > this.budgetMs) return "too-fast";
    this.budgetMs -= dtMs;
    if (teleport !== null) this.teleports--;
    return "ok";
  }

  private mayTeleport(positionMm: readonly number[]): boolean {
    return positionMm.length === 3 && positionMm.every(Number.isInteger) && this.teleports >= 1;
  }

  private refill(nowMs: number): void {
    const elapsed = nowMs > this.lastMs ? nowMs - this.lastMs : 0;
    if (!(nowMs <= this.lastMs)) this.lastMs = nowMs;
    this.budgetMs = Math.min(BUDGET_MS, this.budgetMs + elapsed * DRIFT);
    this.teleports = Math.min(TELEPORT_BURST, this.teleports + elapsed * TELEPORTS_PER_MS);
  }

  private record(): void {
    const at = this.head * RECORD;
    this.history[at] = this.newestSeq;
    this.history[at + 1] = this.rig.xMm;
    this.history[at + 2] = this.rig.yMm;
    this.history[at + 3] = this.rig.zMm;
    this.history[at + 4] = this.rig.yaw;
  }
}
