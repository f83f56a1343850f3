/**
 * The last two seconds of everybody's head, gaze and hands, ten times a second: what the pairwise features are computed from, and nothing
 * else. Room frame, metres.
 *
 * [MT1] Nothing older than TRACK_SAMPLES samples exists: RAW_KEPT_MS of motion, overwritten in place (INFERENCE.md, Privacy).
 * [MT2] No allocation per sample.
 */
export const SAMPLES_HZ = 10;
export const TRACK_SAMPLES = 20;
/** How long a raw position lives in this track. */
export const RAW_KEPT_MS = (TRACK_SAMPLES * 1000) / SAMPLES_HZ;

/** Head x y z, level forward x z, left hand x y z, right hand x y z. */
const FLOATS = 11;
export const HEAD_X = 0;
export const HEAD_Y = 1;
export const HEAD_Z = 2;
export const FORWARD_X = 3;
export const FORWARD_Z = 4;
export const HANDS = 5;

export class MotionTracks {
  private readonly data: Float32Array;
  /** Where the next sample goes, and how many there are. */
  private readonly at: Uint8Array;
  private readonly count: Uint8Array;

  constructor(capacity: number) {
    this.data = new Float32Array(capacity * TRACK_SAMPLES * FLOATS);
    this.at = new Uint8Array(capacity);
    this.count = new Uint8Array(capacity);
  }

  /** `pose`: 21 floats, head, left, right: position and quaternion each. */
  add(slot: number, pose: Float64Array): void {
    const at = this.at[slot] as number;
    const to = (slot * TRACK_SAMPLES + at) * FLOATS;
    const { data } = this;
    for (let axis = 0; axis < 3; axis++) {
      data[to + axis] = pose[axis] as number;
      data[to + HANDS + axis] = pose[7 + axis] as number;
      data[to + HANDS + 3 + axis] = pose[14 + axis] as number;
    }
    const [x, y, z, w] = [pose[3] as number, pose[4] as number, pose[5] as number, pose[6] as number];
    const fx = -2 * (x * z + w * y);
    const fz = -(1 - 2 * (x * x + y * y));
    // Somebody who looks straight up or down faces nowhere.
    const level = Math.hypot(fx, fz);
    data[to + FORWARD_X] = level > 0.1 ? fx / level : 0;
    data[to + FORWARD_Z] = level > 0.1 ? fz / level : 0;
    this.at[slot] = (at + 1) % TRACK_SAMPLES;
    this.count[slot] = Math.min(TRACK_SAMPLES, (this.count[slot] as number) + 1);
  }

  /** Samples of this slot, 0..TRACK_SAMPLES. */
  known(slot: number): number {
    return this.count[slot] as number;
  }

  /** One number of the sample `ago` samples ago (0: the newest). */
  value(slot: number, ago: number, field: number): number {
    const at = ((this.at[slot] as number) - 1 - ago + 2 * TRACK_SAMPLES) % TRACK_SAMPLES;
    return this.data[(slot * TRACK_SAMPLES + at) * FLOATS + field] as number;
  }

  /** Forgets the slot, its numbers too. */
  forget(slot: number): void {
    this.data.fill(0, slot * TRACK_SAMPLES * FLOATS, (slot + 1) * TRACK_SAMPLES * FLOATS);
    this.at[slot] = 0;
    this.count[slot] = 0;
  }
}
