/**
 * Whose hands are shown: recordings of real people, or, where there are none, synthetic people sampled like a headset would.
 *
 * The rows of a recording are what the headset measured; between them the truth is taken to be straight.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";
import { loadTraces, type Style, SyntheticPerson, type Trace } from "@copresence/simulations/people";
import { existsSync } from "node:fs";

/** Recordings at 88-90 Hz that are not Beat Saber; the bars are judged on these. */
const PEOPLE = ["p04", "p05", "p06", "p08"];
const BEAT_SABER = ["p01"];
/** Beat Saber is reported apart and need not run for eleven minutes. */
const BEAT_SABER_MS = 60_000;
/** Playout was tuned on these; the others are held out. */
const TUNED_ON: ReadonlySet<string> = new Set([
  "p04_01_aframe",
  "p04_03_aframe",
  "p05_01_dance",
  "p01a_beatsaber_vivepro2",
  "p01c_beatsaber_vivepro2",
]);

export type Motion = Trace & { readonly heldOut: boolean };
export type Motions = { readonly synthetic: boolean; readonly people: readonly Motion[]; readonly beatSaber: readonly Motion[] };

const STYLES: readonly Style[] = ["work", "gesture", "dance", "wander"];
const SYNTHETIC_MS = 20_000;
const HEADSET_HZ = 90;

/** Recordings in `folder`; synthetic people when it is not there. Throws when it is there and cannot be read. */
export function loadMotions(folder: string | undefined): Motions {
  if (folder === undefined || !existsSync(folder)) return { synthetic: true, people: STYLES.map(synthetic), beatSaber: [] };
  return { synthetic: false, people: load(folder, PEOPLE), beatSaber: load(folder, BEAT_SABER).map((motion) => cut(motion, BEAT_SABER_MS)) };
}

function load(folder: string, prefixes: readonly string[]): Motion[] {
  const traces = loadTraces(folder, prefixes);
  if (!traces.ok) throw new Error(traces.error.sentence);
  return traces.value.map((trace) => ({ ...trace, heldOut: !TUNED_ON.has(trace.id) }));
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
  return { id: `synthetic-${style}`, count, timesMs, poses, heldOut: true };
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
