import { Gesture, HAND_FLOATS } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { gestureOf, pinchOf } from "./gestures.ts";

/** A right hand with fingers up (+Y), each bent by its part: 0 stretched, 1 into the palm. `size` scales it. */
function hand(bends: readonly [thumb: number, index: number, middle: number, ring: number, little: number], size = 1): Float64Array {
  const joints = new Float64Array(HAND_FLOATS);
  const put = (joint: number, x: number, y: number, z: number): void => joints.set([x * size, y * size, z * size, 0, 0, 0, 1], joint * 7);
  put(0, 0, 0, 0);
  const [thumb, ...fingers] = bends;
  put(1, -0.02, 0.02, 0);
  for (const [i, along] of [0.03, 0.06, 0.085].entries())
    put(2 + i, -0.03 - along * (1 - thumb) * 0.7, 0.04 + along * (0.3 + thumb * 0.2), thumb * -0.03);
  for (const [i, bend] of fingers.entries()) {
    const x = -0.03 + i * 0.02;
    const root = 5 + i * 5;
    put(root, x, 0.02, 0);
    put(root + 1, x, 0.09, 0);
    let [y, z] = [0.09, 0];
    for (const [n, length] of [0.04, 0.025, 0.02].entries()) {
      const turn = bend * (n + 1) * 1.2;
      y += length * Math.cos(turn);
      z -= length * Math.sin(turn);
      put(root + 2 + n, x, y, z);
    }
  }
  return joints;
}

/** Turned so that the thumb, which stands off along -X, points up. */
function thumbUpwards(joints: Float64Array): Float64Array {
  const out = joints.slice();
  for (let at = 0; at < out.length; at += 7) {
    out[at] = joints[at + 1] as number;
    out[at + 1] = -(joints[at] as number);
  }
  return out;
}

/** Brings the index tip to the thumb's. */
function pinched(joints: Float64Array): Float64Array {
  const out = joints.slice();
  for (let axis = 0; axis < 3; axis++) out[9 * 7 + axis] = (joints[4 * 7 + axis] as number) + (axis === 1 ? 0.008 : 0);
  return out;
}

describe("gestures from joints", () => {
  it.each([
    ["an open hand", hand([0, 0, 0, 0, 0]), Gesture.open],
    ["a fist", hand([1, 1, 1, 1, 1]), Gesture.fist],
    ["pointing", hand([1, 0, 1, 1, 1]), Gesture.point],
    ["victory", hand([1, 0, 0, 1, 1]), Gesture.victory],
    ["a thumb up", thumbUpwards(hand([0, 1, 1, 1, 1])), Gesture.thumbUp],
    ["a thumb that stands off sideways", hand([0, 1, 1, 1, 1]), Gesture.fist],
    ["a pinch", pinched(hand([0, 0.5, 0.6, 0.6, 0.6])), Gesture.pinch],
    ["the ring of ok", pinched(hand([0, 0.5, 0, 0, 0])), Gesture.ok],
    ["something in between", hand([0, 0.6, 0.6, 0.6, 0]), Gesture.none],
  ] as const)("%s, of any size", (_, joints, gesture) => {
    expect(gestureOf(joints)).toBe(gesture);
    expect(gestureOf(joints.map((value, i) => (i % 7 < 3 ? value * 0.7 : value)))).toBe(gesture);
  });

  it("say how closed a pinch is", () => {
    const open = hand([0, 0, 0, 0, 0]);
    expect(pinchOf(open)).toBe(0);
    expect(pinchOf(pinched(open))).toBe(1);
  });

  it("of joints in one point are none, not a number that is none", () => {
    expect(pinchOf(new Float64Array(HAND_FLOATS))).toBe(1);
    expect(Number.isInteger(gestureOf(new Float64Array(HAND_FLOATS)))).toBe(true);
  });
});
