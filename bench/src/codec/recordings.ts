/**
 * What the codec is measured on: recordings of people, in groups that are never mixed, or synthetic people where there are none.
 */
import { existsSync } from "node:fs";
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";
import { groupOf, loadTraces, rateHz, STYLES, SyntheticPerson, type Trace, type TraceGroup } from "@copresence/simulations/people";
import { BadInput } from "../suite.ts";

export const DEFAULT_TRACES = "../shared/data/motion/train";

/** The bars are judged on `people`. `synthetic`: SyntheticPerson. */
export type Group = TraceGroup | "synthetic";

export type Recording = {
  readonly name: string;
  readonly group: Group;
  readonly frames: number;
  /** Float64Array[frames]: ms from the first frame. */
  readonly timesMs: Float64Array;
  /** Float64Array[21 frames], unit quaternions. */
  readonly poses: Float64Array;
  /** What the recording's own clock said at the first frame. */
  readonly startMs: number;
  /** Mean frame rate, pauses apart. */
  readonly hz: number;
};

const SYNTHETIC_MS = 10_000;
const SYNTHETIC_HZ = 90;

/** All recordings of a folder in name order; synthetic people when there is no such folder. Throws when it cannot be read. */
export function loadRecordings(folder: string): Recording[] {
  if (!existsSync(folder)) return STYLES.map((style, i) => synthetic(style, i));
  const traces = loadTraces(folder);
  if (!traces.ok) throw new BadInput(traces.error.sentence);
  return traces.value.map((trace) => recording(trace, groupOf(trace.id)));
}

function recording(trace: Trace, group: Group): Recording {
  const { id, count, timesMs, poses, startMs } = trace;
  const unit = poses.slice();
  for (let at = 3; at < unit.length; at += DEVICE_FLOATS) normalise(unit, at);
  return { name: id, group, frames: count, timesMs, poses: unit, startMs, hz: rateHz(trace) };
}

/** The files round to six decimals; the codec's error is not to be charged with that. */
function normalise(poses: Float64Array, at: number): void {
  const length = Math.hypot(poses[at] as number, poses[at + 1] as number, poses[at + 2] as number, poses[at + 3] as number);
  for (let c = 0; c < 4; c++) poses[at + c] = (poses[at + c] as number) / length;
}

function synthetic(style: (typeof STYLES)[number], index: number): Recording {
  const person = new SyntheticPerson({ seed: index + 1, style });
  const frames = Math.floor((SYNTHETIC_MS * SYNTHETIC_HZ) / 1000);
  const timesMs = Float64Array.from({ length: frames }, (_, row) => (row * 1000) / SYNTHETIC_HZ);
  const poses = new Float64Array(frames * POSE_FLOATS);
  for (let row = 0; row < frames; row++) person.sample(timesMs[row] as number, poses.subarray(row * POSE_FLOATS, (row + 1) * POSE_FLOATS));
  return { name: `synthetic-${style}`, group: "synthetic", frames, timesMs, poses, startMs: 0, hz: SYNTHETIC_HZ };
}

/** At most the first `frames` frames: for tests. */
export function cut(whole: Recording, frames: number): Recording {
  if (whole.frames <= frames) return whole;
  return { ...whole, frames, timesMs: whole.timesMs.slice(0, frames), poses: whole.poses.slice(0, frames * POSE_FLOATS) };
}

/** Offset of a device in a row of poses. */
export const deviceAt = (frame: number, device: number): number => frame * POSE_FLOATS + device * DEVICE_FLOATS;
export { DEVICE_COUNT, POSE_FLOATS };
