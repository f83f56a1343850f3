/**
 * `npm start`: the server with the embedded store and development tickets, the demo space, and a dozen synthetic people, in one command.
 * Killing this process kills the server, as hard as the signal; the people go with it. What was saved is there at the next start.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { configFromEnvironment } from "@copresence/server/config";
import { EXIT, StartError, startServer } from "@copresence/server/main";
import { supervise } from "@copresence/server/supervise";
import { build } from "vite";
import { initialObjects, workshop } from "./src/workshop.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const USAGE = `npm start -- [--people N] [--no-build]
  --people    how many synthetic people move in (default 12)
  --no-build  serve the demo as it was built last
The server's settings are environment variables, e.g. COPRESENCE_PORT=8080; README.md lists them.`;
const SPACE = "demo";

const values = readArguments();
const people = Number(values.people);
if (values.help || !Number.isInteger(people) || people < 0) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        people: { type: "string", default: "12" },
        "no-build": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`, 2);
  }
}

/** What is wrong, and what to do, on standard error; then the exit code. */
function fail(sentence: string, code: number): never {
  console.error(sentence);
  process.exit(code);
}

const settings = {
  COPRESENCE_SPACES: SPACE,
  COPRESENCE_DEV_TICKETS: "1",
  COPRESENCE_STATIC: here("dist"),
  COPRESENCE_STORE: here("../.copresence/scenes.sqlite"),
  COPRESENCE_LOG: "warn",
  // People work at one bench.
  COPRESENCE_BOUNDARY_M: "0.5",
  ...process.env,
};
const config = configFromEnvironment(settings, workshop, initialObjects);
if (!config.ok) fail(config.error.join("\n"), EXIT.misconfigured);
if (!values["no-build"]) await build({ root: here("."), logLevel: "warn" });
const server = await startServer(config.value).catch((error: unknown) => {
  if (error instanceof StartError) fail(error.message, error.code);
  throw error;
});

let crowd: ChildProcess | undefined;
supervise(server, () => void crowd?.kill("SIGTERM"));
console.log(`copresence is running. Open ${server.url} in two windows, and you are in the same space.`);
if (people > 0) {
  // A process of its own, tied to this one by its channel: what they compute does not take the server's time, and they go when it goes.
  crowd = fork(here("../simulations/src/bots/cli.ts"), ["--url", server.url, "--space", SPACE, "--count", String(people)]);
  crowd.on("error", () => console.error("The synthetic people could not be started; the server goes on."));
  crowd.on("exit", (code) => {
    if (code !== 0 && code !== null) console.error("The synthetic people left; the server goes on.");
  });
}
