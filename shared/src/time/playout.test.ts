import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceState, newPoseSample, POSE_FLOATS, type PoseSample } from "../pose/types.ts";
import { LatenessHistogram } from "./lateness.ts";
import { Playout } from "./playout.ts";
import { gammaMs, seededRandom } from "./testing.ts";

const SPACING_MS = 1000 / 60;

/** A body swinging at `hz` with amplitude `m`: head and hands move alike, the head turns with it. */
function swing(timeMs: number, hz: number, m: number, out: PoseSample = newPoseSample()): PoseSample {
  const phase = (2 * Math.PI * hz * timeMs) / 1000;
  out.timeMs = timeMs;
  for (let at = 0; at < POSE_FLOATS; at += 7) {
    out.pose[at] = m * Math.sin(phase) + at;
    out.pose[at + 1] = 1.6;
    out.pose[at + 2] = m * Math.cos(phase);
    out.pose[at + 4] = Math.sin(0.5 * Math.sin(phase));
    out.pose[at + 6] = Math.cos(0.5 * Math.sin(phase));
  }
  return out;
}

/** Head and hands together at `x`. */
function along(timeMs: number, x: number): PoseSample {
  const sample = newPoseSample();
  sample.timeMs = timeMs;
  for (let at = 0; at < POSE_FLOATS; at += 7) sample.pose[at] = x;
  return sample;
}

/** Distance of one device from the truth, m, and the angle between, rad. */
function errorOf(out: Float64Array, truth: Float64Array, device: number): { m: number; rad: number } {
  const at = device * 7;
  const diff = [0, 1, 2].map((axis) => (out[at + axis] as number) - (truth[at + axis] as number));
  let dot = 0;
  for (let i = 3; i < 7; i++) dot += (out[at + i] as number) * (truth[at + i] as number);
  return { m: Math.hypot(...diff), rad: 2 * Math.acos(Math.min(1, Math.abs(dot))) };
}

type Shown = { readonly nowMs: number; readonly pose: Float64Array; readonly delayMs: number };

/** Sends `truth` at 60 Hz with lateness drawn by `latenessMs`, renders at 90 Hz. */
function play(playout: Playout, untilMs: number, truth: (t: number) => PoseSample, latenessMs: () => number): Shown[] {
  const arrivals: { at: number; sample: PoseSample }[] = [];
  for (let t = 0; t < untilMs; t += SPACING_MS) arrivals.push({ at: t + latenessMs(), sample: truth(t) });
  arrivals.sort((a, b) => a.at - b.at);
  const shown: Shown[] = [];
  const states = new Uint8Array(3);
  let next = 0;
  for (let nowMs = 0; nowMs < untilMs; nowMs += 1000 / 90) {
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.at <= nowMs; arrival = arrivals[++next])
      playout.push(arrival.sample, arrival.at);
    const pose = new Float64Array(POSE_FLOATS);
    if (playout.sample(nowMs, pose, states)) shown.push({ nowMs, pose, delayMs: playout.delayMs });
  }
  return shown;
}

const anyNumber = fc.oneof(fc.double(), fc.double({ min: -10, max: 10, noNaN: true }));
const anySample = fc.record({
  timeMs: fc.oneof(fc.double({ min: 0, max: 3000, noNaN: true }), fc.integer({ min: 0, max: 3000 }), fc.double()),
  arrivalMs: fc.oneof(fc.double({ min: 0, max: 3500, noNaN: true }), fc.double()),
  position: fc.array(fc.double({ min: -1e5, max: 1e5, noNaN: true }), { minLength: 9, maxLength: 9 }),
  rotation: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
  poison: fc.option(fc.tuple(fc.integer({ min: 0, max: 20 }), anyNumber), { nil: undefined, freq: 8 }),
  state: fc.integer({ min: 0, max: 3 }),
  ask: fc.oneof(fc.double({ min: -100, max: 4000, noNaN: true }), fc.double()),
});

