/**
 * What was shown and what is known now differ, and the difference fades: per device a critically damped spring at rest at zero.
 *
 * [EF1] A surprise changes neither the place nor the speed of what is shown, only the acceleration: the offset takes up the difference of
 *       both. (An offset that merely decays kinks the motion at every sample, which is seen as trembling.)
 * [EF2] Without surprises the offset does not overshoot by more than its speed explains, and is below a hundredth after 7 time constants.
 * [EF3] Finite for finite poses; rates beyond RATE_MAX are no motion and count as none.
 *
 * An offset is six numbers: x y z in m, and the rotation as modified Rodrigues parameters, turning after the pose. Rates are per ms.
 */
import { DEVICE_COUNT } from "../pose/types.ts";
import { rotationBetween } from "./rotation.ts";

/** Of poses at different times of one track, m/ms and rad/ms / 4: twice as fast as any hand. */
const RATE_MAX = 0.03;
/** Rotation offsets beyond half a turn come about by their speed only, and no glide is right. */
const TURN_MAX = 1;

export class ErrorFade {
  private readonly offsets = new Float64Array(DEVICE_COUNT * 6);
  private readonly rates = new Float64Array(DEVICE_COUNT * 6);

  reset(): void {
    this.offsets.fill(0);
    this.rates.fill(0);
  }

  clear(device: number): void {
    this.offsets.fill(0, device * 6, device * 6 + 6);
    this.rates.fill(0, device * 6, device * 6 + 6);
  }

  /**
   * The track of `device`, so far at pose `was` (7 floats from `at`) with rate `wasRate` (6 from `rateAt`), is now known to be at `is` with
   * rate `isRate` at the same time. Returns the length of the position offset, m.
   */
  surprise(device: number, was: Float64Array, at: number, wasRate: Float64Array, rateAt: number, is: Float64Array, isRate: Float64Array): number {
    const { offsets, rates } = this;
    const o = device * 6;
    let square = 0;
    for (let axis = 0; axis < 3; axis++) {
      offsets[o + axis] = (offsets[o + axis] as number) + (was[at + axis] as number) - (is[axis] as number);
      square += (offsets[o + axis] as number) ** 2;
    }
    this.turn(o + 3, was, at + 3, is);
    for (let i = 0; i < 6; i++) rates[o + i] = (rates[o + i] as number) + (wasRate[rateAt + i] as number) - (isRate[i] as number);
    return Math.sqrt(square);
  }

  /** Lets the offset of `device` fade for `elapsedMs`, with time constants for its position and its rotation. */
  fade(device: number, elapsedMs: number, tauMs: number, turnTauMs: number): void {
    this.relax(device * 6, elapsedMs, tauMs);
    this.relax(device * 6 + 3, elapsedMs, turnTauMs);
    if (!(square3(this.offsets, device * 6 + 3) < TURN_MAX * TURN_MAX)) {
      this.offsets.fill(0, device * 6 + 3, device * 6 + 6);
      this.rates.fill(0, device * 6 + 3, device * 6 + 6);
    }
  }

  private relax(from: number, elapsedMs: number, tauMs: number): void {
    const { offsets, rates } = this;
    const e = Math.exp(-elapsedMs / tauMs);
    for (let i = from; i < from + 3; i++) {
      const pull = (rates[i] as number) + (offsets[i] as number) / tauMs;
      offsets[i] = ((offsets[i] as number) + pull * elapsedMs) * e;
      rates[i] = ((rates[i] as number) - (pull * elapsedMs) / tauMs) * e;
    }
  }

  /** Writes pose `now` (7 floats) with the offset of `device` into `out` from `at`. */
  apply(device: number, now: Float64Array, out: Float64Array, at: number): void {
    const { offsets } = this;
    const o = device * 6;
    for (let axis = 0; axis < 3; axis++) out[at + axis] = (now[axis] as number) + (offsets[o + axis] as number);
    const rx = offsets[o + 3] as number;
    const ry = offsets[o + 4] as number;
    const rz = offsets[o + 5] as number;
    const k = 2 / (1 + rx * rx + ry * ry + rz * rz);
    const w = k - 1;
    const x = k * rx;
    const y = k * ry;
    const z = k * rz;
    const qx = now[3] as number;
    const qy = now[4] as number;
    const qz = now[5] as number;
    const qw = now[6] as number;
    out[at + 3] = w * qx + x * qw + y * qz - z * qy;
    out[at + 4] = w * qy + y * qw + z * qx - x * qz;
    out[at + 5] = w * qz + z * qw + x * qy - y * qx;
    out[at + 6] = w * qw - x * qx - y * qy - z * qz;
  }

  /** offset = offset * was * inverse(is), kept as modified Rodrigues parameters of the shorter turn. */
  private turn(o: number, was: Float64Array, g: number, is: Float64Array): void {
    const { offsets } = this;
    const nx = -(is[3] as number);
    const ny = -(is[4] as number);
    const nz = -(is[5] as number);
    const nw = is[6] as number;
    const gx = was[g] as number;
    const gy = was[g + 1] as number;
    const gz = was[g + 2] as number;
    const gw = was[g + 3] as number;
    const ex = gw * nx + gx * nw + gy * nz - gz * ny;
    const ey = gw * ny + gy * nw + gz * nx - gx * nz;
    const ez = gw * nz + gz * nw + gx * ny - gy * nx;
    const ew = gw * nw - gx * nx - gy * ny - gz * nz;
    const rx = offsets[o] as number;
    const ry = offsets[o + 1] as number;
    const rz = offsets[o + 2] as number;
    const k = 2 / (1 + rx * rx + ry * ry + rz * rz);
    const ow = k - 1;
    const ox = k * rx;
    const oy = k * ry;
    const oz = k * rz;
    const x = ow * ex + ox * ew + oy * ez - oz * ey;
    const y = ow * ey + oy * ew + oz * ex - ox * ez;
    const z = ow * ez + oz * ew + ox * ey - oy * ex;
    const w = ow * ew - ox * ex - oy * ey - oz * ez;
    const scale = (w < 0 ? -1 : 1) / (1 + Math.abs(w));
    offsets[o] = x * scale;
    offsets[o + 1] = y * scale;
    offsets[o + 2] = z * scale;
  }
}

/**
 * Rate of a track that went from pose a[at..] to b[bt..] (7 floats each) in `elapsedMs`, into out[to..] (6 numbers); none where it is no
 * motion [EF3].
 */
export function trackRate(a: Float64Array, at: number, b: Float64Array, bt: number, elapsedMs: number, out: Float64Array, to: number): void {
  for (let axis = 0; axis < 3; axis++) out[to + axis] = ((b[bt + axis] as number) - (a[at + axis] as number)) / elapsedMs;
  rotationBetween(a, at + 3, b, bt + 3, out, to + 3);
  // For small turns r = v / 4; the rate is that of small turns.
  for (let i = to + 3; i < to + 6; i++) out[i] = (out[i] as number) / (4 * elapsedMs);
  for (let part = to; part < to + 6; part += 3) {
    if (!(square3(out, part) <= RATE_MAX * RATE_MAX)) out.fill(0, part, part + 3);
  }
}

const square3 = (v: Float64Array, at: number): number => (v[at] as number) ** 2 + (v[at + 1] as number) ** 2 + (v[at + 2] as number) ** 2;
