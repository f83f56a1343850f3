/**
 * What one person did towards another in the last second, as numbers, and how that has been going on. Ordered pairs: `a` does, `b` is done to.
 *
 * [PF1] Every number is about a second or more; no position or rotation is among them.
 * [PF2] Means fade with time constants of seconds, so that what was over long ago does not count; `together` fades slowly, because people
 *       who came together stay together. They fade by the time between two looks, however long that was.
 * [PF3] Nothing is allocated.
 */
import { FORWARD_X, FORWARD_Z, HEAD_X, HEAD_Y, HEAD_Z, LEFT_HAND, type MotionTracks, RIGHT_HAND, SAMPLES_HZ } from "./motion-track.ts";
import { GONE_X, GONE_Z, ONWARD, PATH, type PersonSeconds, SPEED, STANDING, TURNED, WANT_X, WANT_Z } from "./person-second.ts";

/** Of one second; each has a fading mean over some five seconds, too. */
const SECOND = [
  "nearestM",
  "approachMps",
  "retreatMps",
  "facing",
  "facedBack",
  "speedA",
  "speedB",
  "trailM",
  "aheadCos",
  "handM",
  "handPathM",
  "mirrorM2",
  "asideM",
  "onwardMps",
  "gapSwingM",
  "copyM2",
] as const;
const SINCE = ["closeS", "chaseS", "behindS", "evadeS", "blockS", "invadeS", "waveS", "togetherS"] as const;
type Second = (typeof SECOND)[number];
export type PairFeature = Second | (typeof SINCE)[number] | `mean${Capitalize<Second>}`;

const meanOf = <T extends Second>(name: T) => `mean${name[0]?.toUpperCase()}${name.slice(1)}` as `mean${Capitalize<T>}`;
/** The order of the model's inputs. Names are part of the model's file. */
export const PAIR_FEATURES: readonly PairFeature[] = [...SECOND, ...SECOND.map(meanOf), ...SINCE];
export const PAIR_FLOATS = PAIR_FEATURES.length;
const NOW = SECOND.length;
const at = (name: PairFeature): number => PAIR_FEATURES.indexOf(name);
const CLOSE_S = at("closeS");
const CHASE_S = at("chaseS");
const BEHIND_S = at("behindS");
const EVADE_S = at("evadeS");
const BLOCK_S = at("blockS");
const INVADE_S = at("invadeS");
const WAVE_S = at("waveS");
const TOGETHER_S = at("togetherS");

/** What fades over five seconds keeps this much a second; over a minute, this much. */
const KEEP = 0.8;
const KEEP_LONG = 0.983;
/** After this many samples without a look everything fading has faded. */
const FADED = 30 * SAMPLES_HZ;
const KEPT = Float64Array.from({ length: FADED + 1 }, (_, samples) => KEEP ** (samples / SAMPLES_HZ));
const KEPT_LONG = Float64Array.from({ length: FADED + 1 }, (_, samples) => KEEP_LONG ** (samples / SAMPLES_HZ));
const FAR_M = 4;
const CLOSE_M = 1.2;
const INVADED_M = 0.4;
const WAVING_M = 4;
/** Every other sample is looked at. */
const STRIDE = 2;
const LOOKS = SAMPLES_HZ / STRIDE;
/** Who follows is late by two looks. */
const LATE = 2;

/** Both directions of a pair in this second, in the order of SECOND. */
const ab = new Float64Array(NOW);
const ba = new Float64Array(NOW);
/** Sums of how far a's and b's hands were from the other's head. What a function returns may be boxed; these are not [PF3]. */
const reached = new Float64Array(2);
/** Head steps between looks: a's x, a's z, b's x, b's z. */
const steps = new Float64Array(4 * LOOKS);

/**
 * Adds the last second of both to `rows[from..]` (a towards b) and the row after it (b towards a). Both have SAMPLES_HZ + 1 samples or more.
 * `elapsed`: samples since the last look at this pair; 0 for the first.
 */
export function addSecond(
  tracks: MotionTracks,
  people: PersonSeconds,
  a: number,
  b: number,
  now: number,
  rows: Float32Array,
  from: number,
  elapsed: number,
): void {
  const pa = people.of(a, now);
  const pb = people.of(b, now);
  measure(tracks, people.values, a, b, pa, pb);
  addRow(ab, rows, from, elapsed, people.values[pb + TURNED] as number);
  addRow(ba, rows, from + PAIR_FLOATS, elapsed, people.values[pa + TURNED] as number);
}

