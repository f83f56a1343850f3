/**
 * Prediction of a source's next pose from two references, the same arithmetic at both ends: damped constant velocity for
 * positions, damped constant angular velocity in the body's frame for rotations.
 *
 * [PD1] Only + - x / , floor and comparisons on doubles that come from integers: bit-exact in every engine.
 * [PD2] The context bucket of a device's Rice parameter depends on the references alone, so the decoder knows it first.
 * [PD3] One instance is scratch space: `predict` overwrites what the last call left. Nothing is allocated.
 */
import { clampLattice, multiplyQuat, quatToMrp } from "./lattice.ts";
import { AXES, ENERGIES, QUATS, type ReferenceBank } from "./references.ts";
import { DEVICE_COUNT } from "./types.ts";

/** Rotation residual steps per unit of MRP: about 0.2 degree a step (4 atan r). */
export const ROTATION_STEPS = 1160;
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
  private readonly residual = new Float64Array(4);

  /** Predicts all devices from entry `newer`, extrapolating the motion since `older` by `factor` (`older` is not read when 0). */
  predict(bank: ReferenceBank, newer: number, older: number, factor: number): void {
    for (let d = 0; d < DEVICE_COUNT; d++) {
      this.predictPosition(bank, newer, older, d, factor);
      this.predictRotation(bank, newer, older, d, factor);
    }
  }

  private predictPosition(bank: ReferenceBank, newer: number, older: number, d: number, factor: number): void {
    const a = newer * AXES + d * 3;
    const b = older * AXES + d * 3;
    let square = 0;
    for (let c = 0; c < 3; c++) {
      const p = bank.position[a + c] as number;
      const step = factor === 0 ? 0 : factor * (p - (bank.position[b + c] as number));
      square += step * step;
      this.position[d * 3 + c] = clampLattice(p + Math.floor(step + 0.5));
    }
    this.positionBucket[d] = bucketOf(bank.energy[newer * ENERGIES + d] as number, square);
  }

  private predictRotation(bank: ReferenceBank, newer: number, older: number, d: number, factor: number): void {
    const q = bank.quat;
    const energy = bank.energy[newer * ENERGIES + DEVICE_COUNT + d] as number;
    const a = newer * QUATS + d * 4;
    const o = d * 4;
    const ax = q[a] as number;
    const ay = q[a + 1] as number;
    const az = q[a + 2] as number;
    const aw = q[a + 3] as number;
    if (factor === 0) {
      this.quat[o] = ax;
      this.quat[o + 1] = ay;
      this.quat[o + 2] = az;
      this.quat[o + 3] = aw;
      this.rotationBucket[d] = bucketOf(energy, 0);
      return;
    }
    const b = older * QUATS + d * 4;
    const bx = -(q[b] as number);
    const by = -(q[b + 1] as number);
    const bz = -(q[b + 2] as number);
    const bw = q[b + 3] as number;
    // Turn since the older reference, in the body's frame: conjugate(older) * newer.
    const tw = bw * aw - bx * ax - by * ay - bz * az;
    const scale = (tw < 0 ? -factor : factor) / (1 + (tw < 0 ? -tw : tw));
    const x = (bw * ax + bx * aw + by * az - bz * ay) * scale;
    const y = (bw * ay - bx * az + by * aw + bz * ax) * scale;
    const z = (bw * az + bx * ay - by * ax + bz * aw) * scale;
    const square = x * x + y * y + z * z;
    this.rotationBucket[d] = bucketOf(energy, square * ROTATION_STEPS * ROTATION_STEPS);
    const r = 1 / (1 + square);
    multiplyQuat(ax, ay, az, aw, 2 * x * r, 2 * y * r, 2 * z * r, (1 - square) * r, this.quat, o);
  }

  /** Rotation residual of `q[at..]` against the prediction of `device`, as integer steps into `out[to..to+2]`. */
  rotationResidual(device: number, q: Float64Array, at: number, out: Int32Array, to: number): void {
    const p = this.quat;
    const o = device * 4;
    const e = this.residual;
    multiplyQuat(
      -(p[o] as number),
      -(p[o + 1] as number),
      -(p[o + 2] as number),
      p[o + 3] as number,
      q[at] as number,
      q[at + 1] as number,
      q[at + 2] as number,
      q[at + 3] as number,
      e,
      0,
    );
    const w = e[3] as number;
    const scale = w < 0 ? -ROTATION_STEPS / (1 - w) : ROTATION_STEPS / (1 + w);
    out[to] = Math.floor((e[0] as number) * scale + 0.5);
    out[to + 1] = Math.floor((e[1] as number) * scale + 0.5);
    out[to + 2] = Math.floor((e[2] as number) * scale + 0.5);
  }

  /** True when two rotations differ by less than half a residual step on every axis. */
  sameRotation(a: Float64Array, at: number, b: Float64Array, bt: number): boolean {
    const e = this.residual;
    multiplyQuat(
      -(a[at] as number),
      -(a[at + 1] as number),
      -(a[at + 2] as number),
      a[at + 3] as number,
      b[bt] as number,
      b[bt + 1] as number,
      b[bt + 2] as number,
      b[bt + 3] as number,
      e,
      0,
    );
    const w = e[3] as number;
    const limit = (1 + (w < 0 ? -w : w)) / (2 * ROTATION_STEPS);
    return within(e[0] as number, limit) && within(e[1] as number, limit) && within(e[2] as number, limit);
  }

  /** The prediction turned by a residual, as MRP integers into `mrp[to..to+2]`. */
  applyRotation(device: number, rx: number, ry: number, rz: number, mrp: Int32Array, to: number): void {
    const p = this.quat;
    const o = device * 4;
    const x = rx / ROTATION_STEPS;
    const y = ry / ROTATION_STEPS;
    const z = rz / ROTATION_STEPS;
    const square = x * x + y * y + z * z;
    const r = 1 / (1 + square);
    const e = this.residual;
    const px = p[o] as number;
    const py = p[o + 1] as number;
    const pz = p[o + 2] as number;
    multiplyQuat(px, py, pz, p[o + 3] as number, 2 * x * r, 2 * y * r, 2 * z * r, (1 - square) * r, e, 0);
    quatToMrp(e, 0, mrp, to);
  }
}

function within(value: number, limit: number): boolean {
  return value < limit && value > -limit;
}