describe("Playout", () => {
  it("[PO1] shows finite positions and unit quaternions, whatever is pushed and whenever it is asked", () => {
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 1, maxLength: 120 }), (steps) => {
        const playout = new Playout();
        const out = new Float64Array(POSE_FLOATS);
        const states = new Uint8Array(3);
        for (const step of steps) {
          const sample = newPoseSample();
          sample.timeMs = step.timeMs;
          for (let device = 0; device < 3; device++) {
            const rotation = step.rotation.slice(device * 4, device * 4 + 4);
            const norm = Math.hypot(...rotation);
            for (let axis = 0; axis < 3; axis++) sample.pose[device * 7 + axis] = step.position[device * 3 + axis] as number;
            if (norm > 1e-3) rotation.forEach((value, i) => (sample.pose[device * 7 + 3 + i] = value / norm));
          }
          if (step.poison !== undefined) sample.pose[step.poison[0]] = step.poison[1];
          sample.states.fill(step.state);
          playout.push(sample, step.arrivalMs);
          if (!playout.sample(step.ask, out, states)) continue;
          for (let at = 0; at < POSE_FLOATS; at += 7) {
            for (let axis = 0; axis < 3; axis++) if (!(Math.abs(out[at + axis] as number) < 1e9)) return false;
            if (!(Math.abs(Math.hypot(...out.subarray(at + 3, at + 7)) - 1) < 1e-6)) return false;
          }
        }
        return Number.isFinite(playout.delayMs) && Number.isFinite(playout.jitterMs);
      }),
      { numRuns: 300 },
    );
  });

  it("shows a measured motion exactly where it was, a delay ago, to a millimetre", () => {
    const playout = new Playout({ forward: [0, 0, 0] });
    const shown = play(
      playout,
      4000,
      (t) => swing(t, 0.8, 0.3),
      () => 40,
    );
    for (const frame of shown.filter(({ nowMs }) => nowMs > 1000)) {
      const error = errorOf(frame.pose, swing(frame.nowMs - frame.delayMs, 0.8, 0.3).pose, 0);
      expect(error.m).toBeLessThan(0.001);
      expect(error.rad).toBeLessThan(0.005);
    }
    expect(playout.delayMs).toBeGreaterThan(40);
    expect(playout.delayMs).toBeLessThan(40 + 2.5 + 17 + 0.1);
  });

  it("[PO2] guesses ahead by the forward factor: a hand at 1 m/s is shown closer to now than the head", () => {
    const playout = new Playout({ forward: [0, 0.5, 1] });
    const last = play(
      playout,
      2000,
      (t) => along(t, t / 1000),
      () => 50,
    ).at(-1) as Shown;
    const behindMs = [0, 7, 14].map((at) => last.nowMs - (last.pose[at] as number) * 1000);
    expect(behindMs[0]).toBeCloseTo(last.delayMs, 0);
    expect([0, 1, 2].map((device) => last.nowMs - playout.shownMs(device))).toEqual(
      [last.delayMs, last.delayMs / 2, 0].map((ms) => expect.closeTo(ms, 6)),
    );
    // A little more than half and none of the delay: extrapolation is damped.
    expect(behindMs[1]).toBeLessThan(last.delayMs * 0.65);
    expect(behindMs[2]).toBeLessThan(last.delayMs * 0.4);
  });

  it("converges on a person who stops, to a tenth of a millimetre, and then does not move", () => {
    const random = seededRandom(3);
    const stopping = (t: number): PoseSample => ({ ...swing(Math.min(t, 1000), 1, 0.4), timeMs: t });
    const shown = play(new Playout(), 3000, stopping, () => gammaMs(random, 40, 15));
    const truth = swing(1000, 1, 0.4).pose;
    for (const frame of shown.filter(({ nowMs }) => nowMs > 2200)) {
      for (let device = 0; device < 3; device++) expect(errorOf(frame.pose, truth, device).m).toBeLessThan(1e-4);
    }
  });

  it("[PO3] a wrong guess fades instead of jumping, and a teleport does not glide", () => {
    const random = seededRandom(4);
    // Half a second of stall, then everything at once.
    const stall = (): number => 30 + gammaMs(random, 10, 3);
    const playout = new Playout();
    const arrivals: { at: number; sample: PoseSample }[] = [];
    for (let t = 0; t < 3000; t += SPACING_MS) {
      const at = t + stall();
      arrivals.push({ at: at > 1500 && at < 1900 ? 1900 : at, sample: swing(t, 0.5, 0.15) });
    }
    let previous: Float64Array | undefined;
    const states = new Uint8Array(3);
    for (let nowMs = 0; nowMs < 3000; nowMs += 1000 / 90) {
      while (arrivals[0] !== undefined && arrivals[0].at <= nowMs) {
        const { sample, at } = arrivals.shift() as { at: number; sample: PoseSample };
        playout.push(sample, at);
      }
      const pose = new Float64Array(POSE_FLOATS);
      if (!playout.sample(nowMs, pose, states)) continue;
      // 0.47 m/s in truth; catching up may be several times as fast, but nothing jumps by the whole error.
      if (previous !== undefined && nowMs > 300) expect(errorOf(pose, previous, 1).m).toBeLessThan(0.05);
      previous = pose;
    }
    const xs = play(
      new Playout(),
      2000,
      (t) => along(t, t < 1000 ? 0 : 20),
      () => 40,
    ).map(({ pose }) => pose[0] as number);
    expect(xs.every((x) => Math.abs(x) < 1e-6 || Math.abs(x - 20) < 1e-6)).toBe(true);
    expect(xs.at(-1)).toBeCloseTo(20, 6);
  });

  it("[PO3] corrections kink nothing: on a jittery link, the hand shown never accelerates twice as hard as the hand", () => {
    const random = seededRandom(6);
    const rms = (at: (i: number) => number, count: number): number => {
      let sum = 0;
      for (let i = 2; i < count; i++) sum += (at(i) - 2 * at(i - 1) + at(i - 2)) ** 2;
      return Math.sqrt(sum / (count - 2));
    };
    const shown = play(
      new Playout(),
      8000,
      (t) => swing(t, 1.2, 0.25),
      () => gammaMs(random, 60, 20),
    ).filter(({ nowMs }) => nowMs > 2000);
    const displayed = rms((i) => shown[i]?.pose[7] as number, shown.length);
    const real = rms((i) => swing(shown[i]?.nowMs as number, 1.2, 0.25).pose[7] as number, shown.length);
    expect(displayed / real).toBeLessThan(2);
  });

  it("[PO2] shows a hand nearer to where it is now than any delay would: a third of the error of 100 ms", () => {
    const random = seededRandom(7);
    const shown = play(
      new Playout(),
      8000,
      (t) => swing(t, 1.2, 0.25),
      () => gammaMs(random, 40, 8),
    ).filter(({ nowMs }) => nowMs > 2000);
    const p95 = (error: (frame: Shown) => number): number => shown.map(error).sort((a, b) => a - b)[Math.floor(shown.length * 0.95)] as number;
    const ours = p95(({ nowMs, pose }) => errorOf(pose, swing(nowMs, 1.2, 0.25).pose, 1).m);
    const late = p95(({ nowMs }) => errorOf(swing(nowMs - 100, 1.2, 0.25).pose, swing(nowMs, 1.2, 0.25).pose, 1).m);
    expect(ours).toBeLessThan(late / 3);
  });

  it("[PO5] freezes a quarter of a second after the last sample, goes back to it a second later, and does not guess for lost or resting devices", () => {
    const playout = new Playout();
    const out = new Float64Array(POSE_FLOATS);
    const states = new Uint8Array(3);
    for (let t = 0; t <= 500; t += 10) {
      const sample = along(t, t / 1000);
      sample.states[1] = DeviceState.lost;
      sample.states[2] = DeviceState.atRest;
      playout.push(sample, t + 20);
      playout.sample(t + 20, out, states);
    }
    playout.sample(950, out, states);
    const head = out[0] as number;
    expect(head).toBeGreaterThan(0.55);
    expect(head).toBeLessThan(0.5 + 0.175);
    expect(out[7]).toBeCloseTo(0.5, 3);
    expect(out[14]).toBeCloseTo(0.5, 3);
    expect([...states]).toEqual([DeviceState.tracked, DeviceState.lost, DeviceState.atRest]);
    playout.sample(1020, out, states);
    expect(out[0]).toBeCloseTo(head, 3);
    playout.sample(2000, out, states);
    expect(out[0]).toBeCloseTo(0.5, 6);
    playout.sample(60_000, out, states);
    expect(out[0]).toBeCloseTo(0.5, 6);
  });

  it("puts samples of a datagram link in order, and ignores doubles", () => {
    const playout = new Playout({ forward: [0, 0, 0], minDelayMs: 100, maxDelayMs: 100 });
    for (const t of [0, 20, 60, 40, 80, 80, 100, 120]) playout.push(swing(t, 0.5, 0.2), t + 30);
    const out = new Float64Array(POSE_FLOATS);
    playout.sample(150, out, new Uint8Array(3));
    expect(errorOf(out, swing(50, 0.5, 0.2).pose, 0).m).toBeLessThan(0.001);
    expect(playout.newestMs).toBe(120);
  });

  it("starts over after a reset", () => {
    const playout = new Playout();
    playout.push(swing(0, 1, 1), 10);
    playout.reset();
    expect(playout.sample(20, new Float64Array(POSE_FLOATS), new Uint8Array(3))).toBe(false);
    expect(playout.newestMs).toBe(Number.NEGATIVE_INFINITY);
    expect(playout.delayMs).toBe(0);
  });
});

describe("LatenessHistogram", () => {
  it("[LA2] covers the 95th percentile, but not the tail of a link that stalls", () => {
    const short = new LatenessHistogram();
    const stalling = new LatenessHistogram();
    for (let i = 0; i < 1000; i++) {
      short.observe(30 + (i % 10) * 2);
      stalling.observe(i % 10 === 0 ? 300 : 30);
    }
    expect(short.coverMs()).toBeGreaterThanOrEqual(47);
    expect(short.coverMs()).toBeLessThanOrEqual(50);
    expect(stalling.coverMs()).toBeLessThanOrEqual(32.5);
  });

  it("[LA1] forgets: a hundred samples after a change the old lateness is gone, however long it lasted", () => {
    const histogram = new LatenessHistogram();
    for (let i = 0; i < 20_000; i++) histogram.observe(90);
    for (let i = 0; i < 300; i++) histogram.observe(20);
    expect(histogram.quantileMs(0.95)).toBeLessThanOrEqual(22.5);
    expect(histogram.quantileMs(0.05)).toBeGreaterThan(17);
  });
});
