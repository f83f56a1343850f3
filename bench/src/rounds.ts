/**
 * Figures of benches in which states take turns, or stand side by side, round after round: what was measured in a state against the same in
 * another, and how far chance alone could have taken the ratio.
 *
 * [RS1] Quantiles (nearest rank) are of everything that was measured in a state, all rounds together.
 * [RS2] The interval of a ratio is the bootstrap's over rounds, 5th to 95th percentile. What was measured in a round stays together, for it shares
 *       the machine's weather, and the same rounds are drawn for both states.
 */
import { Random } from "@copresence/simulations/random";

/** What was measured in a state, an entry a round. */
export type Rounds = readonly ArrayLike<number>[];

const RESAMPLES = 200;
const INTERVAL = [0.05, 0.95] as const;

/** The quantile of all rounds together; NaN of nothing. */
export const pooled = (rounds: Rounds, share: number): number => quantileOf(rounds)(share);

export const ratio = (mine: Rounds, others: Rounds, share: number): number => pooled(mine, share) / pooled(others, share);

/** The median of the rounds' own ratios: what remains when one round met bad weather. */
export function medianRatio(mine: Rounds, others: Rounds, share: number): number {
  return pooled([mine.map((round, i) => pooled([round], share) / pooled(others.slice(i, i + 1), share))], 0.5);
}

/** [RS2] */
export function interval(mine: Rounds, others: Rounds, share: number): readonly [low: number, high: number] {
  const [above, below] = [quantileOf(mine), quantileOf(others)];
  return bootstrap(mine.length, (times) => above(share, times) / below(share, times));
}

/** The same of the sums of a state's rounds, in place of a quantile. */
export const sumRatio = (mine: readonly number[], others: readonly number[]): number => sum(mine) / sum(others);
export function sumInterval(mine: readonly number[], others: readonly number[]): readonly [low: number, high: number] {
  return bootstrap(mine.length, (times) => weighted(mine, times) / weighted(others, times));
}

/** `figure` gets how often each round was drawn. */
function bootstrap(rounds: number, figure: (times: Uint32Array) => number): readonly [low: number, high: number] {
  const random = new Random(1);
  const drawn = Array.from({ length: RESAMPLES }, () => {
    const times = new Uint32Array(rounds);
    for (let i = 0; i < rounds; i++) times[random.int(rounds)]!++;
    return figure(times);
  });
  return [pooled([drawn], INTERVAL[0]), pooled([drawn], INTERVAL[1])];
}

/** Sorted once, so that drawing the rounds anew hundreds of times costs little. */
function quantileOf(rounds: Rounds): (share: number, times?: ArrayLike<number>) => number {
  const sorted = rounds.map((round) => Float64Array.from(round).sort());
  const all = Float64Array.from(sorted.flatMap((round) => [...round])).sort();
  return (share, times) => {
    const timesOf = (round: number): number => (times === undefined ? 1 : (times[round] ?? 0));
    const total = sorted.reduce((count, { length }, round) => count + length * timesOf(round), 0);
    if (total === 0) return Number.NaN;
    const rank = Math.min(total - 1, Math.floor(total * share));
    /** How many are at most `value`, each as often as its round was drawn. */
    const upTo = (value: number): number => sorted.reduce((count, values, round) => count + timesOf(round) * countUpTo(values, value), 0);
    return all[firstIndex(all.length, (at) => upTo(all[at] as number) > rank)] as number;
  };
}

const countUpTo = (sorted: Float64Array, value: number): number => firstIndex(sorted.length, (at) => (sorted[at] as number) > value);

/** The first of 0..length-1 for which `holds`, which holds for all after it, too; `length` if there is none. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let [from, to] = [0, length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const weighted = (values: readonly number[], times: Uint32Array): number => values.reduce((a, value, i) => a + value * (times[i] ?? 0), 0);
