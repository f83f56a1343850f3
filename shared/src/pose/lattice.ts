/**
 * The integer lattice on which both ends agree, and rotations as modified Rodrigues parameters (MRP).
 *
 * [LA1] A position is three integers in 1/POSITION_STEPS m from the room's origin, |n| <= POSITION_LIMIT.
 * [LA2] A rotation is three integers r = v / (1 + w) in 1/MRP_STEPS for the sign with w >= 0, so |r| <= 1: 0.007 degree steps.
 *       Back: q = (2r, 1 - |r|^2) / (1 + |r|^2). Only + - x / are used, which IEEE 754 makes exact in every engine.
 * [LA3] Whatever is read here ends finite and in range: a peer's bytes cannot make a NaN.
 */

/** Lattice steps per metre. A power of two is exact in binary; its 0.98 mm step leaves the error 2 % under 0.5 mm RMS in three dimensions. */
export const POSITION_STEPS = 1024;
/** +-1024 m less a step, so that any difference of two positions fits 22 bits after zig-zag. */
export const POSITION_LIMIT = 2 ** 20 - 1;
export const MRP_STEPS = 32_768;
export const MRP_LIMIT = MRP_STEPS - 1;

/** Metres to lattice; non-finite becomes 0. */
export function toLattice(metres: number): number {
  const n = Math.floor(metres * POSITION_STEPS + 0.5);
  if (n > POSITION_LIMIT) return POSITION_LIMIT;
  if (n < -POSITION_LIMIT) return -POSITION_LIMIT;
  return n === n ? n : 0;
}
export const fromLattice = (n: number): number => n / POSITION_STEPS;
export function clampLattice(n: number): number {
  return n > POSITION_LIMIT ? POSITION_LIMIT : n < -POSITION_LIMIT ? -POSITION_LIMIT : n;
}

export function clampMrp(n: number): number {
  return n > MRP_LIMIT ? MRP_LIMIT : n < -MRP_LIMIT ? -MRP_LIMIT : n === n ? n : 0;
}

/** Unit quaternion `q[at..at+3]` (x y z w, any sign; close to unit) to three MRP integers at `out[to..to+2]`. */
export function quatToMrp(q: Float64Array, at: number, out: Int32Array, to: number): void {
  const w = q[at + 3] as number;
  const scale = w < 0 ? -MRP_STEPS / (1 - w) : MRP_STEPS / (1 + w);
  out[to] = clampMrp(Math.floor((q[at] as number) * scale + 0.5));
  out[to + 1] = clampMrp(Math.floor((q[at + 1] as number) * scale + 0.5));
  out[to + 2] = clampMrp(Math.floor((q[at + 2] as number) * scale + 0.5));
}

/** Three MRP integers at `mrp[at..]` to a unit quaternion at `out[to..]`. */
export function mrpToQuat(mrp: Int32Array, at: number, out: Float64Array, to: number): void {
  const x = (mrp[at] as number) / MRP_STEPS;
  const y = (mrp[at + 1] as number) / MRP_STEPS;
  const z = (mrp[at + 2] as number) / MRP_STEPS;
  const square = x * x + y * y + z * z;
  const scale = 1 / (1 + square);
  out[to] = 2 * x * scale;
  out[to + 1] = 2 * y * scale;
  out[to + 2] = 2 * z * scale;
  out[to + 3] = (1 - square) * scale;
}

/**
 * out[to..] = a * b (Hamilton product, x y z w), all in arrays: a double handed to a function that is not inlined is boxed on the heap.
 * `out` may not overlap `a` or `b`.
 */
export function multiplyQuat(a: Float64Array, at: number, b: Float64Array, bt: number, out: Float64Array, to: number): void {
  const ax = a[at] as number;
  const ay = a[at + 1] as number;
  const az = a[at + 2] as number;
  const aw = a[at + 3] as number;
  const bx = b[bt] as number;
  const by = b[bt + 1] as number;
  const bz = b[bt + 2] as number;
  const bw = b[bt + 3] as number;
  out[to] = aw * bx + ax * bw + ay * bz - az * by;
  out[to + 1] = aw * by - ax * bz + ay * bw + az * bx;
  out[to + 2] = aw * bz + ax * by - ay * bx + az * bw;
  out[to + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

/** out[to..] = conj(a) * b: the turn from a to b in a's frame. */
export function turnBetween(a: Float64Array, at: number, b: Float64Array, bt: number, out: Float64Array, to: number): void {
  const ax = -(a[at] as number);
  const ay = -(a[at + 1] as number);
  const az = -(a[at + 2] as number);
  const aw = a[at + 3] as number;
  const bx = b[bt] as number;
  const by = b[bt + 1] as number;
  const bz = b[bt + 2] as number;
  const bw = b[bt + 3] as number;
  out[to] = aw * bx + ax * bw + ay * bz - az * by;
  out[to + 1] = aw * by - ax * bz + ay * bw + az * bx;
  out[to + 2] = aw * bz + ax * by - ay * bx + az * bw;
  out[to + 3] = aw * bw - ax * bx - ay * by - az * bz;
}
