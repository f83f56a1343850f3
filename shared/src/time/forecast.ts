/**
 * How a device goes on from its last samples: by its velocity, and by the bend of its path (the change of velocity), both damped, and each
 * trusted as far as it has lately been right.
 *
 * [FC1] Travel `h` ms ahead is T1 * V(h) + T2 * B(h). V: the last velocity, decaying with `tauMs`. B: what its change adds, namely that the
 *       velocity over the last SPAN_MS is half a span old, and that the change goes on for about BEND_TAU_MS. On recorded hands at 30
 *       samples a second the bend takes a quarter off the error 40 to 120 ms ahead; undamped acceleration would only add noise.
 * [FC2] T1 and T2 are learned per device, for position and rotation apart: with every sample, the forecast that was due for its time is
 *       compared with it, and the trusts are the least-squares fit over the last seconds, held to 1 by a ridge until there is evidence
 *       and kept in 0..TRUST_MAX. Somebody who reverses faster than the link is quick (a drummer on 4G) is then not thrown past the
 *       turning point, without any knob.
 *       What they leave unexplained is the device's doubt, by which corrections are made gentler.
 * [FC3] Finite for any ring contents. Nothing moves after FREEZE_MS, faster than MAX_M_PER_MS, or further round than MAX_TURN_RAD.
 *       Nothing is allocated after construction.
 *
 * A displacement is six numbers: x y z in m, and a rotation vector in rad (turning after the pose). Runs at the viewer only: nothing here
 * has to agree between engines, so transcendental functions are allowed.
 */
import { DEVICE_COUNT, DEVICE_FLOATS } from "../pose/types.ts";
import { rotationBetween } from "./rotation.ts";
import { Link, PAUSE_MS, type SampleRing } from "./sample-ring.ts";

/** Extrapolation stops here. */
export const FREEZE_MS = PAUSE_MS;
/** Velocities are measured over at least this span: over one 11 ms frame, the 1 mm lattice alone is 90 mm/s of noise. */
const SPAN_MS = 30;
/** Faster than any hand: such a velocity is a tracking error, and not worth believing beyond it. */
const MAX_M_PER_MS = 0.015;
/** A turn farther than this is not extrapolated on: its direction is a guess. */
const MAX_TURN_RAD = Math.PI / 2;
/** How long a change of velocity goes on, and the part of it that is motion rather than noise; both fitted to recorded hands. */
const BEND_TAU_MS = 40;
const BEND_GAIN = 0.9;
/** A bend measured over longer than this (samples were lost) is worth less. */
const BEND_SPAN_MS = 90;
/** Leads outside these are not learned from: nearer everything is right, farther nothing moves. */
const LEAD_MIN_MS = 20;
const LEARN_TAU_MS = 4000;
const TRUST_MAX = 1.2;
/** Ridge towards full trust, m^2 and rad^2: some twenty samples of a hand that moves. */
const RIDGE = [0.05, 0.5] as const;
const CHANNELS = 2;
/** Guesses that err by more than what they guess at are not told apart. */
const DOUBT_MAX = 2;
/** Less movement than this, m^2 and rad^2, is no ground for doubt. */
const STILL = [0.01, 0.1] as const;
/** Per device and channel: VV, VB, BB, VD, BD, DD with the displacement D that came true. */
const MOMENTS = 6;

export class Forecast {
  /** Per device, position then rotation: T1, T2. */
  readonly trust = new Float64Array(DEVICE_COUNT * CHANNELS * 2).fill(1);
  /** Per device, position then rotation: root of the part of lately forecast movement that came differently, 0..DOUBT_MAX. */
  readonly doubt = new Float64Array(DEVICE_COUNT * CHANNELS);
  private readonly tauMs: number;
  private readonly moments = new Float64Array(DEVICE_COUNT * CHANNELS * MOMENTS);
  private readonly recent = new Float64Array(6);
  private readonly before = new Float64Array(6);
  private readonly velocity = new Float64Array(6);
  private readonly bend = new Float64Array(6);
  private readonly due = new Float64Array(6);
  private readonly start = new Float64Array(DEVICE_FLOATS);
  private readonly end = new Float64Array(DEVICE_FLOATS);

