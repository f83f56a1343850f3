/**
 * Puts one viewer's frame of this tick together from ready blocks: near sources from the fine stream, everybody else from the far one.
 *
 * [FA1] Blocks are copied, never re-encoded; a bundle that the viewer takes whole is one copy.
 * [FA2] A viewer is sent a block only when it holds every reference of the block: T0 after an intra block or an unbroken chain,
 *       T1 after that T0, T2 after a T1 of the same chain, far blocks after a far intra block or an unbroken chain of C0. What breaks a
 *       chain (join, NACK, a skipped frame, a cell not taken for a while) is answered with an intra block.
 * [FA3] A frame never exceeds LIMITS.frameBytes: what does not fit waits for the next tick, as broken chains.
 * [FA4] Updates were planned by interest and always go; intra blocks wait while the viewer's tokens are spent.
 */
import {
  COARSENESS_SHIFT,
  FarLayer,
  FRAME_VERSION,
  FrameFlag,
  type FrameHead,
  GROUP,
  LIST_HEAD_BYTES,
  MAX_BLOCK_BYTES,
  MAX_FAR_BYTES,
  Section,
  slotListBytes,
  writeSlotList,
} from "@copresence/shared/pose";
import { ENVELOPE_BYTES, LIMITS, messageId, ROOM_DATA_BYTES } from "@copresence/shared/protocol";
import type { Budgets } from "./budgets.ts";
import { CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";
import { closeList, type FarDesk, lowest } from "./far-desk.ts";
import type { Interest } from "./interest.ts";
import { GROUP_HEAD_BYTES, NO_BLOCK, type SourceDesk } from "./source-desk.ts";
import type { StreamPlane } from "./stream-plane.ts";
import { Tier } from "./tiers.ts";
import type { ViewerLinks } from "./viewer-links.ts";

const FRAME_ID = messageId("frame");
/** Longest intra block with its slot; frames leave this much room before adding another. */
const INTRA_ROOM = MAX_BLOCK_BYTES + 2;
/** Room that the last thing to be written below the limit may need beyond it. */
export const FRAME_ROOM = ENVELOPE_BYTES + LIMITS.frameBytes + GROUP * MAX_BLOCK_BYTES;
/** Far intra blocks of one frame. */
const FAR_INTRAS = 512;
/** Groups of eight are worth their heads when at least this part of the room is near. */
const GROUPED_PART = 0.5;
const GROUP_MASK = (1 << GROUP) - 1;

export type AssemblerParts = {
  readonly desk: SourceDesk;
  readonly far: FarDesk;
  readonly grid: CellGrid;
  readonly links: ViewerLinks;
  readonly interest: Interest;
  readonly budgets: Budgets;
  readonly streams: StreamPlane;
};

export class FrameAssembler {
  /** Offsets of the frame under work: where it begins, and after what was written. */
  frameAt = 0;
  at = 0;
  private readonly parts: AssemblerParts;
  private limit = 0;
  private readonly slots: Uint16Array;
  /** Bits of the near sources whose block goes into the frame. */
  private readonly taken: Int32Array;
  private readonly owed = new Uint16Array(FAR_INTRAS);
  private owedCount = 0;
  /** Arena offsets of whole bundles taken and not yet copied. */
  private runFrom = 0;
  private runTo = 0;

  constructor(parts: AssemblerParts) {
    this.parts = parts;
    this.slots = new Uint16Array(parts.desk.capacity);
    this.taken = new Int32Array(parts.desk.blocks.words);
  }

  /** Writes the whole message `[17][33][body]` at arena offset `frameAt`, which has FRAME_ROOM bytes; true when it says more than its head. */
  write(viewer: number, head: FrameHead, frameAt: number): boolean {
    this.frameAt = frameAt;
    this.limit = frameAt + ENVELOPE_BYTES + LIMITS.frameBytes;
    this.writeHead(head);
    const bodyAt = this.at;
    this.writeFine(viewer);
    this.writeFar(viewer);
    this.writeIntras(viewer);
    this.writeFarIntras(viewer);
    this.at = this.parts.streams.write(viewer, frameAt, this.at, this.limit);
    return this.at > bodyAt;
  }

  private writeHead(head: FrameHead): void {
    const { arena } = this.parts.desk;
    this.at = this.frameAt;
    arena[this.at++] = ROOM_DATA_BYTES;
    arena[this.at++] = FRAME_ID;
    arena[this.at++] = (FRAME_VERSION << 4) | (this.parts.far.coarseness << COARSENESS_SHIFT) | (head.rig === undefined ? 0 : FrameFlag.rig);
    this.put32(head.tick);
    this.put16(head.inputAck);
    if (head.rig === undefined) return;
    this.put32(head.rig.xMm);
    this.put32(head.rig.yMm);
    this.put32(head.rig.zMm);
    this.put16(head.rig.yaw);
  }

  private writeFine(viewer: number): void {
    const { desk, links } = this.parts;
    const near = links.nearCount[viewer] as number;
    if (near === 0) return;
    links.take(viewer, desk.blocks, this.taken);
    if (near >= GROUPED_PART * desk.shownCount) this.writeGroups(viewer);
    else this.writeNear(viewer);
  }

  /** The section of near sources' blocks by list. */
  private writeNear(viewer: number): void {
    const { desk } = this.parts;
    const { arena, memory } = desk;
    const { slots, taken } = this;
    let count = 0;
    for (let w = 0; w < taken.length; w++) for (let set = taken[w] as number; set !== 0; set &= set - 1) slots[count++] = (w << 5) + lowest(set);
    if (count === 0) return;
    const start = this.at;
    let at = writeSlotList(slots, count, arena, start + LIST_HEAD_BYTES);
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const from = desk.blockAt[slot] as number;
      const length = desk.lengths[slot] as number;
      if (at + length > this.limit) return this.breakChains(viewer, slots, count, start);
      memory.copy(at, from, length);
      at += length;
    }
    this.at = closeList(Section.list, arena, start, at);
  }

  private breakChains(viewer: number, slots: Uint16Array, count: number, start: number): void {
    for (let i = 0; i < count; i++) this.parts.links.breakChain(viewer, slots[i] as number);
    this.at = start;
  }

  /** The section of update blocks by groups of eight slots; absent when it would be empty. */
  private writeGroups(viewer: number): void {
    const { desk } = this.parts;
    const { arena, groups } = desk;
    desk.bundleGroups();
    const start = this.at;
    const bitmap = start + 3;
    this.at = bitmap + ((groups + 7) >> 3);
    arena.fill(0, start, this.at);
    let last = -1;
    for (let group = 0; group < groups; group++) {
      const length = desk.groupLengths[group] as number;
      if (length === 0) continue;
      const wrote = this.at + length > this.limit ? this.skipGroup(viewer, group) : this.pickGroup(group, length);
      if (!wrote) continue;
      last = group;
      arena[bitmap + (group >> 3)] = (arena[bitmap + (group >> 3)] as number) | (1 << (group & 7));
    }
    if (last < 0) {
      this.at = start;
      return;
    }
    arena[start] = Section.fine;
    arena[start + 1] = 0;
    arena[start + 2] = groups;
  }

  /** Copies the blocks that this viewer may have: the ready group where that is all of them. */
  private pickGroup(group: number, length: number): boolean {
    const { desk } = this.parts;
    const { arena, memory } = desk;
    const taken = ((this.taken[group >> 2] as number) >>> ((group & 3) * GROUP)) & GROUP_MASK;
    if (taken === 0) return false;
    const ready = desk.groupAt(group);
    if (taken === arena[ready]) {
      arena.copyWithin(this.at, ready, ready + length);
      this.at += length;
      return true;
    }
    const start = this.at;
    let at = start + GROUP_HEAD_BYTES;
    for (let set = taken; set !== 0; set &= set - 1) {
      const slot = group * GROUP + lowest(set);
      const blockLength = desk.lengths[slot] as number;
      memory.copy(at, desk.blockAt[slot] as number, blockLength);
      at += blockLength;
    }
    const bytes = at - start - GROUP_HEAD_BYTES;
    arena[start] = taken;
    arena[start + 1] = bytes & 0xff;
    arena[start + 2] = bytes >> 8;
    this.at = at;
    return true;
  }

  /** The frame is full: this group's chains break and are mended by intra blocks later. */
  private skipGroup(viewer: number, group: number): boolean {
    const { desk, links } = this.parts;
    for (let i = 0; i < GROUP; i++) {
      const slot = group * GROUP + i;
      if (desk.layers[slot] !== NO_BLOCK && links.isNear(viewer, slot)) links.breakChain(viewer, slot);
    }
    return false;
  }

  /** The due cells' bundles, whole or picked, and who of them is owed a far intra block. */
  private writeFar(viewer: number): void {
    const { far, interest, links, desk } = this.parts;
    const { dueCount } = far;
    this.owedCount = 0;
    if (dueCount === 0) return;
    // Starts elsewhere for each viewer and tick: where tokens or bytes run out, it is not always the same cells that wait.
    let due = (viewer + desk.tick) % dueCount;
    this.runFrom = this.runTo = 0;
    for (let i = 0; i < dueCount; i++, due = due + 1 === dueCount ? 0 : due + 1) {
      const cell = far.dueCells[due] as number;
      const tier = interest.cellTier(viewer, cell);
      if (tier === Tier.none || (tier === Tier.c0 && far.dueLayers[due] === FarLayer.c1)) continue;
      const lacking = links.lacks.ofCell(viewer, cell);
      if (lacking === 0) this.takeBundle(viewer, due);
      else {
        this.copyRun();
        this.pickCell(viewer, due, lacking);
      }
    }
    this.copyRun();
  }

  /** Bundles lie one behind the other, so those taken in a row are one copy. */
  private takeBundle(viewer: number, due: number): void {
    const { far } = this.parts;
    const length = far.dueLengths[due] as number;
    if (length === 0) return;
    const from = far.dueAt[due] as number;
    if (from !== this.runTo) {
      this.copyRun();
      this.runFrom = this.runTo = from;
    }
    if (this.at + this.runTo - this.runFrom + length > this.limit) this.skipCell(viewer, due);
    else this.runTo += length;
  }

  private copyRun(): void {
    const length = this.runTo - this.runFrom;
    if (length > 0) this.parts.desk.arena.copyWithin(this.at, this.runFrom, this.runTo);
    this.at += length;
    this.runFrom = this.runTo = 0;
  }

  /** A due cell of which the viewer does not take everybody: `lacking` is a mask of members. */
  private pickCell(viewer: number, due: number, lacking: number): void {
    const { far } = this.parts;
    if (far.dueLayers[due] === FarLayer.c0) this.oweIntras(viewer, far.dueCells[due] as number, lacking);
    const taken = (far.dueNews[due] as number) & ~lacking;
    if (taken === 0) return;
    if (this.at + CELL_MEMBERS * MAX_FAR_BYTES > this.limit) return this.skipCell(viewer, due);
    this.at = far.pick(due, taken, this.at);
  }

  /** Notes down whom of the cell's lacking members the viewer is owed an intra block of. */
  private oweIntras(viewer: number, cell: number, lacking: number): void {
    const { far, grid, links } = this.parts;
    for (let set = lacking; set !== 0; set &= set - 1) {
      const slot = grid.members[cell * CELL_MEMBERS + lowest(set)] as number;
      if (this.owedCount < FAR_INTRAS && links.wantsFarIntra(viewer, slot) && far.hasC0(slot)) this.owed[this.owedCount++] = slot;
    }
  }

  private skipCell(viewer: number, due: number): void {
    const { far, grid, links } = this.parts;
    if (far.dueLayers[due] === FarLayer.c1) return;
    const cell = far.dueCells[due] as number;
    const base = cell * CELL_MEMBERS;
    for (let i = grid.counts[cell] as number; i-- > 0;) links.lack(viewer, grid.members[base + i] as number);
  }

  /** The section of intra blocks for near sources whose chain is broken, as many as fit and tokens allow. */
  private writeIntras(viewer: number): void {
    const { desk, links } = this.parts;
    if (!links.wantsIntras(viewer)) return;
    const start = this.at;
    const end = this.intraLimit(viewer);
    if (start + 3 > end) return;
    this.at = start + 3;
    const { words } = links.near;
    let count = 0;
    let waiting = 0;
    for (let i = 0; i < words; i++) {
      const w = (i + desk.tick) % words;
      for (let set = links.intrasWanted(viewer, w); set !== 0; set &= set - 1) {
        const slot = (w << 5) + lowest(set);
        if (!desk.shown(slot)) continue;
        if (this.at > end) {
          waiting++;
          continue;
        }
        this.put16(slot);
        this.at = desk.intra(slot, this.at);
        links.intraSent(viewer, slot);
        count++;
      }
    }
    if (waiting === 0) links.intrasDone(viewer);
    if (count === 0) {
      this.at = start;
      return;
    }
    desk.arena[start] = Section.intra;
    desk.arena[start + 1] = count & 0xff;
    desk.arena[start + 2] = count >> 8;
  }

  /** Offset up to which intra blocks may begin: what the viewer's tokens are worth beyond what the frame holds, and the frame's limit. */
  private intraLimit(viewer: number): number {
    const { budgets } = this.parts;
    return Math.min(this.frameAt + (budgets.tokens[viewer] as number), this.limit - INTRA_ROOM);
  }

  private writeFarIntras(viewer: number): void {
    const { desk, far, links } = this.parts;
    const room = this.intraLimit(viewer) - this.at;
    const each = 28;
    const count = Math.min(this.owedCount, Math.floor(room / each), Math.floor((this.limit - this.at) / (MAX_FAR_BYTES + slotListBytes(1))));
    if (count <= 0) return;
    const { owed } = this;
    sort(owed, count);
    const start = this.at;
    let at = writeSlotList(owed, count, desk.arena, start + LIST_HEAD_BYTES);
    for (let i = 0; i < count; i++) {
      const slot = owed[i] as number;
      at = far.intra(slot, at);
      links.farIntraSent(viewer, slot);
    }
    this.at = closeList(Section.farIntra, desk.arena, start, at);
  }

  private put16(value: number): void {
    const { arena } = this.parts.desk;
    arena[this.at++] = value & 0xff;
    arena[this.at++] = (value >> 8) & 0xff;
  }
  private put32(value: number): void {
    this.put16(value);
    this.put16(value >> 16);
  }
}

/** Sorts values[0..count) in place: a few runs of rising values, one a cell. */
function sort(values: Uint16Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number;
    let at = i;
    for (; at > 0 && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number;
    values[at] = value;
  }
}
