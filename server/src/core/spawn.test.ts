import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { rigBoundsMm, spawnRig } from "./spawn.ts";

const bounds = { min: [-64, -2, -64], max: [64, 30, 64] } as const;

describe("spawnRig", () => {
  it("gives every slot its own place inside the bounds, none in the middle", () => {
    const places = new Set<string>();
    for (let slot = 0; slot < LIMITS.people; slot++) {
      const rig = spawnRig(slot, bounds);
      places.add(`${rig.xMm},${rig.zMm}`);
      expect(Math.abs(rig.xMm) <= 64_000 && Math.abs(rig.zMm) <= 64_000 && rig.yMm === 0).toBe(true);
      expect(Number.isInteger(rig.xMm) && Number.isInteger(rig.zMm)).toBe(true);
    }
    expect(places.size).toBe(LIMITS.people);
    expect(places.has("0,0")).toBe(false);
  });

  it("looks towards the middle", () => {
    for (let slot = 0; slot < 80; slot++) {
      const { xMm, zMm, yaw } = spawnRig(slot, bounds);
      const look = { 0: [0, -1], 16_384: [-1, 0], 32_768: [0, 1], 49_152: [1, 0] }[yaw] as [number, number];
      expect(look[0] * -xMm + look[1] * -zMm).toBeGreaterThan(0);
    }
  });

  it("stays inside small and lopsided scenes", () => {
    const small = { min: [5, 1, 5], max: [7, 2, 6] } as const;
    const { minMm, maxMm } = rigBoundsMm(small);
    for (let slot = 0; slot < 50; slot++) {
      const rig = spawnRig(slot, small);
      for (const [axis, at] of [rig.xMm, rig.yMm, rig.zMm].entries()) {
        expect(at).toBeGreaterThanOrEqual(minMm[axis as 0]);
        expect(at).toBeLessThanOrEqual(maxMm[axis as 0]);
      }
    }
  });
});
