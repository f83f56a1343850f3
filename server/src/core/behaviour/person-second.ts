/**
 * What one person did in the last second, whoever is near: made once per moment and person, on the first question.
 *
 * [PS1] No position is among it; displacement, speed and path are (motion-features of INFERENCE.md).
 */
import { FORWARD_X, FORWARD_Z, HEAD_X, HEAD_Z, LEFT_STEP, type MotionTracks, RIGHT_STEP, SAMPLES_HZ } from "./motion-track.ts";

/** Displacement x z (m), speed (m/s), where they want to go x z (1 or 0), speed to where they look, hand path (m), turn (1 - cos, 0..2). */
const FLOATS = 8;
export const GONE_X = 0;
export const GONE_Z = 1;
export const SPEED = 2;
export const WANT_X = 3;
export const WANT_Z = 4;
export const ONWARD = 5;
export const PATH = 6;
export const TURNED = 7;

/** Slower than this is standing, m/s. */
export const STANDING = 0.25;

export class PersonSeconds {
  readonly values: Float32Array;
  private readonly tracks: MotionTracks;
  private readonly madeAt: Int32Array;

  constructor(tracks: MotionTracks, capacity: number) {
    this.tracks = tracks;
    this.values = new Float32Array(capacity * FLOATS);
    this.madeAt = new Int32Array(capacity).fill(-1);
  }

  /** Where in `values` this slot's numbers of sample `now` begin. The slot has at least SAMPLES_HZ + 1 samples. */
  of(slot: number, now: number): number {
    const to = slot * FLOATS;
    if (this.madeAt[slot] === now) return to;
    this.madeAt[slot] = now;
    const { tracks, values } = this;
    const { data } = tracks;
    const newest = tracks.at(slot, 0);
    const oldest = tracks.at(slot, SAMPLES_HZ);
    const dx = (data[newest + HEAD_X] as number) - (data[oldest + HEAD_X] as number);
    const dz = (data[newest + HEAD_Z] as number) - (data[oldest + HEAD_Z] as number);
    const speed = Math.sqrt(dx * dx + dz * dz);
    const fx = data[newest + FORWARD_X] as number;
    const fz = data[newest + FORWARD_Z] as number;
    const walks = speed > STANDING;
    values[to + GONE_X] = dx;
    values[to + GONE_Z] = dz;
    values[to + SPEED] = speed;
    // Where they go, or look while they stand.
    values[to + WANT_X] = walks ? dx / speed : fx;
    values[to + WANT_Z] = walks ? dz / speed : fz;
    values[to + ONWARD] = dx * fx + dz * fz;
    let left = 0;
    let right = 0;
    for (let ago = 0; ago < SAMPLES_HZ; ago++) {
      const at = tracks.at(slot, ago);
      left += data[at + LEFT_STEP] as number;
      right += data[at + RIGHT_STEP] as number;
    }
    values[to + PATH] = Math.max(left, right);
    values[to + TURNED] = turnOf(tracks, slot);
    return to;
  }

  /** The slot is somebody else's. */
  forget(slot: number): void {
    this.values.fill(0, slot * FLOATS, (slot + 1) * FLOATS);
    this.madeAt[slot] = -1;
  }
}

/** How much the way of the last half second differs from that of the second before. */
function turnOf(tracks: MotionTracks, slot: number): number {
  const { data } = tracks;
  const half = SAMPLES_HZ / 2;
  const last = tracks.at(slot, 0);
  const middle = tracks.at(slot, half);
  const first = tracks.at(slot, Math.min(tracks.known(slot) - 1, SAMPLES_HZ + half));
  const px = (data[middle + HEAD_X] as number) - (data[first + HEAD_X] as number);
  const pz = (data[middle + HEAD_Z] as number) - (data[first + HEAD_Z] as number);
  const nx = (data[last + HEAD_X] as number) - (data[middle + HEAD_X] as number);
  const nz = (data[last + HEAD_Z] as number) - (data[middle + HEAD_Z] as number);
  const p = Math.sqrt(px * px + pz * pz);
  const n = Math.sqrt(nx * nx + nz * nz);
  return p < 0.1 || n < 0.1 ? 0 : 1 - (px * nx + pz * nz) / (p * n);
}
