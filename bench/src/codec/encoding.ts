/**
 * One recording through the codec: every recorded frame is one update in a room that ticks at the recording's own rate.
 *
 * [EN1] Bytes are whole blocks, header bits and padding included; a tick on which nothing is sent is an update of 0 bytes. The first frame,
 *       which everybody gets as an intra block, is not an update.
 * [EN2] Decoding uses the bytes and the ticks alone.
 */
import { BlockReader, BlockWriter, Decoded, Encoded, MAX_BLOCK_BYTES, newPoseSample, ReferenceBank } from "@copresence/shared/pose";
import { POSE_FLOATS, type Recording } from "./recordings.ts";

/** Sample times count from the room's start; a recording begins a second after it. */
export const START_MS = 1000;
const MAX_ROOM_HZ = 120;

/** How a frame was sent; the temporal layers by their numbers. */
export const Kind = { t0: 0, t1: 1, t2: 2, intra: 3, quiet: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];
export const KIND_NAMES = ["t0", "t1", "t2", "intra", "quiet"] as const;

export type Encoding = {
  readonly tickRateHz: number;
  /** Per frame. */
  readonly ticks: Int32Array;
  readonly kinds: Uint8Array;
  readonly lengths: Uint16Array;
  /** Blocks one after another in frame order. */
  readonly bytes: Uint8Array;
};

export const roomRate = ({ hz }: Recording): number => Math.min(MAX_ROOM_HZ, Math.round(hz));

/** Ticks of the frames: the first tick at or after each, never two on one. */
export function ticksOf({ frames, timesMs }: Recording, tickRateHz: number): Int32Array {
  const ticks = new Int32Array(frames);
  let last = 0;
  for (let frame = 0; frame < frames; frame++) {
    last = Math.max(last + 1, Math.ceil(((START_MS + (timesMs[frame] as number)) * tickRateHz) / 1000));
    ticks[frame] = last;
  }
  return ticks;
}

/** `riceTable`: another than the wire's, for leave-one-out; such an encoding does not decode. */
export function encodeRecording(recording: Recording, riceTable?: Uint8Array): Encoding {
  const { frames, timesMs, poses } = recording;
  const tickRateHz = roomRate(recording);
  const ticks = ticksOf(recording, tickRateHz);
  const writer = new BlockWriter({ capacity: 1, tickRateHz, riceTable });
  const sample = newPoseSample();
  const bytes = new Uint8Array((frames + 1) * MAX_BLOCK_BYTES);
  const kinds = new Uint8Array(frames);
  const lengths = new Uint16Array(frames);
  let end = 0;
  for (let frame = 0; frame < frames; frame++) {
    const tick = ticks[frame] as number;
    sample.timeMs = START_MS + (timesMs[frame] as number);
    sample.pose.set(poses.subarray(frame * POSE_FLOATS, (frame + 1) * POSE_FLOATS));
    const outcome = writer.encode(0, tick, sample, bytes, end);
    const start = end;
    if (outcome === Encoded.block) end = writer.end;
    else if (outcome === Encoded.reset) end = writer.intra(0, tick, bytes, end);
    kinds[frame] = outcome === Encoded.block ? writer.layer : outcome === Encoded.reset ? Kind.intra : Kind.quiet;
    lengths[frame] = end - start;
  }
  return { tickRateHz, ticks, kinds, lengths, bytes: bytes.slice(0, end) };
}

/** What a viewer shows at each frame: Float64Array[21 frames], and the sample times it was told. Throws when a block does not decode. */
export function decodeEncoding({ tickRateHz, ticks, kinds, lengths, bytes }: Encoding): { poses: Float64Array; timesMs: Float64Array } {
  const frames = ticks.length;
  const reader = new BlockReader(new ReferenceBank(1), tickRateHz);
  const shown = newPoseSample();
  const poses = new Float64Array(frames * POSE_FLOATS);
  const timesMs = new Float64Array(frames);
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    const tick = ticks[frame] as number;
    const end = at + (lengths[frame] as number);
    if (kinds[frame] !== Kind.quiet) {
      const outcome = kinds[frame] === Kind.intra ? reader.intra(0, tick, bytes, at, end) : reader.update(0, tick, bytes, at, end);
      if (outcome !== Decoded.ok || reader.end !== end) throw new Error(`The block of frame ${frame} does not decode.`);
      reader.bank.readPose(reader.entry, shown.pose, shown.states);
      shown.timeMs = reader.time.toMs(reader.bank.time[reader.entry] as number);
    }
    poses.set(shown.pose, frame * POSE_FLOATS);
    timesMs[frame] = shown.timeMs - START_MS;
    at = end;
  }
  return { poses, timesMs };
}

/** Mean bytes of an update, all or of one kind; NaN when there are none. */
export function meanBytes({ kinds, lengths }: Encoding, kind?: Kind): number {
  let sum = 0;
  let count = 0;
  for (let frame = 0; frame < kinds.length; frame++) {
    const of = kinds[frame] as Kind;
    if (kind === undefined ? of === Kind.intra : of !== kind) continue;
    sum += lengths[frame] as number;
    count++;
  }
  return sum / count;
}
