/**
 * `npm run bench -- governor`: one client of a hundred stops reading. What the others notice, what waits for it, how its session
 * ends, and whether anything ordered is missing in between (PROMISES P7). bench/README.md explains the figures.
 *
 * [GB1] One room, in which calm stretches and stretches with somebody paused take turns (each time somebody else); the ages of all frames
 *       of either kind are pooled. Ages count from when the driver believes that the room began, which is another moment for every process:
 *       those of two rooms do not compare.
 * [GB2] A line of chat is said every LINE_MS by one of the others: the ordered stream whose gaps would show.
 */
import { resolve } from "node:path";
import { isRetryable } from "@copresence/shared/protocol";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { canPin, pause } from "./child.ts";
import type { Closing, Heard } from "./driver.ts";
import { atMost } from "./figures.ts";
import { Load } from "./load.ts";
import { quantile } from "./memory.ts";

export type GovernorScale = {
  readonly seed: number;
  readonly people: number;
  readonly tickRateHz: number;
  readonly rounds: number;
  readonly warmMs: number;
  /** Of a calm stretch, and of one with somebody paused, from the pause on. */
  readonly measureMs: number;
  /** What more the paused client's close may take. */
  readonly closeMs: number;
  readonly transport: "ws" | "uws";
};

export const FULL: GovernorScale = { seed: 1, people: 100, tickRateHz: 30, rounds: 8, warmMs: 5000, measureMs: 8000, closeMs: 2500, transport: "ws" };

const RATIO_BAR = 1.05;
const QUEUE_BAR_KIB = 256;
const CLOSED_BAR_S = 10;
const LINE_MS = 700;
const KIB = 1024;
const LOOK_MS = 250;
const SPEAKER = 0;
/** For the last line, and for the backlog of the client that reads again. */
const DRAIN_MS = 1500;

type Ages = readonly number[];
type Closed = { readonly reason: string; readonly atMs: number };
type Outcome = {
  readonly calm: readonly Ages[];
  readonly paused: readonly Ages[];
  readonly closedAfterS: readonly number[];
  readonly queueBytes: number;
  readonly closings: readonly Closing[];
  readonly heard: Heard;
  /** Lines said. */
  readonly said: number;
};

/** `--count`: rounds, of somebody else each. */
export async function governor(options: SuiteOptions, progress: (line: string) => void, whole = FULL): Promise<SuiteResult> {
  const scale = { ...whole, rounds: options.count ?? whole.rounds };
  const traces = options.traces === undefined ? undefined : resolve(options.traces);
  const settings = { ...scale, motion: traces === undefined ? "synthetic" : "recorded", pinned: canPin() };
  return { settings, figures: figuresOf(scale, await play(scale, traces, progress)) };
}

function figuresOf({ people, rounds }: GovernorScale, outcome: Outcome): Figure[] {
  const { calm, paused, closedAfterS, queueBytes, said } = outcome;
  const of = (stretches: readonly Ages[], q: number): number => quantile(Float64Array.from(stretches.flat()), q);
  const byRound = paused.map((ages, round) => of([ages], 0.99) / of([calm[round] ?? []], 0.99));
  const odd = (_: Ages, i: number): boolean => i % 2 === 1;
  const even = (_: Ages, i: number): boolean => i % 2 === 0;
  const wasPaused = (index: number): boolean => index >= people - rounds;
  return [
    atMost({
      id: "governor.others_p99_ratio",
      value: of(paused, 0.99) / of(calm, 0.99),
      unit: "x",
      bar: RATIO_BAR,
      peer: "the same room with nobody paused",
    }),
    // One burst of a neighbour on the machine is all of a pooled p99; of a median over rounds it is one of eight.
    { id: "governor.others_p99_ratio_median", value: quantile(Float64Array.from(byRound), 0.5), unit: "x, median of the rounds" },
    { id: "governor.others_p99_ms", value: of(paused, 0.99), unit: "ms since the tick, on arrival" },
    { id: "governor.calm_p99_ms", value: of(calm, 0.99), unit: "ms since the tick, on arrival" },
    { id: "governor.others_p50_ratio", value: of(paused, 0.5) / of(calm, 0.5), unit: "x" },
    // How far the machine alone takes two halves of the calm apart.
    {
      id: "governor.calm_p99_spread",
      value: of(calm.filter(even), 0.99) / of(calm.filter(odd), 0.99),
      unit: "x, even calm stretches against odd ones",
    },
    atMost({ id: "governor.queue_kib", value: queueBytes / KIB, unit: "KiB unread at most", bar: QUEUE_BAR_KIB }),
    atMost({ id: "governor.closed_s", value: Math.max(...closedAfterS), unit: "s after it stopped reading", bar: CLOSED_BAR_S }),
    atMost({ id: "governor.closed_otherwise", value: wronglyClosed(outcome, rounds, wasPaused), unit: "sessions closed for another reason", bar: 0 }),
    atMost({ id: "governor.ordered_gaps", value: gaps(outcome, wasPaused), unit: "lines missing", bar: 0 }),
    { id: "governor.lines", value: said, unit: "lines said" },
  ];
}

