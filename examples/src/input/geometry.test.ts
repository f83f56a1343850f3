import fc from "fast-check";
import { Euler, Quaternion, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { headingOf, readDevice, writeDevice } from "./geometry.ts";

describe("geometry", () => {
  it("reads the heading of a head that also nods", () => {
    fc.assert(
      fc.property(fc.double({ min: -3.1, max: 3.1, noNaN: true }), fc.double({ min: -1.4, max: 1.4, noNaN: true }), (yaw, pitch) => {
        expect(headingOf(new Quaternion().setFromEuler(new Euler(pitch, yaw, 0, "YXZ")))).toBeCloseTo(yaw, 9);
      }),
    );
  });

  it("writes and reads back one device without touching the others", () => {
    const pose = new Float64Array(21);
    writeDevice(pose, 1, new Vector3(1, 2, 3), new Quaternion(0, 0.6, 0, 0.8));
    const position = new Vector3();
    const rotation = new Quaternion();
    readDevice(pose, 1, position, rotation);
    expect([...position, ...rotation]).toEqual([1, 2, 3, 0, 0.6, 0, 0.8]);
    expect([...pose.slice(0, 7), ...pose.slice(14)].every((value) => value === 0)).toBe(true);
  });
});
