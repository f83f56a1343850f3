/**
 * The way of a thrown object from the hand to rest: a body that falls, bounces off the floor and the walls of its space, slides and stops.
 * The room, the thrower and every viewer plan it from the same release record, so nothing is sent while it flies.
 *
 * [FL1] Only + - x / and square root on the record's integers, in steps of 1/128 s: the same doubles in every engine, so all ends agree to
 *       the last bit on every step and on the resting place.
 * [FL2] Every flight ends: within FLIGHT_MAX_MS, inside the record's box.
 * [FL3] A flight begins exactly where the hand let go; the box is widened to hold that place, so nothing pops out of the floor.
 * [FL4] `upright` objects stand up while they slide out: they rest with only their turn about +Y left. Others rest as they fell.
 */
import { unit } from "./hold.ts";

/** A release as it travels: integers only. The same record is the whole truth about a flight. */
export type Launch = {
  readonly positionMm: readonly number[];
  /** Quaternion x 32767. */
  readonly rotation: readonly number[];
  readonly velocityMmS: readonly number[];
  readonly spinMradS: readonly number[];
  readonly scale: number;
  /** Where the object's origin may be: min x y z, max x y z. */
  readonly boxMm: readonly number[];
  readonly upright: boolean;
};

/** Steps are a power of two of a second: exact in binary. */
const STEP_S = 1 / 128;
const STEP_MS = 1000 / 128;
export const FLIGHT_MAX_MS = 20_000;
const STEPS_MAX = FLIGHT_MAX_MS / STEP_MS;
const GRAVITY_M_S2 = 9.81;
/** What a bounce leaves of the speed across the surface, along it, and of the spin. */
const BOUNCE = 0.35;
const GRIP = 0.8;
const BOUNCE_SPIN = 0.6;
/** A slower bounce is none: the object stays on the floor and slides. */
const BOUNCE_LEAST_M_S = 0.4;
const FRICTION_M_S2 = 6;
/** What one step of sliding leaves of the spin. */
const SLIDE_SPIN = 0.92;
/** Steps in which an object that has stopped stands up. */
const STAND_UP_STEPS = 32;
const FLOATS = 7;

export class FlightTrack {
  readonly durationMs: number;
  /** x y z (m) qx qy qz qw: where it comes to rest. */
  readonly rest = new Float64Array(FLOATS);
  readonly scale: number;
  /** FLOATS per step, the first at the release. */
  private readonly points: Float64Array;
  private readonly last: number;

  constructor(launch: Launch) {
    this.scale = launch.scale;
    this.points = simulate(launch);
    this.last = this.points.length / FLOATS - 1;
    this.durationMs = this.last * STEP_MS;
    this.rest.set(this.points.subarray(this.last * FLOATS));
  }

  /** Where it is `sinceMs` after the release, into 7 floats of `out`. Before the release and after the end: there. */
  at(sinceMs: number, out: Float64Array): void {
    const step = Math.min(this.last, Math.max(0, sinceMs / STEP_MS));
    const before = Math.floor(step);
    const part = step - before;
    const a = before * FLOATS;
    const b = Math.min(this.last, before + 1) * FLOATS;
    let dot = 0;
    for (let i = 3; i < FLOATS; i++) dot += (this.points[a + i] as number) * (this.points[b + i] as number);
    const sign = dot < 0 ? -1 : 1;
    for (let i = 0; i < FLOATS; i++) {
      const from = this.points[a + i] as number;
      const to = (this.points[b + i] as number) * (i < 3 ? 1 : sign);
      out[i] = from + (to - from) * part;
    }
    unit(out, 3);
  }

  /** Time since the release, at most `mostMs`, at which it is nearest to a place; the first of equals. */
  nearestMs(place: ArrayLike<number>, mostMs: number): number {
    const { points } = this;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let step = 0; step < this.last && step * STEP_MS <= mostMs; step++) {
      let along = 0;
      let square = 0;
      for (let i = 0; i < 3; i++) {
        const from = points[step * FLOATS + i] as number;
        const way = (points[(step + 1) * FLOATS + i] as number) - from;
        along += ((place[i] as number) - from) * way;
        square += way * way;
      }
      const part = square > 0 ? Math.min(1, Math.max(0, along / square)) : 0;
      let distance = 0;
      for (let i = 0; i < 3; i++) {
        const from = points[step * FLOATS + i] as number;
        const at = from + ((points[(step + 1) * FLOATS + i] as number) - from) * part - (place[i] as number);
        distance += at * at;
      }
      if (distance < least) [least, best] = [distance, Math.min(mostMs, (step + part) * STEP_MS)];
    }
    return best;
  }

  /** Metres per second, `sinceMs` after the release. */
  speedAt(sinceMs: number): number {
    const before = Math.floor(Math.min(this.last, Math.max(0, sinceMs / STEP_MS)));
    if (before >= this.last) return 0;
    let square = 0;
    for (let i = 0; i < 3; i++) {
      const delta = (this.points[(before + 1) * FLOATS + i] as number) - (this.points[before * FLOATS + i] as number);
      square += delta * delta;
    }
    return Math.sqrt(square) / STEP_S;
  }
}

/** Same path, whoever says so. */
export function sameLaunch(a: Launch, b: Launch): boolean {
  const lists = ["positionMm", "rotation", "velocityMmS", "spinMradS", "boxMm"] as const;
  return a.scale === b.scale && a.upright === b.upright && lists.every((name) => a[name].every((value, i) => value === b[name][i]));
}

