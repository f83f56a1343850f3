/**
 * Whether a claim on an object stands. Decides only; `GrabDesk` carries it out.
 *
 * [GJ1] A touch is rewound to the claimed tick, at most `LIMITS.rewindMs` and at most as long as this person's own poses were
 *       under way: who wants to claim the past must live in it.
 * [GJ2] An earlier touch takes the object from its holder while the contest is open (`LIMITS.rewindMs` after the grant); after that
 *       the holder keeps it. Touches of the same time go to the lower slot, so the order of arrival decides nothing.
 * [GJ3] A hand reaches `REACH_M` (times the object's scale, if larger than 1), where it was at the touch; a pointer reaches everywhere. What flies is
 *       reached for anywhere it was in the last `LIMITS.rewindMs` before the touch: it is shown a little behind. What somebody holds, where it is.
 * [GJ4] One person holds an object, with one hand or both. A second person is refused until it is let go, unless the scene lets this type
 *       go from hand to hand (`handover`): then they take it over.
 */
import { deviceOf } from "@copresence/shared/motion";
import { POSE_FLOATS } from "@copresence/shared/pose";
import { type DeniedReason, LIMITS } from "@copresence/shared/protocol";
import { IDENTITY_TRANSFORM, type ObjectTransform, type PlainObject, type Scene } from "@copresence/shared/scene";
import type { Take } from "./grab-messages.ts";
import { devicePosition, distanceM, metres, quatFromWire } from "./hold-geometry.ts";
import type { Held, LeaseTable } from "./leases.ts";
import type { Member } from "./member.ts";

/** Where somebody's devices were at a room time; false when that is not known. */
export type PoseHistory = { poseAt(slot: number, timeMs: number, out: Float64Array): boolean };
export type GrabObjects = {
  readonly readOnly: boolean;
  object(id: string): PlainObject | undefined;
  /** Permission rules; without them the role decides. */
  may?(person: { readonly user: string; readonly role: string }, right: "grab", object: string): boolean;
};

/** Where an object is, or was at a room time if it flies. */
export type PlaceOf = (object: PlainObject, timeMs: number) => ObjectTransform;

/** From the hand to the object's origin: an arm's error and half of a bulky object. */
export const REACH_M = 1.5;
/** At the fastest throw, a third of the reach. */
const REWIND_STEP_MS = 25;
/** What jitter may add to a claim's way over that of the poses before it. */
const CLAIM_SLACK_MS = 50;
/** `grabResult.holder` when nobody holds it. */
export const NO_SLOT = 0xffff;

export type Claim = {
  readonly member: Member;
  readonly message: Take;
  /** Room time of the touch, rewound [GJ1]. */
  readonly touchMs: number;
};
export type Refusal = { readonly reason: DeniedReason; readonly holder: number };

const no = (reason: DeniedReason, holder: number = NO_SLOT): Refusal => ({ reason, holder });

/** The order in which claims are judged [GJ2]. */
export const byTouch = (a: Claim, b: Claim): number => a.touchMs - b.touchMs || a.member.person.slot - b.member.person.slot;

/** When the touch was, as far as it may be believed [GJ1]. */
export function touchTimeMs(member: Member, atMs: number, receivedMs: number): number {
  const rewindMs = Math.min(LIMITS.rewindMs, Math.max(0, member.poses.uplinkDelayMs()) + CLAIM_SLACK_MS);
  return Math.min(receivedMs, Math.max(receivedMs - rewindMs, atMs));
}

/** The resting place of an object of a type with `t.leased()`; the document checked its shape on the way in. */
export function restOf(object: PlainObject): ObjectTransform {
  return (object.fields["transform"] as ObjectTransform | undefined) ?? IDENTITY_TRANSFORM;
}

export class GrabJudge {
  private readonly scene: Scene;
  private readonly objects: GrabObjects;
  private readonly history: PoseHistory;
  private readonly leases: LeaseTable;
  private readonly placeOf: PlaceOf;
  private readonly past = new Float64Array(POSE_FLOATS);

  constructor(options: {
    readonly scene: Scene;
    readonly objects: GrabObjects;
    readonly history: PoseHistory;
    readonly leases: LeaseTable;
    readonly placeOf: PlaceOf;
  }) {
    this.scene = options.scene;
    this.objects = options.objects;
    this.history = options.history;
    this.leases = options.leases;
    this.placeOf = options.placeOf;
  }

  /** Why the claim does not stand, or undefined if it does. */
  refusal(claim: Claim, nowMs: number): Refusal | undefined {
    const { member, message } = claim;
    const { slot } = member.person;
    if (member.person.status === "asleep") return no("not-allowed");
    if (this.objects.may === undefined && !member.role.grab) return no("not-allowed");
    if (quatFromWire(message.gripRotation) === undefined) return no("malformed");
    const object = this.objects.object(message.object);
    if (object === undefined) return no("unknown-object");
    if (this.objects.may?.(member.person, "grab", object.id) === false) return no("not-allowed");
    const spec = this.scene.objects[object.type]?.["transform"];
    if (spec?.policy !== "leased") return no("not-allowed");
    if (this.objects.readOnly) return no("read-only");
    if (this.objects.may?.(member.person, "grab", message.object) === false) return no("not-allowed");
    const held = this.leases.get(message.object);
    // What somebody holds already is in their hand, wherever it rested before: it may change hands freely.
    if (held?.lease.slot === slot) return undefined;
    if (held !== undefined && !isContested(held, claim, nowMs) && spec.body?.handover !== true) return no("held-by-other", held.lease.slot);
    if (this.leases.count(slot) >= LIMITS.leasesPerPerson) return no("too-many-held");
    for (let backMs = 0; backMs <= LIMITS.rewindMs; backMs += REWIND_STEP_MS) {
      if (this.reaches(claim, this.placeOf(object, claim.touchMs - backMs))) return undefined;
    }
    return no("too-far");
  }

  /** A hold with both hands needs both within reach. */
  private reaches(claim: Claim, at: ObjectTransform): boolean {
    const { hand, gripMm } = claim.message;
    if (hand === "pointer") return true;
    const { poses, person } = claim.member;
    const reachM = REACH_M * Math.max(1, at.scale);
    if (!poses.seen || distanceM(metres(gripMm), [0, 0, 0]) > reachM) return false;
    const pose = this.history.poseAt(person.slot, claim.touchMs, this.past) ? this.past : poses.pose;
    const hands = hand === "both" ? [1, 2] : [deviceOf(hand)];
    return hands.every((device) => distanceM(devicePosition(pose, device), at.position) <= reachM);
  }
}

/** [GJ2]: touched before the holder touched it, while the holder's grant is young enough for such a claim to be under way. */
function isContested(held: Held, { touchMs, member }: Claim, nowMs: number): boolean {
  const first = touchMs < held.touchMs || (touchMs === held.touchMs && member.person.slot < held.lease.slot);
  return first && nowMs - held.grantedMs <= LIMITS.rewindMs;
}
