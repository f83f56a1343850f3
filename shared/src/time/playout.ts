/**
 * One remote person's jitter buffer: samples in as they come, a pose for every rendered frame out (POSE.md, Playout at the viewer).
 *
 * [PO1] `sample` writes finite positions and unit quaternions, whatever was pushed and in whatever order; samples with a non-finite
 *       number, a rotation far from unit, or a time more than a second ahead are dropped.
 * [PO2] Each device is shown at `now - delay * (1 - forward)`: what interaction needs now is guessed as far as its forward factor says.
 *       How far guesses are trusted is learned from how they turned out, at the lead they are made with (forecast.ts).
 * [PO3] New samples that contradict what was guessed change neither the place nor the speed shown: the difference becomes an offset that
 *       fades (error-fade.ts), slower where guesses have been bad, the more so the further ahead they are made, and for what hardly
 *       moves. Only a device that appears snaps, a cut of more than 0.5 m, or an offset longer than any wrong guess.
 * [PO4] Nothing is allocated after construction.
 * [PO5] A pause of the sender is no delay of the link and no motion: guesses are given up, nothing is learned from it, and of somebody who
 *       was still when first heard of only what comes later says how long the link takes.
 *
 * Times are room time in ms (ClockSync.toServer).
 */
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, POSE_FLOATS, type PoseSample } from "../pose/types.ts";
import { ErrorFade, trackRate } from "./error-fade.ts";
import { Forecast } from "./forecast.ts";
import { LatenessHistogram } from "./lateness.ts";
import { Link, PAUSE_MS, SampleRing } from "./sample-ring.ts";
import { evaluate } from "./trajectory.ts";

