/**
 * A person who is not there: head and two hands that move as fast, and at the frequencies, that recorded people do.
 *
 * Smooth noise in seven octaves per axis, multiplied by an activity that varies by an order of magnitude within seconds: people pause
 * and then reach, which is what makes the tails of their speeds heavy (log-normal, as the recordings are). The hands hang on a body
 * that follows the slow part of the head.
 *
 * [SP1] A pure function of seed, style and time, in any order of calls: nothing accumulates.
 * [SP2] Only + - x / and sqrt on numbers, no transcendental functions.
 * [SP3] Finite positions, unit quaternions, hands at most 1.2 m from the head: the room's plausibility checks accept every sample.
 */
import { cosYaw, type Rig, sinYaw, TURN_STEP, YAW_ONE, YAW_TURN } from "@copresence/shared/motion";
import { FITTED, type PeopleFit, PERIODS_MS } from "./parameters.ts";
import { hashInts, hashUnit, SplineNoise } from "./spline-noise.ts";

export const STYLES = ["idle", "wander", "gesture", "work", "dance"] as const;
export type Style = (typeof STYLES)[number];

/** Factors on what was fitted; "work" is the fit itself. `walk`: part of the time with the thumb stick pushed. */
type Manner = {
  readonly head: number;
  readonly hand: number;
  readonly headTurn: number;
  readonly handTurn: number;
  readonly walk: number;
  /** Where the hands hover, relative to the head: beside, below, in front (m). */
  readonly rest: readonly [number, number, number];
};
const MANNERS: Record<Style, Manner> = {
  idle: { head: 0.3, hand: 0.15, headTurn: 0.6, handTurn: 0.2, walk: 0, rest: [0.22, -0.68, 0.08] },
  wander: { head: 0.8, hand: 0.5, headTurn: 1.1, handTurn: 0.5, walk: 0.6, rest: [0.24, -0.6, 0.15] },
  gesture: { head: 0.7, hand: 0.9, headTurn: 0.9, handTurn: 1.2, walk: 0, rest: [0.2, -0.35, 0.36] },
  work: { head: 1, hand: 1, headTurn: 1, handTurn: 1, walk: 0.1, rest: [0.2, -0.4, 0.38] },
  dance: { head: 1.6, hand: 1.5, headTurn: 1.3, handTurn: 1.5, walk: 0, rest: [0.32, -0.2, 0.25] },
};

/** Stick and snap turns for one input interval, ready for a RigInput. */
export type Locomotion = { readonly moveX: number; readonly moveZ: number; readonly heading: number; readonly turn: number };

const OCTAVES = PERIODS_MS.length;
/** The body takes part in the slowest of them. */
const BODY_OCTAVES = 2;
const HEAD = 0;
const HEAD_TURN = 3;
const HAND = 6;
const HAND_TURN = 12;
const CHANNELS = 18;
/** Up and down is a fraction of level motion; heads turn more than they nod, and nod more than they tilt. */
type Axes = readonly [number, number, number];
const HEAD_AXES: Axes = [1.15, 0.6, 1.15];
const HEAD_TURN_AXES: Axes = [0.8, 1.4, 0.55];
const HAND_TURN_AXES: Axes = [1, 1, 1];
const ACTIVITY_PERIOD_MS = 900;
/** How much one part's activity is that of the whole person. */
const SHARED = 0.6;
const OWN = 0.8;
/** In standard deviations: keeps the one burst in a million from breaking the speed limit. */
const ACTIVITY_LIMIT = 4;
/** Soft limits: how far a head leans and dips, and an arm reaches, from where they rest. */
const HEAD_REACH_M = 0.9;
const HEAD_DIP_M = 0.4;
const HAND_REACH_M = 0.5;
/** Soft limits of turns: in modified Rodrigues parameters (0.41 is 90 degrees), and of the body's yaw in rad. */
const HEAD_TURN_REACH = 0.6;
const HAND_TURN_REACH = 0.75;
const BODY_TURN_RAD = 1.2;
/** Where people stand, face and hold their hands drifts over seconds, whatever they do meanwhile: standard deviations. */
const POSTURE_PERIOD_MS = 5000;
const POSTURE_HEAD_M = 0.1;
const POSTURE_HAND_M = 0.1;
const POSTURE_YAW_RAD = 0.35;
const POSTURE_YAW = 2;
const POSTURE_HAND = 3;
const POSTURES = 9;
const WALK_PERIOD_MS = 2500;
const STICK = 90;

export class SyntheticPerson {
  readonly style: Style;
  private readonly seed: number;
  private readonly fit: PeopleFit;
  private readonly manner: Manner;
  private readonly roamM: number;
  /** This person's pace, 0.9..1.1, and eye height, m. */
  private readonly pace: number;
  private readonly eyeM: number;
  private readonly noise: SplineNoise;
  private readonly activity: SplineNoise;
  private readonly posture: SplineNoise;
  private readonly turned = new Float64Array(4);
  private lastTurnCell = Number.NaN;

