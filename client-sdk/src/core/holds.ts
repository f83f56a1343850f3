/**
 * Who holds what, as shown: the room's leases, with my own claims on top of them before the room has judged.
 *
 * [HO1] A claim is shown in the frame it is made and sent at once. The room's verdict confirms it or rolls it back with a reason.
 * [HO2] Every `grab` promise resolves: with the verdict, or `offline` when the link ends first.
 * [HO3] A grant may be taken back while the contest is open (somebody touched first, their claim travelled longer): that is a `denied`.
 * [HO4] A claim that was granted waits for its lease to arrive, for GRANT_PATIENCE_MS: the session plane is another stream.
 * [HO5] After my release the lease that is still on its way out is not shown.
 */
import { DEVICE_FLOATS } from "@copresence/shared/pose";
import type { MessageOf } from "@copresence/shared/protocol";
import { fromWire, relativeRigid, toMm, toQuat16 } from "./rigid.ts";
import type { LeaseInfo } from "./session-events.ts";
import type { DeniedNotice, GrabOptions, GrabResult, Hand, ReleaseOptions } from "./space-types.ts";
import { type HandHold, ObjectDisplay } from "./display.ts";

const GRANT_PATIENCE_MS = 2000;
const I16_MAX = 32_767;
const I32_MAX = 2_147_483_647;
/** `grabResult.holder` when nobody holds it. */
const NO_SLOT = 0xffff;

/** The device that carries an object: a pointer is carried in front of the head. */
const deviceOf = (hand: Hand): number => (hand === "left" ? 1 : hand === "right" ? 2 : 0);

type Claim = {
  readonly seq: number;
  readonly hand: Hand;
  readonly grip: Float64Array;
  readonly gripMm: readonly number[];
  readonly gripRotation: readonly number[];
  grantedAtMs: number | undefined;
};
type Leased = { readonly info: LeaseInfo; readonly grip: Float64Array };

export type HoldPorts = {
  readonly mySlot: () => number;
  /** Displayed pose (21 floats) of a slot, mine included. */
  readonly poseOf: (slot: number) => Float64Array | undefined;
  /** The room's current tick, or undefined while not in the room. */
  readonly tickNow: () => number | undefined;
  readonly send: (message: MessageOf<"grab"> | MessageOf<"release">) => void;
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
  private seq = 0;

  constructor(ports: HoldPorts) {
    this.ports = ports;
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
    this.note(object);
  }

  holder(object: string): number | undefined {
    if (this.claims.has(object)) return this.ports.mySlot();
    const slot = this.leases.get(object)?.info.slot;
    return slot === this.ports.mySlot() && this.released.has(object) ? undefined : slot;
  }

  grab(object: string, stored: unknown, hand: Hand, options: GrabOptions | undefined, nowMs: number): Promise<GrabResult> {
    const tick = this.ports.tickNow();
    const pose = this.ports.poseOf(this.ports.mySlot());
    if (tick === undefined || pose === undefined) return Promise.resolve({ granted: false, reason: "offline", holder: this.holder(object) });
    const display = this.display(object, stored);
    const offset = new Float64Array(DEVICE_FLOATS);
    if (options?.grip === undefined) relativeRigid(pose, deviceOf(hand) * DEVICE_FLOATS, display.transform, 0, offset, 0);
    else offset.set([...options.grip.position, ...options.grip.rotation]);
    // What everybody will use is what the wire carries, so it is what I use.
    const gripMm = toMm(offset, 0, I16_MAX);
    const gripRotation = toQuat16(offset, 3);
    const grip = new Float64Array(DEVICE_FLOATS);
    fromWire(gripMm, gripRotation, grip);
    this.seq = (this.seq + 1) & 0xffff;
    const { seq } = this;
    this.released.delete(object);
    this.claims.set(object, { seq, hand, grip, gripMm, gripRotation, grantedAtMs: undefined });
    this.ports.send({ type: "grab", seq, object, hand, atTick: tick, gripMm, gripRotation });
    this.drawOne(object, nowMs);
    this.note(object);
    return new Promise((resolve) => this.waiting.set(seq, resolve));
  }

  release(object: string, options: ReleaseOptions | undefined, nowMs: number): void {
    if (this.holder(object) !== this.ports.mySlot()) return;
    const display = this.displays.get(object);
    if (display === undefined) return;
    // Taken before the last drawing: a hand that has not been measured since the last frame would look as if it had stopped.
    const velocity = options?.velocity ?? display.velocity.slice();
    const spin = options?.spin ?? display.spin.slice();
    this.drawOne(object, nowMs);
    this.claims.delete(object);
    this.released.add(object);
    display.letGo(nowMs);
    this.active.add(object);
    this.seq = (this.seq + 1) & 0xffff;
    this.ports.send({
      type: "release",
      seq: this.seq,
      object,
      positionMm: toMm(display.transform, 0, I32_MAX),
      rotation: toQuat16(display.transform, 3),
      velocityMmS: toMm(velocity, 0, I16_MAX),
      spinMradS: toMm(spin, 0, I16_MAX),
    });
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
      this.displays.get(object)?.rollBack();
      this.active.add(object);
      if (resolve === undefined) this.ports.onDenied({ reason: "lost-race", object, field: "transform", sentence: "Somebody touched it first." });
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
    const shownHeld = !this.released.delete(object) && !this.claims.has(object);
    if (shownHeld) this.displays.get(object)?.letGo(nowMs);
    this.active.add(object);
    this.note(object);
  }

  /** The release of an object was refused: it is not mine to put down. */
  onReleaseRefused(object: string): void {
    this.released.delete(object);
    this.displays.get(object)?.rollBack();
    this.active.add(object);
    this.note(object);
  }

  /** The link is gone, and with it every lease and every claim. */
  linkDown(nowMs: number): void {
    for (const resolve of this.waiting.values()) resolve({ granted: false, reason: "offline", holder: undefined });
    this.waiting.clear();
    const held = [...this.shown.keys()];
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
    const claim = this.claims.get(object);
    const lease = this.leases.get(object);
    const slot = this.holder(object);
    const held = slot === undefined ? undefined : (claim ?? (lease && { hand: lease.info.hand, grip: lease.grip }));
    const pose = slot === undefined ? undefined : this.ports.poseOf(slot);
    const hold: HandHold | undefined =
      held === undefined || pose === undefined ? undefined : { pose, at: deviceOf(held.hand) * DEVICE_FLOATS, grip: held.grip };
    const moving = display?.frame(nowMs, hold, `hand ${slot} ${held?.hand}`) ?? false;
    if (moving) this.active.add(object);
    else this.active.delete(object);
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
  return lease.hand === claim.hand && sameNumbers(lease.gripMm, claim.gripMm) && sameNumbers(lease.gripRotation, claim.gripRotation);
}

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean => a.every((value, i) => value === b[i]);
