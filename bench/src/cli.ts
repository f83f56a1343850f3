/**
 * `npm run bench -- SUITE [--traces DIR] [--network DIR] [--data DIR] [--json FILE] [--dump DIR] [--count N] [--seed N] [--only PART,...]`: measures, prints, and exits 1 if a bar
 * was missed. A suite of parts writes FILE after each of them. bench/README.md explains each suite.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { fileFault, folderFault, readArguments } from "@copresence/simulations/command-line";
import { behaviour } from "./behaviour/suite.ts";
import { codec } from "./codec/suite.ts";
import { engines, FULL, QUICK } from "./engines/suite.ts";
import { grab } from "./grab/suite.ts";
import { moderation } from "./moderation/suite.ts";
import { OBJECT_PARTS, objects } from "./objects/suite.ts";
import { PIPELINE_PARTS, pipelineBench } from "./pipeline/suite.ts";
import { converge } from "./gate/converge.ts";
import { gate } from "./gate/suite.ts";
import { playout } from "./playout/suite.ts";
import { search } from "./search/suite.ts";

import { makeReport, publish, write } from "./report.ts";
import { governor } from "./room/governor.ts";
import { footprint, room } from "./room/suite.ts";
import { SMOKE, smoke } from "./smoke.ts";
import { BadInput, type Suite, type SuiteResult } from "./suite.ts";

const SUITES: Readonly<Record<string, Suite>> = {
  smoke: {
    about: "server CPU per tick and bytes per viewer, 50 and 200 people, ws and uws",
    run: async (_, progress) => ({ settings: SMOKE, figures: await smoke(SMOKE, progress) }),
  },
  behaviour: {
    about: "alarms about people who do no harm, and how soon offenders are caught, beside a plain distance rule",
    run: behaviour,
  },
  codec: {
    about: "bytes, error, time and memory of a pose update, and what others would send for it",
    run: codec,
  },
  engines: {
    about:
      "the same bytes and numbers in every engine: a million frames in V8, JavaScriptCore and SpiderMonkey, ten thousand in QuickJS and without compilers",
    run: (options, progress) => engines(options, progress, QUICK),
  },
  "engines-full": {
    about: "the same with a million frames in every engine (an hour)",
    run: (options, progress) => engines(options, progress, FULL),
  },
  grab: {
    about: "races for one object, throws and catches: who holds it, where it lands, what is corrected visibly",
    run: grab,
  },
  moderation: {
    about: "what the text model finds in chat it has not seen, how often it is wrong, how long it takes",
    run: moderation,
  },
  objects: {
    about: "durable edits: latency against a raw fsync, throughput and opening against Hocuspocus and y-websocket, recorded sessions replayed",
    parts: OBJECT_PARTS,
    run: objects,
  },
  pipeline: {
    about: "the side pipeline: chat latency, memory of a worker, ticks beside a broken pipeline, nothing lost under kill -9",
    parts: PIPELINE_PARTS,
    run: (options, progress) => pipelineBench(options, progress),
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
  room: {
    about: "a room of hundreds: tick time, bytes per viewer, sockets, memory, beside the raw limit, Colyseus and a JSON relay",
    run: room,
  },
  footprint: {
    about: "what a thousand connected users hold in memory, watched for ten minutes",
    run: footprint,
  },
  search: {
    about: "right object first on real scenes, latency, freshness and memory with 10 000 objects",
    run: search,
  },
  governor: {
    about: "a hundred clients, one of which stops reading: what the others notice, and how it ends",
    run: governor,
  },
};
const USAGE = `npm run bench -- SUITE [--traces DIR] [--network DIR] [--data DIR] [--json FILE] [--dump DIR] [--count N] [--seed N] [--only PART,...]\n${Object.entries(
  SUITES,
)
  .map(([name, { about, parts }]) => `  ${name.padEnd(14)}${about}${parts === undefined ? "" : ` (parts: ${parts.join(",")})`}`)
  .join("\n")}`;

const { values, positionals } = readArguments(
  () =>
    parseArgs({
      allowPositionals: true,
      options: {
        traces: { type: "string" },
        network: { type: "string" },
        data: { type: "string" },
        json: { type: "string" },
        dump: { type: "string" },
        count: { type: "string" },
        seed: { type: "string" },
        only: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }),
  USAGE,
);
const [name = "", ...more] = positionals;
const suite = SUITES[name];
if (values.help) {
  console.log(USAGE);
} else if (suite === undefined) {
  console.error(name === "" ? USAGE : `There is no suite "${name}".\n${USAGE}`);
  process.exit(2);
} else {
  const { traces, network, data, dump } = values;
  const [count, seed] = (["count", "seed"] as const).map((option) => {
    const value = values[option] === undefined ? undefined : Number(values[option]);
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value;
    console.error(`--${option} takes a whole number above 0, not "${values[option]}".`);
    process.exit(2);
  });
  const only = values.only?.split(",");
  const unknown = only?.filter((part) => suite.parts?.includes(part) !== true) ?? [];
  if (unknown.length > 0) {
    const has = suite.parts === undefined ? "is one piece" : `has the parts ${suite.parts.join(", ")}`;
    console.error(`--only ${unknown.join(",")}: the suite "${name}" ${has}.`);
    process.exit(2);
  }
  for (const [option, path] of Object.entries({ traces, network, data })) {
    // Benches do without recordings where a machine has none; who names some means them.
    if (path === undefined || existsSync(path)) continue;
    console.error(`--${option}: there is no file or folder ${path}.`);
    process.exit(2);
  }
  const { json } = values;
  const fault =
    more.length > 0
      ? `"${more.join(" ")}" is too much: one suite at a time.`
      : ((json === undefined ? undefined : fileFault(json)) ?? (dump === undefined ? undefined : folderFault(dump)));
  if (fault !== undefined) {
    console.error(fault);
    process.exit(2);
  }
  const report = ({ settings, figures, leftOut = [], notReached = [] }: SuiteResult) => makeReport(name, settings, figures, { leftOut, notReached });
  const onPart = (soFar: SuiteResult): void => (json === undefined ? undefined : write(report(soFar), json));
  try {
    const result = await suite.run({ traces, network, data, dump, count, seed, only, onPart }, (line) => console.error(line));
    publish(report(result), json);
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}
