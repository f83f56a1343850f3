/**
 * The room's sources: takes samples, encodes each source at most once per tick, and keeps this tick's blocks where frames are
 * assembled from: in the arena, packed one behind the other (a thousand stay in a core's nearest cache), and as ready groups of eight.
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
import { type Arena, COPY_SLACK, IntraCache } from "./arena.ts";
import { BitRows } from "./bit-rows.ts";
import { reviewTicks } from "./tiers.ts";

/** Bytes of a group before its blocks: presence, length. */
export const GROUP_HEAD_BYTES = 3;
const GROUP_BYTES = GROUP_HEAD_BYTES + GROUP * MAX_BLOCK_BYTES + COPY_SLACK;
/** `layers` of a source without a block this tick. */
export const NO_BLOCK = 255;
const LAYERS = 3;
/** x y z of a head, and one to fill up. */
export const HEAD_FLOATS = 4;
/** Bytes a source costs per second and layer before anything is known, and how fast that is learned. */
const FIRST_COST = 120;
const COST_MEMORY = 0.7;

/** Arena bytes the desk needs. */
export const deskBytes = (capacity: number): number => 2 * capacity * MAX_BLOCK_BYTES + (capacity / GROUP) * GROUP_BYTES;

export class SourceDesk {
  readonly writer: BlockWriter;
  readonly capacity: number;
  readonly groups: number;
  /** This tick's blocks, packed from the arena's start, then the groups, then intra blocks. */
  readonly arena: Uint8Array;
  readonly memory: Arena;
  /** Per slot: where this tick's block begins. */
  readonly blockAt: Int32Array;
  /** Per slot: layer of this tick's block, or NO_BLOCK; and its length. */
  readonly layers: Uint8Array;
  readonly lengths: Uint8Array;
  /** The sources with a block this tick, a row per layer: `layers` once more, for those who ask about many at once. */
  readonly blocks: BitRows;
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
  private bundled = false;
  /** Sources that can be shown. */
  shownCount = 0;
  /** Float32Array[3n]: what a source's layers cost lately, bytes per second: T0, T1, T2. */
  readonly costs: Float32Array;
  /** Newest sample per slot: room time, 21 floats, 3 states. */
  readonly lastTime: Float64Array;
  readonly poses: Float64Array;
  readonly states: Uint8Array;
  /** Float32Array[4n]: x y z of the head, m, close together for those who compare many. */
  readonly heads: Float32Array;
  private at = 0;
  private readonly intras: IntraCache;
  private readonly fresh: Uint8Array;
  private readonly spent: Float32Array;
  private readonly reviewTicks: number;
  private readonly reviewHz: number;
  private readonly sample: PoseSample = newPoseSample();

  /** `capacity` is a multiple of GROUP. */
  constructor(options: { readonly capacity: number; readonly tickRateHz: number; readonly memory: Arena }) {
    const { capacity } = options;
    this.capacity = capacity;
    this.groups = capacity / GROUP;
    this.writer = new BlockWriter({ capacity, tickRateHz: options.tickRateHz });
    this.memory = options.memory;
    this.arena = options.memory.bytes;
    this.intras = new IntraCache({ capacity, each: MAX_BLOCK_BYTES, base: this.groupAt(this.groups) });
    this.blockAt = new Int32Array(capacity);
    this.layers = new Uint8Array(capacity).fill(NO_BLOCK);
    this.lengths = new Uint8Array(capacity);
    this.blocks = new BitRows(LAYERS, capacity);
    this.present = new Uint8Array(capacity);
    this.t0Tick = new Float64Array(capacity).fill(-1);
    this.t1Tick = new Float64Array(capacity).fill(-1);
    this.groupLengths = new Uint16Array(this.groups);
    this.restarted = new Uint16Array(capacity);
    this.fresh = new Uint8Array(capacity);
    this.lastTime = new Float64Array(capacity);
    this.poses = new Float64Array(capacity * POSE_FLOATS);
    this.states = new Uint8Array(capacity * DEVICE_COUNT);
    this.heads = new Float32Array(capacity * HEAD_FLOATS);
    this.costs = new Float32Array(capacity * LAYERS);
    this.spent = new Float32Array(capacity * LAYERS);
    this.reviewTicks = reviewTicks(options.tickRateHz);
    this.reviewHz = options.tickRateHz / this.reviewTicks;
  }

  add(slot: number): void {
    this.remove(slot);
    this.present[slot] = 1;
    this.costs.fill(FIRST_COST, slot * LAYERS, slot * LAYERS + LAYERS);
    this.spent.fill(0, slot * LAYERS, slot * LAYERS + LAYERS);
  }

