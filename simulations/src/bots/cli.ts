/**
 * `npm run bots -- --url http://localhost:2567 --count 20`: real synthetic users, over real sockets, in a running space.
 * Ends on Ctrl-C, after --seconds, or when the process that started it goes away.
 */
import { parseArgs } from "node:util";
import { Crowd } from "./crowd.ts";

const USAGE = `npm run bots -- [--url URL] [--space ID] [--count N] [--seed N] [--seconds S] [--rate HZ] [--traces DIR] [--quiet] [--still] [--blind]
  --url      the server (default http://localhost:2567); it must issue development tickets
  --space    which space to join (default demo)
  --count    how many people (default 12)
  --rate     frames a second each of them renders (default 30)
  --traces   a folder of recorded motion (<id>.csv.gz) to play instead of synthetic people
  --still    nobody picks anything up
  --quiet    nobody talks
  --blind    nobody looks: others' poses are received and thrown away, as a load test wants it`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${name} takes a number above 0, not "${text}".\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        url: { type: "string", default: "http://localhost:2567" },
        space: { type: "string", default: "demo" },
        count: { type: "string", default: "12" },
        seed: { type: "string", default: "1" },
        seconds: { type: "string" },
        rate: { type: "string", default: "30" },
        traces: { type: "string" },
        still: { type: "boolean", default: false },
        quiet: { type: "boolean", default: false },
        blind: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const values = readArguments();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const count = positive("count", values.count);
let crowd: Crowd | undefined;
let leaving = false;
async function leave(): Promise<void> {
  if (leaving) return;
  leaving = true;
  await crowd?.leave();
  process.exit(0);
}
// Before anybody joins: whoever started this may be gone by the time all are in.
process.on("SIGINT", () => void leave());
process.on("SIGTERM", () => void leave());
process.on("disconnect", () => void leave());

const joined = await Crowd.join({
  url: values.url,
  space: values.space,
  count,
  seed: positive("seed", values.seed),
  traces: values.traces,
  rateHz: positive("rate", values.rate),
  handles: !values.still,
  talks: !values.quiet,
  looks: !values.blind,
});
if (!joined.ok) {
  console.error(`The people could not join: ${joined.error.sentence}`);
  process.exit(1);
}
crowd = joined.value;
console.log(`${count} synthetic people are in "${values.space}".`);
if (values.seconds !== undefined) setTimeout(() => void leave(), positive("seconds", values.seconds) * 1000);
