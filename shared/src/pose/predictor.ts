/**
 * Prediction of a source's next pose from two references, the same arithmetic at both ends: damped constant velocity for
 * positions, damped constant angular velocity in the body's frame for rotations.
 *
 * [PD1] Only + - x / , floor and comparisons on doubles that come from integers: bit-exact in every engine.
 * [PD2] The context bucket of a device's Rice parameter depends on the references alone, so the decoder knows it first.
 * [PD3] One instance is scratch space: `predict` overwrites what the last call left. Nothing is allocated.
 */
import { clampLattice, multiplyQuat, quatToMrp, turnBetween } from "./lattice.ts";
import { AXES, ENERGIES, QUATS, type ReferenceBank } from "./references.ts";
import { DEVICE_COUNT } from "./types.ts";

/** Rotation residual steps per unit of MRP: 0.193 degree a step (4 atan r), so that slow hands too stay under 0.1 degree RMS. */
export const ROTATION_STEPS = 1190;
/** A residual step this far is the antipode; more cannot occur. */
export const ROTATION_RESIDUAL_MAX = 2 * ROTATION_STEPS;
/** Context buckets of the Rice tables. */
export const BUCKETS = 20;
export const ENERGY_BITS = 4;
export const ENERGY_MAX = 15;
/** Beyond this ratio of gaps the velocity is not worth extrapolating. */
const RATIO_MAX = 4;

/** Damping in sixteenths by the gap to the newest reference: noise and turning make long extrapolations overshoot. */
function damping(gapMs: number): number {
  return gapMs <= 35 ? 16 : gapMs <= 70 ? 15 : gapMs <= 250 ? 13 : 0;
}

/**
 * What the motion between two references is multiplied with to extrapolate it. `ahead`: from the newer reference to now, `back`:
 * from the older to the newer one, both in time units; 0 (no velocity) where there is no older reference.
 */
export function velocityFactor(ahead: number, back: number, unitMs: number): number {
  if (ahead <= 0 || back <= 0) return 0;
  const ratio = ahead / back;
  return ratio <= RATIO_MAX ? (ratio * damping(ahead * unitMs)) / 16 : 0;
}

/** Number of bits of a squared length, so half octaves of the length; 0 for less than 1. */
function octaves(square: number, max: number): number {
  const bits = 32 - Math.clz32(square < 1e9 ? Math.floor(square) : 1_000_000_000);
  return bits < max ? bits : max;
}

/** Class of the squared length of a residual, 4 bits, kept with a reference and carried by intra blocks. */
export function energyClass(x: number, y: number, z: number): number {
  return octaves(x * x + y * y + z * z, ENERGY_MAX);
}
const energyOf = (c: number): number => (c === 0 ? 0 : 3 * (1 << c));

/** Context: how well the newer reference was predicted itself, and how far it is extrapolated now. */
function bucketOf(energy: number, square: number): number {
  return octaves(energyOf(energy) + square / 4, BUCKETS - 1);
}

export class Predictor {
  /** Int32Array[9]: predicted lattice positions. */
  readonly position = new Int32Array(AXES);
  /** Float64Array[12]: predicted rotations. */
  readonly quat = new Float64Array(QUATS);
  /** Per device: context bucket of position and of rotation. */
  readonly positionBucket = new Uint8Array(DEVICE_COUNT);
  readonly rotationBucket = new Uint8Array(DEVICE_COUNT);
  /** Float64Array[1]: the velocity factor to predict with, set before `predict`. */
  readonly factor = new Float64Array(1);
  /** Two quaternions under work. */
  private readonly turn = new Float64Array(4);
  private readonly step = new Float64Array(4);

  /** Predicts all devices from entry `newer`, extrapolating the motion since `older` by `factor` (`older` is not read when 0). */
  predict(bank: ReferenceBank, newer: number, older: number): void {
    for (let d = 0; d < DEVICE_COUNT; d++) {
      this.predictPosition(bank, newer, older, d);
      this.predictRotation(bank, newer, older, d);
    }
  }

