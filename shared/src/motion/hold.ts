/**
 * Where a held object is: the frame of one hand, or of both, times the grip. Both ends run this, the room to put things down and every
 * viewer to draw them, so a held object costs nothing per tick.
 *
 * [HG1] Only + - x / and square root, which IEEE 754 gives exactly: the same doubles in every engine.
 * [HG2] Two hands: the frame sits between them, its x axis runs from left to right, its up is where the hands' ups agree. Moving both moves,
 *       turning both turns, and pulling them apart scales, about the point between them.
 * [HG3] The scale stays in its range and the offset scales with it, so an object at its limit stays between the hands.
 */
import type { Hand } from "../protocol/registry.ts";
import { DEVICE_FLOATS } from "../pose/types.ts";

/** x y z (m), quaternion x y z w, and the distance between the hands in m (0 for one hand). */
export const HAND_FRAME_FLOATS = 8;
/** Smallest distance between two hands that scales: nearer, a millimetre of tracking noise would be percents. */
const SPAN_MIN_M = 0.02;
/** Shorter than this (squared) a direction is noise. */
const TINY = 1e-6;

/** What a lease and a claim say of the grip, as far as geometry goes. */
export type HoldScale = {
  /** The object's scale at the moment of the grip. */
  readonly scale: number;
  /** Distance between the hands then, mm; 0 for one hand. */
  readonly spanMm: number;
};
export type ScaleRange = { readonly min: number; readonly max: number };

/** The device that carries an object: a pointer is carried in front of the head. For both hands, the left one. */
export const deviceOf = (hand: Hand): number => (hand === "left" || hand === "both" ? 1 : hand === "right" ? 2 : 0);

/** The frame a grip is given in. `pose`: 21 floats, head, left, right; `out`: 8 floats. */
export function handFrame(pose: ArrayLike<number>, hand: Hand, out: Float64Array): void {
  if (hand === "both") return twoHandFrame(pose, out);
  const at = deviceOf(hand) * DEVICE_FLOATS;
  for (let i = 0; i < DEVICE_FLOATS; i++) out[i] = pose[at + i] as number;
  out[7] = 0;
}

/** out (8 floats: x y z q scale) = frame * grip, scaled by how far the hands are apart [HG2]. `grip`: 7 floats in the frame. */
export function heldTransform(frame: ArrayLike<number>, grip: ArrayLike<number>, hold: HoldScale, range: ScaleRange, out: Float64Array): void {
  const spanM = hold.spanMm / 1000;
  const stretched = spanM > 0 ? (hold.scale * atLeast(frame[7] as number, SPAN_MIN_M)) / atLeast(spanM, SPAN_MIN_M) : hold.scale;
  const scale = spanM > 0 ? clampScale(stretched, range) : hold.scale;
  const ratio = hold.scale > 0 ? scale / hold.scale : 1;
  const qx = frame[3] as number;
  const qy = frame[4] as number;
  const qz = frame[5] as number;
  const qw = frame[6] as number;
  const x = (grip[0] as number) * ratio;
  const y = (grip[1] as number) * ratio;
  const z = (grip[2] as number) * ratio;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  out[0] = (frame[0] as number) + x + qw * tx + qy * tz - qz * ty;
  out[1] = (frame[1] as number) + y + qw * ty + qz * tx - qx * tz;
  out[2] = (frame[2] as number) + z + qw * tz + qx * ty - qy * tx;
  multiplyInto(frame, 3, grip, 3, out, 3);
  unit(out, 3);
  out[7] = scale;
}

export const clampScale = (scale: number, { min, max }: ScaleRange): number => (scale < min ? min : scale > max ? max : scale);

