/**
 * `npm run bench -- codec`: bytes, error, time and memory of the pose codec on recordings of people, and what others would send for the
 * same poses. bench/README.md explains the figures.
 */
import type { Figure } from "../report.ts";
import { BadInput, type SuiteOptions, type SuiteResult } from "../suite.ts";
import { accuracy } from "./accuracy.ts";
import { dumpRecording } from "./dump.ts";
import { decodeEncoding, type Encoding, encodeRecording, Kind, meanBytes } from "./encoding.ts";
import { DEFAULT_HANDS } from "./hands/recordings.ts";
import { hands } from "./hands/suite.ts";
import { lockstep } from "./lockstep.ts";
import { fixedPacking } from "./peers/fixed.ts";
import { jsonEntities } from "./peers/json.ts";
import { keyframeDeltas } from "./peers/keyframes.ts";
import type { Peer } from "./peers/peer.ts";
import { schemaFloats } from "./peers/schema.ts";
import { cut, DEFAULT_TRACES, type Group, loadRecordings, type Recording } from "./recordings.ts";
import { trainRiceTable } from "./rice-training.ts";
import { timeCodec, type TimingScale } from "./timing.ts";

export type Scale = TimingScale & {
  /** Most frames of a recording that are used. */
  readonly frames: number;
  readonly leaveOneOut: boolean;
  readonly lockstepFrames: number;
  /** Folder with recordings of hands. */
  readonly hands: string;
};
export const FULL: Scale = {
  warmUps: 8,
  passes: 25,
  allocationUpdates: 100_000,
  frames: Number.MAX_SAFE_INTEGER,
  leaveOneOut: true,
  lockstepFrames: 1_000_000,
  hands: DEFAULT_HANDS,
};

const BYTES_BAR = 7.5;
const POSITION_BAR_MM = 0.5;
const ROTATION_BAR_DEG = 0.1;
const ENCODE_BAR_US = 2.5;
const DECODE_BAR_US = 1.5;
/** The heap's own bookkeeping; one boxed double per update would be 12. */
const ALLOC_NOISE_BYTES = 0.5;
const LOCKSTEP_SEED = 3;
const PEERS: readonly Peer[] = [fixedPacking, keyframeDeltas, ...schemaFloats, jsonEntities];

/** A recording, its bytes per update and its error. */
type Coded = { readonly recording: Recording; readonly encoding: Encoding; readonly bytes: number; readonly mm: number; readonly deg: number };

export function codec(options: SuiteOptions, progress: (line: string) => void, scale: Scale = FULL): SuiteResult {
  const { traces = DEFAULT_TRACES, data: handsFolder = scale.hands, dump } = options;
  const recordings = loadRecordings(traces).map((recording) => cut(recording, scale.frames));
  const synthetic = recordings.every(({ group }) => group === "synthetic");
  if (synthetic) progress(`NO RECORDINGS in ${traces}: synthetic people move instead, and no bar but the codec's time and memory is judged.`);
  const judged: Group = synthetic ? "synthetic" : "people";
  const people = recordings.filter(({ group }) => group === judged);
  if (people.length === 0)
    throw new BadInput(`All recordings in ${traces} are Beat Saber or motion capture by their names: none to judge the codec on.`);
  progress(`${recordings.length} recordings, ${people.length} of them judged`);
  const coded = recordings.map((recording) => code(recording, dump));
  const ours = coded.filter(({ recording }) => recording.group === judged);
  const figures: Figure[] = [
    ...sizes(ours, !synthetic),
    ...(scale.leaveOneOut && !synthetic ? [leaveOneOut(people, progress)] : []),
    ...others(coded),
    ...peers(ours, !synthetic, progress),
  ];
  progress("time and memory");
  figures.push(...costs(people, scale));
  progress("lockstep");
  figures.push(inStep(scale.lockstepFrames));
  figures.push(...hands(handsFolder, scale, progress));
  for (const { recording, bytes, mm, deg } of coded) {
    figures.push({ id: `codec.${recording.name}.bytes_per_update`, value: bytes, unit: "B" });
    figures.push({ id: `codec.${recording.name}.position_rms_mm`, value: mm, unit: "mm" });
    figures.push({ id: `codec.${recording.name}.rotation_rms_deg`, value: deg, unit: "deg" });
  }
  const { frames, ...rest } = scale;
  const settings = {
    ...rest,
    ...(frames < FULL.frames ? { frames } : {}),
    motion: synthetic ? "synthetic" : "recorded",
    judgedOn: people.map(({ name }) => name),
    rates: Object.fromEntries(coded.map(({ recording, encoding }) => [recording.name, encoding.tickRateHz])),
  };
  return { settings, figures };
}

function code(recording: Recording, dump: string | undefined): Coded {
  const encoding = encodeRecording(recording);
  const decoded = decodeEncoding(encoding);
  if (dump !== undefined) dumpRecording(dump, recording, encoding, decoded);
  return { recording, encoding, bytes: meanBytes(encoding), ...accuracy(recording, decoded.poses) };
}

