/**
 * Who holds what, as shown: the room's leases, with my own claims on top of them before the room has judged.
 *
 * [HO1] A claim is shown in the frame it is made and sent at once. The room's verdict confirms it or rolls it back with a reason.
 * [HO2] Every `grab` promise resolves: with the verdict, or `offline` when the link ends first.
 * [HO3] A grant may be taken back while the contest is open (somebody touched first, their claim travelled longer): that is a `denied`.
 * [HO4] A claim that was granted waits for its lease to arrive, for GRANT_PATIENCE_MS: the session plane is another stream.
 * [HO5] After my release the lease that is still on its way out is not shown.
 * [HO6] What is thrown flies at once (flights.ts); a hold, mine or anybody's, takes it out of the air.
 * [HO7] `onDenied` of a grab is called at most once: when the claim is refused, taken back, or ends without my letting go.
 */
import { clampScale, deviceOf, HAND_FRAME_FLOATS, handFrame, heldTransform, launchOf, scaleRange, withinMm } from "@copresence/shared/motion";
import { DEVICE_FLOATS, DeviceState } from "@copresence/shared/pose";
import type { MessageOf } from "@copresence/shared/protocol";
import type { BodySpec, Bounds } from "@copresence/shared/scene";
import { ObjectDisplay } from "./display.ts";
import { Flights } from "./flights.ts";
import { judgeGrab, judgeRelease } from "./judge.ts";
import { fromWire, relativeRigid, toMm, toQuat16 } from "./rigid.ts";
import type { FlightInfo, LeaseInfo } from "./session-events.ts";
import type { DeniedNotice, GrabOptions, GrabResult, Hand, ReleaseOptions } from "./space-types.ts";

const GRANT_PATIENCE_MS = 2000;
const I16_MAX = 32_767;
const I32_MAX = 2_147_483_647;
/** `grabResult.holder` when nobody holds it. */
const NO_SLOT = 0xffff;
const U16_MAX = 0xffff;
/** A hand this near takes an object itself, else the pointer does. */
const NEAR_M = 0.6;

type Grasp = { readonly hand: Hand; readonly scale: number; readonly spanMm: number };
type Claim = Grasp & {
  readonly seq: number;
  readonly grip: Float64Array;
  readonly gripMm: readonly number[];
  readonly gripRotation: readonly number[];
  grantedAtMs: number | undefined;
};
type Leased = { readonly info: LeaseInfo; readonly grip: Float64Array };
type Denied = Extract<GrabResult, { granted: false }>;

export type HoldPorts = {
  readonly mySlot: () => number;
  /** Displayed pose (21 floats) of a slot, mine included. */
  readonly poseOf: (slot: number) => Float64Array | undefined;
  /** `DeviceState` of my devices. */
  readonly myStates: () => ArrayLike<number>;
  /** Room time now, or undefined while not in the room. */
  readonly roomNow: () => number | undefined;
  /** Room time at which a device of somebody is shown now, or undefined when they are not. */
  readonly shownMs: (slot: number, device: number) => number | undefined;
  readonly bodyOf: (object: string) => BodySpec | undefined;
  /** Undefined without the scene's definition. */
  readonly bounds: Bounds | undefined;
  readonly send: (message: MessageOf<"take"> | MessageOf<"letGo">) => void;
  readonly onHeld: (object: string) => void;
  readonly onDenied: (notice: DeniedNotice) => void;
};

export class Holds {
  private readonly ports: HoldPorts;
  private readonly leases = new Map<string, Leased>();
  private readonly claims = new Map<string, Claim>();
  private readonly released = new Set<string>();
  private readonly waiting = new Map<number, (result: GrabResult) => void>();
  private readonly shown = new Map<string, number>();
  private readonly displays = new Map<string, ObjectDisplay>();
  private readonly active = new Set<string>();
  private readonly denials = new Map<string, (denied: Denied) => void>();
  private readonly flights: Flights;
  /** The hold a flight began with, while it is in the air. */
  private readonly thrownFrom = new Map<string, Leased | undefined>();
  private readonly handAt = new Float64Array(HAND_FRAME_FLOATS);
  private readonly source = new Float64Array(8);
  private seq = 0;

  constructor(ports: HoldPorts) {
    this.ports = ports;
    this.flights = new Flights(ports);
  }

