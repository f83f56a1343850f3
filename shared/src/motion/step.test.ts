import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newPoseSample, POSE_FLOATS } from "../pose/types.ts";
import { composeRig, decomposeRig, turnAbout, yawFromRad, yawToRad } from "./frames.ts";
import { type Rig, type RigInput, ZERO_RIG } from "./rig.ts";
import { DEFAULT_RIG_BOUNDS, MOVE_MM_PER_S, seqAfter, stepRig, TURN_STEP } from "./step.ts";
import { anyInput, anyRig, input } from "./testing.ts";
import { cosHalfYaw, cosYaw, sinHalfYaw, sinYaw, YAW_ONE, YAW_TURN } from "./yaw-table.ts";

/** A second of walking forward. */
const second = (heading: number): RigInput[] => Array.from({ length: 20 }, () => input({ dtMs: 50, moveZ: -127, heading }));

const after = (rig: Readonly<Rig>, ...inputs: RigInput[]): Rig => {
  const moved = { ...rig };
  for (const one of inputs) stepRig(moved, one, DEFAULT_RIG_BOUNDS);
  return moved;
};

describe("yaw table", () => {
  it("[YT2] agrees with sine and cosine to 1e-9, and quarter turns are exact", () => {
    for (let yaw = 0; yaw < YAW_TURN; yaw += 7) {
      const angle = yawToRad(yaw);
      expect(Math.abs(sinYaw(yaw) / YAW_ONE - Math.sin(angle))).toBeLessThan(1e-9);
      expect(Math.abs(cosYaw(yaw) / YAW_ONE - Math.cos(angle))).toBeLessThan(1e-9);
      expect(Math.abs(sinHalfYaw(yaw) / YAW_ONE - Math.sin(angle / 2))).toBeLessThan(1e-9);
      expect(Math.abs(cosHalfYaw(yaw) / YAW_ONE - Math.cos(angle / 2))).toBeLessThan(1e-9);
    }
    expect([0, 16_384, 32_768, 49_152].map((yaw) => sinYaw(yaw) + 0)).toEqual([0, YAW_ONE, 0, -YAW_ONE]);
    expect([0, 16_384, 32_768, 49_152].map((yaw) => cosYaw(yaw) + 0)).toEqual([YAW_ONE, 0, -YAW_ONE, 0]);
  });

  it("[YT1] is pinned: every engine and every release has this table", () => {
    let hash = 0;
    for (let yaw = 0; yaw < YAW_TURN; yaw++) hash = (Math.imul(hash, 31) + sinYaw(yaw) + Math.imul(cosHalfYaw(yaw), 17)) | 0;
    expect(hash).toMatchInlineSnapshot(`1464843456`);
  });
});

describe("stepRig", () => {
  it("walks forward along -Z at heading 0, to the left (-X) a quarter turn later, and sideways with the stick", () => {
    expect(after(ZERO_RIG, ...second(0))).toEqual({ xMm: 0, yMm: 0, zMm: -MOVE_MM_PER_S, yaw: 0 });
    expect(after(ZERO_RIG, ...second(16_384))).toEqual({ xMm: -MOVE_MM_PER_S, yMm: 0, zMm: 0, yaw: 0 });
    expect(after(ZERO_RIG, input({ dtMs: 50, moveX: 127 }))).toEqual({ xMm: (MOVE_MM_PER_S * 50) / 1000, yMm: 0, zMm: 0, yaw: 0 });
  });

  it("teleports, turns, and sixteen snap turns are a whole one", () => {
    const there = after(ZERO_RIG, input({ teleport: { positionMm: [1000, 200, -3000], yaw: 100 } }));
    expect(there).toEqual({ xMm: 1000, yMm: 200, zMm: -3000, yaw: 100 });
    expect(after(there, input({ turn: 1 })).yaw).toBe(100 + TURN_STEP);
    expect(after(there, input({ turn: 16 }))).toEqual(there);
  });

  it("[MS1] [MS2] stays an integer in the bounds for any input", () => {
    fc.assert(
      fc.property(anyRig, fc.array(anyInput, { maxLength: 50 }), (start, inputs) => {
        const rig = { ...start };
        const bounds = { minMm: [-5000, 0, -5000], maxMm: [5000, 2000, 5000] } as const;
        for (const one of inputs) {
          stepRig(rig, one, bounds);
          const { xMm, yMm, zMm, yaw } = rig;
          expect([xMm, yMm, zMm, yaw].every((value) => Number.isInteger(value) && !Object.is(value, -0))).toBe(true);
          expect(Math.abs(xMm) <= 5000 && yMm >= 0 && yMm <= 2000 && Math.abs(zMm) <= 5000 && yaw >= 0 && yaw < YAW_TURN).toBe(true);
        }
      }),
    );
  });

  it("[MS3] [MS4] is symmetric, and no direction is faster than another", () => {
    const stick = fc.integer({ min: -127, max: 127 });
    fc.assert(
      fc.property(stick, stick, fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 50 }), (moveX, moveZ, heading, dtMs) => {
        const there = after(ZERO_RIG, input({ moveX, moveZ, heading, dtMs }));
        const back = after(there, input({ moveX: -moveX, moveZ: -moveZ, heading, dtMs }));
        expect(back).toEqual(ZERO_RIG);
        // Half a millimetre of rounding on each axis.
        expect(Math.hypot(there.xMm, there.zMm)).toBeLessThanOrEqual((MOVE_MM_PER_S * dtMs) / 1000 + 0.71);
      }),
    );
  });

  it("clamps what the wire could carry beyond the limits, the same at both ends", () => {
    expect(after(ZERO_RIG, input({ dtMs: 255, moveZ: -128 }))).toEqual(after(ZERO_RIG, input({ dtMs: 50, moveZ: -127 })));
  });
});

