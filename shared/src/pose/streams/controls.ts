/**
 * Buttons and gestures: what each hand does besides being somewhere. A block is the whole state of both hands, so it refers to nothing.
 *
 * [CT1] 28 bits a hand that has a controller or is tracked, one bit for one that has not; 1 to 8 bytes. Sent on change only.
 * [CT2] Any bytes decode to `ok` with values in range, or `malformed`.
 */
import { BitReader, BitWriter } from "../bits.ts";
import { Decoded } from "../block-reader.ts";

const HANDS = 2;
/** Analogue values are sixteenths: 0 released, 15 fully pressed. */
export const ANALOG_MAX = 15;
const ANALOG_BITS = 4;
const GESTURE_BITS = 4;
const BUTTON_BITS = 8;

/** What a hand shows, as the application or the WebXR adapter judges it. 8..15 are the application's own. */
export const Gesture = { none: 0, open: 1, fist: 2, point: 3, pinch: 4, thumbUp: 5, victory: 6, ok: 7, custom: 8 } as const;
/** One of `Gesture`; `custom` and all above it, up to GESTURE_MAX, are the application's. */
export type Gesture = number;
export const GESTURE_MAX = 2 ** GESTURE_BITS - 1;

/** Bits of `buttons`. The first two say that the analogue value counts as pressed. */
export const Button = { trigger: 1, squeeze: 2, stick: 4, a: 8, b: 16, menu: 32, triggerTouch: 64, thumbTouch: 128 } as const;

/** Bytes to leave for a block. */
export const MAX_CONTROLS_BYTES = 8;
/** Values per hand: present, gesture, trigger, squeeze, pinch, buttons. */
export const CONTROL_VALUES = 6;
const WIDTHS = [1, GESTURE_BITS, ANALOG_BITS, ANALOG_BITS, ANALOG_BITS, BUTTON_BITS] as const;

/** Uint8Array[12]: left, then right, each present (0, 1), gesture, trigger, squeeze, pinch (0..15), buttons. */
export type Controls = Uint8Array;
export const newControls = (): Controls => new Uint8Array(HANDS * CONTROL_VALUES);

export const sameControls = (a: Controls, b: Controls): boolean => {
  for (let i = 0; i < HANDS * CONTROL_VALUES; i++) if (a[i] !== b[i]) return false;
  return true;
};

const writer = new BitWriter();
const reader = new BitReader();

/** Writes `controls` into out[at..]; returns the offset after the block. */
export function writeControls(controls: Controls, out: Uint8Array, at: number): number {
  writer.start(out, at);
  for (let hand = 0; hand < HANDS; hand++) {
    const present = controls[hand * CONTROL_VALUES] === 1 ? 1 : 0;
    writer.put(present, 1);
    if (present === 0) continue;
    for (let i = 1; i < CONTROL_VALUES; i++) {
      const width = WIDTHS[i] as number;
      writer.put((controls[hand * CONTROL_VALUES + i] as number) & ((1 << width) - 1), width);
    }
  }
  return writer.finish();
}

export class ControlsReader {
  readonly controls: Controls = newControls();
  /** After `ok`: the offset after the block. */
  end = 0;

  read(bytes: Uint8Array, at: number, end: number): Decoded {
    const { controls } = this;
    reader.start(bytes, at, end);
    controls.fill(0);
    for (let hand = 0; hand < HANDS; hand++) {
      const base = hand * CONTROL_VALUES;
      controls[base] = reader.get(1);
      if (controls[base] !== 1) continue;
      for (let i = 1; i < CONTROL_VALUES; i++) controls[base + i] = reader.get(WIDTHS[i] as number);
    }
    if (reader.overrun) return Decoded.malformed;
    this.end = reader.finish();
    return Decoded.ok;
  }
}
