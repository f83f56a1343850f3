/**
 * What the core's tests share: a small scene, people, a document without Yjs, and readers of effects. Imported by tests only.
 */
import { ok, type Result, type SessionId, type UserId } from "@copresence/shared/base";
import { encodeUplinkBody, newPoseSample, type PoseSample } from "@copresence/shared/pose";
import { decodeDown, type DownMessage, ENVELOPE_BYTES, type MessageName, type MessageOf } from "@copresence/shared/protocol";
import { defaultRoles, defineScene, IDENTITY_TRANSFORM, type ObjectTransform, type PlainObject, t } from "@copresence/shared/scene";
import type { GrabDocument } from "./grab-desk.ts";
import { type Member, roleOf } from "./member.ts";
import { PoseDesk } from "./pose-desk.ts";
import { SessionLimits } from "./rate-limits.ts";
import { RigDesk } from "./rig-desk.ts";
import type { Roster } from "./roster.ts";
import { rigBoundsMm, spawnRig } from "./spawn.ts";
import type { AppendRecord, CoreEffect, Identity } from "./types.ts";

export const scene = defineScene({
  name: "kit",
  version: 1,
  bounds: { min: [-10, 0, -10], max: [10, 5, 10] },
  roles: { ...defaultRoles, mute: { create: false, edit: false, grab: false, chat: false, moderate: false } },
  objects: {
    cup: { transform: t.leased(), label: t.text(), full: t.lww(t.boolean()) },
    ball: { transform: t.leased({ radiusM: 0.1, handover: true, scale: [0.5, 2] }) },
    sign: { label: t.text() },
  },
});

export const sessionId = (name: string): SessionId => name as SessionId;
export const identity = (user: string, role = "member"): Identity => ({ user: user as UserId, name: user.toUpperCase(), role });

/** A person in the roster, as the door would make one, without its effects. */
export function addMember(roster: Roster, user: string, role = "member"): Member {
  const session = sessionId(`s-${user}`);
  const slot = roster.freeSlot(0);
  if (slot === undefined) throw new Error("the kit's room is full");
  const bounds = rigBoundsMm(scene.bounds);
  const member: Member = {
    session,
    person: { slot, session, user: user as UserId, name: user, role, color: 0, status: "awake" },
    role: roleOf(scene.roles, role),
    colorIndex: 0,
    limits: new SessionLimits(0),
    rig: new RigDesk(spawnRig(slot, scene.bounds), bounds),
    poses: new PoseDesk(bounds),
    strikes: 0,
  };
  roster.add(member);
  return member;
}

/** Head at `head`, both hands at `hand` (default: half a metre before the chest), no rotation. */
export function poseAt(
  timeMs: number,
  head: readonly number[],
  hand: readonly number[] = [head[0] ?? 0, (head[1] ?? 0) - 0.4, (head[2] ?? 0) - 0.5],
): PoseSample {
  const sample = newPoseSample();
  sample.timeMs = timeMs;
  sample.pose.set(head, 0);
  sample.pose.set(hand, 7);
  sample.pose.set(hand, 14);
  return sample;
}

/** An uplink message as the SDK would send it. */
export function poseUp(
  samples: readonly PoseSample[],
  rig: { readonly xMm: number; readonly yMm: number; readonly zMm: number; readonly yaw: number },
  inputSeq = 0,
): MessageOf<"poseUp"> {
  const body = encodeUplinkBody(samples);
  return { type: "poseUp", seq: 1, echoTick: 0, echoAgeMs: 0, rig: { positionMm: [rig.xMm, rig.yMm, rig.zMm], yaw: rig.yaw, inputSeq }, body };
}

export const grabMessage = (over: Partial<MessageOf<"grab">> = {}): MessageOf<"grab"> => ({
  type: "grab",
  seq: 1,
  object: "cup-1",
  hand: "right",
  atTick: 0,
  gripMm: [0, 0, 0],
  gripRotation: [0, 0, 0, 32_767],
  ...over,
});
export const takeMessage = (over: Partial<MessageOf<"take">> = {}): MessageOf<"take"> => ({
  type: "take",
  seq: 1,
  object: "cup-1",
  hand: "right",
  atMs: 0,
  gripMm: [0, 0, 0],
  gripRotation: [0, 0, 0, 32_767],
  scale: 0,
  spanMm: 0,
  ...over,
});
export const letGoMessage = (over: Partial<MessageOf<"letGo">> = {}): MessageOf<"letGo"> => ({
  ...releaseMessage(),
  type: "letGo",
  atMs: 0,
  scale: 0,
  ...over,
});
export const releaseMessage = (over: Partial<MessageOf<"release">> = {}): MessageOf<"release"> => ({
  type: "release",
  seq: 2,
  object: "cup-1",
  positionMm: [0, 1000, 0],
  rotation: [0, 0, 0, 32_767],
  velocityMmS: [0, 0, 0],
  spinMradS: [0, 0, 0],
  ...over,
});

/** The scene document's face to the grab desk, in memory. Writes are visible at once; each is one append batch. */
export class FakeDocument implements GrabDocument {
  readOnly = false;
  readonly writes: { readonly object: string; readonly transform: ObjectTransform; readonly user: string }[] = [];
  private readonly items = new Map<string, PlainObject>();
  queuedBatch = 0;
  readonly pendingBatches = 1;

  put(id: string, type = "cup", transform: Partial<ObjectTransform> = {}): void {
    this.items.set(id, { id, type, fields: type !== "sign" ? { transform: { ...IDENTITY_TRANSFORM, ...transform } } : {} });
  }
  object(id: string): PlainObject | undefined {
    return this.items.get(id);
  }
  writeTransform(object: string, transform: ObjectTransform, user: string): readonly CoreEffect[] {
    this.writes.push({ object, transform, user });
    this.put(object, this.items.get(object)?.type, transform);
    const record: AppendRecord = { user, client: 1, clock: this.queuedBatch, update: new Uint8Array() };
    return [{ kind: "append", batch: ++this.queuedBatch, records: [record] }];
  }
}

const decoded = (bytes: Uint8Array): DownMessage => {
  const result: Result<DownMessage, unknown> = decodeDown(bytes[1] ?? 0, bytes.subarray(ENVELOPE_BYTES));
  if (!result.ok) throw new Error(`the core sent what no client can read: ${JSON.stringify(result.error)}`);
  return ok(result.value).value;
};

/** Decoded messages of one name sent to a session, in order. Fails on bytes that a client would refuse. */
export function sent<N extends MessageName>(effects: readonly CoreEffect[], session: SessionId, name: N): MessageOf<N>[] {
  const messages = effects.flatMap((effect) => (effect.kind === "send" && effect.session === session ? [decoded(effect.bytes)] : []));
  return messages.filter((message) => message.type === name) as unknown as MessageOf<N>[];
}

/** Effects of one kind, in order. */
export function only<K extends CoreEffect["kind"]>(effects: readonly CoreEffect[], kind: K): Extract<CoreEffect, { kind: K }>[] {
  return effects.filter((effect) => effect.kind === kind) as Extract<CoreEffect, { kind: K }>[];
}
export const deltas = (effects: readonly CoreEffect[]): string[] => only(effects, "session").map(({ delta }) => delta.kind);
export const counted = (effects: readonly CoreEffect[], metric: string): number =>
  only(effects, "count").reduce((sum, effect) => sum + (effect.metric === metric ? effect.by : 0), 0);
