/**
 * `npm run bench -- SUITE [--traces DIR] [--network DIR] [--json FILE] [--dump DIR] [--count N]`: measures, prints, and exits 1 if a bar was missed.
 * bench/README.md explains each suite.
 */
import { parseArgs } from "node:util";
import { codec } from "./codec/suite.ts";
import { playout } from "./playout/suite.ts";
import { converge } from "./gate/converge.ts";
import { gate } from "./gate/suite.ts";
import { makeReport, publish } from "./report.ts";
import { SMOKE, smoke } from "./smoke.ts";
import type { Suite } from "./suite.ts";

const SUITES: Readonly<Record<string, Suite>> = {
  smoke: {
    about: "server CPU per tick and bytes per viewer, 50 and 200 people, ws and uws",
    run: async (_, progress) => ({ settings: SMOKE, figures: await smoke(SMOKE, progress) }),
  },
  codec: {
    about: "bytes, error, time and memory of a pose update, and what others would send for it",
    run: codec,
  },
  playout: {
    about: "displayed hand error against fixed 100 ms interpolation, on profiles and recorded networks",
    run: playout,
  },
  converge: {
    about: "fifty people on bad links with a failing disk and changing permissions: replicas that differ after healing",
    run: converge,
  },
  gate: {
    about: "hostile updates: protected changes, the slowest handler, memory",
    run: gate,
  },
};
const USAGE = `npm run bench -- SUITE [--traces DIR] [--network DIR] [--json FILE] [--dump DIR] [--count N]\n${Object.entries(SUITES)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join("\n")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    traces: { type: "string" },
    network: { type: "string" },
    json: { type: "string" },
    dump: { type: "string" },
    count: { type: "string" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [name = ""] = positionals;
const suite = SUITES[name];
if (values.help) {
  console.log(USAGE);
} else if (suite === undefined) {
  console.error(name === "" ? USAGE : `There is no suite "${name}".\n${USAGE}`);
  process.exit(2);
} else {
  const { traces, network, dump } = values;
  const [count, seed] = (["count", "seed"] as const).map((option) => {
    const value = values[option] === undefined ? undefined : Number(values[option]);
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value;
    console.error(`--${option} takes a whole number above 0, not "${values[option]}".`);
    process.exit(2);
  });
  const { settings, figures } = await suite.run({ traces, network, dump, count, seed }, (line) => console.error(line));
  publish(makeReport(name, settings, figures), values.json);
}
