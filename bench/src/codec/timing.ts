/**
 * Time and memory of the codec on the recordings of people.
 *
 * Times: median over passes, after warm-up, of the thread's CPU time for a whole pass over all recordings per update: the block with its quantisation and the
 * layer's bookkeeping on one side, reading it and writing the pose out as 21 doubles on the other. The samples lie ready.
 *
 * Memory: what the heap and its buffers grow by, after warm-up, over at least `allocationUpdates` updates, in chunks so short that one boxed
 * double per update (12 bytes) would fill them without causing a collection, which would hide it.
 */
import {
  BlockReader,
  BlockWriter,
  Encoded,
  MAX_BLOCK_BYTES,
  newPoseSample,
  type PoseSample,
  POSE_FLOATS,
  ReferenceBank,
} from "@copresence/shared/pose";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Encoding, encodeRecording, Kind, START_MS } from "./encoding.ts";
import type { Recording } from "./recordings.ts";

export type TimingScale = { readonly warmUps: number; readonly passes: number; readonly allocationUpdates: number };
export type Timing = { readonly encodeUs: number; readonly decodeUs: number; readonly encodeAllocBytes: number; readonly decodeAllocBytes: number };

const CHUNK = 25_000;
/** A warm-up is at least this many updates. */
const WARM_UPDATES = 50_000;

export function timeCodec(recordings: readonly Recording[], { warmUps, passes, allocationUpdates }: TimingScale): Timing {
  const tracks = recordings.map((recording) => new Track(recording));
  const updates = tracks.reduce((sum, { length }) => sum + length, 0);
  const encode = (): void => tracks.forEach((track) => track.encode());
  const decode = (): void => tracks.forEach((track) => track.decode());
  // Of one short recording a pass is not enough for V8 to compile what it runs, and code that is interpreted boxes its doubles.
  const warm = Math.max(warmUps, Math.ceil((warmUps * WARM_UPDATES) / updates));
  const encodeTimes: number[] = [];
  const decodeTimes: number[] = [];
  // Alternated, so that what else the machine does falls on both.
  for (let pass = -warm; pass < passes; pass++) {
    const encodeMs = clock(encode);
    const decodeMs = clock(decode);
    if (pass < 0) continue;
    encodeTimes.push((encodeMs * 1000) / updates);
    decodeTimes.push((decodeMs * 1000) / updates);
  }
  const allocated = (pass: () => void): number => growth({ updatesPerPass: updates, warmUps: warm, atLeast: allocationUpdates, pass });
  return {
    encodeUs: median(encodeTimes),
    decodeUs: median(decodeTimes),
    encodeAllocBytes: allocated(encode),
    decodeAllocBytes: allocated(decode),
  };
}

/** One recording laid ready. */
class Track {
  readonly length: number;
  private readonly encoding: Encoding;
  private readonly offsets: Uint32Array;
  private readonly samples: readonly PoseSample[];
  private readonly writer: BlockWriter;
  private readonly reader: BlockReader;
  private readonly out = new Uint8Array(MAX_BLOCK_BYTES);
  private readonly shown = newPoseSample();

  constructor(recording: Recording) {
    this.length = recording.frames;
    this.encoding = encodeRecording(recording);
    this.offsets = new Uint32Array(recording.frames + 1);
    this.encoding.lengths.forEach((length, i) => (this.offsets[i + 1] = (this.offsets[i] as number) + length));
    this.samples = Array.from({ length: recording.frames }, (_, i) => ({
      timeMs: START_MS + (recording.timesMs[i] as number),
      pose: recording.poses.subarray(i * POSE_FLOATS, (i + 1) * POSE_FLOATS),
      states: this.shown.states,
    }));
    const { tickRateHz } = this.encoding;
    this.writer = new BlockWriter({ capacity: 1, tickRateHz });
    this.reader = new BlockReader(new ReferenceBank(1), tickRateHz);
  }

  encode(): void {
    const { writer, samples, out } = this;
    const { ticks } = this.encoding;
    writer.reset(0);
    for (let i = 0; i < this.length; i++) {
      const outcome = writer.encode(0, ticks[i] as number, samples[i] as PoseSample, out, 0);
      if (outcome === Encoded.reset) writer.intra(0, ticks[i] as number, out, 0);
    }
  }

  decode(): void {
    const { reader, offsets, shown } = this;
    const { ticks, kinds, bytes } = this.encoding;
    for (let i = 0; i < this.length; i++) {
      const at = offsets[i] as number;
      const end = offsets[i + 1] as number;
      if (kinds[i] === Kind.intra) reader.intra(0, ticks[i] as number, bytes, at, end);
      else if (kinds[i] !== Kind.quiet) reader.update(0, ticks[i] as number, bytes, at, end);
      reader.bank.readPose(reader.entry, shown.pose, shown.states);
    }
  }
}

/** Milliseconds of this thread's CPU: what other programs do on the machine meanwhile is not charged to the codec. */
export function clock(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

export type Growth = { readonly updatesPerPass: number; readonly warmUps: number; readonly atLeast: number; readonly pass: () => void };

/** Bytes that the heap grows by per update. */
export function growth({ updatesPerPass, warmUps, atLeast, pass }: Growth): number {
  const collect = garbageCollector();
  const passesPerChunk = Math.ceil(CHUNK / updatesPerPass);
  // A collection throws optimised code away; until it is compiled again, doubles are boxed.
  collect();
  for (let i = 0; i < warmUps; i++) pass();
  let updates = 0;
  let bytes = 0;
  while (updates < atLeast) {
    collect();
    const asking = -inUse() + inUse();
    const before = inUse();
    for (let i = 0; i < passesPerChunk; i++) pass();
    bytes += inUse() - before - asking;
    updates += passesPerChunk * updatesPerPass;
  }
  return bytes / updates;
}

function inUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** V8's collector, which Node hides unless asked. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