export type PlayoutOptions = {
  /** Part of the playout delay that head, left and right are guessed ahead: 0 shows only what was measured, 1 shows the present. */
  readonly forward: readonly [head: number, left: number, right: number];
  /** Damping of extrapolation: travel beyond the newest sample tends to velocity * tau. */
  readonly tauMs: number;
  /** Time constant with which a corrected guess of what moves predictably fades, and how many times longer it is per unit of doubt. */
  readonly errorFadeMs: number;
  readonly errorFadePerDoubt: number;
  /** Bounds of the adaptive delay. Equal bounds make it fixed. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
};

/** Fitted to recorded motion over shaped links: error as small as it gets while displayed acceleration stays near the true one. */
export const DEFAULT_PLAYOUT: PlayoutOptions = {
  forward: [0.5, 0.85, 0.85],
  tauMs: 175,
  errorFadeMs: 10,
  errorFadePerDoubt: 2,
  minDelayMs: 5,
  maxDelayMs: 500,
};

/** An offset that a cut leaves and that is shorter than this fades: on a link that stalls, half a metre may have been walked. */
const SNAP_M = 0.5;
/** Nothing new for so long beyond what the link explains: the sender has stopped. Stalls of TCP are shorter. */
const STOPPED_MS = 2 * PAUSE_MS;
/** Whoever comes back from such a pause is glided to where they are with the shortest time constant, whatever the doubt; it takes less than this. */
const HURRY_MS = 150;
/** A hand is never guessed so far from where it is. */
const GUESS_M = 3;
/** Averaging time of the lead; a pause counts as this. */
const LEAD_MAX_MS = 250;
const LEAD_TAU_MS = 500;
/** Frames closer together or farther apart than this say nothing about a track's rate. */
const FRAME_MIN_MS = 1;
const FRAME_MAX_MS = 100;
/**
 * Corrections are gentler still the nearer the lead is to NOISY_LEAD_MS, by up to NOISY_GAIN of the doubt's part, and not at all NOISY_WIDTH_MS off
 * it: what is wrong with a velocity is then travelled on for long and believed. Nearer, guesses are right; from FREEZE_MS on, hardly trusted.
 */
const NOISY_LEAD_MS = 165;
const NOISY_WIDTH_MS = 85;
const NOISY_GAIN = 1.25;
/** Slow enough that its errors are small and its tremble is seen: 0.4 m/s, and 90 degrees a second as Rodrigues parameters. */
const CALM_M_PER_MS = 0.0004;
const CALM_TURN_PER_MS = 0.0004;
/** Nothing shown for this long is as good as for ever. */
const SILENCE_MS = 10_000;
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
  private options: PlayoutOptions;
  private readonly ring = new SampleRing();
  private readonly lateness = new LatenessHistogram();
  private spacingMs = 0;
  private delay = 0;
  private shownAtMs = Number.NaN;
  /** New samples since the last `sample`: the guess shown there may have been wrong. */
  private surprised = false;
  /** Per device: when another motion began among them, and which offsets from before it fade at all. */
  private readonly cutMs = new Float64Array(DEVICE_COUNT).fill(Number.POSITIVE_INFINITY);
  private readonly snapM = new Float64Array(DEVICE_COUNT);
  /** What is left of HURRY_MS. */
  private hurryMs = 0;
  /** Per device, of the last `sample`: its playout time, the pose before the offset was added, and that track's rate. */
  private readonly targetMs = new Float64Array(DEVICE_COUNT);
  private readonly guessed = new Float64Array(POSE_FLOATS);
  private readonly rates = new Float64Array(DEVICE_COUNT * 6);
  private readonly fade = new ErrorFade();
  private readonly forecast: Forecast;
  /** Per device: how far it is guessed ahead of the newest sample, averaged, ms. */
  private readonly leadMs = new Float64Array(DEVICE_COUNT);
  /** The same as it was when the newest sample came: what follows may turn out to have been a pause. */
  private readonly steadyLeadMs = new Float64Array(DEVICE_COUNT);
  /** Playout time since the frame before the last. */
  private readonly steps = new Float64Array(DEVICE_COUNT);
  private readonly track = new Float64Array(DEVICE_FLOATS);
  private readonly earlier = new Float64Array(DEVICE_FLOATS);
  private readonly rate = new Float64Array(6);

  constructor(options: Partial<PlayoutOptions> = {}) {
    this.options = { ...DEFAULT_PLAYOUT, ...options };
    this.forward.set(this.options.forward);
    this.forecast = new Forecast(this.options.tauMs);
  }

  /** Other options from now on; what is shown does not jump, the delay slews. `tauMs` stays what it was. */
  configure(options: Partial<Omit<PlayoutOptions, "tauMs">>): void {
    this.options = { ...this.options, ...options };
    this.forward.set(this.options.forward);
  }

  /** Usual time between samples, ms. */
  get sampleSpacingMs(): number {
    return this.spacingMs;
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
    this.fade.reset();
    this.forecast.reset();
    this.leadMs.fill(0);
    this.steadyLeadMs.fill(0);
    this.delay = this.spacingMs = this.hurryMs = 0;
    this.shownAtMs = Number.NaN;
    this.surprised = false;
    this.cutMs.fill(Number.POSITIVE_INFINITY);
  }

  /** Copies `sample` (room frame), which arrived at room time `arrivalServerMs`. */
  push(sample: PoseSample, arrivalServerMs: number): void {
    if (!usable(sample, arrivalServerMs)) return;
    const gap = sample.timeMs - this.newestMs;
    if (this.ring.count === 1 && gap > PAUSE_MS) this.forgetDelay();
    this.lateness.observe(arrivalServerMs - sample.timeMs);
    if (gap > 0 && gap <= SPACING_MAX_MS) this.spacingMs += (gap - this.spacingMs) * (this.spacingMs === 0 ? 1 : SPACING_GAIN);
    if (!this.ring.insert(sample)) return;
    this.surprised = true;
    if (!(gap > 0)) return;
    if (gap > STOPPED_MS) {
      this.hurryMs = HURRY_MS;
      // Until the pause was known for one, it was averaged into the lead.
      this.leadMs.set(this.steadyLeadMs);
    } else this.steadyLeadMs.set(this.leadMs);
    const newest = this.ring.count - 1;
    for (let device = 0; device < DEVICE_COUNT; device++) {
      if (newest > 0 && this.ring.link(newest - 1, device) === Link.cut) {
        this.cutMs[device] = sample.timeMs;
        this.snapM[device] = this.ring.state(newest - 1, device) === DeviceState.lost ? 0 : SNAP_M;
      }
      this.forecast.learn(this.ring, device, this.leadMs[device] as number);
    }
  }

  /** The one sample so far may have been minutes old when it was sent [PO5]. */
  private forgetDelay(): void {
    this.lateness.reset();
    this.delay = 0;
  }

  /**
   * The pose to show at room time `nowServerMs`, into `out` (21 floats, room frame) and `states` (3).
   * False, and nothing written, before the first sample.
   */
  sample(nowServerMs: number, out: Float64Array, states: Uint8Array): boolean {
    if (this.ring.count === 0 || !Number.isFinite(nowServerMs)) return false;
    const elapsed = nowServerMs - this.shownAtMs;
    const first = !(elapsed > Number.NEGATIVE_INFINITY);
    this.followDelay(first || this.delay === 0 ? Number.POSITIVE_INFINITY : Math.max(0, elapsed));
    const elapsedMs = first ? 0 : Math.min(SILENCE_MS, Math.max(0, elapsed));
    for (let device = 0; device < DEVICE_COUNT; device++) {
      if (this.surprised && !first) this.absorb(device);
      this.show(device, nowServerMs - this.delay * (1 - (this.forward[device] as number)), elapsedMs, first);
      this.fade.apply(device, this.track, out, device * DEVICE_FLOATS);
      states[device] = this.ring.state(Math.max(0, this.ring.before(this.targetMs[device] as number)), device);
    }
    this.hurryMs = Math.max(0, this.hurryMs - elapsedMs);
    this.surprised = false;
    this.cutMs.fill(Number.POSITIVE_INFINITY);
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
    const { ring, forecast, track, earlier, guessed, rates, rate, cutMs } = this;
    const at = device * DEVICE_FLOATS;
    const timeMs = this.targetMs[device] as number;
    const stepMs = this.steps[device] as number;
    const holdMs = this.holdMs(device);
    evaluate(ring, device, timeMs, holdMs, forecast, track);
    if (stepMs > 0) {
      evaluate(ring, device, timeMs - stepMs, holdMs, forecast, earlier);
      trackRate(earlier, 0, track, 0, stepMs, rate, 0);
    } else rate.set(rates.subarray(device * 6, device * 6 + 6));
    const offset = this.fade.surprise(device, guessed, at, rates, device * 6, track, rate);
    // What is shown from before a cut is right till then.
    const snapM = timeMs >= (cutMs[device] as number) ? (this.snapM[device] as number) : GUESS_M;
    if (offset > snapM) this.fade.clear(device);
    // From here on, what was shown last is what is known of it.
    guessed.set(track, at);
  }

  /** Evaluates one device at `timeMs` into `track`, remembers it with its rate, and lets its offset fade. */
  private show(device: number, timeMs: number, elapsedMs: number, first: boolean): void {
    const { ring, forecast, track, guessed, rates, steps, leadMs } = this;
    const at = device * DEVICE_FLOATS;
    const holdMs = this.holdMs(device);
    evaluate(ring, device, timeMs, holdMs, forecast, track);
    const stepMs = first ? 0 : timeMs - (this.targetMs[device] as number);
    if (stepMs >= FRAME_MIN_MS && stepMs <= FRAME_MAX_MS) {
      trackRate(guessed, at, track, 0, stepMs, rates, device * 6);
      steps[device] = stepMs;
    } else if (stepMs !== 0) {
      rates.fill(0, device * 6, device * 6 + 6);
      steps[device] = 0;
    }
    this.targetMs[device] = timeMs;
    guessed.set(track, at);
    const aheadMs = timeMs - this.newestMs;
    const lead = Math.min(LEAD_MAX_MS, Math.max(0, aheadMs));
    const before = leadMs[device] as number;
    if (first) leadMs[device] = lead;
    else if (aheadMs <= holdMs) leadMs[device] = before + (lead - before) * (1 - Math.exp(-elapsedMs / LEAD_TAU_MS));
    this.fade.fade(device, elapsedMs, this.fadeMs(device * 2, CALM_M_PER_MS), this.fadeMs(device * 2 + 1, CALM_TURN_PER_MS));
  }

  /** Lead from which the newest sample is older than the link explains: the sender has stopped [PO5]. */
  private holdMs(device: number): number {
    return this.delay * (this.forward[device] as number) + STOPPED_MS;
  }

  /** Time constant of an offset: of `which` = device * 2 its position, one more its rotation. Longer while its track is slower than `calm`. */
  private fadeMs(which: number, calm: number): number {
    const { errorFadeMs, errorFadePerDoubt } = this.options;
    if (this.hurryMs > 0) return errorFadeMs;
    let square = 0;
    for (let i = which * 3; i < which * 3 + 3; i++) square += (this.rates[i] as number) ** 2;
    const off = ((this.leadMs[which >> 1] as number) - NOISY_LEAD_MS) / NOISY_WIDTH_MS;
    const doubt = (this.forecast.doubt[which] as number) * (1 + NOISY_GAIN * Math.max(0, 1 - off * off));
    return errorFadeMs * (1 + errorFadePerDoubt * doubt) * (1 + 1 / (1 + square / (calm * calm)));
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
