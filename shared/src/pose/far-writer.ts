/**
 * Encodes the far stream of every source: one C0 or C1 block per source and due tick, shared by every viewer, and intra blocks for
 * those who lack the reference. Bit layout in FORMAT.md, far blocks.
 *
 * [FW1] The bank afterwards equals, to the bit, that of a viewer that read the same C0 blocks, or the newest C0 and an intra block.
 * [FW2] Nothing is allocated after construction.
 */
import { BitWriter, zigzag } from "./bits.ts";
import { isCoded, MAX_GAP_TICKS } from "./block-format.ts";
import {
  clampFar,
  FAR_CLASS_BITS,
  FAR_LAG_MAX,
  FAR_LAG_MIN,
  FAR_LAG_MS,
  FAR_MRP_STEPS,
  FAR_POSITION_LIMIT,
  FAR_POSITION_STEPS,
  FAR_VALUES,
  FAR_VECTORS,
  FarBank,
  farClass,
  farHalfTicks,
  farK,
  farShift,
  FarLayer,
} from "./far-stream.ts";
import { DEVICE_COUNT, DEVICE_FLOATS } from "./types.ts";

export const FAR_GAP_ORDER = 3;
export const FAR_LAG_ORDER = 0;
/** Hands within +-2 m of the head on every axis take a byte per axis in an intra block. */
export const FAR_NEAR_BITS = 8;
export const FAR_NEAR_LIMIT = 2 ** (FAR_NEAR_BITS - 1) - 1;
export const FAR_POSITION_BITS = 17;
export const FAR_MRP_BITS = 8;
export const FAR_FULL_LAG_BITS = 9;
/** Class of a first sample: a few steps. */
const FIRST_CLASS = 2;

export class FarWriter {
  readonly bank: FarBank;
  private readonly bits = new BitWriter();
  private readonly msPerTick: number;
  private readonly halfTicks: number;
  private tick = 0;
  private layer: FarLayer = FarLayer.c0;
  private coarseness = 0;

  constructor(options: { readonly capacity: number; readonly tickRateHz: number }) {
    this.bank = new FarBank(options.capacity);
    this.msPerTick = 1000 / options.tickRateHz;
    this.halfTicks = farHalfTicks(options.tickRateHz);
  }

  reset(slot: number): void {
    this.bank.clear(slot);
  }

  /** What the next blocks are: of `layer`, at `tick`, which rises, of a coarseness of 0..FAR_COARSEST. */
  start(tick: number, layer: FarLayer, coarseness = 0): void {
    this.tick = tick;
    this.layer = layer;
    this.coarseness = coarseness;
  }

  /**
   * Encodes slot's pose (21 floats at 21 * slot of `poses`, 3 states at 3 * slot), measured at timesMs[slot], into out[offset..], which has
   * MAX_FAR_BYTES of room. Returns the offset after the block, or `offset` itself when the source had no reference: a C0 has made it
   * one now, and every viewer needs an intra block.
   */
  encode(slot: number, timesMs: Float64Array, poses: Float64Array, states: Uint8Array, out: Uint8Array, offset: number): number {
    const { bank, bits, tick, layer } = this;
    this.load(slot, tick, timesMs, poses, states);
    const { scratch } = bank;
    const gap = tick - (bank.tick[slot] as number);
    if (bank.valid[slot] !== 1 || gap > MAX_GAP_TICKS) {
      if (layer !== FarLayer.c0) return offset;
      bank.classes.fill(FIRST_CLASS, scratch * FAR_VECTORS, scratch * FAR_VECTORS + FAR_VECTORS);
      bank.commit(slot);
      return offset;
    }
    bits.start(out, offset);
    if (gap === (layer === FarLayer.c1 ? this.halfTicks : 2 * this.halfTicks)) bits.put(0, 1);
    else {
      bits.put(1, 1);
      bits.expGolomb(gap - 1, FAR_GAP_ORDER);
    }
    bits.expGolomb(zigzag((bank.lag[scratch] as number) - (bank.lag[slot] as number)), FAR_LAG_ORDER);
    this.writeStates(slot, scratch);
    for (let vector = 0; vector < FAR_VECTORS; vector++) this.writeVector(slot, vector, layer);
    if (layer === FarLayer.c0) bank.commit(slot);
    return bits.finish();
  }

