/**
 * `npm run chaos -- disk`: the real SQLite store on a disk that loses power or flips a bit, by thousands of seeds on all cores (PROMISES P2).
 * disk-image.ts says which faults are modelled, disk-seed.ts what must hold.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Figure } from "../report.ts";
import type { DiskOutcome } from "./disk-seed.ts";
import type { DiskJob } from "./disk-worker.ts";

export type DiskOptions = { readonly first: number; readonly count: number; readonly threads?: number; readonly onProgress: (line: string) => void };

const PROGRESS_EVERY = 500;
/** The simulated disk decides what survives, so the real one may as well be memory. */
const MEMORY = "/dev/shm";

export async function runDisk({ first, count, threads = availableParallelism(), onProgress }: DiskOptions): Promise<DiskOutcome[]> {
  const outcomes: DiskOutcome[] = [];
  let next = first;
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "copresence-disk-"));
      const worker = new Worker(new URL("./disk-worker.ts", import.meta.url));
      const advance = (): void => {
        for (const name of readdirSync(folder)) rmSync(join(folder, name));
        if (next < first + count) return worker.postMessage({ seed: next++, folder } satisfies DiskJob);
        rmSync(folder, { recursive: true });
        void worker.terminate().then(() => resolve());
      };
      worker.on("message", (outcome: DiskOutcome) => {
        outcomes.push(outcome);
        if (outcomes.length % PROGRESS_EVERY === 0) onProgress(`${outcomes.length} of ${count} seeds, ${broken(outcomes).length} broken`);
        advance();
      });
      worker.on("error", reject);
      advance();
    });
  await Promise.all(Array.from({ length: Math.min(threads, count) }, runThread));
  return outcomes.sort((a, b) => a.seed - b.seed);
}

export const broken = (outcomes: readonly DiskOutcome[]): DiskOutcome[] => outcomes.filter(({ violations }) => violations.length > 0);

export function diskFigures(outcomes: readonly DiskOutcome[]): Figure[] {
  const of = (...faults: DiskOutcome["fault"][]): DiskOutcome[] => outcomes.filter(({ fault }) => faults.includes(fault));
  const sum = (list: readonly DiskOutcome[], what: "acked" | "refused" | "loaded" | "notices"): number =>
    list.reduce((total, outcome) => total + outcome[what], 0);
  const [power, flips] = [of("power"), of("flip", "flip-unmarked")];
  const lost = broken(outcomes).length;
  return [
    { id: "disk.seeds", value: outcomes.length, unit: "seeds" },
    { id: "disk.acked", value: sum(outcomes, "acked"), unit: "acknowledged records" },
    { id: "disk.lost", value: lost, unit: "seeds", bar: "= 0", ok: lost === 0 },
    { id: "disk.power_cuts", value: power.length, unit: "seeds" },
    { id: "disk.power_cuts_refused", value: sum(power, "refused"), unit: "scenes", bar: "= 0", ok: sum(power, "refused") === 0 },
    { id: "disk.power_cuts_cut", value: power.filter(({ notices }) => notices > 0).length, unit: "seeds with a torn tail, cut and reported" },
    { id: "disk.flips", value: flips.length, unit: "seeds" },
    { id: "disk.flips_quarantined", value: sum(flips, "refused"), unit: "scenes" },
    { id: "disk.flips_unharmed", value: sum(flips, "loaded"), unit: "scenes" },
  ];
}