function addRow(second: Float64Array, rows: Float32Array, from: number, elapsed: number, turned: number): void {
  const fresh = elapsed === 0;
  const keep = KEPT[Math.min(elapsed, FADED)] as number;
  for (let i = 0; i < NOW; i++) {
    const value = second[i] as number;
    rows[from + i] = value;
    const mean = from + NOW + i;
    rows[mean] = fresh ? value : (rows[mean] as number) * keep + value * (1 - keep);
  }
  const nearest = second[0] as number;
  const approach = second[1] as number;
  const retreat = second[2] as number;
  const facing = second[3] as number;
  const faced = second[4] as number;
  const speedA = second[5] as number;
  const speedB = second[6] as number;
  const ahead = second[8] as number;
  const behind = speedB > STANDING && approach > 0.1 && faced < 0 && (second[7] as number) < 1.2 && ahead < 0;
  const evades = turned > 0.5 && speedB > STANDING && approach > 0 && facing > 0.3 && nearest < 2.5;
  const blocks = nearest < 1.4 && faced > 0.4 && facing > 0.4 && (second[11] as number) > 0.01 && (second[12] as number) > 0.15;
  const abreast = speedA > STANDING && speedB > STANDING && Math.abs(approach - retreat) < 0.3 && Math.abs(ahead) < 0.6;
  // Face to face, standing or dancing, at a distance both keep.
  const talking = facing > 0.3 && faced > 0.3 && Math.abs(approach) < 0.5 && nearest > 0.45;
  const kept = fresh ? 0 : keep;
  fade(rows, from + CLOSE_S, kept, nearest < CLOSE_M);
  fade(rows, from + CHASE_S, kept, approach > 0.15 && retreat > 0.15 && facing > 0.3);
  fade(rows, from + BEHIND_S, kept, behind);
  fade(rows, from + EVADE_S, kept, evades);
  fade(rows, from + BLOCK_S, kept, blocks && (second[13] as number) < 0.4);
  fade(rows, from + INVADE_S, kept, (second[9] as number) < INVADED_M);
  fade(rows, from + WAVE_S, kept, (second[10] as number) > WAVING_M && nearest < 2);
  fade(rows, from + TOGETHER_S, fresh ? 0 : (KEPT_LONG[Math.min(elapsed, FADED)] as number), nearest < 3 && (abreast || talking));
}

function fade(rows: Float32Array, index: number, keep: number, holds: boolean): void {
  // What the row's memory held before belongs to others.
  rows[index] = (keep === 0 ? 0 : (rows[index] as number) * keep) + (holds ? 1 : 0);
}

function measure(tracks: MotionTracks, people: Float32Array, a: number, b: number, pa: number, pb: number): void {
  const { data } = tracks;
  let nearest = FAR_M * FAR_M;
  let farthest = 0;
  let facingA = 0;
  let facingB = 0;
  reached.fill(0);
  let mirror = 0;
  let asideA = 0;
  let asideB = 0;
  let beforeA = tracks.at(a, SAMPLES_HZ);
  let beforeB = tracks.at(b, SAMPLES_HZ);
  for (let look = 0; look < LOOKS; look++) {
    const ago = SAMPLES_HZ - STRIDE * (look + 1);
    const atA = tracks.at(a, ago);
    const atB = tracks.at(b, ago);
    const ox = (data[atB + HEAD_X] as number) - (data[atA + HEAD_X] as number);
    const oz = (data[atB + HEAD_Z] as number) - (data[atA + HEAD_Z] as number);
    const squared = Math.max(1e-4, ox * ox + oz * oz);
    const metres = Math.sqrt(squared);
    nearest = Math.min(nearest, squared);
    farthest = Math.max(farthest, squared);
    facingA += ((data[atA + FORWARD_X] as number) * ox + (data[atA + FORWARD_Z] as number) * oz) / metres;
    facingB -= ((data[atB + FORWARD_X] as number) * ox + (data[atB + FORWARD_Z] as number) * oz) / metres;
    reach(data, atA, atB, 0);
    reach(data, atB, atA, 1);
    const ax = (data[atA + HEAD_X] as number) - (data[beforeA + HEAD_X] as number);
    const az = (data[atA + HEAD_Z] as number) - (data[beforeA + HEAD_Z] as number);
    const bx = (data[atB + HEAD_X] as number) - (data[beforeB + HEAD_X] as number);
    const bz = (data[atB + HEAD_Z] as number) - (data[beforeB + HEAD_Z] as number);
    // Across the line between them.
    const acrossA = (ax * oz - az * ox) / metres;
    const acrossB = (bx * oz - bz * ox) / metres;
    mirror += acrossA * acrossB;
    asideA += Math.abs(acrossA);
    asideB += Math.abs(acrossB);
    steps[4 * look] = ax;
    steps[4 * look + 1] = az;
    steps[4 * look + 2] = bx;
    steps[4 * look + 3] = bz;
    beforeA = atA;
    beforeB = atB;
  }
  const ux = (data[beforeB + HEAD_X] as number) - (data[beforeA + HEAD_X] as number);
  const uz = (data[beforeB + HEAD_Z] as number) - (data[beforeA + HEAD_Z] as number);
  const apart = Math.max(0.01, Math.sqrt(ux * ux + uz * uz));
  const towardsA = ((people[pa + GONE_X] as number) * ux + (people[pa + GONE_Z] as number) * uz) / apart;
  const towardsB = ((people[pb + GONE_X] as number) * ux + (people[pb + GONE_Z] as number) * uz) / apart;
  const near = Math.sqrt(nearest);
  const swing = Math.sqrt(farthest) - near;
  const copy = copying();
  fill(ab, near, towardsA, towardsB, facingA, facingB, people[pa + SPEED] as number, people[pb + SPEED] as number);
  fill(ba, near, -towardsB, -towardsA, facingB, facingA, people[pb + SPEED] as number, people[pa + SPEED] as number);
  trail(tracks, a, b, ab);
  trail(tracks, b, a, ba);
  // Whether a is where b wants to go.
  ab[8] = -((people[pb + WANT_X] as number) * ux + (people[pb + WANT_Z] as number) * uz) / apart;
  ba[8] = ((people[pa + WANT_X] as number) * ux + (people[pa + WANT_Z] as number) * uz) / apart;
  ab[9] = (reached[0] as number) / LOOKS;
  ba[9] = (reached[1] as number) / LOOKS;
  ab[10] = people[pa + PATH] as number;
  ba[10] = people[pb + PATH] as number;
  ab[11] = mirror;
  ba[11] = mirror;
  ab[12] = asideB;
  ba[12] = asideA;
  ab[13] = people[pb + ONWARD] as number;
  ba[13] = people[pa + ONWARD] as number;
  ab[14] = swing;
  ba[14] = swing;
  ab[15] = copy;
  ba[15] = -copy;
}

