import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HAND_FRAME_FLOATS, handFrame, heldTransform } from "./hold.ts";

const RANGE = { min: 0.1, max: 10 };
const IDENTITY = [0, 0, 0, 1];

/** Head at the origin, hands where they are said to be. */
const poseOf = (left: readonly number[], right: readonly number[], turn: readonly number[] = IDENTITY): Float64Array =>
  Float64Array.from([0, 1.6, 0, ...IDENTITY, ...left, ...turn, ...right, ...turn]);

function frameOf(pose: Float64Array, hand: "left" | "right" | "pointer" | "both"): Float64Array {
  const out = new Float64Array(HAND_FRAME_FLOATS);
  handFrame(pose, hand, out);
  return out;
}

/** Where an object gripped at `grip` in one pose is in another. */
function carried(before: Float64Array, after: Float64Array, at: readonly number[], range = RANGE): Float64Array {
  const frame = frameOf(before, "both");
  // The grip of an object at `at`, unturned, in an unturned frame.
  const grip = [...[0, 1, 2].map((i) => (at[i] as number) - (frame[i] as number)), ...IDENTITY];
  const out = new Float64Array(8);
  heldTransform(frameOf(after, "both"), grip, { scale: 1, spanMm: Math.round((frame[7] as number) * 1000) }, range, out);
  return out;
}
const near = (got: ArrayLike<number>, want: readonly number[], digits = 6): void =>
  want.forEach((value, i) => expect(got[i]).toBeCloseTo(value, digits));

describe("two hands", () => {
  const apart = poseOf([-0.2, 1, -0.5], [0.2, 1, -0.5]);

  it("[HG2] the frame sits between them, x from left to right, and knows how far apart they are", () => {
    near(frameOf(apart, "both"), [0, 1, -0.5, 0, 0, 0, 1, 0.4]);
  });

  it("[HG2] moving both moves, pulling apart scales about the middle, turning turns", () => {
    near(carried(apart, poseOf([0.8, 2, -0.5], [1.2, 2, -0.5]), [0, 1, -1]), [1, 2, -1, 0, 0, 0, 1, 1]);
    near(carried(apart, poseOf([-0.4, 1, -0.5], [0.4, 1, -0.5]), [0, 1, -1]), [0, 1, -1.5, 0, 0, 0, 1, 2]);
    // A quarter turn to the left about +Y: the right hand goes to the back.
    const half = Math.SQRT1_2;
    const turned = poseOf([0, 1, -0.3], [0, 1, -0.7], [0, half, 0, half]);
    near(carried(apart, turned, [0, 1, -1]), [-0.5, 1, -0.5, 0, half, 0, half, 1], 5);
  });

  it("[HG3] the scale stays in its range, and the object between the hands", () => {
    const wide = poseOf([-4, 1, -0.5], [4, 1, -0.5]);
    near(carried(apart, wide, [0, 1, -1], { min: 1, max: 1 }), [0, 1, -1, 0, 0, 0, 1, 1]);
    near(carried(apart, wide, [0, 1, -1], { min: 0.5, max: 3 }), [0, 1, -2, 0, 0, 0, 1, 3]);
  });

  it("any two hands, however turned and wherever, give a finite frame and a unit rotation", () => {
    const metre = fc.double({ min: -50, max: 50, noNaN: true });
    const part = fc.integer({ min: -100, max: 100 });
    const turn = fc
      .tuple(part, part, part, part)
      .filter((q) => Math.hypot(...q) > 1)
      .map((q) => q.map((c) => c / Math.hypot(...q)));
    const at = fc.tuple(metre, metre, metre);
    fc.assert(
      fc.property(at, fc.oneof(at, fc.constant(undefined)), turn, turn, (left, right, a, b) => {
        const pose = Float64Array.from([0, 0, 0, ...IDENTITY, ...left, ...a, ...(right ?? left), ...b]);
        const frame = frameOf(pose, "both");
        expect(frame.every((value) => Number.isFinite(value))).toBe(true);
        expect(Math.hypot(...frame.subarray(3, 7))).toBeCloseTo(1, 9);
      }),
    );
  });

  it("one hand is its own frame, a pointer the head's", () => {
    near(frameOf(apart, "right"), [0.2, 1, -0.5, 0, 0, 0, 1, 0]);
    near(frameOf(apart, "pointer"), [0, 1.6, 0, 0, 0, 0, 1, 0]);
  });
});
