/**
 * Where one device was, or most likely is, at a given time: interpolation between samples and extrapolation beyond them.
 *
 * [TR1] Between samples: cubic Hermite with tangents from the neighbours; quaternions as four-vectors, normalised.
 * [TR2] Beyond the newest: what the forecast expects, and nothing moves after FREEZE_MS. A device that is lost or at rest is not
 *       extrapolated. Who has sent nothing for longer than the link explains (`holdMs` beyond the newest) goes back to where they were last
 *       measured: nobody knows where they are, and hands come back rather than stay where they were going.
 * [TR3] Across a device's cut (a teleport, a hand that appears) nothing is interpolated or differentiated: the old pose holds, then the new.
 * [TR4] Finite and unit for any ring contents; nothing is allocated. Continuous in time except at a cut.
 */
import { DEVICE_FLOATS, DeviceState } from "../pose/types.ts";
import { type Forecast, FREEZE_MS } from "./forecast.ts";
import { rotateBy } from "./rotation.ts";
import { Link, type SampleRing } from "./sample-ring.ts";

/** A guess that is given up is gone after this long. */
const RETURN_MS = 500;
const travel = new Float64Array(6);

/** Writes x y z qx qy qz qw of `device` at `timeMs` into `out` (7 floats). The ring must not be empty. `holdMs`: [TR2]. */
export function evaluate(ring: SampleRing, device: number, timeMs: number, holdMs: number, forecast: Forecast, out: Float64Array): void {
  const base = device * DEVICE_FLOATS;
  const newest = ring.count - 1;
  const index = ring.before(timeMs);
  if (index < 0) copySample(ring, 0, base, out);
  else if (index < newest) interpolate(ring, index, device, timeMs, out);
  else extrapolate(ring, device, timeMs - ring.timeMs(newest), holdMs, forecast, out);
}

function copySample(ring: SampleRing, index: number, base: number, out: Float64Array): void {
  for (let i = 0; i < DEVICE_FLOATS; i++) out[i] = ring.float(index, base + i);
}

function interpolate(ring: SampleRing, index: number, device: number, timeMs: number, out: Float64Array): void {
  const base = device * DEVICE_FLOATS;
  const end = ring.timeMs(index + 1);
  const start = Math.max(ring.timeMs(index), end - FREEZE_MS);
  if (timeMs <= start || ring.link(index, device) === Link.cut) {
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
      ring.float(index, i) * fromA +
      ring.float(index + 1, i) * (1 - fromA) +
      slope(ring, index, device, i) * tangentA +
      slope(ring, index + 1, device, i) * tangentB;
  }
  normaliseRotation(ring, index, base, out);
}

/** Rate of float `offset` of `device` at sample `index`, per ms: the derivative of the parabola through it and its neighbours. */
function slope(ring: SampleRing, index: number, device: number, offset: number): number {
  const back = index > 0 && ring.link(index - 1, device) === Link.joined;
  const on = index + 1 < ring.count && ring.link(index, device) === Link.joined;
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

function extrapolate(ring: SampleRing, device: number, aheadMs: number, holdMs: number, forecast: Forecast, out: Float64Array): void {
  const newest = ring.count - 1;
  copySample(ring, newest, device * DEVICE_FLOATS, out);
  const state = ring.state(newest, device);
  if (state === DeviceState.lost || state === DeviceState.atRest) return;
  const given = Math.min(1, Math.max(0, (aheadMs - holdMs) / RETURN_MS));
  if (given === 1) return;
  forecast.ahead(ring, newest, device, aheadMs, travel);
  const kept = 1 - given * given * (3 - 2 * given);
  for (let i = 0; i < 6; i++) travel[i] = (travel[i] as number) * kept;
  for (let axis = 0; axis < 3; axis++) out[axis] = (out[axis] as number) + (travel[axis] as number);
  rotateBy(travel, 3, out, 3);
}
