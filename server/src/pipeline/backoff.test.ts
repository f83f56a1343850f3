import { describe, expect, it } from "vitest";
import { Backoff } from "./backoff.ts";

describe("Backoff", () => {
  it("[BO1] doubles from 100 ms to 5 s for workers that end at once, and starts over after one that lived", () => {
    const backoff = new Backoff();
    const waits = Array.from({ length: 9 }, () => backoff.next(20));
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    expect([backoff.next(60_000), backoff.next(20)]).toEqual([100, 200]);
  });

  it("[BO1] never waits longer than it is told", () => {
    const backoff = new Backoff(50);
    expect([backoff.next(0), backoff.next(0)]).toEqual([50, 50]);
  });
});
