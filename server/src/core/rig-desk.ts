/**
 * One person's rig as the room judges it, and what the person must be told about it.
 *
 * [RD1] Every frame head acknowledges the newest judged input; it carries the rig only while client and room disagree, repeated
 *       until a pose composed with the room's rig proves that the correction arrived (frames are droppable).
 * [RD2] A pose composed with a rig that differs in translation alone is moved by the difference; one that differs in heading, or
 *       names an input the room has not judged, is refused.
 */
import { type Rig, RigAuthority, type RigBounds, type RigInput, seqAfter } from "@copresence/shared/motion";

/** The rig a pose was composed with, as the uplink carries it. */
export type ClaimedRig = { readonly positionMm: readonly number[]; readonly yaw: number; readonly inputSeq: number };

export class RigDesk {
  /** Integer mm to add to poses composed with the rig last matched. */
  readonly shiftMm = new Int32Array(3);
  private readonly authority: RigAuthority;
  private disagreeing = false;
  /** The input from which client and room may differ; a pose with an older one proves nothing. */
  private disputedSeq = 0;

  constructor(rig: Readonly<Rig>, bounds: RigBounds) {
    this.authority = new RigAuthority(rig, bounds);
  }

  /** The rig after `ackSeq`. Live: do not write. */
  get rig(): Readonly<Rig> {
    return this.authority.rig;
  }
  get ackSeq(): number {
    return this.authority.ackSeq;
  }
  /** The rig to correct the client with, or undefined while both agree. */
  get correction(): Readonly<Rig> | undefined {
    return this.disagreeing ? this.authority.rig : undefined;
  }

  apply(inputs: readonly RigInput[], nowMs: number): void {
    for (const input of inputs) {
      const verdict = this.authority.apply(input, nowMs);
      if (verdict === "too-fast" || verdict === "refused") this.dispute(input.seq);
    }
  }

  /**
   * The room's rig at the claimed input, with `shiftMm` set, or undefined if poses composed with the claimed one must be refused.
   * The object is reused by the next call.
   */
  match(claimed: ClaimedRig): Readonly<Rig> | undefined {
    const judged = this.authority.rigAt(claimed.inputSeq);
    if (judged === undefined) return undefined;
    const x = judged.xMm - (claimed.positionMm[0] ?? 0);
    const y = judged.yMm - (claimed.positionMm[1] ?? 0);
    const z = judged.zMm - (claimed.positionMm[2] ?? 0);
    const sameYaw = judged.yaw === claimed.yaw;
    if (!sameYaw || x !== 0 || y !== 0 || z !== 0) this.dispute(claimed.inputSeq);
    else if (!seqAfter(this.disputedSeq, claimed.inputSeq)) this.disagreeing = false;
    if (!sameYaw) return undefined;
    this.shiftMm[0] = x;
    this.shiftMm[1] = y;
    this.shiftMm[2] = z;
    return judged;
  }

  private dispute(seq: number): void {
    // Poses that were in flight when a newer input was disputed must not end that dispute early.
    if (!this.disagreeing || seqAfter(seq, this.disputedSeq)) this.disputedSeq = seq;
    this.disagreeing = true;
  }
}
