/**
 * The pose plane of one room: who is sent whose blocks, and the frame of each viewer and tick.
 *
 * [PP1] A source is encoded at most once per tick; blocks are copied, never re-encoded.
 * [PP2] A viewer is sent a block only when it holds every reference of the block: T0 after an intra block or an unbroken chain,
 *       T1 after that T0, T2 after a T1 of the same chain. What breaks a chain (join, NACK, a skipped frame, a tier without T0)
 *       is answered with an intra block.
 * [PP3] A viewer is never sent itself, nor a source that has sent nothing.
 * [PP4] A frame never exceeds LIMITS.frameBytes: intra blocks that do not fit wait for the next tick, and so do groups, as broken chains.
 * [PP5] A frame is sent at least every HEARTBEAT_MS, so the viewer's clock and acknowledgement move on when nobody does.
 */
import { FRAME_VERSION, FrameFlag, type FrameHead, GROUP, Layer, MAX_BLOCK_BYTES, type PoseSample, Section } from "@copresence/shared/pose";
import { ENVELOPE_BYTES, LIMITS, messageId, ROOM_DATA_BYTES } from "@copresence/shared/protocol";
import { PoseHistory } from "./history.ts";
import { GROUP_HEAD_BYTES, NO_BLOCK, SourceDesk } from "./source-desk.ts";
import { tierName, ViewerLinks } from "./viewer-links.ts";

export type Explanation = { readonly tier: string; readonly score: number; readonly why: string };

/** Longest silence towards a viewer whose room stands still. */
const HEARTBEAT_MS = 250;
const FRAME_ID = messageId("frame");
/** Longest intra block with its slot; frames leave this much room before adding another. */
const INTRA_ROOM = MAX_BLOCK_BYTES + 2;

export class PosePlane {
  private readonly desk: SourceDesk;
  private readonly history: PoseHistory;
  private readonly links: ViewerLinks;
  private readonly heartbeatTicks: number;
  /** Arena offsets while a frame is written. */
  private at = 0;
  private readonly limit: number;

  constructor(options: { capacity: number; tickRateHz: number }) {
    this.desk = new SourceDesk({ ...options, frameBytes: ENVELOPE_BYTES + LIMITS.frameBytes + GROUP * MAX_BLOCK_BYTES });
    this.history = new PoseHistory(this.desk.capacity);
    this.links = new ViewerLinks(this.desk.capacity);
    this.heartbeatTicks = Math.max(1, Math.floor((HEARTBEAT_MS * options.tickRateHz) / 1000));
    this.limit = this.desk.frameAt + ENVELOPE_BYTES + LIMITS.frameBytes;
  }

  /** Somebody takes a slot: a source without samples yet, and a viewer of everybody else. */
  add(slot: number): void {
    this.desk.add(slot);
    this.history.clear(slot);
    this.links.add(slot);
  }

  remove(slot: number): void {
    this.desk.remove(slot);
    this.history.clear(slot);
    this.links.remove(slot);
  }

  /** A judged sample in the room's frame. Not newer than the last one: ignored. Copied. */
  submit(slot: number, sample: PoseSample): void {
    if (this.desk.submit(slot, sample)) this.history.push(slot, sample.timeMs, sample.pose);
  }

  /** Encodes what was submitted since the last tick. Once per tick, before the frames. */
  encodeTick(tick: number): void {
    this.desk.encodeTick(tick);
    for (let i = 0; i < this.desk.restartedCount; i++) this.links.sourceRestarted(this.desk.restarted[i] as number);
  }

  /**
   * The viewer's frame of the encoded tick, whole message `[17][33][body]`, a view into the plane's buffer valid until the next
   * call; undefined when there is nothing to say.
   */
  writeFrame(viewer: number, head: FrameHead): Uint8Array | undefined {
    const { desk, links } = this;
    const { arena, frameAt } = desk;
    this.writeHead(head);
    const bodyAt = this.at;
    links.beginFrame(viewer, desk.tick);
    this.writeFine(viewer);
    this.writeIntras(viewer);
    const idle = this.at === bodyAt && head.rig === undefined && !links.ackMoved(viewer, head.inputAck);
    if (idle && desk.tick - links.lastSentTick(viewer) < this.heartbeatTicks) return undefined;
    links.sent(viewer, desk.tick, head.inputAck);
    return arena.subarray(frameAt, this.at);
  }

  /** The viewer says it lacks these sources' references. */
  needIntra(viewer: number, slots: readonly number[]): void {
    for (const slot of slots) if (slot >= 0 && slot < this.desk.capacity) this.links.breakChain(viewer, slot);
  }

  /** The last frame written for this viewer (or the one before) never left: what it carried is missing there. */
  frameSkipped(viewer: number): void {
    this.links.frameSkipped(viewer, this.desk.t0Tick, this.desk.t1Tick);
  }

  /** Pose of a source at room time `timeMs` within the last 500 ms, for judging in rewound time. */
  poseAt(slot: number, timeMs: number, out: Float64Array): boolean {
    return slot >= 0 && slot < this.desk.capacity && this.history.at(slot, timeMs, out);
  }

