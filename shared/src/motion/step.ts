/**
 * The locomotion step both ends run: the client to predict, the room to judge.
 *
 * [MS1] Integers in, integers out; the same inputs give the same rig in every engine.
 * [MS2] The result lies in the bounds, whatever the input says.
 * [MS3] Walking there and back along the same line ends where it began (rounding is symmetric), unless a bound was hit.
 * [MS4] Any stick position moves at most MOVE_MM_PER_S: diagonals are not faster.
 */
import type { Rig, RigInput } from "./rig.ts";
import { cosYaw, sinYaw, YAW_ONE, YAW_TURN } from "./yaw-table.ts";

/** Box of rig origins in the room's frame, integer mm. */
export type RigBounds = { readonly minMm: readonly [number, number, number]; readonly maxMm: readonly [number, number, number] };

/** A room of about a square kilometre: bigger ones want a floating origin, not bigger integers. */
export const DEFAULT_RIG_BOUNDS: RigBounds = { minMm: [-512_000, -64_000, -512_000], maxMm: [512_000, 192_000, 512_000] };

/** Thumb-stick speed at full deflection: a brisk walk; faster makes people sick. */
export const MOVE_MM_PER_S = 2500;
/** One snap turn: 22.5 degrees, so that sixteen make exactly a turn. */
export const TURN_STEP = 4096;
/** Longest time one input may cover; a longer frame is split. */
export const MAX_INPUT_MS = 50;
const STICK_FULL = 127;

/** Advances `rig` in place by one input. Values out of range are clamped to theirs, so that both ends agree on any input. */
export function stepRig(rig: Rig, input: RigInput, bounds: RigBounds): void {
  const { teleport } = input;
  if (teleport !== null) {
    rig.xMm = Math.trunc(teleport.positionMm[0] ?? rig.xMm);
    rig.yMm = Math.trunc(teleport.positionMm[1] ?? rig.yMm);
    rig.zMm = Math.trunc(teleport.positionMm[2] ?? rig.zMm);
    rig.yaw = teleport.yaw & (YAW_TURN - 1);
  }
  rig.yaw = (rig.yaw + Math.imul(input.turn, TURN_STEP)) & (YAW_TURN - 1);
  if (input.moveX !== 0 || input.moveZ !== 0) walk(rig, input);
  rig.xMm = clamp(rig.xMm, bounds.minMm[0], bounds.maxMm[0]);
  rig.yMm = clamp(rig.yMm, bounds.minMm[1], bounds.maxMm[1]);
  rig.zMm = clamp(rig.zMm, bounds.minMm[2], bounds.maxMm[2]);
}

export function copyRig(from: Readonly<Rig>, to: Rig): void {
  to.xMm = from.xMm;
  to.yMm = from.yMm;
  to.zMm = from.zMm;
  to.yaw = from.yaw;
}

export const sameRig = (a: Readonly<Rig>, b: Readonly<Rig>): boolean => a.xMm === b.xMm && a.yMm === b.yMm && a.zMm === b.zMm && a.yaw === b.yaw;

/** True when 16-bit sequence number `a` is after `b`; half of the range apart counts as before. */
export const seqAfter = (a: number, b: number): boolean => ((a - b) & 0xffff) - 1 < 0x7fff && a !== b;

function walk(rig: Rig, input: RigInput): void {
  const dtMs = clamp(input.dtMs | 0, 0, MAX_INPUT_MS);
  const stickX = clamp(input.moveX | 0, -STICK_FULL, STICK_FULL);
  const stickZ = clamp(input.moveZ | 0, -STICK_FULL, STICK_FULL);
  const length = ceilSqrt(stickX * stickX + stickZ * stickZ);
  const divisor = length > STICK_FULL ? length : STICK_FULL;
  const sin = sinYaw(input.heading);
  const cos = cosYaw(input.heading);
  // |stick| <= 180, sin <= 2^30, speed * dt <= 125 000: below 2^53, so every product and sum is exact.
  const reach = (MOVE_MM_PER_S * dtMs) / 1000;
  rig.xMm += roundAway(((stickX * cos + stickZ * sin) * reach) / (divisor * YAW_ONE));
  rig.zMm += roundAway(((stickZ * cos - stickX * sin) * reach) / (divisor * YAW_ONE));
}

/** Rounds half away from zero, so that f(-x) = -f(x). Never returns -0. */
function roundAway(value: number): number {
  return value < 0 ? 0 - Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

/** Smallest integer whose square is at least `square` (0..65536), without trusting the engine's rounding of sqrt. */
function ceilSqrt(square: number): number {
  let root = Math.floor(Math.sqrt(square));
  while (root * root < square) root++;
  while (root > 0 && (root - 1) * (root - 1) >= square) root--;
  return root;
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