  remove(slot: number): void {
    if (this.shown(slot)) this.shownCount--;
    this.present[slot] = 0;
    this.fresh[slot] = 0;
    this.lastTime[slot] = Number.NEGATIVE_INFINITY;
    this.layers[slot] = NO_BLOCK;
    for (let layer = 0; layer < LAYERS; layer++) this.blocks.clear(layer, slot);
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
    for (let c = 0; c < 3; c++) this.heads[slot * HEAD_FLOATS + c] = sample.pose[c] as number;
    this.fresh[slot] = 1;
    return true;
  }

  /** True once the source can be shown: it has sent a sample. */
  shown(slot: number): boolean {
    return this.present[slot] === 1 && (this.t0Tick[slot] as number) >= 0;
  }

  encodeTick(tick: number): void {
    this.tick = tick;
    this.bundled = false;
    this.restartedCount = 0;
    this.at = 0;
    this.blocks.bits.fill(0);
    for (let slot = 0; slot < this.capacity; slot++) {
      this.layers[slot] = NO_BLOCK;
      if (this.fresh[slot] === 1) this.encode(slot, tick);
      if ((tick + slot) % this.reviewTicks === 0) this.learnCosts(slot);
    }
  }

  /** Makes this tick's groups ready, for the first viewer that asks: in a large room nobody does. */
  bundleGroups(): void {
    if (this.bundled) return;
    this.bundled = true;
    for (let group = 0; group < this.groups; group++) this.bundle(group);
  }

  private encode(slot: number, tick: number): void {
    const { sample, writer } = this;
    this.fresh[slot] = 0;
    sample.timeMs = this.lastTime[slot] as number;
    const o = slot * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) sample.pose[i] = this.poses[o + i] as number;
    for (let d = 0; d < DEVICE_COUNT; d++) sample.states[d] = this.states[slot * DEVICE_COUNT + d] as number;
    const { at } = this;
    const outcome = writer.encode(slot, tick, sample, this.arena, at);
    if (outcome === Encoded.reset) {
      if (!this.shown(slot)) this.shownCount++;
      this.restarted[this.restartedCount++] = slot;
      this.t0Tick[slot] = tick;
      this.t1Tick[slot] = -1;
    }
    if (outcome !== Encoded.block) return;
    this.layers[slot] = writer.layer;
    this.blocks.set(writer.layer, slot);
    this.lengths[slot] = writer.end - at;
    this.blockAt[slot] = at;
    this.at = writer.end;
    const spent = slot * LAYERS + writer.layer;
    this.spent[spent] = (this.spent[spent] as number) + writer.end - at;
    if (writer.layer === Layer.t0) this.t0Tick[slot] = tick;
    else if (writer.layer === Layer.t1) this.t1Tick[slot] = tick;
  }

  /** Puts the source's intra block of this tick at arena offset `at`; returns the offset after it. */
  intra(slot: number, at: number): number {
    const { intras, tick } = this;
    if (!intras.has(slot, tick)) intras.wrote(slot, tick, this.writer.intra(slot, tick, this.arena, intras.at(slot)));
    const length = intras.length(slot);
    this.memory.copy(at, intras.at(slot), length);
    return at + length;
  }

  private learnCosts(slot: number): void {
    for (let i = slot * LAYERS; i < slot * LAYERS + LAYERS; i++) {
      this.costs[i] = (this.costs[i] as number) * COST_MEMORY + (this.spent[i] as number) * this.reviewHz * (1 - COST_MEMORY);
      this.spent[i] = 0;
    }
  }

  /** Offset of a ready group in the arena. */
  groupAt(group: number): number {
    return this.capacity * MAX_BLOCK_BYTES + group * GROUP_BYTES;
  }

  private bundle(group: number): void {
    const { arena, memory } = this;
    const start = this.groupAt(group);
    let at = start + GROUP_HEAD_BYTES;
    let presence = 0;
    for (let i = 0; i < GROUP; i++) {
      const slot = group * GROUP + i;
      if (this.layers[slot] === NO_BLOCK) continue;
      presence |= 1 << i;
      const length = this.lengths[slot] as number;
      memory.copy(at, this.blockAt[slot] as number, length);
      at += length;
    }
    const length = at - start - GROUP_HEAD_BYTES;
    arena[start] = presence;
    arena[start + 1] = length & 0xff;
    arena[start + 2] = length >> 8;
    this.groupLengths[group] = presence === 0 ? 0 : at - start;
  }
}