  /** The display of an object; made at rest where `stored` says when it is new. */
  display(object: string, stored: unknown): ObjectDisplay {
    let display = this.displays.get(object);
    if (display === undefined) {
      this.displays.set(object, (display = new ObjectDisplay()));
      display.setRest(stored);
      this.active.add(object);
    }
    return display;
  }

  /** The document changed where an object rests, or the object at all. */
  restChanged(object: string, stored: unknown): void {
    const display = this.displays.get(object);
    if (display === undefined) return;
    display.setRest(stored);
    this.active.add(object);
  }

  objectGone(object: string): void {
    this.displays.delete(object);
    this.active.delete(object);
    this.claims.delete(object);
    this.denials.delete(object);
    this.flights.drop(object);
    this.note(object);
  }

  /** The nearer of my hands that are seen, if one is near; else the pointer. */
  handFor(object: string, stored: unknown): Hand {
    const pose = this.ports.poseOf(this.ports.mySlot());
    const { transform } = this.display(object, stored);
    let best: Hand = "pointer";
    let bestM = NEAR_M;
    for (const hand of ["right", "left"] as const) {
      const device = deviceOf(hand);
      if (pose === undefined || this.ports.myStates()[device] === DeviceState.lost) continue;
      const at = device * DEVICE_FLOATS;
      const metres = Math.hypot(...[0, 1, 2].map((i) => (pose[at + i] as number) - (transform[i] as number)));
      if (metres < bestM) [best, bestM] = [hand, metres];
    }
    return best;
  }

  holder(object: string): number | undefined {
    if (this.claims.has(object)) return this.ports.mySlot();
    const slot = this.leases.get(object)?.info.slot;
    return slot === this.ports.mySlot() && this.released.has(object) ? undefined : slot;
  }

  grab(object: string, stored: unknown, hand: Hand, options: GrabOptions | undefined, nowMs: number): Promise<GrabResult> {
    judgeGrab(hand, options);
    const atMs = this.ports.roomNow();
    const pose = this.ports.poseOf(this.ports.mySlot());
    if (atMs === undefined || pose === undefined) {
      const denied: Denied = { granted: false, reason: "offline", holder: this.holder(object) };
      options?.onDenied?.(denied);
      return Promise.resolve(denied);
    }
    const display = this.display(object, stored);
    const mine = this.holder(object) === this.ports.mySlot();
    const offset = new Float64Array(DEVICE_FLOATS);
    handFrame(pose, hand, this.handAt);
    if (options?.grip === undefined) relativeRigid(this.handAt, 0, display.transform, 0, offset, 0);
    else offset.set([...options.grip.position, ...options.grip.rotation]);
    // What everybody will use is what the wire carries, so it is what I use.
    const gripMm = toMm(offset, 0, I16_MAX);
    const gripRotation = toQuat16(offset, 3);
    const grip = new Float64Array(DEVICE_FLOATS);
    fromWire(gripMm, gripRotation, grip);
    const wished = mine && options?.scale !== undefined ? clampScale(options.scale, this.rangeOf(object)) : (display.transform[7] as number);
    const scale = Math.fround(wished);
    const spanMm = hand === "both" ? Math.max(1, Math.min(U16_MAX, Math.round((this.handAt[7] as number) * 1000))) : 0;
    this.seq = (this.seq + 1) & 0xffff;
    const { seq } = this;
    this.released.delete(object);
    if (options?.onDenied !== undefined) this.denials.set(object, options.onDenied);
    else if (!mine) this.denials.delete(object);
    this.claims.set(object, { seq, hand, grip, gripMm, gripRotation, scale, spanMm, grantedAtMs: undefined });
    this.ports.send({ type: "take", seq, object, hand, atMs, gripMm, gripRotation, scale, spanMm });
    this.drawOne(object, nowMs);
    this.note(object);
    return new Promise((resolve) => this.waiting.set(seq, resolve));
  }

