/** Plays motions over one network to playout and its peers, and sums up what each showed. */
import { Playout } from "@copresence/shared/time";
import { Random } from "@copresence/simulations/people";
import type { Dump } from "./dump.ts";
import type { Motion } from "./motion.ts";
import type { Network } from "./networks.ts";
import { FixedInterpolation, type Viewer } from "./peers.ts";
import { Score, type Summary } from "./score.ts";
import { ClientClock, newStates, type Rates, simulate } from "./simulate.ts";
import { EventQueue } from "@copresence/simulations/world";

export type Measured = {
  readonly ours: Summary;
  /** Fixed 100 ms behind the sender's timeline, behind arrival, and behind the room's clock (peers.ts). */
  readonly fixed: Summary;
  readonly arrival: Summary;
  readonly clock: Summary;
};

const NAMES = ["ours", "fixed", "arrival", "clock"] as const;

/** The SDK's playout with its default settings. */
function ours(): Viewer {
  const playout = new Playout();
  const states = newStates();
  return {
    push: (sample, arrivalMs) => playout.push(sample, arrivalMs),
    sample: (nowMs, out) => playout.sample(nowMs, out, states),
  };
}

export type Measurement = {
  readonly network: Network;
  readonly motions: readonly Motion[];
  readonly rates: Rates;
  readonly seed: number;
  /** How often every motion is played, each time with other luck and elsewhere in the recording of the network. */
  readonly passes: number;
  /** Takes the first pass. */
  readonly dump?: Dump | undefined;
};

/** Part of a network recording by which passes are apart: no small fraction, so that none begins where another did. */
const PASS_STEP = 0.31;

export function measure({ network, motions, rates, seed, passes, dump }: Measurement): Measured {
  const scores = NAMES.map(() => new Score());
  let playedMs = 0;
  for (let pass = 0; pass < passes; pass++) {
    for (const motion of motions) {
      for (const score of scores) score.begin();
      const to = pass === 0 ? dump : undefined;
      to?.begin();
      simulate({
        motion,
        network,
        rates,
        random: new Random(seed).fork(`${network.id} ${motion.id} ${pass}`),
        startMs: network.lengthMs === 0 ? 0 : (playedMs + pass * PASS_STEP * network.lengthMs) % network.lengthMs,
        viewers: [ours(), new FixedInterpolation("timeline"), new FixedInterpolation("arrival"), new FixedInterpolation("clock")],
        onArrival: (nowMs, arrivalMs, sample) => to?.arrival(nowMs, arrivalMs, sample),
        onFrame: (nowMs, truth, shown) => {
          for (let i = 0; i < scores.length; i++) (scores[i] as Score).add(shown[i] as Float64Array, truth);
          to?.frame(nowMs, truth, shown[0] as Float64Array, shown[1] as Float64Array);
        },
      });
      to?.write(network.id, motion.id);
      playedMs += motion.timesMs[motion.count - 1] as number;
    }
  }
  const [first, second, third, fourth] = scores.map((score) => score.summary()) as [Summary, Summary, Summary, Summary];
  return { ours: first, fixed: second, arrival: third, clock: fourth };
}

/** Absolute errors of the estimated room clock, ms, sorted: `joins` clients, every 100 ms from 2 s to 10 s after joining. */
export function clockErrors(network: Network, seed: number, joins: number): Float64Array {
  const errors: number[] = [];
  for (let join = 0; join < joins; join++) {
    const random = new Random(seed).fork(`clock ${network.id} ${join}`);
    const queue = new EventQueue();
    const { watcherUp, watcherDown } = network.lanes({ random, startMs: 0, intervalMs: 1000 / 60 });
    const clock = new ClientClock(queue, { up: watcherUp, down: watcherDown }, random.between(1e4, 1e6), random.between(-50, 50));
    clock.beat();
    for (let atMs = 2000; atMs <= 10_000; atMs += 100) {
      queue.runUntil(atMs);
      errors.push(Math.abs(clock.roomMs - atMs));
    }
  }
  return Float64Array.from(errors).sort();
}
