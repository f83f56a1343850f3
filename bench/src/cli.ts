/** `npm run bench -- SUITE [--json FILE]`: measures, prints, and exits 1 if a bar was missed. bench/README.md explains each suite. */
import { parseArgs } from "node:util";
import { type Figure, makeReport, publish } from "./report.ts";
import { SMOKE, smoke } from "./smoke.ts";

type Suite = {
  readonly about: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly run: (progress: (line: string) => void) => Promise<readonly Figure[]>;
};

const SUITES: Readonly<Record<string, Suite>> = {
  smoke: {
    about: "server CPU per tick and bytes per viewer, 50 and 200 people, ws and uws",
    settings: SMOKE,
    run: (progress) => smoke(SMOKE, progress),
  },
};
const USAGE = `npm run bench -- SUITE [--json FILE]\n${Object.entries(SUITES)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join("\n")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, help: { type: "boolean", default: false } },
});
const [name = ""] = positionals;
const suite = SUITES[name];
if (values.help) {
  console.log(USAGE);
} else if (suite === undefined) {
  console.error(name === "" ? USAGE : `There is no suite "${name}".\n${USAGE}`);
  process.exit(2);
} else {
  const figures = await suite.run((line) => console.error(line));
  publish(makeReport(name, suite.settings, figures), values.json);
}
