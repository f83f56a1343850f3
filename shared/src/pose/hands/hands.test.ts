import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decoded } from "../block-reader.ts";
import { seeded, setQuat } from "../pose-kit.ts";
import { HAND_FLOATS, HandLayer, HANDS, JOINT_FLOATS, JOINTS, MAX_HANDS_BYTES } from "./hand-format.ts";
import { HandReader } from "./hand-reader.ts";
import { type HandsState, newHandsPose } from "./hand-state.ts";
import { HandWriter } from "./hand-writer.ts";

/** The dead bands of two tilt axes (1.4 degrees) of a joint and its three parents, and half a step of flexion. */
const TURN_BOUND_DEG = 7;

class Pair {
  readonly writer = new HandWriter();
  readonly reader = new HandReader();
  readonly out = new Uint8Array(MAX_HANDS_BYTES);
  readonly shown = newHandsPose();
  length = 0;

  step(pose: Float64Array, tracked: Uint8Array, takes: (layer: HandLayer) => boolean = () => true): Decoded | undefined {
    this.length = this.writer.encode(pose, tracked, this.out, 0);
    if (this.writer.reset) return this.intra(pose);
    if (!takes(this.writer.layer)) return undefined;
    const outcome = this.reader.update(this.out, 0, this.length);
    if (outcome === Decoded.ok) {
      expect(this.reader.end).toBe(this.length);
      this.show(pose);
    }
    return outcome;
  }

  intra(pose: Float64Array): Decoded {
    this.length = this.writer.intra(this.out, 0);
    const outcome = this.reader.intra(this.out, 0, this.length);
    this.show(pose);
    return outcome;
  }

  private show(pose: Float64Array): void {
    for (let hand = 0; hand < HANDS; hand++) this.shown.set(pose.subarray(hand * HAND_FLOATS, hand * HAND_FLOATS + JOINT_FLOATS), hand * HAND_FLOATS);
    this.reader.readPose(this.shown);
  }
}

/** Hands whose joints turn and bend in sums of sines; `wild` ones in any way at all. */
function hands(random: () => number, wild: boolean): (timeS: number) => Float64Array {
  const phases = Array.from({ length: HANDS * JOINTS * 6 }, random);
  return (timeS) => {
    const pose = newHandsPose();
    for (let i = 0; i < HANDS * JOINTS; i++) {
      const wave = (c: number): number => Math.sin(6.28 * ((phases[i * 6 + c] as number) + timeS * (0.3 + (phases[i * 6 + c] as number))));
      const size = wild ? 1 : 0.05;
      for (let c = 0; c < 3; c++) pose[i * JOINT_FLOATS + c] = (i % JOINTS) * 0.006 + 0.002 * wave(c);
      setQuat(pose, i * JOINT_FLOATS + 3, wave(3), size * wave(4), size * wave(5), wild ? wave(1) : 1);
    }
    return pose;
  };
}

const both = Uint8Array.of(1, 1);
const sameState = (a: HandsState, b: HandsState): void => {
  expect([a.sequence, [...a.present], [...a.values], [...a.classes]]).toEqual([b.sequence, [...b.present], [...b.values], [...b.classes]]);
};

function worstTurn(a: Float64Array, b: Float64Array): number {
  let worst = 0;
  for (let at = 3; at < a.length; at += JOINT_FLOATS) {
    let dot = 0;
    for (let c = 0; c < 4; c++) dot += (a[at + c] as number) * (b[at + c] as number);
    worst = Math.max(worst, (2 * Math.acos(Math.min(1, Math.abs(dot))) * 180) / Math.PI);
  }
  return worst;
}

describe("hand blocks", () => {
  it("carry any turns of any joints in an intra block, and any change of them once the slow values caught up", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const at = hands(seeded(seed), true);
        const pair = new Pair();
        expect(pair.step(at(0), both)).toBe(Decoded.ok);
        expect(worstTurn(pair.shown, at(0))).toBeLessThan(TURN_BOUND_DEG);
        for (let n = 0; n < 16; n++) {
          expect(pair.step(at(9), both)).toBe(Decoded.ok);
          expect(pair.length).toBeLessThanOrEqual(MAX_HANDS_BYTES);
        }
        expect(worstTurn(pair.shown, at(9))).toBeLessThan(TURN_BOUND_DEG);
      }),
      { numRuns: 60 },
    );
  });

  it("[HW1][HF3] keep both ends equal to the bit, whichever H1 blocks a viewer is spared", () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, wild) => {
        const random = seeded(seed);
        const at = hands(random, wild);
        const full = new Pair();
        const spared = new Pair();
        for (let n = 0; n < 120; n++) {
          const tracked = Uint8Array.of(1, n % 40 < 30 ? 1 : 0);
          const pose = at(n / 30);
          expect(full.step(pose, tracked)).toBe(Decoded.ok);
          const outcome = spared.step(pose, tracked, (layer) => layer === HandLayer.h0 || random() < 0.5);
          sameState(full.reader.reference, full.writer.reference);
          sameState(spared.reader.reference, full.writer.reference);
          if (outcome !== Decoded.ok) continue;
          const seen = tracked[1] === 1 ? HANDS * HAND_FLOATS : HAND_FLOATS;
          expect(spared.shown.subarray(0, seen)).toEqual(full.shown.subarray(0, seen));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("[HR3] notice a lost H0, and are mended by an intra block", () => {
    const at = hands(seeded(4), false);
    const pair = new Pair();
    pair.step(at(0), both);
    while (pair.writer.layer !== HandLayer.h1) pair.step(at(0.1), both);
    expect(pair.step(at(0.2), both, () => false)).toBeUndefined();
    expect(pair.writer.layer).toBe(HandLayer.h0);
    expect(pair.step(at(0.3), both)).toBe(Decoded.missing);
    expect(pair.intra(at(0.3))).toBe(Decoded.ok);
    expect(pair.step(at(0.4), both)).toBe(Decoded.ok);
  });

  it("[HR1][HR2] of hostile or mutated bytes end in the enumeration, finite, and touch nothing unless ok", () => {
    const at = hands(seeded(6), false);
    const pair = new Pair();
    for (let n = 0; n < 10; n++) pair.step(at(n / 30), both);
    const valid = pair.out.slice(0, pair.length);
    const mutation = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = valid.slice();
      for (const [i, value] of changes) bytes[i] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(mutation, fc.uint8Array({ maxLength: 400 })), fc.boolean(), (bytes, intra) => {
        const before = [...pair.reader.reference.values, pair.reader.reference.sequence];
        const outcome = intra ? pair.reader.intra(bytes, 0, bytes.length) : pair.reader.update(bytes, 0, bytes.length);
        if (outcome === Decoded.ok) {
          pair.reader.readPose(pair.shown);
          expect(pair.shown.every(Number.isFinite)).toBe(true);
          expect(pair.reader.end).toBeLessThanOrEqual(bytes.length);
        } else expect([...pair.reader.reference.values, pair.reader.reference.sequence]).toEqual(before);
      }),
      { numRuns: 2000 },
    );
  });

  it("cost three bytes a hand at rest", () => {
    const at = hands(seeded(8), false);
    const pair = new Pair();
    for (let n = 0; n < 20; n++) pair.step(at(1), both);
    expect(pair.length).toBeLessThanOrEqual(6);
  });
});
