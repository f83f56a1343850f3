/**
 * The optional streams of everybody, at the viewer: joints by reference per source, controls and gaze whole.
 *
 * [SR1] Any bytes end in `ok`, `missing` or `malformed`; the sink gets values in range only.
 * [SR2] References of joints exist for sources that were seen with joints, and no others.
 */
import { Decoded } from "../block-reader.ts";
import { HandReader } from "../hands/hand-reader.ts";
import type { HandsState } from "../hands/hand-state.ts";
import { type Controls, ControlsReader } from "./controls.ts";
import { type GazeCode, GazeReader } from "./gaze.ts";
import { handTimeMs, StreamSection } from "./stream-format.ts";

/** Whoever does not care for a stream leaves its method out. Arguments are reused. */
export type StreamSink = {
  /** Joints of both hands, measured at room time `timeMs`; `state.present` says which there are. */
  onHands?(slot: number, timeMs: number, state: HandsState): void;
  /** Buttons and gestures from room time `timeMs` on. */
  onControls?(slot: number, timeMs: number, controls: Controls): void;
  onGaze?(slot: number, timeMs: number, gaze: GazeCode): void;
};

export const isStreamSection = (section: number): boolean => section >= StreamSection.hands && section <= StreamSection.gaze;

export class StreamReader {
  /** After `ok`: the offset after the block. */
  end = 0;
  private readonly msPerTick: number;
  private readonly hands: (HandReader | undefined)[] = [];
  private readonly controls = new ControlsReader();
  private readonly gaze = new GazeReader();

  constructor(tickRateHz: number) {
    this.msPerTick = 1000 / tickRateHz;
  }

  /** Reads one source's block of `section` from bytes[at..end), and tells the sink. */
  read(section: number, slot: number, tick: number, bytes: Uint8Array, at: number, end: number, sink: StreamSink): Decoded {
    const tickMs = tick * this.msPerTick;
    if (section === StreamSection.controls) {
      const outcome = this.controls.read(bytes, at, end);
      this.end = this.controls.end;
      if (outcome === Decoded.ok) sink.onControls?.(slot, tickMs, this.controls.controls);
      return outcome;
    }
    if (section === StreamSection.gaze) {
      const outcome = this.gaze.read(bytes, at, end);
      this.end = this.gaze.end;
      if (outcome === Decoded.ok) sink.onGaze?.(slot, tickMs, this.gaze.gaze);
      return outcome;
    }
    return this.readHands(section === StreamSection.handsIntra, slot, tickMs, bytes, at, end, sink);
  }

  /** The slot's owner left, or its next block is of somebody else. */
  forget(slot: number): void {
    this.hands[slot] = undefined;
  }

  private readHands(intra: boolean, slot: number, tickMs: number, bytes: Uint8Array, at: number, end: number, sink: StreamSink): Decoded {
    if (at >= end) return Decoded.malformed;
    const timeMs = handTimeMs(tickMs, bytes[at] as number);
    const known = this.hands[slot];
    if (known === undefined && !intra) return Decoded.missing;
    const reader = known ?? new HandReader();
    const outcome = intra ? reader.intra(bytes, at + 1, end) : reader.update(bytes, at + 1, end);
    if (outcome !== Decoded.ok) return outcome;
    this.hands[slot] = reader;
    this.end = reader.end;
    sink.onHands?.(slot, timeMs, reader.state);
    return outcome;
  }
}