function fill(
  out: Float64Array,
  near: number,
  approach: number,
  retreat: number,
  facing: number,
  faced: number,
  speedA: number,
  speedB: number,
): void {
  out[0] = near;
  out[1] = approach;
  out[2] = retreat;
  out[3] = facing / LOOKS;
  out[4] = faced / LOOKS;
  out[5] = speedA;
  out[6] = speedB;
}

/** How much more a's steps are b's of a moment ago than the other way round: who reacts to whom. */
function copying(): number {
  let sum = 0;
  for (let look = LATE; look < LOOKS; look++) {
    const now = 4 * look;
    const then = 4 * (look - LATE);
    sum += (steps[now] as number) * (steps[then + 2] as number) + (steps[now + 1] as number) * (steps[then + 3] as number);
    sum -= (steps[now + 2] as number) * (steps[then] as number) + (steps[now + 3] as number) * (steps[then + 1] as number);
  }
  return sum;
}

/** Adds to `reached[to]` the way from a's hands and head to b's head, the nearest, m; FAR_M where it is farther. */
function reach(data: Float32Array, atA: number, atB: number, to: number): void {
  const x = data[atB + HEAD_X] as number;
  const y = data[atB + HEAD_Y] as number;
  const z = data[atB + HEAD_Z] as number;
  const head = squared(data, atA + HEAD_X, x, y, z);
  const left = squared(data, atA + LEFT_HAND, x, y, z);
  const right = squared(data, atA + RIGHT_HAND, x, y, z);
  reached[to] = (reached[to] as number) + Math.sqrt(Math.min(FAR_M * FAR_M, head, left, right));
}

function squared(data: Float32Array, from: number, x: number, y: number, z: number): number {
  const dx = (data[from] as number) - x;
  const dy = (data[from + 1] as number) - y;
  const dz = (data[from + 2] as number) - z;
  return dx * dx + dy * dy + dz * dz;
}

/** How near a is to where b was half a second to a second ago: somebody behind walks there. Into out[7]. */
function trail(tracks: MotionTracks, a: number, b: number, out: Float64Array): void {
  const { data } = tracks;
  const atA = tracks.at(a, 0);
  let least = FAR_M * FAR_M;
  for (let ago = SAMPLES_HZ / 2; ago <= SAMPLES_HZ; ago++) {
    const atB = tracks.at(b, ago);
    const dx = (data[atA + HEAD_X] as number) - (data[atB + HEAD_X] as number);
    const dz = (data[atA + HEAD_Z] as number) - (data[atB + HEAD_Z] as number);
    least = Math.min(least, dx * dx + dz * dz);
  }
  out[7] = Math.sqrt(least);
}
