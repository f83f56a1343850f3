/**
 * Hand recordings through the hand stream: bytes of whole blocks, and the error of what a viewer shows, the wrist given.
 */
import { Decoded, HAND_FLOATS, HandEncoder, HandReader, HANDS, HandWriter, JOINT_FLOATS, JOINTS, MAX_HANDS_BYTES } from "@copresence/shared/pose";
import type { HandRecording } from "./recordings.ts";

const TIPS = [4, 9, 14, 19, 24];

export type HandFigures = {
  /** Updates with both hands, and with one; intra blocks are not updates. */
  readonly both: number;
  readonly one: number;
  /** Mean bytes of an update with both hands, and with one; NaN where there are none. */
  readonly bothBytes: number;
  readonly oneBytes: number;
  readonly intraBytes: number;
  /** RMS over all joints but the wrist, and over the fingertips. */
  readonly deg: number;
  readonly tipMm: number;
};

/** `passedOn`: what a viewer gets from the room, which decodes the source's blocks and encodes their integers anew; else the source's own blocks. */
export function measureHands({ updates, name }: HandRecording, passedOn = false): HandFigures {
  const room = new HandReader();
  const encoder = new HandEncoder();
  const relay = (bytes: Uint8Array, end: number, intra: boolean): number => {
    if ((intra ? room.intra(bytes, 0, end) : room.update(bytes, 0, end)) !== Decoded.ok) throw new Error(`${name}: the room cannot read a block.`);
    const after = encoder.encode(room.state, bytes, 0);
    return encoder.reset ? encoder.intra(bytes, 0) : after;
  };
  const writer = new HandWriter();
  const reader = new HandReader();
  const out = new Uint8Array(MAX_HANDS_BYTES);
  const shown = new Float64Array(HANDS * HAND_FLOATS);
  const counts = [0, 0, 0];
  const bytes = [0, 0, 0];
  const intras: number[] = [];
  const degrees: number[] = [];
  const metres: number[] = [];
  for (const { pose, tracked } of updates) {
    let end = writer.encode(pose, tracked, out, 0);
    const { reset } = writer;
    if (reset) end = writer.intra(out, 0);
    if (passedOn) end = relay(out, end, reset);
    if (reset) {
      intras.push(end);
      if (reader.intra(out, 0, end) !== Decoded.ok) throw new Error(`${name}: an intra block does not decode.`);
    } else {
      if (reader.update(out, 0, end) !== Decoded.ok || reader.end !== end) throw new Error(`${name}: a block does not decode.`);
      const hands = (tracked[0] as number) + (tracked[1] as number);
      counts[hands] = (counts[hands] as number) + 1;
      bytes[hands] = (bytes[hands] as number) + end;
    }
    for (let hand = 0; hand < HANDS; hand++)
      for (let c = 0; c < JOINT_FLOATS; c++) shown[hand * HAND_FLOATS + c] = pose[hand * HAND_FLOATS + c] as number;
    reader.readPose(shown);
    for (let hand = 0; hand < HANDS; hand++) {
      if (tracked[hand] !== 1) continue;
      for (let joint = 1; joint < JOINTS; joint++) degrees.push(turnDegrees(shown, pose, hand * HAND_FLOATS + joint * JOINT_FLOATS + 3));
      for (const joint of TIPS) metres.push(distance(shown, pose, hand * HAND_FLOATS + joint * JOINT_FLOATS));
    }
  }
  return {
    both: counts[2] as number,
    one: counts[1] as number,
    bothBytes: (bytes[2] as number) / (counts[2] as number),
    oneBytes: (bytes[1] as number) / (counts[1] as number),
    intraBytes: intras.reduce((sum, value) => sum + value, 0) / intras.length,
    deg: rms(degrees),
    tipMm: rms(metres) * 1000,
  };
}

const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
const distance = (a: Float64Array, b: Float64Array, at: number): number =>
  Math.hypot((a[at] as number) - (b[at] as number), (a[at + 1] as number) - (b[at + 1] as number), (a[at + 2] as number) - (b[at + 2] as number));

function turnDegrees(a: Float64Array, b: Float64Array, at: number): number {
  let dot = 0;
  for (let c = 0; c < 4; c++) dot += (a[at + c] as number) * (b[at + c] as number);
  return (2 * Math.acos(Math.min(1, Math.abs(dot))) * 180) / Math.PI;
}

/** Mean bytes of an update with both hands, coded with another table than the wire's. */
export function bothBytesWith({ updates }: HandRecording, table: Uint8Array): number {
  const writer = new HandWriter({ table });
  const out = new Uint8Array(MAX_HANDS_BYTES);
  let bytes = 0;
  let count = 0;
  for (const { pose, tracked } of updates) {
    const end = writer.encode(pose, tracked, out, 0);
    if (writer.reset || tracked[0] !== 1 || tracked[1] !== 1) continue;
    bytes += end;
    count++;
  }
  return bytes / count;
}
