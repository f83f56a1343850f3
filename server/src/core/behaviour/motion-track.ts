/**
 * The last two seconds of everybody's head, gaze and hands, ten times a second: what the pairwise features are computed from, and nothing
 * else. Room frame, metres. Everybody is sampled at the same moments, so that one index serves all.
 *
 * [MT1] Nothing older than TRACK_SAMPLES samples exists: RAW_KEPT_MS of motion, overwritten in place (INFERENCE.md, Privacy).
 * [MT2] No allocation per sample; memory grows with the highest slot that was ever seen.
 */
export const SAMPLES_HZ = 10;
export const TRACK_SAMPLES = 20;
/** How long a raw position lives in this track. */
export const RAW_KEPT_MS = (TRACK_SAMPLES * 1000) / SAMPLES_HZ;

/** Head x y z, level forward x z, left hand x y z, right hand x y z, how far left and right went since the sample before. */
const FLOATS = 13;
export const HEAD_X = 0;
export const HEAD_Y = 1;
export const HEAD_Z = 2;
export const FORWARD_X = 3;
export const FORWARD_Z = 4;
export const LEFT_HAND = 5;
export const RIGHT_HAND = 8;
export const LEFT_STEP = 11;
export const RIGHT_STEP = 12;
/** Slots to begin with. */
const SLOTS = 32;

export class MotionTracks {
  /** Read with `at`. */
  data = new Float32Array(SLOTS * TRACK_SAMPLES * FLOATS);
  private readonly capacity: number;
  private readonly count: Uint8Array;
  private readonly sampledAt: Int32Array;
  private now = 0;
  /** By age: where in a slot's part of `data` that sample begins. */
  private readonly offsets = new Int32Array(TRACK_SAMPLES);

  constructor(capacity: number) {
    this.capacity = capacity;
    this.count = new Uint8Array(capacity);
    this.sampledAt = new Int32Array(capacity);
  }

  /** The next moment: everybody present is added after it. */
  begin(): void {
    this.now++;
    for (let ago = 0; ago < TRACK_SAMPLES; ago++) this.offsets[ago] = ((this.now - ago + TRACK_SAMPLES) % TRACK_SAMPLES) * FLOATS;
  }

  /** `pose`: 21 floats, head, left, right: position and quaternion each. */
  add(slot: number, pose: Float64Array): void {
    this.grow(slot);
    // Who was away has no past.
    if (this.sampledAt[slot] !== this.now - 1) this.count[slot] = 0;
    this.sampledAt[slot] = this.now;
    const { data } = this;
    const to = this.at(slot, 0);
    for (let axis = 0; axis < 3; axis++) {
      data[to + axis] = pose[axis] as number;
      data[to + LEFT_HAND + axis] = pose[7 + axis] as number;
      data[to + RIGHT_HAND + axis] = pose[14 + axis] as number;
    }
    const x = pose[3] as number;
    const y = pose[4] as number;
    const z = pose[5] as number;
    const w = pose[6] as number;
    const fx = -2 * (x * z + w * y);
    const fz = -(1 - 2 * (x * x + y * y));
    // Somebody who looks straight up or down faces nowhere.
    const level = Math.sqrt(fx * fx + fz * fz);
    data[to + FORWARD_X] = level > 0.1 ? fx / level : 0;
    data[to + FORWARD_Z] = level > 0.1 ? fz / level : 0;
    const before = this.at(slot, 1);
    data[to + LEFT_STEP] = this.count[slot] === 0 ? 0 : handStep(data, to, before, LEFT_HAND);
    data[to + RIGHT_STEP] = this.count[slot] === 0 ? 0 : handStep(data, to, before, RIGHT_HAND);
    this.count[slot] = Math.min(TRACK_SAMPLES, (this.count[slot] as number) + 1);
  }

  /** Samples of this slot up to now without a gap, 0..TRACK_SAMPLES. */
  known(slot: number): number {
    return this.sampledAt[slot] === this.now ? (this.count[slot] as number) : 0;
  }

  /** Where in `data` the sample `ago` samples ago (0: the newest) begins; `ago` < TRACK_SAMPLES. */
  at(slot: number, ago: number): number {
    return slot * TRACK_SAMPLES * FLOATS + (this.offsets[ago] as number);
  }

  /** Forgets the slot, its numbers too. */
  forget(slot: number): void {
    this.data.fill(0, slot * TRACK_SAMPLES * FLOATS, (slot + 1) * TRACK_SAMPLES * FLOATS);
    this.count[slot] = 0;
  }

  private grow(slot: number): void {
    const slots = this.data.length / (TRACK_SAMPLES * FLOATS);
    if (slot < slots) return;
    const larger = new Float32Array(Math.min(this.capacity, Math.max(2 * slots, slot + 1)) * TRACK_SAMPLES * FLOATS);
    larger.set(this.data);
    this.data = larger;
  }
}

/** How far a hand went between two samples, relative to its head. */
function handStep(data: Float32Array, to: number, before: number, hand: number): number {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++) {
    const step =
      (data[to + hand + axis] as number) - (data[to + axis] as number) - ((data[before + hand + axis] as number) - (data[before + axis] as number));
    sum += step * step;
  }
  return Math.sqrt(sum);
}
