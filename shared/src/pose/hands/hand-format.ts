/**
 * What a hand is on the wire: 25 WebXR joints as small integers, the wrist taken from the hand's device pose.
 *
 * [HF1] Fast values: what fingers do. Three of the thumb's metacarpal and of each proximal phalanx, one flexion of every further phalanx;
 *       25 per hand, sent with every update.
 * [HF2] Slow values: what hands are. Bone offsets, the tilt of hinges, metacarpals; sent when they leave a dead band, with H0 only.
 * [HF3] H0 refers to the H0 before it, H1 to the newest H0 and nothing refers to H1: dropping H1 halves the rate and breaks nothing.
 * [HF4] The Rice parameter of a group follows from the reference's class alone, so no lost block desynchronises it.
 *
 * A rotation relative to the parent joint is tilt * flexion: modified Rodrigues parameters of a turn by the tilt's (0, y, z), then
 * of one about X. Only + - x / reach what both ends must agree on.
 */
import { RICE_K_MAX } from "../bits.ts";

export const HANDS = 2;
export const JOINTS = 25;
/** Floats of a joint in WebXR order: x y z qx qy qz qw. */
export const JOINT_FLOATS = 7;
export const HAND_FLOATS = JOINTS * JOINT_FLOATS;

/** Joint 0 is the wrist, 1 to 4 the thumb; then per finger the first of five: metacarpal, proximal, intermediate, distal, tip. */
export const FINGERS = [5, 10, 15, 20] as const;

/** Turns are relative to this joint, which comes before the joint itself. */
export const TURN_PARENT: Int8Array = Int8Array.of(-1, 0, 1, 2, 3, 0, 5, 6, 7, 8, 0, 10, 11, 12, 13, 0, 15, 16, 17, 18, 0, 20, 21, 22, 23);
/** Offsets are in this joint's frame. Knuckles hang on the wrist: devices guess metacarpals, and guess them worse. */
export const OFFSET_PARENT: Int8Array = Int8Array.of(-1, 0, 1, 2, 3, 0, 0, 6, 7, 8, 0, 0, 11, 12, 13, 0, 0, 16, 17, 18, 0, 0, 21, 22, 23);

/** MRP steps: 4 / 176 rad or 1.3 degrees a step near zero. */
export const TURN_STEPS = 176;
export const TURN_LIMIT = 255;
/** Millimetres. */
export const OFFSET_STEPS = 1000;
export const OFFSET_LIMIT = 511;

/** Per joint, its three turn values x y z; then per joint its three offsets. The wrist's are unused and stay 0. */
export const VALUES = JOINTS * 6;
export const turnAt = (joint: number): number => joint * 3;
export const offsetAt = (joint: number): number => JOINTS * 3 + joint * 3;

/** Groups of fast values that share a Rice parameter: flexions, and the rest, per finger. Indices into the values. */
export const GROUPS: readonly (readonly number[])[] = [
  [turnAt(1), turnAt(1) + 1, turnAt(1) + 2],
  [turnAt(2), turnAt(3)],
  ...FINGERS.flatMap((root) => [
    [turnAt(root + 1), turnAt(root + 2), turnAt(root + 3)],
    [turnAt(root + 1) + 1, turnAt(root + 1) + 2],
  ]),
];
/** Rows of the Rice table: the thumb's two kinds of group and the fingers' two, times two layers. */
export const GROUP_KINDS = 4;
const groupKind = (group: number): number => (group < 2 ? group : 2 + (group & 1));
export const CLASSES = 8;
export const HAND_LAYERS = 2;

const FAST: ReadonlySet<number> = new Set(GROUPS.flat());
export const isFast = (value: number): boolean => FAST.has(value);
/** Every value of the joints 1..24, turns before offsets: what an intra block carries, in order. */
export const INTRA_VALUES: readonly number[] = Array.from({ length: VALUES }, (_, i) => i).filter((i) => Math.floor((i % (JOINTS * 3)) / 3) > 0);
export const SLOW: readonly number[] = INTRA_VALUES.filter((i) => !FAST.has(i));
export const isOffset = (value: number): boolean => value >= JOINTS * 3;

export const HandLayer = { h0: 0, h1: 1 } as const;
export type HandLayer = (typeof HandLayer)[keyof typeof HandLayer];

/** Widths and orders that FORMAT.md names. */
export const SEQUENCE_BITS = 4;
export const SEQUENCE_MASK = 2 ** SEQUENCE_BITS - 1;
export const TURN_BITS = 9;
export const OFFSET_BITS = 10;
export const CLASS_BITS = 3;
export const COUNT_ORDER = 1;
export const SKIP_ORDER = 3;
export const CHANGE_ORDER = 1;
/** Slow values that one block may carry per hand; the rest waits for the next. */
export const MAX_CHANGES = 32;
/** Room to leave for a block of both hands, update or intra. */
export const MAX_HANDS_BYTES = 512;

/** Width of a value in an intra block, and its largest size. */
export const bitsOf = (value: number): number => (isOffset(value) ? OFFSET_BITS : TURN_BITS);
export const limitOf = (value: number): number => (isOffset(value) ? OFFSET_LIMIT : TURN_LIMIT);
/** Where a state keeps the class of a hand's group. */
export const classAt = (hand: number, group: number): number => hand * GROUPS.length + group;
/** Row and column of the Rice table for a group whose reference has class `cls`. */
export const riceContext = (group: number, layer: HandLayer, cls: number): number => (groupKind(group) * HAND_LAYERS + layer) * CLASSES + cls;
export const riceK = (table: Uint8Array, context: number): number => Math.min(table[context] as number, RICE_K_MAX);

/** Class of a group's residuals: bit length of the sum of their sizes. */
export function residualClass(sum: number): number {
  const bits = 32 - Math.clz32(sum);
  return bits < CLASSES ? bits : CLASSES - 1;
}

export function clampValue(index: number, n: number): number {
  const limit = limitOf(index);
  return n > limit ? limit : n < -limit ? -limit : n;
}
