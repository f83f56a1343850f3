/**
 * What both ends remember of each source: the newest T0, the T0 before it and the newest T1, as integers. The encoder holds one
 * bank for all its sources, a viewer holds one for all the people it sees; equal bytes in keep equal banks.
 *
 * [RE1] Structure of arrays, indexed by entry = 2 + slot * ENTRIES + 0..2. Entries 0 and 1 take turns as the newest T0, 2 is T1.
 *       Entries 0 and 1 are scratch: a block is built or read there and committed whole, so a broken one changes nothing.
 * [RE2] `quat` is derived from `mrp` alone, so equal integers mean equal doubles.
 * [RE3] An entry is usable only while `valid`; ticks identify it exactly, so a missing reference is noticed and never guessed.
 */
import { DEVICE_COUNT, DEVICE_FLOATS } from "./types.ts";
import { mrpToQuat, POSITION_STEPS } from "./lattice.ts";

export const ENTRIES = 3;
export const SCRATCH_ENTRY = 0;
/** The older T0 of an intra block under work. */
export const SCRATCH_OLDER = 1;
const FIRST = 2;

/**
 * What a source's predictions measure time with. Headsets whose clock jitters more than their motion (every frame is one display
 * interval, whatever its stamp says) predict better by ticks; sources whose rate is not the room's by sample times.
 */
export const Timing = { samples: 0, ticks: 1 } as const;
export type Timing = (typeof Timing)[keyof typeof Timing];
export const AXES = 3 * DEVICE_COUNT;
export const QUATS = 4 * DEVICE_COUNT;
export const ENERGIES = 2 * DEVICE_COUNT;
const T1_ENTRY = 2;

export class ReferenceBank {
  capacity: number;
  valid: Uint8Array;
  /** Room tick of the block. */
  tick: Float64Array;
  /** Sample time in time units since the room's start (see clock.ts). */
  time: Float64Array;
  /** Sample lag behind the tick, time units. */
  lag: Int32Array;
  /** Int32Array[9n]: x y z of head, left, right in lattice steps. */
  position: Int32Array;
  /** Int32Array[9n]: MRP integers. */
  mrp: Int32Array;
  /** Float64Array[12n]: x y z w, unit. */
  quat: Float64Array;
  /** Uint8Array[3n]: DeviceState. */
  states: Uint8Array;
  /** Uint8Array[6n]: class of the last residual's size, positions of the three devices, then rotations (predictor.ts). */
  energy: Uint8Array;
  /** Per slot: Timing of its predictions; changes with a T0 or an intra block. */
  timing: Uint8Array;
  /** Per slot: 0 or 1, which of the two T0 entries is newest. */
  private turn: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    const n = FIRST + capacity * ENTRIES;
    this.valid = new Uint8Array(n);
    this.tick = new Float64Array(n);
    this.time = new Float64Array(n);
    this.lag = new Int32Array(n);
    this.position = new Int32Array(n * AXES);
    this.mrp = new Int32Array(n * AXES);
    this.quat = new Float64Array(n * QUATS);
    this.states = new Uint8Array(n * DEVICE_COUNT);
    this.energy = new Uint8Array(n * ENERGIES);
    this.timing = new Uint8Array(capacity);
    this.turn = new Uint8Array(capacity);
  }

  /** Makes room for `slots` slots; a viewer's bank follows the people it meets. */
  grow(slots: number): void {
    if (slots <= this.capacity) return;
    const bigger = new ReferenceBank(Math.max(slots, this.capacity * 2));
    bigger.valid.set(this.valid);
    bigger.tick.set(this.tick);
    bigger.time.set(this.time);
    bigger.lag.set(this.lag);
    bigger.position.set(this.position);
    bigger.mrp.set(this.mrp);
    bigger.quat.set(this.quat);
    bigger.states.set(this.states);
    bigger.energy.set(this.energy);
    bigger.timing.set(this.timing);
    bigger.turn.set(this.turn);
    Object.assign(this, bigger);
  }

  /** Entry of the newest T0. */
  t0(slot: number): number {
    return FIRST + slot * ENTRIES + (this.turn[slot] as number);
  }
  /** Entry of the T0 before it. */
  olderT0(slot: number): number {
    return FIRST + slot * ENTRIES + 1 - (this.turn[slot] as number);
  }
  t1(slot: number): number {
    return FIRST + slot * ENTRIES + T1_ENTRY;
  }
  /** The older T0's entry becomes the newest; the caller fills it. */
  advanceT0(slot: number): number {
    this.turn[slot] = 1 - (this.turn[slot] as number);
    return this.t0(slot);
  }
  clear(slot: number): void {
    this.valid.fill(0, FIRST + slot * ENTRIES, FIRST + slot * ENTRIES + ENTRIES);
  }

  /** Recomputes `quat` of one device from its integers. */
  deriveQuat(entry: number, device: number): void {
    mrpToQuat(this.mrp, entry * AXES + device * 3, this.quat, entry * QUATS + device * 4);
  }

  /** Copies a scratch entry into `to` and makes it valid. */
  commit(from: number, to: number): void {
    this.valid[to] = 1;
    this.tick[to] = this.tick[from] as number;
    this.time[to] = this.time[from] as number;
    this.lag[to] = this.lag[from] as number;
    // Loops: calling the engine's `copyWithin` five times took longer than the rest of a block's work.
    const { position, mrp, quat, states, energy } = this;
    for (let i = 0; i < AXES; i++) {
      position[to * AXES + i] = position[from * AXES + i] as number;
      mrp[to * AXES + i] = mrp[from * AXES + i] as number;
    }
    for (let i = 0; i < QUATS; i++) quat[to * QUATS + i] = quat[from * QUATS + i] as number;
    for (let i = 0; i < DEVICE_COUNT; i++) states[to * DEVICE_COUNT + i] = states[from * DEVICE_COUNT + i] as number;
    for (let i = 0; i < ENERGIES; i++) energy[to * ENERGIES + i] = energy[from * ENERGIES + i] as number;
  }

  /** Time units from entry `from` to the moment of entry `to`, as `timing` counts them. */
  elapsed(timing: number, from: number, to: number, unitsPerTick: number): number {
    return timing === Timing.ticks
      ? ((this.tick[to] as number) - (this.tick[from] as number)) * unitsPerTick
      : (this.time[to] as number) - (this.time[from] as number);
  }

  /** The scratch entry's device `d` stays exactly where `from` has it. */
  hold(from: number, d: number): void {
    const a = from * AXES + d * 3;
    const q = from * QUATS + d * 4;
    for (let c = 0; c < 3; c++) {
      this.position[d * 3 + c] = this.position[a + c] as number;
      this.mrp[d * 3 + c] = this.mrp[a + c] as number;
    }
    for (let c = 0; c < 4; c++) this.quat[d * 4 + c] = this.quat[q + c] as number;
    this.energy[d] = 0;
    this.energy[DEVICE_COUNT + d] = 0;
  }

  /** Writes an entry as a pose in metres and unit quaternions (types.ts layout). */
  readPose(entry: number, pose: Float64Array, states: Uint8Array): void {
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const p = entry * AXES + d * 3;
      const q = entry * QUATS + d * 4;
      const o = d * DEVICE_FLOATS;
      for (let c = 0; c < 3; c++) pose[o + c] = (this.position[p + c] as number) / POSITION_STEPS;
      for (let c = 0; c < 4; c++) pose[o + 3 + c] = this.quat[q + c] as number;
      states[d] = this.states[entry * DEVICE_COUNT + d] as number;
    }
  }
}
