/**
 * Recordings of people in motion (`<id>.csv.gz`, one row per recorded frame): t_ms, then head, left, right as x y z in m and
 * qx qy qz qw. The folder is not part of the product.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";

export type Recording = {
  readonly name: string;
  readonly frames: number;
  /** Float64Array[frames]: ms from the first frame. */
  readonly timesMs: Float64Array;
  /** Float64Array[21 frames], unit quaternions. */
  readonly poses: Float64Array;
  /** Mean frame rate. */
  readonly hz: number;
};

export const DEFAULT_TRACES = "../shared/data/motion/train";
/** VR recordings; Beat Saber apart, because pooling its hands (p95 8.5 m/s) with the rest (1.7 m/s) describes neither. */
export const isBeatSaber = (name: string): boolean => name.includes("beatsaber");
export const isHeadset = (name: string): boolean => name.startsWith("p");

/** All recordings of a folder in name order. Throws with a sentence when the folder is not there. */
export function loadRecordings(folder: string): Recording[] {
  if (!existsSync(folder)) throw new Error(`No recordings at ${folder}; give their folder with --traces.`);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".csv.gz"))
    .sort()
    .map((name) => parse(name.replace(".csv.gz", ""), gunzipSync(readFileSync(`${folder}/${name}`)).toString()));
}

function parse(name: string, text: string): Recording {
  const rows = text.trim().split("\n").slice(1);
  const frames = rows.length;
  const timesMs = new Float64Array(frames);
  const poses = new Float64Array(frames * POSE_FLOATS);
  rows.forEach((row, i) => {
    const values = row.split(",").map(Number);
    timesMs[i] = values[0] as number;
    for (let k = 0; k < POSE_FLOATS; k++) poses[i * POSE_FLOATS + k] = values[k + 1] as number;
    for (let d = 0; d < DEVICE_COUNT; d++) normalise(poses, i * POSE_FLOATS + d * DEVICE_FLOATS + 3);
  });
  const start = timesMs[0] ?? 0;
  for (let i = 0; i < frames; i++) timesMs[i] = (timesMs[i] as number) - start;
  return { name, frames, timesMs, poses, hz: ((frames - 1) * 1000) / (timesMs[frames - 1] as number) };
}

/** The files round to six decimals; the codec's error is not to be charged with that. */
function normalise(poses: Float64Array, at: number): void {
  const length = Math.hypot(poses[at] as number, poses[at + 1] as number, poses[at + 2] as number, poses[at + 3] as number);
  for (let c = 0; c < 4; c++) poses[at + c] = (poses[at + c] as number) / length;
}
