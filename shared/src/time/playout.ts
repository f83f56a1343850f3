/**
 * One remote person's jitter buffer: samples in as they come, a pose for every rendered frame out (POSE.md, Playout at the viewer).
 *
 * [PO1] `sample` writes finite positions and unit quaternions, whatever was pushed and in whatever order; samples with a non-finite
 *       number, a rotation far from unit, or a time more than a second ahead are dropped.
 * [PO2] Each device is shown at `now - delay * (1 - forward)`: what interaction needs now is shown later than it could be smooth, and
 *       guessed as far as its forward factor says.
 * [PO3] New samples that contradict what was guessed never make it jump: the difference becomes an offset that fades over
 *       ERROR_FADE_MS, unless it is longer than 0.5 m, which is a teleport and snaps.
 * [PO4] Nothing is allocated after construction.
 *
 * Times are room time in ms (ClockSync.toServer).
 */
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS, type PoseSample } from "../pose/types.ts";
import { LatenessHistogram } from "./lateness.ts";
import { SampleRing } from "./sample-ring.ts";
import { evaluate } from "./trajectory.ts";

export type PlayoutOptions = {
  /** Part of the playout delay that head, left and right are guessed ahead: 0 shows only what was measured, 1 shows the present. */
  readonly forward: readonly [head: number, left: number, right: number];
  /** Damping of extrapolation: travel beyond the newest sample tends to velocity * tau. */
  readonly tauMs: number;
  /** Time constant with which a corrected guess fades. */
  readonly errorFadeMs: number;
  /** Bounds of the adaptive delay. Equal bounds make it fixed. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
};

export const DEFAULT_PLAYOUT: PlayoutOptions = { forward: [0.3, 0.5, 0.5], tauMs: 175, errorFadeMs: 60, minDelayMs: 5, maxDelayMs: 500 };

const SNAP_M = 0.5;
/** The delay follows its target this fast at most, ms per ms: a pace change of a tenth is not seen. */
const DELAY_SLEW = 0.1;
const FUTURE_MS = 1000;
/** Spacing of samples, smoothed; gaps above the limit are pauses, not spacing. */
const SPACING_GAIN = 1 / 16;
const SPACING_MAX_MS = 100;
const NORM_SLACK = 0.1;

export class Playout {
  /** Forward factor per device, 0..1; the app may change it at any time (far hands: 1). */
  readonly forward = new Float64Array(DEVICE_COUNT);
  private readonly options: PlayoutOptions;
  private readonly ring = new SampleRing();
  private readonly lateness = new LatenessHistogram();
  private spacingMs = 0;
  private delay = 0;
  private shownAtMs = Number.NaN;
  /** New samples since the last `sample`: the guess shown there may have been wrong. */
  private surprised = false;
  /** Per device, of the last `sample`: its playout time, and the pose before the offset was added. */
  private readonly targetMs = new Float64Array(DEVICE_COUNT);
  private readonly guessed = new Float64Array(POSE_FLOATS);
  /** Per device: position offset, and rotation offset as modified Rodrigues parameters (turning after the pose). */
  private readonly offsets = new Float64Array(DEVICE_COUNT * 6);
  private readonly scratch = new Float64Array(DEVICE_FLOATS);

  constructor(options: Partial<PlayoutOptions> = {}) {
    this.options = { ...DEFAULT_PLAYOUT, ...options };
    this.forward.set(this.options.forward);
  }

  /** Current playout delay, before forward factors; 0 before the first sample. */
  get delayMs(): number {
    return this.delay;
  }

  /** Spread of lateness: q95 - q50. */
  get jitterMs(): number {
    return this.lateness.jitterMs;
  }

  /** Time of the newest sample; -Infinity before the first. */
  get newestMs(): number {
    return this.ring.count === 0 ? Number.NEGATIVE_INFINITY : this.ring.timeMs(this.ring.count - 1);
  }

  /** Room time at which the last `sample` showed `device` (0 head, 1 left, 2 right): measured, or guessed when after `newestMs`. */
  shownMs(device: number): number {
    return this.targetMs[device] as number;
  }

  /** Forgets everything: the person left, slept, or the room's clock was replaced. */
  reset(): void {
    this.ring.clear();
    this.lateness.reset();
    this.offsets.fill(0);
    this.delay = this.spacingMs = 0;
    this.shownAtMs = Number.NaN;
    this.surprised = false;
  }

  /** Copies `sample` (room frame), which arrived at room time `arrivalServerMs`. */
  push(sample: PoseSample, arrivalServerMs: number): void {
    if (!usable(sample, arrivalServerMs)) return;
    this.lateness.observe(arrivalServerMs - sample.timeMs);
    const gap = sample.timeMs - this.newestMs;
    if (gap > 0 && gap <= SPACING_MAX_MS) this.spacingMs += (gap - this.spacingMs) * (this.spacingMs === 0 ? 1 : SPACING_GAIN);
    this.surprised = this.ring.insert(sample) || this.surprised;
  }

  /**
   * The pose to show at room time `nowServerMs`, into `out` (21 floats, room frame) and `states` (3).
   * False, and nothing written, before the first sample.
   */
  sample(nowServerMs: number, out: Float64Array, states: Uint8Array): boolean {
    if (this.ring.count === 0 || !Number.isFinite(nowServerMs)) return false;
    const elapsed = nowServerMs - this.shownAtMs;
    const first = !(elapsed > Number.NEGATIVE_INFINITY);
    this.followDelay(first ? Number.POSITIVE_INFINITY : Math.max(0, elapsed));
    const fade = first ? 0 : Math.exp(-Math.max(0, elapsed) / this.options.errorFadeMs);
    for (let device = 0; device < DEVICE_COUNT; device++) {
      if (this.surprised && !first) this.absorb(device);
      this.show(device, nowServerMs - this.delay * (1 - (this.forward[device] as number)), fade, out);
      states[device] = this.ring.state(Math.max(0, this.ring.before(this.targetMs[device] as number)), device);
    }
    this.surprised = false;
    this.shownAtMs = nowServerMs;
    return true;
  }

  /** Moves the delay towards what lateness and sample spacing ask for. */
  private followDelay(elapsedMs: number): void {
    const { minDelayMs, maxDelayMs } = this.options;
    const wanted = Math.min(maxDelayMs, Math.max(minDelayMs, this.lateness.coverMs() + this.spacingMs));
    const room = elapsedMs * DELAY_SLEW;
    const error = wanted - this.delay;
    this.delay += Math.abs(error) <= room ? error : Math.sign(error) * room;
  }

  /** Takes the difference between what was shown last and what the samples now say about that moment into the offset [PO3]. */
  private absorb(device: number): void {
    const at = device * DEVICE_FLOATS;
    const o = device * 6;
    const now = this.scratch;
    evaluate(this.ring, device, this.targetMs[device] as number, this.options.tauMs, now);
    let square = 0;
    for (let axis = 0; axis < 3; axis++) {
      const error = (this.guessed[at + axis] as number) - (now[axis] as number);
      this.offsets[o + axis] = (this.offsets[o + axis] as number) + error;
      square += (this.offsets[o + axis] as number) ** 2;
    }
    if (square > SNAP_M * SNAP_M) this.offsets.fill(0, o, o + 6);
    else this.absorbRotation(at + 3, o + 3, now);
  }

  /** offset = offset * guessed * inverse(now), kept as modified Rodrigues parameters. */
  private absorbRotation(g: number, o: number, now: Float64Array): void {
    const nx = -(now[3] as number);
    const ny = -(now[4] as number);
    const nz = -(now[5] as number);
    const nw = now[6] as number;
    const gx = this.guessed[g] as number;
    const gy = this.guessed[g + 1] as number;
    const gz = this.guessed[g + 2] as number;
    const gw = this.guessed[g + 3] as number;
    const ex = gw * nx + gx * nw + gy * nz - gz * ny;
    const ey = gw * ny + gy * nw + gz * nx - gx * nz;
    const ez = gw * nz + gz * nw + gx * ny - gy * nx;
    const ew = gw * nw - gx * nx - gy * ny - gz * nz;
    const rx = this.offsets[o] as number;
    const ry = this.offsets[o + 1] as number;
    const rz = this.offsets[o + 2] as number;
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
    this.offsets[o] = x * scale;
    this.offsets[o + 1] = y * scale;
    this.offsets[o + 2] = z * scale;
  }

  /** Evaluates one device at `timeMs`, remembers it, and writes it with the faded offset. */
  private show(device: number, timeMs: number, fade: number, out: Float64Array): void {
    const at = device * DEVICE_FLOATS;
    const o = device * 6;
    const now = this.scratch;
    evaluate(this.ring, device, timeMs, this.options.tauMs, now);
    this.targetMs[device] = timeMs;
    for (let i = 0; i < DEVICE_FLOATS; i++) this.guessed[at + i] = now[i] as number;
    for (let i = o; i < o + 6; i++) this.offsets[i] = (this.offsets[i] as number) * fade;
    for (let axis = 0; axis < 3; axis++) out[at + axis] = (now[axis] as number) + (this.offsets[o + axis] as number);
    const rx = this.offsets[o + 3] as number;
    const ry = this.offsets[o + 4] as number;
    const rz = this.offsets[o + 5] as number;
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
}

function usable(sample: PoseSample, arrivalMs: number): boolean {
  const { pose, timeMs } = sample;
  // Written so that NaN fails; an infinite or missing number fails the sum.
  if (!(Math.abs(timeMs) < Number.POSITIVE_INFINITY && timeMs - arrivalMs <= FUTURE_MS)) return false;
  let sum = 0;
  for (let i = 0; i < POSE_FLOATS; i++) sum += Math.abs(pose[i] as number);
  if (!(sum < 1e9)) return false;
  for (let at = 3; at < POSE_FLOATS; at += DEVICE_FLOATS) {
    const square = (pose[at] as number) ** 2 + (pose[at + 1] as number) ** 2 + (pose[at + 2] as number) ** 2 + (pose[at + 3] as number) ** 2;
    if (!(Math.abs(square - 1) <= NORM_SLACK)) return false;
  }
  return true;
}
