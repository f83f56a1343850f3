/** A thread that runs disk seeds: takes `{seed, folder}`, answers `DiskOutcome`. */
import { parentPort } from "node:worker_threads";
import { type DiskOutcome, runDiskSeed } from "./disk-seed.ts";

export type DiskJob = { readonly seed: number; readonly folder: string };

parentPort?.on("message", ({ seed, folder }: DiskJob) => {
  void runDiskSeed(seed, folder).then((outcome) => parentPort?.postMessage(outcome satisfies DiskOutcome));
});