  constructor(tauMs: number) {
    this.tauMs = tauMs;
  }

  reset(): void {
    this.trust.fill(1);
    this.doubt.fill(0);
    this.moments.fill(0);
  }

  /** Writes the displacement of `device` that is expected `aheadMs` after sample `index` into `out`; zero where nothing can be said. */
  ahead(ring: SampleRing, index: number, device: number, aheadMs: number, out: Float64Array): void {
    if (!this.terms(ring, index, device, aheadMs)) {
      out.fill(0);
      return;
    }
    for (let i = 0; i < 6; i++) {
      const t = (device * CHANNELS + (i < 3 ? 0 : 1)) * 2;
      out[i] = (this.trust[t] as number) * (this.velocity[i] as number) + (this.trust[t + 1] as number) * (this.bend[i] as number);
    }
    limit(out, 0, MAX_M_PER_MS * this.travelMs(aheadMs));
    limit(out, 3, MAX_TURN_RAD);
  }

  /** Compares the newest sample with what was due for it `leadMs` before, and adjusts the device's trusts [FC2]. */
  learn(ring: SampleRing, device: number, leadMs: number): void {
    const newest = ring.count - 1;
    const timeMs = ring.timeMs(newest);
    const from = ring.before(timeMs - Math.min(FREEZE_MS, Math.max(LEAD_MIN_MS, leadMs)));
    if (from < 2) return;
    for (let i = from; i < newest; i++) if (ring.link(i, device) !== Link.joined) return;
    if (!this.terms(ring, from, device, timeMs - ring.timeMs(from))) return;
    this.displacement(ring, from, newest, device, this.due);
    const keep = Math.exp((ring.timeMs(newest - 1) - timeMs) / LEARN_TAU_MS);
    for (let channel = 0; channel < CHANNELS; channel++) this.fit(device * CHANNELS + channel, channel, keep);
  }

  private fit(which: number, channel: number, keep: number): void {
    const { moments, velocity, bend, due } = this;
    const m = which * MOMENTS;
    for (let i = 0; i < MOMENTS; i++) moments[m + i] = (moments[m + i] as number) * keep;
    for (let i = channel * 3; i < channel * 3 + 3; i++) {
      const v = velocity[i] as number;
      const b = bend[i] as number;
      const d = due[i] as number;
      moments[m] = (moments[m] as number) + v * v;
      moments[m + 1] = (moments[m + 1] as number) + v * b;
      moments[m + 2] = (moments[m + 2] as number) + b * b;
      moments[m + 3] = (moments[m + 3] as number) + v * d;
      moments[m + 4] = (moments[m + 4] as number) + b * d;
      moments[m + 5] = (moments[m + 5] as number) + d * d;
    }
    this.solve(which, channel);
    this.judge(which, channel);
  }

  private solve(which: number, channel: number): void {
    const { moments, trust } = this;
    const m = which * MOMENTS;
    const ridge = RIDGE[channel] as number;
    const vv = (moments[m] as number) + ridge;
    const vb = moments[m + 1] as number;
    const bb = (moments[m + 2] as number) + ridge;
    const vd = (moments[m + 3] as number) + ridge;
    const bd = (moments[m + 4] as number) + ridge;
    // The determinant is positive: Cauchy-Schwarz, and the ridge. Each trust is solved for again with the other where its bounds left it.
    const first = clampTrust((vd * bb - bd * vb) / (vv * bb - vb * vb));
    const second = clampTrust((bd - vb * first) / bb);
    trust[which * 2] = clampTrust((vd - vb * second) / vv);
    trust[which * 2 + 1] = second;
  }

