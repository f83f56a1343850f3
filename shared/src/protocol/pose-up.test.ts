import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUp, maxBodyBytes, messageId } from "./codec.ts";
import { echoTickOf, fitsPoseUp, newPoseUpFields, POSE_UP_HEAD_BYTES, readPoseUp } from "./pose-up.ts";

const ID = messageId("poseUp");
const MAX = maxBodyBytes("poseUp");

describe("readPoseUp", () => {
  it("[PU1] reads any bytes as the registry does, wherever they lie", () => {
    const fields = newPoseUpFields();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: POSE_UP_HEAD_BYTES, maxLength: 200 }), fc.nat(9), (body, at) => {
        const decoded = decodeUp(ID, body);
        if (!decoded.ok || decoded.value.type !== "poseUp") throw new Error("the registry refuses it");
        const bytes = new Uint8Array(at + body.length + 3).fill(0xa5);
        bytes.set(body, at);
        readPoseUp(bytes, at, body.length, fields);
        const { seq, echoTick, echoAgeMs, rig } = fields;
        const read = { type: "poseUp", seq, echoTick, echoAgeMs, rig, body: fields.bytes.subarray(fields.from, fields.end) };
        expect(read).toEqual(decoded.value);
        expect(echoTickOf(bytes, at)).toBe(echoTick);
      }),
    );
  });

  it("[PU1] takes the lengths that the registry takes", () => {
    for (const length of [0, 1, POSE_UP_HEAD_BYTES - 1, POSE_UP_HEAD_BYTES, MAX - 1, MAX, MAX + 1])
      expect([length, fitsPoseUp(length)]).toEqual([length, decodeUp(ID, new Uint8Array(length)).ok]);
  });
});
