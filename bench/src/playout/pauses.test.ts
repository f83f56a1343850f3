/** People whose hands appear late and whose recordings pause: playout must soon be as near as fixed interpolation, on the same arrivals. */
import { DeviceState, newPoseSample, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { Playout } from "@copresence/shared/time";
import { Random, SyntheticPerson } from "@copresence/simulations/people";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gamma } from "./lanes.ts";
import { FixedInterpolation } from "./peers.ts";
import { quantile } from "./score.ts";
import { newStates } from "./simulate.ts";

const SEND_MS = 1000 / 60;
const FRAME_MS = 1000 / 90;
const LEFT = 7;
/** What happens, happens here: playout has learned the link and the person. */
const EVENT_MS = 3000;
const END_MS = 9000;
/** In half a second of one hand, 100 ms ahead, guesses may be unlucky. What is remembered wrongly costs twice the error and more. */
const CHANCE = 1.2;

type Play = {
  readonly seed: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Changes what is true at a time, and therefore sent and judged. */
  readonly shape?: (sample: PoseSample) => void;
  readonly silent?: (timeMs: number) => boolean;
};
type Frame = { readonly nowMs: number; readonly oursM: number; readonly fixedM: number; readonly ours: Float64Array };

/** Frames of the left hand, both viewers on exactly the same arrivals. */
function play({ seed, delayMs, jitterMs, shape, silent }: Play): Frame[] {
  const person = new SyntheticPerson({ seed, style: "gesture" });
  const truth = (timeMs: number): PoseSample => {
    const sample = newPoseSample();
    sample.timeMs = timeMs;
    person.sample(timeMs, sample.pose);
    shape?.(sample);
    return sample;
  };
  const random = new Random(seed);
  const arrivals: { atMs: number; sample: PoseSample }[] = [];
  let lastMs = 0;
  for (let t = 0; t < END_MS; t += SEND_MS) {
    lastMs = Math.max(lastMs, t + gamma(random, delayMs, jitterMs));
    if (silent?.(t) !== true) arrivals.push({ atMs: lastMs, sample: truth(t) });
  }
  const playout = new Playout();
  const fixed = new FixedInterpolation("timeline");
  const states = newStates();
  const other = new Float64Array(POSE_FLOATS);
  const frames: Frame[] = [];
  let next = 0;
  for (let nowMs = 200; nowMs < END_MS; nowMs += FRAME_MS) {
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.atMs <= nowMs; arrival = arrivals[++next]) {
      playout.push(arrival.sample, arrival.atMs);
      fixed.push(arrival.sample, arrival.atMs);
    }
    const ours = new Float64Array(POSE_FLOATS);
    if (!playout.sample(nowMs, ours, states) || !fixed.sample(nowMs, other)) continue;
    const { pose } = truth(nowMs);
    frames.push({ nowMs, oursM: distance(ours, pose), fixedM: distance(other, pose), ours });
  }
  return frames;
}

const distance = (a: Float64Array, b: Float64Array): number =>
  Math.hypot(...[0, 1, 2].map((axis) => (a[LEFT + axis] as number) - (b[LEFT + axis] as number)));

/** p95 of both between two times, m. */
function p95(frames: readonly Frame[], fromMs: number, toMs: number): { ours: number; fixed: number } {
  const within = frames.filter(({ nowMs }) => nowMs >= fromMs && nowMs < toMs);
  const of = (error: (frame: Frame) => number): number => quantile(Float64Array.from(within, error).sort(), 0.95);
  return { ours: of(({ oursM }) => oursM), fixed: of(({ fixedM }) => fixedM) };
}

const link = fc.constantFrom([10, 2], [20, 6], [40, 15], [100, 0]);
const seed = fc.integer({ min: 1, max: 1000 });

/** The hand is nowhere until it appears: at the origin, as recordings have it. */
const late =
  (state: number) =>
  ({ timeMs, pose, states }: PoseSample): void => {
    if (timeMs >= EVENT_MS) return;
    pose.fill(0, LEFT, LEFT + 6);
    pose[LEFT + 6] = 1;
    states[1] = state;
  };

describe("after a hand appears", () => {
  it.each([
    ["tracked", DeviceState.tracked],
    ["lost", DeviceState.lost],
  ] as const)("it is where it is no later than fixed interpolation has it, and no worse from then on (%s before)", (_, state) => {
    fc.assert(
      fc.property(seed, link, (one, [delayMs, jitterMs]) => {
        const frames = play({ seed: one, delayMs: delayMs as number, jitterMs: jitterMs as number, shape: late(state) });
        const after = frames.filter(({ nowMs }) => nowMs > EVENT_MS + SEND_MS);
        const arrivedMs = (error: (frame: Frame) => number): number => after.find((frame) => error(frame) < 0.25)?.nowMs ?? END_MS;
        expect(arrivedMs(({ oursM }) => oursM)).toBeLessThanOrEqual(arrivedMs(({ fixedM }) => fixedM));
        // From when fixed interpolation has it too, over the seconds in which a motion misunderstood was remembered.
        const from = EVENT_MS + (delayMs as number) + 150;
        for (const [fromMs, toMs] of [
          [from, from + 1000],
          [from, END_MS],
        ] as const) {
          const error = p95(frames, fromMs, toMs);
          expect(error.ours).toBeLessThanOrEqual(error.fixed * CHANCE);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe("when a sender pauses", () => {
  const pauseMs = fc.integer({ min: 500, max: 4000 });

  it("is where fixed interpolation is while nothing comes, and not worse from 150 ms after something does", () => {
    fc.assert(
      fc.property(seed, link, pauseMs, (one, [delayMs, jitterMs], pause) => {
        const resumeMs = EVENT_MS + pause;
        const silent = (t: number): boolean => t >= EVENT_MS && t < resumeMs;
        const frames = play({ seed: one, delayMs: delayMs as number, jitterMs: jitterMs as number, silent });
        const lost = frames.filter(({ nowMs }) => nowMs > EVENT_MS + 1500 + (delayMs as number) && nowMs < resumeMs);
        // Guesses are given up: the last measured place, which fixed interpolation holds.
        for (const { oursM, fixedM } of lost) expect(Math.abs(oursM - fixedM)).toBeLessThan(0.001);
        const from = resumeMs + (delayMs as number) + SEND_MS + 150;
        for (const toMs of [from + 500, from + 2000]) {
          const error = p95(frames, from, toMs);
          // A hand at rest is within millimetres in both.
          expect(error.ours).toBeLessThanOrEqual(Math.max(error.fixed * CHANCE, 0.005));
        }
      }),
      { numRuns: 40 },
    );
  });
});
