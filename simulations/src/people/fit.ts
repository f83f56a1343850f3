/**
 * Fits parameters.ts to recordings: `node simulations/src/people/fit.ts FOLDER [ROUNDS]` prints the new constants.
 *
 * The shape of each spectrum comes from the recordings in FOLDER, its level and the spread of the activity from the speed percentiles
 * TARGET, which describe a larger set of the same kind. Both are matched by repeated correction: generate, measure, scale.
 */
import { POSE_FLOATS } from "@copresence/shared/pose";
import { type ChannelFit, FITTED, type PeopleFit } from "./parameters.ts";
import { type Motion, type MotionStatistics, type Percentiles, spectraOf, type Spectrum, statisticsOf } from "./statistics.ts";
import { SyntheticPerson } from "./synthetic-person.ts";
import { loadTraces } from "./traces.ts";

/** Recordings of interaction, as opposed to Beat Saber and motion capture. */
const INTERACTION = ["p04", "p05", "p06", "p08"];
const TARGET: MotionStatistics = { headMs: [0.16, 0.82, 1.31], handMs: [0.35, 1.67, 2.8], headDegS: [22, 136, 231], handDegS: [45, 286, 590] };
const PEOPLE = 12;
const SECONDS = 40;
const RATE_HZ = 90;
const DAMPING = 0.4;
/** A hundredth of a millimetre: an octave that its neighbours' skirts already fill stays alive for the next round. */
const LEAST_GAIN = 1e-5;

function generate(fit: PeopleFit): Motion[] {
  return Array.from({ length: PEOPLE }, (_, seed) => {
    const person = new SyntheticPerson({ seed: 1000 + seed, fit });
    const count = SECONDS * RATE_HZ;
    const timesMs = new Float64Array(count);
    const poses = new Float64Array(count * POSE_FLOATS);
    for (let row = 0; row < count; row++) {
      timesMs[row] = (row * 1000) / RATE_HZ;
      person.sample(timesMs[row] as number, poses.subarray(row * POSE_FLOATS, (row + 1) * POSE_FLOATS));
    }
    return { count, timesMs, poses };
  });
}

const shape = (spectrum: Spectrum): number[] => {
  const total = spectrum.reduce((sum, power) => sum + power, 0);
  return Array.from(spectrum, (power) => power / total);
};

/** One round's correction. Octave k of the noise has its power in band k of the statistics. */
function correct(fit: ChannelFit, got: Percentiles, want: Percentiles, gotSpectrum: Spectrum, wantSpectrum: Spectrum): ChannelFit {
  const level = Math.log((want[0] * want[1]) / (got[0] * got[1])) / 2;
  // The tail's length: p95 and p99 against the median, on a logarithmic scale that the spread multiplies.
  const tail = (Math.log(want[1] / want[0]) + Math.log(want[2] / want[0])) / (Math.log(got[1] / got[0]) + Math.log(got[2] / got[0]));
  const gotShape = shape(gotSpectrum);
  const wantShape = shape(wantSpectrum);
  const gains = fit.gains.map((gain, k) => {
    const ratio = Math.log((wantShape[k] as number) / (gotShape[k] as number)) / 2;
    return Math.max(LEAST_GAIN, gain * Math.exp(DAMPING * (ratio + level)));
  });
  return { gains, spread: fit.spread * tail ** DAMPING };
}

const traces = loadTraces(process.argv[2] ?? "", INTERACTION);
if (!traces.ok) {
  console.error(traces.error.sentence);
  process.exit(1);
}
const wanted = spectraOf(traces.value);
let fit = FITTED;
for (let round = 0; round <= Number(process.argv[3] ?? 40); round++) {
  const motions = generate(fit);
  const got = statisticsOf(motions);
  const spectra = spectraOf(motions);
  console.error(
    round,
    JSON.stringify(got, (_, value) => (typeof value === "number" ? Number(value.toPrecision(3)) : value)),
  );
  for (const name of ["head", "hand", "headTurn", "handTurn"] as const) {
    console.error(
      name,
      shape(spectra[name])
        .map((power, k) => `${power.toPrecision(2)}:${shape(wanted[name])[k]?.toPrecision(2)}`)
        .join(" "),
    );
  }
  fit = {
    head: correct(fit.head, got.headMs, TARGET.headMs, spectra.head, wanted.head),
    hand: correct(fit.hand, got.handMs, TARGET.handMs, spectra.hand, wanted.hand),
    headTurn: correct(fit.headTurn, got.headDegS, TARGET.headDegS, spectra.headTurn, wanted.headTurn),
    handTurn: correct(fit.handTurn, got.handDegS, TARGET.handDegS, spectra.handTurn, wanted.handTurn),
  };
}
const digits = (_: string, value: unknown): unknown => (typeof value === "number" ? Number(value.toPrecision(3)) : value);
console.log(JSON.stringify(fit, digits, 2));
