/**
 * Where one device was, or most likely is, at a given time: interpolation between samples and extrapolation beyond them.
 *
 * [TR1] Between samples: cubic Hermite with tangents from the neighbours; quaternions as four-vectors, normalised.
 * [TR2] Beyond the newest: constant velocity, damped with `tauMs` (travel tends to v * tau), and nothing moves after FREEZE_MS.
 *       A device that is lost or at rest is not extrapolated.
 * [TR3] Across a cut (the head jumped too far for a body) nothing is interpolated or differentiated: the old pose holds, then the new.
 * [TR4] Finite and unit for any ring contents; nothing is allocated. Continuous in time except at a cut.
 *
 * Runs at the viewer only; nothing here has to agree between engines, so trigonometry is allowed.
 */
import { DEVICE_FLOATS, DeviceState } from "../pose/types.ts";
import { Link, PAUSE_MS, type SampleRing } from "./sample-ring.ts";

/** Extrapolation stops here, and after a longer pause the motion starts only this long before the sample that ends it. */
const FREEZE_MS = PAUSE_MS;
/** Velocity is measured over at least this span: over one 11 ms frame, the 1 mm lattice alone is 90 mm/s of noise. */
const VELOCITY_SPAN_MS = 22;
/** Faster than any hand: such a velocity is a tracking error, and not worth believing beyond it. */
const MAX_M_PER_MS = 0.015;
/** A turn farther than this is not extrapolated on: its direction is a guess. */
const MAX_TURN_RAD = Math.PI / 2;

/** Writes x y z qx qy qz qw of `device` at `timeMs` into `out` (7 floats). The ring must not be empty. */
export function evaluate(ring: SampleRing, device: number, timeMs: number, tauMs: number, out: Float64Array): void {
  const base = device * DEVICE_FLOATS;
  const newest = ring.count - 1;
  const index = ring.before(timeMs);
  if (index < 0) copySample(ring, 0, base, out);
  else if (index < newest) interpolate(ring, index, base, timeMs, out);
  else extrapolate(ring, device, timeMs - ring.timeMs(newest), tauMs, out);
}

function copySample(ring: SampleRing, index: number, base: number, out: Float64Array): void {
  for (let i = 0; i < DEVICE_FLOATS; i++) out[i] = ring.float(index, base + i);
}

function interpolate(ring: SampleRing, index: number, base: number, timeMs: number, out: Float64Array): void {
  const end = ring.timeMs(index + 1);
  const start = Math.max(ring.timeMs(index), end - FREEZE_MS);
  if (timeMs <= start || ring.link(index) === Link.cut) {
    copySample(ring, index, base, out);
    return;
  }
  const span = end - start;
  const u = (timeMs - start) / span;
  const v = 1 - u;
  const fromA = v * v * (1 + 2 * u);
  const tangentA = u * v * v * span;
  const tangentB = -u * u * v * span;
  for (let i = base; i < base + DEVICE_FLOATS; i++) {
    out[i - base] =
      ring.float(index, i) * fromA + ring.float(index + 1, i) * (1 - fromA) + slope(ring, index, i) * tangentA + slope(ring, index + 1, i) * tangentB;
  }
  normaliseRotation(ring, index, base, out);
}

/** Rate of float `offset` at sample `index`, per ms: the derivative of the parabola through it and its neighbours. */
function slope(ring: SampleRing, index: number, offset: number): number {
  const back = index > 0 && ring.link(index - 1) === Link.joined;
  const on = index + 1 < ring.count && ring.link(index) === Link.joined;
  const here = ring.float(index, offset);
  const gapBack = back ? ring.timeMs(index) - ring.timeMs(index - 1) : 1;
  const gapOn = on ? ring.timeMs(index + 1) - ring.timeMs(index) : 1;
  const rateBack = back ? (here - ring.float(index - 1, offset)) / gapBack : 0;
  const rateOn = on ? (ring.float(index + 1, offset) - here) / gapOn : 0;
  if (back && on) return (rateBack * gapOn + rateOn * gapBack) / (gapBack + gapOn);
  return rateBack + rateOn;
}

function normaliseRotation(ring: SampleRing, index: number, base: number, out: Float64Array): void {
  const x = out[3] as number;
  const y = out[4] as number;
  const z = out[5] as number;
  const w = out[6] as number;
  const norm = Math.sqrt(x * x + y * y + z * z + w * w);
  // Opposite rotations one sample apart meet in zero; either end is as good a guess.
  if (norm < 0.1) {
    for (let i = 3; i < DEVICE_FLOATS; i++) out[i] = ring.float(index, base + i);
    return;
  }
  for (let i = 3; i < DEVICE_FLOATS; i++) out[i] = (out[i] as number) / norm;
}

function extrapolate(ring: SampleRing, device: number, aheadMs: number, tauMs: number, out: Float64Array): void {
  const base = device * DEVICE_FLOATS;
  const newest = ring.count - 1;
  copySample(ring, newest, base, out);
  const state = ring.state(newest, device);
  if (state === DeviceState.lost || state === DeviceState.atRest) return;
  let from = newest;
  while (from > 0 && ring.timeMs(newest) - ring.timeMs(from) < VELOCITY_SPAN_MS && ring.link(from - 1) === Link.joined) from--;
  if (from === newest) return;
  const travelMs = tauMs * (1 - Math.exp(-Math.min(aheadMs, FREEZE_MS) / tauMs));
  const scale = travelMs / (ring.timeMs(newest) - ring.timeMs(from));
  const dx = ring.float(newest, base) - ring.float(from, base);
  const dy = ring.float(newest, base + 1) - ring.float(from, base + 1);
  const dz = ring.float(newest, base + 2) - ring.float(from, base + 2);
  const travel = Math.sqrt(dx * dx + dy * dy + dz * dz) * scale;
  const step = travel > MAX_M_PER_MS * travelMs ? (scale * MAX_M_PER_MS * travelMs) / travel : scale;
  out[0] = (out[0] as number) + dx * step;
  out[1] = (out[1] as number) + dy * step;
  out[2] = (out[2] as number) + dz * step;
  turnOn(ring, from, base + 3, scale, out);
}

/** out.q = (q * inverse(q_from)) ^ scale * q, for the rotation q in out[3..6]. */
function turnOn(ring: SampleRing, from: number, at: number, scale: number, out: Float64Array): void {
  const qx = out[3] as number;
  const qy = out[4] as number;
  const qz = out[5] as number;
  const qw = out[6] as number;
  const px = ring.float(from, at);
  const py = ring.float(from, at + 1);
  const pz = ring.float(from, at + 2);
  const pw = ring.float(from, at + 3);
  let dx = qx * pw - qw * px - qy * pz + qz * py;
  let dy = qy * pw - qw * py - qz * px + qx * pz;
  let dz = qz * pw - qw * pz - qx * py + qy * px;
  const dw = qw * pw + qx * px + qy * py + qz * pz;
  const sin = Math.sqrt(dx * dx + dy * dy + dz * dz);
  if (sin < 1e-9) return;
  const half = Math.min(Math.atan2(sin, Math.abs(dw)) * scale, MAX_TURN_RAD / 2);
  const length = (dw < 0 ? -1 : 1) * (Math.sin(half) / sin);
  const cos = Math.cos(half);
  dx *= length;
  dy *= length;
  dz *= length;
  out[3] = cos * qx + dx * qw + dy * qz - dz * qy;
  out[4] = cos * qy + dy * qw + dz * qx - dx * qz;
  out[5] = cos * qz + dz * qw + dx * qy - dy * qx;
  out[6] = cos * qw - dx * qx - dy * qy - dz * qz;
}
