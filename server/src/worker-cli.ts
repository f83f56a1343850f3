/**
 * `npm run worker`: workers of the side pipeline behind Redis, for servers with COPRESENCE_PIPELINE=redis. Environment in, exit code out.
 *
 * [WC1] Start-up failures are sentences on standard error and an exit code, as the server's (cli.ts).
 * [WC2] SIGINT and SIGTERM hand the parts over to other workers and end with 0; a second signal ends at once.
 */
import { workerConfigFromEnvironment } from "./config.ts";
import { EXIT } from "./main.ts";
import { startWorkers } from "./worker-service.ts";

/** 128 + SIGINT: the shell's word for "interrupted". */
const EXIT_IMPATIENT = 130;

function fail(sentence: string, code: number): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

const config = workerConfigFromEnvironment(process.env);
if (!config.ok) fail(config.error.join("\n"), EXIT.misconfigured);
const { workers } = config.value;
const running = await startWorkers(config.value).catch((error: NodeJS.ErrnoException) =>
  error.code === "EADDRINUSE"
    ? fail("The port of COPRESENCE_WORKER_PORT is taken; choose another, or 0.", EXIT.portTaken)
    : fail(`The workers could not start: ${error.message}`, EXIT.failed),
);
let ending = false;
const end = (): void => {
  if (ending) process.exit(EXIT_IMPATIENT);
  ending = true;
  void running.stop().then(() => process.exit(0));
};
process.on("SIGINT", end);
process.on("SIGTERM", end);
const where = running.port === undefined ? "" : ` (http on port ${running.port})`;
process.stdout.write(`${workers} worker${workers === 1 ? "" : "s"} of copresence's pipeline started${where}\n`);
