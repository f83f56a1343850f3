/** What the optional streams have in common: their sections, and who sends which. Layout in FORMAT.md, optional streams. */

/** Sections of a frame, each by list of slots. */
export const StreamSection = { hands: 16, handsIntra: 17, controls: 18, gaze: 19 } as const;

/** Bits of what a client offers to send, wants to get, and is asked for. */
export const Stream = { hands: 1, controls: 2, gaze: 4 } as const;
export const ALL_STREAMS = Stream.hands | Stream.controls | Stream.gaze;

/** Most often that a source sends each of them, updates a second. */
export const STREAM_HZ = { hands: 30, controls: 30, gaze: 10 } as const;

/** Sample time of joints behind the tick: a byte of 2 ms, from 100 ms ahead of it. */
export const HAND_LAG_STEP_MS = 2;
export const HAND_LAG_LEAD_MS = 100;

/** The byte for a sample measured at `timeMs` in a frame of the tick at `tickMs`. */
export function handLag(tickMs: number, timeMs: number): number {
  const n = Math.floor((tickMs - timeMs + HAND_LAG_LEAD_MS) / HAND_LAG_STEP_MS + 0.5);
  return n > 255 ? 255 : n > 0 ? n : 0;
}
export const handTimeMs = (tickMs: number, lag: number): number => tickMs - (lag * HAND_LAG_STEP_MS - HAND_LAG_LEAD_MS);
