import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ErrorFade, trackRate } from "./error-fade.ts";

const FRAME_MS = 11;
const TAU_MS = 20;
const still = new Float64Array(6);
const pose = (x: number, turnRad = 0): Float64Array => Float64Array.of(x, 0, 0, 0, Math.sin(turnRad / 2), 0, Math.cos(turnRad / 2));
const turnOf = (p: Float64Array): number => 2 * Math.atan2(p[4] as number, p[6] as number);

/** Shown x and turn, frame by frame, of a track that jumped from (x, turn) to the origin while its rate went from `rate` to 0. */
function fadeFrom(x: number, turn: number, rate: Float64Array, frames: number): { x: number; turn: number }[] {
  const fade = new ErrorFade();
  const out = new Float64Array(7);
  fade.surprise(1, pose(x, turn), 0, rate, 0, pose(0), still);
  return Array.from({ length: frames }, () => {
    fade.fade(1, FRAME_MS, TAU_MS, TAU_MS);
    fade.apply(1, pose(0), out, 0);
    return { x: out[0] as number, turn: turnOf(out) };
  });
}

describe("ErrorFade", () => {
  it("[EF1] keeps place and speed: no time passed, nothing changed; a little time passed, as much as the speed says", () => {
    const fade = new ErrorFade();
    const out = new Float64Array(7);
    const rate = Float64Array.of(0.002, 0, 0, 0, 0.0005, 0);
    fade.surprise(0, pose(0.1, 0.4), 0, rate, 0, pose(0), still);
    fade.apply(0, pose(0), out, 0);
    expect(out[0]).toBeCloseTo(0.1, 9);
    expect(turnOf(out)).toBeCloseTo(0.4, 9);
    fade.fade(0, 0.01, TAU_MS, TAU_MS);
    fade.apply(0, pose(0), out, 0);
    expect(out[0]).toBeCloseTo(0.1 + 0.002 * 0.01, 6);
    expect(turnOf(out)).toBeCloseTo(0.4 + 4 * 0.0005 * 0.01, 5);
  });

  it("[EF2] comes to rest without swinging past, and is gone after seven time constants", () => {
    const shown = fadeFrom(0.1, 0.4, still, 13);
    for (let i = 1; i < shown.length; i++) {
      expect(shown[i]?.x).toBeLessThan(shown[i - 1]?.x as number);
      expect(shown[i]?.x).toBeGreaterThan(0);
      expect(shown[i]?.turn).toBeLessThan(shown[i - 1]?.turn as number);
    }
    expect(shown.at(-1)?.x).toBeLessThan(0.001);
    expect(shown.at(-1)?.turn).toBeLessThan(0.004);
  });

  it("[EF2] is the same however the time is cut into frames", () => {
    const whole = new ErrorFade();
    const parts = new ErrorFade();
    const rate = Float64Array.of(0.001, -0.001, 0, 0, 0, 0);
    for (const fade of [whole, parts]) fade.surprise(2, pose(0.2), 0, rate, 0, pose(0), still);
    whole.fade(2, 30, TAU_MS, TAU_MS);
    for (let i = 0; i < 6; i++) parts.fade(2, 5, TAU_MS, TAU_MS);
    const a = new Float64Array(7);
    const b = new Float64Array(7);
    whole.apply(2, pose(0), a, 0);
    parts.apply(2, pose(0), b, 0);
    for (let i = 0; i < 7; i++) expect(b[i]).toBeCloseTo(a[i] as number, 12);
  });

  it("[EF3] takes what is too fast for no motion, and keeps quaternions unit whatever comes", () => {
    const rates = new Float64Array(6);
    trackRate(pose(0), 0, pose(5), 0, FRAME_MS, rates, 0);
    expect([...rates]).toEqual([0, 0, 0, 0, 0, 0]);
    trackRate(pose(0), 0, pose(0.01, 0.1), 0, FRAME_MS, rates, 0);
    expect(rates[0]).toBeCloseTo(0.01 / FRAME_MS, 12);
    expect(rates[4]).toBeCloseTo(0.1 / 4 / FRAME_MS, 12);
    const any = fc.record({
      x: fc.double({ min: -1e5, max: 1e5, noNaN: true }),
      turn: fc.double({ min: -7, max: 7, noNaN: true }),
      ms: fc.double({ min: 0, max: 1e4, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (steps) => {
        const fade = new ErrorFade();
        const out = new Float64Array(7);
        const before = new Float64Array(6);
        const after = new Float64Array(6);
        let last = pose(0);
        for (const { x, turn, ms } of steps) {
          const next = pose(x, turn);
          trackRate(last, 0, next, 0, Math.max(1, ms), after, 0);
          fade.surprise(0, last, 0, before, 0, next, after);
          fade.fade(0, ms, TAU_MS, 2 * TAU_MS);
          fade.apply(0, next, out, 0);
          before.set(after);
          last = next;
          if (!(Math.abs(out[0] as number) < 1e8 && Math.abs(Math.hypot(...out.subarray(3)) - 1) < 1e-9)) return false;
        }
        return true;
      }),
    );
  });
});