  /** Which tier `viewer` gets `source` in, with which score, and why. */
  explain(viewer: number, source: number): Explanation {
    const { desk, links } = this;
    if (viewer === source) return { tier: "none", score: 0, why: "a viewer is never sent itself" };
    if (desk.present[source] !== 1) return { tier: "none", score: 0, why: "nobody is in that slot" };
    const tier = links.tier(viewer, source);
    if (!desk.shown(source)) return { tier: tierName(tier), score: 1, why: "the source has not sent a sample yet" };
    return { tier: tierName(tier), score: 1, why: `one cell, everybody to everybody; ${links.chainState(viewer, source)}` };
  }

  private writeHead(head: FrameHead): void {
    const { arena, frameAt } = this.desk;
    this.at = frameAt;
    arena[this.at++] = ROOM_DATA_BYTES;
    arena[this.at++] = FRAME_ID;
    arena[this.at++] = (FRAME_VERSION << 4) | (head.rig === undefined ? 0 : FrameFlag.rig);
    this.put32(head.tick);
    this.put16(head.inputAck);
    if (head.rig === undefined) return;
    this.put32(head.rig.xMm);
    this.put32(head.rig.yMm);
    this.put32(head.rig.zMm);
    this.put16(head.rig.yaw);
  }

  /** The section of shared update blocks; absent when it would be empty. */
  private writeFine(viewer: number): void {
    const { desk, links } = this;
    const { arena, groups } = desk;
    const start = this.at;
    const bitmap = start + 3;
    this.at = bitmap + ((groups + 7) >> 3);
    arena.fill(0, start, this.at);
    let any = false;
    for (let group = 0; group < groups; group++) {
      const length = desk.groupLengths[group] as number;
      if (length === 0) continue;
      const wrote =
        this.at + length > this.limit
          ? this.skipGroup(viewer, group)
          : links.wholeGroup(viewer, group)
            ? this.copyGroup(group, length)
            : this.pickGroup(viewer, group);
      if (!wrote) continue;
      any = true;
      arena[bitmap + (group >> 3)] = (arena[bitmap + (group >> 3)] as number) | (1 << (group & 7));
    }
    if (!any) {
      this.at = start;
      return;
    }
    arena[start] = Section.fine;
    arena[start + 1] = 0;
    arena[start + 2] = groups;
  }

  /** Every source of the group goes to this viewer in full: one copy. */
  private copyGroup(group: number, length: number): boolean {
    const from = this.desk.groupAt(group);
    this.desk.arena.copyWithin(this.at, from, from + length);
    this.at += length;
    return true;
  }

  /** Copies the blocks that this viewer may have, one by one, and keeps its chains' state. */
  private pickGroup(viewer: number, group: number): boolean {
    const { desk, links } = this;
    const { arena } = desk;
    const start = this.at;
    let at = start + GROUP_HEAD_BYTES;
    let presence = 0;
    for (let i = 0; i < GROUP; i++) {
      const slot = group * GROUP + i;
      const layer = desk.layers[slot] as number;
      if (layer === NO_BLOCK || slot === viewer || !links.takes(viewer, slot, layer as Layer)) continue;
      presence |= 1 << i;
      const from = slot * MAX_BLOCK_BYTES;
      const length = desk.lengths[slot] as number;
      for (let b = 0; b < length; b++) arena[at + b] = arena[from + b] as number;
      at += length;
    }
    if (presence === 0) return false;
    const length = at - start - GROUP_HEAD_BYTES;
    arena[start] = presence;
    arena[start + 1] = length & 0xff;
    arena[start + 2] = length >> 8;
    this.at = at;
    return true;
  }

  /** The frame is full: this group's chains break and are mended by intra blocks later. */
  private skipGroup(viewer: number, group: number): boolean {
    for (let i = 0; i < GROUP; i++) {
      const slot = group * GROUP + i;
      if (this.desk.layers[slot] !== NO_BLOCK) this.links.breakChain(viewer, slot);
    }
    return false;
  }

  /** The section of intra blocks for sources whose chain is broken, as many as fit. */
  private writeIntras(viewer: number): void {
    const { desk, links } = this;
    if (!links.wantsIntras(viewer)) return;
    const start = this.at;
    if (start + 3 + INTRA_ROOM > this.limit) return;
    this.at = start + 3;
    let count = 0;
    let waiting = 0;
    for (let slot = 0; slot < desk.capacity; slot++) {
      if (slot === viewer || !links.wantsIntra(viewer, slot)) continue;
      if (!desk.shown(slot)) continue;
      if (this.at + INTRA_ROOM > this.limit) {
        waiting++;
        continue;
      }
      this.put16(slot);
      this.at = desk.writer.intra(slot, desk.tick, desk.arena, this.at);
      links.intraSent(viewer, slot);
      count++;
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

  private put16(value: number): void {
    this.desk.arena[this.at++] = value & 0xff;
    this.desk.arena[this.at++] = (value >> 8) & 0xff;
  }
  private put32(value: number): void {
    this.put16(value);
    this.put16(value >> 16);
  }
}
