import { describe, expect, it } from "vitest";
import { Resolution } from "./resolution.ts";

function fixture(start: number) {
  let ratio = start;
  const resolution = new Resolution({ getPixelRatio: () => ratio, setPixelRatio: (next) => (ratio = next) });
  let nowMs = 1000;
  return {
    /** Frames of `frameMs` for `spanMs`. */
    run(frameMs: number, spanMs: number): number {
      for (const endMs = nowMs + spanMs; nowMs < endMs; nowMs += frameMs) resolution.tick(nowMs);
      return ratio;
    },
    pause: (ms: number) => (nowMs += ms),
  };
}

describe("resolution", () => {
  it("stays where the device keeps up", () => {
    expect(fixture(2).run(16, 20_000)).toBe(2);
  });

  it("falls on a slow device, step by step to its floor, also on one that draws a frame a second", () => {
    for (const frameMs of [60, 1000]) {
      const { run } = fixture(1);
      expect(run(frameMs, 2500)).toBe(0.75);
      expect(run(frameMs, 30_000)).toBe(0.5);
    }
  });

  it("does not take a pause for slowness", () => {
    const { run, pause } = fixture(1);
    run(16, 500);
    pause(60_000);
    expect(run(16, 5000)).toBe(1);
  });
});
