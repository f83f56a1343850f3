/**
 * How late samples come, as a forgetting histogram, and the playout delay that follows from it (after NetEq's delay manager).
 *
 * [LA1] A sample's weight falls by FORGET with every later one. The newcomer's weight grows instead of all others shrinking, so that
 *       an observation costs one addition.
 * [LA2] When the tail is long (q95 - q50 > TAIL_MS), the delay is q80 and late samples are accepted: on a link that stalls, waiting for
 *       the stalled samples shows everything late (plain q95 was worse than a fixed 100 ms on 2 % TCP loss).
 */
const BUCKET_MS = 2.5;
/** Lateness up to a second; what is later counts as that. */
const BUCKETS = 400;
const FORGET = 0.983;
const TAIL_MS = 80;
/** Weights are scaled back before they lose precision. */
const RESCALE_AT = 1e12;

export class LatenessHistogram {
  private readonly weights = new Float64Array(BUCKETS);
  private total = 0;
  private next = 1;

  get empty(): boolean {
    return this.total === 0;
  }

  reset(): void {
    this.weights.fill(0);
    this.total = 0;
    this.next = 1;
  }

  /** `latenessMs`: arrival minus measurement, room clock. Negative (clock error) counts as 0. */
  observe(latenessMs: number): void {
    const bucket = Math.max(0, Math.min(BUCKETS - 1, Math.floor(latenessMs / BUCKET_MS)));
    this.weights[bucket] = (this.weights[bucket] as number) + this.next;
    this.total += this.next;
    this.next /= FORGET;
    if (this.next > RESCALE_AT) this.rescale();
  }

  /** Upper edge of the bucket that holds quantile `q` (0..1), ms. */
  quantileMs(q: number): number {
    const wanted = this.total * q;
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      sum += this.weights[bucket] as number;
      if (sum >= wanted) return (bucket + 1) * BUCKET_MS;
    }
    return BUCKETS * BUCKET_MS;
  }

  /** The lateness a playout delay has to cover [LA2]. */
  coverMs(): number {
    const q95 = this.quantileMs(0.95);
    return q95 - this.quantileMs(0.5) > TAIL_MS ? this.quantileMs(0.8) : q95;
  }

  /** Spread between the usual and the late sample, for display. */
  get jitterMs(): number {
    return this.empty ? 0 : this.quantileMs(0.95) - this.quantileMs(0.5);
  }

  private rescale(): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.weights[bucket] = (this.weights[bucket] as number) / this.next;
    this.total /= this.next;
    this.next = 1;
  }
}