/** out = a * b, Hamilton product of quaternions at offsets. `out` may not be `a` or `b`. */
function multiplyInto(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, out: Float64Array, at: number): void {
  const [ax, ay, az, aw] = [a[atA] as number, a[atA + 1] as number, a[atA + 2] as number, a[atA + 3] as number];
  const [bx, by, bz, bw] = [b[atB] as number, b[atB + 1] as number, b[atB + 2] as number, b[atB + 3] as number];
  out[at] = aw * bx + ax * bw + ay * bz - az * by;
  out[at + 1] = aw * by - ax * bz + ay * bw + az * bx;
  out[at + 2] = aw * bz + ax * by - ay * bx + az * bw;
  out[at + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

/** Makes the quaternion at `at` one of unit length; what has no direction becomes the identity. */
export function unit(values: Float64Array, at: number): void {
  let square = 0;
  for (let i = at; i < at + 4; i++) square += (values[i] as number) * (values[i] as number);
  const norm = Math.sqrt(square);
  const usable = norm > TINY && norm < Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) values[at + i] = usable ? (values[at + i] as number) / norm : i === 3 ? 1 : 0;
}

const atLeast = (value: number, least: number): number => (value > least ? value : least);
type Triple = [number, number, number];

/** [HG2] */
function twoHandFrame(pose: ArrayLike<number>, out: Float64Array): void {
  const left = DEVICE_FLOATS;
  const right = 2 * DEVICE_FLOATS;
  const along: Triple = [0, 0, 0];
  let square = 0;
  for (let i = 0; i < 3; i++) {
    const from = pose[left + i] as number;
    const to = pose[right + i] as number;
    out[i] = (from + to) / 2;
    along[i] = to - from;
    square += (to - from) * (to - from);
  }
  const span = Math.sqrt(square);
  out[7] = span;
  const x: Triple = span > TINY ? [along[0] / span, along[1] / span, along[2] / span] : axisOf(pose, left + 3, 0);
  // The hands' backs may point along the line between them (a steering wheel held at its sides): then their forwards say what is up.
  const y = across(x, add(axisOf(pose, left + 3, 1), axisOf(pose, right + 3, 1))) ??
    across(x, add(axisOf(pose, left + 3, 2), axisOf(pose, right + 3, 2))) ??
    across(x, [0, 1, 0]) ??
    across(x, [0, 0, 1]) ?? [0, 1, 0];
  const z: Triple = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  quaternionOf(x, y, z, out);
}

const add = (a: Triple, b: Triple): Triple => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** The unit part of `v` at a right angle to the unit vector `x`, or undefined when there is next to none. */
function across(x: Triple, v: Triple): Triple | undefined {
  const dot = x[0] * v[0] + x[1] * v[1] + x[2] * v[2];
  const rest: Triple = [v[0] - dot * x[0], v[1] - dot * x[1], v[2] - dot * x[2]];
  const norm = Math.sqrt(rest[0] * rest[0] + rest[1] * rest[1] + rest[2] * rest[2]);
  return norm > 0.05 ? [rest[0] / norm, rest[1] / norm, rest[2] / norm] : undefined;
}

/** Where the quaternion at `at` turns the x (0), y (1) or z (2) axis. */
function axisOf(values: ArrayLike<number>, at: number, axis: 0 | 1 | 2): Triple {
  const [x, y, z, w] = [values[at] as number, values[at + 1] as number, values[at + 2] as number, values[at + 3] as number];
  if (axis === 0) return [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)];
  if (axis === 1) return [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)];
  return [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)];
}

/** The rotation whose columns are x, y, z, as a unit quaternion at out[3..6]: the branch with the largest divisor. */
function quaternionOf(x: Triple, y: Triple, z: Triple, out: Float64Array): void {
  const trace = x[0] + y[1] + z[2];
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    out[3] = (y[2] - z[1]) / s;
    out[4] = (z[0] - x[2]) / s;
    out[5] = (x[1] - y[0]) / s;
    out[6] = s / 4;
  } else if (x[0] >= y[1] && x[0] >= z[2]) {
    const s = 2 * Math.sqrt(1 + x[0] - y[1] - z[2]);
    out[3] = s / 4;
    out[4] = (x[1] + y[0]) / s;
    out[5] = (z[0] + x[2]) / s;
    out[6] = (y[2] - z[1]) / s;
  } else if (y[1] >= z[2]) {
    const s = 2 * Math.sqrt(1 + y[1] - x[0] - z[2]);
    out[3] = (x[1] + y[0]) / s;
    out[4] = s / 4;
    out[5] = (y[2] + z[1]) / s;
    out[6] = (z[0] - x[2]) / s;
  } else {
    const s = 2 * Math.sqrt(1 + z[2] - x[0] - y[1]);
    out[3] = (z[0] + x[2]) / s;
    out[4] = (y[2] + z[1]) / s;
    out[5] = s / 4;
    out[6] = (x[1] - y[0]) / s;
  }
  unit(out, 3);
}
