import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../protocol/limits.ts";
import { Decoded } from "./block-reader.ts";
import { FarReader } from "./far-reader.ts";
import { FAR_COARSEST, FAR_MRP_STEPS, FAR_POSITION_LIMIT, FarBank, FarLayer, farHalfTicks, farPeriodTicks, MAX_FAR_BYTES } from "./far-stream.ts";
import { FarWriter } from "./far-writer.ts";
import { allFinite, axisError, Mover, turnError } from "./pose-kit.ts";
import { SlotListReader, writeSlotList } from "./slot-list.ts";
import { DeviceState, newPoseSample, POSE_FLOATS } from "./types.ts";

const RATE = 60;
const PERIOD = farPeriodTicks(RATE);
/** Half a step of 15.6 mm on an axis; half a step of 3.6 degrees on three. */
const AXIS_M = 0.5 / 64 + 1e-9;
const TURN_DEG = 3.3;

/** One source, one viewer. */
class Pair {
  readonly writer = new FarWriter({ capacity: 2, tickRateHz: RATE });
  readonly reader = new FarReader(new FarBank(2), RATE);
  readonly out = new Uint8Array(MAX_FAR_BYTES);
  readonly shown = newPoseSample();
  private readonly poses = new Float64Array(POSE_FLOATS * 2);
  private readonly states = new Uint8Array(6);

  /** Of what is encoded and decoded from here on. */
  coarseness = 0;

  encode(tick: number, layer: FarLayer, pose: Float64Array, timeMs: number, states: readonly number[] = [0, 0, 0]): Uint8Array {
    this.poses.set(pose, POSE_FLOATS);
    this.states.set(states, 3);
    this.writer.start(tick, layer, this.coarseness);
    this.reader.coarseness = this.coarseness;
    return this.out.slice(0, this.writer.encode(1, Float64Array.of(0, timeMs), this.poses, this.states, this.out, 0));
  }
  intra(): Uint8Array {
    return this.out.slice(0, this.writer.intra(1, this.out, 0));
  }
  decode(tick: number, layer: FarLayer, bytes: Uint8Array): Decoded {
    const outcome = this.reader.update(1, tick, layer, bytes, 0, bytes.length);
    if (outcome === Decoded.ok) this.reader.bank.readPose(this.shown.pose, this.shown.states);
    return outcome;
  }
}

const equalBanks = (pair: Pair): void => {
  const a = pair.writer.bank;
  const b = pair.reader.bank;
  expect([a.tick[1], a.lag[1], ...a.states.subarray(3, 6)]).toEqual([b.tick[1], b.lag[1], ...b.states.subarray(3, 6)]);
  expect([...a.values.subarray(18, 36)]).toEqual([...b.values.subarray(18, 36)]);
  expect([...a.classes.subarray(6, 12)]).toEqual([...b.classes.subarray(6, 12)]);
};

