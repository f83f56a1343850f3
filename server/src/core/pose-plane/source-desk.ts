/**
 * The room's sources: takes samples, encodes each source at most once per tick, and keeps this tick's blocks where frames are
 * assembled from: in one arena, one fixed cell per slot, and again as ready groups of eight.
 *
 * [SD1] One update per source and tick: the newest sample wins.
 * [SD2] Sample times of a source rise; a sample not newer than the last is dropped.
 * [SD3] Nothing is allocated per tick.
 */
import {
  BlockWriter,
  Encoded,
  GROUP,
  Layer,
  MAX_BLOCK_BYTES,
  POSE_FLOATS,
  DEVICE_COUNT,
  newPoseSample,
  type PoseSample,
} from "@copresence/shared/pose";

/** Bytes of a group before its blocks: presence, length. */
export const GROUP_HEAD_BYTES = 3;
const GROUP_BYTES = GROUP_HEAD_BYTES + GROUP * MAX_BLOCK_BYTES;
/** `layers` of a source without a block this tick. */
export const NO_BLOCK = 255;

export class SourceDesk {
  readonly writer: BlockWriter;
  readonly capacity: number;
  readonly groups: number;
  /** This tick's blocks (slot * MAX_BLOCK_BYTES), then the groups, then room for a frame from `frameAt`. */
  readonly arena: Uint8Array;
  readonly frameAt: number;
  /** Per slot: layer of this tick's block, or NO_BLOCK; and its length. */
  readonly layers: Uint8Array;
  readonly lengths: Uint8Array;
  /** Per slot: 1 when somebody is there. */
  readonly present: Uint8Array;
  /** Per slot: ticks of the newest T0 and T1 sent, -1 for none. */
  readonly t0Tick: Float64Array;
  readonly t1Tick: Float64Array;
  /** Per group: bytes of the ready group, 0 when none of its sources has a block. */
  readonly groupLengths: Uint16Array;
  /** Slots whose references started anew at this tick: their viewers need intra blocks. */
  readonly restarted: Uint16Array;
  restartedCount = 0;
  tick = 0;
  private readonly fresh: Uint8Array;
  private readonly lastTime: Float64Array;
  private readonly poses: Float64Array;
  private readonly states: Uint8Array;
  private readonly sample: PoseSample = newPoseSample();

  constructor(options: { capacity: number; tickRateHz: number; frameBytes: number }) {
    const capacity = Math.ceil(options.capacity / GROUP) * GROUP;
    this.capacity = capacity;
    this.groups = capacity / GROUP;
    this.writer = new BlockWriter({ capacity, tickRateHz: options.tickRateHz });
    this.frameAt = capacity * MAX_BLOCK_BYTES + this.groups * GROUP_BYTES;
    this.arena = new Uint8Array(this.frameAt + options.frameBytes);
    this.layers = new Uint8Array(capacity).fill(NO_BLOCK);
    this.lengths = new Uint8Array(capacity);
    this.present = new Uint8Array(capacity);
    this.t0Tick = new Float64Array(capacity).fill(-1);
    this.t1Tick = new Float64Array(capacity).fill(-1);
    this.groupLengths = new Uint16Array(this.groups);
    this.restarted = new Uint16Array(capacity);
    this.fresh = new Uint8Array(capacity);
    this.lastTime = new Float64Array(capacity);
    this.poses = new Float64Array(capacity * POSE_FLOATS);
    this.states = new Uint8Array(capacity * DEVICE_COUNT);
  }

  add(slot: number): void {
    this.remove(slot);
    this.present[slot] = 1;
  }

  remove(slot: number): void {
    this.present[slot] = 0;
    this.fresh[slot] = 0;
    this.lastTime[slot] = Number.NEGATIVE_INFINITY;
    this.layers[slot] = NO_BLOCK;
    this.t0Tick[slot] = -1;
    this.t1Tick[slot] = -1;
    this.writer.reset(slot);
    this.bundle(Math.floor(slot / GROUP));
  }

  /** True when the sample was taken. */
  submit(slot: number, sample: PoseSample): boolean {
    if (this.present[slot] !== 1 || !(sample.timeMs > (this.lastTime[slot] as number))) return false;
    this.lastTime[slot] = sample.timeMs;
    const o = slot * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) this.poses[o + i] = sample.pose[i] as number;
    for (let d = 0; d < DEVICE_COUNT; d++) this.states[slot * DEVICE_COUNT + d] = sample.states[d] as number;
    this.fresh[slot] = 1;
    return true;
  }

  /** True once the source can be shown: it has sent a sample. */
  shown(slot: number): boolean {
    return this.present[slot] === 1 && (this.t0Tick[slot] as number) >= 0;
  }

  encodeTick(tick: number): void {
    this.tick = tick;
    this.restartedCount = 0;
    for (let slot = 0; slot < this.capacity; slot++) {
      this.layers[slot] = NO_BLOCK;
      if (this.fresh[slot] === 1) this.encode(slot, tick);
    }
    for (let group = 0; group < this.groups; group++) this.bundle(group);
  }

  private encode(slot: number, tick: number): void {
    const { sample, writer } = this;
    this.fresh[slot] = 0;
    sample.timeMs = this.lastTime[slot] as number;
    const o = slot * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) sample.pose[i] = this.poses[o + i] as number;
    for (let d = 0; d < DEVICE_COUNT; d++) sample.states[d] = this.states[slot * DEVICE_COUNT + d] as number;
    const at = slot * MAX_BLOCK_BYTES;
    const outcome = writer.encode(slot, tick, sample, this.arena, at);
    if (outcome === Encoded.reset) {
      this.restarted[this.restartedCount++] = slot;
      this.t0Tick[slot] = tick;
      this.t1Tick[slot] = -1;
    }
    if (outcome !== Encoded.block) return;
    this.layers[slot] = writer.layer;
    this.lengths[slot] = writer.end - at;
    if (writer.layer === Layer.t0) this.t0Tick[slot] = tick;
    else if (writer.layer === Layer.t1) this.t1Tick[slot] = tick;
  }

  /** Offset of a ready group in the arena. */
  groupAt(group: number): number {
    return this.capacity * MAX_BLOCK_BYTES + group * GROUP_BYTES;
  }

  private bundle(group: number): void {
    const { arena } = this;
    const start = this.groupAt(group);
    let at = start + GROUP_HEAD_BYTES;
    let presence = 0;
    for (let i = 0; i < GROUP; i++) {
      const slot = group * GROUP + i;
      if (this.layers[slot] === NO_BLOCK) continue;
      presence |= 1 << i;
      const from = slot * MAX_BLOCK_BYTES;
      const length = this.lengths[slot] as number;
      for (let b = 0; b < length; b++) arena[at + b] = arena[from + b] as number;
      at += length;
    }
    const length = at - start - GROUP_HEAD_BYTES;
    arena[start] = presence;
    arena[start + 1] = length & 0xff;
    arena[start + 2] = length >> 8;
    this.groupLengths[group] = presence === 0 ? 0 : at - start;
  }
}
