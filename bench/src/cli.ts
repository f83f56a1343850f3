/**
 * `npm run bench -- SUITE [--traces DIR] [--network DIR] [--json FILE] [--dump DIR] [--long]`: measures, prints, and exits 1 if a bar was missed.
 * bench/README.md explains each suite.
 */
import { parseArgs } from "node:util";
import { codec } from "./codec/suite.ts";
import { playout } from "./playout/suite.ts";
import { makeReport, publish } from "./report.ts";
import { governor } from "./room/governor.ts";
import { room } from "./room/suite.ts";
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
  room: {
    about: "a room of hundreds: tick time, bytes per viewer, sockets, memory, beside the raw limit, Colyseus and a JSON relay",
    run: room,
  },
  governor: {
    about: "a hundred clients, one of which stops reading: what the others notice, and how it ends",
    run: governor,
  },
};
const USAGE = `npm run bench -- SUITE [--traces DIR] [--network DIR] [--json FILE] [--dump DIR] [--long]\n${Object.entries(SUITES)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join("\n")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    traces: { type: "string" },
    network: { type: "string" },
    json: { type: "string" },
    dump: { type: "string" },
    long: { type: "boolean", default: false },
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
  const { traces, network, dump, long } = values;
  const { settings, figures } = await suite.run({ traces, network, dump, long }, (line) => console.error(line));
  publish(makeReport(name, settings, figures), values.json);
}
