/**
 * The far stream: what of a person is worth sending to those who see them small. Coarser than the fine stream (15.6 mm and under 2
 * degrees RMS), slower (5 Hz, or 10 Hz with both layers), and each layer refers to the newest C0 only, without velocity: at 200 ms a
 * velocity saves 3 % and would have to be carried by every intra block.
 *
 * [FA1] C0 comes every `farPeriodTicks`, C1 halfway. C1 is never referred to, so dropping it halves the rate and breaks nothing.
 * [FA2] References are integers and a tick; equal blocks read leave equal references at both ends (FORMAT.md, far blocks).
 * [FA3] The Rice parameter of a device's residuals follows from the reference's class and the frame's coarseness alone, so no lost block
 *       desynchronises it.
 */
import { DEVICE_COUNT, DEVICE_FLOATS } from "./types.ts";

/** Steps per metre: 15.6 mm, 8 mm RMS in three dimensions, beside an interpolation error of as much between samples 200 ms apart. */
export const FAR_POSITION_STEPS = 64;
export const FAR_POSITION_LIMIT = 2 ** 16 - 1;
/** Steps of the modified Rodrigues parameters: at most 3.6 degrees. */
export const FAR_MRP_STEPS = 64;
/** Sample time: whole 4 ms behind the tick. */
export const FAR_LAG_MS = 4;
export const FAR_LAG_MIN = -31;
export const FAR_LAG_MAX = 255;
/** Residual vectors per block: position and rotation of each device. */
export const FAR_VECTORS = 2 * DEVICE_COUNT;
export const FAR_VALUES = 3 * FAR_VECTORS;
export const FAR_CLASS_BITS = 3;
/** Room to leave for one far block, update or intra: 18 escaped residuals and a header. */
export const MAX_FAR_BYTES = 92;

export const FarLayer = { c0: 0, c1: 1 } as const;
export type FarLayer = (typeof FarLayer)[keyof typeof FarLayer];

/** Ticks from a C0 to the C1 after it; twice that to the next C0, so that a C0 is never more than 200 ms from the last. */
export const farHalfTicks = (tickRateHz: number): number => Math.max(1, Math.floor(tickRateHz / 10));
export const farPeriodTicks = (tickRateHz: number): number => 2 * farHalfTicks(tickRateHz);

/** Class of a residual vector by the sum of its sizes; also the Rice parameter of the next C0's. */
export function farClass(sum: number): number {
  return sum < 2 ? 0 : sum < 5 ? 1 : sum < 9 ? 2 : sum < 18 ? 3 : sum < 36 ? 4 : sum < 72 ? 5 : sum < 144 ? 6 : 7;
}
/**
 * In a crowd that moves more than a viewer's link can follow, steps are wider: a frame says how coarse it is. References stay in single
 * steps, so that may change from one frame to the next.
 */
export const FAR_COARSEST = 3;
/** Doublings of a vector's step: positions with every level, rotations (odd vectors) with every other one, as 7 degrees are seen from afar. */
export const farShift = (vector: number, coarseness: number): number => ((vector & 1) === 0 ? coarseness : coarseness >> 1);

/** Rice parameter: a C1 lies half as far from its reference as the next C0, and every doubling of the step takes a bit away. */
export function farK(cls: number, layer: FarLayer, shift: number): number {
  const k = (layer === FarLayer.c1 ? cls - 1 : cls) - shift;
  return k > 0 ? k : 0;
}

export function clampFar(n: number, limit: number): number {
  return n > limit ? limit : n < -limit ? -limit : n === n ? n : 0;
}

/** Newest C0 of every slot, and one scratch entry (the last) for a block under work. */
export class FarBank {
  capacity: number;
  valid: Uint8Array;
  tick: Float64Array;
  /** Sample time behind the tick, FAR_LAG_MS each. */
  lag: Int16Array;
  states: Uint8Array;
  /** Int32Array[18n]: per device x y z of the position, then of the rotation. */
  values: Int32Array;
  /** Uint8Array[6n]: class of the last residual of each vector. */
  classes: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    const n = capacity + 1;
    this.valid = new Uint8Array(n);
    this.tick = new Float64Array(n);
    this.lag = new Int16Array(n);
    this.states = new Uint8Array(n * DEVICE_COUNT);
    this.values = new Int32Array(n * FAR_VALUES);
    this.classes = new Uint8Array(n * FAR_VECTORS);
  }

  get scratch(): number {
    return this.capacity;
  }

  grow(slots: number): void {
    if (slots <= this.capacity) return;
    const bigger = new FarBank(Math.max(slots, this.capacity * 2));
    bigger.valid.set(this.valid);
    bigger.tick.set(this.tick);
    bigger.lag.set(this.lag);
    bigger.states.set(this.states);
    bigger.values.set(this.values);
    bigger.classes.set(this.classes);
    // The old scratch entry would otherwise count as a slot.
    bigger.valid[this.capacity] = 0;
    Object.assign(this, bigger);
  }

  clear(slot: number): void {
    this.valid[slot] = 0;
  }

  /** The scratch entry becomes the slot's reference. */
  commit(slot: number): void {
    const from = this.capacity;
    this.valid[slot] = 1;
    this.tick[slot] = this.tick[from] as number;
    this.lag[slot] = this.lag[from] as number;
    this.states.copyWithin(slot * DEVICE_COUNT, from * DEVICE_COUNT, from * DEVICE_COUNT + DEVICE_COUNT);
    this.values.copyWithin(slot * FAR_VALUES, from * FAR_VALUES, from * FAR_VALUES + FAR_VALUES);
    this.classes.copyWithin(slot * FAR_VECTORS, from * FAR_VECTORS, from * FAR_VECTORS + FAR_VECTORS);
  }

  /** Writes the scratch entry as a pose in metres and unit quaternions (types.ts layout). */
  readPose(pose: Float64Array, states: Uint8Array): void {
    const base = this.capacity * FAR_VALUES;
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const p = base + d * 6;
      const o = d * DEVICE_FLOATS;
      for (let c = 0; c < 3; c++) pose[o + c] = (this.values[p + c] as number) / FAR_POSITION_STEPS;
      const x = (this.values[p + 3] as number) / FAR_MRP_STEPS;
      const y = (this.values[p + 4] as number) / FAR_MRP_STEPS;
      const z = (this.values[p + 5] as number) / FAR_MRP_STEPS;
      const square = x * x + y * y + z * z;
      const scale = 1 / (1 + square);
      pose[o + 3] = 2 * x * scale;
      pose[o + 4] = 2 * y * scale;
      pose[o + 5] = 2 * z * scale;
      pose[o + 6] = (1 - square) * scale;
      states[d] = this.states[this.capacity * DEVICE_COUNT + d] as number;
    }
  }
}