/** State of the body: position, rotation, velocity, spin. Allocated once per flight. */
type Body = { readonly at: Float64Array; readonly velocity: Float64Array; readonly spin: Float64Array; grounded: boolean };

function simulate(launch: Launch): Float64Array {
  const body: Body = {
    at: new Float64Array(FLOATS),
    velocity: Float64Array.from({ length: 3 }, (_, i) => (launch.velocityMmS[i] ?? 0) / 1000),
    spin: Float64Array.from({ length: 3 }, (_, i) => (launch.spinMradS[i] ?? 0) / 1000),
    grounded: false,
  };
  for (let i = 0; i < 3; i++) body.at[i] = (launch.positionMm[i] ?? 0) / 1000;
  for (let i = 0; i < 4; i++) body.at[3 + i] = launch.rotation[i] ?? 0;
  unit(body.at, 3);
  // [FL3]
  const min = [0, 1, 2].map((i) => Math.min((launch.boxMm[i] ?? 0) / 1000, body.at[i] as number));
  const max = [0, 1, 2].map((i) => Math.max((launch.boxMm[i + 3] ?? 0) / 1000, body.at[i] as number));
  const points: number[] = [...body.at];
  let moving = true;
  while (moving && points.length / FLOATS < STEPS_MAX - STAND_UP_STEPS) {
    moving = stepBody(body, min, max);
    points.push(...body.at);
  }
  // [FL2] What is still in the air by then fell from higher than any room is tall.
  body.at[1] = moving ? (min[1] as number) : (body.at[1] as number);
  if (launch.upright) standUp(body.at, points);
  else if (moving) points.push(...body.at);
  return Float64Array.from(points);
}

/** One step. False when the body has come to rest. */
function stepBody(body: Body, min: readonly number[], max: readonly number[]): boolean {
  const { at, velocity, spin } = body;
  if (body.grounded) slow(body);
  const fall = body.grounded ? 0 : GRAVITY_M_S2;
  for (let i = 0; i < 3; i++) at[i] = (at[i] as number) + (velocity[i] as number) * STEP_S - (i === 1 ? (fall * STEP_S * STEP_S) / 2 : 0);
  velocity[1] = (velocity[1] as number) - fall * STEP_S;
  for (let axis = 0; axis < 3; axis++) {
    const below = (at[axis] as number) < (min[axis] as number);
    if (below || (at[axis] as number) > (max[axis] as number)) bounce(body, axis, below ? (min[axis] as number) : (max[axis] as number), below);
  }
  turn(at, spin);
  return !(body.grounded && velocity[0] === 0 && velocity[2] === 0);
}

function bounce(body: Body, axis: number, wall: number, below: boolean): void {
  const { at, velocity, spin } = body;
  const speed = (velocity[axis] as number) * BOUNCE;
  at[axis] = wall;
  // Already turning back: the wall has been left in this step's end speed.
  velocity[axis] = (velocity[axis] as number) < 0 === below ? -speed : speed;
  for (let i = 0; i < 3; i++) {
    if (i !== axis) velocity[i] = (velocity[i] as number) * GRIP;
    spin[i] = (spin[i] as number) * BOUNCE_SPIN;
  }
  if (axis !== 1 || !below || (velocity[1] as number) >= BOUNCE_LEAST_M_S) return;
  velocity[1] = 0;
  body.grounded = true;
}

/** Friction on the floor. */
function slow({ velocity, spin }: Body): void {
  const x = velocity[0] as number;
  const z = velocity[2] as number;
  const speed = Math.sqrt(x * x + z * z);
  const left = speed - FRICTION_M_S2 * STEP_S;
  velocity[0] = left > 0 ? (x * left) / speed : 0;
  velocity[2] = left > 0 ? (z * left) / speed : 0;
  for (let i = 0; i < 3; i++) spin[i] = (spin[i] as number) * SLIDE_SPIN;
}

/** Cayley's map: a turn by `spin` for one step without sine or cosine (short by 1 % at 40 rad/s, the same for everybody). */
function turn(at: Float64Array, spin: Float64Array): void {
  const x = ((spin[0] as number) * STEP_S) / 2;
  const y = ((spin[1] as number) * STEP_S) / 2;
  const z = ((spin[2] as number) * STEP_S) / 2;
  const [bx, by, bz, bw] = [at[3] as number, at[4] as number, at[5] as number, at[6] as number];
  at[3] = bx + x * bw + y * bz - z * by;
  at[4] = by - x * bz + y * bw + z * bx;
  at[5] = bz + x * by - y * bx + z * bw;
  at[6] = bw - x * bx - y * by - z * bz;
  unit(at, 3);
}

/** [FL4] From the rotation it stopped with to its turn about +Y, over STAND_UP_STEPS. */
function standUp(at: Float64Array, points: number[]): void {
  const from = at.slice(3);
  const upright = new Float64Array([0, from[1] as number, 0, from[3] as number]);
  // A half turn about a horizontal axis has no heading of its own: `unit` makes it the identity.
  unit(upright, 0);
  let dot = 0;
  for (let i = 0; i < 4; i++) dot += (from[i] as number) * (upright[i] as number);
  const sign = dot < 0 ? -1 : 1;
  for (let step = 1; step <= STAND_UP_STEPS; step++) {
    const part = step / STAND_UP_STEPS;
    for (let i = 0; i < 4; i++) at[3 + i] = (from[i] as number) * (1 - part) + (upright[i] as number) * sign * part;
    unit(at, 3);
    points.push(...at);
  }
  for (let i = 0; i < 4; i++) points[points.length - 4 + i] = (upright[i] as number) + 0;
}
