/**
 * Trains the static Rice table of the hand stream: per context the parameter with the fewest bits. What is coded does not depend on the
 * table, so one round does. Contexts with fewer than MIN_CODES follow their neighbour: a class is an octave.
 */
import { CLASSES, GROUP_KINDS, HAND_LAYERS, HandWriter, MAX_HANDS_BYTES } from "@copresence/shared/pose";
import type { HandRecording } from "./recordings.ts";

const K_MAX = 9;
const PARAMETERS = K_MAX + 1;
const ESCAPE_QUOTIENT = 12;
const ESCAPE_COST = 34;
const MIN_CODES = 60;
const ROWS = GROUP_KINDS * HAND_LAYERS;

/** ROWS x CLASSES parameters from `recordings` alone. */
export function trainHandTable(recordings: readonly HandRecording[]): Uint8Array {
  const cost = new Float64Array(ROWS * CLASSES * PARAMETERS);
  const seen = new Uint32Array(ROWS * CLASSES);
  const out = new Uint8Array(MAX_HANDS_BYTES);
  for (const { updates } of recordings) {
    const writer = new HandWriter({ trail: true });
    for (const { pose, tracked } of updates) {
      writer.encode(pose, tracked, out, 0);
      if (writer.reset) continue;
      for (const { context, codes } of writer.trail ?? []) {
        for (const code of codes) {
          seen[context] = (seen[context] as number) + 1;
          for (let k = 0; k < PARAMETERS; k++) {
            const quotient = code >>> k;
            const at = context * PARAMETERS + k;
            cost[at] = (cost[at] as number) + (quotient < ESCAPE_QUOTIENT ? quotient + 1 + k : ESCAPE_COST);
          }
        }
      }
    }
  }
  const table = new Uint8Array(ROWS * CLASSES);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < CLASSES; column++) {
      const context = row * CLASSES + column;
      const before = column === 0 ? 0 : (table[context - 1] as number) + (column > 2 ? 1 : 0);
      table[context] = (seen[context] as number) >= MIN_CODES ? cheapest(cost, context) : Math.min(K_MAX, before);
    }
  }
  return table;
}

function cheapest(cost: Float64Array, context: number): number {
  let best = 0;
  for (let k = 1; k < PARAMETERS; k++) if ((cost[context * PARAMETERS + k] as number) < (cost[context * PARAMETERS + best] as number)) best = k;
  return best;
}
