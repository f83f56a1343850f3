/**
 * Trains the static Rice table of the hand stream on recordings of hands and prints the module that holds it.
 *
 *   node bench/src/train-hand-table.ts [--traces DIR] > shared/src/pose/hands/hand-table.ts
 */
import { parseArgs } from "node:util";
import { CLASSES, GROUP_KINDS, HAND_LAYERS } from "@copresence/shared/pose";
import { DEFAULT_HANDS, loadHands } from "./codec/hands/recordings.ts";
import { trainHandTable } from "./codec/hands/training.ts";

const { values: options } = parseArgs({ options: { traces: { type: "string", default: DEFAULT_HANDS } } });
const table = trainHandTable(loadHands(options.traces));
const names = ["thumb root", "thumb flexion", "finger flexion", "finger spread"].flatMap((kind) => ["H0", "H1"].map((layer) => `${kind} ${layer}`));
console.log(`/**
 * Rice parameters of hand blocks, trained on recordings of hands by bench/src/train-hand-table.ts; do not edit.
 * A row per kind of group and layer, one column per class of the reference's residuals. Part of the wire format.
 */
// prettier-ignore
export const HAND_TABLE: Uint8Array = Uint8Array.of(`);
for (let row = 0; row < GROUP_KINDS * HAND_LAYERS; row++)
  console.log(`  ${[...table.subarray(row * CLASSES, (row + 1) * CLASSES)].join(", ")}, // ${names[row]}`);
console.log(");");
