/**
 * Rigid transforms in typed arrays, in place: `x y z qx qy qz qw` from an offset. Metres, unit quaternions. Nothing is allocated.
 */

/** Quaternion components travel scaled by this. */
const QUAT_ONE = 32_767;

/** out = a * b: `b`, given in the frame of `a`. `out` may be `a` or `b`. */
export function composeRigid(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, out: Float64Array, at: number): void {
  const x = a[atA + 3] as number;
  const y = a[atA + 4] as number;
  const z = a[atA + 5] as number;
  const w = a[atA + 6] as number;
  const px = b[atB] as number;
  const py = b[atB + 1] as number;
  const pz = b[atB + 2] as number;
  const bx = b[atB + 3] as number;
  const by = b[atB + 4] as number;
  const bz = b[atB + 5] as number;
  const bw = b[atB + 6] as number;
  const tx = 2 * (y * pz - z * py);
  const ty = 2 * (z * px - x * pz);
  const tz = 2 * (x * py - y * px);
  out[at] = (a[atA] as number) + px + w * tx + y * tz - z * ty;
  out[at + 1] = (a[atA + 1] as number) + py + w * ty + z * tx - x * tz;
  out[at + 2] = (a[atA + 2] as number) + pz + w * tz + x * ty - y * tx;
  out[at + 3] = w * bx + x * bw + y * bz - z * by;
  out[at + 4] = w * by - x * bz + y * bw + z * bx;
  out[at + 5] = w * bz + x * by - y * bx + z * bw;
  out[at + 6] = w * bw - x * bx - y * by - z * bz;
}

/** out = inverse(a) * b: `b` as seen from `a`. */
export function relativeRigid(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, out: Float64Array, at: number): void {
  const inverse = new Float64Array(7);
  inverse[3] = -(a[atA + 3] as number);
  inverse[4] = -(a[atA + 4] as number);
  inverse[5] = -(a[atA + 5] as number);
  inverse[6] = a[atA + 6] as number;
  const shifted = new Float64Array(7);
  for (let i = 0; i < 3; i++) shifted[i] = (b[atB + i] as number) - (a[atA + i] as number);
  for (let i = 3; i < 7; i++) shifted[i] = b[atB + i] as number;
  composeRigid(inverse, 0, shifted, 0, out, at);
}

/** out = a * b, quaternions at offsets: the turn `b` in the frame of `a`. `out` may be neither. */
export function multiplyQuat(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, out: Float64Array, at: number): void {
  const [ax, ay, az, aw] = [a[atA] as number, a[atA + 1] as number, a[atA + 2] as number, a[atA + 3] as number];
  const [bx, by, bz, bw] = [b[atB] as number, b[atB + 1] as number, b[atB + 2] as number, b[atB + 3] as number];
  out[at] = aw * bx + ax * bw + ay * bz - az * by;
  out[at + 1] = aw * by - ax * bz + ay * bw + az * bx;
  out[at + 2] = aw * bz + ax * by - ay * bx + az * bw;
  out[at + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

/** out = inverse(a) * b, quaternions at offsets, the shorter way round. Returns its angle in radians. */
export function relativeTurn(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, out: Float64Array, at: number): number {
  const inverse = [-(a[atA] as number), -(a[atA + 1] as number), -(a[atA + 2] as number), a[atA + 3] as number];
  multiplyQuat(inverse, 0, b, atB, out, at);
  if ((out[at + 3] as number) < 0) for (let i = at; i < at + 4; i++) out[i] = -(out[i] as number);
  return 2 * Math.acos(Math.min(1, out[at + 3] as number));
}

/** Scales a quaternion at `at` to unit length; what has no direction becomes the identity. */
export function normalizeQuat(values: Float64Array, at: number): void {
  const x = values[at] as number;
  const y = values[at + 1] as number;
  const z = values[at + 2] as number;
  const w = values[at + 3] as number;
  const norm = Math.sqrt(x * x + y * y + z * z + w * w);
  const usable = norm > 1e-6 && norm < Number.POSITIVE_INFINITY;
  values[at] = usable ? x / norm : 0;
  values[at + 1] = usable ? y / norm : 0;
  values[at + 2] = usable ? z / norm : 0;
  values[at + 3] = usable ? w / norm : 1;
}

/** Moves `from` towards `to` by `part` (0..1): straight for positions, shortest way for rotations. */
export function blendRigid(from: ArrayLike<number>, to: ArrayLike<number>, part: number, out: Float64Array): void {
  let dot = 0;
  for (let i = 3; i < 7; i++) dot += (from[i] as number) * (to[i] as number);
  const sign = dot < 0 ? -1 : 1;
  for (let i = 0; i < 3; i++) out[i] = (from[i] as number) + ((to[i] as number) - (from[i] as number)) * part;
  for (let i = 3; i < 7; i++) out[i] = (from[i] as number) * (1 - part) * sign + (to[i] as number) * part;
  normalizeQuat(out, 3);
}

const integer = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, Math.round(value))) + 0;

/** Metres to integer millimetres within a signed integer of `limit`. */
export const toMm = (values: ArrayLike<number>, at: number, limit: number): number[] =>
  [0, 1, 2].map((axis) => integer((values[at + axis] as number) * 1000, limit));

/** A unit quaternion in its wire form. */
export const toQuat16 = (values: ArrayLike<number>, at: number): number[] =>
  [0, 1, 2, 3].map((part) => integer((values[at + part] as number) * QUAT_ONE, QUAT_ONE));

/** Wire form (mm, quaternion x 32767) to a rigid transform. */
export function fromWire(mm: readonly number[], rotation: readonly number[], out: Float64Array): void {
  for (let i = 0; i < 3; i++) out[i] = (mm[i] ?? 0) / 1000;
  for (let i = 0; i < 4; i++) out[3 + i] = (rotation[i] ?? 0) / QUAT_ONE;
  normalizeQuat(out, 3);
}

/** Heading (radians about +Y, 0 along -Z, counter-clockwise) of where a quaternion at `at` looks; 0 when straight up or down. */
export function headingOf(values: ArrayLike<number>, at: number): number {
  const x = values[at] as number;
  const y = values[at + 1] as number;
  const z = values[at + 2] as number;
  const w = values[at + 3] as number;
  const forwardX = -2 * (x * z + w * y);
  const forwardZ = -(1 - 2 * (x * x + y * y));
  return forwardX * forwardX + forwardZ * forwardZ < 1e-9 ? 0 : Math.atan2(-forwardX, -forwardZ);
}

/** Turns the vector v[0..2] by the unit quaternion q[at..], or back by its inverse. */
export function rotateBy(q: ArrayLike<number>, at: number, v: Float64Array, back = false): void {
  const sign = back ? -1 : 1;
  const qx = sign * (q[at] as number);
  const qy = sign * (q[at + 1] as number);
  const qz = sign * (q[at + 2] as number);
  const qw = q[at + 3] as number;
  const x = v[0] as number;
  const y = v[1] as number;
  const z = v[2] as number;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  v[0] = x + qw * tx + qy * tz - qz * ty;
  v[1] = y + qw * ty + qz * tx - qx * tz;
  v[2] = z + qw * tz + qx * ty - qy * tx;
}
