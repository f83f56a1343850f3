/**
 * Bytes, error and time of the pose codec on recordings of people, one line per recording.
 *
 *   node bench/src/pose-figures.ts [--traces DIR] [--rate HZ] [--repeat N]
 *
 * Every recorded frame is one update in a room that ticks at the recording's own rate (or, with --rate, the newest frame per tick).
 * Bytes are whole blocks; quiet ticks count as updates of 0 bytes; the first, intra block is not an update. Errors are RMS over all
 * devices and updates, of the decoded pose against the recorded one: the distance in mm, the turn in degrees.
 * Times are means over a recording, of the fastest of 1 + --repeat passes: this is for the eye, on a machine that does other things too.
 */
import { parseArgs } from "node:util";
import {
  BlockReader,
  BlockWriter,
  Decoded,
  DEVICE_COUNT,
  DEVICE_FLOATS,
  Encoded,
  MAX_BLOCK_BYTES,
  newPoseSample,
  POSE_FLOATS,
  ReferenceBank,
} from "@copresence/shared/pose";
import { DEFAULT_TRACES, isBeatSaber, isHeadset, loadRecordings, type Recording } from "./recordings.ts";

const { values: options } = parseArgs({
  options: { traces: { type: "string", default: DEFAULT_TRACES }, rate: { type: "string" }, repeat: { type: "string", default: "3" } },
});

type Block = { readonly tick: number; readonly bytes: Uint8Array; readonly frame: number; readonly intra: boolean };
type Encoding = { readonly blocks: Block[]; readonly updates: number; readonly encodeUs: number; readonly layers: readonly string[] };

/** One tick per frame at the recording's own rate, else the newest frame of each tick. */
function schedule(recording: Recording, rate: number, own: boolean): { frames: Int32Array; ticks: Int32Array } {
  const frames: number[] = [];
  const ticks: number[] = [];
  const due = (i: number): number => Math.ceil(((1000 + (recording.timesMs[i] as number)) * rate) / 1000);
  let tick = 0;
  for (let i = 0; i < recording.frames; i++) {
    if (!own && i + 1 < recording.frames && due(i + 1) === due(i)) continue;
    tick = Math.max(tick + 1, due(i));
    frames.push(i);
    ticks.push(tick);
  }
  return { frames: Int32Array.from(frames), ticks: Int32Array.from(ticks) };
}

function encode(recording: Recording, rate: number, own: boolean): Encoding {
  const { frames, ticks } = schedule(recording, rate, own);
  const writer = new BlockWriter({ capacity: 1, tickRateHz: rate });
  const sample = newPoseSample();
  const out = new Uint8Array(frames.length * MAX_BLOCK_BYTES);
  const outcomes = new Uint8Array(frames.length);
  const ends = new Int32Array(frames.length);
  const layerOf = new Uint8Array(frames.length);
  const start = performance.now();
  for (let n = 0; n < frames.length; n++) {
    const frame = frames[n] as number;
    sample.timeMs = 1000 + (recording.timesMs[frame] as number);
    for (let k = 0; k < POSE_FLOATS; k++) sample.pose[k] = recording.poses[frame * POSE_FLOATS + k] as number;
    outcomes[n] = writer.encode(0, ticks[n] as number, sample, out, n * MAX_BLOCK_BYTES);
    ends[n] = writer.end;
    layerOf[n] = writer.layer;
    if (outcomes[n] === Encoded.reset) ends[n] = writer.intra(0, ticks[n] as number, out, n * MAX_BLOCK_BYTES);
  }
  const encodeUs = ((performance.now() - start) * 1000) / frames.length;
  const blocks: Block[] = [];
  const layerBytes = [0, 0, 0];
  const layerCount = [0, 0, 0];
  for (let n = 0; n < frames.length; n++) {
    if (outcomes[n] === Encoded.quiet) continue;
    const bytes = out.subarray(n * MAX_BLOCK_BYTES, ends[n]);
    const layer = layerOf[n] as number;
    blocks.push({ tick: ticks[n] as number, bytes, frame: frames[n] as number, intra: outcomes[n] === Encoded.reset });
    if (outcomes[n] !== Encoded.block) continue;
    layerBytes[layer] = (layerBytes[layer] as number) + bytes.length;
    layerCount[layer] = (layerCount[layer] as number) + 1;
  }
  return { blocks, updates: frames.length - 1, encodeUs, layers: layerBytes.map((b, l) => (b / (layerCount[l] as number)).toFixed(1)) };
}

