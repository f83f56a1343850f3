/**
 * What each kind of client message does, for somebody who is in the room and may speak.
 *
 * [MD1] A sleeping headset lies somewhere: its poses say nothing about the person and are ignored.
 * [MD2] Accepted poses renew their sender's leases; nothing else does.
 */
import type { PoseSample } from "@copresence/shared/pose";
import { encodeMessage, type MessageOf, newPoseUpFields, type PoseUpFields, readPoseUp, type UpMessage } from "@copresence/shared/protocol";
import type { BehaviourDesk } from "./behaviour/behaviour-desk.ts";
import type { ChatDesk } from "./chat-desk.ts";
import type { SceneDocument } from "./document/index.ts";
import type { Door } from "./door.ts";
import type { EffectSink } from "./effect-sink.ts";
import type { GrabDesk } from "./grab-desk.ts";
import type { HistoryDesk } from "./history/history-desk.ts";
import type { Member } from "./member.ts";
import type { PermissionDesk } from "./permission-desk.ts";
import type { LatePlane } from "./pose-plane/index.ts";
import type { Roster } from "./roster.ts";
import type { Restrictions } from "./safety/restrictions.ts";
import type { SafetyDesk } from "./safety/safety-desk.ts";
import type { SearchDesk } from "./search-desk.ts";
import type { StreamDesk } from "./stream-desk.ts";
import type { CoreEffect, PoseInput } from "./types.ts";

const I16_MAX = 32_767;

export type MessageParts = {
  readonly out: EffectSink;
  readonly roster: Roster;
  readonly door: Door;
  readonly late: LatePlane;
  readonly document: SceneDocument;
  readonly grabs: GrabDesk;
  readonly chat: ChatDesk;
  readonly search: SearchDesk;
  readonly permissions: PermissionDesk;
  readonly streams: StreamDesk;
  readonly safety: SafetyDesk;
  readonly behaviour: BehaviourDesk;
  readonly restrictions: Restrictions;
  readonly history: HistoryDesk;
  readonly absorb: (effects: readonly CoreEffect[]) => void;
};
/** When a message is handled: room time, the newest tick, and the message's arrival (not after `nowMs`). */
export type Moment = { readonly nowMs: number; readonly tick: number; readonly receivedMs: number };

export class MessageDesk {
  private readonly parts: MessageParts;
  /** Whose sample `submit` is taking; a field instead of a closure per message. */
  private submitting = 0;
  private readonly fields = newPoseUpFields();

  constructor(parts: MessageParts) {
    this.parts = parts;
  }

  handle(member: Member, message: UpMessage, moment: Moment): void {
    const { nowMs, tick, receivedMs } = moment;
    const { out, document, grabs, search, absorb } = this.parts;
    switch (message.type) {
      case "poseUp":
        return this.poseUp(member, fieldsOf(message, this.fields), nowMs, receivedMs);
      case "ping":
        return out.sendBytes(member.session, encodePong(member, message.clientTimeMs, nowMs), true);
      case "rigInput":
        return member.rig.apply(message.inputs, nowMs);
      case "grab":
      case "take":
        return grabs.claim(member, message, receivedMs);
      case "release":
      case "letGo":
        return grabs.release(member, message, tick, nowMs);
      case "sync":
        return absorb(document.receive(member.session, message.body, nowMs));
      case "cas":
        return absorb(document.compareAndSet(member.session, message));
      case "permit":
        if (!this.parts.permissions.change(member, message)) return;
        search.rulesChanged();
        return grabs.recheck(nowMs);
      case "chat":
        this.parts.late.plane.speaks(member.person.slot);
        this.parts.behaviour.said(member);
        return this.chat(member, message, nowMs);
      case "search":
        return search.ask(member, message, nowMs);
      case "watch":
        return search.watch(member, message, nowMs);
      case "unwatch":
        return search.unwatch(member, message.ref);
      case "describe":
        return search.describe(member, message, nowMs);
      case "poseNack":
        return this.poseNack(member, message.slots);
      case "relation":
        return this.parts.safety.relation(member, message);
      case "boundary":
        return this.parts.safety.boundary(member, message);
      case "report":
        return this.parts.safety.report(member, message, nowMs);
      case "appeal":
        return this.parts.safety.appeal(member, message, nowMs);
      case "historyAsk":
        return this.parts.history.ask(member, message);
      case "rollback":
        return this.parts.history.rollback(member, message);
      case "presence":
        return this.presence(member, message.state, nowMs);
      case "streamUp":
        return this.parts.streams.streamUp(member, message.body, nowMs);
      case "quality":
        return this.parts.streams.quality(member, message);
    }
  }

