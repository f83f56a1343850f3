/**
 * Figures of the optional hand stream: both hands at 30 Hz. The bars are judged on recordings with measured orientations; where positions
 * only were recorded, bytes and fingertips are real and orientations made up.
 */
import { existsSync } from "node:fs";
import { HAND_FLOATS, HandReader, HANDS, HandWriter, MAX_HANDS_BYTES } from "@copresence/shared/pose";
import type { Figure } from "../../report.ts";
import { clock, growth, median, type TimingScale } from "../timing.ts";
import { bothBytesWith, measureHands } from "./measure.ts";
import { type HandRecording, loadHands } from "./recordings.ts";
import { trainHandTable } from "./training.ts";

const BYTES_BAR = 26;
const ROTATION_BAR_DEG = 1;
const TIPS_BAR_MM = 3;

/** Figures of the recordings in `folder`; none, said aloud, where there is no such folder. */
export function hands(folder: string, scale: TimingScale, progress: (line: string) => void): Figure[] {
  if (!existsSync(folder)) {
    progress(`NO RECORDED HANDS in ${folder}: nothing is said about them.`);
    return [];
  }
  progress("hands");
  const recordings = loadHands(folder);
  return [
    ...recordings.filter(({ oriented }) => oriented).flatMap((recording) => judged(recording, recordings)),
    ...recordings.flatMap(each),
    ...costs(recordings, scale),
  ];
}

/** The recording the bars are judged on; also with a table trained without it. */
function judged(recording: HandRecording, all: readonly HandRecording[]): Figure[] {
  const { bothBytes, intraBytes, deg, tipMm, both } = measureHands(recording);
  const passed = measureHands(recording, true);
  const others = trainHandTable(all.filter((other) => other !== recording));
  return [
    { id: "codec.hands_bytes", value: bothBytes, unit: "B, both hands", bar: `<= ${BYTES_BAR}`, ok: bothBytes <= BYTES_BAR },
    { id: "codec.hands_bytes_leave_one_out", value: bothBytesWith(recording, others), unit: "B, both hands" },
    { id: "codec.hands_rotation_rms_deg", value: deg, unit: "deg", bar: `<= ${ROTATION_BAR_DEG}`, ok: deg <= ROTATION_BAR_DEG },
    { id: "codec.hands_tips_rms_mm", value: tipMm, unit: "mm", bar: `<= ${TIPS_BAR_MM}`, ok: tipMm <= TIPS_BAR_MM },
    // One byte of time comes with every block in a frame.
    {
      id: "codec.hands_passed_on_bytes",
      value: passed.bothBytes + 1,
      unit: "B, both hands, with their time",
      bar: `<= ${BYTES_BAR}`,
      ok: passed.bothBytes + 1 <= BYTES_BAR,
    },
    {
      id: "codec.hands_passed_on_rotation_rms_deg",
      value: passed.deg,
      unit: "deg",
      bar: `<= ${ROTATION_BAR_DEG}`,
      ok: passed.deg <= ROTATION_BAR_DEG,
    },
    { id: "codec.hands_passed_on_tips_rms_mm", value: passed.tipMm, unit: "mm", bar: `<= ${TIPS_BAR_MM}`, ok: passed.tipMm <= TIPS_BAR_MM },
    { id: "codec.hands_intra_bytes", value: intraBytes, unit: "B" },
    { id: "codec.hands_updates", value: both, unit: "updates with both hands" },
  ];
}

function each(recording: HandRecording): Figure[] {
  const { bothBytes, oneBytes, tipMm, deg, both, one } = measureHands(recording);
  const id = (name: string): string => `codec.${recording.name}.${name}`;
  return [
    ...(both > 0 ? [{ id: id("both_hands_bytes"), value: bothBytes, unit: "B" }] : []),
    ...(one > 0 ? [{ id: id("one_hand_bytes"), value: oneBytes, unit: "B" }] : []),
    { id: id("tips_rms_mm"), value: tipMm, unit: "mm" },
    { id: id("rotation_rms_deg"), value: deg, unit: recording.oriented ? "deg" : "deg, of made-up orientations" },
  ];
}

function costs(recordings: readonly HandRecording[], { warmUps, passes, allocationUpdates }: TimingScale): Figure[] {
  const updates = recordings.flatMap((recording) => recording.updates);
  const writer = new HandWriter();
  const reader = new HandReader();
  const block = new Uint8Array(MAX_HANDS_BYTES);
  const shown = new Float64Array(HANDS * HAND_FLOATS);
  const blocks = updates.map(({ pose, tracked }) => {
    const end = writer.encode(pose, tracked, block, 0);
    const { reset } = writer;
    return { reset, bytes: block.slice(0, reset ? writer.intra(block, 0) : end) };
  });
  const encode = (): void => {
    for (const { pose, tracked } of updates) writer.encode(pose, tracked, block, 0);
  };
  const decode = (): void => {
    for (const { reset, bytes } of blocks) {
      if (reset) reader.intra(bytes, 0, bytes.length);
      else reader.update(bytes, 0, bytes.length);
      reader.readPose(shown);
    }
  };
  const us = (pass: () => void): number => {
    for (let i = 0; i < warmUps; i++) pass();
    return median(Array.from({ length: passes }, () => (clock(pass) * 1000) / updates.length));
  };
  const allocated = (pass: () => void): number => growth({ updatesPerPass: updates.length, warmUps, atLeast: allocationUpdates, pass });
  return [
    { id: "codec.hands_encode_us", value: us(encode), unit: "us" },
    { id: "codec.hands_decode_us", value: us(decode), unit: "us" },
    { id: "codec.hands_encode_alloc_bytes", value: allocated(encode), unit: "B per update" },
    { id: "codec.hands_decode_alloc_bytes", value: allocated(decode), unit: "B per update" },
  ];
}
