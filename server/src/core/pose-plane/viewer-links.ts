/**
 * What every viewer holds of every source. Near sources are per pair: how many layers of the fine stream, and which of their references
 * the viewer has. Everybody else comes from the far stream, where one bit says whether the viewer lacks the reference (far-lacks.ts).
 *
 * [VL1] Every fact is a row of bits per viewer, so which of a tick's blocks a frame takes is a few operations per 32 sources.
 * [VL2] `holdsT0`: the viewer has the source's newest T0 and what that was predicted from. `holdsT1`: also its newest T1. Both only of
 *       sources that are near.
 * [VL3] A source that is near or hidden, and the viewer itself, count as lacking: the far stream passes by.
 * [VL4] A source that leaves a viewer's near set keeps its T0 until a far intra block has replaced it, so nobody sees it pause.
 * [VL5] `watched` counts, per source, the viewers that get it in each number of layers: what its own uplink need carry.
 */
import { Layer } from "@copresence/shared/pose";
import { BitRows } from "./bit-rows.ts";
import type { CellGrid } from "./cell-grid.ts";
import { FarLacks } from "./far-lacks.ts";

/** Layers of the fine stream a near source is sent in; 0 for sources that are not near. */
export const Fine = { none: 0, t0: 1, t1: 2, full: 3 } as const;
export type Fine = (typeof Fine)[keyof typeof Fine];

export class ViewerLinks {
  readonly capacity: number;
  readonly near: BitRows;
  readonly lacks: FarLacks;
  /** Near sources per viewer, leaving ones included. */
  readonly nearCount: Uint16Array;
  /** Uint16Array[4n]: viewers of each source by Fine [VL5]. */
  private readonly watched: Uint16Array;
  /** Of near sources: those sent T1 too, and those sent T1 and T2. */
  private readonly withT1: BitRows;
  private readonly withT2: BitRows;
  private readonly holdsT0: BitRows;
  private readonly holdsT1: BitRows;
  /** An intra went out in the frame under `lastTick`: should that frame be skipped, it is owed again. */
  private readonly inFlight: BitRows;
  /** Goes over to the far stream with its next C0 [VL4]. */
  readonly leaving: BitRows;
  /** Not sent at all: the viewer itself, and whom safety keeps from it. */
  readonly hidden: BitRows;
  /** Per viewer: some near source may want an intra block. */
  private readonly wanting: Uint8Array;
  /** Per viewer: ticks of the last frame written and of the one before. */
  private readonly lastTick: Float64Array;
  private readonly beforeTick: Float64Array;
  private readonly sentTick: Float64Array;
  private readonly ack: Int32Array;
  private readonly intrasOut: Uint8Array;

  constructor(grid: CellGrid) {
    const { capacity } = grid;
    const rows = (): BitRows => new BitRows(capacity, capacity);
    this.capacity = capacity;
    this.near = rows();
    this.lacks = new FarLacks(grid);
    this.withT1 = rows();
    this.withT2 = rows();
    this.holdsT0 = rows();
    this.holdsT1 = rows();
    this.inFlight = rows();
    this.leaving = rows();
    this.hidden = rows();
    this.watched = new Uint16Array(capacity * 4);
    this.nearCount = new Uint16Array(capacity);
    this.wanting = new Uint8Array(capacity);
    this.lastTick = new Float64Array(capacity);
    this.beforeTick = new Float64Array(capacity);
    this.sentTick = new Float64Array(capacity);
    this.ack = new Int32Array(capacity);
    this.intrasOut = new Uint8Array(capacity);
  }

  add(slot: number): void {
    this.remove(slot);
    this.hide(slot, slot, true);
  }

