import { describe, expect, it } from "vitest";
import { interval, type IsolationResult, medianRatio, ratio, type Ticks } from "./isolation.ts";

const P99 = { what: "took", share: 0.99 } as const;
/** 300 ticks of about 1 ms, a different hundredth of which took `slow`. */
const round = (seed: number, slow: number): Ticks => {
  const took = Array.from({ length: 300 }, (_, i) => ((i + seed) % 60 === 0 ? slow : 1 + ((i * 7 + seed) % 100) / 1000));
  return { took, end: took.map((ms) => ms + 1) };
};
const rounds = (slow: (round: number) => number): Ticks[] => Array.from({ length: 10 }, (_, i) => round(i, slow(i)));

describe("the isolation bench's figures", () => {
  const result: IsolationResult = new Map([
    ["idle", rounds(() => 2)],
    ["control", rounds(() => 2)],
    ["flooded", rounds(() => 3)],
    ["frozen", rounds((i) => (i < 4 ? 9 : 2))],
  ]);

  it("are one where nothing differs, and what differs where something does", () => {
    expect(ratio(result, "control", P99)).toBe(1);
    expect(interval(result, "control", P99)).toEqual([1, 1]);
    expect(ratio(result, "flooded", P99)).toBe(1.5);
    expect(ratio(result, "flooded", { what: "end", share: 0.99 })).toBe(4 / 3);
  });

  it("[IB4] have a wide interval when a few rounds make the difference", () => {
    const [low, high] = interval(result, "frozen", P99);
    expect(low).toBe(1);
    expect(high).toBeGreaterThan(3);
    expect(medianRatio(result, "frozen", P99)).toBe(1);
    expect(medianRatio(result, "flooded", P99)).toBe(1.5);
  });
});
