/**
 * What a room's ticks cost while its pipeline is flooded, frozen or dead, against the same rooms with an idle pipeline.
 *
 * [IB1] A few rooms in one process, in which idle stretches and stretches of each trouble take turns many times, in another order each round: what else
 *       happens on the machine, and how warm the process is, happens to all alike. The ticks of all rooms and of all stretches of a state are pooled.
 * [IB2] A stretch of trouble counts from the moment the trouble begins, so that the worker's end and its successors' starts are in it; an idle one
 *       from `settleMs` after a worker serves again and nothing waits.
 * [IB3] `control` is a state like the troubles, as long and as often and after the same pause, but nothing is wrong in it: its ratio says what the
 *       machine and the estimator alone make of no difference at all.
 * [IB4] Ratios and their intervals are those of rounds.ts: a round's ticks stay together, for they share its weather.
 */
import { Crowd } from "@copresence/simulations/bots";
import * as rounds from "../rounds.ts";
import type { Phase } from "./room-server.ts";
import { type RoomServer, startRoomServer } from "./room-server-client.ts";
import { pause } from "./timing.ts";

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

export async function isolation(settings: IsolationSettings, progress: (line: string) => void): Promise<IsolationResult> {
  const { troubles, rooms, people, troubleMs, idleMs, settleMs } = settings;
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
    for (let round = 0; round < settings.rounds; round++) {
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
      progress(`isolation, round ${round + 1} of ${settings.rounds}: p99 so far, of idle's: ${soFar.join(", ")}`);
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
export const pooled = (stretches: readonly Ticks[], { what, share }: Measure): number => rounds.pooled(only(stretches, what), share);

/** A state's pooled quantile over idle's. */
export const ratio = (result: IsolationResult, state: State, measure: Measure): number => rounds.ratio(...against(result, state, measure));
export const medianRatio = (result: IsolationResult, state: State, measure: Measure): number =>
  rounds.medianRatio(...against(result, state, measure));
/** [IB4] */
export const interval = (result: IsolationResult, state: State, measure: Measure): readonly [low: number, high: number] =>
  rounds.interval(...against(result, state, measure));

const only = (stretches: readonly Ticks[], what: keyof Ticks): rounds.Rounds => stretches.map((ticks) => ticks[what]);
const against = (result: IsolationResult, state: State, { what, share }: Measure): [rounds.Rounds, rounds.Rounds, number] => [
  only(result.get(state) ?? [], what),
  only(result.get("idle") ?? [], what),
  share,
];

export const countOf = (stretches: readonly Ticks[]): number => stretches.reduce((sum, { took }) => sum + took.length, 0);

const together = (stretches: readonly Ticks[]): Ticks => ({
  took: stretches.flatMap(({ took }) => took),
  end: stretches.flatMap(({ end }) => end),
});

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
