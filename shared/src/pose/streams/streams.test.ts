import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decoded } from "../block-reader.ts";
import { HandEncoder } from "../hands/hand-encoder.ts";
import { MAX_HANDS_BYTES } from "../hands/hand-format.ts";
import { HandReader } from "../hands/hand-reader.ts";
import { HandsState } from "../hands/hand-state.ts";
import { ControlsReader, MAX_CONTROLS_BYTES, newControls, writeControls } from "./controls.ts";
import { decodeGaze, encodeGaze, GAZE_BYTES, GazeReader, newGazeCode, writeGaze } from "./gaze.ts";
import { handLag, handTimeMs } from "./stream-format.ts";
import { STREAM_HEAD_ROOM, StreamBodyReader, writeStreamBody } from "./stream-uplink.ts";

const hand = fc.tuple(fc.nat(1), fc.nat(15), fc.nat(15), fc.nat(15), fc.nat(15), fc.nat(255));

describe("controls", () => {
  it("[CT1] read back as written, a byte where there is nothing", () => {
    fc.assert(
      fc.property(hand, hand, (left, right) => {
        const controls = Uint8Array.of(...left, ...right);
        const out = new Uint8Array(MAX_CONTROLS_BYTES);
        const end = writeControls(controls, out, 0);
        const reader = new ControlsReader();
        expect(reader.read(out, 0, end)).toBe(Decoded.ok);
        expect(reader.end).toBe(end);
        const present = (values: readonly number[]): readonly number[] => (values[0] === 1 ? values : [0, 0, 0, 0, 0, 0]);
        expect([...reader.controls]).toEqual([...present(left), ...present(right)]);
      }),
    );
    expect(writeControls(newControls(), new Uint8Array(MAX_CONTROLS_BYTES), 0)).toBe(1);
  });

  it("[CT2] of any bytes are in range or malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => {
        const reader = new ControlsReader();
        if (reader.read(bytes, 0, bytes.length) === Decoded.malformed) return;
        expect(reader.end).toBeLessThanOrEqual(bytes.length);
        for (let i = 0; i < 12; i++) expect(reader.controls[i]).toBeLessThanOrEqual([1, 15, 15, 15, 15, 255][i % 6] as number);
      }),
    );
  });
});

describe("gaze", () => {
  const direction = new Float64Array(3);
  const axis = fc.double({ min: -1, max: 1, noNaN: true });

  it("[GZ1] points where the eyes look, to 2.6 degrees, in the half space that the head faces", () => {
    fc.assert(
      fc.property(axis, axis, fc.double({ min: -1, max: 0, noNaN: true }), fc.double({ min: 0.01, max: 100, noNaN: true }), (x, y, z, length) => {
        const norm = Math.hypot(x, y, z);
        fc.pre(norm > 0.1);
        const code = newGazeCode();
        encodeGaze((x / norm) * length, (y / norm) * length, (z / norm) * length, code);
        expect(code.present).toBe(1);
        decodeGaze(code, direction);
        const cos = ((direction[0] as number) * x + (direction[1] as number) * y + (direction[2] as number) * z) / norm;
        expect((Math.acos(Math.min(1, cos)) * 180) / Math.PI).toBeLessThan(2.6);
      }),
    );
  });

  it("[GZ2] is a unit vector to the front for any bytes, and absent for what has no direction", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 }), (bytes) => {
        const reader = new GazeReader();
        const outcome = reader.read(bytes, 0, bytes.length);
        expect(outcome).toBe(bytes.length < GAZE_BYTES ? Decoded.malformed : Decoded.ok);
        if (outcome !== Decoded.ok) return;
        decodeGaze(reader.gaze, direction);
        expect(Math.hypot(...direction)).toBeCloseTo(1, 9);
        expect(direction[2]).toBeLessThanOrEqual(1e-12);
      }),
    );
    for (const bad of [Number.NaN, 0, Number.POSITIVE_INFINITY]) {
      const code = newGazeCode();
      encodeGaze(bad, bad, bad, code);
      expect(code).toEqual({ present: 0, x: 0, y: 0 });
    }
  });

  it("reads back as written", () => {
    const out = new Uint8Array(GAZE_BYTES);
    const code = { present: 1, x: -32, y: 17 };
    expect(writeGaze(code, out, 0)).toBe(GAZE_BYTES);
    const reader = new GazeReader();
    reader.read(out, 0, GAZE_BYTES);
    expect(reader.gaze).toEqual(code);
  });
});

