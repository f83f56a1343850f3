/**
 * The uplink body: one to three samples in one self-contained message, quantised at the source on the room's lattice, so that the
 * server's fine stream re-quantises no position. Layout in FORMAT.md.
 *
 * [UP1] Decoding never throws, reads within the body, and yields only finite poses with unit quaternions in range.
 * [UP2] Times are whole sixteenths of a millisecond; samples are oldest first, each after the last.
 */
import { BitReader, BitWriter, unzigzag, zigzag } from "./bits.ts";
import { MRP_BITS, NEAR_BITS, NEAR_LIMIT, POSITION_BITS } from "./block-format.ts";
import { clampLattice, clampMrp, MRP_LIMIT, mrpToQuat, POSITION_LIMIT, POSITION_STEPS, quatToMrp, toLattice } from "./lattice.ts";
import { DEVICE_COUNT, DEVICE_FLOATS, type PoseSample } from "./types.ts";

const MAX_SAMPLES = 3;
/** 1/16 ms: finer than any headset's clock is true. */
export const TIME_STEPS_PER_MS = 16;
export const TIME_HIGH = 2 ** 24;
/** Time of the first sample: 24 low and 20 high bits, 34 years of room time. */
const TIME_MAX = TIME_HIGH * 2 ** 20 - 1;
const STEP_ORDER = 7;
const POSITION_ORDER = 3;
const MRP_ORDER = 6;
/** Longest time between two samples of one message: 65 s, far beyond what the room admits. */
const STEP_MAX = 2 ** 20;
const MAX_BYTES = 1 + 6 + MAX_SAMPLES * 120;
const AXES = 3 * DEVICE_COUNT;

const scratch = new Uint8Array(MAX_BYTES);
const bits = new BitWriter();
const reader = new BitReader();
const position = new Int32Array(AXES);
const mrp = new Int32Array(AXES);
const lastPosition = new Int32Array(AXES);
const lastMrp = new Int32Array(AXES);

/** Whole time steps of a sample, clamped to what the wire holds. */
export function timeSteps(timeMs: number): number {
  const t = Math.floor(timeMs * TIME_STEPS_PER_MS + 0.5);
  return t > 0 ? (t < TIME_MAX ? t : TIME_MAX) : 0;
}

/**
 * Encodes 1..3 samples, oldest first, times rising, into a fresh array (the transport keeps it). Poses are in the room's frame.
 * 42 bytes for the first sample and about 20 for each further one.
 */
export function encodeUplinkBody(samples: readonly PoseSample[]): Uint8Array {
  const count = Math.min(samples.length, MAX_SAMPLES);
  bits.start(scratch, 0);
  bits.put(count, 2);
  let last = 0;
  for (let i = 0; i < count; i++) {
    const sample = samples[i] as PoseSample;
    quantise(sample);
    const time = timeSteps(sample.timeMs);
    if (i === 0) {
      bits.put(Math.floor(time / TIME_HIGH), 20);
      bits.put(time % TIME_HIGH, 24);
      last = time;
    } else {
      const step = Math.min(Math.max(time - last, 0), STEP_MAX);
      bits.expGolomb(step, STEP_ORDER);
      last += step;
    }
    for (let d = 0; d < DEVICE_COUNT; d++) bits.put((sample.states[d] as number) & 3, 2);
    if (i === 0) for (let d = 0; d < DEVICE_COUNT; d++) writeAbsolute(d);
    else writeDifference();
    lastPosition.set(position);
    lastMrp.set(mrp);
  }
  return scratch.slice(0, bits.finish());
}

function quantise(sample: PoseSample): void {
  for (let d = 0; d < DEVICE_COUNT; d++) {
    const o = d * DEVICE_FLOATS;
    for (let c = 0; c < 3; c++) position[d * 3 + c] = toLattice(sample.pose[o + c] as number);
    quatToMrp(sample.pose, o + 3, mrp, d * 3);
  }
}

function writeAbsolute(d: number): void {
  let near = d > 0;
  for (let c = 0; c < 3; c++) near &&= Math.abs((position[d * 3 + c] as number) - (position[c] as number)) <= NEAR_LIMIT;
  if (d > 0) bits.put(near ? 1 : 0, 1);
  for (let c = 0; c < 3; c++) {
    const p = position[d * 3 + c] as number;
    if (near) bits.put(p - (position[c] as number) + NEAR_LIMIT, NEAR_BITS);
    else bits.put(p + POSITION_LIMIT, POSITION_BITS);
  }
  for (let c = 0; c < 3; c++) bits.put((mrp[d * 3 + c] as number) + MRP_LIMIT, MRP_BITS);
}

function writeDifference(): void {
  for (let i = 0; i < AXES; i++) bits.expGolomb(zigzag((position[i] as number) - (lastPosition[i] as number)), POSITION_ORDER);
  for (let i = 0; i < AXES; i++) bits.expGolomb(zigzag((mrp[i] as number) - (lastMrp[i] as number)), MRP_ORDER);
}

/**
 * Decodes a body into `out` (three preallocated samples), oldest first. Returns how many were read, 0 when malformed (the samples'
 * content is then meaningless but finite). The body is bytes[from..end).
 */
export function decodeUplinkBody(bytes: Uint8Array, out: PoseSample[], from = 0, end: number = bytes.length): number {
  reader.start(bytes, from, end);
  const count = reader.get(2);
  if (count === 0 || count > out.length) return 0;
  let time = 0;
  for (let i = 0; i < count; i++) {
    const sample = out[i] as PoseSample;
    if (i === 0) {
      const high = reader.get(20);
      time = high * TIME_HIGH + reader.get(24);
    } else time += reader.expGolomb(STEP_ORDER);
    sample.timeMs = time / TIME_STEPS_PER_MS;
    for (let d = 0; d < DEVICE_COUNT; d++) sample.states[d] = reader.get(2);
    if (i === 0) for (let d = 0; d < DEVICE_COUNT; d++) readAbsolute(d);
    else readDifference();
    if (reader.overrun) return 0;
    emit(sample);
  }
  return reader.finish() === end ? count : 0;
}

function readAbsolute(d: number): void {
  const near = d > 0 && reader.get(1) === 1;
  for (let c = 0; c < 3; c++) {
    const p = near ? (position[c] as number) + reader.get(NEAR_BITS) - NEAR_LIMIT : reader.get(POSITION_BITS) - POSITION_LIMIT;
    position[d * 3 + c] = clampLattice(p);
  }
  for (let c = 0; c < 3; c++) mrp[d * 3 + c] = clampMrp(reader.get(MRP_BITS) - MRP_LIMIT);
}

function readDifference(): void {
  for (let i = 0; i < AXES; i++) position[i] = clampLattice((position[i] as number) + unzigzag(reader.expGolomb(POSITION_ORDER)));
  for (let i = 0; i < AXES; i++) mrp[i] = clampMrp((mrp[i] as number) + unzigzag(reader.expGolomb(MRP_ORDER)));
}

function emit(sample: PoseSample): void {
  for (let d = 0; d < DEVICE_COUNT; d++) {
    const o = d * DEVICE_FLOATS;
    for (let c = 0; c < 3; c++) sample.pose[o + c] = (position[d * 3 + c] as number) / POSITION_STEPS;
    mrpToQuat(mrp, d * 3, sample.pose, o + 3);
  }
}