  release(object: string, options: ReleaseOptions | undefined, nowMs: number): void {
    if (options !== undefined) judgeRelease(options);
    if (this.holder(object) !== this.ports.mySlot()) return;
    const display = this.displays.get(object);
    if (display === undefined) return;
    // Taken before the last drawing: a hand that has not been measured since the last frame would look as if it had stopped.
    const velocity = options?.velocity ?? display.velocity.slice();
    const spin = options?.spin ?? display.spin.slice();
    this.drawOne(object, nowMs);
    this.claims.delete(object);
    this.denials.delete(object);
    this.released.add(object);
    this.active.add(object);
    this.seq = (this.seq + 1) & 0xffff;
    const { bounds, mySlot, roomNow, bodyOf } = this.ports;
    const positionMm = toMm(display.transform, 0, I32_MAX);
    const release = {
      positionMm: bounds === undefined ? positionMm : withinMm(positionMm, bounds),
      rotation: toQuat16(display.transform, 3),
      velocityMmS: toMm(velocity, 0, I16_MAX),
      spinMradS: toMm(spin, 0, I16_MAX),
      scale: Math.fround(display.transform[7] as number),
    };
    const atMs = roomNow() ?? 0;
    this.ports.send({ type: "letGo", seq: this.seq, object, atMs, ...release });
    const launch = bounds === undefined ? undefined : launchOf(release, bodyOf(object), bounds);
    if (launch === undefined) display.letGo(nowMs);
    else {
      this.flights.begin(object, mySlot(), atMs, launch, nowMs);
      this.drawOne(object, nowMs);
    }
    this.note(object);
  }

  onResult(message: MessageOf<"grabResult">, nowMs: number): void {
    const { seq, object, granted, reason, leaseMs } = message;
    const holder = message.holder === NO_SLOT ? undefined : message.holder;
    const resolve = this.waiting.get(seq);
    this.waiting.delete(seq);
    const claim = this.claims.get(object);
    const current = claim?.seq === seq ? claim : undefined;
    if (granted) {
      if (current !== undefined) this.granted(object, current, nowMs);
    } else {
      if (current !== undefined) this.claims.delete(object);
      this.flights.dropUnconfirmed(object);
      this.displays.get(object)?.rollBack();
      this.active.add(object);
      // An answer to an older grip says nothing about the one that is still asked for.
      if (current !== undefined || !this.claims.has(object)) this.denied(object, { granted: false, reason, holder });
      const sentence = this.ports.bodyOf(object)?.handover === true ? "Somebody took it over." : "Somebody touched it first.";
      if (resolve === undefined) this.ports.onDenied({ reason: "lost-race", object, field: "transform", sentence });
    }
    resolve?.(granted ? { granted, leaseMs } : { granted, reason, holder });
    this.note(object);
  }

  onLease(info: LeaseInfo): void {
    const grip = new Float64Array(DEVICE_FLOATS);
    fromWire(info.gripMm, info.gripRotation, grip);
    this.leases.set(info.object, { info, grip });
    const mine = info.slot === this.ports.mySlot();
    if (!mine) this.released.delete(info.object);
    const claim = this.claims.get(info.object);
    if (claim?.grantedAtMs !== undefined && (!mine || confirms(info, claim))) this.claims.delete(info.object);
    this.active.add(info.object);
    this.note(info.object);
  }

  onLeaseGone(object: string, nowMs: number): void {
    const lease = this.leases.get(object);
    if (lease === undefined) return;
    this.leases.delete(object);
    const wasReleased = this.released.delete(object);
    const shownHeld = !wasReleased && !this.claims.has(object);
    if (shownHeld && !this.flights.has(object)) this.displays.get(object)?.letGo(nowMs);
    // The room put down what I threw.
    if (wasReleased) this.flights.dropUnconfirmed(object);
    if (shownHeld && lease.info.slot === this.ports.mySlot()) this.denied(object, { granted: false, reason: "lease-expired", holder: undefined });
    this.active.add(object);
    this.note(object);
  }

  onFlight(info: FlightInfo, nowMs: number): void {
    const lease = this.leases.get(info.object)?.info;
    this.flights.onFlight(info, lease?.slot === info.slot ? deviceOf(lease.hand) : undefined, nowMs);
    this.thrownFrom.set(info.object, this.leases.get(info.object));
    this.active.add(info.object);
  }

  onFlightGone(object: string): void {
    if (this.leases.has(object) || this.claims.has(object)) this.flights.drop(object);
    else this.flights.onGone(object);
    this.active.add(object);
  }

