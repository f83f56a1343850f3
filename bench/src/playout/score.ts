/**
 * How far the hands were shown from where they were, and how much rougher they moved than they did.
 *
 * The acceleration ratio is the displayed hands' root mean square second difference over the truth's, at the display's frames: 1 is as
 * smooth as the person. Error without it can be gamed by jumping, and it without error by lag.
 */
import { DEVICE_FLOATS } from "@copresence/shared/pose";

export type Summary = { readonly n: number; readonly p50Mm: number; readonly p95Mm: number; readonly p99Mm: number; readonly headP95Mm: number; readonly acceleration: number };

const HANDS = [DEVICE_FLOATS, 2 * DEVICE_FLOATS];
/** Frames of a run that are not judged: playout learns the link. */
const WARM_FRAMES = 180;

/** Gathers the frames of several runs; `begin` before each. */
export class Score {
  private readonly errors: number[] = [];
  private readonly headErrors: number[] = [];
  private readonly shown = new SecondDifference();
  private readonly true = new SecondDifference();
  private frames = 0;

  begin(): void {
    this.frames = 0;
    this.shown.begin();
    this.true.begin();
  }

  add(shown: Float64Array, truth: Float64Array): void {
    if (this.frames++ < WARM_FRAMES) return;
    this.headErrors.push(distance(shown, truth, 0));
    for (const at of HANDS) this.errors.push(distance(shown, truth, at));
    this.shown.add(shown);
    this.true.add(truth);
  }

  summary(): Summary {
    const sorted = Float64Array.from(this.errors).sort();
    const heads = Float64Array.from(this.headErrors).sort();
    return {
      n: sorted.length,
      p50Mm: quantile(sorted, 0.5) * 1000,
      p95Mm: quantile(sorted, 0.95) * 1000,
      p99Mm: quantile(sorted, 0.99) * 1000,
      headP95Mm: quantile(heads, 0.95) * 1000,
      acceleration: this.shown.rms / this.true.rms,
    };
  }
}

/** Root mean square of p(n+1) - 2 p(n) + p(n-1) over both hands. */
class SecondDifference {
  private readonly last = new Float64Array(6);
  private readonly before = new Float64Array(6);
  private known = 0;
  private sum = 0;
  private count = 0;
  values: number[] = [];

  begin(): void {
    this.known = 0;
  }

  add(pose: Float64Array): void {
    for (let hand = 0; hand < HANDS.length; hand++) {
      let square = 0;
      for (let axis = 0; axis < 3; axis++) {
        const i = hand * 3 + axis;
        const now = pose[(HANDS[hand] as number) + axis] as number;
        square += (now - 2 * (this.last[i] as number) + (this.before[i] as number)) ** 2;
        this.before[i] = this.last[i] as number;
        this.last[i] = now;
      }
      if (this.known < 2) continue;
      this.sum += square;
      this.values.push(Math.sqrt(square));
      this.count++;
    }
    this.known++;
  }

  get rms(): number {
    return Math.sqrt(this.sum / this.count);
  }
}

function distance(a: Float64Array, b: Float64Array, at: number): number {
  return Math.hypot((a[at] as number) - (b[at] as number), (a[at + 1] as number) - (b[at + 1] as number), (a[at + 2] as number) - (b[at + 2] as number));
}

/** Of a sorted array; 0 for an empty one. */
export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
