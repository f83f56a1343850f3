/**
 * What every viewer holds of every source. Near sources are per pair, one byte each: how many layers of the fine stream, and which of
 * their references the viewer has. Everybody else comes from the far stream, where one bit says whether the viewer lacks the reference.
 *
 * [VL1] A viewer's bytes lie together, eight per group, so "this whole group as it is" is one comparison of two words.
 * [VL2] `holdsT0`: the viewer has the source's newest T0 and what that was predicted from. `holdsT1`: also its newest T1.
 * [VL3] A bundle goes out as it is only to viewers that take all of it: `except` has a bit for every source that is near, lacking,
 *       hidden, or the viewer itself.
 *       What that says per cell is remembered in `clean` until it may have changed.
 * [VL4] A source that leaves a viewer's near set keeps its T0 until a far intra block has replaced it, so nobody sees it pause.
 * [VL5] `watched` counts, per source, the viewers that get it in each number of layers: what its own uplink need carry.
 */
import { GROUP, Layer } from "@copresence/shared/pose";
import { BitRows } from "./bit-rows.ts";
import type { CellGrid } from "./cell-grid.ts";

/** Layers of the fine stream a near source is sent in; 0 for sources that are not near. */
export const Fine = { none: 0, t0: 1, t1: 2, full: 3 } as const;
export type Fine = (typeof Fine)[keyof typeof Fine];

const FINE_MASK = 3;
const HOLDS_T0 = 4;
const HOLDS_T1 = 8;
/** An intra went out in the frame under `lastTick`: should that frame be skipped, it is owed again. */
const INTRA_IN_FLIGHT = 16;
/** Goes over to the far stream with its next C0 [VL4]. */
const LEAVING = 32;
const WHOLE = Fine.full | HOLDS_T0 | HOLDS_T1;
const WHOLE_WORD = WHOLE | (WHOLE << 8) | (WHOLE << 16) | (WHOLE << 24);

export class ViewerLinks {
  readonly capacity: number;
  readonly near: BitRows;
  readonly except: BitRows;
  /** Uint16Array[4n]: viewers of each source by Fine [VL5]. */
  private readonly watched: Uint16Array;
  /** Near sources per viewer, leaving ones included. */
  readonly nearCount: Uint16Array;
  /** Uint8Array[capacity * capacity], row = viewer. */
  private readonly links: Uint8Array;
  private readonly words: Int32Array;
  private readonly lacking: BitRows;
  private readonly hiddenRows: BitRows;
  /** Per viewer: some near source may want an intra block. */
  private readonly wanting: Uint8Array;
  /** Per viewer: ticks of the last frame written and of the one before. */
  private readonly lastTick: Float64Array;
  private readonly beforeTick: Float64Array;
  private readonly sentTick: Float64Array;
  private readonly ack: Int32Array;
  private readonly intrasOut: Uint8Array;
  private readonly grid: CellGrid;
  /** Uint8Array[capacity * capacity], row = viewer: 1 for cells known to hold nobody of `except`. */
  private readonly clean: Uint8Array;