  /** Writes the intra block of a source whose newest C0 is of `tick`; returns the offset after it. */
  intra(slot: number, out: Uint8Array, offset: number): number {
    const { bank, bits } = this;
    const v = slot * FAR_VALUES;
    bits.start(out, offset);
    bits.put((bank.lag[slot] as number) - FAR_LAG_MIN, FAR_FULL_LAG_BITS);
    for (let d = 0; d < DEVICE_COUNT; d++) bits.put(bank.states[slot * DEVICE_COUNT + d] as number, 2);
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const p = v + d * 6;
      let near = d > 0;
      for (let c = 0; c < 3; c++) near &&= Math.abs((bank.values[p + c] as number) - (bank.values[v + c] as number)) <= FAR_NEAR_LIMIT;
      if (d > 0) bits.put(near ? 1 : 0, 1);
      for (let c = 0; c < 3; c++) {
        if (near) bits.put((bank.values[p + c] as number) - (bank.values[v + c] as number) + FAR_NEAR_LIMIT, FAR_NEAR_BITS);
        else bits.put((bank.values[p + c] as number) + FAR_POSITION_LIMIT, FAR_POSITION_BITS);
      }
      for (let c = 3; c < 6; c++) bits.put((bank.values[p + c] as number) + FAR_MRP_STEPS, FAR_MRP_BITS);
    }
    for (let i = 0; i < FAR_VECTORS; i++) bits.put(bank.classes[slot * FAR_VECTORS + i] as number, FAR_CLASS_BITS);
    return bits.finish();
  }

  /** Quantises the sample into the scratch entry. */
  private load(slot: number, tick: number, timesMs: Float64Array, poses: Float64Array, states: Uint8Array): void {
    const { bank } = this;
    const { scratch } = bank;
    bank.tick[scratch] = tick;
    bank.lag[scratch] = Math.max(
      FAR_LAG_MIN,
      Math.min(FAR_LAG_MAX, Math.floor((tick * this.msPerTick - (timesMs[slot] as number)) / FAR_LAG_MS + 0.5) || 0),
    );
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const o = slot * DEVICE_COUNT * DEVICE_FLOATS + d * DEVICE_FLOATS;
      const v = scratch * FAR_VALUES + d * 6;
      for (let c = 0; c < 3; c++) bank.values[v + c] = clampFar(Math.floor((poses[o + c] as number) * FAR_POSITION_STEPS + 0.5), FAR_POSITION_LIMIT);
      const w = poses[o + 6] as number;
      const scale = w < 0 ? -FAR_MRP_STEPS / (1 - w) : FAR_MRP_STEPS / (1 + w);
      for (let c = 0; c < 3; c++) bank.values[v + 3 + c] = clampFar(Math.floor((poses[o + 3 + c] as number) * scale + 0.5), FAR_MRP_STEPS);
      bank.states[scratch * DEVICE_COUNT + d] = (states[slot * DEVICE_COUNT + d] as number) & 3;
    }
  }

  private writeStates(slot: number, scratch: number): void {
    const { states } = this.bank;
    const a = slot * DEVICE_COUNT;
    const b = scratch * DEVICE_COUNT;
    const same = states[a] === states[b] && states[a + 1] === states[b + 1] && states[a + 2] === states[b + 2];
    this.bits.put(same ? 0 : 1, 1);
    if (same) return;
    for (let d = 0; d < DEVICE_COUNT; d++) this.bits.put(states[b + d] as number, 2);
  }

  private writeVector(slot: number, vector: number, layer: FarLayer): void {
    const { bank, bits, coarseness } = this;
    const { scratch, values } = bank;
    const a = slot * FAR_VALUES + vector * 3;
    const b = scratch * FAR_VALUES + vector * 3;
    const cls = bank.classes[slot * FAR_VECTORS + vector] as number;
    if (!isCoded(bank.states[scratch * DEVICE_COUNT + (vector >> 1)] as number)) {
      for (let c = 0; c < 3; c++) values[b + c] = values[a + c] as number;
      bank.classes[scratch * FAR_VECTORS + vector] = cls;
      return;
    }
    const shift = farShift(vector, coarseness);
    const k = farK(cls, layer, shift);
    const limit = (vector & 1) === 0 ? FAR_POSITION_LIMIT : FAR_MRP_STEPS;
    const half = (1 << shift) >> 1;
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      const from = values[a + c] as number;
      const steps = ((values[b + c] as number) - from + half) >> shift;
      bits.rice(zigzag(steps), k);
      const moved = steps << shift;
      // What the reader makes of it is the reference from here on.
      values[b + c] = clampFar(from + moved, limit);
      sum += moved < 0 ? -moved : moved;
    }
    bank.classes[scratch * FAR_VECTORS + vector] = farClass(sum);
  }
}
