/**
 * Joints of hands in frames: each source encoded once per tick, and copied to the few viewers that stand close enough to see fingers.
 *
 * [HD1] A viewer gets joints of at most HAND_VIEWS sources: the nearest of those it has near, within HANDS_M. Nobody hidden is near.
 * [HD2] Joints are what a full link sheds first: a block goes out only while the viewer's tokens, after everything else of the frame, are
 *       above a part of their depth; H1 blocks need more of them than H0 blocks, intra blocks most.
 * [HD3] A viewer is sent a block only when it holds the block's reference; what breaks that (a skipped frame, a NACK, an H0 that was shed)
 *       is answered with an intra block.
 *       A viewer that had to be denied an H0 is shown fewer hands from the next review on, the nearest, and one more at a time while tokens
 *       are plenty: a few hands that move are worth more than many that begin anew.
 * [HD4] Nothing is allocated per tick; a source's references are made when its first joints come.
 */
import {
  handLag,
  HandEncoder,
  HandLayer,
  HandsState,
  LIST_HEAD_BYTES,
  MAX_HANDS_BYTES,
  slotListBytes,
  StreamSection,
  writeSlotList,
} from "@copresence/shared/pose";
import type { Budgets } from "./budgets.ts";
import { closeList } from "./far-desk.ts";
import { HEAD_FLOATS, type SourceDesk } from "./source-desk.ts";
import type { ViewerLinks } from "./viewer-links.ts";

/** Sources whose fingers one viewer sees at once: as many as stand around somebody. */
export const HAND_VIEWS = 8;
/** A finger is 8 mm wide: at this distance a pixel of a headset. */
const HANDS_M = 8;
/** The squared distance of a source that is shown counts this part, so that two do not take turns. */
const KEEP = 0.64;
/** Parts of the bucket that must be left for each kind of block. */
const H0_LEFT = 0.15;
const H1_LEFT = 0.3;
const INTRA_LEFT = 0.45;
const PLENTY_LEFT = 0.6;
/** Joints older than this are no longer anybody's hands: no intra block begins with them. */
const STALE_MS = 400;
/** Lag and the longest block. */
const BLOCK_ROOM = 1 + MAX_HANDS_BYTES;

class HandSource {
  readonly encoder = new HandEncoder();
  readonly pending = new HandsState();
  readonly block = new Uint8Array(MAX_HANDS_BYTES);
  /** Of this tick's block; 0 for none. */
  length = 0;
  timeMs = 0;
  fresh = false;
}

export type HandDeskParts = { readonly desk: SourceDesk; readonly links: ViewerLinks; readonly budgets: Budgets; readonly tickRateHz: number };

export class HandDesk {
  /** Per source: viewers that would be sent its joints. */
  readonly watchers: Uint16Array;
  /** Blocks and intra blocks copied into frames so far. */
  copied = 0;
  private readonly parts: HandDeskParts;
  private readonly sources: (HandSource | undefined)[];
  /** Uint16Array[HAND_VIEWS n], per viewer the sources it is shown, slots rising; and whether it holds their newest H0. */
  private readonly shown: Uint16Array;
  private readonly holds: Uint8Array;
  private readonly counts: Uint8Array;
  /** Per viewer: hands-bearing sources that its link has room for; what its last frames said about that. */
  private readonly most: Uint8Array;
  private readonly denied: Uint8Array;
  private readonly plenty: Uint8Array;
  private readonly waits: Uint8Array;
  private readonly slots = new Uint16Array(HAND_VIEWS);
  private readonly distances = new Float64Array(HAND_VIEWS);
  private readonly before = new Uint16Array(HAND_VIEWS);
  private readonly held = new Uint8Array(HAND_VIEWS);

  constructor(parts: HandDeskParts) {
    const { capacity } = parts.desk;
    this.parts = parts;
    this.sources = Array.from({ length: capacity });
    this.watchers = new Uint16Array(capacity);
    this.shown = new Uint16Array(capacity * HAND_VIEWS);
    this.holds = new Uint8Array(capacity * HAND_VIEWS);
    this.counts = new Uint8Array(capacity);
    this.most = new Uint8Array(capacity).fill(HAND_VIEWS);
    this.denied = new Uint8Array(capacity);
    this.plenty = new Uint8Array(capacity);
    this.waits = new Uint8Array(capacity);
  }

