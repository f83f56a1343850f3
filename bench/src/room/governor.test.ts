import { describe, expect, it } from "vitest";
import { gaps } from "./governor.ts";
import { type Listener, placeOf, type Role, roleOf } from "./governor-run.ts";

describe("the governor bench's design", () => {
  it("[GR1] gives every room every role as often, beside every other, in six rounds", () => {
    for (const rooms of [3, 6]) {
      const seen = new Map<string, number>();
      for (let round = 0; round < 6; round++) {
        const roles = Array.from({ length: rooms }, (_, room) => roleOf(room, round));
        for (const role of ["paused", "control", "beside"] satisfies Role[]) expect(roles.filter((each) => each === role)).toHaveLength(rooms / 3);
        const key = roles.join();
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
      expect([...seen.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    }
  });

  it("[GR2] lets places all over the order have their turn, but never the speaker's", () => {
    const places = Array.from({ length: 18 }, (_, round) => placeOf(round, 100));
    expect(new Set(places).size).toBe(18);
    expect(Math.min(...places)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...places)).toBeLessThan(100);
    for (let tenth = 0; tenth < 100; tenth += 20) expect(places.some((place) => place >= tenth && place < tenth + 20)).toBe(true);
  });
});

describe("the governor bench's gaps", () => {
  const person = (lines: readonly number[], more: Partial<Listener> = {}): Listener => ({ room: 0, paused: false, from: 0, lines, ...more });
  const speaker = person([5, 6, 7, 8]);

  it("are none where everybody has every line from when they came", () => {
    expect(gaps([speaker, person([5, 6, 7, 8]), person([7, 8], { from: 2 })], [4, 4])).toBe(0);
    // Who came while a line was under way may have it, too.
    expect(gaps([speaker, person([6, 7, 8], { from: 2 })], [4, 4])).toBe(0);
    expect(gaps([speaker, person([5, 6], { paused: true }), person([], { paused: true })], [4, 4])).toBe(0);
  });

  it("are counted where a line is missing, comes twice, or in another order", () => {
    expect(gaps([speaker, person([5, 6, 7])], [4, 4])).toBe(1);
    expect(gaps([speaker, person([8], { from: 2 })], [4, 4])).toBeGreaterThan(0);
    expect(gaps([speaker, person([], { from: 2 })], [4, 4])).toBe(2);
    expect(gaps([speaker, person([5, 7, 8])], [4, 4])).toBeGreaterThan(0);
    expect(gaps([speaker, person([5, 6, 7, 8, 8])], [4, 4])).toBe(1);
    expect(gaps([speaker, person([5, 7, 6, 8])], [4, 4])).toBe(2);
    expect(gaps([speaker, person([5, 7], { paused: true })], [4, 4])).toBe(1);
    // The speaker, too.
    expect(gaps([person([5, 6, 7]), person([5, 6, 7])], [4, 4])).toBe(2);
    // Another room's lines are its own.
    expect(gaps([speaker, person([1, 2, 3, 4], { room: 1 }), person([1, 2, 3, 4], { room: 1 })], [4, 4])).toBe(0);
  });
});