  /** The slot's row and column forget everything. */
  remove(slot: number): void {
    const { capacity } = this;
    for (let source = 0; source < capacity; source++) this.drop(slot, source);
    this.hidden.fillRow(slot, false);
    this.lacks.setAll(slot);
    for (let viewer = 0; viewer < capacity; viewer++) {
      this.hidden.clear(viewer, slot);
      this.drop(viewer, slot);
    }
    this.wanting[slot] = 0;
    this.intrasOut[slot] = 0;
    this.lastTick[slot] = -1;
    this.beforeTick[slot] = -1;
    this.sentTick[slot] = Number.NEGATIVE_INFINITY;
    this.ack[slot] = -1;
  }

  /** Nobody holds this source's fine references any more. */
  sourceRestarted(source: number): void {
    for (let viewer = 0; viewer < this.capacity; viewer++) this.breakChain(viewer, source);
  }

  /** Whatever the viewer holds of the source counts for nothing. */
  breakChain(viewer: number, source: number): void {
    if (!this.near.has(viewer, source)) return this.lacks.set(viewer, source);
    this.loseReferences(viewer, source);
    this.wanting[viewer] = 1;
  }
  private loseReferences(viewer: number, source: number): void {
    this.holdsT0.clear(viewer, source);
    this.holdsT1.clear(viewer, source);
    this.inFlight.clear(viewer, source);
  }

  isNear(viewer: number, source: number): boolean {
    return this.near.has(viewer, source);
  }
  fine(viewer: number, source: number): Fine {
    if (!this.near.has(viewer, source)) return Fine.none;
    return this.withT2.has(viewer, source) ? Fine.full : this.withT1.has(viewer, source) ? Fine.t1 : Fine.t0;
  }
  /** Near, and not on the way out. */
  stays(viewer: number, source: number): boolean {
    return this.near.has(viewer, source) && !this.leaving.has(viewer, source);
  }
  isLeaving(viewer: number, source: number): boolean {
    return this.leaving.has(viewer, source);
  }

  /** Every change of how many layers a link carries comes by here [VL5]. */
  private setFine(viewer: number, source: number, fine: Fine): void {
    const { watched } = this;
    const before = this.fine(viewer, source);
    if (before === fine) return;
    watched[source * 4 + before] = (watched[source * 4 + before] as number) - 1;
    watched[source * 4 + fine] = (watched[source * 4 + fine] as number) + 1;
    if (before === Fine.none || fine === Fine.none) {
      this.near.put(viewer, source, fine !== Fine.none);
      this.nearCount[viewer] = (this.nearCount[viewer] as number) + (fine === Fine.none ? -1 : 1);
    }
    this.withT1.put(viewer, source, fine >= Fine.t1);
    this.withT2.put(viewer, source, fine === Fine.full);
  }

  /** The most layers of the source that any viewer gets. */
  mostWatched(source: number): Fine {
    const { watched } = this;
    const at = source * 4;
    return (watched[at + Fine.full] as number) > 0
      ? Fine.full
      : (watched[at + Fine.t1] as number) > 0
        ? Fine.t1
        : (watched[at + Fine.t0] as number) > 0
          ? Fine.t0
          : Fine.none;
  }

  /** Interest decides for a near source; a lowered tier takes effect at once, a raised one with the next T1. */
  setNear(viewer: number, source: number, fine: Fine): void {
    const isNew = !this.near.has(viewer, source);
    this.setFine(viewer, source, fine);
    this.leaving.clear(viewer, source);
    if (!isNew) return;
    // From here on the far stream passes by this viewer.
    this.lacks.set(viewer, source);
    this.wanting[viewer] = 1;
  }

  /** The source is no longer near: over to the far stream when it comes by [VL4], or at once where there is nothing to bridge. */
  leaveNear(viewer: number, source: number, toFar: boolean): void {
    if (!toFar || !this.holdsT0.has(viewer, source)) return this.drop(viewer, source);
    this.setFine(viewer, source, Fine.t0);
    this.leaving.set(viewer, source);
  }

  private drop(viewer: number, source: number): void {
    this.setFine(viewer, source, Fine.none);
    this.loseReferences(viewer, source);
    this.leaving.clear(viewer, source);
    this.lacks.set(viewer, source);
  }

