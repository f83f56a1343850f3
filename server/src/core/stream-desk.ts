/**
 * Optional streams of clients: joints, buttons and gestures, gaze, as they come up, judged, and on to the pose plane; and what clients want
 * of others. Nothing of it is kept longer than it is shown, and none of it reaches a log or the pipeline.
 *
 * [ST1] A body that cannot be read is a strike; joints that cannot be a hand, and times that are no uplink's, are refused and counted.
 * [ST2] Whose streams they are comes from the session, never from the payload. What was not asked for goes nowhere.
 * [ST3] A client whose joints refer to what the room never got is told to begin anew, at most once per RESTART_MS.
 */
import { handsPlausible } from "@copresence/shared/motion";
import { Decoded, HandReader, StreamBodyReader } from "@copresence/shared/pose";
import type { MessageOf } from "@copresence/shared/protocol";
import type { Door } from "./door.ts";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import { ANY_NUMBER, type LatePlane } from "./pose-plane/index.ts";
import type { Roster } from "./roster.ts";

const RESTART_MS = 500;
/** As poses: the window of sample times the room admits. */
const OLDEST_MS = 1000;
const EARLY_MS = 100;
const BYTES_PER_KBIT = 125;

/** What the room knows of one client's joints. */
class Uplink {
  readonly body = new StreamBodyReader();
  readonly joints = new HandReader();
  lastMs = Number.NEGATIVE_INFINITY;
  restart = 0;
  restartedMs = Number.NEGATIVE_INFINITY;
}

export type StreamDeskParts = { readonly out: EffectSink; readonly roster: Roster; readonly door: Door; readonly late: LatePlane };

export class StreamDesk {
  private readonly parts: StreamDeskParts;
  private readonly uplinks: (Uplink | undefined)[] = [];

  constructor(parts: StreamDeskParts) {
    this.parts = parts;
  }

  quality(member: Member, message: MessageOf<"quality">): void {
    const { plane } = this.parts.late;
    const { slot } = member.person;
    plane.streams.wish(slot, message.offers, message.takes);
    plane.wish(slot, message.viewKbitPerS * BYTES_PER_KBIT, message.fullPeople);
  }

  streamUp(member: Member, body: Uint8Array, nowMs: number): void {
    if (member.person.status === "asleep") return;
    const { out, door, late } = this.parts;
    const { plane } = late;
    const { slot } = member.person;
    const uplink = (this.uplinks[slot] ??= new Uplink());
    const read = uplink.body;
    if (read.read(body, uplink.joints) !== Decoded.ok) return door.strike(member.session, "The optional streams could not be read.", nowMs);
    if (read.hands === "missing") this.restart(member, uplink, nowMs);
    if (!(read.timeMs > uplink.lastMs && read.timeMs >= nowMs - OLDEST_MS && read.timeMs <= nowMs + EARLY_MS)) return out.count("pose_refused");
    uplink.lastMs = read.timeMs;
    if (read.controls !== undefined) plane.streams.submitControls(slot, read.controls);
    if (read.gaze !== undefined) plane.streams.submitGaze(slot, read.gaze);
    if (read.hands !== "read") return;
    if (handsPlausible(uplink.joints.state)) plane.streams.submitHands(slot, uplink.joints.state, read.timeMs);
    else out.count("pose_refused");
  }

  /** Tells clients what they are asked for, where that changed. Once a tick. */
  tell(): void {
    const { late, roster } = this.parts;
    const { streams } = late.plane;
    for (let i = 0; i < streams.changedCount; i++) {
      const member = roster.bySlot(streams.changed[i] as number);
      if (member !== undefined) this.ask(member);
    }
    streams.demandsTold();
  }

  /** The session ended. */
  leave(slot: number): void {
    this.uplinks[slot] = undefined;
    this.parts.late.plane.streams.leave(slot);
    this.parts.late.plane.wish(slot, 0, ANY_NUMBER);
  }

  private restart(member: Member, uplink: Uplink, nowMs: number): void {
    if (nowMs - uplink.restartedMs < RESTART_MS) return;
    uplink.restartedMs = nowMs;
    uplink.restart = (uplink.restart + 1) & 0xff;
    this.ask(member);
  }

  private ask(member: Member): void {
    const { slot } = member.person;
    const restart = this.uplinks[slot]?.restart ?? 0;
    this.parts.out.send(member.session, { type: "streamDemand", streams: this.parts.late.plane.streams.demands[slot] as number, restart });
  }
}
