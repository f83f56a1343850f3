/**
 * How far the hands were shown from where they were, and how much rougher they moved than they did.
 *
 * The acceleration ratio is the displayed hands' root mean square second difference over the truth's, at the display's frames: 1 is as
 * smooth as the person. Error alone can be gamed by jumping, smoothness alone by lag.
 */
import { DEVICE_FLOATS } from "@copresence/shared/pose";

export type Summary = {
  /** Hand positions judged: two a frame. */
  readonly n: number;
  readonly p50Mm: number;
  readonly p95Mm: number;
  readonly p99Mm: number;
  /** Angle between the hand as shown and as it was. */
  readonly turnP95Deg: number;
  readonly headP95Mm: number;
  readonly acceleration: number;
};

const HANDS = [DEVICE_FLOATS, 2 * DEVICE_FLOATS] as const;
/** Frames at the start of a run that are not judged: playout learns the link for two seconds. */
const WARM_FRAMES = 180;
const DEG_PER_RAD = 180 / Math.PI;

/** Gathers the frames of several runs; `begin` before each. */
export class Score {
  private readonly errors: number[] = [];
  private readonly turns: number[] = [];
  private readonly headErrors: number[] = [];
  private readonly shown = new SecondDifference();
  private readonly true = new SecondDifference();
  private frames = 0;

  begin(): void {
    this.frames = 0;
    this.shown.begin();
    this.true.begin();
  }

  /** One frame: 21 floats as shown, and as they were. */
  add(shown: Float64Array, truth: Float64Array): void {
    if (this.frames++ < WARM_FRAMES) return;
    this.headErrors.push(distance(shown, truth, 0));
    for (const at of HANDS) {
      this.errors.push(distance(shown, truth, at));
      this.turns.push(angle(shown, truth, at + 3));
    }
    this.shown.add(shown);
    this.true.add(truth);
  }

  summary(): Summary {
    const errors = sorted(this.errors);
    return {
      n: errors.length,
      p50Mm: quantile(errors, 0.5) * 1000,
      p95Mm: quantile(errors, 0.95) * 1000,
      p99Mm: quantile(errors, 0.99) * 1000,
      turnP95Deg: quantile(sorted(this.turns), 0.95) * DEG_PER_RAD,
      headP95Mm: quantile(sorted(this.headErrors), 0.95) * 1000,
      acceleration: this.shown.rms / this.true.rms,
    };
  }
}

/** Root mean square of p(n+1) - 2 p(n) + p(n-1) over both hands. */
class SecondDifference {
  private readonly last = new Float64Array(3 * HANDS.length);
  private readonly before = new Float64Array(3 * HANDS.length);
  private known = 0;
  private sum = 0;
  private count = 0;

  begin(): void {
    this.known = 0;
  }

  add(pose: Float64Array): void {
    let square = 0;
    for (let i = 0; i < this.last.length; i++) {
      const now = pose[(HANDS[Math.floor(i / 3)] as number) + (i % 3)] as number;
      square += (now - 2 * (this.last[i] as number) + (this.before[i] as number)) ** 2;
      this.before[i] = this.last[i] as number;
      this.last[i] = now;
    }
    if (this.known++ < 2) return;
    this.sum += square;
    this.count += HANDS.length;
  }

  get rms(): number {
    return Math.sqrt(this.sum / this.count);
  }
}

function distance(a: Float64Array, b: Float64Array, at: number): number {
  return Math.hypot(
    (a[at] as number) - (b[at] as number),
    (a[at + 1] as number) - (b[at + 1] as number),
    (a[at + 2] as number) - (b[at + 2] as number),
  );
}

/** Between unit quaternions at a[at..] and b[at..], rad. */
function angle(a: Float64Array, b: Float64Array, at: number): number {
  let dot = 0;
  for (let i = at; i < at + 4; i++) dot += (a[i] as number) * (b[i] as number);
  return 2 * Math.acos(Math.min(1, Math.abs(dot)));
}

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

/** Of a sorted array; 0 for an empty one. */
export function quantile(values: Float64Array, q: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
}
