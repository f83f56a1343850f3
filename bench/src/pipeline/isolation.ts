/**
 * What a room's ticks cost while its pipeline is flooded, frozen or dead, against the same room with an idle pipeline.
 *
 * [IB1] One room in one process, in which idle stretches and stretches of each trouble take turns, in another order each round: what else happens
 *       on the machine, and how warm the process is, happens to all alike. The ticks of all stretches of a kind are pooled.
 * [IB2] A stretch of trouble counts from the moment the trouble begins, so that the worker's end and its successors' starts are in it; an idle one
 *       from `settleMs` after a worker serves again.
 * [IB3] The spread, p99 of the even idle stretches over that of the odd ones, says how far the machine alone takes two such figures apart.
 */
import { Crowd } from "@copresence/simulations/bots";
import type { Phase } from "./room-server.ts";
import { type RoomServer, startRoomServer } from "./room-server-client.ts";
import { pause, quantiles } from "./timing.ts";

export type IsolationSettings = {
  readonly troubles: readonly Trouble[];
  readonly people: number;
  readonly rounds: number;
  readonly troubleMs: number;
  readonly idleMs: number;
  readonly settleMs: number;
};
export type Trouble = Exclude<Phase, "idle">;
export type Ticks = {
  /** Durations, ms. */
  readonly took: readonly number[];
  /** When each ended after it was due, ms. */
  readonly end: readonly number[];
};
export type IsolationResult = { readonly idle: readonly Ticks[]; readonly troubled: ReadonlyMap<Trouble, readonly Ticks[]> };

export const TROUBLES: readonly Trouble[] = ["flooded", "frozen", "dead"];
const TICK_RATE_HZ = 60;
const POSES_HZ = 30;
const LOOK_MS = 100;

export async function isolation(settings: IsolationSettings, progress: (line: string) => void): Promise<IsolationResult> {
  const { troubles, people, rounds, troubleMs, idleMs, settleMs } = settings;
  const server = await startRoomServer({ pipeline: { kind: "process" }, tickRateHz: TICK_RATE_HZ, spaces: ["bench"] });
  const crowd = await Crowd.join({
    url: server.url,
    space: "bench",
    count: people,
    seed: 1,
    rateHz: POSES_HZ,
    handles: true,
    talks: true,
    looks: false,
  });
  if (!crowd.ok) throw new Error(crowd.error.sentence);
  try {
    const idle: Ticks[] = [];
    const troubled = new Map<Trouble, Ticks[]>(troubles.map((trouble) => [trouble, []]));
    // Everything compiles, the troubles' own code too, before anything counts.
    for (const trouble of troubles) {
      await stretch(server, trouble, settleMs);
      await recover(server);
    }
    for (let round = 0; round < rounds; round++) {
      progress(`isolation, round ${round + 1} of ${rounds}`);
      for (let turn = 0; turn < troubles.length; turn++) {
        const trouble = troubles[(round + turn) % troubles.length] as Trouble;
        troubled.get(trouble)?.push(await stretch(server, trouble, troubleMs));
        await recover(server);
        await pause(settleMs);
        idle.push(await stretch(server, "idle", idleMs));
      }
    }
    return { idle, troubled };
  } finally {
    await crowd.value.leave();
    await server.stop();
  }
}

/** The quantile of all ticks of these stretches together. */
export function pooled(stretches: readonly Ticks[], what: keyof Ticks, share: number): number {
  return (
    quantiles(
      stretches.flatMap((ticks) => ticks[what]),
      [share],
    )[0] ?? NaN
  );
}

/** [IB3] */
export function spread(stretches: readonly Ticks[]): number {
  const half = (rest: number): Ticks[] => stretches.filter((_, i) => i % 2 === rest);
  return pooled(half(0), "took", 0.99) / pooled(half(1), "took", 0.99);
}

async function stretch(server: RoomServer, phase: Phase, ms: number): Promise<Ticks> {
  server.tell({ kind: "record" });
  server.tell({ kind: "phase", phase });
  await pause(ms);
  const { tookMs, lateMs } = await server.take();
  return { took: tookMs, end: tookMs.map((took, i) => took + (lateMs[i] ?? 0)) };
}

/** Until a worker serves again and the fallback has nothing left to do. */
async function recover(server: RoomServer): Promise<void> {
  server.tell({ kind: "phase", phase: "idle" });
  for (;;) {
    await pause(LOOK_MS);
    const { health } = await server.take();
    if (health.state === "ready" && health.queued === 0) return;
  }
}
