/**
 * Claims on objects and holds until they end (POSE.md, Prediction and reconciliation).
 *
 * [GD1] Claims wait for the tick: by then the poses that travelled with them are in, and claims of one tick are judged in the order
 *       of the touch, not of the arrival.
 * [GD2] Every claim is answered once; a holder whose object goes to an earlier touch is told by a second answer to its claim.
 *       Everybody is told of the end of one hold before the beginning of the next.
 * [GD3] Every hold ends in one write of where the object is: at release where the holder let go, or where their throw will land
 *       (flight-desk.ts), else where it was last seen.
 * [GD4] The scale of an object is what it was before the hold, changed only by its holder and within the scene's range.
 */
import type { SessionId, Slot, Tick } from "@copresence/shared/base";
import { clampScale, launchOf, type ScaleRange, scaleRange } from "@copresence/shared/motion";
import { type DeniedReason, LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { type BodySpec, IDENTITY_TRANSFORM, type ObjectTransform, type PlainObject, type Scene } from "@copresence/shared/scene";
import type { EffectSink } from "./effect-sink.ts";
import { FlightDesk } from "./flight-desk.ts";
import { byTouch, type Claim, GrabJudge, type GrabObjects, NO_SLOT, type PoseHistory, restOf, touchTimeMs } from "./grab-judge.ts";
import { asLetGo, asTake, type LetGo, type Take } from "./grab-messages.ts";
import { clampToBounds, heldAt, metres, quatFromWire } from "./hold-geometry.ts";
import { type Held, LeaseTable } from "./leases.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";
import { SettleDesk, type TransformWriter } from "./settle-desk.ts";
import type { CoreEffect, Lease } from "./types.ts";

export type GrabDocument = TransformWriter & GrabObjects;

/** Claims one person may have waiting for a tick. */
const MAX_CLAIMS = 8;
/** Holds taken from people that are remembered, to say why a later release is refused: the oldest is forgotten first. */
const MAX_LOST = 256;

type Lost = { readonly session: SessionId; readonly object: string; readonly reason: DeniedReason };

export class GrabDesk {
  readonly leases: LeaseTable;
  readonly flights: FlightDesk;
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly scene: Scene;
  private readonly document: GrabDocument;
  private readonly tickMs: number;
  private readonly judge: GrabJudge;
  private readonly settleDesk: SettleDesk;
  private readonly claims: Claim[] = [];
  private lost: Lost[] = [];

  constructor(options: {
    readonly out: EffectSink;
    readonly roster: Roster;
    readonly scene: Scene;
    readonly document: GrabDocument;
    readonly history: PoseHistory;
    readonly capacity: number;
    readonly tickRateHz: number;
    readonly absorb: (effects: readonly CoreEffect[]) => void;
  }) {
    const { scene, document, history } = options;
    this.out = options.out;
    this.roster = options.roster;
    this.scene = scene;
    this.document = document;
    this.tickMs = 1000 / options.tickRateHz;
    this.leases = new LeaseTable(options.capacity);
    const placeOf = (object: PlainObject, timeMs: number): ObjectTransform => this.placeOf(object, timeMs);
    this.judge = new GrabJudge({ scene, objects: document, history, leases: this.leases, placeOf });
    const showGone = (object: string): void => this.out.session({ kind: "leaseGone", object });
    this.settleDesk = new SettleDesk({ document, absorb: options.absorb, showGone });
    this.flights = new FlightDesk({ out: options.out, unwritten: (object) => this.settleDesk.waits(object) });
  }

  /** Takes a claim in; it is answered at the next tick [GD1]. */
  claim(member: Member, wire: MessageOf<"grab"> | Take, receivedMs: number): void {
    const message = asTake(wire, this.tickMs);
    if (this.claims.filter((claim) => claim.member === member).length >= MAX_CLAIMS) {
      this.refuse(member, message, "too-many", NO_SLOT);
      return;
    }
    this.claims.push({ member, message, touchMs: touchTimeMs(member, message.atMs, receivedMs) });
  }

  /** Judges the claims that have come in. */
  judgeClaims(tick: number, nowMs: number): void {
    if (this.claims.length === 0) return;
    const claims = this.claims.splice(0).sort(byTouch);
    for (const claim of claims) {
      if (this.roster.bySession(claim.member.session) !== claim.member) continue;
      const refusal = this.judge.refusal(claim, nowMs);
      if (refusal === undefined) this.grant(claim, tick, nowMs);
      else this.refuse(claim.member, claim.message, refusal.reason, refusal.holder);
    }
  }

  private grant(claim: Claim, tick: number, nowMs: number): void {
    const { member, message } = claim;
    const { slot } = member.person;
    const { object, hand, gripMm, gripRotation, spanMm } = message;
    const before = this.leases.get(object);
    const mine = before?.lease.slot === slot ? before : undefined;
    const placeBefore = before?.placeBefore ?? this.placesOf(object);
    const scale = mine === undefined ? this.scaleBefore(before, placeBefore, claim.touchMs) : this.rescaled(object, message.scale, mine.lease.scale);
    if (before !== undefined && mine === undefined) this.takeBack(before, slot);
    const lease: Lease = { object, slot, hand, gripMm, gripRotation, scale, spanMm, sinceTick: tick as Tick };
    // Passing it from one hand to the other is no new touch: the contest stays where it was.
    const { touchMs, grantedMs } = mine ?? { touchMs: claim.touchMs, grantedMs: nowMs };
    // The last hold's end may still wait to be shown: it ends before the next begins.
    if (this.settleDesk.cancel(object)) this.out.session({ kind: "leaseGone", object });
    this.leases.grant({ lease, claimSeq: message.seq, touchMs, grantedMs, placeBefore, nowMs });
    this.forgetLost(member.session, object);
    this.out.session({ kind: "lease", lease });
    this.flights.end(object);
    // `reason` has no value for "granted"; the field is read only when it was not.
    this.answer(member.session, { seq: message.seq, object, granted: true, reason: "held-by-other", holder: slot });
    this.out.count("grab_granted");
  }

  /** Somebody touched it first. */
  private takeBack(held: Held, winner: Slot): void {
    const loser = this.roster.bySlot(held.lease.slot);
    const { object } = held.lease;
    this.leases.drop(object);
    this.out.session({ kind: "leaseGone", object });
    if (loser === undefined) return;
    this.answer(loser.session, { seq: held.claimSeq, object, granted: false, reason: "held-by-other", holder: winner });
    this.remember({ session: loser.session, object, reason: "lost-race" });
    this.out.count("grab_denied");
  }

  private refuse(member: Member, message: Take, reason: DeniedReason, holder: number): void {
    this.answer(member.session, { seq: message.seq, object: message.object, granted: false, reason, holder });
    this.out.count("grab_denied");
  }

  private answer(session: SessionId, verdict: Omit<MessageOf<"grabResult">, "type" | "leaseMs">): void {
    this.out.send(session, { type: "grabResult", ...verdict, leaseMs: verdict.granted ? LIMITS.leaseMs : 0 });
  }

  /** The holder lets go, or throws: one durable write of where it rests. */
  release(member: Member, wire: MessageOf<"release"> | LetGo, tick: number, nowMs: number): void {
    const { object, seq } = wire;
    // A tap: the claim may still be waiting for the tick that this release came before.
    if (this.claims.some((claim) => claim.member === member && claim.message.object === object)) this.judgeClaims(tick, nowMs);
    const held = this.leases.get(object);
    if (held?.lease.slot !== member.person.slot) {
      const reason = this.lost.find((item) => item.session === member.session && item.object === object)?.reason ?? "not-holder";
      this.out.deny(member.session, seq, { reason, object, field: "transform", sentence: "You do not hold this object any more." });
      return;
    }
    const message = asLetGo(wire, held.touchMs, nowMs);
    const rotation = quatFromWire(message.rotation);
    if (rotation === undefined) return this.end(held, this.lastSeen(held), nowMs, false);
    const scale = this.rescaled(object, message.scale, held.lease.scale);
    const launch = launchOf({ ...message, scale }, this.bodyOf(object), this.scene.bounds);
    if (launch === undefined) this.end(held, this.clamped({ position: metres(message.positionMm), rotation, scale }), nowMs, false);
    else this.end(held, this.flights.launch(object, member.person.slot, message.atMs, launch), nowMs, true);
  }

  /** Everything a person holds comes to rest where it was last seen: on leave and sleep. */
  releaseAll(member: Member, nowMs: number): void {
    for (const held of this.leases.heldBy(member.person.slot)) {
      this.remember({ session: member.session, object: held.lease.object, reason: "lease-expired" });
      this.end(held, this.lastSeen(held), nowMs, true);
    }
  }

  /** Permissions changed: who may no longer hold something lets go of it where it was last seen. */
  recheck(nowMs: number): void {
    for (const held of this.leases.all()) {
      const holder = this.roster.bySlot(held.lease.slot);
      if (holder === undefined || this.document.may?.(holder.person, "grab", held.lease.object) !== false) continue;
      this.remember({ session: holder.session, object: held.lease.object, reason: "not-allowed" });
      this.end(held, this.lastSeen(held), nowMs, true);
    }
  }

  /** Once per tick: leases that nobody renewed, and ends of holds that have waited long enough to be shown. */
  flush(nowMs: number): void {
    for (const held of this.leases.expired(nowMs)) {
      const holder = this.roster.bySlot(held.lease.slot);
      if (holder !== undefined) this.remember({ session: holder.session, object: held.lease.object, reason: "lease-expired" });
      this.end(held, this.lastSeen(held), nowMs, true);
      this.out.count("lease_expired");
    }
    this.settleDesk.flush(nowMs);
    this.flights.flush(nowMs);
  }

  /** The object was deleted: nobody holds it. */
  objectGone(object: string): void {
    const wasShown = this.settleDesk.cancel(object);
    this.flights.end(object);
    if (this.leases.drop(object) !== undefined || wasShown) this.out.session({ kind: "leaseGone", object });
  }

  appended(batch: number): void {
    this.settleDesk.appended(batch);
  }
  recovered(): void {
    this.settleDesk.recovered();
  }
  /** A session ended: what was remembered for it goes. Its holds were released before. */
  forget(session: SessionId): void {
    this.lost = this.lost.filter((item) => item.session !== session);
  }

  /** `showNow`: the holder is no longer there to be followed, so the end is not held back until the write is durable. */
  private end(held: Held, at: ObjectTransform | undefined, nowMs: number, showNow: boolean): void {
    const user = this.roster.bySlot(held.lease.slot)?.person.user ?? "";
    this.leases.drop(held.lease.object);
    this.settleDesk.settle(held.lease.object, at, { user, nowMs, showNow });
  }

  /** Where a held object was when its holder's last pose came, or undefined when none ever did. */
  private lastSeen(held: Held): ObjectTransform | undefined {
    const poses = this.roster.bySlot(held.lease.slot)?.poses;
    if (poses === undefined || !poses.seen) return undefined;
    return this.clamped(heldAt(poses.pose, held.lease, this.rangeOf(held.lease.object)));
  }

  private readonly clamped = (at: ObjectTransform): ObjectTransform => clampToBounds(at, this.scene.bounds);

  /** Where an object was at a room time: in the air, in a hand, or at rest. */
  private placeOf(object: PlainObject, timeMs: number): ObjectTransform {
    const held = this.leases.get(object.id);
    if (held === undefined) return this.flights.at(object.id, timeMs) ?? restOf(object);
    return timeMs < held.touchMs ? held.placeBefore(timeMs) : (this.lastSeen(held) ?? restOf(object));
  }

  /** Where an object that nobody holds was, now and from now on: the flight ends with the hold that asks. */
  private placesOf(object: string): (timeMs: number) => ObjectTransform {
    const plain = this.document.object(object);
    const rest = plain === undefined ? IDENTITY_TRANSFORM : restOf(plain);
    return this.flights.pathOf(object) ?? (() => rest);
  }

  /** [GD4] `asked` 0: no wish. What only travelled as f32 and back is no wish either, and is not rewritten by the rounding. */
  private rescaled(object: string, asked: number, current: number): number {
    return asked <= 0 || Math.fround(current) === asked ? current : clampScale(asked, this.rangeOf(object));
  }

  /** The scale an object has for somebody who takes it from where it was. */
  private scaleBefore(before: Held | undefined, placeBefore: (timeMs: number) => ObjectTransform, touchMs: number): number {
    const inHand = before !== undefined && touchMs >= before.touchMs ? this.lastSeen(before) : undefined;
    return (inHand ?? placeBefore(touchMs)).scale;
  }

  private bodyOf(object: string): BodySpec | undefined {
    const type = this.document.object(object)?.type;
    return type === undefined ? undefined : this.scene.objects[type]?.["transform"]?.body;
  }

  private rangeOf(object: string): ScaleRange {
    return scaleRange(this.bodyOf(object));
  }

  private remember(item: Lost): void {
    this.forgetLost(item.session, item.object);
    this.lost.push(item);
    if (this.lost.length > MAX_LOST) this.lost.shift();
  }

  private forgetLost(session: SessionId, object: string): void {
    if (this.lost.length > 0) this.lost = this.lost.filter((item) => item.session !== session || item.object !== object);
  }
}
