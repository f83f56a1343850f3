import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceState, newPoseSample, POSE_FLOATS, type PoseSample } from "../pose/types.ts";
import { PoseGuard, type PoseVerdict } from "./pose-guard.ts";
import { ZERO_RIG } from "./rig.ts";
import { DEFAULT_RIG_BOUNDS } from "./step.ts";

const NOW = 10_000;

function standing(timeMs = NOW): PoseSample {
  const sample = newPoseSample();
  sample.timeMs = timeMs;
  sample.pose.set([0, 1.6, 0], 0);
  sample.pose.set([-0.3, 1.2, -0.3], 7);
  sample.pose.set([0.3, 1.2, -0.3], 14);
  return sample;
}

type Case = { readonly name: string; readonly spoil: (sample: PoseSample) => void; readonly verdict: PoseVerdict };
const cases: readonly Case[] = [
  { name: "an ordinary pose", spoil: () => {}, verdict: "ok" },
  { name: "NaN in a position", spoil: ({ pose }) => void (pose[8] = Number.NaN), verdict: "refused" },
  { name: "infinity in a rotation", spoil: ({ pose }) => void (pose[5] = Number.POSITIVE_INFINITY), verdict: "refused" },
  { name: "numbers whose sum overflows", spoil: ({ pose }) => pose.fill(1e308, 7, 10), verdict: "refused" },
  { name: "a zero quaternion", spoil: ({ pose }) => pose.fill(0, 3, 7), verdict: "refused" },
  { name: "a quaternion of length 1.2", spoil: ({ pose }) => void (pose[6] = 1.2), verdict: "refused" },
  { name: "a quaternion rounded on the wire", spoil: ({ pose }) => void (pose[6] = 1.001), verdict: "ok" },
  { name: "a time 1001 ms ago", spoil: (sample) => void (sample.timeMs = NOW - 1001), verdict: "refused" },
  { name: "a time 1000 ms ago", spoil: (sample) => void (sample.timeMs = NOW - 1000), verdict: "ok" },
  { name: "a time 100 ms ahead", spoil: (sample) => void (sample.timeMs = NOW + 100), verdict: "ok" },
  { name: "a time 101 ms ahead", spoil: (sample) => void (sample.timeMs = NOW + 101), verdict: "refused" },
  { name: "no time", spoil: (sample) => void (sample.timeMs = Number.NaN), verdict: "refused" },
  { name: "a hand 1.6 m from the head", spoil: ({ pose }) => void (pose[14] = 1.6), verdict: "clamped" },
  {
    name: "a lost hand left behind",
    spoil: ({ pose, states }) => {
      pose[14] = 5;
      states[2] = DeviceState.lost;
    },
    verdict: "ok",
  },
  { name: "a head 66 m under its rig", spoil: ({ pose }) => void (pose[1] = -64.5), verdict: "refused" },
  { name: "a head 51 m from its rig", spoil: ({ pose }) => void (pose[2] = 51), verdict: "refused" },
];