describe("sequence numbers", () => {
  it("wrap", () => {
    expect(seqAfter(1, 0)).toBe(true);
    expect(seqAfter(0, 65_535)).toBe(true);
    expect(seqAfter(65_535, 0)).toBe(false);
    expect(seqAfter(5, 5)).toBe(false);
    expect(seqAfter(0x7fff, 0)).toBe(true);
    expect(seqAfter(0x8000, 0)).toBe(false);
  });
});

describe("frames", () => {
  it("a quarter turn to the left turns forward into left, and shifts", () => {
    const local = newPoseSample().pose;
    local.set([0, 1.6, -1], 0);
    const room = new Float64Array(POSE_FLOATS);
    composeRig({ xMm: 5000, yMm: 0, zMm: 0, yaw: 16_384 }, local, room);
    [4, 1.6, 0].forEach((value, axis) => expect(room[axis]).toBeCloseTo(value, 9));
    [0, Math.SQRT1_2, 0, Math.SQRT1_2].forEach((value, i) => expect(room[3 + i]).toBeCloseTo(value, 9));
  });

  it("[FR2] decompose undoes compose, in place too", () => {
    const place = fc.double({ min: -5, max: 5, noNaN: true });
    fc.assert(
      fc.property(anyRig, fc.array(place, { minLength: 21, maxLength: 21 }), (rig, values) => {
        const local = Float64Array.from(values);
        for (let at = 3; at < POSE_FLOATS; at += 7) local.set([0.5, -0.5, 0.1, Math.sqrt(0.49)], at);
        const pose = local.slice();
        composeRig(rig, pose, pose);
        decomposeRig(rig, pose, pose);
        for (let i = 0; i < POSE_FLOATS; i++) expect(Math.abs((pose[i] as number) - (local[i] as number))).toBeLessThan(1e-6);
      }),
    );
  });

  it("turning about the head leaves the head in place", () => {
    const rig = { xMm: 2000, yMm: 0, zMm: -500, yaw: 1234 };
    const local = newPoseSample().pose;
    local.set([0.7, 1.6, -0.9], 0);
    const before = new Float64Array(POSE_FLOATS);
    const turned = new Float64Array(POSE_FLOATS);
    composeRig(rig, local, before);
    const teleport = turnAbout(rig, 3, (before[0] as number) * 1000, (before[2] as number) * 1000);
    composeRig(after(rig, input({ teleport })), local, turned);
    for (let axis = 0; axis < 3; axis++) expect(Math.abs((turned[axis] as number) - (before[axis] as number))).toBeLessThan(0.001);
    expect(teleport.yaw).toBe(1234 + 3 * TURN_STEP);
  });

  it("converts headings", () => {
    expect(yawFromRad(Math.PI / 2)).toBe(16_384);
    expect(yawFromRad(-Math.PI / 2)).toBe(49_152);
    expect(yawToRad(32_768)).toBeCloseTo(Math.PI, 12);
  });
});
