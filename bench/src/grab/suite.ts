/**
 * `npm run bench -- grab [--count RACES] [--json FILE]`. bench/README.md explains the figures.
 *
 * [BG1] Races run on all cores, PER_SEED of them per seed, results in seed order; the same count gives the same figures.
 * [BG2] Peers settle the very same touches on links of the same kind.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { type Peer, runPeer } from "./peers.ts";
import type { RaceJob } from "./race-worker.ts";
import { CONVERGE_BAR_MS, RACE_SETTINGS, type RaceResult, ROLLBACK_BAR_MS } from "./races.ts";
import { LINK, quantile, TICK_RATE_HZ } from "./stage.ts";
import { runLosers, runThrows } from "./throws.ts";

const SEED = 20_261;
const RACES = 100_000;
const PER_SEED = 400;
/** Throws, and races between moving hands, at the full count; fewer with fewer races, but enough for a quantile. */
const THROWS = 400;
const THROWS_LEAST = 24;
const LANDING_BAR_MM = 20;
const POP_BAR_MM = 20;
/** Of a double's rounding at times of hours. */
const ROUNDING_MS = 1e-3;

export async function grab({ count = RACES }: Pick<SuiteOptions, "count">, progress: (line: string) => void): Promise<SuiteResult> {
  const throws = Math.max(THROWS_LEAST, Math.round((THROWS * Math.min(count, RACES)) / RACES));
  progress(`grab: ${throws} throws and ${throws} races between moving hands`);
  const thrown = await throwFigures(throws);
  const races = await runAll(count, (done) => progress(`grab: ${done} of ${count} races`));
  const settings = { seed: SEED, races: races.length, throws, perSeed: PER_SEED, tickRateHz: TICK_RATE_HZ, link: LINK, ...RACE_SETTINGS };
  return { settings, figures: [...raceFigures(races), ...peerFigures(races), ...thrown] };
}

/** [BG1] A few threads are not worth their start. */
async function runAll(count: number, progress: (done: number) => void): Promise<RaceResult[]> {
  const jobs: RaceJob[] = [];
  for (let at = 0; at < count; at += PER_SEED) jobs.push({ seed: SEED + jobs.length, count: Math.min(PER_SEED, count - at) });
  const results: RaceResult[][] = [];
  let next = 0;
  let done = 0;
  let told = 0;
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("./race-worker.ts", import.meta.url));
      let mine = -1;
      const advance = (): void => {
        mine = next++;
        if (mine >= jobs.length) void worker.terminate().then(() => resolve());
        else worker.postMessage(jobs[mine]);
      };
      worker.on("error", reject);
      worker.on("message", (found: RaceResult[]) => {
        results[mine] = found;
        done += found.length;
        if (done - told >= count / 10) progress((told = done));
        advance();
      });
      advance();
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, runThread));
  return results.flat();
}

const firstOf = ({ touches: { atMs } }: RaceResult): number => (atMs[0] <= atMs[1] ? 0 : 1);
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
const share = (races: readonly RaceResult[], of: (race: RaceResult) => boolean): number => races.filter(of).length / Math.max(1, races.length);
const atMost = (value: number, bar: number): Pick<Figure, "bar" | "ok"> => ({ bar: `<= ${Number(bar.toFixed(1))}`, ok: value <= bar + ROUNDING_MS });

export function raceFigures(races: readonly RaceResult[]): Figure[] {
  const clean = races.filter((race) => race.clean);
  const split = races.filter((race) => race.split).length;
  const untold = races.filter(({ rollbackMs }) => Number.isNaN(rollbackMs)).length;
  // A race that never agreed has no time; it is counted above.
  const agreed = races.filter(({ agreedMs }) => !Number.isNaN(agreedMs));
  const converge = most(agreed.map(({ agreedMs, stalledMs }) => agreedMs - stalledMs));
  const rollback = most(races.filter(({ rollbackMs }) => !Number.isNaN(rollbackMs)).map(({ rollbackMs, stalledMs }) => rollbackMs - stalledMs));
  const raw = agreed.map(({ agreedMs }) => agreedMs);
  return [
    { id: "grab.races", value: races.length, unit: "races" },
    { id: "grab.split_brain", value: split, unit: "races", bar: "= 0", ok: split === 0 },
    { id: "grab.converge_ms", value: converge, unit: "ms", ...atMost(converge, CONVERGE_BAR_MS) },
    { id: "grab.converge_with_stalls_ms_p50", value: quantile(raw, 0.5), unit: "ms" },
    { id: "grab.converge_with_stalls_ms_p99", value: quantile(raw, 0.99), unit: "ms" },
    { id: "grab.converge_with_stalls_ms_max", value: most(raw), unit: "ms" },
    { id: "grab.rollback_ms", value: rollback, unit: "ms", ...atMost(rollback, ROLLBACK_BAR_MS) },
    { id: "grab.losers_untold", value: untold, unit: "races", bar: "= 0", ok: untold === 0 },
    { id: "grab.first_touch_wins", value: share(races, (race) => race.winner === firstOf(race)), unit: "of races" },
    { id: "grab.first_touch_wins_unstalled", value: share(clean, (race) => race.winner === firstOf(race)), unit: "of races" },
    { id: "grab.unstalled", value: clean.length / Math.max(1, races.length), unit: "of races" },
  ];
}

/** [BG2] */
function peerFigures(races: readonly RaceResult[]): Figure[] {
  const names: readonly (readonly [Peer, string])[] = [
    ["naf", "networked-aframe's ownership transfer"],
    ["last_message", "whatever was heard last"],
  ];
  return names.flatMap(([peer, about]): Figure[] => {
    const touches = races.map((race) => race.touches);
    const { split, splitAtBar, firstWins } = runPeer(peer, touches, SEED);
    return [
      { id: `grab.${peer}.split_brain`, value: split, unit: "races", peer: about },
      { id: `grab.${peer}.split_at_bar`, value: splitAtBar, unit: "races", peer: about },
      { id: `grab.${peer}.first_touch_wins`, value: firstWins / Math.max(1, races.length), unit: "of races", peer: about },
    ];
  });
}

export async function throwFigures(count: number): Promise<Figure[]> {
  const { landingMm, popsMm, catches } = await runThrows(SEED, count);
  popsMm.loser.push(...(await runLosers(SEED, count)));
  const landings = Object.entries(landingMm);
  const pops = Object.entries(popsMm);
  const landing = quantile(Object.values(landingMm).flat(), 0.95);
  // The worst of the roles, so that a quiet one does not hide another.
  const pop = most(pops.map(([, values]) => quantile(values, 0.99)));
  return [
    { id: "grab.throws", value: landingMm.thrower.length, unit: "landed" },
    { id: "grab.landing_mm_p95", value: landing, unit: "mm", ...atMost(landing, LANDING_BAR_MM) },
    ...landings.map(([role, values]): Figure => ({ id: `grab.landing_${role}_mm_max`, value: most(values), unit: "mm" })),
    { id: "grab.pop_mm_p99", value: pop, unit: "mm", ...atMost(pop, POP_BAR_MM) },
    ...pops.map(([role, values]): Figure => ({ id: `grab.pop_${role}_mm_p99`, value: quantile(values, 0.99), unit: "mm" })),
    ...pops.map(([role, values]): Figure => ({ id: `grab.pop_${role}_mm_max`, value: most(values), unit: "mm" })),
    { id: "grab.catches_granted", value: catches.granted / Math.max(1, catches.tried), unit: `of ${catches.tried}` },
    { id: "grab.catches_agreed", value: catches.agreed / Math.max(1, catches.granted), unit: `of ${catches.granted}` },
  ];
}
