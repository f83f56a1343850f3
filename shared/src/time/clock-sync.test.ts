import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClockSync } from "./clock-sync.ts";
import { gammaMs, seededRandom } from "./testing.ts";

/** Pings over a link whose delays `one()` draws; the room's clock is `offset` ahead. Returns the clock and the last client time. */
function synchronise(untilMs: number, offset: number, one: () => number): { clock: ClockSync; nowMs: number } {
  const clock = new ClockSync();
  let nowMs = 0;
  while (nowMs < untilMs) {
    const there = one();
    clock.onPong(nowMs, nowMs + there + one(), nowMs + there + offset);
    nowMs += clock.nextPingMs();
  }
  return { clock, nowMs };
}

describe("ClockSync", () => {
  it("is exact on a symmetric link, and says when it is ready", () => {
    expect(new ClockSync().ready).toBe(false);
    const { clock, nowMs } = synchronise(3000, 123_456, () => 15);
    expect(clock.ready).toBe(true);
    expect(clock.toServer(nowMs)).toBeCloseTo(nowMs + 123_456, 6);
    expect(clock.rttMs).toBeCloseTo(30, 6);
    expect(clock.jitterMs).toBeCloseTo(0, 6);
  });

  it("[CK1] is within 2 ms at the 95th percentile, 2 s after joining over Wi-Fi with stalls", () => {
    const random = seededRandom(5);
    const one = (): number => gammaMs(random, 20, 6) + (random() < 0.002 ? 60 : 0);
    const errors = Array.from({ length: 1000 }, () => {
      const { clock, nowMs } = synchronise(2000, 5000, one);
      return Math.abs(clock.toServer(nowMs) - nowMs - 5000);
    }).sort((a, b) => a - b);
    expect(errors[950]).toBeLessThan(2);
  });

  it("[CK2] slews without ever going back, and gets there", () => {
    const clock = new ClockSync();
    let nowMs = 0;
    for (; nowMs < 40 * 500; nowMs += 500) clock.onPong(nowMs, nowMs + 40, nowMs + 20 + 1000);
    // The route changes: every ping now says 30 ms less.
    let previous = clock.toServer(nowMs);
    for (let ping = 0; ping < 60; ping++, nowMs += 500) {
      clock.onPong(nowMs, nowMs + 40, nowMs + 20 + 970);
      for (let t = nowMs + 40; t < nowMs + 540; t += 5) {
        const server = clock.toServer(t);
        expect(server).toBeGreaterThanOrEqual(previous);
        previous = server;
      }
    }
    expect(clock.toServer(nowMs) - nowMs).toBeCloseTo(970, 3);
  });

  it("[CK2] steps when the error is large", () => {
    const { clock, nowMs } = synchronise(10_000, 0, () => 10);
    for (let i = 0; i < 40; i++) clock.onPong(nowMs + i, nowMs + i + 20, nowMs + i + 10 + 60_000);
    expect(clock.toServer(nowMs + 60)).toBeCloseTo(nowMs + 60 + 60_000, 3);
  });

  it("[CK3] stays finite and among the offsets seen, whatever the peer answers", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double(), fc.double(), fc.double()), { maxLength: 60 }), (pongs) => {
        const clock = new ClockSync();
        for (const [sent, received, server] of pongs) clock.onPong(sent, received, server);
        clock.onPong(100, 140, 1120);
        return Number.isFinite(clock.rttMs) && Number.isFinite(clock.jitterMs) && !Number.isNaN(clock.toServer(200)) && clock.nextPingMs() > 0;
      }),
    );
    const clock = new ClockSync();
    clock.onPong(50, 40, 7);
    clock.onPong(Number.NaN, 40, 7);
    clock.onPong(10, 20, Number.POSITIVE_INFINITY);
    expect(clock.ready).toBe(false);
  });

  it("pings fast at first, then twice a second, and starts over after a reset", () => {
    const { clock } = synchronise(5000, 0, () => 5);
    expect(clock.nextPingMs()).toBe(500);
    clock.reset();
    expect(clock.ready).toBe(false);
    expect(clock.nextPingMs()).toBeLessThan(100);
  });
});
