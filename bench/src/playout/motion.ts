/**
 * Whose hands are shown: recordings of real people, or, where there are none, synthetic people sampled like a headset would.
 *
 * The rows of a recording are what the headset measured; between them the truth is taken to be straight.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";
import { groupOf, loadTraces, type Style, SyntheticPerson, type Trace } from "@copresence/simulations/people";
import { existsSync } from "node:fs";
import { BadInput } from "../suite.ts";

/** Beat Saber is reported apart and need not run for eleven minutes. */
const BEAT_SABER_MS = 60_000;
/** The first two seconds are not judged. */
const LEAST_MS = 3000;
/** Playout was tuned on these; the others are held out. */
const TUNED_ON: ReadonlySet<string> = new Set([
  "p04_01_aframe",
  "p04_03_aframe",
  "p05_01_dance",
  "p01a_beatsaber_vivepro2",
  "p01c_beatsaber_vivepro2",
]);

export type Motion = Trace & { readonly heldOut: boolean };
export type Motions = {
  readonly synthetic: boolean;
  readonly people: readonly Motion[];
  readonly beatSaber: readonly Motion[];
  /** Recordings left out because nearly all of them would be the seconds in which playout learns the link. */
  readonly tooShort: readonly string[];
};

const STYLES: readonly Style[] = ["work", "gesture", "dance", "wander"];
const SYNTHETIC_MS = 20_000;
const HEADSET_HZ = 90;

/**
 * Recordings in `folder`: of people in headsets, on which the bars are judged, and of Beat Saber; synthetic people when it is not there. Throws
 * BadInput when it is there and cannot be used.
 */
export function loadMotions(folder: string | undefined): Motions {
  if (folder === undefined || !existsSync(folder)) return { synthetic: true, people: STYLES.map(synthetic), beatSaber: [], tooShort: [] };
  const traces = loadTraces(folder);
  if (!traces.ok) throw new BadInput(traces.error.sentence);
  const worn = traces.value.filter(({ id }) => groupOf(id) !== "mocap");
  const long = worn.filter(({ count, timesMs }) => (timesMs[count - 1] as number) >= LEAST_MS);
  const motions = long.map((trace) => ({ ...trace, heldOut: !TUNED_ON.has(trace.id) }));
  const tooShort = worn.filter((trace) => !long.includes(trace)).map(({ id }) => id);
  const people = motions.filter(({ id }) => groupOf(id) === "people");
  const beatSaber = motions.filter(({ id }) => groupOf(id) === "beatSaber");
  if (people.length === 0)
    throw new BadInput(
      `No recording in ${folder} to judge playout on: all are Beat Saber or motion capture by their names, or under ${LEAST_MS / 1000} s.`,
    );
  return { synthetic: false, people, tooShort, beatSaber: beatSaber.map((motion) => cut(motion, BEAT_SABER_MS)) };
}

/** At most the first `ms` of a recording. */
export function cut(motion: Motion, ms: number): Motion {
  const end = motion.timesMs.findIndex((timeMs) => timeMs > ms);
  return end < 2 ? motion : { ...motion, count: end, timesMs: motion.timesMs.slice(0, end), poses: motion.poses.slice(0, end * POSE_FLOATS) };
}

function synthetic(style: Style, index: number): Motion {
  const person = new SyntheticPerson({ seed: index + 1, style });
  const count = Math.floor((SYNTHETIC_MS * HEADSET_HZ) / 1000);
  const timesMs = Float64Array.from({ length: count }, (_, row) => (row * 1000) / HEADSET_HZ);
  const poses = new Float64Array(count * POSE_FLOATS);
  for (let row = 0; row < count; row++) person.sample(timesMs[row] as number, poses.subarray(row * POSE_FLOATS, (row + 1) * POSE_FLOATS));
  return { id: `synthetic-${style}`, count, timesMs, poses, startMs: 0, heldOut: true };
}

/** Reads a motion at rising times. */
export class Truth {
  private readonly motion: Motion;
  private row = 0;

  constructor(motion: Motion) {
    this.motion = motion;
  }

  /** Head, left, right at `timeMs` into `out` (21 floats); held before the start and after the end. */
  at(timeMs: number, out: Float64Array): void {
    const { timesMs, poses, count } = this.motion;
    while (this.row < count - 2 && (timesMs[this.row + 1] as number) <= timeMs) this.row++;
    const from = timesMs[this.row] as number;
    const u = Math.min(1, Math.max(0, (timeMs - from) / ((timesMs[this.row + 1] as number) - from)));
    const a = this.row * POSE_FLOATS;
    for (let device = 0; device < DEVICE_COUNT; device++)
      mix(poses, a + device * DEVICE_FLOATS, a + POSE_FLOATS + device * DEVICE_FLOATS, u, out, device * DEVICE_FLOATS);
  }
}

/** One device, `u` of the way from poses[a..] to poses[b..], into out[to..]: straight, and the shorter way round. */
export function mix(poses: Float64Array, a: number, b: number, u: number, out: Float64Array, to: number): void {
  for (let i = 0; i < 3; i++) out[to + i] = (poses[a + i] as number) * (1 - u) + (poses[b + i] as number) * u;
  let dot = 0;
  for (let i = 3; i < DEVICE_FLOATS; i++) dot += (poses[a + i] as number) * (poses[b + i] as number);
  const side = dot < 0 ? -u : u;
  let square = 0;
  for (let i = 3; i < DEVICE_FLOATS; i++) {
    const value = (poses[a + i] as number) * (1 - u) + (poses[b + i] as number) * side;
    out[to + i] = value;
    square += value * value;
  }
  const norm = Math.sqrt(square);
  for (let i = 3; i < DEVICE_FLOATS; i++) out[to + i] = (out[to + i] as number) / norm;
}