  /** The viewer lacks the source's far reference. */
  lack(viewer: number, source: number): void {
    this.lacks.set(viewer, source);
  }

  /** The viewer got the source's newest C0 as an intra block. */
  farIntraSent(viewer: number, source: number): void {
    if (this.near.has(viewer, source)) this.drop(viewer, source);
    this.lacks.clear(viewer, source);
  }
  /** Whether a viewer that takes the cell, and lacks the source, is owed a far intra block of it. */
  wantsFarIntra(viewer: number, source: number): boolean {
    return !this.hidden.has(viewer, source) && (!this.near.has(viewer, source) || this.leaving.has(viewer, source));
  }

  hide(viewer: number, source: number, hidden: boolean): void {
    if (hidden) {
      this.hidden.set(viewer, source);
      this.drop(viewer, source);
    } else this.hidden.clear(viewer, source);
  }
  isHidden(viewer: number, source: number): boolean {
    return this.hidden.has(viewer, source);
  }

  /**
   * Which of this tick's blocks the viewer is sent, as bits into `taken` (one word per 32 sources), and keeps the chains' state. `blocks`:
   * bits of the sources with a block, a row per layer.
   */
  take(viewer: number, blocks: BitRows, taken: Int32Array): void {
    const { words } = blocks;
    const row = viewer * words;
    const { bits } = blocks;
    const holdsT0 = this.holdsT0.bits;
    const holdsT1 = this.holdsT1.bits;
    const withT1 = this.withT1.bits;
    const withT2 = this.withT2.bits;
    for (let w = 0; w < words; w++) {
      const holds = holdsT0[row + w] as number;
      taken[w] = 0;
      if (holds === 0) continue;
      const t0 = bits[Layer.t0 * words + w] as number;
      const t1 = bits[Layer.t1 * words + w] as number;
      const t2 = bits[Layer.t2 * words + w] as number;
      const held = holdsT1[row + w] as number;
      const takesT1 = holds & t1 & (withT1[row + w] as number);
      taken[w] = (holds & t0) | takesT1 | (held & t2 & (withT2[row + w] as number));
      holdsT1[row + w] = (held & ~t1) | takesT1;
    }
  }

  wantsIntras(viewer: number): boolean {
    return this.wanting[viewer] === 1;
  }
  /** Bits of the near sources 32w.. whose chain is broken. */
  intrasWanted(viewer: number, w: number): number {
    const at = viewer * this.near.words + w;
    return (this.near.bits[at] as number) & ~(this.holdsT0.bits[at] as number);
  }
  intraSent(viewer: number, source: number): void {
    this.holdsT0.set(viewer, source);
    this.holdsT1.clear(viewer, source);
    this.inFlight.set(viewer, source);
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
    this.inFlight.fillRow(viewer, false);
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
  frameSkipped(viewer: number, ticks: { readonly t0: Float64Array; readonly t1: Float64Array; readonly c0: Float64Array }): void {
    const since = this.beforeTick[viewer] as number;
    for (let source = 0; source < this.capacity; source++) {
      if (!this.near.has(viewer, source)) {
        if ((ticks.c0[source] as number) >= since) this.lack(viewer, source);
        continue;
      }
      if (this.inFlight.has(viewer, source) || (ticks.t0[source] as number) >= since) this.breakChain(viewer, source);
      else if ((ticks.t1[source] as number) >= since) this.holdsT1.clear(viewer, source);
    }
    this.ack[viewer] = -1;
  }

  chainState(viewer: number, source: number): string {
    if (!this.near.has(viewer, source)) return this.lacks.has(viewer, source) ? "waits for a far intra block" : "has the far reference";
    if (this.leaving.has(viewer, source)) return "goes over to the far stream";
    if (!this.holdsT0.has(viewer, source)) return "waits for an intra block";
    return this.holdsT1.has(viewer, source) ? "has all references" : "has the references of T0, waits for a T1";
  }
}
