/**
 * Recordings of hands, as a sender at 30 Hz has them: the newest measurement of each hand per update.
 *
 * Where a recording has positions only (Leap Motion), orientations are made up from the bones the way WebXR wants them: -Z along the bone
 * that begins at the joint, turned from the parent's without twist; so their flexions are real and their error says little.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { HAND_FLOATS, HANDS, JOINT_FLOATS, JOINTS } from "@copresence/shared/pose";
import { readMaybeGzipped } from "@copresence/simulations/people";
import { BadInput } from "../../suite.ts";

export const DEFAULT_HANDS = "../shared/data/hands";
const ENDING = /\.csv(\.gz)?$/;
const RATE_HZ = 30;
/** A hand not seen for this long is not there. */
const GONE_MS = 100;

export type HandUpdate = { readonly pose: Float64Array; readonly tracked: Uint8Array };
export type HandRecording = {
  readonly name: string;
  /** Orientations were measured, not made up. */
  readonly oriented: boolean;
  readonly updates: readonly HandUpdate[];
};
type Row = { readonly timeMs: number; readonly hand: number; readonly joints: Float64Array };

/** Every `*.csv.gz` or `*.csv` in `folder`, by name: `t_ms,hand`, then the joints' columns. Throws BadInput. */
export function loadHands(folder: string): HandRecording[] {
  const names = readdirSync(folder)
    .filter((name) => ENDING.test(name))
    .sort();
  if (names.length === 0) throw new BadInput(`No recording of hands (*.csv.gz or *.csv) in ${folder}.`);
  return names.map((name) => parse(join(folder, name), name.replace(ENDING, "")));
}

function parse(file: string, name: string): HandRecording {
  const [header = "", ...lines] = readMaybeGzipped(file).trim().split("\n");
  const oriented = header.includes("wrist_qx");
  // Positions only: the palm comes first, and joints have three numbers.
  const columns = 2 + (oriented ? JOINTS * JOINT_FLOATS : 3 + JOINTS * 3);
  const rows = lines.map((line, i): Row => {
    const cells = line.split(",");
    const numbers = cells.slice(2).map(Number);
    const [timeMs, hand] = [Number(cells[0]), cells[1]];
    const fault =
      cells.length !== columns
        ? `${cells.length} columns instead of ${columns}`
        : hand !== "left" && hand !== "right"
          ? `the hand is "${hand}", not left or right`
          : Number.isFinite(numbers.reduce((sum, number) => sum + number, timeMs)) && cells.every((cell) => cell !== "")
            ? undefined
            : "not a number";
    if (fault !== undefined) throw new BadInput(`${file}:${i + 2}: ${fault}.`);
    return { timeMs, hand: hand === "left" ? 0 : 1, joints: oriented ? unit(numbers) : orient(numbers.slice(3)) };
  });
  if (rows.length === 0) throw new BadInput(`${file}: no rows.`);
  return { name, oriented, updates: resample(rows) };
}

function resample(rows: readonly Row[]): HandUpdate[] {
  const updates: HandUpdate[] = [];
  const newest: (Row | undefined)[] = [undefined, undefined];
  const lastMs = Math.max(...rows.map(({ timeMs }) => timeMs));
  let next = 0;
  for (let timeMs = 0; timeMs <= lastMs; timeMs += 1000 / RATE_HZ) {
    for (; next < rows.length && (rows[next] as Row).timeMs <= timeMs; next++) newest[(rows[next] as Row).hand] = rows[next];
    const pose = new Float64Array(HANDS * HAND_FLOATS);
    const tracked = new Uint8Array(HANDS);
    newest.forEach((row, hand) => {
      if (row === undefined || timeMs - row.timeMs > GONE_MS) return;
      tracked[hand] = 1;
      pose.set(row.joints, hand * HAND_FLOATS);
    });
    if (tracked.some((one) => one === 1)) updates.push({ pose, tracked });
  }
  return updates;
}

/** The files round quaternions to three or five digits. */
function unit(numbers: readonly number[]): Float64Array {
  const joints = Float64Array.from(numbers);
  for (let at = 3; at < joints.length; at += JOINT_FLOATS) {
    const length = Math.hypot(...joints.subarray(at, at + 4));
    for (let c = 0; c < 4; c++) joints[at + c] = (joints[at + c] as number) / length;
  }
  return joints;
}

type Vector = readonly [number, number, number];
type Turn = readonly [number, number, number, number];
const TIPS: ReadonlySet<number> = new Set([4, 9, 14, 19, 24]);
const METACARPALS: ReadonlySet<number> = new Set([5, 10, 15, 20]);

function orient(numbers: readonly number[]): Float64Array {
  const at = (joint: number): Vector => [numbers[joint * 3] as number, numbers[joint * 3 + 1] as number, numbers[joint * 3 + 2] as number];
  const joints = new Float64Array(JOINTS * JOINT_FLOATS);
  const turns: Turn[] = [];
  const wrist = frame(minus(at(0), at(11)), minus(at(21), at(6)));
  for (let joint = 0; joint < JOINTS; joint++) {
    const parent = turns[joint - 1] as Turn;
    let turn: Turn;
    if (joint === 0 || METACARPALS.has(joint)) turn = wrist;
    else if (TIPS.has(joint)) turn = parent;
    else turn = swing(joint === 1 ? wrist : parent, minus(at(joint + 1), at(joint)));
    turns.push(turn);
    joints.set([...at(joint), ...turn], joint * JOINT_FLOATS);
  }
  return joints;
}

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const scaled = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const normal = (a: Vector): Vector => scaled(a, 1 / (Math.hypot(...a) || 1));
const joined = (a: Turn, b: Turn): Turn => {
  const v = cross([a[0], a[1], a[2]], [b[0], b[1], b[2]]);
  const w = a[3] * b[3] - dot([a[0], a[1], a[2]], [b[0], b[1], b[2]]);
  return [a[3] * b[0] + b[3] * a[0] + v[0], a[3] * b[1] + b[3] * a[1] + v[1], a[3] * b[2] + b[3] * a[2] + v[2], w];
};
const turned = (q: Turn, v: Vector): Vector => {
  const [x, y, z] = joined(joined(q, [...v, 0]), [-q[0], -q[1], -q[2], q[3]]);
  return [x, y, z];
};

/** `parent` turned, the shortest way, so that -Z points along `bone`. */
function swing(parent: Turn, bone: Vector): Turn {
  const from = turned(parent, [0, 0, -1]);
  const to = normal(bone);
  const axis = cross(from, to);
  const w = 1 + dot(from, to);
  const length = Math.hypot(...axis, w);
  if (length < 1e-6) return parent;
  return joined([axis[0] / length, axis[1] / length, axis[2] / length, w / length], parent);
}

/** Orientation with Z along `back` and X as near `side` as can be. */
function frame(back: Vector, side: Vector): Turn {
  const z = normal(back);
  const x = normal(minus(side, scaled(z, dot(side, z))));
  const aligned = swing([0, 0, 0, 1], scaled(z, -1));
  const x0 = turned(aligned, [1, 0, 0]);
  const angle = Math.atan2(dot(cross(x0, x), z), dot(x0, x)) / 2;
  return joined([z[0] * Math.sin(angle), z[1] * Math.sin(angle), z[2] * Math.sin(angle), Math.cos(angle)], aligned);
}
