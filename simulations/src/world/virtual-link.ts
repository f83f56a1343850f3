/**
 * A seeded link between a client and the room: delay, jitter, loss, partition.
 *
 * [VL1] A stream keeps order and loses nothing: a lost packet stalls it and everything behind it by 1.25 RTT + 20 ms, as TCP does.
 * [VL2] Datagrams are lost, duplicated and reordered.
 * [VL3] While partitioned a stream holds everything back; if the partition outlasts `deadAfterMs` the link breaks (code 1006) at both ends.
 * [VL4] Every figure comes from the link's own random stream, so adding a person does not change the others' luck.
 */
import type { Random } from "../random.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type LinkProfile = {
  /** One way. */
  readonly delayMs: number;
  /** Standard deviation of the gamma-distributed extra delay, one way. */
  readonly jitterMs: number;
  /** 0..1 */
  readonly loss: number;
  /** Datagrams only, 0..1. */
  readonly duplicate: number;
};

/** ../shared/data/network/README.md names these; figures are one way. */
export const PROFILES = {
  loopback: { delayMs: 0.2, jitterMs: 0, loss: 0, duplicate: 0 },
  fibre: { delayMs: 10, jitterMs: 2, loss: 0, duplicate: 0 },
  wifi: { delayMs: 20, jitterMs: 6, loss: 0.002, duplicate: 0.001 },
  "4g": { delayMs: 40, jitterMs: 15, loss: 0.01, duplicate: 0.002 },
  bad: { delayMs: 60, jitterMs: 25, loss: 0.02, duplicate: 0.005 },
} as const satisfies Record<string, LinkProfile>;

/** Gamma with the given standard deviation and shape 2 (sum of two exponentials): a floor, a body, a tail. */
function gammaJitter(random: Random, deviationMs: number): number {
  const scale = deviationMs / Math.SQRT2;
  return -scale * (Math.log(1 - random.next()) + Math.log(1 - random.next()));
}

/** One direction of a TCP-like connection. */
export class VirtualStream<T> {
  private lastArrivalMs = 0;
  private heldUntilMs = 0;
  private queuedBytes = 0;
  private open = true;
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly profile: LinkProfile;
  private readonly deliver: (item: T) => void;

  constructor(time: VirtualTime, random: Random, profile: LinkProfile, deliver: (item: T) => void) {
    this.time = time;
    this.random = random;
    this.profile = profile;
    this.deliver = deliver;
  }

  /** Bytes sent and not yet arrived: what a sender sees as buffered once the window is full. */
  get inFlightBytes(): number {
    return this.queuedBytes;
  }

  send(item: T, bytes: number): void {
    if (!this.open) return;
    const { delayMs, jitterMs, loss } = this.profile;
    const start = Math.max(this.time.nowMs, this.heldUntilMs);
    let arrival = start + delayMs + gammaJitter(this.random, jitterMs);
    if (this.random.next() < loss) arrival += 2.5 * delayMs + 20;
    arrival = Math.max(arrival, this.lastArrivalMs);
    this.lastArrivalMs = arrival;
    this.queuedBytes += bytes;
    this.time.at(arrival, () => {
      this.queuedBytes -= bytes;
      if (this.open) this.deliver(item);
    });
  }

  /** Nothing sent from now on leaves before `untilMs`. What is on the way arrives. */
  hold(untilMs: number): void {
    this.heldUntilMs = Math.max(this.heldUntilMs, untilMs);
  }

  /** Everything in flight is lost. */
  close(): void {
    this.open = false;
  }
}

/** One direction of a datagram flow: independent packets. */
export class VirtualDatagrams<T> {
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly profile: LinkProfile;
  private readonly deliver: (item: T) => void;

  constructor(time: VirtualTime, random: Random, profile: LinkProfile, deliver: (item: T) => void) {
    this.time = time;
    this.random = random;
    this.profile = profile;
    this.deliver = deliver;
  }

  send(item: T): void {
    const { delayMs, jitterMs, loss, duplicate } = this.profile;
    const copies = this.random.next() < loss ? 0 : this.random.next() < duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) this.time.after(delayMs + gammaJitter(this.random, jitterMs), () => this.deliver(item));
  }
}
