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

/** Where the context's row begins; head is device 0, both hands share a row. */
export function riceRow(kind: Residual, device: number, layer: Layer): number {
  return ((kind * 2 + (device === 0 ? 0 : 1)) * LAYER_COUNT + layer) * BUCKETS;
}
export function riceK(kind: Residual, device: number, layer: Layer, bucket: number): number {
  return RICE_TABLE[riceRow(kind, device, layer) + bucket] as number;
}
