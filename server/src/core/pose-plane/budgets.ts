/**
 * What each viewer's link is believed to carry, and what of it is left: a token bucket per viewer whose rate follows the link.
 *
 * [BU1] The rate stays within MIN..MAX. It starts at START, grows only while interest would spend more than it has, and is cut when a
 *       frame was skipped, when more than a frame waits in the socket, or when the echo of the tick says that frames queue.
 * [BU2] Queueing is the smallest delay among the last ECHOES echoes, above the smallest of the last ten to twenty seconds: a long path is
 *       not a full one, and one late frame is no queue.
 * [BU3] One cut per CUT_MS: the effect of a cut must be seen before the next.
 */
export const START_BYTES_PER_S = 32_000;
export const MAX_BYTES_PER_S = 70_000;
/** Half of it is frame heads at 60 Hz; a link that carries less skips frames. */
export const MIN_BYTES_PER_S = 8000;
/** What the link carries around every frame: WebSocket and TCP/IP headers. */
export const WIRE_BYTES = 44;
/** Unspent tokens are worth this much of the rate: a join, or a turn of the head, may take that much at once. */
export const BUCKET_S = 0.25;
/** No limit to sources in full but the room's own. */
export const ANY_NUMBER = 65_535;
const GROWTH = 1.08;
const CUT = 0.75;
const CUT_MS = 500;
/** Nothing grows for this long after a cut. */
const CALM_MS = 2000;
const QUEUEING_MS = 40;
/** A third of a second of them, more or less. */
const ECHOES = 12;
const MINIMUM_WINDOW_MS = 10_000;
/** An echo this old is of another session, or of a client that was asleep. */
const ECHO_LIMIT_MS = 10_000;

export class Budgets {
  /** Per viewer: bytes per second, and tokens in bytes (below 0 when overspent). */
  readonly rates: Float64Array;
  readonly tokens: Float64Array;
  /** What the viewer itself wants its view to cost at most, bytes per second, and how many sources in full. */
  readonly ceilings: Float64Array;
  readonly fullPeople: Uint16Array;
  private readonly tickRateHz: number;
  private readonly cutMs: Float64Array;
  private readonly queueing: Float64Array;
  /** Smallest delay since the last verdict, and echoes since then. */
  private readonly recent: Float64Array;
  private readonly echoes: Uint8Array;
  /** Smallest delays of this window and of the one before; when this one began. */
  private readonly least: Float64Array;
  private readonly leastBefore: Float64Array;
  private readonly windowMs: Float64Array;

  constructor(options: { readonly capacity: number; readonly tickRateHz: number }) {
    const { capacity, tickRateHz } = options;
    this.tickRateHz = tickRateHz;
    this.rates = new Float64Array(capacity);
    this.tokens = new Float64Array(capacity);
    this.ceilings = new Float64Array(capacity).fill(MAX_BYTES_PER_S);
    this.fullPeople = new Uint16Array(capacity).fill(ANY_NUMBER);
    this.cutMs = new Float64Array(capacity);
    this.queueing = new Float64Array(capacity);
    this.recent = new Float64Array(capacity);
    this.echoes = new Uint8Array(capacity);
    this.least = new Float64Array(capacity);
    this.leastBefore = new Float64Array(capacity);
    this.windowMs = new Float64Array(capacity);
  }

  add(viewer: number): void {
    this.rates[viewer] = Math.min(START_BYTES_PER_S, this.ceilings[viewer] as number);
    this.tokens[viewer] = (this.rates[viewer] as number) * BUCKET_S;
    this.cutMs[viewer] = Number.NEGATIVE_INFINITY;
    this.queueing[viewer] = 0;
    this.recent[viewer] = Number.POSITIVE_INFINITY;
    this.echoes[viewer] = 0;
    this.least[viewer] = Number.POSITIVE_INFINITY;
    this.leastBefore[viewer] = Number.POSITIVE_INFINITY;
    this.windowMs[viewer] = Number.NEGATIVE_INFINITY;
  }

  /** What the viewer wants from now on: bytes per second (0: as its link carries), and sources in full at most. */
  wish(viewer: number, bytesPerS: number, fullPeople: number): void {
    const ceiling = bytesPerS > 0 ? Math.max(MIN_BYTES_PER_S, Math.min(MAX_BYTES_PER_S, bytesPerS)) : MAX_BYTES_PER_S;
    // A viewer that knows its link starts from what it says; one that only caps the cost grows as its link shows.
    if (bytesPerS > 0 && ceiling !== this.ceilings[viewer]) this.rates[viewer] = ceiling;
    this.ceilings[viewer] = ceiling;
    this.rates[viewer] = Math.min(this.rates[viewer] as number, ceiling);
    this.fullPeople[viewer] = fullPeople;
  }

  /** A tick's worth of tokens. */
  refill(viewer: number): void {
    const rate = this.rates[viewer] as number;
    const tokens = (this.tokens[viewer] as number) + rate / this.tickRateHz;
    this.tokens[viewer] = tokens > rate * BUCKET_S ? rate * BUCKET_S : tokens;
  }
  spend(viewer: number, bytes: number): void {
    this.tokens[viewer] = (this.tokens[viewer] as number) - bytes;
  }

  /** Interest has more to send than the rate allows. */
  pressed(viewer: number, tick: number): void {
    const nowMs = (tick * 1000) / this.tickRateHz;
    if (nowMs - (this.cutMs[viewer] as number) < CALM_MS || (this.queueing[viewer] as number) > QUEUEING_MS / 2) return;
    const rate = (this.rates[viewer] as number) * GROWTH;
    const ceiling = this.ceilings[viewer] as number;
    this.rates[viewer] = rate > ceiling ? ceiling : rate;
  }

  /** The link cannot follow: a skipped frame, or more than one waiting. */
  cut(viewer: number, nowMs: number): void {
    if (nowMs - (this.cutMs[viewer] as number) < CUT_MS) return;
    this.cutMs[viewer] = nowMs;
    const rate = (this.rates[viewer] as number) * CUT;
    this.rates[viewer] = rate < MIN_BYTES_PER_S ? MIN_BYTES_PER_S : rate;
  }

  /** `delayMs`: from a frame's tick to its echo's arrival, less what the client kept it. */
  echo(viewer: number, delayMs: number, nowMs: number): void {
    if (!(delayMs >= 0 && delayMs < ECHO_LIMIT_MS)) return;
    if (nowMs - (this.windowMs[viewer] as number) > MINIMUM_WINDOW_MS) {
      this.windowMs[viewer] = nowMs;
      this.leastBefore[viewer] = this.least[viewer] as number;
      this.least[viewer] = delayMs;
    } else if (delayMs < (this.least[viewer] as number)) this.least[viewer] = delayMs;
    if (delayMs < (this.recent[viewer] as number)) this.recent[viewer] = delayMs;
    const echoes = (this.echoes[viewer] as number) + 1;
    this.echoes[viewer] = echoes < ECHOES ? echoes : 0;
    if (echoes < ECHOES) return;
    const least = Math.min(this.least[viewer] as number, this.leastBefore[viewer] as number);
    const queueing = (this.recent[viewer] as number) - least;
    this.recent[viewer] = Number.POSITIVE_INFINITY;
    this.queueing[viewer] = queueing;
    if (queueing > QUEUEING_MS) this.cut(viewer, nowMs);
  }
}
