/**
 * Trains the static Rice tables of the pose codec on recordings of people and prints the module that holds them.
 *
 *   node bench/src/train-pose-tables.ts [--traces DIR] [--leave-out NAME] > shared/src/pose/rice-tables.ts
 *
 * What is counted: every residual of headset recordings (Beat Saber apart, it is never mixed in), in a room that ticks at the
 * recording's own rate, at 60 Hz and at 30 Hz. Per context the parameter with the fewest bits wins. Contexts with fewer than
 * MIN_SAMPLES follow their neighbour: a bucket is half an octave, so the parameter rises by one every second bucket.
 * `--leave-out` trains without one recording, to see how the table does on what it has not met.
 */
import { parseArgs } from "node:util";
import { BlockWriter, Encoded, MAX_BLOCK_BYTES, newPoseSample, POSE_FLOATS, RICE_BUCKETS, RICE_ROWS } from "@copresence/shared/pose";
import { DEFAULT_TRACES, isBeatSaber, isHeadset, loadRecordings, type Recording } from "./recordings.ts";

const K_MAX = 11;
const ESCAPE_QUOTIENT = 12;
const ESCAPE_COST = 34;
const MIN_SAMPLES = 200;
const ROOM_RATES = [0, 60, 30];

const { values: options } = parseArgs({ options: { traces: { type: "string", default: DEFAULT_TRACES }, "leave-out": { type: "string" } } });
/** Bits per context and parameter; and how many residuals a context saw. */
const cost = new Float64Array(RICE_ROWS * RICE_BUCKETS * (K_MAX + 1));
const seen = new Uint32Array(RICE_ROWS * RICE_BUCKETS);

for (const recording of loadRecordings(options.traces)) {
  if (!isHeadset(recording.name) || isBeatSaber(recording.name) || recording.name === options["leave-out"]) continue;
  for (const rate of ROOM_RATES) count(recording, rate === 0 ? Math.round(recording.hz) : rate);
}
print(chooseParameters());

function count(recording: Recording, tickRateHz: number): void {
  const writer = new BlockWriter({ capacity: 1, tickRateHz });
  const out = new Uint8Array(MAX_BLOCK_BYTES);
  const sample = newPoseSample();
  let tick = 0;
  for (let i = 0; i < recording.frames; i++) {
    const timeMs = 1000 + (recording.timesMs[i] as number);
    const due = Math.ceil((timeMs * tickRateHz) / 1000);
    const nextDue = i + 1 < recording.frames ? Math.ceil(((1000 + (recording.timesMs[i + 1] as number)) * tickRateHz) / 1000) : due + 1;
    // In a slower room the newest sample of a tick wins; at the recording's own rate every frame has its tick.
    if (tickRateHz !== Math.round(recording.hz) && nextDue === due) continue;
    tick = Math.max(tick + 1, due);
    sample.timeMs = timeMs;
    sample.pose.set(recording.poses.subarray(i * POSE_FLOATS, (i + 1) * POSE_FLOATS));
    if (writer.encode(0, tick, sample, out, 0) === Encoded.block) tally(writer);
  }
}

function tally(writer: BlockWriter): void {
  for (let d = 0; d < 3; d++) {
    for (let kind = 0; kind < 2; kind++) {
      const context = writer.contexts[d * 2 + kind] as number;
      for (let c = 0; c < 3; c++) {
        const value = writer.residuals[d * 6 + kind * 3 + c] as number;
        const code = value < 0 ? -2 * value - 1 : 2 * value;
        seen[context] = (seen[context] as number) + 1;
        for (let k = 0; k <= K_MAX; k++) {
          const quotient = Math.floor(code / 2 ** k);
          const at = context * (K_MAX + 1) + k;
          cost[at] = (cost[at] as number) + (quotient < ESCAPE_QUOTIENT ? quotient + 1 + k : ESCAPE_COST);
        }
      }
    }
  }
}

function chooseParameters(): number[][] {
  const rows: number[][] = [];
  for (let row = 0; row < RICE_ROWS; row++) {
    const ks: number[] = [];
    let anchor = -1;
    for (let b = 0; b < RICE_BUCKETS; b++) {
      const context = row * RICE_BUCKETS + b;
      if ((seen[context] as number) >= MIN_SAMPLES) {
        ks.push(cheapest(context));
        anchor = b;
      } else ks.push(anchor < 0 ? 0 : Math.min(K_MAX, (ks[anchor] as number) + Math.floor((b - anchor) / 2)));
    }
    rows.push(ks);
  }
  return rows;
}

function cheapest(context: number): number {
  let best = 0;
  for (let k = 1; k <= K_MAX; k++) if ((cost[context * (K_MAX + 1) + k] as number) < (cost[context * (K_MAX + 1) + best] as number)) best = k;
  return best;
}

function print(rows: number[][]): void {
  const names = ["position", "rotation"].flatMap((kind) =>
    ["head", "hand"].flatMap((device) => ["T0", "T1", "T2"].map((layer) => `${kind} ${device} ${layer}`)),
  );
  console.log(`/**
 * Rice parameters by context, trained on recordings of people in headsets by bench/src/train-pose-tables.ts; do not edit.
 * One row per kind, device class and layer (entropy.ts), ${RICE_BUCKETS} buckets each. Part of the wire format: changing a number is a new frame version.
 */
// prettier-ignore
export const RICE_TABLE: Uint8Array = Uint8Array.of(`);
  rows.forEach((ks, row) => console.log(`  ${ks.join(", ")}, // ${names[row]}`));
  console.log(");");
}