  /**
   * `roamM`: radius around the room's origin that `locomotion` keeps to. `fit` is for the fitting script.
   */
  constructor(options: { readonly seed: number; readonly style?: Style; readonly roamM?: number; readonly fit?: PeopleFit }) {
    const { seed, style = "work", roamM = 6, fit = FITTED } = options;
    this.seed = seed;
    this.style = style;
    this.fit = fit;
    this.manner = MANNERS[style];
    this.roamM = roamM;
    this.pace = 0.9 + 0.2 * hashUnit(seed, 1);
    this.eyeM = 1.45 + 0.35 * hashUnit(seed, 2);
    this.noise = new SplineNoise({ seed: hashInts(seed, 3), channels: CHANNELS, periodsMs: PERIODS_MS });
    this.activity = new SplineNoise({ seed: hashInts(seed, 4), channels: 4, periodsMs: [ACTIVITY_PERIOD_MS] });
    this.posture = new SplineNoise({ seed: hashInts(seed, 7), channels: POSTURES, periodsMs: [POSTURE_PERIOD_MS] });
  }

  /** Writes head, left and right at `timeMs` into `out` (21 floats, play space: +Y up, -Z forward, floor at 0). */
  sample(timeMs: number, out: Float64Array): void {
    const t = timeMs * this.pace;
    this.noise.seek(t);
    this.activity.seek(t);
    this.posture.seek(t);
    const { fit, manner } = this;
    const headActivity = this.energy(1, fit.head.spread) * manner.head;
    const turnActivity = this.energy(1, fit.headTurn.spread) * manner.headTurn;
    const facing = this.posture.value(POSTURE_YAW, 0) * POSTURE_YAW_RAD * manner.headTurn;
    this.writeHead(headActivity, turnActivity, facing, out);
    // Body: the slow part of what the head does, under it.
    const slowTurn = this.sum(HEAD_TURN + 1, fit.headTurn.gains, 0, BODY_OCTAVES) * HEAD_TURN_AXES[1] * turnActivity;
    const yaw = softLimit(facing + slowTurn * 0.5, BODY_TURN_RAD);
    this.writeHand(0, this.headOffset(0, BODY_OCTAVES, headActivity), this.headOffset(2, BODY_OCTAVES, headActivity), yaw, out);
    this.writeHand(1, this.headOffset(0, BODY_OCTAVES, headActivity), this.headOffset(2, BODY_OCTAVES, headActivity), yaw, out);
  }

  /**
   * What this person does with the thumb stick at `timeMs`, standing on `rig` with the head turned to `headYaw` (1/65536 turn, room
   * frame). Snap turns are given once per interval: call it with increasing times.
   */
  locomotion(timeMs: number, rig: Readonly<Rig>, headYaw: number): Locomotion {
    const cell = Math.floor((timeMs * this.pace) / WALK_PERIOD_MS);
    const walking = hashUnit(this.seed, 5, cell) < this.manner.walk;
    const turn = walking && cell !== this.lastTurnCell ? this.turnFor(cell, rig, headYaw) : 0;
    this.lastTurnCell = cell;
    const heading = (headYaw + turn * TURN_STEP) & (YAW_TURN - 1);
    const leaving = this.tooFar(rig) && homeward(rig, heading) < 0;
    return { moveX: 0, moveZ: walking && !leaving ? -STICK : 0, heading, turn };
  }

  /** Up to three snap turns either way; home when too far out. */
  private turnFor(cell: number, rig: Readonly<Rig>, headYaw: number): number {
    return this.tooFar(rig) ? turnHome(rig, headYaw) : Math.floor(hashUnit(this.seed, 6, cell) * 7) - 3;
  }

  private tooFar(rig: Readonly<Rig>): boolean {
    return rig.xMm * rig.xMm + rig.zMm * rig.zMm > (this.roamM * 1000) ** 2;
  }

  private writeHead(activity: number, turnActivity: number, facing: number, out: Float64Array): void {
    out[0] = this.headOffset(0, OCTAVES, activity);
    out[1] = this.eyeM + this.headOffset(1, OCTAVES, activity);
    out[2] = this.headOffset(2, OCTAVES, activity);
    this.writeTurn(HEAD_TURN, this.fit.headTurn.gains, turnActivity, HEAD_TURN_AXES, facing, HEAD_TURN_REACH);
    out.set(this.turned, 3);
  }

  /** Offset of the head (or, with fewer octaves, of the body under it) from the middle of the play space along one axis, m. */
  private headOffset(axis: 0 | 1 | 2, octaves: number, activity: number): number {
    const moved = this.sum(HEAD + axis, this.fit.head.gains, 0, octaves) * HEAD_AXES[axis] * activity;
    if (axis === 1) return softLimit(moved, HEAD_DIP_M);
    return softLimit(moved + this.posture.value(axis === 0 ? 0 : 1, 0) * POSTURE_HEAD_M * this.manner.head, HEAD_REACH_M);
  }

