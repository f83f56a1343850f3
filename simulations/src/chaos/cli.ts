/**
 * `npm run chaos -- kill|disk|full`: what becomes of a scene when the server is killed, the disk loses or changes bytes, or is full.
 * Prints figures, and exits 1 if a promise was broken. bench/README.md explains each.
 */
import { parseArgs } from "node:util";
import { fileFault, readArguments } from "../command-line.ts";
import { type Figure, makeReport, publish } from "../report.ts";
import { broken, diskFigures, runDisk } from "./disk.ts";
import { fullFigures, runFull } from "./full.ts";
import { killFigures, runKills } from "./kill.ts";

const USAGE = `npm run chaos -- WHAT [--count N] [--json FILE] [--seed N]
  kill      a server under twenty editing people is killed N times (1000), at random and at named places [--named N] [--megabytes N];
            SIGINT ends it after the kill that is under way, with the figures so far
  disk      the store on a simulated disk, N seeds (10000): power cuts, torn sectors, flipped bits; one seed alone with --seed N --count 1
  full      the disk of a running server fills up, and has space again (root: it mounts a file system of one megabyte)`;

function fail(sentence: string): never {
  console.error(`${sentence}\n${USAGE}`);
  process.exit(2);
}
function whole(name: string, text: string | undefined, otherwise: number, least = 0): number {
  const value = text === undefined ? otherwise : Number(text.trim() || Number.NaN);
  const what = least === 0 ? "a whole number" : "a whole number above 0";
  return Number.isSafeInteger(value) && value >= least ? value : fail(`--${name} takes ${what}, not "${text}".`);
}

const { values, positionals } = readArguments(
  () =>
    parseArgs({
      allowPositionals: true,
      options: {
        count: { type: "string" },
        named: { type: "string" },
        megabytes: { type: "string" },
        seed: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }),
  USAGE,
);
const [what = "", ...more] = positionals;
const seed = whole("seed", values.seed, 1);
const onProgress = (line: string): void => console.error(line);

type Outcome = { readonly settings: Readonly<Record<string, unknown>>; readonly figures: readonly Figure[]; readonly violations: readonly string[] };

async function kill(): Promise<Outcome> {
  const count = whole("count", values.count, 1000, 1);
  const settings = {
    count,
    named: whole("named", values.named, Math.round(count / 5)),
    editors: 20,
    documentBytes: whole("megabytes", values.megabytes, 10, 1) * 1_000_000,
    seed,
  };
  let isEnough = false;
  process.once("SIGINT", () => (isEnough = true));
  const result = await runKills({ ...settings, onProgress, isEnough: () => isEnough });
  return { settings: { ...settings, places: result.places }, figures: killFigures(result), violations: result.violations };
}

async function disk(): Promise<Outcome> {
  const settings = { count: whole("count", values.count, 10_000, 1), first: seed };
  const outcomes = await runDisk({ ...settings, onProgress });
  const violations = broken(outcomes).map(
    (each) => `seed ${each.seed} (${each.fault}): ${each.violations.join("; ")} - again: npm run chaos -- disk --seed ${each.seed} --count 1`,
  );
  return { settings, figures: diskFigures(outcomes), violations };
}

async function full(): Promise<Outcome> {
  const settings = { editors: 4, fullMs: 3000 };
  const result = await runFull({ ...settings, onProgress });
  if (result === undefined) process.exit(1);
  return { settings, figures: fullFigures(result), violations: result.violations };
}

const RUNS: Readonly<Record<string, () => Promise<Outcome>>> = { kill, disk, full };
const run = RUNS[what];
if (values.help) console.log(USAGE);
else if (run === undefined) fail(what === "" ? "Say what is to go wrong." : `There is no chaos called "${what}".`);
else {
  if (more.length > 0) fail(`"${more.join(" ")}" is too much: one at a time.`);
  const fault = values.json === undefined ? undefined : fileFault(values.json);
  if (fault !== undefined) fail(`--json: ${fault}`);
  const { settings, figures, violations } = await run();
  for (const sentence of violations.slice(0, 20)) console.error(`broken: ${sentence}`);
  publish(makeReport(`chaos-${what}`, settings, figures), values.json);
}
