import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { poseAt, scene } from "./core-kit.ts";
import { clampToBounds, deviceOf, heldAt, multiply, quatFromWire, rotate } from "./hold-geometry.ts";

const near = (got: readonly number[], want: readonly number[]): void => got.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 3));
/** A quarter turn to the left about +Y. */
const LEFT = [0, Math.SQRT1_2, 0, Math.SQRT1_2] as const;
const LEFT_WIRE = LEFT.map((c) => Math.round(c * 32_767));

describe("hold geometry", () => {
  it("carries an object in its hand's frame: hand * grip", () => {
    const { pose } = poseAt(0, [0, 1.6, 0], [1, 1, 1]);
    pose.set(LEFT, 14 + 3);
    const held = heldAt(pose, { hand: "right", gripMm: [0, 100, -500], gripRotation: LEFT_WIRE });
    // Turned to the left, "forward" is -X.
    near(held.position, [0.5, 1.1, 1]);
    near(held.rotation, [0, 1, 0, 0]);
    near(heldAt(pose, { hand: "left", gripMm: [0, 0, -500], gripRotation: [0, 0, 0, 32_767] }).position, [1, 1, 0.5]);
    near(heldAt(pose, { hand: "pointer", gripMm: [0, 0, -2000], gripRotation: [0, 0, 0, 32_767] }).position, [0, 1.6, -2]);
    expect(["left", "right", "pointer"].map((hand) => deviceOf(hand as "left"))).toEqual([1, 2, 0]);
  });

  it("rotating by a product is rotating twice, and keeps lengths", () => {
    const component = fc.integer({ min: -32_767, max: 32_767 });
    const quat = fc
      .tuple(component, component, component, component)
      .map(quatFromWire)
      .filter((q) => q !== undefined);
    fc.assert(
      fc.property(quat, quat, (a, b) => {
        const v = [0.3, -1.2, 2] as const;
        near(rotate(multiply(a, b), v), rotate(a, rotate(b, v)));
        expect(Math.hypot(...rotate(a, v))).toBeCloseTo(Math.hypot(...v), 9);
      }),
    );
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
