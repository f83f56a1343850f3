/**
 * `npm run bench -- SUITE [--traces DIR] [--network DIR] [--data PATH] [--json FILE] [--dump DIR]`: measures, prints, and exits 1 if a bar was missed.
 * bench/README.md explains each suite.
 */
import { parseArgs } from "node:util";
import { codec } from "./codec/suite.ts";
import { moderation } from "./moderation/suite.ts";
import { playout } from "./playout/suite.ts";
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
  moderation: {
    about: "what the text model finds in chat it has not seen, how often it is wrong, how long it takes",
    run: moderation,
  },
};
const USAGE = `npm run bench -- SUITE [--traces DIR] [--network DIR] [--data PATH] [--json FILE] [--dump DIR]\n${Object.entries(SUITES)
  .map(([name, { about }]) => `  ${name.padEnd(12)}${about}`)
  .join("\n")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    traces: { type: "string" },
    network: { type: "string" },
    data: { type: "string" },
    json: { type: "string" },
    dump: { type: "string" },
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
  const { traces, network, data, dump } = values;
  const { settings, figures } = await suite.run({ traces, network, data, dump }, (line) => console.error(line));
  publish(makeReport(name, settings, figures), values.json);
}
