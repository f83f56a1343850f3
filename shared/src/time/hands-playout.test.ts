import { describe, expect, it } from "vitest";
import { HAND_FLOATS, HandsState, offsetAt } from "../pose/index.ts";
import { GONE_MS, HandsPlayout } from "./hands-playout.ts";
import { EXPIRY_MS, StatePlayout } from "./state-playout.ts";

/** A right hand whose index tip stands `mm` before its wrist, and is bent by `steps` of flexion. */
function handAt(mm: number, steps = 0, present = 1): HandsState {
  const state = new HandsState();
  state.present[1] = present;
  state.set(1, offsetAt(6) + 2, -mm);
  state.set(1, 6 * 3, steps);
  return state;
}
const WRIST = Float64Array.of(1, 1, 1, 0, 0, 0, 1);
/** Turned a quarter about +Y: what was before the wrist is to its left. */
const TURNED = Float64Array.of(1, 1, 1, 0, Math.SQRT1_2, 0, Math.SQRT1_2);

describe("playout of hands", () => {
  it("[HP1] shows joints between two updates, on the wrist it is given", () => {
    const playout = new HandsPlayout();
    playout.push(1000, handAt(100));
    playout.push(1040, handAt(140, 88));
    const out = new Float64Array(HAND_FLOATS);
    expect(playout.sample(1010, 1, WRIST, 0, out)).toBe(true);
    expect(out[6 * 7 + 2]).toBeCloseTo(1 - 0.11, 9);
    expect([...out.subarray(0, 7)]).toEqual([...WRIST]);
    expect(playout.sample(1010, 1, TURNED, 0, out)).toBe(true);
    expect([out[6 * 7], out[6 * 7 + 2]].map((v) => Math.round((v as number) * 1000))).toEqual([890, 1000]);
    for (let at = 3; at < HAND_FLOATS; at += 7) expect(Math.hypot(...out.subarray(at, at + 4))).toBeCloseTo(1, 9);
  });

  it("[HP2] shows no hand that is not there, and none that fell silent", () => {
    const playout = new HandsPlayout();
    const out = new Float64Array(HAND_FLOATS);
    expect(playout.sample(0, 1, WRIST, 0, out)).toBe(false);
    playout.push(1000, handAt(100));
    playout.push(1033, handAt(100));
    expect([playout.sample(1020, 0, WRIST, 0, out), playout.sample(1020, 1, WRIST, 0, out)]).toEqual([false, true]);
    expect(playout.sample(1033 + GONE_MS, 1, WRIST, 0, out)).toBe(true);
    expect(playout.sample(1034 + GONE_MS, 1, WRIST, 0, out)).toBe(false);
    playout.push(2000, handAt(100, 0, 0));
    expect(playout.sample(2001, 1, WRIST, 0, out)).toBe(false);
  });

  it("ignores what comes late, whatever its number, and starts anew after a reset", () => {
    const playout = new HandsPlayout();
    const out = new Float64Array(HAND_FLOATS);
    for (const [timeMs, mm] of [
      [1000, 100],
      [1033, 100],
      [1010, 300],
      [Number.NaN, 300],
    ] as const)
      playout.push(timeMs, handAt(mm));
    playout.sample(1020, 1, WRIST, 0, out);
    expect(out[6 * 7 + 2]).toBeCloseTo(0.9, 9);
    expect(playout.spacingMs).toBe(33);
    playout.reset();
    expect(playout.sample(1020, 1, WRIST, 0, out)).toBe(false);
    playout.push(10, handAt(50));
    expect(playout.sample(10, 1, WRIST, 0, out)).toBe(true);
  });
});

describe("playout of states", () => {
  const newState = (): { value: number } => ({ value: 0 });
  const copy = (from: { value: number }, to: { value: number }): void => void (to.value = from.value);

  it("[SP1] shows the newest whose time has come, and gives up waiting when too many do", () => {
    const playout = new StatePlayout(newState, copy);
    expect(playout.at(1e9)).toBeUndefined();
    playout.push(100, { value: 1 });
    playout.push(200, { value: 2 });
    expect(playout.at(99)).toBeUndefined();
    expect(playout.at(150)?.value).toBe(1);
    expect(playout.at(250)?.value).toBe(2);
    for (let i = 0; i < 20; i++) playout.push(1000 + i, { value: 10 + i });
    expect(playout.at(300)?.value).toBe(21);
    playout.reset();
    expect(playout.at(1e9)).toBeUndefined();
  });

  it("[SP2] shows nothing that was not said again for long", () => {
    const playout = new StatePlayout(newState, copy);
    playout.push(100, { value: 1 });
    expect(playout.at(100 + EXPIRY_MS)?.value).toBe(1);
    expect(playout.at(101 + EXPIRY_MS)).toBeUndefined();
    playout.push(9000, { value: 1 });
    expect(playout.at(9000)?.value).toBe(1);
  });
});
