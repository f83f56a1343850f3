import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { SessionLimits, TokenBucket } from "./rate-limits.ts";

const repeat = <T>(times: number, run: (i: number) => T): T[] => Array.from({ length: times }, (_, i) => run(i));

describe("TokenBucket", () => {
  it("gives the burst, then the rate", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3, nowMs: 0 });
    expect(repeat(4, () => bucket.take(0))).toEqual([true, true, true, false]);
    expect(bucket.take(99)).toBe(false);
    expect(bucket.take(100)).toBe(true);
    expect(bucket.take(100)).toBe(false);
  });

  it("never holds more than the burst and ignores a clock that stands or goes back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2, nowMs: 1000 });
    expect(repeat(3, () => bucket.take(1_000_000))).toEqual([true, true, false]);
    expect(bucket.take(0)).toBe(false);
  });
});

describe("SessionLimits", () => {
  it("[RL1] warns once, then closes, and never drops an ordered message", () => {
    const limits = new SessionLimits(0);
    const verdicts = repeat(LIMITS.orderedBurst + 1, () => limits.admit("sync", 0));
    expect(verdicts.filter((v) => v === "warn")).toHaveLength(1);
    expect(verdicts.at(-1)).toBe("close");
    expect(verdicts.slice(0, -1).every((v) => v === "ok" || v === "warn")).toBe(true);
  });

  it("[RL1] lets the sustained rate pass for ever without a warning", () => {
    const limits = new SessionLimits(0);
    const verdicts = repeat(2000, (i) => limits.admit("rigInput", (i * 1000) / LIMITS.orderedPerSecond));
    expect(new Set(verdicts)).toEqual(new Set(["ok"]));
  });

  it("[RL1] warns again after a recovery", () => {
    const limits = new SessionLimits(0);
    const burst = (nowMs: number): number => repeat(LIMITS.orderedBurst - 1, () => limits.admit("sync", nowMs)).filter((v) => v === "warn").length;
    expect(burst(0)).toBe(1);
    expect(burst(60_000)).toBe(1);
  });

  it("[RL2] drops droppable messages over the rate and closes who floods on", () => {
    const limits = new SessionLimits(0);
    const verdicts = repeat(5000, () => limits.admit("poseUp", 0));
    expect(verdicts.slice(0, LIMITS.droppableBurst).every((v) => v === "ok")).toBe(true);
    expect(verdicts[LIMITS.droppableBurst]).toBe("drop");
    expect(verdicts.at(-1)).toBe("close");
  });

  it("[RL2] a client at twice the rate is dropped by half, not closed, for ten seconds", () => {
    const limits = new SessionLimits(0);
    const verdicts = repeat(LIMITS.droppablePerSecond * 20, (i) => limits.admit("poseUp", (i * 1000) / (LIMITS.droppablePerSecond * 2)));
    expect(verdicts).not.toContain("close");
    expect(verdicts).toContain("drop");
  });

  it("classes do not starve each other", () => {
    const limits = new SessionLimits(0);
    repeat(LIMITS.droppableBurst + 10, () => limits.admit("poseUp", 0));
    expect(limits.admit("sync", 0)).toBe("ok");
    expect(limits.chat.take(0)).toBe(true);
  });
});
