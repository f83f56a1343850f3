/**
 * The frame: a head and sections of blocks, decoded at the viewer. Layout in FORMAT.md; the server's plane writes it.
 *
 * [FR1] `decode` never throws on any bytes, calls the sink with finite values only, and takes time bounded by the body's length.
 * [FR2] A block that refers to what this viewer lacks is skipped with the rest of its group of eight; its slot is reported once by
 *       `drainMissing` so that the client can ask for intra blocks (poseNack), and again only after another second of misses.
 *       The rest of a list of slots is skipped in the same way.
 * [FR3] After an intra block a sample may be older than one shown before; consumers order by `timeMs`.
 */
import type { Rig } from "../motion/rig.ts";
import { LIMITS } from "../protocol/limits.ts";
import { BlockReader, Decoded } from "./block-reader.ts";
import { FarReader } from "./far-reader.ts";
import { FAR_COARSEST, FarBank, FarLayer } from "./far-stream.ts";
import { ReferenceBank } from "./references.ts";
import { SlotListReader } from "./slot-list.ts";
import { isStreamSection, StreamReader, type StreamSink } from "./streams/stream-reader.ts";
import { newPoseSample, type PoseSample } from "./types.ts";

export type FrameHead = { tick: number; inputAck: number; rig: Rig | undefined };
export type FrameSink = StreamSink & {
  /** Once per frame, first. `head` is reused. */
  onHead(head: FrameHead): void;
  /** Per source with news. `sample` is reused; `timeMs` is the room time of the measurement. */
  onPose(slot: number, sample: PoseSample): void;
};

export const FRAME_VERSION = 0;
/** Flags of the first byte, low bits; the version is in the high nibble. Bits 1 and 2 are the coarseness of the frame's far blocks. */
export const FrameFlag = { rig: 1 } as const;
export const COARSENESS_SHIFT = 1;
const UNUSED_FLAGS = 0x08;
export const HEAD_BYTES = 7;
export const RIG_BYTES = 14;
/** `fine` and `list` carry update blocks by groups of eight slots or by a list of slots; far ones are of the far stream. */
export const Section = { fine: 1, intra: 2, list: 3, far: 4, farHalf: 5, farIntra: 6 } as const;
/** A section of blocks by list begins with its kind and the length of the rest. */
export const LIST_HEAD_BYTES = 3;
/** Slots per group: one presence byte each. */
export const GROUP = 8;
export const MAX_GROUPS = LIMITS.people / GROUP;

const u16At = (b: Uint8Array, at: number): number => (b[at] as number) | ((b[at + 1] as number) << 8);
const i32At = (b: Uint8Array, at: number): number => u16At(b, at) | (u16At(b, at + 2) << 16);

export class FrameDecoder {
  readonly bank = new ReferenceBank(GROUP);
  private readonly reader: BlockReader;
  private readonly far: FarReader;
  private readonly streams: StreamReader;
  private readonly list = new SlotListReader();
  private readonly sample = newPoseSample();
  private readonly rig: Rig = { xMm: 0, yMm: 0, zMm: 0, yaw: 0 };
  private readonly head: FrameHead = { tick: 0, inputAck: 0, rig: undefined };
  /** Slot to tick at which it was last reported missing. */
  private readonly reported = new Map<number, number>();
  private readonly missing = new Set<number>();
  private at = 0;

  constructor(options: { tickRateHz: number }) {
    this.reader = new BlockReader(this.bank, options.tickRateHz);
    this.far = new FarReader(new FarBank(GROUP), options.tickRateHz);
    this.streams = new StreamReader(options.tickRateHz);
  }

  /** Decodes one frame body (what follows `[17][33]`). False when malformed; poses before the fault were delivered. */
  decode(body: Uint8Array, sink: FrameSink): boolean {
    if (!this.readHead(body)) return false;
    sink.onHead(this.head);
    while (this.at < body.length) {
      const section = body[this.at++] as number;
      if (!this.readSection(section, body, sink)) return false;
    }
    return true;
  }

  /** Slots whose references are missing, each at most once; at most `max` of them. */
  drainMissing(max: number): number[] {
    const slots: number[] = [];
    for (const slot of this.missing) {
      if (slots.length >= max) break;
      this.missing.delete(slot);
      this.reported.set(slot, this.head.tick);
      slots.push(slot);
    }
    return slots;
  }

  /** A person left: its slot may be given to somebody else. */
  forget(slot: number): void {
    this.missing.delete(slot);
    this.reported.delete(slot);
    if (slot < this.bank.capacity) this.bank.clear(slot);
    if (slot < this.far.bank.capacity) this.far.bank.clear(slot);
    this.streams.forget(slot);
  }

  private readSection(section: number, body: Uint8Array, sink: FrameSink): boolean {
    switch (section) {
      case Section.fine:
        return this.readFine(body, sink);
      case Section.intra:
        return this.readIntra(body, sink);
      case Section.list:
      case Section.far:
      case Section.farHalf:
      case Section.farIntra:
        return this.readList(section, body, sink);
      default:
        return isStreamSection(section) && this.readList(section, body, sink);
    }
  }

