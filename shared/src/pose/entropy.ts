/**
 * Which Rice parameter a residual is coded with: a static table trained on recordings (rice-tables.ts), indexed by what both ends
 * know before the residual: position or rotation, head or hand, temporal layer, and the context bucket (predictor.ts).
 */
import { type Layer, LAYER_COUNT } from "./layers.ts";
import { BUCKETS } from "./predictor.ts";
import { RICE_TABLE } from "./rice-tables.ts";

export const Residual = { position: 0, rotation: 1 } as const;
export type Residual = (typeof Residual)[keyof typeof Residual];

export const RICE_BUCKETS = BUCKETS;
export const RICE_ROWS = 4 * LAYER_COUNT;

const SURPRISE_MAX = 3;
const SURPRISE_HIGH = 7;
const SURPRISE_LOW = 3;

/** Where the context's row begins; head is device 0, both hands share a row. */
export function riceRow(kind: Residual, device: number, layer: Layer): number {
  return ((kind * 2 + (device === 0 ? 0 : 1)) * LAYER_COUNT + layer) * BUCKETS;
}

/** The parameters of one block's residuals, in order: three axes at a time. */
export class RiceContext {
  /** Index into the table that the last `k` used; for training. */
  index = 0;
  private last = 0;
  /** How much more, in buckets, the residuals of this block have been than their contexts promised. */
  private surprise = 0;
  private readonly table: Uint8Array;

  /** `table`: RICE_ROWS x RICE_BUCKETS parameters; only training and its evaluation code with another than the wire's. */
  constructor(table: Uint8Array = RICE_TABLE) {
    this.table = table;
  }

  /** A block begins. */
  start(): void {
    this.surprise = 0;
  }

  k(kind: Residual, device: number, layer: Layer, bucket: number): number {
    const b = bucket + this.surprise;
    this.index = riceRow(kind, device, layer) + (b < 0 ? 0 : b < BUCKETS ? b : BUCKETS - 1);
    this.last = this.table[this.index] as number;
    return this.last;
  }

  /** `sum`: the three zig-zagged residuals just coded with the last `k`. */
  saw(sum: number): void {
    const scaled = sum >> this.last;
    if (scaled >= SURPRISE_HIGH) {
      if (this.surprise < SURPRISE_MAX) this.surprise++;
    } else if (scaled < SURPRISE_LOW && this.surprise > -SURPRISE_MAX) this.surprise--;
  }
}
