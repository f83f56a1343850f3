/**
 * `npm run bench -- governor`: one client of a hundred stops reading. What the others notice, what waits for it, how its session
 * ends, and whether anything ordered is missing in between (PROMISES P7). bench/README.md explains the figures.
 *
 * [GB1] What the others notice is judged between rooms of one process at the same moments, because the machine alone takes two stretches of
 *       one room further apart than the bar.
 * [GB2] What harms the whole process harms all its rooms alike, and [GB1] does not see it: the process's own work is held against that of the calm
 *       stretches in between.
 */
import { resolve } from "node:path";
import { isRetryable } from "@copresence/shared/protocol";
import type { Figure } from "../report.ts";
import { interval, medianRatio, pooled, ratio, type Rounds, sumInterval, sumRatio } from "../rounds.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { canPin } from "./child.ts";
import { atMost } from "./figures.ts";
import { type GovernorScale, type Listener, type Outcome, playGovernor, type Role, type Round, type Work } from "./governor-run.ts";

export const FULL: GovernorScale = {
  seed: 1,
  rooms: 3,
  people: 100,
  tickRateHz: 30,
  rounds: 24,
  warmMs: 12_000,
  calmMs: 1500,
  settleMs: 500,
  patienceMs: 11_000,
  transport: "ws",
};

const RATIO_BAR = 1.05;
const QUEUE_BAR_KIB = 256;
const CLOSED_BAR_S = 10;
const KIB = 1024;
const US_PER_MS = 1000;

/** `--count`: rounds, of somebody else each. */
export async function governor(options: SuiteOptions, progress: (line: string) => void, whole = FULL): Promise<SuiteResult> {
  const scale = { ...whole, rounds: options.count ?? whole.rounds };
  const traces = options.traces === undefined ? undefined : resolve(options.traces);
  const outcome = await playGovernor(scale, traces, (round, index) => progress(`round ${index + 1} of ${scale.rounds}: ${summary(round)}`));
  const settings = { ...scale, motion: traces === undefined ? "synthetic" : "recorded", pinned: canPin(), phasesMs: outcome.phasesMs };
  return { settings, figures: [...othersFigures(outcome.rounds), ...processFigures(outcome.rounds), ...endFigures(outcome)] };
}

const summary = ({ ages, calm }: Round): string => {
  const of = (what: readonly number[]): string => (pooled([what], 0.99) / US_PER_MS).toFixed(2);
  return `p99 age ${of(ages.paused)} ms beside who does not read, ${of(ages.control)} and ${of(ages.beside)} in calm rooms meanwhile, ${of(calm.ages)} before`;
};

/** [GB1] */
function othersFigures(rounds: readonly Round[]): Figure[] {
  const agesOf = (role: Role): Rounds => rounds.map(({ ages }) => ages[role]);
  const [paused, control, beside] = [agesOf("paused"), agesOf("control"), agesOf("beside")];
  const others = rounds.map(({ ages }) => [...ages.control, ...ages.beside]);
  const calm = rounds.map((round) => round.calm.ages);
  const x = (id: string, value: number, unit = "x"): Figure => ({ id: `governor.${id}`, value, unit });
  const age = (id: string, of: Rounds): Figure => x(id, pooled(of, 0.99) / US_PER_MS, "ms since the tick, on arrival");
  return [
    atMost({
      id: "governor.others_p99_ratio",
      value: ratio(paused, others, 0.99),
      unit: "x",
      bar: RATIO_BAR,
      peer: "the rooms of the same process at the same time in which nobody is paused",
    }),
    ...between("others_p99_ratio", interval(paused, others, 0.99)),
    // One burst of a neighbour on the machine is all of a pooled p99; of a median over rounds it is one of many.
    x("others_p99_ratio_median", medianRatio(paused, others, 0.99), "x, median of the rounds"),
    x("others_p50_ratio", ratio(paused, others, 0.5)),
    // How far the machine and the estimator alone take two rooms apart in which nobody is paused.
    x("control_p99_ratio", ratio(control, beside, 0.99)),
    ...between("control_p99_ratio", interval(control, beside, 0.99)),
    x("control_p99_ratio_median", medianRatio(control, beside, 0.99), "x, median of the rounds"),
    x("control_p50_ratio", ratio(control, beside, 0.5)),
    age("others_p99_ms", paused),
    age("control_p99_ms", control),
    age("beside_p99_ms", beside),
    age("calm_p99_ms", calm),
    x("calm_p99_spread", ratio(everySecond(calm, 0), everySecond(calm, 1), 0.99), "x, even calm stretches against odd ones"),
  ];
}