/** Each paused client ends with a retryable code, and nobody else ends. Where even the close frame had no room in the kernels it reads 1006. */
function wronglyClosed({ closings }: Outcome, rounds: number, wasPaused: (index: number) => boolean): number {
  const wrong = closings.filter(({ index, code }) => !wasPaused(index) || !isRetryable(code)).length;
  return wrong + Math.max(0, rounds - closings.filter(({ index }) => wasPaused(index)).length);
}

/** Every other client has every line; what a paused one has is the beginning of them. */
function gaps({ heard, said }: Outcome, wasPaused: (index: number) => boolean): number {
  let missing = 0;
  const whole = heard[SPEAKER] ?? [];
  heard.forEach((lines, index) => {
    const wanted = wasPaused(index) ? lines.length : said;
    for (let i = 0; i < wanted; i++) if (lines[i] === undefined || lines[i] !== whole[i]) missing++;
  });
  return missing;
}

async function play(scale: GovernorScale, traces: string | undefined, progress: (line: string) => void): Promise<Outcome> {
  const { people, tickRateHz, transport, seed, rounds, warmMs } = scale;
  const load = await Load.start("ours", { tickRateHz, transport });
  const calm: Ages[] = [];
  const paused: Ages[] = [];
  const closedAfterS: number[] = [];
  try {
    await load.connect({ count: people, uplinkHz: tickRateHz, tickRateHz, seed, traces });
    await pause(warmMs);
    let said = 0;
    const speaking = setInterval(() => void load.askDriver("say", { index: SPEAKER, text: `line ${said++}` }), LINE_MS);
    for (let round = 0; round < rounds; round++) {
      const everybody = await stretch(load, scale);
      calm.push(everybody);
      const index = people - 1 - round;
      const pausedAtMs = await load.askDriver<number>("pause", { index });
      const others = await stretch(load, scale);
      paused.push(others);
      const [calmMs, othersMs] = [everybody, others].map((ages) => quantile(Float64Array.from(ages), 0.99).toFixed(1));
      progress(`round ${round + 1} of ${rounds}: p99 age ${calmMs} ms while everybody reads, ${othersMs} ms while one does not`);
      closedAfterS.push((await closeOf(load, round, scale.closeMs)) - pausedAtMs / 1000);
      await load.askDriver("resume", { index });
    }
    clearInterval(speaking);
    await pause(DRAIN_MS);
    const { unreadBytesMost } = await load.askServer<{ readonly unreadBytesMost: number }>("traffic");
    const [closings, heard] = [await load.closings(), await load.askDriver<Heard>("heard")];
    return { calm, paused, closedAfterS, queueBytes: unreadBytesMost, closings, heard, said };
  } finally {
    await load.stop();
  }
}

async function stretch(load: Load, { measureMs }: GovernorScale): Promise<Ages> {
  await load.measure(measureMs);
  return load.askDriver<Ages>("ages");
}

/** When the server closed its `nth` slow consumer, s; infinity when it did not within `waitMs`. */
async function closeOf(load: Load, nth: number, waitMs: number): Promise<number> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const slow = (await load.askServer<readonly Closed[]>("closed")).filter(({ reason }) => reason === "slowConsumer");
    const closed = slow[nth];
    if (closed !== undefined) return closed.atMs / 1000;
    if (waited >= waitMs) return Number.POSITIVE_INFINITY;
    await pause(LOOK_MS);
  }
}