  private chat(member: Member, message: MessageOf<"chat">, nowMs: number): void {
    const { out, chat, restrictions } = this.parts;
    if (!restrictions.has(member.person.user, "mute")) return chat.say(member, message, nowMs);
    const sentence = "You may not chat here for now: moderation muted you. You can appeal.";
    out.deny(member.session, message.ref, { reason: "not-allowed", object: "", field: "", sentence });
  }

  /** A `poseUp` that was not read yet. */
  pose(member: Member, { bytes, at, length, receivedMs }: PoseInput, nowMs: number): void {
    readPoseUp(bytes, at, length, this.fields);
    this.poseUp(member, this.fields, nowMs, receivedMs < nowMs ? receivedMs : nowMs);
  }

  private poseUp(member: Member, message: PoseUpFields, nowMs: number, receivedMs: number): void {
    if (member.person.status === "asleep") return;
    const { slot } = member.person;
    const { out, door, grabs } = this.parts;
    this.submitting = slot;
    this.parts.late.plane.echo(slot, message.echoTick, message.echoAgeMs, receivedMs);
    const taken = member.poses.takeFields(message, member.rig, nowMs, receivedMs, this.submit);
    if (taken.malformed) return door.strike(member.session, "The pose samples could not be read.", nowMs);
    if (taken.accepted > 0) grabs.leases.renew(slot, nowMs);
    if (taken.refused > 0) out.count("pose_refused", taken.refused);
    if (taken.clamped > 0) out.count("pose_clamped", taken.clamped);
  }

  private readonly submit = (sample: PoseSample): void => this.parts.late.plane.submit(this.submitting, sample);

  /** A NACK may name people who left or fell asleep while it was under way. */
  private poseNack(member: Member, slots: readonly number[]): void {
    const { late, roster } = this.parts;
    if (member.person.status === "asleep") return;
    const awake = slots.filter((slot) => roster.bySlot(slot)?.person.status === "awake");
    late.plane.needIntra(member.person.slot, awake);
  }

  private presence(member: Member, state: "awake" | "asleep", nowMs: number): void {
    if (member.person.status === state) return;
    const { out, grabs, late } = this.parts;
    const { plane } = late;
    const { slot } = member.person;
    member.person = { ...member.person, status: state };
    if (state === "asleep") {
      grabs.releaseAll(member, nowMs);
      // Others stop receiving the person, and the person others; waking starts with intra blocks.
      plane.remove(slot);
      this.parts.safety.gone(slot);
      this.parts.behaviour.gone(slot);
      member.poses.reset();
    } else {
      plane.add(slot);
      this.parts.safety.appeared(member);
      // What the client was told before its nap no longer holds.
      out.send(member.session, { type: "uplink", hz: plane.uplinkHz });
    }
    out.session({ kind: "person", person: member.person });
  }
}

function fieldsOf({ seq, echoTick, echoAgeMs, rig, body }: MessageOf<"poseUp">, into: PoseUpFields): PoseUpFields {
  into.seq = seq;
  into.echoTick = echoTick;
  into.echoAgeMs = echoAgeMs;
  for (let axis = 0; axis < 3; axis++) into.rig.positionMm[axis] = rig.positionMm[axis] as number;
  into.rig.yaw = rig.yaw;
  into.rig.inputSeq = rig.inputSeq;
  into.bytes = body;
  into.from = 0;
  into.end = body.length;
  return into;
}

/** The whole `pong` message: the room's time, and how early the uplink comes for the tick. */
export function encodePong(member: Member, clientTimeMs: number, nowMs: number): Uint8Array {
  const slackMs = Math.max(-I16_MAX, Math.min(I16_MAX, Math.round(member.poses.slackMs)));
  return encodeMessage({ type: "pong", clientTimeMs, serverTimeMs: nowMs, slackMs });
}
