/** A thread that runs races: takes `{seed, count}`, answers `RaceResult[]`. */
import { parentPort } from "node:worker_threads";
import { runRaces } from "./races.ts";

export type RaceJob = { readonly seed: number; readonly count: number };

parentPort?.on("message", ({ seed, count }: RaceJob) => {
  void runRaces(seed, count).then((results) => parentPort?.postMessage(results));
});
