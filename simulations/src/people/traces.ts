/**
 * Recordings of real people as bots, benches and tests play them: `<id>.csv.gz` or `<id>.csv`, a header row that names the columns (`t_ms`,
 * then `<device>_<part>` of head, left, right and x y z (m), qx qy qz qw; right-handed, +Y up, -Z forward), a row per measurement.
 *
 * [TR1] Columns are found by name, in any order; others are ignored. What is missing, empty, not a number or no rotation is an error that
 *       names file, line and column: a number read from the wrong place would be believed.
 * [TR2] Rows whose clock does not advance are dropped. Times begin at 0 (`startMs` says where they began), quaternions have about
 *       unit length and the sign nearer to the row before.
 *
 * The recordings are not part of the product: whoever passes the folder has them. Node only.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { err, ok, type Result } from "@copresence/shared/base";
import { DEVICE_FLOATS, DEVICES, POSE_FLOATS } from "@copresence/shared/pose";

export type Trace = {
  readonly id: string;
  /** Rows; `timesMs` strictly increases from 0. */
  readonly count: number;
  readonly timesMs: Float64Array;
  /** `count * 21` floats, unit quaternions of continuous sign. */
  readonly poses: Float64Array;
  /** `t_ms` of the first row. */
  readonly startMs: number;
};

export type TraceError = { readonly code: "unreadable" | "malformed"; readonly sentence: string };

const PARTS = ["x", "y", "z", "qx", "qy", "qz", "qw"];
/** The columns of a recording. */
export const TRACE_COLUMNS: readonly string[] = ["t_ms", ...DEVICES.flatMap((device) => PARTS.map((part) => `${device}_${part}`))];
const ENDING = /\.csv(\.gz)?$/;
/** How far a quaternion's length may be from 1: further is another quantity, or a device that is not there written as zeros. */
const QUATERNION_SLACK = 0.1;
/** A row this long after the one before begins another take: nothing between them is interpolated, and the pause says nothing about the rate. */
const PAUSE_MS = 250;

/** Reads one recording. */
export function loadTrace(file: string): Result<Trace, TraceError> {
  try {
    return parseTrace(basename(file).replace(ENDING, ""), readMaybeGzipped(file), file);
  } catch (cause) {
    return err({ code: "unreadable", sentence: `Cannot read the recording ${file}: ${cause instanceof Error ? cause.message : "unknown"}.` });
  }
}

/** Text of a file, gzipped or not, whatever its name says. Throws. */
export function readMaybeGzipped(file: string): string {
  const bytes = readFileSync(file);
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  // Spreadsheets write a byte order mark, which would be part of the first column's name.
  return plain.toString("latin1", plain[0] === 0xef && plain[1] === 0xbb && plain[2] === 0xbf ? 3 : 0);
}

/** Every recording in `folder` whose id starts with one of `prefixes` (all when none are given), sorted by id. */
export function loadTraces(folder: string, prefixes: readonly string[] = []): Result<Trace[], TraceError> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => ENDING.test(name));
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
  return traces.length > 0 ? ok(traces) : err({ code: "unreadable", sentence: `No recording (*.csv.gz or *.csv) in ${folder}.` });
}

/** `file`: what errors call it. */
export function parseTrace(id: string, text: string, file: string = id): Result<Trace, TraceError> {
  const bad = (line: number, what: string): Result<Trace, TraceError> => err({ code: "malformed", sentence: `${file}:${line}: ${what}.` });
  const lines = text.split("\n");
  const named = cellsOf(lines[0] as string).map((name) => name.trim());
  const columns = TRACE_COLUMNS.map((name) => named.indexOf(name));
  const missing = TRACE_COLUMNS.filter((_, i) => columns[i] === -1);
  if (missing.length > 0) return bad(1, `no column ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ` and ${missing.length - 3} more` : ""}`);
  const timesMs = new Float64Array(lines.length);
  const poses = new Float64Array(lines.length * POSE_FLOATS);
  let count = 0;
  for (let line = 2; line <= lines.length; line++) {
    const row = lines[line - 1] as string;
    if (row.trim() === "") continue;
    const cells = cellsOf(row);
    if (cells.length !== named.length) return bad(line, `${cells.length} columns, the header has ${named.length}`);
    const numbers = columns.map((column) => {
      const cell = cells[column] as string;
      return cell.trim() === "" ? Number.NaN : Number(cell);
    });
    const wrong = numbers.findIndex((number) => !Number.isFinite(number));
    if (wrong !== -1) return bad(line, `${TRACE_COLUMNS[wrong]} is "${cells[columns[wrong] as number]}", not a number`);
    const at = count * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) poses[at + i] = numbers[i + 1] as number;
    for (let d = 0; d < DEVICES.length; d++) {
      if (!makeRotation(poses, at + d * DEVICE_FLOATS + 3, count > 0)) return bad(line, `${DEVICES[d]}_qx to _qw are no unit quaternion`);
    }
    const timeMs = numbers[0] as number;
    if (count > 0 && timeMs <= (timesMs[count - 1] as number)) continue;
    timesMs[count++] = timeMs;
  }
  if (count < 2) return bad(lines.length, "fewer than two rows whose times rise");
  const startMs = timesMs[0] as number;
  return ok({ id, count, timesMs: timesMs.slice(0, count).map((timeMs) => timeMs - startMs), poses: poses.slice(0, count * POSE_FLOATS), startMs });
}

const cellsOf = (line: string): string[] => line.replace(/\r$/, "").split(",");

/** Turns poses[at..at+4) so that it is near the same four of the row before; false when it is far from unit length. */
function makeRotation(poses: Float64Array, at: number, hasBefore: boolean): boolean {
  let square = 0;
  let dot = 0;
  for (let i = at; i < at + 4; i++) {
    square += (poses[i] as number) ** 2;
    dot += hasBefore ? (poses[i] as number) * (poses[i - POSE_FLOATS] as number) : 0;
  }
  if (dot < 0) for (let i = at; i < at + 4; i++) poses[i] = -(poses[i] as number);
  return Math.abs(Math.sqrt(square) - 1) <= QUATERNION_SLACK;
}

/** Mean rate of a recording while it was recording: pauses do not count. */
export function rateHz({ timesMs, count }: Trace): number {
  let intervals = 0;
  let sumMs = 0;
  for (let row = 1; row < count; row++) {
    const interval = (timesMs[row] as number) - (timesMs[row - 1] as number);
    if (interval > PAUSE_MS) continue;
    intervals++;
    sumMs += interval;
  }
  return intervals > 0 ? (intervals * 1000) / sumMs : ((count - 1) * 1000) / (timesMs[count - 1] as number);
}

/**
 * What was recorded, by the file's name: Beat Saber apart, because pooling its hands (p95 8.5 m/s) with the rest (1.7 m/s) describes
 * neither; motion capture (`cmu*`, or `mocap` in the name), which no headset is part of; anything else is people in headsets.
 */
export type TraceGroup = "people" | "beatSaber" | "mocap";
export function groupOf(id: string): TraceGroup {
  if (/beat.?saber/i.test(id)) return "beatSaber";
  return /^cmu|mocap/i.test(id) ? "mocap" : "people";
}

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
    const u = span > PAUSE_MS ? 0 : (at - start) / span;
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