  /** Sum of squares of D - T1 V - T2 B, as part of that of D. */
  private judge(which: number, channel: number): void {
    const { moments, trust } = this;
    const m = which * MOMENTS;
    const t1 = trust[which * 2] as number;
    const t2 = trust[which * 2 + 1] as number;
    const dd = moments[m + 5] as number;
    const explained = 2 * (t1 * (moments[m + 3] as number) + t2 * (moments[m + 4] as number));
    const forecast = t1 * t1 * (moments[m] as number) + 2 * t1 * t2 * (moments[m + 1] as number) + t2 * t2 * (moments[m + 2] as number);
    const missed = Math.max(0, dd - explained + forecast);
    this.doubt[which] = Math.min(DOUBT_MAX, Math.sqrt(missed / (dd + (STILL[channel] as number))));
  }

  private travelMs(aheadMs: number): number {
    return this.tauMs * (1 - Math.exp(-Math.min(aheadMs, FREEZE_MS) / this.tauMs));
  }

  /** V and B of [FC1]. False when sample `index` has no predecessor in its motion. */
  private terms(ring: SampleRing, index: number, device: number, aheadMs: number): boolean {
    const from = spanBack(ring, index, device);
    if (from === index) return false;
    const older = spanBack(ring, from, device);
    const spanMs = ring.timeMs(index) - ring.timeMs(from);
    const olderMs = ring.timeMs(from) - ring.timeMs(older);
    const bothMs = spanMs + olderMs;
    const travelMs = this.travelMs(aheadMs);
    const h = Math.min(aheadMs, FREEZE_MS);
    const bendMs2 = BEND_TAU_MS * (h - BEND_TAU_MS * (1 - Math.exp(-h / BEND_TAU_MS)));
    const perRate = (BEND_GAIN * Math.min(1, BEND_SPAN_MS / bothMs) * ((spanMs / 2) * travelMs + bendMs2)) / (bothMs / 2);
    this.displacement(ring, from, index, device, this.recent);
    this.displacement(ring, older, from, device, this.before);
    for (let i = 0; i < 6; i++) {
      const rate = (this.recent[i] as number) / spanMs;
      this.velocity[i] = rate * travelMs;
      this.bend[i] = older === from ? 0 : (rate - (this.before[i] as number) / olderMs) * perRate;
    }
    return true;
  }

  /** Displacement of `device` from sample `a` to sample `b`. */
  private displacement(ring: SampleRing, a: number, b: number, device: number, out: Float64Array): void {
    const base = device * DEVICE_FLOATS;
    const { start, end } = this;
    for (let i = 0; i < DEVICE_FLOATS; i++) {
      start[i] = ring.float(a, base + i);
      end[i] = ring.float(b, base + i);
    }
    for (let axis = 0; axis < 3; axis++) out[axis] = (end[axis] as number) - (start[axis] as number);
    rotationBetween(start, 3, end, 3, out, 3);
  }
}

const clampTrust = (trust: number): number => (trust > TRUST_MAX ? TRUST_MAX : trust > 0 ? trust : 0);

/** The youngest sample at least SPAN_MS before `index`, or the oldest of its device's motion. */
function spanBack(ring: SampleRing, index: number, device: number): number {
  let from = index;
  while (from > 0 && ring.timeMs(index) - ring.timeMs(from) < SPAN_MS && ring.link(from - 1, device) === Link.joined) from--;
  return from;
}

/** Shortens v[at..at+2] to at most `longest`. */
function limit(v: Float64Array, at: number, longest: number): void {
  const square = (v[at] as number) ** 2 + (v[at + 1] as number) ** 2 + (v[at + 2] as number) ** 2;
  if (square <= longest * longest) return;
  const scale = longest / Math.sqrt(square);
  for (let i = at; i < at + 3; i++) v[i] = (v[i] as number) * scale;
}
