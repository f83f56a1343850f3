/**
 * `npm run moderate -- [--model DIR] [--threshold HEAD=VALUE ...] < lines`: judges every line of the input and prints one line of JSON for each.
 * The text itself is not repeated; `line` counts from 1. Exit code 1 when the model asked for cannot be used, 2 for wrong arguments.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openModerator, type Thresholds } from "./pipeline/text/index.ts";

const USAGE = "npm run moderate -- [--model DIR] [--threshold HEAD=VALUE ...] < lines";
/** Lines judged together. */
const BATCH = 16;

function thresholdsOf(settings: readonly string[]): Thresholds {
  const thresholds: Record<string, number> = {};
  for (const setting of settings) {
    const [head = "", value = ""] = setting.split("=");
    const number = Number(value);
    if (head === "" || value === "" || !(number >= 0 && number <= 1)) {
      console.error(`--threshold ${setting}: give a head and a number from 0 to 1, e.g. insult=0.9\n${USAGE}`);
      process.exit(2);
    }
    thresholds[head] = number;
  }
  return thresholds;
}

const { values } = parseArgs({
  options: { model: { type: "string" }, threshold: { type: "string", multiple: true, default: [] }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const thresholds = thresholdsOf(values.threshold);
const { moderator, fault } = await openModerator(values.model === undefined ? {} : { folder: values.model });
if (fault !== undefined) {
  console.error(`The model cannot be used (${fault.code}): ${fault.message}.`);
  if (values.model !== undefined) process.exit(1);
}
const unknown = Object.keys(thresholds).find((head) => head !== "lexicon" && !moderator.heads.includes(head));
if (unknown !== undefined) {
  console.error(`There is no head "${unknown}"; there are ${moderator.heads.join(", ")}.`);
  process.exit(2);
}

let number = 0;
let waiting: string[] = [];
async function flush(): Promise<void> {
  const texts = waiting;
  waiting = [];
  for (const judgement of await moderator.judgeAll(texts.map((text) => ({ text, thresholds })))) {
    const heads = Object.fromEntries(Object.entries(judgement.heads).map(([head, score]) => [head, Number(score.toFixed(4))]));
    console.log(JSON.stringify({ line: ++number, ...judgement, heads }));
  }
}
for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  waiting.push(line);
  if (waiting.length >= BATCH) await flush();
}
await flush();
