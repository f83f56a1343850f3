/**
 * The newest samples of one person in time order: structure of arrays, allocated once.
 *
 * [SR1] Times increase from index 0 (oldest) to `count - 1` (newest), by at least MIN_SPACING_MS: a sample closer to a known one says
 *       nothing new, and would only make velocities meaningless. It is ignored.
 * [SR2] Quaternions are unit, and each lies in the same half-sphere as the one before it, so they can be interpolated as vectors.
 * [SR3] Whether two neighbours belong to one motion is decided once, on arrival, for each device (`link`): a hand can appear, or be found
 *       elsewhere, while the head moves on; where the head goes at once, the hands go with it.
 * [SR4] A sample that a datagram link delivered late is put where it belongs.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, POSE_FLOATS, type PoseSample } from "../pose/types.ts";

/** 700 ms at 90 Hz, more at the usual 60: longer than any playout delay. */
export const RING_CAPACITY = 64;
/** Sample times have a resolution of about a millisecond on the wire. */
const MIN_SPACING_MS = 0.5;

/** A gap in time longer than this is a pause: nobody knows what happened in it. */
export const PAUSE_MS = 250;
/** Head and hands. A head beyond both: a teleport (the room's plausibility limit is the same). A hand: it appeared, or tracking found it elsewhere. */
const CUT_M = [0.5, 0.3, 0.3] as const;
const CUT_M_PER_MS = [0.012, 0.02, 0.02] as const;
const HEAD = 0;

/** How a device's pose follows from the one before it: in one motion, after a pause, or from elsewhere (a teleport, or it was lost till then). */
export const Link = { joined: 0, pause: 1, cut: 2 } as const;

export class SampleRing {
  count = 0;
  private first = 0;
  private readonly times = new Float64Array(RING_CAPACITY);
  private readonly poses = new Float64Array(RING_CAPACITY * POSE_FLOATS);
  private readonly links = new Uint8Array(RING_CAPACITY * DEVICE_COUNT);
  private readonly deviceStates = new Uint8Array(RING_CAPACITY * DEVICE_COUNT);

  /** Time of sample `index`, ms. */
  timeMs(index: number): number {
    return this.times[(this.first + index) % RING_CAPACITY] as number;
  }

  /** Float `offset` (0..20) of sample `index`. */
  float(index: number, offset: number): number {
    return this.poses[((this.first + index) % RING_CAPACITY) * POSE_FLOATS + offset] as number;
  }

  state(index: number, device: number): number {
    return this.deviceStates[((this.first + index) % RING_CAPACITY) * DEVICE_COUNT + device] as number;
  }

  /** `Link` of `device` between samples `index` and `index + 1`. */
  link(index: number, device: number): number {
    return this.links[((this.first + index + 1) % RING_CAPACITY) * DEVICE_COUNT + device] as number;
  }

  clear(): void {
    this.count = 0;
    this.first = 0;
  }

  /** Copies `sample` in. False when it is older than all that is kept, or too close to a known one [SR1]. */
  insert(sample: PoseSample): boolean {
    let index = this.count;
    while (index > 0 && this.timeMs(index - 1) >= sample.timeMs) index--;
    if (index < this.count && this.timeMs(index) - sample.timeMs < MIN_SPACING_MS) return false;
    if (index > 0 && sample.timeMs - this.timeMs(index - 1) < MIN_SPACING_MS) return false;
    if (this.count === RING_CAPACITY) {
      if (index === 0) return false;
      this.first = (this.first + 1) % RING_CAPACITY;
      this.count--;
      index--;
    }
    for (let i = this.count; i > index; i--) this.move(i - 1, i);
    this.count++;
    this.write(index, sample);
    for (let i = index; i < this.count; i++) this.align(i);
    if (index > 0) this.relink(index);
    if (index + 1 < this.count) this.relink(index + 1);
    return true;
  }

  /** Index of the newest sample at or before `timeMs`, or -1. */
  before(timeMs: number): number {
    let index = this.count - 1;
    while (index >= 0 && this.timeMs(index) > timeMs) index--;
    return index;
  }

  private move(from: number, to: number): void {
    const source = (this.first + from) % RING_CAPACITY;
    const target = (this.first + to) % RING_CAPACITY;
    this.times[target] = this.times[source] as number;
    this.links.copyWithin(target * DEVICE_COUNT, source * DEVICE_COUNT, (source + 1) * DEVICE_COUNT);
    this.poses.copyWithin(target * POSE_FLOATS, source * POSE_FLOATS, (source + 1) * POSE_FLOATS);
    this.deviceStates.copyWithin(target * DEVICE_COUNT, source * DEVICE_COUNT, (source + 1) * DEVICE_COUNT);
  }

  private write(index: number, sample: PoseSample): void {
    const at = (this.first + index) % RING_CAPACITY;
    this.times[at] = sample.timeMs;
    this.poses.set(sample.pose, at * POSE_FLOATS);
    this.deviceStates.set(sample.states, at * DEVICE_COUNT);
  }

  /** Decides how sample `index` follows from the one before it [SR3]. */
  private relink(index: number): void {
    const at = ((this.first + index) % RING_CAPACITY) * DEVICE_COUNT;
    const gapMs = this.timeMs(index) - this.timeMs(index - 1);
    const teleport = this.isFar(index, HEAD, gapMs);
    for (let device = 0; device < DEVICE_COUNT; device++) {
      const appears = this.state(index - 1, device) === DeviceState.lost && this.state(index, device) !== DeviceState.lost;
      const cut = teleport || appears || (device !== HEAD && this.isFar(index, device, gapMs));
      this.links[at + device] = cut ? Link.cut : gapMs > PAUSE_MS ? Link.pause : Link.joined;
    }
  }

  /** Whether `device` cannot have come to sample `index` from the one before it. A head that is elsewhere after a pause has not walked there. */
  private isFar(index: number, device: number, gapMs: number): boolean {
    const base = device * DEVICE_FLOATS;
    const farM = CUT_M[device] as number;
    let square = 0;
    for (let axis = base; axis < base + 3; axis++) square += (this.float(index, axis) - this.float(index - 1, axis)) ** 2;
    return square > farM * farM && ((device === HEAD && gapMs > PAUSE_MS) || square > (gapMs * (CUT_M_PER_MS[device] as number)) ** 2);
  }

  /** Normalises the quaternions of sample `index` and turns them to the side of the sample before it [SR2]. */
  private align(index: number): void {
    const at = ((this.first + index) % RING_CAPACITY) * POSE_FLOATS;
    const previous = index === 0 ? -1 : ((this.first + index - 1) % RING_CAPACITY) * POSE_FLOATS;
    for (let q = 3; q < POSE_FLOATS; q += DEVICE_FLOATS) {
      let square = 0;
      let dot = 0;
      for (let i = q; i < q + 4; i++) {
        const value = this.poses[at + i] as number;
        square += value * value;
        if (previous >= 0) dot += value * (this.poses[previous + i] as number);
      }
      const scale = (dot < 0 ? -1 : 1) / Math.sqrt(square);
      for (let i = q; i < q + 4; i++) this.poses[at + i] = (this.poses[at + i] as number) * scale;
    }
  }
}
