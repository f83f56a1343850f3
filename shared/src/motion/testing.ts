/** Inputs and rigs for the tests of this folder. */
import fc from "fast-check";
import type { Rig, RigInput } from "./rig.ts";

const STILL: RigInput = { seq: 0, dtMs: 10, moveX: 0, moveZ: 0, heading: 0, turn: 0, teleport: null };

/** An input with these values and nothing else in it. */
export const input = (values: Partial<RigInput>): RigInput => ({ ...STILL, ...values });

const yaw = fc.integer({ min: 0, max: 65_535 });
const mm = fc.integer({ min: -500_000, max: 500_000 });

export const anyRig: fc.Arbitrary<Rig> = fc.record({ xMm: mm, yMm: fc.integer({ min: -60_000, max: 190_000 }), zMm: mm, yaw });

/** Anything a well-behaved client may send, except for its number. */
export const anyInput: fc.Arbitrary<RigInput> = fc.record({
  seq: fc.constant(0),
  dtMs: fc.integer({ min: 0, max: 50 }),
  moveX: fc.integer({ min: -127, max: 127 }),
  moveZ: fc.integer({ min: -127, max: 127 }),
  heading: yaw,
  turn: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -8, max: 8 }) }),
  teleport: fc.option(fc.record({ positionMm: fc.tuple(mm, mm, mm), yaw }), { nil: null, freq: 12 }),
});
