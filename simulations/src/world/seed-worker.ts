/** A thread that runs seeds for the command line: takes `{scenario, bug, seed}`, answers `SeedResult`. */
import { parentPort } from "node:worker_threads";
import type { Bug } from "./bugs.ts";
import { runSeed } from "./run-seed.ts";
import type { ScenarioName } from "./scenarios.ts";

export type SeedJob = { readonly scenario: ScenarioName; readonly bug: Bug; readonly seed: number };

parentPort?.on("message", (job: SeedJob) => {
  void runSeed(job.scenario, job.seed, job.bug).then((result) => parentPort?.postMessage(result));
});
