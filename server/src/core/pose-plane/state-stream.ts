/**
 * A stream whose blocks are whole states (buttons and gestures, gaze): sent to those who have the source near when it changed, and again
 * now and then, because a datagram may get lost.
 *
 * [SS1] Per viewer and source one bit says that the newest block is owed; it is cleared when the block went into a frame.
 * [SS2] What a viewer does not take, or has no tokens for, stays owed: the newest state comes later, never an old one.
 * [SS3] Nothing is allocated after the first block of the room.
 */
import { LIST_HEAD_BYTES, slotListBytes, writeSlotList } from "@copresence/shared/pose";
import { BitRows } from "./bit-rows.ts";
import { closeList } from "./far-desk.ts";
import type { SourceDesk } from "./source-desk.ts";
import type { ViewerLinks } from "./viewer-links.ts";

/** States that one frame carries; the rest follows in the next. */
const PER_FRAME = 64;
const REFRESH_MS = 2000;
/** Part of the bucket that must be left. */
const LEFT = 0.1;

export type StateStreamOptions = {
  readonly desk: SourceDesk;
  readonly links: ViewerLinks;
  readonly tickRateHz: number;
  readonly section: number;
  /** Longest block. */
  readonly blockBytes: number;
};

export class StateStream {
  private readonly options: StateStreamOptions;
  private readonly refreshTicks: number;
  private readonly lengths: Uint8Array;
  private blocks: Uint8Array = new Uint8Array(0);
  private owed: BitRows | undefined;
  private readonly slots = new Uint16Array(PER_FRAME);

  constructor(options: StateStreamOptions) {
    this.options = options;
    this.refreshTicks = Math.max(1, Math.floor((REFRESH_MS * options.tickRateHz) / 1000));
    this.lengths = new Uint8Array(options.desk.capacity);
  }

  /** Where to write the source's newest block, `blockBytes` long; `submitted` says how much of it was written. */
  get buffer(): Uint8Array {
    return this.room().blocks;
  }
  blockAt(slot: number): number {
    return slot * this.options.blockBytes;
  }
  submitted(slot: number, length: number): void {
    const { owed } = this.room();
    this.lengths[slot] = length;
    this.owe(owed, slot);
  }

  remove(slot: number): void {
    this.lengths[slot] = 0;
    this.owed?.fillRow(slot, true);
  }

  /** Whatever was sent to the viewer lately may not have come. */
  oweAll(viewer: number): void {
    this.owed?.fillRow(viewer, true);
  }

  encodeTick(tick: number): void {
    const { owed } = this;
    if (owed === undefined) return;
    for (let slot = tick % this.refreshTicks; slot < this.lengths.length; slot += this.refreshTicks)
      if ((this.lengths[slot] as number) > 0) this.owe(owed, slot);
  }

  /** Appends what the viewer is owed to its frame; the offset after it. `left`, `depth`: as HandDesk.write. */
  write(viewer: number, start: number, limit: number, left: number, depth: number): number {
    const { owed, slots, lengths } = this;
    const { desk, links, section, blockBytes } = this.options;
    if (owed === undefined) return start;
    const { bits, words } = links.near;
    let room = Math.min(left - depth * LEFT, limit - start - LIST_HEAD_BYTES - slotListBytes(PER_FRAME));
    let count = 0;
    for (let w = 0; w < words; w++) {
      for (let set = (bits[viewer * words + w] as number) & (owed.bits[viewer * words + w] as number); set !== 0; set &= set - 1) {
        const slot = (w << 5) + 31 - Math.clz32(set & -set);
        const length = lengths[slot] as number;
        if (length === 0 || room < length || count === PER_FRAME) continue;
        room -= length;
        slots[count++] = slot;
        owed.clear(viewer, slot);
      }
    }
    if (count === 0) return start;
    const { arena } = desk;
    let at = writeSlotList(slots, count, arena, start + LIST_HEAD_BYTES);
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const from = slot * blockBytes;
      const length = lengths[slot] as number;
      for (let b = 0; b < length; b++) arena[at + b] = this.blocks[from + b] as number;
      at += length;
    }
    return closeList(section, arena, start, at);
  }

  private owe(owed: BitRows, slot: number): void {
    for (let viewer = 0; viewer < this.lengths.length; viewer++) owed.set(viewer, slot);
  }

  private room(): { readonly owed: BitRows; readonly blocks: Uint8Array } {
    const { capacity } = this.options.desk;
    if (this.owed === undefined) {
      this.owed = new BitRows(capacity, capacity);
      this.owed.bits.fill(-1);
      this.blocks = new Uint8Array(capacity * this.options.blockBytes);
    }
    return { owed: this.owed, blocks: this.blocks };
  }
}
