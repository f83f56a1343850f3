/**
 * Gaze: where the eyes look, in the head's frame, and coarse on purpose: to within 2 degrees it says whom somebody looks at, and no more
 * of what eyes give away. Never measured, sent or passed on unless the application opted in.
 *
 * [GZ1] Two integers in 1/32 of the stereographic projection (x, y) / (1 - z) about the head's -z; 3.6 degrees a step at its centre.
 * [GZ2] Decoding yields a unit vector in the half space that the head faces, for any two bytes. Only + - x / .
 */
import { BitReader, BitWriter } from "../bits.ts";
import { Decoded } from "../block-reader.ts";

export const GAZE_BYTES = 2;
export const GAZE_STEPS = 32;
const BITS = 7;

/** What is sent: 1 where the eyes are seen and open, and the two projected values, -32..32. */
export type GazeCode = { present: number; x: number; y: number };
export const newGazeCode = (): GazeCode => ({ present: 0, x: 0, y: 0 });
export const sameGaze = (a: GazeCode, b: GazeCode): boolean => a.present === b.present && a.x === b.x && a.y === b.y;

const writer = new BitWriter();
const reader = new BitReader();
const clamp = (n: number): number => (n > GAZE_STEPS ? GAZE_STEPS : n < -GAZE_STEPS ? -GAZE_STEPS : n === n ? n : 0);

/** From a direction in the head's frame, of any length. What is not finite, or has no direction, is absent. */
export function encodeGaze(x: number, y: number, z: number, out: GazeCode): void {
  const length = Math.sqrt(x * x + y * y + z * z);
  out.present = length > 1e-6 && length < Number.POSITIVE_INFINITY ? 1 : 0;
  // Behind the eyes there is nothing to see: such a direction is moved to the rim.
  const scale = GAZE_STEPS / (length + (z < 0 ? -z : 0));
  out.x = out.present === 1 ? clamp(Math.floor(x * scale + 0.5)) : 0;
  out.y = out.present === 1 ? clamp(Math.floor(y * scale + 0.5)) : 0;
}

/** Unit vector in the head's frame into out[0..2]. */
export function decodeGaze({ x, y }: GazeCode, out: Float64Array): void {
  let px = x / GAZE_STEPS;
  let py = y / GAZE_STEPS;
  const square = px * px + py * py;
  // The corners of the square of codes lie behind the head; they count as its rim, on the same side.
  if (square > 1) {
    px /= square;
    py /= square;
  }
  const inside = px * px + py * py;
  const scale = 1 / (1 + inside);
  out[0] = 2 * px * scale;
  out[1] = 2 * py * scale;
  out[2] = (inside - 1) * scale;
}

export function writeGaze(gaze: GazeCode, out: Uint8Array, at: number): number {
  writer.start(out, at);
  writer.put(gaze.present, 1);
  writer.put(gaze.x + GAZE_STEPS, BITS);
  writer.put(gaze.y + GAZE_STEPS, BITS);
  return writer.finish();
}

export class GazeReader {
  readonly gaze: GazeCode = newGazeCode();
  end = 0;

  read(bytes: Uint8Array, at: number, end: number): Decoded {
    reader.start(bytes, at, end);
    this.gaze.present = reader.get(1);
    this.gaze.x = clamp(reader.get(BITS) - GAZE_STEPS);
    this.gaze.y = clamp(reader.get(BITS) - GAZE_STEPS);
    if (reader.overrun) return Decoded.malformed;
    this.end = reader.finish();
    return Decoded.ok;
  }
}
