/**
 * What of a motion is compared with the recordings: how fast (percentiles of speed, frame to frame) and at which frequencies
 * (power of velocity in octave bands). Offline; used by the fit and by its test.
 */
import { DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";

/** Poses sampled on any clock: `timesMs` increasing, `poses` 21 floats a row. */
export type Motion = { readonly count: number; readonly timesMs: Float64Array; readonly poses: Float64Array };

export type Percentiles = readonly [p50: number, p95: number, p99: number];
export type MotionStatistics = {
  readonly headMs: Percentiles;
  readonly handMs: Percentiles;
  readonly headDegS: Percentiles;
  readonly handDegS: Percentiles;
};

/** Edges of the bands in Hz; the last ends at the Nyquist frequency of the slowest headset. */
export const BAND_EDGES_HZ = [0.25, 0.5, 1, 2, 4, 8, 16, 32] as const;
/** Power of velocity (m/s)^2 or angular velocity (rad/s)^2 per band. */
export type Spectrum = Float64Array;
export type MotionSpectra = { readonly head: Spectrum; readonly hand: Spectrum; readonly headTurn: Spectrum; readonly handTurn: Spectrum };

const GAP_MS = 50;
const RESAMPLE_HZ = 90;
const WINDOW = 512;

/** Speeds over all frames of all `motions`; frames longer than 50 ms are gaps in the recording and left out. */
export function statisticsOf(motions: readonly Motion[]): MotionStatistics {
  const headMs: number[] = [];
  const handMs: number[] = [];
  const headDegS: number[] = [];
  const handDegS: number[] = [];
  for (const motion of motions) {
    for (let row = 1; row < motion.count; row++) {
      const dtMs = (motion.timesMs[row] as number) - (motion.timesMs[row - 1] as number);
      if (dtMs <= 0 || dtMs > GAP_MS) continue;
      for (let device = 0; device < 3; device++) {
        (device === 0 ? headMs : handMs).push((travel(motion, row, device) / dtMs) * 1000);
        (device === 0 ? headDegS : handDegS).push(((turn(motion, row, device) * 180) / Math.PI / dtMs) * 1000);
      }
    }
  }
  return { headMs: percentiles(headMs), handMs: percentiles(handMs), headDegS: percentiles(headDegS), handDegS: percentiles(handDegS) };
}

/** Mean power of velocity per band over all windows of 512 frames at 90 Hz (Hann). */
export function spectraOf(motions: readonly Motion[]): MotionSpectra {
  const bands = BAND_EDGES_HZ.length - 1;
  const spectra = {
    head: new Float64Array(bands),
    hand: new Float64Array(bands),
    headTurn: new Float64Array(bands),
    handTurn: new Float64Array(bands),
  };
  const windows = { head: 0, hand: 0, headTurn: 0, handTurn: 0 };
  for (const motion of motions) {
    const even = resample(motion);
    for (let start = 0; start + WINDOW + 1 <= even.count; start += WINDOW / 2) {
      for (let device = 0; device < 3; device++) {
        const moved = device === 0 ? "head" : "hand";
        const turned = device === 0 ? "headTurn" : "handTurn";
        for (let axis = 0; axis < 3; axis++) {
          addPower(linearVelocity(even, start, device, axis), spectra[moved]);
          addPower(angularVelocity(even, start, device, axis), spectra[turned]);
        }
        windows[moved]++;
        windows[turned]++;
      }
    }
  }
  for (const name of ["head", "hand", "headTurn", "handTurn"] as const) {
    for (let band = 0; band < bands; band++) spectra[name][band] = (spectra[name][band] as number) / Math.max(1, windows[name]);
  }
  return spectra;
}

function travel(motion: Motion, row: number, device: number): number {
  const a = (row - 1) * POSE_FLOATS + device * DEVICE_FLOATS;
  const b = a + POSE_FLOATS;
  const { poses } = motion;
  return Math.hypot(
    (poses[b] as number) - (poses[a] as number),
    (poses[b + 1] as number) - (poses[a + 1] as number),
    (poses[b + 2] as number) - (poses[a + 2] as number),
  );
}

function turn(motion: Motion, row: number, device: number): number {
  const [x, y, z] = rotationBetween(motion, row, device);
  return Math.hypot(x, y, z);
}

/** Rotation vector from row - 1 to row, rad, body frame. */
function rotationBetween(motion: Motion, row: number, device: number): readonly [number, number, number] {
  const a = (row - 1) * POSE_FLOATS + device * DEVICE_FLOATS + 3;
  const b = a + POSE_FLOATS;
  const { poses } = motion;
  const [px, py, pz, pw] = [poses[a] as number, poses[a + 1] as number, poses[a + 2] as number, poses[a + 3] as number];
  const [qx, qy, qz, qw] = [poses[b] as number, poses[b + 1] as number, poses[b + 2] as number, poses[b + 3] as number];
  const x = pw * qx - px * qw - py * qz + pz * qy;
  const y = pw * qy - py * qw - pz * qx + px * qz;
  const z = pw * qz - pz * qw - px * qy + py * qx;
  const w = pw * qw + px * qx + py * qy + pz * qz;
  const sin = Math.hypot(x, y, z);
  const scale = sin < 1e-12 ? 0 : ((w < 0 ? -1 : 1) * 2 * Math.atan2(sin, Math.abs(w))) / sin;
  return [x * scale, y * scale, z * scale];
}

function percentiles(values: number[]): Percentiles {
  values.sort((a, b) => a - b);
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
  return [at(0.5), at(0.95), at(0.99)];
}

/** Linear resampling to an even 90 Hz. */
function resample(motion: Motion): Motion {
  const stepMs = 1000 / RESAMPLE_HZ;
  const start = motion.timesMs[0] as number;
  const count = Math.floor(((motion.timesMs[motion.count - 1] as number) - start) / stepMs);
  const timesMs = new Float64Array(count);
  const poses = new Float64Array(count * POSE_FLOATS);
  let row = 0;
  for (let i = 0; i < count; i++) {
    const t = start + i * stepMs;
    while (row < motion.count - 2 && (motion.timesMs[row + 1] as number) <= t) row++;
    const from = motion.timesMs[row] as number;
    const u = (t - from) / ((motion.timesMs[row + 1] as number) - from);
    timesMs[i] = t;
    for (let k = 0; k < POSE_FLOATS; k++) {
      const a = motion.poses[row * POSE_FLOATS + k] as number;
      poses[i * POSE_FLOATS + k] = a + ((motion.poses[(row + 1) * POSE_FLOATS + k] as number) - a) * u;
    }
  }
  return { count, timesMs, poses };
}

function linearVelocity(even: Motion, start: number, device: number, axis: number): Float64Array {
  const out = new Float64Array(WINDOW);
  const at = device * DEVICE_FLOATS + axis;
  for (let i = 0; i < WINDOW; i++) {
    const row = start + i;
    out[i] = ((even.poses[(row + 1) * POSE_FLOATS + at] as number) - (even.poses[row * POSE_FLOATS + at] as number)) * RESAMPLE_HZ;
  }
  return out;
}

function angularVelocity(even: Motion, start: number, device: number, axis: number): Float64Array {
  const out = new Float64Array(WINDOW);
  for (let i = 0; i < WINDOW; i++) out[i] = (rotationBetween(even, start + i + 1, device)[axis] as number) * RESAMPLE_HZ;
  return out;
}

/** Adds the signal's power per band: Hann window, plain radix-2 transform. */
function addPower(signal: Float64Array, bands: Float64Array): void {
  const re = new Float64Array(WINDOW);
  const im = new Float64Array(WINDOW);
  for (let i = 0; i < WINDOW; i++) re[i] = (signal[i] as number) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
  transform(re, im);
  // One-sided power; 3/8 is the mean square of the window.
  const norm = 2 / (WINDOW * WINDOW * 0.375);
  for (let k = 1; k < WINDOW / 2; k++) {
    const hz = (k * RESAMPLE_HZ) / WINDOW;
    const band = BAND_EDGES_HZ.findLastIndex((edge) => hz >= edge);
    if (band < 0 || band >= bands.length) continue;
    bands[band] = (bands[band] as number) + ((re[k] as number) ** 2 + (im[k] as number) ** 2) * norm;
  }
}

function transform(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    [re[i], re[j]] = [re[j] as number, re[i] as number];
    [im[i], im[j]] = [im[j] as number, im[i] as number];
  }
  for (let size = 2; size <= n; size *= 2) {
    const angle = (-2 * Math.PI) / size;
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < size / 2; k++) {
        const a = start + k;
        const b = a + size / 2;
        const cos = Math.cos(angle * k);
        const sin = Math.sin(angle * k);
        const tr = (re[b] as number) * cos - (im[b] as number) * sin;
        const ti = (re[b] as number) * sin + (im[b] as number) * cos;
        re[b] = (re[a] as number) - tr;
        im[b] = (im[a] as number) - ti;
        re[a] = (re[a] as number) + tr;
        im[a] = (im[a] as number) + ti;
      }
    }
  }
}
