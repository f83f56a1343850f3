/**
 * The room's clock as seen from a client: offsets of the last pings, weighted by how little each was queued, slewed.
 *
 * [CK1] A ping's offset is off by half the difference between its way there and its way back, and its round trip says how large that
 *       can be. Each counts 1 / (1 + (excess / median excess)^2), excess being its round trip above the shortest in the window: a
 *       stalled ping counts next to nothing, and where one was much quicker than the rest, it decides alone.
 *       (NTP's clock filter takes the quickest only: on two links of 20 ms with 6 ms of gamma jitter and 3 % stalls that is off by
 *       5.4 ms at the 95th percentile after 18 pings, their plain mean by 5.8 ms, this by 1.9 ms.)
 * [CK2] `toServer` never goes back while its argument goes forward, except in a step: while the first FAST_PINGS come in, and when the
 *       error is so large that slewing would take minutes (a suspended laptop).
 * [CK3] Whatever the jitter, the estimate lies among the window's offsets, each wrong by at most half its round trip.
 *
 * Times: `...Ms` of the client's monotonic clock, or `server...` of the room's clock (ms since the room's start).
 */
/** Sixteen seconds of steady pings: more average better, but clocks drift 50 us a second apart. */
const WINDOW = 32;
const FAST_PINGS = 16;
/** The first pings are this far apart: sixteen within a second of joining. */
const FAST_INTERVAL_MS = 60;
const STEADY_INTERVAL_MS = 500;
/** A pong later than this belongs to a link that was given up, or to a machine that slept. */
const RTT_MAX_MS = 60_000;
/** Times are told apart to 0.1 ms below this; no clock of ours counts so far. */
const TIME_MAX_MS = 1e12;
/** Least scale of the excess: timers are no finer. */
const LEAST_EXCESS_MS = 0.25;
/** Slewing changes the pace of the room's clock by this part at most: invisible in motion, a 10 ms error is gone in a second. */
const SLEW_RATE = 0.01;
const STEP_MS = 250;
/** Weight of a new round trip in the running averages. */
const RTT_GAIN = 1 / 8;
const JITTER_GAIN = 1 / 8;

export class ClockSync {
  private readonly rtts = new Float64Array(WINDOW);
  private readonly offsets = new Float64Array(WINDOW);
  private readonly sorted = new Float64Array(WINDOW);
  private pongs = 0;
  /** Offset applied at `appliedAtMs`, on its way to `target`. */
  private applied = 0;
  private appliedAtMs = 0;
  private target = 0;
  private smoothRtt = 0;
  private smoothJitter = 0;

  /** True once a ping was answered: before, `toServer` is meaningless. */
  get ready(): boolean {
    return this.pongs > 0;
  }

  /** Room clock minus client clock, as applied at the newest pong. */
  get offsetMs(): number {
    return this.applied;
  }

  /** Smoothed round trip. */
  get rttMs(): number {
    return this.smoothRtt;
  }

  /** Shortest round trip in the window; 0 before the first pong. */
  get minRttMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < Math.min(this.pongs, WINDOW); i++) least = Math.min(least, this.rtts[i] as number);
    return this.pongs === 0 ? 0 : least;
  }

  /** Smoothed distance of round trips above the shortest. */
  get jitterMs(): number {
    return this.smoothJitter;
  }

  /** `sentMs`, `receivedMs`: client clock when the ping left and its answer came. `serverTimeMs`: room clock when it was answered. */
  onPong(sentMs: number, receivedMs: number, serverTimeMs: number): void {
    const rtt = receivedMs - sentMs;
    // Written so that NaN fails too.
    if (!(rtt >= 0 && rtt <= RTT_MAX_MS && Math.abs(receivedMs) < TIME_MAX_MS && Math.abs(serverTimeMs) < TIME_MAX_MS)) return;
    const at = this.pongs % WINDOW;
    this.rtts[at] = rtt;
    this.offsets[at] = serverTimeMs - (sentMs + receivedMs) / 2;
    this.pongs++;
    const best = this.bestOffset();
    const current = this.offsetAt(receivedMs);
    const step = this.pongs <= FAST_PINGS || Math.abs(best - current) > STEP_MS;
    this.applied = step ? best : current;
    this.appliedAtMs = receivedMs;
    this.target = best;
    const above = rtt - this.minRttMs;
    const first = this.pongs === 1;
    this.smoothRtt = first ? rtt : this.smoothRtt + (rtt - this.smoothRtt) * RTT_GAIN;
    this.smoothJitter = first ? 0 : this.smoothJitter + (above - this.smoothJitter) * JITTER_GAIN;
  }

  /** Room time at client time `clientMs`. */
  toServer(clientMs: number): number {
    return clientMs + this.offsetAt(clientMs);
  }

  /** How long to wait after one ping before the next. */
  nextPingMs(): number {
    return this.pongs < FAST_PINGS ? FAST_INTERVAL_MS : STEADY_INTERVAL_MS;
  }

  /** For a new link or another room. */
  reset(): void {
    this.pongs = 0;
    this.applied = this.appliedAtMs = this.target = 0;
    this.smoothRtt = this.smoothJitter = 0;
  }

  private offsetAt(clientMs: number): number {
    const room = Math.max(0, clientMs - this.appliedAtMs) * SLEW_RATE;
    const error = this.target - this.applied;
    return this.applied + (error > room ? room : error < -room ? -room : error);
  }

  /** Weighted mean of the window's offsets [CK1]. */
  private bestOffset(): number {
    const count = Math.min(this.pongs, WINDOW);
    const sorted = this.sorted.subarray(0, count);
    sorted.set(this.rtts.subarray(0, count));
    sorted.sort();
    const least = sorted[0] as number;
    const scale = Math.max(LEAST_EXCESS_MS, (sorted[count >> 1] as number) - least);
    // Relative to one of them: room times are large and their differences small.
    const origin = this.offsets[0] as number;
    let weights = 0;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const weight = 1 / (1 + (((this.rtts[i] as number) - least) / scale) ** 2);
      weights += weight;
      sum += weight * ((this.offsets[i] as number) - origin);
    }
    return origin + sum / weights;
  }
}
