/**
 * Trains the static Rice tables of the pose codec on recordings of people in headsets (Beat Saber apart) and prints the module that
 * holds them.
 *
 *   node bench/src/train-pose-tables.ts [--traces DIR] > shared/src/pose/rice-tables.ts
 */
import { parseArgs } from "node:util";
import { RICE_BUCKETS, RICE_ROWS } from "@copresence/shared/pose";
import { DEFAULT_TRACES, loadRecordings } from "./codec/recordings.ts";
import { trainRiceTable } from "./codec/rice-training.ts";

const { values: options } = parseArgs({ options: { traces: { type: "string", default: DEFAULT_TRACES } } });
const recordings = loadRecordings(options.traces).filter(({ group }) => group === "people");
if (recordings.length === 0) {
  console.error(`No recordings of people in headsets at ${options.traces}; give their folder with --traces.`);
  process.exit(2);
}
const table = trainRiceTable(recordings);
const names = ["position", "rotation"].flatMap((kind) =>
  ["head", "hand"].flatMap((device) => ["T0", "T1", "T2"].map((layer) => `${kind} ${device} ${layer}`)),
);
console.log(`/**
 * Rice parameters by context, trained on recordings of people in headsets by bench/src/train-pose-tables.ts; do not edit.
 * One row per kind, device class and layer (entropy.ts), ${RICE_BUCKETS} buckets each. Part of the wire format: changing a number is a new frame version.
 */
// prettier-ignore
export const RICE_TABLE: Uint8Array = Uint8Array.of(`);
for (let row = 0; row < RICE_ROWS; row++)
  console.log(`  ${[...table.subarray(row * RICE_BUCKETS, (row + 1) * RICE_BUCKETS)].join(", ")}, // ${names[row]}`);
console.log(");");
