/**
 * `npm run sim -- --scenario cursory --seeds 1000`: runs worlds in a box and says which seeds broke what, with the line that reproduces each.
 */
import { parseArgs } from "node:util";
import { readArguments } from "../command-line.ts";
import { type Bug, BUGS } from "./bugs.ts";
import { runSeeds } from "./run-seeds.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

const list = (table: Readonly<Record<string, string>>): string =>
  Object.entries(table)
    .map(([name, about]) => `    ${name.padEnd(14)}${about}`)
    .join("\n");
const USAGE = `npm run sim -- --scenario NAME [--seed N | --seeds COUNT [--first N]] [--bug NAME] [--threads N]
  scenarios:
${list(Object.fromEntries(Object.entries(SCENARIOS).map(([name, { about }]) => [name, about])))}
  planted bugs, for the checkers to find:
${list(BUGS)}`;

function fail(sentence: string): never {
  console.error(`${sentence}\n${USAGE}`);
  process.exit(2);
}
function whole(name: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : fail(`--${name} takes a whole number, not "${text}".`);
}

const { values } = readArguments(
  () =>
    parseArgs({
      options: {
        scenario: { type: "string", default: "cursory" },
        seed: { type: "string" },
        seeds: { type: "string", default: "1" },
        first: { type: "string", default: "1" },
        bug: { type: "string", default: "none" },
        threads: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }),
  USAGE,
);
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (!(values.scenario in SCENARIOS)) fail(`There is no scenario "${values.scenario}".`);
if (!(values.bug in BUGS)) fail(`There is no planted bug "${values.bug}".`);
const scenario = values.scenario as ScenarioName;
const bug = values.bug as Bug;
const single = values.seed !== undefined;
const first = whole("seed", values.seed ?? values.first);
const count = single ? 1 : whole("seeds", values.seeds);

const startedMs = performance.now();
const results = await runSeeds({
  scenario,
  bug,
  first,
  count,
  ...(values.threads === undefined ? {} : { threads: whole("threads", values.threads) }),
  onResult: (_, done) => {
    if (process.stderr.isTTY && done % 10 === 0) process.stderr.write(`\r${done} of ${count} seeds`);
  },
});
if (process.stderr.isTTY) process.stderr.write("\r");

const broken = results.filter((result) => result.violations.length > 0);
for (const { seed, violations } of broken.slice(0, 10)) {
  console.log(`seed ${seed} broke a rule; again: npm run sim -- --scenario ${scenario} --seed ${seed}${bug === "none" ? "" : ` --bug ${bug}`}`);
  for (const sentence of violations.slice(0, 3)) console.log(`    ${sentence}`);
}
if (single) console.log(`trace ${results[0]?.trace}`);
const virtualS = results.reduce((sum, { virtualMs }) => sum + virtualMs, 0) / 1000;
const worst = (part: "p50" | "p95"): string => (Math.max(...results.map(({ display }) => display[part])) * 1000).toFixed(1);
console.log(
  `${scenario}: ${count - broken.length} of ${count} seeds held, ${virtualS.toFixed(0)} s of virtual time in ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ` +
    `displayed head error of the worst seed p50 ${worst("p50")} mm, p95 ${worst("p95")} mm`,
);
process.exit(broken.length === 0 ? 0 : 1);
