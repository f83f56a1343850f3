/**
 * `npm run bench -- governor [--long]`: one client of a hundred stops reading. What the others notice, what waits for it, how its session
 * ends, and whether anything ordered is missing in between (PROMISES P7). bench/README.md explains the figures.
 *
 * [GB1] Rounds with and without the paused client take turns, each in fresh processes; the medians of both are compared.
 * [GB2] A line of chat is said every LINE_MS by one of the others: the ordered stream whose gaps would show.
 */
import { resolve } from "node:path";
import { isRetryable } from "@copresence/shared/protocol";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { canPin, pause } from "./child.ts";
import type { Closing, Heard } from "./driver.ts";
import { atMost, median } from "./figures.ts";
import { Load, type Window } from "./load.ts";

export type GovernorScale = {
  readonly seed: number;
  readonly people: number;
  readonly tickRateHz: number;
  readonly rounds: number;
  readonly warmMs: number;
  /** From the pause on; the paused client is closed within it when it is longer than the stall limit. */
  readonly measureMs: number;
  readonly transport: "ws" | "uws";
};

export const FULL: GovernorScale = { seed: 1, people: 100, tickRateHz: 30, rounds: 3, warmMs: 3000, measureMs: 13_000, transport: "ws" };
export const LONG: GovernorScale = { ...FULL, measureMs: 60_000 };

const RATIO_BAR = 1.05;
const QUEUE_BAR_KIB = 256;
const CLOSED_BAR_S = 10;
const LINE_MS = 700;
const KIB = 1024;
const PAUSED = 0;
const SPEAKER = 1;
/** For the last line, and for the backlog of the client that reads again. */
const DRAIN_MS = 1500;

type Round = {
  readonly window: Window;
  readonly queueBytes: number;
  readonly closings: readonly Closing[];
  readonly closedAfterS: number;
  readonly heard: Heard;
  /** Lines said while it ran. */
  readonly said: number;
};

export async function governor(options: SuiteOptions, progress: (line: string) => void, scale?: GovernorScale): Promise<SuiteResult> {
  const settings = scale ?? (options.long === true ? LONG : FULL);
  const traces = options.traces === undefined ? undefined : resolve(options.traces);
  const calm: Round[] = [];
  const paused: Round[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    progress(`round ${round} of ${settings.rounds}: everybody reads, then one does not`);
    calm.push(await play(settings, traces, false));
    paused.push(await play(settings, traces, true));
  }
  return { settings: { ...settings, motion: traces === undefined ? "synthetic" : "recorded", pinned: canPin() }, figures: figuresOf(calm, paused) };
}

function figuresOf(calm: readonly Round[], paused: readonly Round[]): Figure[] {
  const p99 = (rounds: readonly Round[]): number => median(rounds.map(({ window }) => window.ageP99Ms));
  const p50 = (rounds: readonly Round[]): number => median(rounds.map(({ window }) => window.ageP50Ms));
  const most = (of: (round: Round) => number): number => Math.max(...paused.map(of));
  return [
    atMost({ id: "governor.others_p99_ratio", value: p99(paused) / p99(calm), unit: "x", bar: RATIO_BAR, peer: "the same room with nobody paused" }),
    { id: "governor.others_p99_ms", value: p99(paused), unit: "ms since the tick, on arrival" },
    { id: "governor.calm_p99_ms", value: p99(calm), unit: "ms since the tick, on arrival" },
    { id: "governor.others_p50_ratio", value: p50(paused) / p50(calm), unit: "x" },
    atMost({ id: "governor.queue_kib", value: most(({ queueBytes }) => queueBytes) / KIB, unit: "KiB unread at most", bar: QUEUE_BAR_KIB }),
    atMost({ id: "governor.closed_s", value: most(({ closedAfterS }) => closedAfterS), unit: "s after it stopped reading", bar: CLOSED_BAR_S }),
    atMost({ id: "governor.closed_otherwise", value: most(wronglyClosed), unit: "sessions closed for another reason", bar: 0 }),
    atMost({ id: "governor.ordered_gaps", value: most(gaps), unit: "lines missing", bar: 0 }),
    { id: "governor.lines", value: Math.min(...paused.map(({ said }) => said)), unit: "lines said a round" },
  ];
}

/** The paused client ends with a retryable code, and nobody else ends. Where even the close frame had no room in the kernels it reads 1006. */
const wronglyClosed = ({ closings }: Round): number =>
  closings.filter(({ index, code }) => index !== PAUSED || !isRetryable(code)).length + (closings.some(({ index }) => index === PAUSED) ? 0 : 1);

/** Every other client has every line; what the paused one has is the beginning of them. */
function gaps({ heard, said }: Round): number {
  let missing = 0;
  const whole = heard[SPEAKER] ?? [];
  heard.forEach((lines, index) => {
    const wanted = index === PAUSED ? lines.length : said;
    for (let i = 0; i < wanted; i++) if (lines[i] === undefined || lines[i] !== whole[i]) missing++;
  });
  return missing;
}

async function play(scale: GovernorScale, traces: string | undefined, pauses: boolean): Promise<Round> {
  const { people, tickRateHz, transport, seed, warmMs, measureMs } = scale;
  const load = await Load.start("ours", { tickRateHz, transport });
  try {
    await load.connect({ count: people, uplinkHz: tickRateHz, tickRateHz, seed, traces });
    await pause(warmMs);
    const pausedAtMs = pauses ? await load.askDriver<number>("pause", { index: PAUSED }) : 0;
    let said = 0;
    const speaking = setInterval(() => void load.askDriver("say", { index: SPEAKER, text: `line ${said++}` }), LINE_MS);
    const window = await load.measure(measureMs);
    clearInterval(speaking);
    await pause(DRAIN_MS);
    if (pauses) await load.askDriver("resume", { index: PAUSED });
    await pause(DRAIN_MS);
    const { unreadBytesMost } = await load.askServer<{ readonly unreadBytesMost: number }>("traffic");
    const ended = await load.askServer<readonly { readonly reason: string; readonly atMs: number }[]>("closed");
    const slow = ended.find(({ reason }) => reason === "slowConsumer");
    return {
      window,
      queueBytes: unreadBytesMost,
      closings: await load.closings(),
      closedAfterS: !pauses ? 0 : slow === undefined ? Number.POSITIVE_INFINITY : (slow.atMs - pausedAtMs) / 1000,
      heard: await load.askDriver<Heard>("heard"),
      said,
    };
  } finally {
    await load.stop();
  }
}