describe("the time of joints", () => {
  it("is kept to a millisecond within a fifth of a second, and clamped beyond", () => {
    for (const offMs of [-99, -3, 0, 1, 40, 199])
      expect(Math.abs(handTimeMs(5000, handLag(5000, 5000 - offMs)) - (5000 - offMs))).toBeLessThanOrEqual(1);
    expect([handLag(5000, 9000), handLag(5000, 0)]).toEqual([0, 255]);
  });
});

/** A body with everything in it, and the reader of joints that can follow it. */
function sampleBody(hands: "update" | "intra" | "none"): { readonly body: Uint8Array; readonly joints: HandReader } {
  const encoder = new HandEncoder();
  const state = new HandsState();
  state.present.fill(1);
  for (let i = 3; i < 75; i++) state.set(0, i, (i * 7) % 50);
  const block = new Uint8Array(MAX_HANDS_BYTES);
  encoder.encode(state, block, 0);
  let length = encoder.intra(block, 0);
  const joints = new HandReader();
  joints.intra(block, 0, length);
  if (hands === "update") length = encoder.encode(state, block, 0);
  if (hands === "none") length = 0;
  const out = new Uint8Array(STREAM_HEAD_ROOM + MAX_HANDS_BYTES);
  const controls = Uint8Array.of(1, 3, 15, 0, 7, 9, 0, 0, 0, 0, 0, 0);
  const at = writeStreamBody(1234.5, { controls, gaze: { present: 1, x: 3, y: -4 }, hands }, out);
  out.set(block.subarray(0, length), at);
  return { body: out.slice(0, at + length), joints };
}

describe("the body of streamUp", () => {
  it.each(["update", "intra", "none"] as const)("carries all streams, joints as %s", (hands) => {
    const { body, joints } = sampleBody(hands);
    const reader = new StreamBodyReader();
    expect(reader.read(body, joints)).toBe(Decoded.ok);
    expect([reader.timeMs, reader.hands, reader.gaze]).toEqual([1234.5, hands === "none" ? "none" : "read", { present: 1, x: 3, y: -4 }]);
    expect([...(reader.controls ?? [])].slice(0, 6)).toEqual([1, 3, 15, 0, 7, 9]);
  });

  it("says that joints refer to what never came", () => {
    const reader = new StreamBodyReader();
    expect(reader.read(sampleBody("update").body, new HandReader())).toBe(Decoded.ok);
    expect(reader.hands).toBe("missing");
  });

  it("[SU1] of any bytes, or of mutated, cut or padded ones, is malformed or in range, and never throws", () => {
    const valid = sampleBody("update").body;
    const mutated = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = valid.slice();
      for (const [i, value] of changes) bytes[i] = value;
      return bytes;
    });
    const cut = fc.nat(valid.length).map((length) => valid.slice(0, length));
    fc.assert(
      fc.property(fc.oneof(mutated, cut, fc.uint8Array({ maxLength: 500 })), (bytes) => {
        const { joints } = sampleBody("update");
        const reader = new StreamBodyReader();
        if (reader.read(bytes, joints) !== Decoded.ok) return;
        expect(Number.isFinite(reader.timeMs)).toBe(true);
        expect(reader.gaze === undefined || Math.abs(reader.gaze.x) <= 32).toBe(true);
        expect(joints.state.values.every((value) => Math.abs(value) <= 511)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(new StreamBodyReader().read(Uint8Array.of(...valid, 0), sampleBody("update").joints)).toBe(Decoded.malformed);
    expect(new StreamBodyReader().read(Uint8Array.of(16, 0, 0, 0, 0, 0, 0), new HandReader())).toBe(Decoded.malformed);
  });
});
