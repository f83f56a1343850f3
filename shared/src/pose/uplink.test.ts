import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { POSITION_STEPS } from "./lattice.ts";
import { allFinite, axisError, Mover, turnError } from "./pose-kit.ts";
import { newPoseSample } from "./types.ts";
import { decodeUplinkBody, encodeUplinkBody } from "./uplink.ts";

const copyOf = (seed: number, timeMs: number) => {
  const from = new Mover(seed).at(timeMs);
  return { timeMs: from.timeMs, pose: Float64Array.from(from.pose), states: Uint8Array.of(0, 1, 2) };
};
const three = () => [newPoseSample(), newPoseSample(), newPoseSample()];

describe("uplink body", () => {
  it("carries one to three samples on the lattice", () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1e10, noNaN: true }), fc.integer({ min: 1, max: 3 }), (seed, start, count) => {
        const samples = Array.from({ length: count }, (_, i) => copyOf(seed, start + i * 11.1));
        const body = encodeUplinkBody(samples);
        const out = three();
        expect(decodeUplinkBody(body, out)).toBe(count);
        samples.forEach((sample, i) => {
          const got = out[i] as (typeof out)[number];
          expect(Math.abs(got.timeMs - sample.timeMs)).toBeLessThan(0.1);
          expect(axisError(got.pose, sample.pose)).toBeLessThanOrEqual(0.5 / POSITION_STEPS + 1e-9);
          expect(turnError(got.pose, sample.pose)).toBeLessThan(0.015);
          expect([...got.states]).toEqual([0, 1, 2]);
        });
      }),
    );
  });

  it("is small: three samples of a moving person in under 96 bytes, and re-encodes to the same bytes", () => {
    const body = encodeUplinkBody([copyOf(1, 1000), copyOf(1, 1011), copyOf(1, 1022)]);
    expect(body.length).toBeLessThan(96);
    const out = three();
    expect(decodeUplinkBody(body, out)).toBe(3);
    expect(encodeUplinkBody(out)).toEqual(body);
  });

  it("clamps what is out of range instead of wrapping, and never sends a non-finite number", () => {
    const wild = copyOf(1, Number.NaN);
    wild.pose.fill(Number.POSITIVE_INFINITY);
    wild.pose[0] = Number.NaN;
    wild.pose[1] = -1e9;
    const out = three();
    expect(decodeUplinkBody(encodeUplinkBody([wild]), out)).toBe(1);
    expect(allFinite((out[0] as (typeof out)[number]).pose)).toBe(true);
  });

  it("[UP1] decodes any bytes to a count and finite poses, and refuses truncated and padded bodies", () => {
    const body = encodeUplinkBody([copyOf(2, 500), copyOf(2, 511)]);
    const out = three();
    for (let n = 0; n < body.length; n++) expect(decodeUplinkBody(body.subarray(0, n), out)).toBe(0);
    expect(decodeUplinkBody(Uint8Array.of(...body, 0), out)).toBe(0);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1024 }), (bytes) => {
        const count = decodeUplinkBody(bytes, out);
        expect(count).toBeLessThanOrEqual(3);
        for (const sample of out) {
          expect(Number.isFinite(sample.timeMs)).toBe(true);
          expect(allFinite(sample.pose)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
