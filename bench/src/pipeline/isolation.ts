/**
 * What a room's ticks cost while its pipeline is flooded, frozen or dead, against the same room with an idle pipeline, minutes apart at most:
 * phases alternate idle, X, idle, Y, idle, Z, and every phase is compared with the two idle ones around it, so that what else happens on the machine
 * happens to both.
 */
import { Crowd } from "@copresence/simulations/bots";
import type { Phase } from "./room-server.ts";
import { type RoomServer, startRoomServer } from "./room-server-client.ts";
import { median, pause, quantiles } from "./timing.ts";

export type IsolationSettings = {
  readonly troubles: readonly Trouble[];
  readonly people: number;
  readonly rounds: number;
  readonly phaseMs: number;
  readonly settleMs: number;
};
export type Trouble = Exclude<Phase, "idle">;
export type TroubleResult = {
  /** p99 of a tick's duration in the phase over that in the idle phases around it; median of the rounds. */
  readonly ratio: number;
  /** The same of the median, which a busy machine disturbs less. */
  readonly medianRatio: number;
  /** The same of when a tick ended after it was due. */
  readonly endRatio: number;
  /** Over all ticks of all rounds together. */
  readonly pooledRatio: number;
  readonly p99Ms: number;
  readonly ticks: number;
};
export const TROUBLES: readonly Trouble[] = ["flooded", "frozen", "dead"];
const TICK_RATE_HZ = 60;
const POSES_HZ = 30;

type Sample = { readonly took: readonly number[]; readonly end: readonly number[] };

export async function isolation(
  settings: IsolationSettings,
  progress: (line: string) => void,
): Promise<Readonly<Record<Trouble | "idle", TroubleResult>>> {
  const server = await startRoomServer({ pipeline: { kind: "process" }, tickRateHz: TICK_RATE_HZ, spaces: ["bench"] });
  const crowd = await Crowd.join({
    url: server.url,
    space: "bench",
    count: settings.people,
    seed: 1,
    rateHz: POSES_HZ,
    handles: true,
    talks: true,
    looks: false,
  });
  if (!crowd.ok) throw new Error(crowd.error.sentence);
  try {
    await run(server, "idle", settings);
    const idles: Sample[] = [await run(server, "idle", settings)];
    const troubled: Record<Trouble, { sample: Sample; around: readonly [Sample, Sample] }[]> = { flooded: [], frozen: [], dead: [] };
    for (let round = 0; round < settings.rounds; round++) {
      progress(`isolation, round ${round + 1} of ${settings.rounds}`);
      for (const trouble of settings.troubles) {
        const sample = await run(server, trouble, settings);
        await recover(server);
        const after = await run(server, "idle", settings);
        troubled[trouble].push({ sample, around: [idles.at(-1) as Sample, after] });
        idles.push(after);
      }
    }
    const [idleP99 = NaN] = quantiles(
      idles.flatMap(({ took }) => took),
      [0.99],
    );
    const result = (trouble: Trouble): TroubleResult => {
      const rounds = troubled[trouble];
      const took = rounds.flatMap(({ sample }) => sample.took);
      const [p99Ms = NaN] = quantiles(took, [0.99]);
      return {
        ratio: ratioOf(rounds, "took", 0.99),
        medianRatio: ratioOf(rounds, "took", 0.5),
        endRatio: ratioOf(rounds, "end", 0.99),
        pooledRatio: p99Ms / idleP99,
        p99Ms,
        ticks: took.length,
      };
    };
    const ticks = idles.reduce((sum, { took }) => sum + took.length, 0);
    return {
      idle: { ratio: 1, medianRatio: 1, endRatio: 1, pooledRatio: 1, p99Ms: idleP99, ticks },
      flooded: result("flooded"),
      frozen: result("frozen"),
      dead: result("dead"),
    };
  } finally {
    await crowd.value.leave();
    await server.stop();
  }
}

function ratioOf(
  rounds: readonly { readonly sample: Sample; readonly around: readonly [Sample, Sample] }[],
  what: keyof Sample,
  share: number,
): number {
  const at = (values: readonly number[]): number => quantiles(values, [share])[0] ?? NaN;
  return median(rounds.map(({ sample, around: [before, after] }) => at(sample[what]) / at([...before[what], ...after[what]])));
}

async function run(server: RoomServer, phase: Phase, { settleMs, phaseMs }: IsolationSettings): Promise<Sample> {
  server.tell({ kind: "phase", phase });
  await pause(settleMs);
  server.tell({ kind: "record" });
  await pause(phaseMs);
  const { tookMs, lateMs } = await server.take();
  return { took: tookMs, end: tookMs.map((took, i) => took + (lateMs[i] ?? 0)) };
}

/** Until a worker serves again and the fallback has nothing left to do. */
async function recover(server: RoomServer): Promise<void> {
  server.tell({ kind: "phase", phase: "idle" });
  for (;;) {
    await pause(200);
    const { health } = await server.take();
    if (health.state === "ready" && health.queued === 0) return;
  }
}
