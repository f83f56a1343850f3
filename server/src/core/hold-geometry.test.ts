import { describe, expect, it } from "vitest";
import { poseAt, scene } from "./core-kit.ts";
import { clampToBounds, heldAt, quatFromWire } from "./hold-geometry.ts";

const near = (got: readonly number[], want: readonly number[]): void => got.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 3));
/** A quarter turn to the left about +Y. */
const LEFT = [0, Math.SQRT1_2, 0, Math.SQRT1_2] as const;
const LEFT_WIRE = LEFT.map((c) => Math.round(c * 32_767));

describe("hold geometry", () => {
  it("carries an object in its hand's frame: hand * grip", () => {
    const { pose } = poseAt(0, [0, 1.6, 0], [1, 1, 1]);
    pose.set(LEFT, 14 + 3);
    const one = { scale: 1, spanMm: 0 };
    const range = { min: 0.1, max: 10 };
    const held = heldAt(pose, { hand: "right", gripMm: [0, 100, -500], gripRotation: LEFT_WIRE, ...one }, range);
    // Turned to the left, "forward" is -X.
    near(held.position, [0.5, 1.1, 1]);
    near(held.rotation, [0, 1, 0, 0]);
    const plain = { gripRotation: [0, 0, 0, 32_767], ...one };
    near(heldAt(pose, { hand: "left", gripMm: [0, 0, -500], ...plain }, range).position, [1, 1, 0.5]);
    near(heldAt(pose, { hand: "pointer", gripMm: [0, 0, -2000], ...plain }, range).position, [0, 1.6, -2]);
  });

  it("refuses quaternions that mean no rotation", () => {
    expect(quatFromWire([0, 0, 0, 0])).toBeUndefined();
    expect(quatFromWire([100, 0, 0, 100])).toBeUndefined();
    near(quatFromWire([0, 0, 0, -32_768])!, [0, 0, 0, -1]);
  });

  it("clamps resting places to the scene", () => {
    const rest = clampToBounds({ position: [-99, 2, 99], rotation: [0, 0, 0, 1], scale: 3 }, scene.bounds);
    expect(rest).toEqual({ position: [-10, 2, 10], rotation: [0, 0, 0, 1], scale: 3 });
  });
});
