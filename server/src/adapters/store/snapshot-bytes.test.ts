import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "./records.ts";
import { packSnapshot, stateBytes, unpackSnapshot } from "./snapshot-bytes.ts";

it("[SB1] gives back what was packed, and nothing of what was damaged", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(), fc.integer({ min: 0, max: 7 }), (state, at, bit) => {
      const packed = packSnapshot(state);
      expect(unpackSnapshot(packed)).toEqual(state);
      expect(stateBytes(packed.sha256, packed.bytes.length)).toBe(state.length);
      const flipped = packed.bytes.slice();
      flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ (1 << bit);
      expect(unpackSnapshot({ ...packed, bytes: flipped })).toBe(undefined);
    }),
  );
});

it("[SB1] reads snapshots of before, and refuses those that do not say what they are", () => {
  const state = Uint8Array.of(1, 2, 3);
  expect(unpackSnapshot({ bytes: state, sha256: sha256(state) })).toEqual(state);
  expect(stateBytes(sha256(state), 3)).toBe(3);
  expect(unpackSnapshot({ bytes: state, sha256: `z:9:${sha256(state)}` })).toBe(undefined);
  const packed = packSnapshot(new Uint8Array(1000));
  expect(unpackSnapshot({ ...packed, sha256: packed.sha256.replace("z:1000", "z:999") })).toBe(undefined);
  expect(unpackSnapshot({ ...packed, sha256: packed.sha256.replace("z:1000", "z:2000") })).toBe(undefined);
});

it("[SB2] a state fills its buffer, so that it changes threads without a copy", () => {
  for (const length of [64, 1000, 5_000_000]) {
    const state = unpackSnapshot(packSnapshot(new Uint8Array(length).fill(7)));
    expect([length, state?.length, state?.buffer.byteLength]).toEqual([length, length, length]);
  }
});