/** Every recording counts alike, however long. */
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const atMost = (value: number, bar: number, judged = true): Pick<Figure, "bar" | "ok"> => (judged ? { bar: `<= ${bar}`, ok: value <= bar } : {});

function sizes(ours: readonly Coded[], judged: boolean): Figure[] {
  const bytes = mean(ours.map((one) => one.bytes));
  const mm = Math.max(...ours.map((one) => one.mm));
  const deg = Math.max(...ours.map((one) => one.deg));
  const layer = (kind: Kind): number => mean(ours.map(({ encoding }) => meanBytes(encoding, kind)));
  return [
    { id: "codec.bytes_per_update", value: bytes, unit: "B", ...atMost(bytes, BYTES_BAR, judged) },
    { id: "codec.position_rms_mm", value: mm, unit: "mm, worst recording", ...atMost(mm, POSITION_BAR_MM, judged) },
    { id: "codec.rotation_rms_deg", value: deg, unit: "deg, worst recording", ...atMost(deg, ROTATION_BAR_DEG, judged) },
    { id: "codec.bytes_t0", value: layer(Kind.t0), unit: "B" },
    { id: "codec.bytes_t1", value: layer(Kind.t1), unit: "B" },
    { id: "codec.bytes_t2", value: layer(Kind.t2), unit: "B" },
    { id: "codec.updates", value: ours.reduce((sum, { recording }) => sum + recording.frames - 1, 0), unit: "updates" },
  ];
}

/** The same recordings, each with a Rice table trained on the others alone. */
function leaveOneOut(people: readonly Recording[], progress: (line: string) => void): Figure {
  progress("leave one out");
  const bytes = people.map((left) => meanBytes(encodeRecording(left, trainRiceTable(people.filter((other) => other !== left)))));
  return { id: "codec.bytes_per_update_leave_one_out", value: mean(bytes), unit: "B" };
}

function others(coded: readonly Coded[]): Figure[] {
  const figures: Figure[] = [];
  for (const [group, id] of [
    ["beatSaber", "beatsaber"],
    ["mocap", "mocap"],
  ] as const) {
    const of = coded.filter(({ recording }) => recording.group === group);
    if (of.length > 0) figures.push({ id: `codec.${id}_bytes_per_update`, value: mean(of.map(({ bytes }) => bytes)), unit: "B" });
  }
  return figures;
}

function peers(ours: readonly Coded[], judged: boolean, progress: (line: string) => void): Figure[] {
  const recordings = ours.map(({ recording }) => recording);
  const own = mean(ours.map(({ bytes }) => bytes));
  const figures: Figure[] = [];
  for (const { id, name, prepare, bar } of PEERS) {
    progress(name);
    const run = prepare(recordings);
    const results = recordings.map((recording) => run(recording));
    const bytes = mean(results.map((result) => result.bytes));
    const ratio = bytes / own;
    const verdict = judged && bar !== undefined ? { bar: `>= ${bar}`, ok: ratio >= bar } : {};
    figures.push({ id: `codec.${id}_bytes`, value: bytes, unit: "B" });
    figures.push({ id: `codec.vs_${id}`, value: ratio, unit: "x fewer bytes", peer: name, ...verdict });
    const errors = results.flatMap(({ poses }, i) => (poses === undefined ? [] : [accuracy(recordings[i] as Recording, poses)]));
    if (errors.length === 0) continue;
    figures.push({ id: `codec.${id}_position_rms_mm`, value: Math.max(...errors.map(({ mm }) => mm)), unit: "mm, worst recording" });
    figures.push({ id: `codec.${id}_rotation_rms_deg`, value: Math.max(...errors.map(({ deg }) => deg)), unit: "deg, worst recording" });
  }
  return figures;
}

function inStep(frames: number): Figure {
  const value = lockstep({ frames, seed: LOCKSTEP_SEED });
  return { id: "codec.lockstep_frames", value, unit: "frames, encoder and viewers equal to the bit", bar: `>= ${frames}`, ok: value >= frames };
}

function costs(people: readonly Recording[], scale: Scale): Figure[] {
  const { encodeUs, decodeUs, encodeAllocBytes, decodeAllocBytes } = timeCodec(people, scale);
  const alloc = encodeAllocBytes + decodeAllocBytes;
  return [
    { id: "codec.encode_us", value: encodeUs, unit: "us", ...atMost(encodeUs, ENCODE_BAR_US) },
    { id: "codec.decode_us", value: decodeUs, unit: "us", ...atMost(decodeUs, DECODE_BAR_US) },
    { id: "codec.alloc_bytes", value: alloc, unit: "B per update, both ways", bar: "0 within 0.5", ok: alloc <= ALLOC_NOISE_BYTES },
    { id: "codec.encode_alloc_bytes", value: encodeAllocBytes, unit: "B per update" },
    { id: "codec.decode_alloc_bytes", value: decodeAllocBytes, unit: "B per update" },
  ];
}
