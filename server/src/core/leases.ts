/**
 * Who holds what. A lease lives while its holder's poses keep coming.
 *
 * [LE1] At most one lease per object; at most `LIMITS.leasesPerPerson` per slot (the caller asks `count`).
 * [LE2] A lease not renewed for `LIMITS.leaseMs` expires; time is the room's, so clock jumps of machines do not matter.
 * [LE3] Lists come sorted by object id.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { ObjectTransform } from "@copresence/shared/scene";
import type { Lease } from "./types.ts";

export type Held = {
  readonly lease: Lease;
  /** The claim's sequence number, to tell its author if it is taken back. */
  readonly claimSeq: number;
  /** When the holder touched the object, in rewound room time: earlier touches win while the contest is open. */
  readonly touchMs: number;
  readonly grantedMs: number;
  /** Where the object was at a room time before it was taken: an earlier touch is judged by it. */
  readonly placeBefore: (timeMs: number) => ObjectTransform;
  expiresMs: number;
};

const byObject = (a: Held, b: Held): number => (a.lease.object < b.lease.object ? -1 : 1);

export class LeaseTable {
  private readonly objects = new Map<string, Held>();
  /** Per slot, at most `leasesPerPerson` entries: renewing walks these on every pose. */
  private readonly slots: Held[][];

  constructor(capacity: number) {
    this.slots = Array.from({ length: capacity }, () => []);
  }

  get(object: string): Held | undefined {
    return this.objects.get(object);
  }

  count(slot: number): number {
    return this.slots[slot]?.length ?? 0;
  }

  /** What a slot holds, sorted; a fresh array. */
  heldBy(slot: number): Held[] {
    return (this.slots[slot] ?? []).toSorted(byObject);
  }

  /** Replaces whatever lease the object had. */
  grant(grant: Omit<Held, "expiresMs"> & { readonly nowMs: number }): void {
    const { nowMs, ...rest } = grant;
    const { lease } = rest;
    this.drop(lease.object);
    const held: Held = { ...rest, expiresMs: nowMs + LIMITS.leaseMs };
    this.objects.set(lease.object, held);
    this.slots[lease.slot]?.push(held);
  }

  /** The holder is still there. */
  renew(slot: number, nowMs: number): void {
    const held = this.slots[slot];
    if (held === undefined) return;
    for (let i = 0; i < held.length; i++) (held[i] as Held).expiresMs = nowMs + LIMITS.leaseMs;
  }

  drop(object: string): Held | undefined {
    const held = this.objects.get(object);
    if (held === undefined) return undefined;
    this.objects.delete(object);
    const mine = this.slots[held.lease.slot];
    mine?.splice(mine.indexOf(held), 1);
    return held;
  }

  /** Leases that ran out, sorted. Cheap when there are none. */
  expired(nowMs: number): Held[] {
    let out: Held[] | undefined;
    for (const held of this.objects.values()) if (held.expiresMs <= nowMs) (out ??= []).push(held);
    return out?.sort(byObject) ?? [];
  }

  /** Every lease, sorted. */
  all(): Held[] {
    return [...this.objects.values()].sort(byObject);
  }
}