describe("PoseGuard", () => {
  it.each(cases)("$name: $verdict", ({ spoil, verdict }) => {
    const guard = new PoseGuard({ bounds: DEFAULT_RIG_BOUNDS });
    const sample = standing();
    spoil(sample);
    expect(guard.judge(sample, NOW, ZERO_RIG, false)).toBe(verdict);
  });

  it("clamps to the world's bounds and says so", () => {
    const guard = new PoseGuard({ bounds: { minMm: [-100, 0, -100], maxMm: [100, 1000, 100] } });
    const sample = standing();
    expect(guard.judge(sample, NOW, ZERO_RIG, false)).toBe("clamped");
    expect([...sample.pose.subarray(0, 3)]).toEqual([0, 1, 0]);
    expect([...sample.pose.subarray(7, 10)]).toEqual([-0.1, 1, -0.1]);
  });

  it("accepts a head at 12 m/s and refuses one at 13, unless it teleported", () => {
    for (const [speed, teleported, verdict] of [
      [12, false, "ok"],
      [13, false, "refused"],
      [13, true, "ok"],
      [400, true, "ok"],
    ] as const) {
      const guard = new PoseGuard({ bounds: DEFAULT_RIG_BOUNDS });
      guard.judge(standing(NOW), NOW, ZERO_RIG, false);
      const next = standing(NOW + 100);
      // The slack for tracking noise is 5 cm.
      for (const at of [0, 7, 14]) next.pose[at] = (next.pose[at] as number) + speed * 0.1;
      expect(guard.judge(next, NOW + 100, ZERO_RIG, teleported), `${speed} m/s`).toBe(verdict);
    }
  });

  it("wants increasing times", () => {
    const guard = new PoseGuard({ bounds: DEFAULT_RIG_BOUNDS });
    expect(guard.judge(standing(NOW), NOW, ZERO_RIG, false)).toBe("ok");
    expect(guard.judge(standing(NOW), NOW, ZERO_RIG, false)).toBe("refused");
    expect(guard.judge(standing(NOW - 1), NOW, ZERO_RIG, false)).toBe("refused");
    expect(guard.judge(standing(NOW + 1), NOW, ZERO_RIG, false)).toBe("ok");
    guard.reset();
    expect(guard.judge(standing(NOW), NOW, ZERO_RIG, false)).toBe("ok");
  });

  it("[PG2] accepts a jump that stays as soon as 12 m/s could have covered it", () => {
    const guard = new PoseGuard({ bounds: DEFAULT_RIG_BOUNDS });
    guard.judge(standing(NOW), NOW, ZERO_RIG, false);
    const verdicts: PoseVerdict[] = [];
    for (let t = NOW + 20; t <= NOW + 400; t += 20) {
      const sample = standing(t);
      for (const at of [2, 9, 16]) sample.pose[at] = (sample.pose[at] as number) - 3;
      verdicts.push(guard.judge(sample, t, ZERO_RIG, false));
    }
    expect(verdicts.indexOf("ok")).toBe(12);
    expect(verdicts.slice(12).every((verdict) => verdict === "ok")).toBe(true);
  });

  it("[PG1] what it lets through is plausible, whatever comes in", () => {
    const value = fc.oneof(fc.double({ min: -60, max: 60, noNaN: true }), fc.double());
    const step = fc.record({
      values: fc.array(value, { minLength: 21, maxLength: 21 }),
      dtMs: fc.integer({ min: -20, max: 300 }),
      unit: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const guard = new PoseGuard({ bounds: { minMm: [-9000, -9000, -9000], maxMm: [9000, 9000, 9000] } });
        let nowMs = 0;
        let last: { timeMs: number; head: Float64Array } | undefined;
        for (const { values, dtMs, unit } of steps) {
          nowMs += Math.max(0, dtMs);
          const sample = newPoseSample();
          sample.pose.set(values);
          sample.timeMs = nowMs - (dtMs < 0 ? 20 : 0);
          if (unit) for (let at = 3; at < POSE_FLOATS; at += 7) sample.pose.set([0, 0.6, 0, 0.8], at);
          if (guard.judge(sample, nowMs, ZERO_RIG, false) === "refused") continue;
          const { pose } = sample;
          for (let at = 0; at < POSE_FLOATS; at += 7) {
            expect(pose.subarray(at, at + 3).every((coordinate) => Math.abs(coordinate) <= 9)).toBe(true);
            expect(Math.hypot(...pose.subarray(at + 3, at + 7))).toBeCloseTo(1, 9);
            const reach = Math.hypot(...[0, 1, 2].map((axis) => (pose[at + axis] as number) - (pose[axis] as number)));
            expect(reach).toBeLessThanOrEqual(1.5 + 1e-9);
          }
          if (last !== undefined) {
            const { head, timeMs } = last;
            expect(sample.timeMs).toBeGreaterThan(timeMs);
            const moved = Math.hypot(...[0, 1, 2].map((axis) => (pose[axis] as number) - (head[axis] as number)));
            expect(moved).toBeLessThanOrEqual(((sample.timeMs - timeMs) * 12) / 1000 + 0.05 + 1e-9);
          }
          last = { timeMs: sample.timeMs, head: pose.slice(0, 3) };
        }
      }),
    );
  });
});
