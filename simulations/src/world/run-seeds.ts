/** Many seeds on all cores; the results in seed order, whatever order they were done in. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Bug } from "./bugs.ts";
import type { SeedResult } from "./run-seed.ts";
import type { ScenarioName } from "./scenarios.ts";
import type { SeedJob } from "./seed-worker.ts";

export type SeedsOptions = {
  readonly scenario: ScenarioName;
  readonly bug: Bug;
  readonly first: number;
  readonly count: number;
  readonly threads?: number;
  readonly onResult?: (result: SeedResult, done: number) => void;
};

export async function runSeeds(options: SeedsOptions): Promise<SeedResult[]> {
  const { scenario, bug, first, count, threads = availableParallelism(), onResult } = options;
  const results: SeedResult[] = [];
  let next = first;
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./seed-worker.ts", import.meta.url));
      const advance = (): void => {
        if (next >= first + count) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const job: SeedJob = { scenario, bug, seed: next++ };
        worker.postMessage(job);
      };
      worker.on("message", (result: SeedResult) => {
        results.push(result);
        onResult?.(result, results.length);
        advance();
      });
      worker.on("error", reject);
      advance();
    });
  await Promise.all(Array.from({ length: Math.min(threads, count) }, runThread));
  return results.sort((a, b) => a.seed - b.seed);
}
