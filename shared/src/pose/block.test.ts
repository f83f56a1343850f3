import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_BLOCK_BYTES } from "./block-format.ts";
import { BlockReader, Decoded } from "./block-reader.ts";
import { BlockWriter, Encoded } from "./block-writer.ts";
import { POSITION_STEPS } from "./lattice.ts";
import { Layer } from "./layers.ts";
import { allFinite, axisError, fingerprint, Mover, seeded, setQuat, turnError } from "./pose-kit.ts";
import { ReferenceBank } from "./references.ts";
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, newPoseSample, type PoseSample } from "./types.ts";

const RATE = 60;
const HALF_STEP_M = 0.5 / POSITION_STEPS + 1e-9;
/** Half a rotation step on each of three axes, and the lattice's own half step. */
const TURN_BOUND_DEG = 0.185;

/** An encoder and a viewer that reads what `takes` lets through. */
class Pair {
  readonly writer = new BlockWriter({ capacity: 2, tickRateHz: RATE });
  readonly reader = new BlockReader(new ReferenceBank(2), RATE);
  readonly out = new Uint8Array(MAX_BLOCK_BYTES);
  readonly shown = newPoseSample();
  length = 0;

  /** Returns the outcome at the reader, or undefined when it was sent nothing. */
  step(tick: number, sample: PoseSample, takes: (layer: Layer) => boolean = () => true): Decoded | undefined {
    const outcome = this.writer.encode(1, tick, sample, this.out, 0);
    this.length = 0;
    if (outcome === Encoded.quiet) return undefined;
    if (outcome === Encoded.reset) return this.intra(tick);
    this.length = this.writer.end;
    if (!takes(this.writer.layer)) return undefined;
    const decoded = this.reader.update(1, tick, this.out, 0, this.length);
    if (decoded === Decoded.ok) this.show();
    return decoded;
  }

  intra(tick: number): Decoded {
    const end = this.writer.intra(1, tick, this.out, 0);
    const decoded = this.reader.intra(1, tick, this.out, 0, end);
    this.show();
    expect(this.reader.end).toBe(end);
    return decoded;
  }

  private show(): void {
    this.reader.bank.readPose(this.reader.entry, this.shown.pose, this.shown.states);
    this.shown.timeMs = this.reader.time.toMs(this.reader.bank.time[this.reader.entry] as number);
  }
}

const coordinate = fc.double({ min: -900, max: 900, noNaN: true });
const part = fc.double({ min: -1, max: 1, noNaN: true });
const anyPose = fc.tuple(fc.array(coordinate, { minLength: 9, maxLength: 9 }), fc.array(part, { minLength: 12, maxLength: 12 })).map(([p, q]) => {
  const sample = newPoseSample();
  for (let d = 0; d < DEVICE_COUNT; d++) {
    for (let c = 0; c < 3; c++) sample.pose[d * DEVICE_FLOATS + c] = p[d * 3 + c] as number;
    setQuat(sample.pose, d * DEVICE_FLOATS + 3, q[d * 4] as number, q[d * 4 + 1] as number, q[d * 4 + 2] as number, q[d * 4 + 3] as number);
  }
  return sample;
});

