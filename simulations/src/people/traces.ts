/**
 * Recordings of real people as bots and tests play them: `<id>.csv.gz`, a header row, then `t_ms` and 21 numbers a row (head, left,
 * right: x y z m, qx qy qz qw; right-handed, +Y up, -Z forward).
 *
 * The recordings are not part of the product: whoever passes the folder has them. Node only.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { err, ok, type Result } from "@copresence/shared/base";
import { DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";

export type Trace = {
  readonly id: string;
  /** Rows; `timesMs` strictly increases from 0. */
  readonly count: number;
  readonly timesMs: Float64Array;
  /** `count * 21` floats, unit quaternions of continuous sign. */
  readonly poses: Float64Array;
};

export type TraceError = { readonly code: "unreadable" | "malformed"; readonly sentence: string };

/** Reads one recording. */
export function loadTrace(file: string): Result<Trace, TraceError> {
  let text: string;
  try {
    text = gunzipSync(readFileSync(file)).toString("latin1");
  } catch (cause) {
    return err({
      code: "unreadable",
      sentence: `Cannot read the recording ${basename(file)}: ${cause instanceof Error ? cause.message : "unknown"}.`,
    });
  }
  return parseTrace(basename(file).replace(/\.csv\.gz$/, ""), text);
}

/** Every recording in `folder` whose id starts with one of `prefixes` (all when none are given), sorted by id. */
export function loadTraces(folder: string, prefixes: readonly string[] = []): Result<Trace[], TraceError> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".csv.gz"));
  } catch {
    return err({ code: "unreadable", sentence: `Cannot list the recordings folder ${folder}.` });
  }
  const wanted = names.filter((name) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix))).sort();
  const traces: Trace[] = [];
  for (const name of wanted) {
    const trace = loadTrace(join(folder, name));
    if (!trace.ok) return trace;
    traces.push(trace.value);
  }
  return traces.length > 0 ? ok(traces) : err({ code: "unreadable", sentence: `No recording (*.csv.gz) in ${folder}.` });
}

/** Rows whose clock does not advance are dropped; a row with a missing or non-finite number makes the whole recording malformed. */
export function parseTrace(id: string, text: string): Result<Trace, TraceError> {
  const lines = text.split("\n");
  const timesMs = new Float64Array(lines.length);
  const poses = new Float64Array(lines.length * POSE_FLOATS);
  let count = 0;
  for (let row = 1; row < lines.length; row++) {
    const line = lines[row] as string;
    if (line === "" || line === "\r") continue;
    const cells = line.split(",");
    if (cells.length !== POSE_FLOATS + 1)
      return err({ code: "malformed", sentence: `Recording ${id}, row ${row}: ${cells.length} columns instead of 22.` });
    const timeMs = Number(cells[0]);
    if (count > 0 && timeMs <= (timesMs[count - 1] as number)) continue;
    timesMs[count] = timeMs;
    let sum = timeMs;
    for (let i = 0; i < POSE_FLOATS; i++) {
      const value = Number(cells[i + 1]);
      poses[count * POSE_FLOATS + i] = value;
      sum += value;
    }
    if (!Number.isFinite(sum)) return err({ code: "malformed", sentence: `Recording ${id}, row ${row}: not a number.` });
    count++;
  }
  if (count < 2) return err({ code: "malformed", sentence: `Recording ${id} has fewer than two rows.` });
  return ok({ id, count, timesMs: timesMs.slice(0, count), poses: poses.slice(0, count * POSE_FLOATS) });
}

/** Seconds a recording may jump by in one row before its two sides count as different takes: none is bridged by interpolation. */
const GAP_MS = 250;

/**
 * Plays a recording for ever, forwards and then backwards, so that it never jumps; interpolated linearly at its own rate.
 * Centred: the head's mean lies over the origin, so that any recording fits any play space.
 */
export class TracePerson {
  readonly trace: Trace;
  private readonly offsetMs: number;
  private readonly centreX: number;
  private readonly centreZ: number;
  private cursor = 0;

  /** `offsetMs`: where in the recording to start, so that several people can play the same one. */
  constructor(options: { readonly trace: Trace; readonly offsetMs?: number }) {
    this.trace = options.trace;
    this.offsetMs = options.offsetMs ?? 0;
    let sumX = 0;
    let sumZ = 0;
    for (let row = 0; row < this.trace.count; row++) {
      sumX += this.trace.poses[row * POSE_FLOATS] as number;
      sumZ += this.trace.poses[row * POSE_FLOATS + 2] as number;
    }
    this.centreX = sumX / this.trace.count;
    this.centreZ = sumZ / this.trace.count;
  }

  /** Writes head, left and right at `timeMs` (play space) into `out`, 21 floats. */
  sample(timeMs: number, out: Float64Array): void {
    const { timesMs, poses, count } = this.trace;
    const length = timesMs[count - 1] as number;
    const folded = (((timeMs + this.offsetMs) % (2 * length)) + 2 * length) % (2 * length);
    const at = folded <= length ? folded : 2 * length - folded;
    const row = this.seek(at);
    const start = timesMs[row] as number;
    const span = (timesMs[row + 1] as number) - start;
    const u = span > GAP_MS ? 0 : (at - start) / span;
    for (let i = 0; i < POSE_FLOATS; i++) {
      const from = poses[row * POSE_FLOATS + i] as number;
      out[i] = from + ((poses[(row + 1) * POSE_FLOATS + i] as number) - from) * u;
    }
    for (let device = 0; device < POSE_FLOATS; device += DEVICE_FLOATS) {
      out[device] = (out[device] as number) - this.centreX;
      out[device + 2] = (out[device + 2] as number) - this.centreZ;
      normalise(out, device + 3);
    }
  }

  /** Row at or before `atMs`, walking from the last one: callers move in small steps. */
  private seek(atMs: number): number {
    const { timesMs, count } = this.trace;
    let row = this.cursor;
    while (row > 0 && (timesMs[row] as number) > atMs) row--;
    while (row < count - 2 && (timesMs[row + 1] as number) <= atMs) row++;
    this.cursor = row;
    return row;
  }
}

function normalise(pose: Float64Array, at: number): void {
  const x = pose[at] as number;
  const y = pose[at + 1] as number;
  const z = pose[at + 2] as number;
  const w = pose[at + 3] as number;
  const norm = Math.sqrt(x * x + y * y + z * z + w * w);
  pose[at] = x / norm;
  pose[at + 1] = y / norm;
  pose[at + 2] = z / norm;
  pose[at + 3] = w / norm;
}