  private predictPosition(bank: ReferenceBank, newer: number, older: number, d: number): void {
    const factor = this.factor[0] as number;
    const a = newer * AXES + d * 3;
    const b = factor === 0 ? a : older * AXES + d * 3;
    let square = 0;
    for (let c = 0; c < 3; c++) {
      const p = bank.position[a + c] as number;
      const step = factor * (p - (bank.position[b + c] as number));
      square += step * step;
      this.position[d * 3 + c] = clampLattice(p + Math.floor(step + 0.5));
    }
    this.positionBucket[d] = bucketOf(bank.energy[newer * ENERGIES + d] as number, square);
  }

  private predictRotation(bank: ReferenceBank, newer: number, older: number, d: number): void {
    const factor = this.factor[0] as number;
    const { turn, step } = this;
    const energy = bank.energy[newer * ENERGIES + DEVICE_COUNT + d] as number;
    const a = newer * QUATS + d * 4;
    if (factor === 0) {
      for (let c = 0; c < 4; c++) this.quat[d * 4 + c] = bank.quat[a + c] as number;
      this.rotationBucket[d] = bucketOf(energy, 0);
      return;
    }
    turnBetween(bank.quat, older * QUATS + d * 4, bank.quat, a, turn, 0);
    const w = turn[3] as number;
    const scale = w < 0 ? -factor / (1 - w) : factor / (1 + w);
    const x = (turn[0] as number) * scale;
    const y = (turn[1] as number) * scale;
    const z = (turn[2] as number) * scale;
    const square = x * x + y * y + z * z;
    this.rotationBucket[d] = bucketOf(energy, square * ROTATION_STEPS * ROTATION_STEPS);
    const r = 1 / (1 + square);
    step[0] = 2 * x * r;
    step[1] = 2 * y * r;
    step[2] = 2 * z * r;
    step[3] = (1 - square) * r;
    multiplyQuat(bank.quat, a, step, 0, this.quat, d * 4);
  }

  /** Rotation residual of `q[at..]` against the prediction of `device`, as integer steps into `out[to..to+2]`. */
  rotationResidual(device: number, q: Float64Array, at: number, out: Int32Array, to: number): void {
    const { turn } = this;
    turnBetween(this.quat, device * 4, q, at, turn, 0);
    const w = turn[3] as number;
    const scale = w < 0 ? -ROTATION_STEPS / (1 - w) : ROTATION_STEPS / (1 + w);
    out[to] = Math.floor((turn[0] as number) * scale + 0.5);
    out[to + 1] = Math.floor((turn[1] as number) * scale + 0.5);
    out[to + 2] = Math.floor((turn[2] as number) * scale + 0.5);
  }

  /** True when two rotations differ by less than half a residual step on every axis. */
  sameRotation(a: Float64Array, at: number, b: Float64Array, bt: number): boolean {
    const { turn } = this;
    turnBetween(a, at, b, bt, turn, 0);
    const w = turn[3] as number;
    const limit = (1 + (w < 0 ? -w : w)) / (2 * ROTATION_STEPS);
    return Math.abs(turn[0] as number) < limit && Math.abs(turn[1] as number) < limit && Math.abs(turn[2] as number) < limit;
  }

  /** The prediction turned by a residual, as MRP integers into `mrp[to..to+2]`. */
  applyRotation(device: number, rx: number, ry: number, rz: number, mrp: Int32Array, to: number): void {
    const { turn, step } = this;
    const x = rx / ROTATION_STEPS;
    const y = ry / ROTATION_STEPS;
    const z = rz / ROTATION_STEPS;
    const square = x * x + y * y + z * z;
    const r = 1 / (1 + square);
    step[0] = 2 * x * r;
    step[1] = 2 * y * r;
    step[2] = 2 * z * r;
    step[3] = (1 - square) * r;
    multiplyQuat(this.quat, device * 4, step, 0, turn, 0);
    quatToMrp(turn, 0, mrp, to);
  }
}
