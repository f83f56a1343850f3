/**
 * One byte per (viewer, source): which tier the viewer gets the source in, and which references it holds.
 *
 * [VL1] A viewer's bytes lie together, eight per group, so "this whole group as it is" is one comparison of two words.
 * [VL2] `holdsT0`: the viewer has the source's newest T0 and what that was predicted from. `holdsT1`: also its newest T1.
 * [VL3] A viewer that asks for an intra of a source without samples simply waits: `sourceRestarted` marks it when there is one.
 */
import { GROUP, Layer } from "@copresence/shared/pose";

/** What of a source a viewer is meant to get. */
export const Tier = { none: 0, t0: 1, t1: 2, full: 3 } as const;
export type Tier = (typeof Tier)[keyof typeof Tier];
const TIER_NAMES = ["none", "T0", "T0+T1", "T0+T1+T2"] as const;
export const tierName = (tier: Tier): string => TIER_NAMES[tier];

const TIER_MASK = 3;
const HOLDS_T0 = 4;
const HOLDS_T1 = 8;
/** An intra went out in the frame under `lastTick`: should that frame be skipped, it is owed again. */
const INTRA_IN_FLIGHT = 16;
const WHOLE = Tier.full | HOLDS_T0 | HOLDS_T1;
const WHOLE_WORD = WHOLE | (WHOLE << 8) | (WHOLE << 16) | (WHOLE << 24);

export class ViewerLinks {
  private readonly capacity: number;
  /** Uint8Array[capacity * capacity], row = viewer. */
  private readonly links: Uint8Array;
  private readonly words: Int32Array;
  /** Per viewer: some source may want an intra block. */
  private readonly wanting: Uint8Array;
  /** Per viewer: ticks of the last frame written and of the one before. */
  private readonly lastTick: Float64Array;
  private readonly beforeTick: Float64Array;
  private readonly sentTick: Float64Array;
  private readonly ack: Int32Array;
  private readonly intrasOut: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.links = new Uint8Array(capacity * capacity);
    this.words = new Int32Array(this.links.buffer);
    this.wanting = new Uint8Array(capacity);
    this.lastTick = new Float64Array(capacity);
    this.beforeTick = new Float64Array(capacity);
    this.sentTick = new Float64Array(capacity);
    this.ack = new Int32Array(capacity);
    this.intrasOut = new Uint8Array(capacity);
  }

  add(slot: number): void {
    this.remove(slot);
    this.links.fill(Tier.full, slot * this.capacity, slot * this.capacity + this.capacity);
    this.wanting[slot] = 1;
  }

  /** The slot's row and column forget everything. */
  remove(slot: number): void {
    this.sourceRestarted(slot);
    this.wanting[slot] = 0;
    this.intrasOut[slot] = 0;
    this.lastTick[slot] = -1;
    this.beforeTick[slot] = -1;
    this.sentTick[slot] = Number.NEGATIVE_INFINITY;
    this.ack[slot] = -1;
  }

  /** Nobody holds this source's references any more. */
  sourceRestarted(source: number): void {
    for (let viewer = 0; viewer < this.capacity; viewer++) this.breakChain(viewer, source);
  }

  breakChain(viewer: number, source: number): void {
    const at = viewer * this.capacity + source;
    this.links[at] = (this.links[at] as number) & TIER_MASK;
    this.wanting[viewer] = 1;
  }

  tier(viewer: number, source: number): Tier {
    return ((this.links[viewer * this.capacity + source] as number) & TIER_MASK) as Tier;
  }
  /** Interest decides; a lowered tier takes effect at once, a raised one with the next T1. */
  setTier(viewer: number, source: number, tier: Tier): void {
    const at = viewer * this.capacity + source;
    this.links[at] = ((this.links[at] as number) & ~TIER_MASK) | tier;
    if (tier !== Tier.none) this.wanting[viewer] = 1;
  }

  /** True when all eight links of the group are at full tier with unbroken chains. */
  wholeGroup(viewer: number, group: number): boolean {
    const at = (viewer * this.capacity + group * GROUP) >> 2;
    return this.words[at] === WHOLE_WORD && this.words[at + 1] === WHOLE_WORD;
  }

  /** Whether this viewer is sent this source's block of `layer`; keeps the chain's state either way. */
  takes(viewer: number, source: number, layer: Layer): boolean {
    const at = viewer * this.capacity + source;
    const link = this.links[at] as number;
    if ((link & HOLDS_T0) === 0) return false;
    const tier = link & TIER_MASK;
    if (layer === Layer.t0) {
      if (tier >= Tier.t0) return true;
      this.breakChain(viewer, source);
      return false;
    }
    if (layer === Layer.t1) {
      const taken = tier >= Tier.t1;
      this.links[at] = taken ? link | HOLDS_T1 : link & ~HOLDS_T1;
      return taken;
    }
    return tier === Tier.full && (link & HOLDS_T1) !== 0;
  }

  wantsIntras(viewer: number): boolean {
    return this.wanting[viewer] === 1;
  }
  wantsIntra(viewer: number, source: number): boolean {
    const link = this.links[viewer * this.capacity + source] as number;
    return (link & HOLDS_T0) === 0 && (link & TIER_MASK) !== Tier.none;
  }
  intraSent(viewer: number, source: number): void {
    const at = viewer * this.capacity + source;
    this.links[at] = ((this.links[at] as number) & TIER_MASK) | HOLDS_T0 | INTRA_IN_FLIGHT;
    this.intrasOut[viewer] = 1;
  }
  intrasDone(viewer: number): void {
    this.wanting[viewer] = 0;
  }

  /** Call before a frame is assembled: what went out two frames ago has left. */
  beginFrame(viewer: number, tick: number): void {
    this.beforeTick[viewer] = this.lastTick[viewer] as number;
    this.lastTick[viewer] = tick;
    if (this.intrasOut[viewer] === 0) return;
    this.intrasOut[viewer] = 0;
    const row = viewer * this.capacity;
    for (let s = 0; s < this.capacity; s++) this.links[row + s] = (this.links[row + s] as number) & ~INTRA_IN_FLIGHT;
  }

  ackMoved(viewer: number, inputAck: number): boolean {
    return this.ack[viewer] !== inputAck;
  }
  lastSentTick(viewer: number): number {
    return this.sentTick[viewer] as number;
  }
  sent(viewer: number, tick: number, inputAck: number): void {
    this.sentTick[viewer] = tick;
    this.ack[viewer] = inputAck;
  }

  /** One of the last two frames was not sent: chains that advanced since are broken. */
  frameSkipped(viewer: number, t0Tick: Float64Array, t1Tick: Float64Array): void {
    const since = this.beforeTick[viewer] as number;
    const row = viewer * this.capacity;
    for (let source = 0; source < this.capacity; source++) {
      const link = this.links[row + source] as number;
      if ((link & INTRA_IN_FLIGHT) !== 0 || (t0Tick[source] as number) >= since) this.breakChain(viewer, source);
      else if ((t1Tick[source] as number) >= since) this.links[row + source] = link & ~HOLDS_T1;
    }
    this.ack[viewer] = -1;
  }

  chainState(viewer: number, source: number): string {
    const link = this.links[viewer * this.capacity + source] as number;
    if ((link & HOLDS_T0) === 0) return "waits for an intra block";
    return (link & HOLDS_T1) === 0 ? "has the references of T0, waits for a T1" : "has all references";
  }
}