const everySecond = (rounds: Rounds, from: number): Rounds => rounds.filter((_, i) => i % 2 === from);
const between = (id: string, [low, high]: readonly [number, number]): Figure[] => [
  { id: `governor.${id}_low`, value: low, unit: "x" },
  { id: `governor.${id}_high`, value: high, unit: "x" },
];

/** [GB2] */
function processFigures(rounds: readonly Round[]): Figure[] {
  const perTick = ({ cpuMs, tookMs }: Work): number => cpuMs / tookMs.length;
  const paused = rounds.map(({ work }) => work);
  const calm = rounds.map((round) => round.calm.work);
  const [pausedCpu, calmCpu] = [paused.map(perTick), calm.map(perTick)];
  const peer = "the same process while everybody reads";
  const judged = (name: string, value: number, interval: readonly [number, number], unit: string): Figure[] => [
    atMost({ id: `governor.process_${name}_ratio`, value, unit, bar: RATIO_BAR, peer }),
    ...between(`process_${name}_ratio`, interval),
  ];
  const ends = (share: number): [Rounds, Rounds, number] => [paused.map(({ endMs }) => endMs), calm.map(({ endMs }) => endMs), share];
  return [
    ...judged("cpu", sumRatio(pausedCpu, calmCpu), sumInterval(pausedCpu, calmCpu), "x of CPU per tick"),
    ...judged("end_p90", ratio(...ends(0.9)), interval(...ends(0.9)), "x"),
    { id: "governor.process_end_p99_ratio", value: ratio(...ends(0.99)), unit: "x" },
    ...between("process_end_p99_ratio", interval(...ends(0.99))),
    { id: "governor.process_cpu_ms", value: calmCpu.reduce((a, b) => a + b, 0) / calmCpu.length, unit: "ms of CPU per tick, calm" },
    { id: "governor.process_end_p90_ms", value: pooled(ends(0.9)[1], 0.9), unit: "ms after it was due that a tick ended, calm" },
    { id: "governor.process_end_p99_ms", value: pooled(ends(0.99)[1], 0.99), unit: "ms after it was due that a tick ended, calm" },
  ];
}

function endFigures(outcome: Outcome): Figure[] {
  const { rounds, queueBytes, said, listeners } = outcome;
  return [
    atMost({ id: "governor.queue_kib", value: queueBytes / KIB, unit: "KiB unread at most", bar: QUEUE_BAR_KIB }),
    atMost({
      id: "governor.closed_s",
      value: Math.max(...rounds.flatMap(({ closedS }) => closedS)),
      unit: "s after it stopped reading",
      bar: CLOSED_BAR_S,
    }),
    atMost({ id: "governor.closed_otherwise", value: wronglyClosed(outcome), unit: "sessions closed for another reason", bar: 0 }),
    atMost({ id: "governor.ordered_gaps", value: gaps(listeners, said), unit: "lines missing", bar: 0 }),
    { id: "governor.lines", value: said.reduce((a, b) => a + b, 0), unit: "lines said in all rooms" },
  ];
}

/** Each paused client ends with a retryable code, and nobody else ends. Where even the close frame had no room in the kernels it reads 1006. */
function wronglyClosed({ closings, listeners }: Outcome): number {
  const wasPaused = (index: number): boolean => listeners[index]?.paused === true;
  const wrong = closings.filter(({ index, code }) => !wasPaused(index) || !isRetryable(code)).length;
  const paused = listeners.filter((listener) => listener.paused).length;
  return wrong + Math.max(0, paused - closings.filter(({ index }) => wasPaused(index)).length);
}

/** Everybody has every line of their room, in order, from when they came; what a paused client has may end early, and has no gap before. */
export function gaps(listeners: readonly Listener[], said: readonly number[]): number {
  let missing = 0;
  for (const { room, paused, from, lines } of listeners) {
    const whole = listeners.find((listener) => listener.room === room && !listener.paused)?.lines ?? [];
    const heardFrom = whole.indexOf(lines[0] ?? -1);
    const first = heardFrom >= 0 && heardFrom < from ? heardFrom : from;
    const wanted = paused ? lines.length : (said[room] ?? 0) - first;
    for (let i = 0; i < Math.max(wanted, lines.length); i++) if (lines[i] === undefined || lines[i] !== whole[first + i]) missing++;
  }
  return missing;
}
