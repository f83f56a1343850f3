/**
 * Trains the static Rice tables of the pose codec.
 *
 * What is counted: every residual of the recordings given, in a room that ticks at the recording's own rate, at 60 Hz and at 30 Hz. Per
 * context the parameter with the fewest bits wins. Contexts with fewer than MIN_SAMPLES follow their neighbour: a bucket is half an
 * octave, so the parameter rises by one every second bucket.
 *
 * The context of a residual depends on how surprising the ones before it were, hence on the table. So training starts from a table that
 * knows nothing and repeats with what it found until nothing changes (or ROUNDS).
 */
import { BlockWriter, Encoded, MAX_BLOCK_BYTES, newPoseSample, POSE_FLOATS, RICE_BUCKETS, RICE_ROWS } from "@copresence/shared/pose";
import { START_MS } from "./encoding.ts";
import type { Recording } from "./recordings.ts";

const K_MAX = 11;
const PARAMETERS = K_MAX + 1;
const ESCAPE_QUOTIENT = 12;
const ESCAPE_COST = 34;
const MIN_SAMPLES = 200;
const OTHER_RATES = [60, 30];
const ROUNDS = 6;

/** RICE_ROWS x RICE_BUCKETS parameters from `recordings` alone. */
export function trainRiceTable(recordings: readonly Recording[]): Uint8Array {
  let table = ignorantTable();
  for (let round = 0; round < ROUNDS; round++) {
    const tally = new Tally();
    for (const recording of recordings) {
      const own = Math.round(recording.hz);
      for (const rate of [own, ...OTHER_RATES]) count(recording, rate, rate === own, table, tally);
    }
    const next = tally.parameters();
    if (next.every((k, i) => k === table[i])) return table;
    table = next;
  }
  return table;
}

/** A bucket is half an octave of the expected length. */
function ignorantTable(): Uint8Array {
  return Uint8Array.from({ length: RICE_ROWS * RICE_BUCKETS }, (_, i) => Math.max(0, Math.floor((i % RICE_BUCKETS) / 2) - 2));
}

function count(recording: Recording, tickRateHz: number, own: boolean, riceTable: Uint8Array, tally: Tally): void {
  const writer = new BlockWriter({ capacity: 1, tickRateHz, riceTable });
  const out = new Uint8Array(MAX_BLOCK_BYTES);
  const sample = newPoseSample();
  const due = (frame: number): number => Math.ceil(((START_MS + (recording.timesMs[frame] as number)) * tickRateHz) / 1000);
  let tick = 0;
  for (let frame = 0; frame < recording.frames; frame++) {
    // In a slower room the newest sample of a tick wins; at the recording's own rate every frame has its tick.
    if (!own && frame + 1 < recording.frames && due(frame + 1) === due(frame)) continue;
    tick = Math.max(tick + 1, due(frame));
    sample.timeMs = START_MS + (recording.timesMs[frame] as number);
    sample.pose.set(recording.poses.subarray(frame * POSE_FLOATS, (frame + 1) * POSE_FLOATS));
    if (writer.encode(0, tick, sample, out, 0) === Encoded.block) tally.add(writer);
  }
}

class Tally {
  /** Bits per context and parameter. */
  private readonly cost = new Float64Array(RICE_ROWS * RICE_BUCKETS * PARAMETERS);
  /** How many residuals a context saw. */
  private readonly seen = new Uint32Array(RICE_ROWS * RICE_BUCKETS);

  /** The residuals of the block just written. */
  add(writer: BlockWriter): void {
    for (let i = 0; i < writer.residuals.length; i++) {
      const context = writer.contexts[Math.floor(i / 3)] as number;
      const value = writer.residuals[i] as number;
      const code = value < 0 ? -2 * value - 1 : 2 * value;
      this.seen[context] = (this.seen[context] as number) + 1;
      for (let k = 0; k < PARAMETERS; k++) {
        const quotient = code >>> k;
        const at = context * PARAMETERS + k;
        this.cost[at] = (this.cost[at] as number) + (quotient < ESCAPE_QUOTIENT ? quotient + 1 + k : ESCAPE_COST);
      }
    }
  }

  parameters(): Uint8Array {
    const table = new Uint8Array(RICE_ROWS * RICE_BUCKETS);
    for (let row = 0; row < RICE_ROWS; row++) {
      let anchor = -1;
      for (let bucket = 0; bucket < RICE_BUCKETS; bucket++) {
        const context = row * RICE_BUCKETS + bucket;
        if ((this.seen[context] as number) >= MIN_SAMPLES) {
          table[context] = this.cheapest(context);
          anchor = bucket;
        } else if (anchor >= 0) {
          table[context] = Math.min(K_MAX, (table[row * RICE_BUCKETS + anchor] as number) + Math.floor((bucket - anchor) / 2));
        }
      }
    }
    return table;
  }

  private cheapest(context: number): number {
    let best = 0;
    const cost = (k: number): number => this.cost[context * PARAMETERS + k] as number;
    for (let k = 1; k < PARAMETERS; k++) if (cost(k) < cost(best)) best = k;
    return best;
  }
}