  /** The slot's person left: as a source and as a viewer. */
  remove(slot: number): void {
    this.forget(slot);
    this.most[slot] = HAND_VIEWS;
    this.denied[slot] = 0;
    this.sources[slot] = undefined;
    for (let viewer = 0; viewer < this.counts.length; viewer++) this.setHolds(viewer, slot, 0);
  }

  /** The viewer takes no joints from now on. */
  forget(viewer: number): void {
    for (let i = 0; i < (this.counts[viewer] as number); i++) {
      const source = this.shown[viewer * HAND_VIEWS + i] as number;
      this.watchers[source] = (this.watchers[source] as number) - 1;
    }
    this.counts[viewer] = 0;
  }

  /** Judged joints of a source, measured at room time `timeMs`. Copied; the newest of a tick wins. */
  submit(slot: number, state: HandsState, timeMs: number): void {
    const source = (this.sources[slot] ??= new HandSource());
    source.pending.copy(state);
    source.timeMs = timeMs;
    source.fresh = true;
  }

  encodeTick(): void {
    const { sources } = this;
    for (let slot = 0; slot < sources.length; slot++) {
      const source = sources[slot];
      if (source === undefined) continue;
      source.length = 0;
      if (!source.fresh) continue;
      source.fresh = false;
      source.length = source.encoder.encode(source.pending, source.block, 0);
      if (source.encoder.reset) for (let viewer = 0; viewer < this.counts.length; viewer++) this.setHolds(viewer, slot, 0);
    }
  }

  /** Chooses anew whose joints the viewer is shown. `offered(source)`: it has joints to show. */
  review(viewer: number, offers: Uint8Array, bit: number): void {
    const { desk, links } = this.parts;
    const row = viewer * HAND_VIEWS;
    const known = this.counts[viewer] as number;
    for (let i = 0; i < known; i++) {
      this.before[i] = this.shown[row + i] as number;
      this.held[i] = this.holds[row + i] as number;
    }
    const most = this.fitting(viewer);
    this.forget(viewer);
    let candidates = 0;
    const { bits, words } = links.near;
    let count = 0;
    for (let w = 0; w < words; w++) {
      for (let set = bits[viewer * words + w] as number; set !== 0; set &= set - 1) {
        const source = (w << 5) + 31 - Math.clz32(set & -set);
        if (((offers[source] as number) & bit) === 0 || !desk.shown(source) || !links.stays(viewer, source)) continue;
        const distance = this.distanceSquare(viewer, source) * (this.indexOf(source, known) < 0 ? 1 : KEEP);
        if (distance > HANDS_M * HANDS_M) continue;
        candidates++;
        count = this.insert(source, distance, count, most);
      }
    }
    // Interest plans with poses only, and a link that carries those is not asked for more on its own.
    if (this.waits[viewer] === 1 || (most < HAND_VIEWS && candidates > most)) this.parts.budgets.pressed(viewer, this.tickMs);
    this.waits[viewer] = 0;
    this.slots.subarray(0, count).sort();
    for (let i = 0; i < count; i++) {
      const source = this.slots[i] as number;
      const was = this.indexOf(source, known);
      this.shown[row + i] = source;
      this.holds[row + i] = was < 0 ? 0 : (this.held[was] as number);
      this.watchers[source] = (this.watchers[source] as number) + 1;
    }
    this.counts[viewer] = count;
  }

  /** How many sources' hands the viewer's link has room for, as its frames since the last review said. */
  private fitting(viewer: number): number {
    let most = this.most[viewer] as number;
    if (this.denied[viewer] === 1) most = Math.min(most, this.counts[viewer] as number) >> 1;
    else if (this.plenty[viewer] === 1 && most < HAND_VIEWS) most++;
    this.denied[viewer] = 0;
    this.most[viewer] = most;
    return most;
  }

  /** Keeps the nearest `most` in `slots`. */
  private insert(source: number, distance: number, count: number, most: number): number {
    const { slots, distances } = this;
    let at = count;
    if (count === most) {
      if (most === 0) return 0;
      at = 0;
      for (let i = 1; i < count; i++) if ((distances[i] as number) > (distances[at] as number)) at = i;
      if (distance >= (distances[at] as number)) return count;
    }
    slots[at] = source;
    distances[at] = distance;
    return at === count ? count + 1 : count;
  }

  private indexOf(source: number, known: number): number {
    for (let i = 0; i < known; i++) if (this.before[i] === source) return i;
    return -1;
  }

