/**
 * What the others ship: interpolation a fixed 100 ms behind, straight lines between samples, the newest sample held when there is no next.
 *
 * They differ in what the 100 ms are behind of:
 * - `timeline`: the sender's timeline as it comes out of the link, that is sample time plus the usual lateness (Source, Mirror, geckos.io
 *   snapshot interpolation). The smoothest of those in use, and the peer of every bar.
 * - `arrival`: the moment a sample came in (networked-aframe's buffered interpolation).
 * - `clock`: the room's clock. Nobody we know ships it, because it needs one; what is left of a ratio against it is prediction.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, newPoseSample, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { mix } from "./motion.ts";

export type Viewer = {
  /** Copies `sample`, which came at room time `arrivalMs` by the viewer's clock. */
  push(sample: PoseSample, arrivalMs: number): void;
  /** Writes what is shown at room time `nowMs`; false before there is anything. */
  sample(nowMs: number, out: Float64Array): boolean;
};

export type Anchor = "timeline" | "arrival" | "clock";
export const FIXED_DELAY_MS = 100;
const CAPACITY = 128;
/** The usual lateness follows slowly, and at once when it is off by more than this. */
const OFFSET_GAIN = 1 / 64;
const OFFSET_SNAP_MS = 250;

type Kept = { atMs: number; readonly pose: Float64Array };

export class FixedInterpolation implements Viewer {
  private readonly anchor: Anchor;
  /** Oldest first. */
  private readonly kept: Kept[] = [];
  private latenessMs = Number.NaN;

  constructor(anchor: Anchor) {
    this.anchor = anchor;
  }

  push(sample: PoseSample, arrivalMs: number): void {
    const newest = this.kept[this.kept.length - 1];
    const lateness = arrivalMs - sample.timeMs;
    const off = lateness - this.latenessMs;
    this.latenessMs = Math.abs(off) <= OFFSET_SNAP_MS ? this.latenessMs + off * OFFSET_GAIN : lateness;
    const atMs = this.anchor === "arrival" ? arrivalMs : sample.timeMs;
    if (newest === undefined || atMs >= newest.atMs) {
      const entry = this.kept.length < CAPACITY ? { atMs, pose: newPoseSample().pose } : (this.kept.shift() as Kept);
      entry.atMs = atMs;
      entry.pose.set(sample.pose);
      this.kept.push(entry);
      return;
    }
    const before = this.kept.findLastIndex((entry) => entry.atMs <= atMs);
    this.kept.splice(before + 1, 0, { atMs, pose: sample.pose.slice() });
    if (this.kept.length > CAPACITY) this.kept.shift();
  }

  sample(nowMs: number, out: Float64Array): boolean {
    if (this.kept.length === 0) return false;
    const atMs = nowMs - FIXED_DELAY_MS - (this.anchor === "timeline" ? this.latenessMs : 0);
    const index = this.kept.findLastIndex((entry) => entry.atMs <= atMs);
    const from = this.kept[Math.max(0, index)] as Kept;
    const to = this.kept[index + 1];
    if (index < 0 || to === undefined) {
      out.set(from.pose);
      return true;
    }
    const pair = this.pair;
    pair.set(from.pose);
    pair.set(to.pose, POSE_FLOATS);
    const u = (atMs - from.atMs) / (to.atMs - from.atMs);
    for (let at = 0; at < DEVICE_COUNT * DEVICE_FLOATS; at += DEVICE_FLOATS) mix(pair, at, POSE_FLOATS + at, u, out, at);
    return true;
  }

  private readonly pair = new Float64Array(2 * POSE_FLOATS);
}
