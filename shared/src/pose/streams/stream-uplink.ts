/**
 * The body of `streamUp`: what one client sends of its optional streams, at one time. Layout in FORMAT.md.
 *
 * [SU1] Decoding never throws, reads within the body, and yields values in range only. Joints refer to what this client sent before; the
 *       room asks for them anew when it lacks that.
 */
import { BitReader, BitWriter } from "../bits.ts";
import { Decoded } from "../block-reader.ts";
import type { HandReader } from "../hands/hand-reader.ts";
import { type Controls, ControlsReader, writeControls } from "./controls.ts";
import { type GazeCode, GazeReader, writeGaze } from "./gaze.ts";
import { TIME_HIGH, TIME_STEPS_PER_MS, timeSteps } from "../uplink.ts";

/** Bits of the first byte; all others are zero. */
const Part = { controls: 1, gaze: 2, hands: 4, intra: 8 } as const;
const KNOWN_PARTS = Part.controls | Part.gaze | Part.hands | Part.intra;
const HEAD_BYTES = 7;
/** Head, controls and gaze; joints come behind them. */
export const STREAM_HEAD_ROOM = 32;

const bits = new BitWriter();
const reader = new BitReader();

export type StreamParts = {
  readonly controls: Controls | undefined;
  readonly gaze: GazeCode | undefined;
  readonly hands: "none" | "update" | "intra";
};

/** Writes everything but the joints' block into out[0..]; returns the offset at which that block goes, or the body's length without one. */
export function writeStreamBody(timeMs: number, { controls, gaze, hands }: StreamParts, out: Uint8Array): number {
  const steps = timeSteps(timeMs);
  bits.start(out, 0);
  bits.put(
    (controls === undefined ? 0 : Part.controls) |
      (gaze === undefined ? 0 : Part.gaze) |
      (hands === "none" ? 0 : Part.hands) |
      (hands === "intra" ? Part.intra : 0),
    8,
  );
  bits.put(Math.floor(steps / TIME_HIGH), 24);
  bits.put(steps % TIME_HIGH, 24);
  let at = bits.finish();
  if (controls !== undefined) at = writeControls(controls, out, at);
  if (gaze !== undefined) at = writeGaze(gaze, out, at);
  return at;
}

/** Reads bodies of one client; `joints` is what is known of its hands. After a `read` that is not `malformed` the fields say what was in it. */
export class StreamBodyReader {
  timeMs = 0;
  /** Undefined where the body has none. */
  controls: Controls | undefined;
  gaze: GazeCode | undefined;
  hands: "none" | "read" | "missing" = "none";
  private readonly controlsReader = new ControlsReader();
  private readonly gazeReader = new GazeReader();

  read(body: Uint8Array, joints: HandReader): Decoded {
    reader.start(body, 0, body.length);
    const parts = reader.get(8);
    const high = reader.get(24);
    this.timeMs = (high * TIME_HIGH + reader.get(24)) / TIME_STEPS_PER_MS;
    this.controls = undefined;
    this.gaze = undefined;
    this.hands = "none";
    if (reader.overrun || (parts & ~KNOWN_PARTS) !== 0 || (parts & (Part.hands | Part.intra)) === Part.intra) return Decoded.malformed;
    let at = HEAD_BYTES;
    if ((parts & Part.controls) !== 0) {
      if (this.controlsReader.read(body, at, body.length) !== Decoded.ok) return Decoded.malformed;
      this.controls = this.controlsReader.controls;
      at = this.controlsReader.end;
    }
    if ((parts & Part.gaze) !== 0) {
      if (this.gazeReader.read(body, at, body.length) !== Decoded.ok) return Decoded.malformed;
      this.gaze = this.gazeReader.gaze;
      at = this.gazeReader.end;
    }
    if ((parts & Part.hands) === 0) return at === body.length ? Decoded.ok : Decoded.malformed;
    const outcome = (parts & Part.intra) === 0 ? joints.update(body, at, body.length) : joints.intra(body, at, body.length);
    if (outcome === Decoded.malformed || (outcome === Decoded.ok && joints.end !== body.length)) return Decoded.malformed;
    this.hands = outcome === Decoded.ok ? "read" : "missing";
    return Decoded.ok;
  }
}