describe("blocks", () => {
  it("[BR1] carry any pose in bounds within half a lattice step and half a rotation step, whatever came before", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyPose, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 200 })), { minLength: 1, maxLength: 20 }),
        (steps) => {
          const pair = new Pair();
          let tick = 100;
          for (const [sample, gap, lateMs] of steps) {
            tick += gap;
            sample.timeMs = (tick * 1000) / RATE - lateMs;
            expect(pair.step(tick, sample)).toBe(Decoded.ok);
            expect(axisError(pair.shown.pose, sample.pose)).toBeLessThanOrEqual(HALF_STEP_M);
            expect(turnError(pair.shown.pose, sample.pose)).toBeLessThan(TURN_BOUND_DEG);
            expect(Math.abs(pair.shown.timeMs - sample.timeMs)).toBeLessThanOrEqual(pair.reader.time.unitMs / 2 + 1e-6);
            expect(fingerprint(pair.reader.bank, 1)).toEqual(fingerprint(pair.writer.bank, 1));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("[BW2] keep encoder and viewer equal to the bit over a long run with gaps, jitter, rests and losses of tracking", () => {
    const pair = new Pair();
    const mover = new Mover(7, 1.5);
    const random = seeded(11);
    let tick = 50;
    let restUntil = 0;
    for (let n = 0; n < 60_000; n++) {
      tick += random() < 0.05 ? 1 + Math.floor(random() * 40) : 1;
      const timeMs = (tick * 1000) / RATE - 20 - random() * 6;
      if (random() < 0.002) restUntil = n + 60;
      const sample = n < restUntil ? mover.sample : mover.at(timeMs);
      sample.timeMs = timeMs;
      sample.states[2] = random() < 0.01 ? DeviceState.lost : DeviceState.tracked;
      const outcome = pair.step(tick, sample);
      if (outcome !== Decoded.ok && outcome !== undefined) expect.fail(`tick ${tick}: ${outcome}`);
      if (n % 97 === 0) expect(fingerprint(pair.reader.bank, 1)).toEqual(fingerprint(pair.writer.bank, 1));
    }
    expect(fingerprint(pair.reader.bank, 1)).toEqual(fingerprint(pair.writer.bank, 1));
  });

  it("[layers] decode alike whichever of T2, or T1 and T2, a viewer is spared, and again when it gets them back", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.constantFrom(Layer.t0, Layer.t1, Layer.t2), { minLength: 5, maxLength: 60 }), (seed, highest) => {
        const full = new Pair();
        const spared = new Pair();
        const mover = new Mover(seed, 2);
        let holdsT1 = true;
        for (let n = 0; n < highest.length * 4; n++) {
          const tick = 10 + n;
          const sample = mover.at((tick * 1000) / RATE - 10);
          full.step(tick, sample);
          const top = highest[n >> 2] as Layer;
          let took = false;
          const outcome = spared.step(tick, sample, (layer) => {
            took = layer === Layer.t2 ? top === Layer.t2 && holdsT1 : layer <= top;
            if (layer === Layer.t1) holdsT1 = took;
            return took;
          });
          if (!took) continue;
          expect(outcome).toBe(Decoded.ok);
          expect(spared.shown).toEqual(full.shown);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("[RE3] notice a lost T0 instead of guessing, and are mended by an intra block", () => {
    const pair = new Pair();
    const mover = new Mover(3);
    let missed = false;
    for (let tick = 10; tick < 60; tick++) {
      const sample = mover.at((tick * 1000) / RATE);
      const lose = tick >= 30 && pair.writer.has(1) && !missed;
      const outcome = pair.step(tick, sample, (layer) => {
        if (lose && layer === Layer.t0) missed = true;
        return !(lose && layer === Layer.t0);
      });
      if (outcome === undefined || !missed) continue;
      expect(outcome).toBe(Decoded.missing);
      if (tick > 40) break;
    }
    expect(missed).toBe(true);
    expect(pair.intra(60)).toBe(Decoded.ok);
    const mended = fingerprint(pair.reader.bank, 1);
    const there = fingerprint(pair.writer.bank, 1);
    expect(mended.slice(0, -1)).toEqual(there.slice(0, mended.length - 1));
    let shown = 0;
    for (let tick = 61; tick < 80; tick++) {
      const outcome = pair.step(tick, mover.at((tick * 1000) / RATE), (layer) => layer !== Layer.t2);
      if (outcome === undefined) continue;
      expect(outcome).toBe(Decoded.ok);
      shown++;
    }
    expect(shown).toBeGreaterThan(5);
  });

  it("[golden] are the same bytes for the same motion as ever (frame version 0)", () => {
    const pair = new Pair();
    const sample = newPoseSample();
    let digest = 0;
    let bytes = 0;
    for (let tick = 10; tick < 400; tick++) {
      // Motion of integers and divisions only, so that the input too is the same in every engine.
      sample.timeMs = tick * 16 - 9;
      for (let d = 0; d < DEVICE_COUNT; d++) {
        const o = d * DEVICE_FLOATS;
        for (let c = 0; c < 3; c++) sample.pose[o + c] = (((tick * (7 + d + c)) % 211) * ((tick * (5 + c)) % 97)) / 16_384;
        const r = ((tick * (3 + d)) % 101) / 256;
        const square = r * r;
        sample.pose.set([(2 * r) / (1 + square), 0, 0, (1 - square) / (1 + square)], o + 3);
      }
      pair.step(tick, sample);
      for (let i = 0; i < pair.length; i++) digest = (Math.imul(digest, 16_777_619) ^ (pair.out[i] as number)) >>> 0;
      bytes += pair.length;
    }
    expect([bytes, digest]).toEqual([9737, 3_167_460_986]);
  });

  it("cost no bits at rest except a byte per T0, and wake at once", () => {
    const pair = new Pair();
    const still = new Mover(5).at(0);
    let bytes = 0;
    let blocks = 0;
    for (let tick = 10; tick < 400; tick++) {
      still.timeMs = (tick * 1000) / RATE;
      pair.step(tick, still);
      if (tick < 100) continue;
      bytes += pair.length;
      if (pair.length > 0) blocks++;
    }
    expect(blocks).toBe(75);
    expect(bytes).toBe(75);
    expect([...pair.shown.states]).toEqual([DeviceState.atRest, DeviceState.atRest, DeviceState.atRest]);
    still.pose[7] = (still.pose[7] as number) + 0.05;
    still.timeMs = (400 * 1000) / RATE;
    expect(pair.step(400, still)).toBe(Decoded.ok);
    expect(axisError(pair.shown.pose, still.pose)).toBeLessThanOrEqual(HALF_STEP_M);
    expect(pair.shown.states[1]).toBe(DeviceState.tracked);
  });

  it("[BR1][BR2] of hostile bytes end in a value of the enumeration, finite poses, and an untouched bank unless ok", () => {
    const pair = new Pair();
    const mover = new Mover(9);
    for (let tick = 10; tick < 40; tick++) pair.step(tick, mover.at((tick * 1000) / RATE));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 170 }), fc.integer({ min: 38, max: 60 }), fc.boolean(), (bytes, tick, intra) => {
        const before = fingerprint(pair.reader.bank, 1);
        const outcome = intra ? pair.reader.intra(1, tick, bytes, 0, bytes.length) : pair.reader.update(1, tick, bytes, 0, bytes.length);
        if (outcome === Decoded.ok) {
          pair.reader.bank.readPose(pair.reader.entry, pair.shown.pose, pair.shown.states);
          expect(allFinite(pair.shown.pose)).toBe(true);
          for (let d = 0; d < DEVICE_COUNT; d++) {
            const q = pair.shown.pose.subarray(d * DEVICE_FLOATS + 3, d * DEVICE_FLOATS + 7);
            expect(Math.hypot(...q)).toBeCloseTo(1, 6);
          }
        } else expect(fingerprint(pair.reader.bank, 1)).toEqual(before);
      }),
      { numRuns: 3000 },
    );
  });

  it("[BR1] that were mutated or cut short end in the enumeration, finite and in a fraction of a millisecond each", () => {
    const pair = new Pair();
    const mover = new Mover(13, 2);
    const blocks: Uint8Array[] = [];
    for (let tick = 10; tick < 90; tick++) {
      pair.step(tick, mover.at((tick * 1000) / RATE));
      blocks.push(pair.out.slice(0, Math.max(pair.length, 1)));
    }
    const random = seeded(17);
    const runs = 40_000;
    let outcomes = 0;
    const start = Date.now();
    for (let run = 0; run < runs; run++) {
      const block = (blocks[Math.floor(random() * blocks.length)] as Uint8Array).slice();
      for (let flips = 1 + random() * 3; flips > 0; flips--) {
        const at = Math.floor(random() * block.length);
        block[at] = (block[at] as number) ^ (1 << Math.floor(random() * 8));
      }
      const end = Math.floor(random() * (block.length + 1));
      const tick = 84 + Math.floor(random() * 20);
      const outcome = run % 8 === 0 ? pair.reader.intra(1, tick, block, 0, end) : pair.reader.update(1, tick, block, 0, end);
      outcomes |= 1 << outcome;
      if (outcome !== Decoded.ok) continue;
      pair.reader.bank.readPose(pair.reader.entry, pair.shown.pose, pair.shown.states);
      if (!allFinite(pair.shown.pose)) expect.fail(`run ${run}`);
      expect(pair.reader.end).toBeLessThanOrEqual(end);
    }
    expect((Date.now() - start) / runs).toBeLessThan(0.5);
    expect(outcomes).toBe((1 << Decoded.ok) | (1 << Decoded.missing) | (1 << Decoded.malformed));
  });
});