  /** The release of an object was refused: it is not mine to put down. */
  onReleaseRefused(object: string): void {
    this.flights.dropUnconfirmed(object);
    this.displays.get(object)?.rollBack();
    this.active.add(object);
    this.note(object);
  }

  /** The link is gone, and with it every lease and every claim. */
  linkDown(nowMs: number): void {
    for (const resolve of this.waiting.values()) resolve({ granted: false, reason: "offline", holder: undefined });
    this.waiting.clear();
    const held = [...this.shown.keys()];
    for (const object of this.denials.keys()) this.denied(object, { granted: false, reason: "offline", holder: undefined });
    this.flights.linkDown();
    this.claims.clear();
    this.leases.clear();
    this.released.clear();
    for (const object of held) {
      this.displays.get(object)?.letGo(nowMs);
      this.active.add(object);
      this.note(object);
    }
  }

  /** Draws everything that moves. */
  frame(nowMs: number): void {
    for (const [object, claim] of this.claims) {
      if (claim.grantedAtMs === undefined || nowMs - claim.grantedAtMs < GRANT_PATIENCE_MS) continue;
      this.claims.delete(object);
      this.active.add(object);
      this.note(object);
    }
    for (const object of this.active) this.drawOne(object, nowMs);
  }

  private drawOne(object: string, nowMs: number): void {
    const display = this.displays.get(object);
    const flying = this.flights.frame(object, nowMs, display?.transform, this.source);
    const slot = this.holder(object);
    const held = slot === undefined ? this.thrown(object, flying) : (this.claims.get(object) ?? grasped(this.leases.get(object)));
    const by = slot ?? (flying === "hand" ? this.thrownFrom.get(object)?.info.slot : undefined);
    const pose = by === undefined ? undefined : this.ports.poseOf(by);
    let key = "";
    if (held !== undefined && pose !== undefined) {
      handFrame(pose, held.hand, this.handAt);
      heldTransform(this.handAt, held.grip, held, this.rangeOf(object), this.source);
      key = `hand ${by} ${held.hand} ${held.spanMm}`;
    } else if (flying === "air" && slot === undefined) key = this.flights.key(object);
    const moving = display?.frame(nowMs, key === "" ? undefined : this.source, key, key !== "" && slot !== undefined) ?? false;
    if (moving || flying !== undefined) this.active.add(object);
    else this.active.delete(object);
    if (flying === undefined) this.thrownFrom.delete(object);
  }

  /** What was thrown and is still shown in the hand that threw it. */
  private thrown(object: string, flying: string | undefined): (Grasp & { readonly grip: Float64Array }) | undefined {
    return flying === "hand" ? grasped(this.thrownFrom.get(object)) : undefined;
  }

  private rangeOf(object: string): ReturnType<typeof scaleRange> {
    return scaleRange(this.ports.bodyOf(object));
  }

  private denied(object: string, denied: Denied): void {
    const tell = this.denials.get(object);
    this.denials.delete(object);
    tell?.(denied);
  }

  private granted(object: string, claim: Claim, nowMs: number): void {
    const lease = this.leases.get(object)?.info;
    if (lease?.slot === this.ports.mySlot() && confirms(lease, claim)) this.claims.delete(object);
    else claim.grantedAtMs = nowMs;
  }

  /** Tells the application when who holds the object, as shown, has changed. */
  private note(object: string): void {
    const now = this.holder(object);
    if (now === this.shown.get(object)) return;
    if (now === undefined) this.shown.delete(object);
    else this.shown.set(object, now);
    this.ports.onHeld(object);
  }
}

/** Whether a lease of mine is the one this claim asked for, not that of an earlier grip. */
function confirms(lease: LeaseInfo, claim: Claim): boolean {
  return (
    lease.hand === claim.hand &&
    lease.spanMm === claim.spanMm &&
    sameNumbers(lease.gripMm, claim.gripMm) &&
    sameNumbers(lease.gripRotation, claim.gripRotation)
  );
}

const grasped = (leased: Leased | undefined): (Grasp & { readonly grip: Float64Array }) | undefined =>
  leased && { hand: leased.info.hand, scale: leased.info.scale, spanMm: leased.info.spanMm, grip: leased.grip };

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean => a.every((value, i) => value === b[i]);
