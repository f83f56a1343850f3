/**
 * The far stream of the room: on each tick the cells that are due, every one of their sources encoded once, and bundled once as a ready
 * section that a viewer's frame takes with one copy.
 *
 * [FD1] A cell is due every far period for C0 and halfway for C1; its phase spreads the cells over the ticks.
 * [FD2] Nothing is encoded while no viewer takes anybody from the far stream, and no C1 of a cell that no viewer takes it of.
 * [FD3] A source that sent nothing new since its last block has none; its reference stays.
 * [FD4] What everybody's C0 costs together stays below MOST_BYTES_PER_S, by widening its steps: a crowd that dances is shown coarsely
 *       rather than in turns.
 */
import {
  FAR_COARSEST,
  FarLayer,
  farHalfTicks,
  farPeriodTicks,
  FarWriter,
  LIST_HEAD_BYTES,
  MAX_FAR_BYTES,
  Section,
  slotListBytes,
  writeSlotList,
} from "@copresence/shared/pose";
import { COPY_SLACK, IntraCache } from "./arena.ts";
import { MAX_BYTES_PER_S } from "./budgets.ts";
import { CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";
import type { SourceDesk } from "./source-desk.ts";

/** Arena bytes the desk needs: the blocks, packed, the intra blocks, and the bundles, which together hold each slot once. */
export const farBytes = (capacity: number): number => capacity * (3 * MAX_FAR_BYTES + slotListBytes(1) + LIST_HEAD_BYTES) + COPY_SLACK;
/** Bytes of a member's C0 or C1 before any was seen. */
const FIRST_BYTES = 9;
/** Most of what a viewer gets (budgets.ts) may go to the crowd; the rest is for those who stand near. */
const MOST_BYTES_PER_S = 0.7 * MAX_BYTES_PER_S;
/** Steps are narrowed again below this part of it: a level saves less than a third. */
const NARROW_BELOW = 0.65;

export class FarDesk {
  readonly periodTicks: number;
  private readonly periodHz: number;
  /** This tick's due cells: which, in which layer, and where their bundle lies (length 0: nobody had news). */
  readonly dueCells: Uint16Array;
  readonly dueLayers: Uint8Array;
  readonly dueAt: Int32Array;
  readonly dueLengths: Uint16Array;
  /** Which of the due cell's members have a block: a bit each, in their order. */
  readonly dueNews: Int32Array;
  dueCount = 0;
  /** Per slot: bytes of this tick's far block, 0 for none, and where it begins. */
  readonly lengths: Uint8Array;
  readonly blockAt: Int32Array;
  /** Per cell: bytes of its newest C0 and C1 bundles. */
  readonly c0Bytes: Uint16Array;
  readonly c1Bytes: Uint16Array;
  /** Per cell: viewers that take C1. */
  readonly c1Viewers: Uint16Array;
  readonly writer: FarWriter;
  /** Of the far blocks of this tick. */
  coarseness = 0;
  /** What everybody's C0 costs, as of the last far period. */
  crowdBytesPerS = 0;
  private readonly intras: IntraCache;
  private readonly halfTicks: number;
  private readonly desk: SourceDesk;
  private readonly grid: CellGrid;
  private readonly base: number;
  /** Per slot: a sample came since the last C0, and since the last block of any layer. */
  private readonly news: Uint8Array;
  private readonly newsSinceAny: Uint8Array;
  private readonly slots = new Uint16Array(CELL_MEMBERS);
  /** Arena offsets after this tick's blocks and bundles. */
  private blocksEnd = 0;
  private at = 0;

  /** `base`: where the desk's part of the arena begins. */
  constructor(options: { readonly desk: SourceDesk; readonly grid: CellGrid; readonly tickRateHz: number; readonly base: number }) {
    const { desk, grid, tickRateHz, base } = options;
    const { capacity } = desk;
    this.desk = desk;
    this.grid = grid;
    this.base = base;
    this.writer = new FarWriter({ capacity, tickRateHz });
    this.intras = new IntraCache({ capacity, each: MAX_FAR_BYTES, base: base + capacity * MAX_FAR_BYTES });
    this.halfTicks = farHalfTicks(tickRateHz);
    this.periodTicks = farPeriodTicks(tickRateHz);
    this.periodHz = tickRateHz / this.periodTicks;
    this.dueCells = new Uint16Array(capacity);
    this.dueLayers = new Uint8Array(capacity);
    this.dueAt = new Int32Array(capacity);
    this.dueLengths = new Uint16Array(capacity);
    this.dueNews = new Int32Array(capacity);
    this.lengths = new Uint8Array(capacity);
    this.blockAt = new Int32Array(capacity);
    this.c0Bytes = new Uint16Array(capacity);
    this.c1Bytes = new Uint16Array(capacity);
    this.c1Viewers = new Uint16Array(capacity);
    this.news = new Uint8Array(capacity);
    this.newsSinceAny = new Uint8Array(capacity);
  }

  reset(slot: number): void {
    this.writer.reset(slot);
    this.news[slot] = 0;
    this.newsSinceAny[slot] = 0;
    this.lengths[slot] = 0;
  }

  submitted(slot: number): void {
    this.news[slot] = 1;
    this.newsSinceAny[slot] = 1;
  }

  /** A cell was opened: nothing is known of it, so it counts as an average one. */
  opened(cell: number): void {
    this.c0Bytes[cell] = 0;
    this.c1Bytes[cell] = 0;
    this.c1Viewers[cell] = 0;
  }

  /** What a C0 or C1 bundle of the cell costs, bytes per second. */
  cost(cell: number, layer: FarLayer): number {
    const bytes = (layer === FarLayer.c0 ? this.c0Bytes : this.c1Bytes)[cell] as number;
    return (bytes === 0 ? FIRST_BYTES * (this.grid.counts[cell] as number) : bytes) * this.periodHz;
  }

  /** True when the source's newest C0 is of this tick, so that an intra block of it can be sent. */
  hasC0(slot: number): boolean {
    const { bank } = this.writer;
    return bank.valid[slot] === 1 && bank.tick[slot] === this.desk.tick;
  }

  /** Puts the source's intra block of this tick at arena offset `at`; returns the offset after it. */
  intra(slot: number, at: number): number {
    const { desk, intras, writer } = this;
    if (!intras.has(slot, desk.tick)) intras.wrote(slot, desk.tick, writer.intra(slot, desk.arena, intras.at(slot)));
    const length = intras.length(slot);
    desk.memory.copy(at, intras.at(slot), length);
    return at + length;
  }

  encodeTick(tick: number, wanted: boolean): void {
    const { grid } = this;
    this.dueCount = 0;
    if (tick % this.periodTicks === 0) this.chooseCoarseness();
    if (!wanted) return;
    this.blocksEnd = this.base;
    this.at = this.base + 2 * this.desk.capacity * MAX_FAR_BYTES;
    const phase = tick % this.periodTicks;
    for (let i = 0; i < grid.activeCount; i++) {
      const cell = grid.active[i] as number;
      const since = (phase - (grid.phases[cell] as number) + this.periodTicks) % this.periodTicks;
      if (since === 0) this.bundle(cell, tick, FarLayer.c0);
      else if (since === this.halfTicks && (this.c1Viewers[cell] as number) > 0) this.bundle(cell, tick, FarLayer.c1);
    }
  }

  private chooseCoarseness(): void {
    let bytesPerS = 0;
    for (let i = 0; i < this.grid.activeCount; i++) bytesPerS += this.cost(this.grid.active[i] as number, FarLayer.c0);
    this.crowdBytesPerS = bytesPerS;
    if (bytesPerS > MOST_BYTES_PER_S && this.coarseness < FAR_COARSEST) this.coarseness++;
    else if (bytesPerS < MOST_BYTES_PER_S * NARROW_BELOW && this.coarseness > 0) this.coarseness--;
  }

  private bundle(cell: number, tick: number, layer: FarLayer): void {
    const { grid } = this;
    const base = cell * CELL_MEMBERS;
    const count = grid.counts[cell] as number;
    this.writer.start(tick, layer, this.coarseness);
    let news = 0;
    for (let i = 0; i < count; i++) {
      const slot = grid.members[base + i] as number;
      this.lengths[slot] = 0;
      if (this.encode(slot, layer)) news |= 1 << i;
    }
    const due = this.dueCount++;
    this.dueCells[due] = cell;
    this.dueLayers[due] = layer;
    this.dueAt[due] = this.at;
    this.dueNews[due] = news;
    if (news !== 0) this.at = this.pick(due, news, this.at);
    const length = this.at - (this.dueAt[due] as number);
    this.dueLengths[due] = length;
    (layer === FarLayer.c0 ? this.c0Bytes : this.c1Bytes)[cell] = length;
  }

  /**
   * Writes the section of a due cell for those of its members only who are in `taken`, some of `dueNews`; returns the offset after it.
   * The blocks of a cell lie one behind the other, so those taken in a row are one copy.
   */
  pick(due: number, taken: number, start: number): number {
    const { grid, slots, desk } = this;
    const base = (this.dueCells[due] as number) * CELL_MEMBERS;
    let count = 0;
    for (let set = taken; set !== 0; set &= set - 1) slots[count++] = grid.members[base + lowest(set)] as number;
    let at = writeSlotList(slots, count, desk.arena, start + LIST_HEAD_BYTES);
    const others = (this.dueNews[due] as number) & ~taken;
    for (let rest = taken; rest !== 0;) {
      const first = lowest(rest);
      const after = others & (-1 << first);
      const run = after === 0 ? rest : rest & ((1 << lowest(after)) - 1);
      const last = grid.members[base + 31 - Math.clz32(run)] as number;
      const from = this.blockAt[grid.members[base + first] as number] as number;
      const length = (this.blockAt[last] as number) + (this.lengths[last] as number) - from;
      desk.memory.copy(at, from, length);
      at += length;
      rest &= ~run;
    }
    return closeList(this.dueLayers[due] === FarLayer.c0 ? Section.far : Section.farHalf, desk.arena, start, at);
  }

  /** True when there is a block. A source's first C0 has none: everybody needs an intra. */
  private encode(slot: number, layer: FarLayer): boolean {
    const { desk, news, newsSinceAny } = this;
    if ((layer === FarLayer.c0 ? news : newsSinceAny)[slot] !== 1) return false;
    newsSinceAny[slot] = 0;
    if (layer === FarLayer.c0) news[slot] = 0;
    const at = this.blocksEnd;
    const end = this.writer.encode(slot, desk.lastTime, desk.poses, desk.states, desk.arena, at);
    this.lengths[slot] = end - at;
    this.blockAt[slot] = at;
    this.blocksEnd = end;
    return end > at;
  }
}

/** Index of the lowest bit of a mask that has one. */
export const lowest = (mask: number): number => 31 - Math.clz32(mask & -mask);

/** Fills in a list section's head; its blocks end at `at`, which is returned. */
export function closeList(section: number, arena: Uint8Array, start: number, at: number): number {
  const length = at - start - LIST_HEAD_BYTES;
  arena[start] = section;
  arena[start + 1] = length & 0xff;
  arena[start + 2] = length >> 8;
  return at;
}
