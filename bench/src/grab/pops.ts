/**
 * How far an object is moved in one rendered frame beyond the motion of anything it may follow: a correction made visible.
 *
 * [GO1] What it may follow in this frame: a hand as this client shows it, the flight (anywhere within WINDOW_MS of where it is nearest), or
 *       its place. The pop is the smallest difference between its own step and theirs.
 * [GO2] Only frames in which something may have to be corrected are counted: quiet ones would dilute the quantile.
 */
import type { Space } from "@copresence/client/core";
import type { FlightTrack } from "@copresence/shared/motion";

const WINDOW_MS = 30;
const SEARCH_STEP_MS = 4;
const RIGHT_HAND = 14;

export class PopMeter {
  readonly popsMm: number[] = [];
  /** The flight of the object that is looked at, once there is one. */
  track: FlightTrack | undefined;
  private readonly space: Space;
  private object = "";
  private fromMs = Number.POSITIVE_INFINITY;
  private untilMs = 0;
  private beforeMs = Number.NaN;
  private before: number[] = [];
  private hands = new Map<number, number[]>();
  private readonly scratch = new Float64Array(7);

  constructor(space: Space) {
    this.space = space;
  }

  /** An application draws every object in every frame: one that was never asked for is not followed. */
  look(object: string): void {
    this.watch(object, Number.POSITIVE_INFINITY, 0);
  }

  /** Looks at `object` from `fromMs` until `untilMs`. */
  watch(object: string, fromMs: number, untilMs: number): void {
    Object.assign(this, { object, fromMs, untilMs, track: undefined, beforeMs: Number.NaN });
  }

  /** Once per rendered frame. */
  frame(nowMs: number): void {
    const transform = this.space.objects.get(this.object)?.transform;
    if (transform === undefined || nowMs < this.fromMs || nowMs > this.untilMs) return;
    const now = place(transform, 0);
    const hands = this.shownHands();
    const elapsedMs = nowMs - this.beforeMs;
    if (elapsedMs > 0) {
      const step = minus(now, this.before);
      const steps = [[0, 0, 0], ...this.flightSteps(elapsedMs)];
      for (const [slot, at] of hands) {
        const was = this.hands.get(slot);
        if (was !== undefined) steps.push(minus(at, was));
      }
      this.popsMm.push(1000 * Math.min(...steps.map((other) => Math.hypot(...minus(step, other)))));
    }
    this.before = now;
    this.beforeMs = nowMs;
    this.hands = hands;
  }

  private shownHands(): Map<number, number[]> {
    const hands = new Map([[this.space.me.slot, place(this.space.me.pose, RIGHT_HAND)]]);
    for (const { slot, visible, pose } of this.space.people) if (visible) hands.set(slot, place(pose, RIGHT_HAND));
    return hands;
  }

  private flightSteps(elapsedMs: number): number[][] {
    const { track, scratch } = this;
    if (track === undefined) return [];
    const at = (ms: number): number[] => {
      track.at(ms, scratch);
      return place(scratch, 0);
    };
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let ms = 0; ms <= track.durationMs; ms += SEARCH_STEP_MS) {
      const distance = Math.hypot(...minus(at(ms), this.before));
      if (distance < least) [least, nearest] = [distance, ms];
    }
    const steps: number[][] = [];
    for (let ms = nearest - WINDOW_MS; ms <= nearest + WINDOW_MS; ms += SEARCH_STEP_MS) steps.push(minus(at(ms + elapsedMs), at(ms)));
    return steps;
  }
}

const place = (values: ArrayLike<number>, at: number): number[] => [values[at] as number, values[at + 1] as number, values[at + 2] as number];
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - (b[i] as number));
