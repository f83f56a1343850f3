/**
 * The last half second of every source's samples, for judging a grab in rewound time (POSE.md, grabs).
 *
 * [PH1] Fixed memory per slot that was ever used: a ring of HISTORY samples, the oldest overwritten. Singles: within 1 024 m of the
 *       origin they are a sixteenth of a millimetre off at most.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";

/** 500 ms at 90 samples a second, rounded up to a power of two. */
const HISTORY = 64;
const MASK = HISTORY - 1;

export class PoseHistory {
  private readonly times: Float64Array;
  /** Per slot HISTORY poses, made when somebody first takes the slot: an empty room is not charged for a full one. */
  private readonly poses: (Float32Array | undefined)[];
  /** Samples ever written per slot. */
  private readonly written: Uint32Array;

  constructor(capacity: number) {
    this.times = new Float64Array(capacity * HISTORY);
    this.poses = Array.from({ length: capacity }, () => undefined);
    this.written = new Uint32Array(capacity);
  }

  add(slot: number): void {
    this.poses[slot] ??= new Float32Array(HISTORY * POSE_FLOATS);
    this.written[slot] = 0;
  }
  clear(slot: number): void {
    this.written[slot] = 0;
  }

  push(slot: number, sample: PoseSample): void {
    const { pose } = sample;
    const poses = this.poses[slot];
    if (poses === undefined) return;
    const count = this.written[slot] as number;
    const at = count & MASK;
    this.times[slot * HISTORY + at] = sample.timeMs;
    const o = at * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) poses[o + i] = pose[i] as number;
    this.written[slot] = count + 1;
  }

  /** The pose at `timeMs`, interpolated; before the ring's reach its oldest sample, after the newest the newest. False when empty. */
  at(slot: number, timeMs: number, out: Float64Array): boolean {
    const count = this.written[slot] as number;
    const poses = this.poses[slot];
    if (count === 0 || poses === undefined) return false;
    const oldest = count > HISTORY ? count - HISTORY : 0;
    let n = count - 1;
    while (n > oldest && this.time(slot, n) > timeMs) n--;
    const next = n + 1 < count ? n + 1 : n;
    const from = this.time(slot, n);
    const span = this.time(slot, next) - from;
    const t = span > 0 ? Math.min(Math.max((timeMs - from) / span, 0), 1) : 0;
    blend(poses, (n & MASK) * POSE_FLOATS, (next & MASK) * POSE_FLOATS, t, out);
    return true;
  }

  private time(slot: number, n: number): number {
    return this.times[slot * HISTORY + (n & MASK)] as number;
  }
}

/** Linear in position, normalised linear in rotation along the shorter way. */
function blend(poses: Float32Array, a: number, b: number, t: number, out: Float64Array): void {
  for (let d = 0; d < DEVICE_COUNT; d++) {
    const o = d * DEVICE_FLOATS;
    let dot = 0;
    for (let c = 3; c < DEVICE_FLOATS; c++) dot += (poses[a + o + c] as number) * (poses[b + o + c] as number);
    const near = dot < 0 ? -t : t;
    let square = 0;
    for (let c = 0; c < DEVICE_FLOATS; c++) {
      const from = poses[a + o + c] as number;
      const to = poses[b + o + c] as number;
      const value = c < 3 ? from + (to - from) * t : from * (1 - t) + to * near;
      out[o + c] = value;
      if (c >= 3) square += value * value;
    }
    const scale = 1 / Math.sqrt(square);
    for (let c = 3; c < DEVICE_FLOATS; c++) out[o + c] = (out[o + c] as number) * scale;
  }
}
