import { LAYER_COUNT } from "./layers.ts";
import { BUCKETS } from "./predictor.ts";

const rows: number[] = [];
for (let row = 0; row < 2 * 2 * LAYER_COUNT; row++) for (let b = 0; b < BUCKETS; b++) rows.push(b < 3 ? 0 : b < 7 ? 1 : b < 11 ? 2 : 3);
export const RICE_TABLE: Uint8Array = Uint8Array.from(rows);
