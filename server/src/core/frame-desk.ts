/**
 * One frame per awake viewer and tick.
 *
 * [FD1] The pose plane keeps the frames of a step in memory of its own: all of them stay readable until the next step [CO2].
 * [FD2] Nothing but the effect and its view is allocated per viewer.
 */
import type { FrameHead } from "@copresence/shared/pose";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import type { LatePlane } from "./pose-plane/index.ts";
import type { Roster } from "./roster.ts";

export class FrameDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly late: LatePlane;
  private readonly head: FrameHead = { tick: 0, inputAck: 0, rig: undefined };

  constructor(options: { readonly out: EffectSink; readonly roster: Roster; readonly late: LatePlane }) {
    this.out = options.out;
    this.roster = options.roster;
    this.late = options.late;
  }

  /** The frames of the step before are no longer read. */
  startStep(): void {
    if (this.late.exists) this.late.plane.startStep();
  }

  send(tick: number, nowMs: number): void {
    const { head } = this;
    const { plane } = this.late;
    const { members } = this.roster;
    plane.encodeTick(tick, nowMs);
    head.tick = tick;
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as Member;
      member.poses.ticked(nowMs);
      if (member.person.status === "asleep") continue;
      const hz = plane.uplinkChange(member.person.slot);
      if (hz > 0) this.out.send(member.session, { type: "uplink", hz });
      head.inputAck = member.rig.ackSeq;
      head.rig = member.rig.correction;
      const frame = plane.writeFrame(member.person.slot, head);
      if (frame !== undefined) this.out.sendFrame(member.session, frame);
    }
  }

  /** A connection lags: its frames begin to wait for each other. */
  queued(member: Member | undefined): void {
    if (member?.person.status === "awake") this.late.plane.frameQueued(member.person.slot);
  }

  /** A connection lagged and its last frame was not sent. */
  skipped(member: Member | undefined): void {
    if (member?.person.status !== "awake") return;
    this.late.plane.frameSkipped(member.person.slot);
    this.out.count("frame_skipped");
  }
}