type Errors = { mm: number; deg: number; decodeUs: number };

function decode(recording: Recording, rate: number, blocks: readonly Block[]): Errors {
  const bank = new ReferenceBank(1);
  const reader = new BlockReader(bank, rate);
  const shown = newPoseSample();
  let millimetres = 0;
  let degrees = 0;
  let count = 0;
  for (const block of blocks) {
    const outcome = read(reader, block);
    if (outcome !== Decoded.ok || reader.end !== block.bytes.length)
      throw new Error(`${recording.name}: block at frame ${block.frame} does not decode`);
    if (block.intra) continue;
    bank.readPose(reader.entry, shown.pose, shown.states);
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const truth = block.frame * POSE_FLOATS + d * DEVICE_FLOATS;
      millimetres += distanceSquare(shown.pose, d * DEVICE_FLOATS, recording.poses, truth) * 1e6;
      degrees += turnDegrees(shown.pose, d * DEVICE_FLOATS + 3, recording.poses, truth + 3) ** 2;
      count++;
    }
  }
  const again = new BlockReader(new ReferenceBank(1), rate);
  const start = performance.now();
  for (const block of blocks) {
    read(again, block);
    again.bank.readPose(again.entry, shown.pose, shown.states);
  }
  const decodeUs = ((performance.now() - start) * 1000) / blocks.length;
  return { mm: Math.sqrt(millimetres / count), deg: Math.sqrt(degrees / count), decodeUs };
}

const read = (reader: BlockReader, block: Block): Decoded =>
  block.intra ? reader.intra(0, block.tick, block.bytes, 0, block.bytes.length) : reader.update(0, block.tick, block.bytes, 0, block.bytes.length);

function distanceSquare(a: Float64Array, at: number, b: Float64Array, bt: number): number {
  let sum = 0;
  for (let c = 0; c < 3; c++) sum += ((a[at + c] as number) - (b[bt + c] as number)) ** 2;
  return sum;
}

/** Through the chord between the quaternions: exact for small angles, where acos of the dot product is not. */
function turnDegrees(a: Float64Array, at: number, b: Float64Array, bt: number): number {
  let minus = 0;
  let plus = 0;
  for (let c = 0; c < 4; c++) {
    minus += ((a[at + c] as number) - (b[bt + c] as number)) ** 2;
    plus += ((a[at + c] as number) + (b[bt + c] as number)) ** 2;
  }
  return (4 * Math.asin(Math.sqrt(Math.min(minus, plus)) / 2) * 180) / Math.PI;
}

const means: number[] = [];
for (const recording of loadRecordings(options.traces)) {
  const own = options.rate === undefined;
  const rate = own ? Math.min(120, Math.round(recording.hz)) : Number(options.rate);
  const encoding = encode(recording, rate, own);
  const bytes = encoding.blocks.reduce((sum, block) => sum + (block.intra ? 0 : block.bytes.length), 0) / encoding.updates;
  const errors = decode(recording, rate, encoding.blocks);
  let { encodeUs } = encoding;
  let { decodeUs } = errors;
  for (let i = 0; i < Number(options.repeat); i++) {
    encodeUs = Math.min(encodeUs, encode(recording, rate, own).encodeUs);
    decodeUs = Math.min(decodeUs, decode(recording, rate, encoding.blocks).decodeUs);
  }
  if (isHeadset(recording.name) && !isBeatSaber(recording.name)) means.push(bytes);
  const figures = `${bytes.toFixed(2)} B/update (layers ${encoding.layers.join(" ")}), ${errors.mm.toFixed(3)} mm, ${errors.deg.toFixed(4)} deg`;
  console.log(`${recording.name} ${rate} Hz: ${figures}, encode ${encodeUs.toFixed(2)} us, decode ${decodeUs.toFixed(2)} us`);
}
console.log(`mean over headset recordings without Beat Saber: ${(means.reduce((a, b) => a + b, 0) / means.length).toFixed(3)} B/update`);
