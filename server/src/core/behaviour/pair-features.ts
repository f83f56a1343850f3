/**
 * What one person did towards another in the last second, as numbers, and how that has been going on. Ordered pairs: `a` does, `b` is done to.
 *
 * [PF1] Every number is about a second or more; no position or rotation is among them (motion-features.ts, [MF1]).
 * [PF2] Means fade with time constants of seconds, so that what was over long ago does not count; `together` fades slowly, because people
 *       who came together stay together.
 */
import { FORWARD_X, FORWARD_Z, HANDS, HEAD_X, HEAD_Y, HEAD_Z, type MotionTracks, SAMPLES_HZ } from "./motion-track.ts";

/** The order of the model's inputs. Names are part of the model's file. */
export const PAIR_FEATURES = [
  // This second.
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
  "asideMps",
  "onwardMps",
  // Fading means of the above, over some five seconds.
  "meanNearestM",
  "meanApproachMps",
  "meanRetreatMps",
  "meanFacing",
  "meanFacedBack",
  "meanSpeedA",
  "meanSpeedB",
  "meanTrailM",
  "meanAheadCos",
  "meanHandM",
  "meanHandPathM",
  "meanMirrorM2",
  "meanAsideMps",
  "meanOnwardMps",
  // Seconds of it, fading.
  "closeS",
  "chaseS",
  "behindS",
  "evadeS",
  "blockS",
  "invadeS",
  "waveS",
  // Fading over a minute.
  "togetherS",
] as const;
export type PairFeature = (typeof PAIR_FEATURES)[number];
export const PAIR_FLOATS = PAIR_FEATURES.length;
const NOW = 14;
const at = (name: PairFeature): number => PAIR_FEATURES.indexOf(name);
const [CLOSE_S, CHASE_S, BEHIND_S, EVADE_S, BLOCK_S, INVADE_S, WAVE_S, TOGETHER_S] = [
  at("closeS"),
  at("chaseS"),
  at("behindS"),
  at("evadeS"),
  at("blockS"),
  at("invadeS"),
  at("waveS"),
  at("togetherS"),
];

const SECOND = SAMPLES_HZ;
/** What fades over five seconds keeps this much a second; over a minute, this much. */
const KEEP = 0.8;
const KEEP_LONG = 0.983;
const FAR_M = 4;
const CLOSE_M = 1.2;
const INVADED_M = 0.4;
const WAVING_M = 4;
/** Slower than this is standing, m/s. */
const STANDING = 0.25;

/** Adds one second of `a` towards `b` to `row[from..]`. Both have at least 1.1 s of track. */
export function addSecond(tracks: MotionTracks, a: number, b: number, row: Float32Array, from: number, fresh: boolean): void {
  measure(tracks, a, b);
  for (let i = 0; i < NOW; i++) {
    const value = now[i] as number;
    row[from + i] = value;
    const mean = from + NOW + i;
    row[mean] = fresh ? value : (row[mean] as number) * KEEP + value * (1 - KEEP);
  }
  const [nearest, approach, retreat, facing, faced, speedA, speedB, trail, ahead, hand, path, mirror, aside, onward] = now as unknown as Numbers;
  const behind = speedB > STANDING && approach > 0.1 && faced < 0 && trail < 1.2 && ahead < 0;
  count(row, from + CLOSE_S, KEEP, nearest < CLOSE_M, fresh);
  count(row, from + CHASE_S, KEEP, approach > 0.15 && retreat > 0.15 && facing > 0.3, fresh);
  count(row, from + BEHIND_S, KEEP, behind, fresh);
  count(row, from + EVADE_S, KEEP, turned > 0.5 && speedB > STANDING && approach > 0 && facing > 0.3 && nearest < 2.5, fresh);
  count(row, from + BLOCK_S, KEEP, nearest < 1.4 && faced > 0.4 && facing > 0.4 && mirror > 0.02 && aside > 0.15 && onward < 0.4, fresh);
  count(row, from + INVADE_S, KEEP, hand < INVADED_M, fresh);
  count(row, from + WAVE_S, KEEP, path > WAVING_M && nearest < 2, fresh);
  const abreast = speedA > STANDING && speedB > STANDING && Math.abs(approach - retreat) < 0.3 && Math.abs(ahead) < 0.6;
  // Face to face, standing or dancing, at a distance both keep.
  const talking = facing > 0.3 && faced > 0.3 && Math.abs(approach) < 0.5 && nearest > 0.45;
  count(row, from + TOGETHER_S, KEEP_LONG, nearest < 3 && (abreast || talking), fresh);
}

type Numbers = [number, number, number, number, number, number, number, number, number, number, number, number, number, number];
const now = new Float64Array(NOW);
/** How much `b` changed direction between the two halves of the second, 0..2 (1 - cos). */
let turned = 0;

