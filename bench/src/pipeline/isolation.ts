/**
 * What a room's ticks cost while its pipeline is flooded, frozen or dead, against the same rooms with an idle pipeline.
 *
 * [IB1] A few rooms in one process, in which idle stretches and stretches of each trouble take turns many times, in another order each round: what else
 *       happens on the machine, and how warm the process is, happens to all alike. The ticks of all rooms and of all stretches of a state are pooled.
 * [IB2] A stretch of trouble counts from the moment the trouble begins, so that the worker's end and its successors' starts are in it; an idle one
 *       from `settleMs` after a worker serves again and nothing waits.
 * [IB3] `control` is a state like the troubles, as long and as often and after the same pause, but nothing is wrong in it: its ratio says what the
 *       machine and the estimator alone make of no difference at all.
 * [IB4] The interval of a ratio is the bootstrap's over rounds (a round's ticks stay together, for they share its weather): 5th to 95th percentile.
 */
import { Crowd } from "@copresence/simulations/bots";
import { Random } from "@copresence/simulations/random";
import type { Phase } from "./room-server.ts";
import { type RoomServer, startRoomServer } from "./room-server-client.ts";
import { pause, quantiles } from "./timing.ts";

export type IsolationSettings = {
  readonly troubles: readonly Trouble[];
  readonly rooms: number;
  /** Per room. */
  readonly people: number;
  readonly rounds: number;
  readonly troubleMs: number;
  /** Before each trouble, and before the control. */
  readonly idleMs: number;
  readonly settleMs: number;
};
export type Trouble = Exclude<Phase, "idle">;
export type State = Phase | "control";
export type Ticks = {
  /** Durations, ms. */
  readonly took: readonly number[];
  /** When each ended after it was due, ms. */
  readonly end: readonly number[];
};
/** By state, one entry per round. */
export type IsolationResult = ReadonlyMap<State, readonly Ticks[]>;

export const TROUBLES: readonly Trouble[] = ["flooded", "frozen", "dead"];
const TICK_RATE_HZ = 60;
const POSES_HZ = 30;
const RESAMPLES = 200;
const INTERVAL = [0.05, 0.95] as const;

export async function isolation(settings: IsolationSettings, progress: (line: string) => void): Promise<IsolationResult> {
  const { troubles, rooms, people, rounds, troubleMs, idleMs, settleMs } = settings;
  const spaces = Array.from({ length: rooms }, (_, i) => `bench-${i}`);
  const server = await startRoomServer({ pipeline: { kind: "process" }, tickRateHz: TICK_RATE_HZ, spaces });
  const crowds: Crowd[] = [];
  try {
    for (const [seed, space] of spaces.entries()) {
      const crowd = await Crowd.join({ url: server.url, space, count: people, seed, rateHz: POSES_HZ, handles: true, talks: true, looks: false });
      if (!crowd.ok) throw new Error(crowd.error.sentence);
      crowds.push(crowd.value);
    }
    // Everything compiles, the troubles' own code too, before anything counts.
    for (const trouble of troubles) {
      await stretch(server, trouble, settleMs);
      await recover(server);
    }
    const states: readonly Exclude<State, "idle">[] = ["control", ...troubles];
    const result = new Map<State, Ticks[]>([["idle", []], ...states.map((state): [State, Ticks[]] => [state, []])]);
    for (let round = 0; round < rounds; round++) {
      const calm: Ticks[] = [];
      for (let turn = 0; turn < states.length; turn++) {
        const state = states[(round + turn) % states.length] as Exclude<State, "idle">;
        await recover(server);
        await pause(settleMs);
        calm.push(await stretch(server, "idle", idleMs));
        result.get(state)?.push(await stretch(server, state === "control" ? "idle" : state, troubleMs));
      }
      result.get("idle")?.push(together(calm));
      const soFar = states.map((state) => `${state} ${ratio(result, state, { what: "took", share: 0.99 }).toFixed(3)}`);
      progress(`isolation, round ${round + 1} of ${rounds}: p99 so far, of idle's: ${soFar.join(", ")}`);
    }
    return result;
  } finally {
    await Promise.all(crowds.map((crowd) => crowd.leave()));
    await server.stop();
  }
}

/** Which quantile of what. */
type Measure = { readonly what: keyof Ticks; readonly share: number };
/** The quantile of all ticks of these stretches together. */
export function pooled(stretches: readonly Ticks[], { what, share }: Measure): number {
  return quantile(
    stretches.flatMap((ticks) => ticks[what]),
    share,
  );
}

/** A state's pooled quantile over idle's. */
export function ratio(result: IsolationResult, state: State, measure: Measure): number {
  return pooled(result.get(state) ?? [], measure) / pooled(result.get("idle") ?? [], measure);
}

/** The median of the rounds' own ratios: what remains when one stretch met bad weather. */
export function medianRatio(result: IsolationResult, state: State, measure: Measure): number {
  const idle = result.get("idle") ?? [];
  const ratios = (result.get(state) ?? []).map((mine, round) => pooled([mine], measure) / pooled(idle.slice(round, round + 1), measure));
  return quantiles(ratios, [0.5])[0] ?? Number.NaN;
}

/** [IB4] The same rounds are drawn for both. */
export function interval(result: IsolationResult, state: State, measure: Measure): readonly [low: number, high: number] {
  const random = new Random(1);
  const rounds = result.get(state)?.length ?? 0;
  const resampled = (): number => {
    const drawn = Array.from({ length: rounds }, () => random.int(rounds));
    const again = (which: State): readonly Ticks[] => drawn.flatMap((round) => result.get(which)?.[round] ?? []);
    return pooled(again(state), measure) / pooled(again("idle"), measure);
  };
  const [low = Number.NaN, high = Number.NaN] = quantiles(Array.from({ length: RESAMPLES }, resampled), INTERVAL);
  return [low, high];
}

export const countOf = (stretches: readonly Ticks[]): number => stretches.reduce((sum, { took }) => sum + took.length, 0);

const together = (stretches: readonly Ticks[]): Ticks => ({
  took: stretches.flatMap(({ took }) => took),
  end: stretches.flatMap(({ end }) => end),
});

/** Nearest rank, as `quantiles`, for many ticks many times. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

async function stretch(server: RoomServer, phase: Phase, ms: number): Promise<Ticks> {
  server.tell({ kind: "record" });
  server.tell({ kind: "phase", phase });
  await pause(ms);
  const { tookMs, lateMs } = await server.take();
  return { took: tookMs, end: tookMs.map((took, i) => took + (lateMs[i] ?? 0)) };
}

async function recover(server: RoomServer): Promise<void> {
  server.tell({ kind: "phase", phase: "idle" });
  await server.settled();
}