  private readHead(body: Uint8Array): boolean {
    if (body.length < HEAD_BYTES) return false;
    const flags = body[0] as number;
    if (flags >> 4 !== FRAME_VERSION || (flags & UNUSED_FLAGS) !== 0) return false;
    this.far.coarseness = (flags >> COARSENESS_SHIFT) & FAR_COARSEST;
    this.head.tick = i32At(body, 1) >>> 0;
    this.head.inputAck = u16At(body, 5);
    this.head.rig = undefined;
    this.at = HEAD_BYTES;
    if ((flags & FrameFlag.rig) === 0) return true;
    if (body.length < HEAD_BYTES + RIG_BYTES) return false;
    this.rig.xMm = i32At(body, 7);
    this.rig.yMm = i32At(body, 11);
    this.rig.zMm = i32At(body, 15);
    this.rig.yaw = u16At(body, 19);
    this.head.rig = this.rig;
    this.at = HEAD_BYTES + RIG_BYTES;
    return true;
  }

  private readFine(body: Uint8Array, sink: FrameSink): boolean {
    if (body.length - this.at < 2) return false;
    const first = body[this.at] as number;
    const count = body[this.at + 1] as number;
    let bitmap = this.at + 2;
    this.at = bitmap + ((count + 7) >> 3);
    if (first + count > MAX_GROUPS || this.at > body.length) return false;
    for (let g = 0; g < count; g++) {
      if (g > 0 && (g & 7) === 0) bitmap++;
      if (((body[bitmap] as number) >> (g & 7)) & 1 && !this.readGroup(body, (first + g) * GROUP, sink)) return false;
    }
    return true;
  }

  private readGroup(body: Uint8Array, base: number, sink: FrameSink): boolean {
    if (body.length - this.at < 3) return false;
    const presence = body[this.at] as number;
    const length = u16At(body, this.at + 1);
    let at = this.at + 3;
    const end = at + length;
    if (end > body.length) return false;
    this.at = end;
    let broken = false;
    for (let i = 0; i < GROUP; i++) {
      if (((presence >> i) & 1) === 0) continue;
      const slot = base + i;
      this.bank.grow(slot + 1);
      const outcome = broken ? Decoded.missing : this.reader.update(slot, this.head.tick, body, at, end);
      if (outcome === Decoded.malformed) return false;
      if (outcome === Decoded.missing) {
        if (!broken) this.lacks(slot);
        broken = true;
      } else {
        at = this.reader.end;
        this.deliver(slot, sink);
      }
    }
    return broken || at === end;
  }

  private readList(section: number, body: Uint8Array, sink: FrameSink): boolean {
    if (body.length - this.at < 2) return false;
    const end = this.at + 2 + u16At(body, this.at);
    if (end > body.length) return false;
    const count = this.list.read(body, this.at + 2, end);
    if (count === 0) return false;
    let at = this.list.end;
    this.at = end;
    for (let i = 0; i < count; i++) {
      const slot = this.list.slots[i] as number;
      const outcome = isStreamSection(section)
        ? this.streams.read(section, slot, this.head.tick, body, at, end, sink)
        : this.readListed(section, slot, body, at, end);
      if (outcome === Decoded.malformed) return false;
      if (outcome === Decoded.missing) {
        this.lacks(slot);
        return true;
      }
      at = this.listed(section, slot, sink);
    }
    return at === end;
  }

  /** Passes on what was read; the offset after it. */
  private listed(section: number, slot: number, sink: FrameSink): number {
    if (isStreamSection(section)) return this.streams.end;
    if (section === Section.list) {
      this.deliver(slot, sink);
      return this.reader.end;
    }
    this.deliverFar(slot, sink);
    return this.far.end;
  }

  private readListed(section: number, slot: number, body: Uint8Array, at: number, end: number): Decoded {
    const { tick } = this.head;
    if (section === Section.list) {
      this.bank.grow(slot + 1);
      return this.reader.update(slot, tick, body, at, end);
    }
    this.far.bank.grow(slot + 1);
    if (section === Section.farIntra) return this.far.intra(slot, tick, body, at, end);
    return this.far.update(slot, tick, section === Section.far ? FarLayer.c0 : FarLayer.c1, body, at, end);
  }

  private readIntra(body: Uint8Array, sink: FrameSink): boolean {
    if (body.length - this.at < 2) return false;
    const count = u16At(body, this.at);
    this.at += 2;
    for (let i = 0; i < count; i++) {
      if (body.length - this.at < 2) return false;
      const slot = u16At(body, this.at);
      if (slot >= LIMITS.people) return false;
      this.bank.grow(slot + 1);
      if (this.reader.intra(slot, this.head.tick, body, this.at + 2, body.length) !== Decoded.ok) return false;
      this.at = this.reader.end;
      this.missing.delete(slot);
      this.reported.delete(slot);
      this.deliver(slot, sink);
    }
    return true;
  }

  private deliver(slot: number, sink: FrameSink): void {
    const { entry } = this.reader;
    this.bank.readPose(entry, this.sample.pose, this.sample.states);
    this.sample.timeMs = this.reader.time.toMs(this.bank.time[entry] as number);
    sink.onPose(slot, this.sample);
  }

  private deliverFar(slot: number, sink: FrameSink): void {
    this.far.bank.readPose(this.sample.pose, this.sample.states);
    this.sample.timeMs = this.far.timeMs;
    this.missing.delete(slot);
    sink.onPose(slot, this.sample);
  }

  private lacks(slot: number): void {
    const last = this.reported.get(slot);
    if (last === undefined || Math.abs(this.head.tick - last) > this.reader.time.tickRateHz) this.missing.add(slot);
  }
}
