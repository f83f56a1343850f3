import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DEFAULT_RIG_BOUNDS, PoseGuard, stepRig, ZERO_RIG } from "@copresence/shared/motion";
import { newPoseSample, POSE_FLOATS } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { hashInts, SplineNoise } from "./spline-noise.ts";
import { BAND_EDGES_HZ, type Motion, type MotionStatistics, spectraOf, type Spectrum, statisticsOf } from "./statistics.ts";
import { type Style, STYLES, SyntheticPerson } from "./synthetic-person.ts";
import { loadTraces } from "./traces.ts";

/** What the recordings' description gives for WebVR interaction: p50, p95, p99. */
const PUBLISHED: MotionStatistics = { headMs: [0.16, 0.82, 1.31], handMs: [0.35, 1.67, 2.8], headDegS: [22, 136, 231], handDegS: [45, 286, 590] };
const RECORDINGS = fileURLToPath(new URL("../../../../shared/data/motion/train", import.meta.url));
const present = existsSync(RECORDINGS);
if (!present) console.warn("skipped: comparison with recordings (needs ../shared/data/motion)");

function record(people: number, seconds: number, style: Style = "work", rateHz = 90): Motion[] {
  return Array.from({ length: people }, (_, index) => {
    const person = new SyntheticPerson({ seed: 7 + index, style });
    const count = seconds * rateHz;
    const timesMs = Float64Array.from({ length: count }, (_, row) => (row * 1000) / rateHz);
    const poses = new Float64Array(count * POSE_FLOATS);
    for (let row = 0; row < count; row++) person.sample(timesMs[row] as number, poses.subarray(row * POSE_FLOATS, (row + 1) * POSE_FLOATS));
    return { count, timesMs, poses };
  });
}

/** Largest factor by which any percentile is off. */
function worstRatio(got: MotionStatistics, want: MotionStatistics): number {
  let worst = 1;
  for (const name of ["headMs", "handMs", "headDegS", "handDegS"] as const) {
    for (let i = 0; i < 3; i++) {
      const ratio = (got[name][i] as number) / (want[name][i] as number);
      worst = Math.max(worst, ratio, 1 / ratio);
    }
  }
  return worst;
}

const share = (spectrum: Spectrum): number[] => Array.from(spectrum, (power) => power / spectrum.reduce((sum, value) => sum + value, 0));

describe("SyntheticPerson", () => {
  it("moves at the published speeds of people: every percentile within a quarter", () => {
    const got = statisticsOf(record(16, 40));
    expect(worstRatio(got, PUBLISHED), JSON.stringify(got)).toBeLessThan(1.25);
  });

  it.skipIf(!present)("has the spectrum of the recordings: each octave's share of power within 3 dB (needs ../shared/data/motion)", () => {
    const traces = loadTraces(RECORDINGS, ["p04", "p05", "p06", "p08"]);
    if (!traces.ok) throw new Error(traces.error.sentence);
    const recorded = spectraOf(traces.value);
    const made = spectraOf(record(16, 40));
    for (const name of ["head", "hand", "headTurn", "handTurn"] as const) {
      const want = share(recorded[name]);
      share(made[name]).forEach((got, band) => {
        // Bands with less than a hundredth of the power are the skirts of their neighbours.
        if ((want[band] as number) < 0.01) return;
        const decibels = Math.abs(10 * Math.log10(got / (want[band] as number)));
        expect(decibels, `${name} from ${BAND_EDGES_HZ[band]} Hz: ${got} for ${want[band]}`).toBeLessThan(3);
      });
    }
    // The recordings here are a part of those that were published, so their percentiles are farther off.
    expect(worstRatio(statisticsOf(record(16, 40)), statisticsOf(traces.value))).toBeLessThan(1.75);
  });

  it("[SP1] depends on seed, style and time only, not on the order of calls", () => {
    const times = [0, 11, 5000, 4990, 123_456.7, 22, 3_600_000];
    const forwards = new SyntheticPerson({ seed: 3, style: "gesture" });
    const seen = times.map((t) => {
      const out = new Float64Array(POSE_FLOATS);
      forwards.sample(t, out);
      return out;
    });
    for (const [index, t] of [...times.entries()].reverse()) {
      const out = new Float64Array(POSE_FLOATS);
      new SyntheticPerson({ seed: 3, style: "gesture" }).sample(t, out);
      expect(out).toEqual(seen[index]);
    }
    const other = new Float64Array(POSE_FLOATS);
    new SyntheticPerson({ seed: 4, style: "gesture" }).sample(0, other);
    expect(other).not.toEqual(seen[0]);
  });

  it.each(STYLES)("[SP3] as %s passes the room's plausibility checks untouched for ten minutes", (style) => {
    const sample = newPoseSample();
    for (let seed = 0; seed < 4; seed++) {
      const person = new SyntheticPerson({ seed, style });
      const guard = new PoseGuard({ bounds: DEFAULT_RIG_BOUNDS });
      const verdicts = { ok: 0, clamped: 0, refused: 0 };
      for (let t = 0; t < 150_000; t += 20) {
        person.sample(t, sample.pose);
        sample.timeMs = t;
        verdicts[guard.judge(sample, t, ZERO_RIG, false)]++;
      }
      expect(verdicts).toEqual({ ok: 7500, clamped: 0, refused: 0 });
    }
  });

  it("differs by style: idle people hardly move, dancers move most", () => {
    const [idle, work, dance] = (["idle", "work", "dance"] as const).map((style) => statisticsOf(record(4, 30, style)).handMs[0]) as [
      number,
      number,
      number,
    ];
    expect(idle).toBeLessThan(work / 2);
    expect(dance).toBeGreaterThan(work);
  });

  it("walks about with the stick and stays near the room's middle", () => {
    const person = new SyntheticPerson({ seed: 11, style: "wander", roamM: 5 });
    const rig = { ...ZERO_RIG };
    let walked = 0;
    let farthest = 0;
    for (let t = 0; t < 300_000; t += 20) {
      const { moveX, moveZ, heading, turn } = person.locomotion(t, rig, rig.yaw);
      const before = { ...rig };
      stepRig(rig, { seq: 0, dtMs: 20, moveX, moveZ, heading, turn, teleport: null }, DEFAULT_RIG_BOUNDS);
      walked += Math.hypot(rig.xMm - before.xMm, rig.zMm - before.zMm) / 1000;
      farthest = Math.max(farthest, Math.hypot(rig.xMm, rig.zMm) / 1000);
    }
    expect(walked).toBeGreaterThan(50);
    expect(farthest).toBeGreaterThan(2);
    // One walk may leave the circle before its next interval turns it round.
    expect(farthest).toBeLessThan(5 + 6);
  });
});

describe("SplineNoise", () => {
  it("[SN3] has unit variance and no jumps", () => {
    const noise = new SplineNoise({ seed: 5, channels: 2, periodsMs: [100] });
    let square = 0;
    let previous = 0;
    for (let i = 0; i < 200_000; i++) {
      noise.seek(i * 5);
      const value = noise.value(1, 0);
      square += value * value;
      if (i > 0) expect(Math.abs(value - previous)).toBeLessThan(0.5);
      previous = value;
    }
    expect(square / 200_000).toBeGreaterThan(0.95);
    expect(square / 200_000).toBeLessThan(1.05);
  });

  it("[SN2] the hash is pinned: the same people in every engine and release", () => {
    expect([hashInts(1, 2, 3, 4), hashInts(-1, 0), hashInts(0, 0)]).toMatchInlineSnapshot(`
      [
        1563507355,
        -1067184833,
        937260802,
      ]
    `);
  });
});
