/** Rotation vectors: axis times angle, rad. Used at the viewer only, so trigonometry is allowed. */

/** Writes the shorter turn from unit quaternion a[at..] to b[bt..] (x y z w) as a rotation vector into out[to..]. */
export function rotationBetween(a: Float64Array, at: number, b: Float64Array, bt: number, out: Float64Array, to: number): void {
  const px = a[at] as number;
  const py = a[at + 1] as number;
  const pz = a[at + 2] as number;
  const pw = a[at + 3] as number;
  const qx = b[bt] as number;
  const qy = b[bt + 1] as number;
  const qz = b[bt + 2] as number;
  const qw = b[bt + 3] as number;
  const x = qx * pw - qw * px - qy * pz + qz * py;
  const y = qy * pw - qw * py - qz * px + qx * pz;
  const z = qz * pw - qw * pz - qx * py + qy * px;
  const w = qw * pw + qx * px + qy * py + qz * pz;
  const sin = Math.sqrt(x * x + y * y + z * z);
  // Twice the half angle over its sine: 2 in the limit.
  const scale = (w < 0 ? -1 : 1) * (sin < 1e-9 ? 2 : (2 * Math.atan2(sin, Math.abs(w))) / sin);
  out[to] = x * scale;
  out[to + 1] = y * scale;
  out[to + 2] = z * scale;
}

/** Turns the unit quaternion q[at..] by the rotation vector v[vt..]. */
export function rotateBy(v: Float64Array, vt: number, q: Float64Array, at: number): void {
  const vx = v[vt] as number;
  const vy = v[vt + 1] as number;
  const vz = v[vt + 2] as number;
  const angle = Math.sqrt(vx * vx + vy * vy + vz * vz);
  const scale = angle < 1e-9 ? 0.5 : Math.sin(angle / 2) / angle;
  const x = vx * scale;
  const y = vy * scale;
  const z = vz * scale;
  const w = Math.cos(angle / 2);
  const qx = q[at] as number;
  const qy = q[at + 1] as number;
  const qz = q[at + 2] as number;
  const qw = q[at + 3] as number;
  q[at] = w * qx + x * qw + y * qz - z * qy;
  q[at + 1] = w * qy + y * qw + z * qx - x * qz;
  q[at + 2] = w * qz + z * qw + x * qy - y * qx;
  q[at + 3] = w * qw - x * qx - y * qy - z * qz;
}
