/**
 * One direction of a link: when does what is sent now arrive?
 *
 * [LN1] Sends come in order of time. A lane draws from its own random stream only, so adding traffic to one does not change the others' luck.
 * [LN2] A stream keeps order and loses nothing: a lost packet arrives a stall later and holds back all behind it, as TCP does.
 * [LN3] A datagram is lost, or arrives on its own, out of order if need be.
 */
import type { Random } from "@copresence/simulations/people";

export type Lane = {
  /** Arrival time of `bytes` sent at `nowMs`, or undefined when lost. */
  send(nowMs: number, bytes: number): number | undefined;
};

/** What one packet meets at a given time: its delay, and the odds that it is lost. */
export type Weather = { readonly delayMs: (nowMs: number) => number; readonly loss: (nowMs: number) => number };

export class DatagramLane implements Lane {
  private readonly random: Random;
  private readonly weather: Weather;

  constructor(options: { readonly random: Random; readonly weather: Weather }) {
    this.random = options.random;
    this.weather = options.weather;
  }

  send(nowMs: number): number | undefined {
    const lost = this.random.next() < this.weather.loss(nowMs);
    const arrivalMs = nowMs + this.weather.delayMs(nowMs);
    return lost ? undefined : arrivalMs;
  }
}

export class StreamLane implements Lane {
  private readonly random: Random;
  private readonly weather: Weather;
  private readonly stallMs: (nowMs: number) => number;
  private lastMs = 0;

  /** `stallMs`: how much later a lost packet arrives, given when it was sent. */
  constructor(options: { readonly random: Random; readonly weather: Weather; readonly stallMs: (nowMs: number) => number }) {
    this.random = options.random;
    this.weather = options.weather;
    this.stallMs = options.stallMs;
  }

  send(nowMs: number): number {
    const lost = this.random.next() < this.weather.loss(nowMs);
    const arrivalMs = nowMs + this.weather.delayMs(nowMs) + (lost ? this.stallMs(nowMs) : 0);
    this.lastMs = Math.max(this.lastMs, arrivalMs);
    return this.lastMs;
  }
}

/** A stream through a bottleneck of constant rate: packets queue. */
export class RateLane implements Lane {
  private readonly behind: StreamLane;
  private readonly kbps: number;
  private freeMs = 0;

  /** `kbps`: undefined for no limit. */
  constructor(options: {
    readonly random: Random;
    readonly weather: Weather;
    readonly stallMs: (nowMs: number) => number;
    readonly kbps: number | undefined;
  }) {
    this.behind = new StreamLane(options);
    this.kbps = options.kbps ?? Number.POSITIVE_INFINITY;
  }

  send(nowMs: number, bytes: number): number {
    this.freeMs = Math.max(this.freeMs, nowMs) + ((bytes + HEADER_BYTES) * 8) / this.kbps;
    return this.behind.send(this.freeMs);
  }
}

/** A packet and its headers fit into one delivery opportunity many times over. */
const OPPORTUNITY_BYTES = 1500;
const HEADER_BYTES = 52;

/** Mahimahi's link shell: bytes leave with recorded delivery opportunities of 1 500 B, which repeat; what nobody waits for is wasted. */
export class QueueLane implements Lane {
  private readonly opportunitiesMs: Float64Array;
  private readonly delayMs: number;
  private readonly startMs: number;
  private next = 0;
  private round = 0;
  private leftBytes = 0;
  private departMs = 0;

  /** `startMs`: where in the recording time 0 is. `delayMs`: of the path behind the queue. */
  constructor(options: { readonly opportunitiesMs: Float64Array; readonly delayMs: number; readonly startMs: number }) {
    this.opportunitiesMs = options.opportunitiesMs;
    this.delayMs = options.delayMs;
    this.startMs = options.startMs;
  }

  send(nowMs: number, bytes: number): number {
    // What is left of an opportunity serves only what waited when it came.
    if (nowMs > this.departMs) this.leftBytes = 0;
    let wanted = bytes + HEADER_BYTES - this.leftBytes;
    this.leftBytes = Math.max(0, -wanted);
    while (wanted > 0) {
      this.departMs = this.opportunityAfter(nowMs);
      this.leftBytes = Math.max(0, OPPORTUNITY_BYTES - wanted);
      wanted -= OPPORTUNITY_BYTES;
    }
    return this.departMs + this.delayMs;
  }

  /** Takes the next opportunity at or after `nowMs`. */
  private opportunityAfter(nowMs: number): number {
    const list = this.opportunitiesMs;
    const period = (list[list.length - 1] as number) + 1;
    for (;;) {
      if (this.next === list.length) {
        this.next = 0;
        this.round++;
      }
      const atMs = (list[this.next++] as number) + this.round * period - this.startMs;
      if (atMs >= nowMs) return atMs;
    }
  }
}

/**
 * A bottleneck shared with other traffic, first come first served: ours waits for what is queued. `busyUntilMs[i]`: when the link is done
 * with everything up to packet i, which came at `atMs[i]`; the recording repeats.
 */
export class SharedLane implements Lane {
  private readonly atMs: Float64Array;
  private readonly busyUntilMs: Float64Array;
  private readonly delayMs: number;
  private readonly startMs: number;
  private cursor = 0;

  constructor(options: { readonly atMs: Float64Array; readonly busyUntilMs: Float64Array; readonly delayMs: number; readonly startMs: number }) {
    this.atMs = options.atMs;
    this.busyUntilMs = options.busyUntilMs;
    this.delayMs = options.delayMs;
    this.startMs = options.startMs;
  }

  send(nowMs: number): number {
    const { atMs } = this;
    const at = (nowMs + this.startMs) % ((atMs[atMs.length - 1] as number) + 1);
    if (at < (atMs[this.cursor] as number)) this.cursor = 0;
    while (this.cursor + 1 < atMs.length && (atMs[this.cursor + 1] as number) <= at) this.cursor++;
    return nowMs + this.delayMs + Math.max(0, (this.busyUntilMs[this.cursor] as number) - at);
  }
}

/** Gamma-distributed with this mean and standard deviation (Marsaglia and Tsang); the mean when the deviation is 0. */
export function gamma(random: Random, mean: number, deviation: number): number {
  if (!(deviation > 0 && mean > 0)) return mean;
  const shape = (mean / deviation) ** 2;
  // Below 1 the method needs a boost.
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const boost = shape < 1 ? (1 - random.next()) ** (1 / shape) : 1;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v * boost * mean) / shape;
  }
}