function measure(tracks: MotionTracks, a: number, b: number): void {
  const [ax, az] = [tracks.value(a, 0, HEAD_X), tracks.value(a, 0, HEAD_Z)];
  const [bx, bz] = [tracks.value(b, 0, HEAD_X), tracks.value(b, 0, HEAD_Z)];
  const [dax, daz] = [ax - tracks.value(a, SECOND, HEAD_X), az - tracks.value(a, SECOND, HEAD_Z)];
  const [dbx, dbz] = [bx - tracks.value(b, SECOND, HEAD_X), bz - tracks.value(b, SECOND, HEAD_Z)];
  let [nearest, hand, trail, facing, faced, path, reach] = [FAR_M, FAR_M, FAR_M, 0, 0, 0, 0];
  let [leftPath, rightPath] = [0, 0];
  for (let ago = 0; ago < SECOND; ago++) {
    const [x, z] = [tracks.value(a, ago, HEAD_X), tracks.value(a, ago, HEAD_Z)];
    const [ox, oz] = [tracks.value(b, ago, HEAD_X) - x, tracks.value(b, ago, HEAD_Z) - z];
    const metres = Math.max(0.01, Math.hypot(ox, oz));
    nearest = Math.min(nearest, metres);
    facing += (tracks.value(a, ago, FORWARD_X) * ox + tracks.value(a, ago, FORWARD_Z) * oz) / metres / SECOND;
    faced -= (tracks.value(b, ago, FORWARD_X) * ox + tracks.value(b, ago, FORWARD_Z) * oz) / metres / SECOND;
    reach = Math.min(toHead(tracks, a, b, ago, HEAD_X), toHead(tracks, a, b, ago, HANDS), toHead(tracks, a, b, ago, HANDS + 3));
    hand += (Math.min(FAR_M, reach) - hand) / (ago + 1);
    leftPath += handStep(tracks, a, ago, HANDS);
    rightPath += handStep(tracks, a, ago, HANDS + 3);
  }
  path = Math.max(leftPath, rightPath);
  // Where b was half a second to a second ago is where somebody behind walks now.
  for (let ago = 5; ago <= SECOND; ago++) trail = Math.min(trail, Math.hypot(ax - tracks.value(b, ago, HEAD_X), az - tracks.value(b, ago, HEAD_Z)));
  const [ux, uz] = [bx - ax, bz - az];
  const apart = Math.max(0.01, Math.hypot(ux, uz));
  const speedB = Math.hypot(dbx, dbz);
  // Where b wants to go: where it goes, or looks while it stands.
  const walks = speedB > STANDING;
  const wx = walks ? dbx / speedB : tracks.value(b, 0, FORWARD_X);
  const wz = walks ? dbz / speedB : tracks.value(b, 0, FORWARD_Z);
  now[0] = nearest;
  now[1] = (dax * ux + daz * uz) / apart;
  now[2] = (dbx * ux + dbz * uz) / apart;
  now[3] = facing;
  now[4] = faced;
  now[5] = Math.hypot(dax, daz);
  now[6] = speedB;
  now[7] = trail;
  now[8] = -(wx * ux + wz * uz) / apart;
  now[9] = hand;
  now[10] = path;
  // Both to the same side, seen across the line between them.
  now[11] = ((dax * uz - daz * ux) / apart) * ((dbx * uz - dbz * ux) / apart);
  // Across the line between them, and to where b looks: somebody in the way leaves b only the former.
  now[12] = Math.abs(dbx * uz - dbz * ux) / apart;
  now[13] = dbx * tracks.value(b, 0, FORWARD_X) + dbz * tracks.value(b, 0, FORWARD_Z);
  turned = turnOf(tracks, b);
}

function toHead(tracks: MotionTracks, a: number, b: number, ago: number, field: number): number {
  return Math.hypot(
    tracks.value(a, ago, field) - tracks.value(b, ago, HEAD_X),
    tracks.value(a, ago, field + 1) - tracks.value(b, ago, HEAD_Y),
    tracks.value(a, ago, field + 2) - tracks.value(b, ago, HEAD_Z),
  );
}

/** How far a hand went between two samples, relative to its head. */
function handStep(tracks: MotionTracks, a: number, ago: number, field: number): number {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++) {
    const step =
      tracks.value(a, ago, field + axis) - tracks.value(a, ago, axis) - (tracks.value(a, ago + 1, field + axis) - tracks.value(a, ago + 1, axis));
    sum += step * step;
  }
  return Math.sqrt(sum);
}

function turnOf(tracks: MotionTracks, b: number): number {
  const half = SECOND / 2;
  const leg = (to: number, from: number, field: number): number => tracks.value(b, to, field) - tracks.value(b, from, field);
  const known = tracks.known(b);
  const before = Math.min(known - 1, SECOND + half);
  const [px, pz] = [leg(half, before, HEAD_X), leg(half, before, HEAD_Z)];
  const [nx, nz] = [leg(0, half, HEAD_X), leg(0, half, HEAD_Z)];
  const [p, n] = [Math.hypot(px, pz), Math.hypot(nx, nz)];
  return p < 0.1 || n < 0.1 ? 0 : 1 - (px * nx + pz * nz) / (p * n);
}

function count(row: Float32Array, index: number, keep: number, holds: boolean, fresh: boolean): void {
  row[index] = (fresh ? 0 : (row[index] as number)) * keep + (holds ? 1 : 0);
}