  private distanceSquare(a: number, b: number): number {
    const { heads } = this.parts.desk;
    let square = 0;
    for (let c = 0; c < 3; c++) square += ((heads[a * HEAD_FLOATS + c] as number) - (heads[b * HEAD_FLOATS + c] as number)) ** 2;
    return square;
  }

  /**
   * Appends the viewer's joints of this tick to its frame in the arena at `at`, below `limit`; returns the offset after them. `left`: tokens
   * after what the frame holds, `depth`: of a full bucket.
   */
  write(viewer: number, at: number, limit: number, left: number, depth: number): number {
    this.plenty[viewer] = left > depth * PLENTY_LEFT ? 1 : 0;
    if (this.counts[viewer] === 0) return at;
    const afterUpdates = this.writeUpdates(viewer, at, limit, left, depth);
    return this.writeIntras(viewer, afterUpdates, limit, left - (afterUpdates - at), depth);
  }

  private writeUpdates(viewer: number, start: number, limit: number, left: number, depth: number): number {
    const row = viewer * HAND_VIEWS;
    let room = Math.min(left - depth * H0_LEFT, limit - start - LIST_HEAD_BYTES - slotListBytes(HAND_VIEWS));
    const spare = depth * (H1_LEFT - H0_LEFT);
    let count = 0;
    for (let i = 0; i < (this.counts[viewer] as number); i++) {
      const slot = this.shown[row + i] as number;
      const source = this.sources[slot];
      if (source === undefined || source.length === 0 || this.holds[row + i] !== 1) continue;
      const h1 = source.encoder.layer === HandLayer.h1;
      if (room - (h1 ? spare : 0) < source.length + 1) {
        if (h1) continue;
        this.holds[row + i] = 0;
        this.denied[viewer] = 1;
        continue;
      }
      room -= source.length + 1;
      this.slots[count++] = slot;
    }
    if (count === 0) return start;
    const { arena } = this.parts.desk;
    let at = writeSlotList(this.slots, count, arena, start + LIST_HEAD_BYTES);
    for (let i = 0; i < count; i++) {
      const source = this.sources[this.slots[i] as number] as HandSource;
      arena[at++] = handLag(this.tickMs, source.timeMs);
      for (let b = 0; b < source.length; b++) arena[at + b] = source.block[b] as number;
      at += source.length;
    }
    this.copied += count;
    return closeList(StreamSection.hands, arena, start, at);
  }

  private writeIntras(viewer: number, start: number, limit: number, left: number, depth: number): number {
    const row = viewer * HAND_VIEWS;
    const { arena } = this.parts.desk;
    let room = Math.min(left - depth * INTRA_LEFT, limit - start - LIST_HEAD_BYTES - slotListBytes(HAND_VIEWS));
    let count = 0;
    for (let i = 0; i < (this.counts[viewer] as number); i++) {
      const slot = this.shown[row + i] as number;
      const source = this.sources[slot];
      // The reference is the newest H0: after this tick's block, whichever layer that had.
      if (this.holds[row + i] === 1 || source === undefined || !source.encoder.reference.valid || this.tickMs - source.timeMs > STALE_MS) continue;
      if (room < BLOCK_ROOM) {
        this.waits[viewer] = 1;
        continue;
      }
      room -= BLOCK_ROOM;
      this.slots[count++] = slot;
      this.holds[row + i] = 1;
    }
    if (count === 0) return start;
    let at = writeSlotList(this.slots, count, arena, start + LIST_HEAD_BYTES);
    for (let i = 0; i < count; i++) {
      const source = this.sources[this.slots[i] as number] as HandSource;
      arena[at++] = handLag(this.tickMs, source.timeMs);
      at = source.encoder.intra(arena, at);
    }
    this.copied += count;
    return closeList(StreamSection.handsIntra, arena, start, at);
  }

  /** The viewer lacks this source's reference, or all of them. */
  breakChain(viewer: number, source: number): void {
    this.setHolds(viewer, source, 0);
  }
  breakChains(viewer: number): void {
    this.holds.fill(0, viewer * HAND_VIEWS, viewer * HAND_VIEWS + HAND_VIEWS);
  }

  private setHolds(viewer: number, source: number, value: number): void {
    const row = viewer * HAND_VIEWS;
    for (let i = 0; i < (this.counts[viewer] as number); i++) if (this.shown[row + i] === source) this.holds[row + i] = value;
  }

  private get tickMs(): number {
    return (this.parts.desk.tick * 1000) / this.parts.tickRateHz;
  }
}