  constructor(grid: CellGrid) {
    const { capacity } = grid;
    this.grid = grid;
    this.clean = new Uint8Array(capacity * capacity);
    this.capacity = capacity;
    this.links = new Uint8Array(capacity * capacity);
    this.words = new Int32Array(this.links.buffer);
    this.near = new BitRows(capacity, capacity);
    this.except = new BitRows(capacity, capacity);
    this.lacking = new BitRows(capacity, capacity);
    this.hiddenRows = new BitRows(capacity, capacity);
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
    for (let source = 0; source < capacity; source++) this.put(slot, source, 0);
    this.near.fillRow(slot, false);
    this.hiddenRows.fillRow(slot, false);
    this.lacking.fillRow(slot, true);
    this.except.fillRow(slot, true);
    this.clean.fill(0, slot * capacity, slot * capacity + capacity);
    this.nearCount[slot] = 0;
    for (let viewer = 0; viewer < capacity; viewer++) {
      this.hiddenRows.clear(viewer, slot);
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
    if (!this.near.has(viewer, source)) return this.lack(viewer, source);
    const at = viewer * this.capacity + source;
    this.links[at] = (this.links[at] as number) & (FINE_MASK | LEAVING);
    this.wanting[viewer] = 1;
  }

  isNear(viewer: number, source: number): boolean {
    return this.near.has(viewer, source);
  }
  fine(viewer: number, source: number): Fine {
    return ((this.links[viewer * this.capacity + source] as number) & FINE_MASK) as Fine;
  }
  /** Near, and not on the way out. */
  stays(viewer: number, source: number): boolean {
    const link = this.links[viewer * this.capacity + source] as number;
    return (link & FINE_MASK) !== 0 && (link & LEAVING) === 0;
  }
  isLeaving(viewer: number, source: number): boolean {
    return ((this.links[viewer * this.capacity + source] as number) & LEAVING) !== 0;
  }

  /** Every change of how many layers a link carries comes by here [VL5]. */
  private put(viewer: number, source: number, link: number): void {
    const { links, watched } = this;
    const at = viewer * this.capacity + source;
    const before = (links[at] as number) & FINE_MASK;
    const after = link & FINE_MASK;
    links[at] = link;
    if (before === after) return;
    watched[source * 4 + before] = (watched[source * 4 + before] as number) - 1;
    watched[source * 4 + after] = (watched[source * 4 + after] as number) + 1;
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
    const at = viewer * this.capacity + source;
    this.put(viewer, source, ((this.links[at] as number) & ~(FINE_MASK | LEAVING)) | fine);
    if (this.near.has(viewer, source)) return;
    this.near.set(viewer, source);
    this.nearCount[viewer] = (this.nearCount[viewer] as number) + 1;
    // From here on the far stream passes by this viewer.
    this.lack(viewer, source);
    this.wanting[viewer] = 1;
  }

  /** The source is no longer near: over to the far stream when it comes by [VL4], or at once where there is nothing to bridge. */
  leaveNear(viewer: number, source: number, toFar: boolean): void {
    const at = viewer * this.capacity + source;
    const link = this.links[at] as number;
    if (!toFar || (link & HOLDS_T0) === 0) return this.drop(viewer, source);
    this.put(viewer, source, (link & ~FINE_MASK) | Fine.t0 | LEAVING);
  }

  private drop(viewer: number, source: number): void {
    this.put(viewer, source, 0);
    if (this.near.has(viewer, source)) {
      this.near.clear(viewer, source);
      this.nearCount[viewer] = (this.nearCount[viewer] as number) - 1;
    }
    this.lack(viewer, source);
  }

  lack(viewer: number, source: number): void {
    this.lacking.set(viewer, source);
    this.except.set(viewer, source);
    const cell = this.grid.cellOf[source] as number;
    if (cell >= 0) this.clean[viewer * this.capacity + cell] = 0;
  }
  /** The cell has a new member. */
  cellChanged(viewer: number, cell: number): void {
    this.clean[viewer * this.capacity + cell] = 0;
  }

  /** The viewer got the source's newest C0 as an intra block. */
  farIntraSent(viewer: number, source: number): void {
    if (this.near.has(viewer, source)) this.drop(viewer, source);
    this.lacking.clear(viewer, source);
    this.except.clear(viewer, source);
  }
  /** Whether a viewer that takes the cell is owed a far intra block of the source. */
  wantsFarIntra(viewer: number, source: number): boolean {
    if (this.hiddenRows.has(viewer, source)) return false;
    return this.near.has(viewer, source) ? this.isLeaving(viewer, source) : this.lacking.has(viewer, source);
  }

  hide(viewer: number, source: number, hidden: boolean): void {
    if (hidden) {
      this.hiddenRows.set(viewer, source);
      this.drop(viewer, source);
    } else this.hiddenRows.clear(viewer, source);
  }
  isHidden(viewer: number, source: number): boolean {
    return this.hiddenRows.has(viewer, source);
  }

  /** True when the viewer takes every member of the cell from the far stream. */
  takesAll(viewer: number, cell: number): boolean {
    const known = viewer * this.capacity + cell;
    if (this.clean[known] === 1) return true;
    const { bits, words } = this.except;
    const members = this.grid.bits.bits;
    const row = viewer * words;
    const mask = cell * words;
    let any = 0;
    for (let w = 0; w < words; w++) any |= (bits[row + w] as number) & (members[mask + w] as number);
    if (any !== 0) return false;
    this.clean[known] = 1;
    return true;
  }
  takesFar(viewer: number, source: number): boolean {
    return !this.except.has(viewer, source);
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
    if (layer === Layer.t0) return true;
    const fine = link & FINE_MASK;
    if (layer === Layer.t1) {
      const taken = fine >= Fine.t1;
      this.links[at] = taken ? link | HOLDS_T1 : link & ~HOLDS_T1;
      return taken;
    }
    return fine === Fine.full && (link & HOLDS_T1) !== 0;
  }

  wantsIntras(viewer: number): boolean {
    return this.wanting[viewer] === 1;
  }
  wantsIntra(viewer: number, source: number): boolean {
    const link = this.links[viewer * this.capacity + source] as number;
    return (link & HOLDS_T0) === 0 && (link & FINE_MASK) !== Fine.none;
  }
  intraSent(viewer: number, source: number): void {
    const at = viewer * this.capacity + source;
    this.links[at] = ((this.links[at] as number) & (FINE_MASK | LEAVING)) | HOLDS_T0 | INTRA_IN_FLIGHT;
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
  frameSkipped(viewer: number, ticks: { readonly t0: Float64Array; readonly t1: Float64Array; readonly c0: Float64Array }): void {
    const since = this.beforeTick[viewer] as number;
    const row = viewer * this.capacity;
    for (let source = 0; source < this.capacity; source++) {
      if (!this.near.has(viewer, source)) {
        if ((ticks.c0[source] as number) >= since) this.lack(viewer, source);
        continue;
      }
      const link = this.links[row + source] as number;
      if ((link & INTRA_IN_FLIGHT) !== 0 || (ticks.t0[source] as number) >= since) this.breakChain(viewer, source);
      else if ((ticks.t1[source] as number) >= since) this.links[row + source] = link & ~HOLDS_T1;
    }
    this.ack[viewer] = -1;
  }

  chainState(viewer: number, source: number): string {
    if (!this.near.has(viewer, source)) return this.lacking.has(viewer, source) ? "waits for a far intra block" : "has the far reference";
    const link = this.links[viewer * this.capacity + source] as number;
    if ((link & LEAVING) !== 0) return "goes over to the far stream";
    if ((link & HOLDS_T0) === 0) return "waits for an intra block";
    return (link & HOLDS_T1) === 0 ? "has the references of T0, waits for a T1" : "has all references";
  }
}
