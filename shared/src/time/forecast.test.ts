import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newPoseSample, POSE_FLOATS } from "../pose/types.ts";
import { Forecast } from "./forecast.ts";
import { SampleRing } from "./sample-ring.ts";
import { seededRandom } from "./testing.ts";

const SPACING_MS = 1000 / 30;
const TAU_MS = 175;

/** A ring with every device at x(t) and turned about y by turn(t), sampled at 30 Hz up to `untilMs`; the forecast learns as it comes. */
function follow(untilMs: number, leadMs: number, x: (t: number) => number, turn: (t: number) => number = () => 0) {
  const ring = new SampleRing();
  const forecast = new Forecast(TAU_MS);
  const sample = newPoseSample();
  for (let t = 0; t <= untilMs; t += SPACING_MS) {
    sample.timeMs = t;
    for (let at = 0; at < POSE_FLOATS; at += 7) {
      sample.pose[at] = x(t);
      sample.pose[at + 4] = Math.sin(turn(t) / 2);
      sample.pose[at + 6] = Math.cos(turn(t) / 2);
    }
    ring.insert(sample);
    for (let device = 0; device < 3; device++) forecast.learn(ring, device, leadMs);
  }
  return { ring, forecast, newestMs: sample.timeMs };
}

/** Root mean square error, m, of what `forecast` says `aheadMs` after samples of `x`, over two seconds after `fromMs`. */
function missOf(leadMs: number, x: (t: number) => number, learned: boolean): number {
  const out = new Float64Array(6);
  let sum = 0;
  let count = 0;
  for (let untilMs = 6000; untilMs < 8000; untilMs += 37) {
    const { ring, forecast, newestMs } = follow(untilMs, leadMs, x);
    if (!learned) forecast.trust.fill(1);
    forecast.ahead(ring, ring.count - 1, 1, leadMs, out);
    sum += (x(newestMs) + (out[0] as number) - x(newestMs + leadMs)) ** 2;
    count++;
  }
  return Math.sqrt(sum / count);
}

const swing =
  (hz: number, m: number) =>
  (t: number): number =>
    m * Math.sin((2 * Math.PI * hz * t) / 1000);

describe("Forecast", () => {
  it("[FC1] sees the bend of a reach: closer than velocity alone, half as far off 60 ms ahead", () => {
    const reach = swing(0.7, 0.3);
    const { ring, forecast, newestMs } = follow(3000, 60, reach);
    const bent = new Float64Array(6);
    const straight = new Float64Array(6);
    forecast.ahead(ring, ring.count - 1, 1, 60, bent);
    forecast.trust.set([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    forecast.ahead(ring, ring.count - 1, 1, 60, straight);
    const miss = (out: Float64Array): number => Math.abs(reach(newestMs) + (out[0] as number) - reach(newestMs + 60));
    expect(miss(bent)).toBeLessThan(miss(straight) / 2);
  });

  it("[FC1] forecasts turns as it does positions", () => {
    const { ring, forecast } = follow(
      3000,
      60,
      () => 0,
      (t) => t / 1000,
    );
    const out = new Float64Array(6);
    forecast.ahead(ring, ring.count - 1, 2, 60, out);
    expect(out[4]).toBeGreaterThan(0.05);
    expect(out[4]).toBeLessThan(0.065);
    expect(Math.hypot(out[0] as number, out[1] as number, out[2] as number, out[3] as number, out[5] as number)).toBeLessThan(1e-9);
  });

  it("[FC2] learns not to overshoot somebody who turns back within the lead, and doubts them; a steady mover is trusted", () => {
    const drummer = swing(2.5, 0.15);
    expect(missOf(160, drummer, true)).toBeLessThan(missOf(160, drummer, false) * 0.8);
    const random = seededRandom(1);
    const knots = Array.from({ length: 100 }, () => 0.3 * random());
    const fidget = (t: number): number => {
      const u = (t / 120) % 1;
      return (knots[Math.floor(t / 120)] as number) * (1 - u) + (knots[Math.floor(t / 120) + 1] as number) * u;
    };
    expect(follow(8000, 160, fidget).forecast.doubt[2]).toBeGreaterThan(0.8);
    const stroller = follow(8000, 160, swing(0.2, 0.5)).forecast;
    expect(stroller.doubt[2]).toBeLessThan(0.25);
    expect(stroller.trust[2]).toBeGreaterThan(0.9);
  });

  it("[FC2] goes by full trust until there is evidence, and after a reset", () => {
    const { ring, forecast } = follow(8000, 160, swing(0.5, 0.1));
    forecast.reset();
    expect([...forecast.trust]).toEqual(Array.from({ length: 12 }, () => 1));
    expect([...forecast.doubt]).toEqual(Array.from({ length: 6 }, () => 0));
    forecast.learn(ring, 0, 160);
    for (const trust of forecast.trust) expect(Math.abs(trust - 1)).toBeLessThan(0.25);
  });

  it("[FC3] stays finite and bounded for any samples and leads", () => {
    const step = fc.record({
      gapMs: fc.double({ min: 0, max: 400, noNaN: true }),
      x: fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: -1e5, max: 1e5, noNaN: true })),
      turn: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
      lead: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
        const ring = new SampleRing();
        const forecast = new Forecast(TAU_MS);
        const sample = newPoseSample();
        const out = new Float64Array(6);
        return steps.every(({ gapMs, x, turn, lead }) => {
          sample.timeMs += gapMs;
          for (let at = 7; at < POSE_FLOATS; at += 7) {
            sample.pose[at] = x;
            sample.pose[at + 3] = Math.sin(turn / 2);
            sample.pose[at + 6] = Math.cos(turn / 2);
          }
          ring.insert(sample);
          forecast.learn(ring, 1, lead);
          forecast.ahead(ring, ring.count - 1, 1, lead, out);
          const far = Math.hypot(out[0] as number, out[1] as number, out[2] as number);
          const turned = Math.hypot(out[3] as number, out[4] as number, out[5] as number);
          return (
            far <= 0.015 * TAU_MS * 1.001 &&
            turned <= (Math.PI / 2) * 1.001 &&
            forecast.trust.every((t) => t >= 0 && t <= 1.2) &&
            forecast.doubt.every((d) => d >= 0 && d <= 2)
          );
        });
      }),
      { numRuns: 300 },
    );
  });
});