  private writeHand(hand: number, bodyX: number, bodyZ: number, yaw: number, out: Float64Array): void {
    const { fit, manner } = this;
    const activity = this.energy(2 + hand, fit.hand.spread) * manner.hand;
    const turnActivity = this.energy(2 + hand, fit.handTurn.spread) * manner.handTurn;
    const at = 7 * (hand + 1);
    const channel = HAND + 3 * hand;
    const side = hand === 0 ? -1 : 1;
    const x = this.handOffset(channel, hand, 0, activity) + side * manner.rest[0];
    const y = this.handOffset(channel, hand, 1, activity) + manner.rest[1];
    const z = this.handOffset(channel, hand, 2, activity) - manner.rest[2];
    // Half-angle tangent form of the body's yaw: a rotation without sine and cosine.
    const tangent = yaw / 2;
    const cos = (1 - tangent * tangent) / (1 + tangent * tangent);
    const sin = (2 * tangent) / (1 + tangent * tangent);
    out[at] = bodyX + x * cos + z * sin;
    out[at + 1] = this.eyeM + y;
    out[at + 2] = bodyZ + z * cos - x * sin;
    this.writeTurn(HAND_TURN + 3 * hand, fit.handTurn.gains, turnActivity, HAND_TURN_AXES, 0, HAND_TURN_REACH);
    const norm = Math.sqrt(1 + tangent * tangent);
    multiplyYaw(tangent / norm, 1 / norm, this.turned, out, at + 3);
  }

  /** Offset of a hand from where it hovers along one axis, m. */
  private handOffset(channel: number, hand: number, axis: number, activity: number): number {
    const held = this.posture.value(POSTURE_HAND + 3 * hand + axis, 0) * POSTURE_HAND_M * this.manner.hand;
    return softLimit(held + this.sum(channel + axis, this.fit.hand.gains, 0, OCTAVES) * activity, HAND_REACH_M);
  }

  /**
   * Rotation of three noise channels into `turned`, as modified Rodrigues parameters: a quarter of the angle. `facing`: yaw added to
   * it, rad. `reach`: limit of each parameter.
   */
  private writeTurn(channel: number, gains: readonly number[], activity: number, axes: Axes, facing: number, reach: number): void {
    const x = softLimit((this.sum(channel, gains, 0, OCTAVES) * axes[0] * activity) / 4, reach);
    const y = softLimit((facing + this.sum(channel + 1, gains, 0, OCTAVES) * axes[1] * activity) / 4, reach);
    const z = softLimit((this.sum(channel + 2, gains, 0, OCTAVES) * axes[2] * activity) / 4, reach);
    const k = 2 / (1 + x * x + y * y + z * z);
    this.turned[0] = k * x;
    this.turned[1] = k * y;
    this.turned[2] = k * z;
    this.turned[3] = k - 1;
  }

  private sum(channel: number, gains: readonly number[], from: number, to: number): number {
    let sum = 0;
    for (let octave = from; octave < to; octave++) sum += this.noise.value(channel, octave) * (gains[octave] as number);
    return sum;
  }

  /** Activity of one part: exp(spread * n), n standard normal, part of it common to the whole person. */
  private energy(part: number, spread: number): number {
    return exponential(spread * softLimit(SHARED * this.activity.value(0, 0) + OWN * this.activity.value(part, 0), ACTIVITY_LIMIT));
  }
}

/** How directly `heading` leads to the room's origin: the rig's distance from it, in mm, times the cosine between the two. */
function homeward(rig: Readonly<Rig>, heading: number): number {
  return (sinYaw(heading) * rig.xMm + cosYaw(heading) * rig.zMm) / YAW_ONE;
}

/** Snap turns that bring the head closest to facing the room's origin. */
function turnHome(rig: Readonly<Rig>, headYaw: number): number {
  let best = 0;
  for (let turn = -7; turn <= 8; turn++) {
    if (homeward(rig, headYaw + turn * TURN_STEP) > homeward(rig, headYaw + best * TURN_STEP)) best = turn;
  }
  return best;
}

/** e^x for |x| < 8 within 2 %, from multiplications only. */
function exponential(x: number): number {
  let power = 1 + x / 1024;
  for (let i = 0; i < 10; i++) power *= power;
  return power;
}

/** Tends to +-limit smoothly; slope 1 at 0. */
function softLimit(value: number, limit: number): number {
  const ratio = value / limit;
  return value / Math.sqrt(1 + ratio * ratio);
}

/** out.q = (0, sin, 0, cos) * q. */
function multiplyYaw(sin: number, cos: number, q: Float64Array, out: Float64Array, at: number): void {
  const [x, y, z, w] = [q[0] as number, q[1] as number, q[2] as number, q[3] as number];
  out[at] = cos * x + sin * z;
  out[at + 1] = cos * y + sin * w;
  out[at + 2] = cos * z - sin * x;
  out[at + 3] = cos * w - sin * y;
}
