/**
 * Smooth seeded noise with a known spectrum: uniform cubic B-splines over random knots, several periods (octaves) per channel.
 *
 * [SN1] A pure function of seed, channel, period and time: the order and spacing of calls do not matter.
 * [SN2] Only + - x / and 32-bit integer operations: the same values in every engine.
 * [SN3] Twice continuously differentiable; standard deviation 1, |value| <= 5.
 */
const KNOTS = 4;
/** Mean of the sum of squared spline weights is 151/315; knots are scaled so that the noise has unit variance. */
const KNOT_SCALE = 1 / 0.692_365;
/** Standard deviation of the sum of four uniforms in 0..65535. */
const UNIFORM_SUM_SD = 37_837.3;

export class SplineNoise {
  private readonly seed: number;
  private readonly channels: number;
  private readonly periodsMs: readonly number[];
  /** Per period: index of its first knot, and the four spline weights at the sought time. */
  private readonly firstKnot: Float64Array;
  private readonly weights: Float64Array;
  /** Per period and channel: the four knots around the sought time. */
  private readonly knots: Float64Array;

  constructor(options: { readonly seed: number; readonly channels: number; readonly periodsMs: readonly number[] }) {
    this.seed = options.seed | 0;
    this.channels = options.channels;
    this.periodsMs = options.periodsMs;
    const periods = options.periodsMs.length;
    this.firstKnot = new Float64Array(periods).fill(Number.NaN);
    this.weights = new Float64Array(periods * KNOTS);
    this.knots = new Float64Array(periods * this.channels * KNOTS);
  }

  /** Prepares every channel for `timeMs`. Cheap when time moves in small steps. */
  seek(timeMs: number): void {
    for (let period = 0; period < this.periodsMs.length; period++) {
      const at = timeMs / (this.periodsMs[period] as number);
      const first = Math.floor(at);
      this.weigh(period, at - first);
      if (first !== this.firstKnot[period]) this.refresh(period, first);
    }
  }

  /** The noise at the sought time. */
  value(channel: number, period: number): number {
    const k = (period * this.channels + channel) * KNOTS;
    const w = period * KNOTS;
    return (
      (this.knots[k] as number) * (this.weights[w] as number) +
      (this.knots[k + 1] as number) * (this.weights[w + 1] as number) +
      (this.knots[k + 2] as number) * (this.weights[w + 2] as number) +
      (this.knots[k + 3] as number) * (this.weights[w + 3] as number)
    );
  }

  private weigh(period: number, u: number): void {
    const v = 1 - u;
    const w = period * KNOTS;
    this.weights[w] = (v * v * v) / 6;
    this.weights[w + 1] = (4 - 6 * u * u + 3 * u * u * u) / 6;
    this.weights[w + 2] = (4 - 6 * v * v + 3 * v * v * v) / 6;
    this.weights[w + 3] = (u * u * u) / 6;
  }

  private refresh(period: number, first: number): void {
    const next = first === (this.firstKnot[period] as number) + 1;
    for (let channel = 0; channel < this.channels; channel++) {
      const at = (period * this.channels + channel) * KNOTS;
      if (next) this.knots.copyWithin(at, at + 1, at + KNOTS);
      for (let k = next ? KNOTS - 1 : 0; k < KNOTS; k++) this.knots[at + k] = knotValue(this.seed, channel, period, first + k);
    }
    this.firstKnot[period] = first;
  }
}

/** A 32-bit hash of up to four integers (murmur3's finaliser after each). */
export function hashInts(a: number, b: number, c = 0, d = 0): number {
  return mix(mix(mix(mix(a ^ 0x9e37_79b9) ^ Math.imul(b, 0x85eb_ca6b)) ^ Math.imul(c, 0xc2b2_ae35)) ^ d);
}

/** Uniform in 0..1 from the same integers. */
export const hashUnit = (a: number, b: number, c = 0, d = 0): number => (hashInts(a, b, c, d) >>> 0) / 4_294_967_296;

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

/** Nearly normal: four 16-bit uniforms. */
function knotValue(seed: number, channel: number, period: number, index: number): number {
  const a = hashInts(seed, channel * 64 + period, index, 1);
  const b = hashInts(seed, channel * 64 + period, index, 2);
  const sum = (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
  return ((sum - 131_070) / UNIFORM_SUM_SD) * KNOT_SCALE;
}
