/** Test kit of the pose codec: seeded motion, comparison, and bit-level equality of banks. Not part of the package's exports. */
import { AXES, ENERGIES, type ReferenceBank } from "./references.ts";
import { DEVICE_COUNT, DEVICE_FLOATS, newPoseSample, type PoseSample } from "./types.ts";

/** mulberry32: a seeded generator of [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A body in motion: each device drifts on sums of sines around a stance, its rotation likewise. */
export class Mover {
  readonly sample: PoseSample = newPoseSample();
  private readonly phases: number[];
  private readonly speed: number;

  constructor(seed: number, speed = 1) {
    const random = seeded(seed);
    this.phases = Array.from({ length: DEVICE_COUNT * 6 }, () => random() * 6.28);
    this.speed = speed;
  }

  at(timeMs: number): PoseSample {
    const { sample, phases } = this;
    const t = (timeMs / 1000) * this.speed;
    sample.timeMs = timeMs;
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const o = d * DEVICE_FLOATS;
      const wave = (i: number, hz: number): number => Math.sin(6.28 * hz * t + (phases[d * 6 + i] as number));
      for (let c = 0; c < 3; c++) sample.pose[o + c] = (c === 1 ? 1.4 : d * 0.3 - 0.3) + 0.3 * wave(c, 0.4 + 0.3 * d) + 0.05 * wave(c, 1.7 + c * 0.4);
      setQuat(sample.pose, o + 3, 0.9 * wave(3, 0.5), 0.9 * wave(4, 0.35), 0.9 * wave(5, 0.8), 1);
    }
    return sample;
  }
}

/** Writes a normalised quaternion; a zero one becomes the identity. */
export function setQuat(pose: Float64Array, at: number, x: number, y: number, z: number, w: number): void {
  const length = Math.hypot(x, y, z, w);
  pose[at] = length > 1e-9 ? x / length : 0;
  pose[at + 1] = length > 1e-9 ? y / length : 0;
  pose[at + 2] = length > 1e-9 ? z / length : 0;
  pose[at + 3] = length > 1e-9 ? w / length : 1;
}

/** Largest distance on one axis, m. */
export function axisError(a: Float64Array, b: Float64Array): number {
  let worst = 0;
  for (let d = 0; d < DEVICE_COUNT; d++)
    for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs((a[d * DEVICE_FLOATS + c] as number) - (b[d * DEVICE_FLOATS + c] as number)));
  return worst;
}

/** Largest turn between two poses' devices, degrees. */
export function turnError(a: Float64Array, b: Float64Array): number {
  let worst = 0;
  for (let d = 0; d < DEVICE_COUNT; d++) {
    const o = d * DEVICE_FLOATS + 3;
    let minus = 0;
    let plus = 0;
    for (let c = 0; c < 4; c++) {
      minus += ((a[o + c] as number) - (b[o + c] as number)) ** 2;
      plus += ((a[o + c] as number) + (b[o + c] as number)) ** 2;
    }
    worst = Math.max(worst, (4 * Math.asin(Math.min(1, Math.sqrt(Math.min(minus, plus)) / 2)) * 180) / Math.PI);
  }
  return worst;
}

/** Everything of a slot's references that later blocks depend on, as numbers. The older T0 lends its pose and time only. */
export function fingerprint(bank: ReferenceBank, slot: number): number[] {
  const out: number[] = [bank.timing[slot] as number];
  for (const entry of [bank.t0(slot), bank.olderT0(slot), bank.t1(slot)]) {
    out.push(bank.valid[entry] as number);
    if (bank.valid[entry] !== 1) continue;
    out.push(bank.tick[entry] as number, bank.time[entry] as number, bank.lag[entry] as number);
    for (let i = 0; i < AXES; i++) out.push(bank.position[entry * AXES + i] as number, bank.mrp[entry * AXES + i] as number);
    if (entry === bank.olderT0(slot)) continue;
    for (let i = 0; i < ENERGIES; i++) out.push(bank.energy[entry * ENERGIES + i] as number);
    for (let d = 0; d < DEVICE_COUNT; d++) out.push(bank.states[entry * DEVICE_COUNT + d] as number);
  }
  return out;
}

export const allFinite = (values: Float64Array): boolean => values.every(Number.isFinite);