describe("far stream", () => {
  it("[FA1] keeps C0 within 200 ms at every room rate", () => {
    for (let rate = 10; rate <= 90; rate++) {
      expect((farPeriodTicks(rate) * 1000) / rate).toBeLessThanOrEqual(200);
      expect(farPeriodTicks(rate)).toBe(2 * farHalfTicks(rate));
    }
  });

  it("[FW1] shows poses and times to its resolution, with both layers, one, late joiners and moved due ticks", () => {
    const pair = new Pair();
    const mover = new Mover(3);
    let bytes = 0;
    let blocks = 0;
    for (let n = 0; n < 400; n++) {
      // Now and then a source comes into another cell, whose due ticks are others.
      const tick = 1000 + n * PERIOD + (n % 50 > 25 ? 5 : 0);
      const sample = mover.at((tick * 1000) / RATE - 9);
      const block = pair.encode(tick, FarLayer.c0, sample.pose, sample.timeMs);
      if (n === 0) expect(block.length).toBe(0);
      if (n === 0 || n === 100) {
        pair.reader.bank.clear(1);
        const intra = pair.intra();
        expect(pair.reader.intra(1, tick, intra, 0, intra.length)).toBe(Decoded.ok);
        expect(pair.reader.end).toBe(intra.length);
        pair.reader.bank.readPose(pair.shown.pose, pair.shown.states);
      } else {
        expect(pair.decode(tick, FarLayer.c0, block)).toBe(Decoded.ok);
        expect(pair.reader.end).toBe(block.length);
        bytes += block.length;
        blocks++;
      }
      expect(axisError(pair.shown.pose, sample.pose)).toBeLessThan(AXIS_M);
      expect(turnError(pair.shown.pose, sample.pose)).toBeLessThan(TURN_DEG);
      expect(Math.abs(pair.reader.timeMs - sample.timeMs)).toBeLessThanOrEqual(2);
      equalBanks(pair);
      const half = tick + PERIOD / 2;
      const next = mover.at((half * 1000) / RATE - 9);
      const c1 = pair.encode(half, FarLayer.c1, next.pose, next.timeMs);
      if (n % 3 === 0) continue;
      expect(pair.decode(half, FarLayer.c1, c1)).toBe(Decoded.ok);
      expect(axisError(pair.shown.pose, next.pose)).toBeLessThan(AXIS_M);
      equalBanks(pair);
    }
    expect(bytes / blocks).toBeLessThan(15);
  });

  it("[FW1] stays in step through every change of coarseness, shows half a wider step of error, and costs less", () => {
    const pair = new Pair();
    const mover = new Mover(7);
    const bytes = [0, 0, 0, 0];
    for (let n = 0; n < 400; n++) {
      pair.coarseness = n < 2 ? 0 : Math.floor(n / 20) % (FAR_COARSEST + 1);
      const tick = 1000 + n * PERIOD;
      const sample = mover.at((tick * 1000) / RATE);
      const block = pair.encode(tick, FarLayer.c0, sample.pose, sample.timeMs);
      if (n === 0) {
        const intra = pair.intra();
        expect(pair.reader.intra(1, tick, intra, 0, intra.length)).toBe(Decoded.ok);
        continue;
      }
      expect(pair.decode(tick, FarLayer.c0, block)).toBe(Decoded.ok);
      expect(pair.reader.end).toBe(block.length);
      equalBanks(pair);
      bytes[pair.coarseness] = (bytes[pair.coarseness] as number) + block.length;
      // Half a step, and the half of a single one that the sample was rounded by.
      expect(axisError(pair.shown.pose, sample.pose)).toBeLessThan((2 ** pair.coarseness + 1) * AXIS_M);
      expect(turnError(pair.shown.pose, sample.pose)).toBeLessThan((2 ** (pair.coarseness >> 1) + 1) * TURN_DEG);
    }
    for (let c = 1; c <= FAR_COARSEST; c++) expect(bytes[c]).toBeLessThan((bytes[c - 1] as number) * 0.95);
  });

  it("notices a C0 that was lost, and holds devices that are lost or at rest", () => {
    const pair = new Pair();
    const mover = new Mover(4);
    const pose = (tick: number): Float64Array => mover.at(tick).pose;
    pair.encode(0, FarLayer.c0, pose(0), 0);
    expect(pair.reader.intra(1, 0, pair.intra(), 0, MAX_FAR_BYTES)).toBe(Decoded.ok);
    pair.encode(PERIOD, FarLayer.c0, pose(PERIOD), 200);
    expect(pair.decode(2 * PERIOD, FarLayer.c0, pair.encode(2 * PERIOD, FarLayer.c0, pose(2 * PERIOD), 400))).toBe(Decoded.missing);
    expect(pair.reader.intra(1, 2 * PERIOD, pair.intra(), 0, MAX_FAR_BYTES)).toBe(Decoded.ok);
    const before = pair.reader.bank.values.slice(18, 36);
    const states = [DeviceState.tracked, DeviceState.lost, DeviceState.atRest];
    expect(pair.decode(3 * PERIOD, FarLayer.c0, pair.encode(3 * PERIOD, FarLayer.c0, pose(900), 600, states))).toBe(Decoded.ok);
    expect([...pair.shown.states]).toEqual(states);
    expect(pair.reader.bank.values.slice(24, 36)).toEqual(before.slice(6));
    equalBanks(pair);
  });

  it("[FO1] [FO2] ends in a valid value or a refusal on any bytes", () => {
    const pair = new Pair();
    const mover = new Mover(5);
    pair.encode(100, FarLayer.c0, mover.at(0).pose, 1660);
    const intra = pair.intra();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0, 1, 2), fc.nat(FAR_COARSEST), (bytes, kind, coarseness) => {
        pair.coarseness = pair.reader.coarseness = coarseness;
        pair.reader.intra(1, 100, intra, 0, intra.length);
        const before = [...pair.reader.bank.values.subarray(18, 36)];
        const outcome = kind === 2 ? pair.reader.intra(1, 112, bytes, 0, bytes.length) : pair.decode(kind === 0 ? 112 : 106, kind, bytes);
        if (outcome !== Decoded.ok) expect([...pair.reader.bank.values.subarray(18, 36)]).toEqual(before);
        pair.reader.bank.readPose(pair.shown.pose, pair.shown.states);
        if (outcome === Decoded.ok) expect(allFinite(pair.shown.pose) && Number.isFinite(pair.reader.timeMs)).toBe(true);
        for (let i = 0; i < 18; i++) {
          const limit = i % 6 < 3 ? FAR_POSITION_LIMIT : FAR_MRP_STEPS;
          expect(Math.abs(pair.reader.bank.values[18 + i] as number)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("slot lists", () => {
  it("read back as written, and cost a bit a slot in a full room", () => {
    const reader = new SlotListReader();
    const out = new Uint8Array(8192);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(LIMITS.people - 1), { minLength: 1, maxLength: LIMITS.people }), (set) => {
        const slots = Uint16Array.from(set).sort();
        const end = writeSlotList(slots, slots.length, out, 3);
        expect(reader.read(out, 3, end)).toBe(slots.length);
        expect(reader.end).toBe(end);
        expect([...reader.slots.subarray(0, slots.length)]).toEqual([...slots]);
      }),
      { numRuns: 300 },
    );
    const all = Uint16Array.from({ length: 800 }, (_, i) => i);
    expect(writeSlotList(all, 800, out, 0)).toBeLessThan(104);
  });

  it("[SL1] refuse any other bytes or read rising slots in range", () => {
    const reader = new SlotListReader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const count = reader.read(bytes, 0, bytes.length);
        for (let i = 0; i < count; i++) expect(reader.slots[i]).toBeLessThan(LIMITS.people);
        for (let i = 1; i < count; i++) expect(reader.slots[i]).toBeGreaterThan(reader.slots[i - 1] as number);
      }),
      { numRuns: 3000 },
    );
  });
});
