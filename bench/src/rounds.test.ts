import fc from "fast-check";
import { Random } from "@copresence/simulations/random";
import { describe, expect, it } from "vitest";
import { interval, medianRatio, pooled, ratio, sumInterval, sumRatio } from "./rounds.ts";

/** A hundred values of about one, the last two `slow`. */
const round = (slow: number): number[] => [...Array.from({ length: 98 }, (_, i) => 1 + i / 1000), slow, slow];
const rounds = (slow: (round: number) => number): number[][] => Array.from({ length: 10 }, (_, i) => round(slow(i)));
const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 40 });

describe("figures over rounds", () => {
  it("[RS1] pool everything, by nearest rank", () => {
    expect(pooled([[3, 1], [2], []], 0.5)).toBe(2);
    expect(pooled([], 0.5)).toBeNaN();
    fc.assert(
      fc.property(fc.array(values, { maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const sorted = all.flat().sort((a, b) => a - b);
        const expected = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
        expect(pooled(all, share) === expected || (Number.isNaN(expected) && Number.isNaN(pooled(all, share)))).toBe(true);
      }),
    );
  });

  it("[RS2] leave nothing to chance where rounds are alike, and say how much where a few make the difference", () => {
    const calm = rounds(() => 2);
    expect(ratio(calm, calm, 0.99)).toBe(1);
    expect(interval(calm, calm, 0.99)).toEqual([1, 1]);
    expect([
      ratio(
        rounds(() => 3),
        calm,
        0.99,
      ),
      ...interval(
        rounds(() => 3),
        calm,
        0.99,
      ),
    ]).toEqual([1.5, 1.5, 1.5]);
    const [low, high] = interval(
      rounds((i) => (i < 3 ? 9 : 2)),
      calm,
      0.99,
    );
    expect([low, high]).toEqual([1, 4.5]);
    expect(
      medianRatio(
        rounds((i) => (i < 3 ? 9 : 2)),
        calm,
        0.99,
      ),
    ).toBe(1);
  });

  it("[RS2] draw the same rounds for both, and pool what was drawn", () => {
    // What moves both alike leaves the ratio alone.
    const weather = (i: number): number => 2 + 3 * (i % 4);
    expect(
      interval(
        rounds((i) => 2 * weather(i)),
        rounds(weather),
        0.99,
      ),
    ).toEqual([2, 2]);
    const positive = fc.array(fc.double({ min: 1, max: 9, noNaN: true }), { minLength: 1, maxLength: 9 });
    const pairs = fc.array(fc.tuple(positive, positive), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pairs, fc.constantFrom(0.5, 0.9, 0.99), (pair, share) => {
        const random = new Random(1);
        const ratios = Array.from({ length: 200 }, () => {
          const drawn = pair.map(() => pair[random.int(pair.length)] as [number[], number[]]);
          return pooled([drawn.flatMap(([mine]) => mine)], share) / pooled([drawn.flatMap(([, other]) => other)], share);
        }).sort((a, b) => a - b);
        const [mine, others] = [pair.map(([first]) => first), pair.map(([, second]) => second)];
        expect(interval(mine, others, share)).toEqual([ratios[10], ratios[190]]);
      }),
      { numRuns: 20 },
    );
  });

  it("[RS2] sums, too", () => {
    expect(sumRatio([1, 2, 3], [2, 2, 2])).toBe(1);
    expect(sumInterval([2, 4, 6], [1, 2, 3])).toEqual([2, 2]);
    const [low, high] = sumInterval([1, 1, 1, 9], [1, 1, 1, 1]);
    expect([low, high]).toEqual([1, 5]);
  });
});
