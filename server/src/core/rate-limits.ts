/**
 * How much one session may say. Token buckets on the room's clock, so the same inputs give the same verdicts.
 *
 * [RL1] An ordered message is never skipped: a session that keeps sending is warned once while a quarter of its burst is left,
 *       and closed retryably when nothing is.
 * [RL2] A droppable message over the rate is dropped in silence; a session that keeps flooding is closed.
 * [RL3] Chat and search have buckets of their own on top; over those the line is refused with a reason and nothing else suffers.
 * [RL4] Presence changes are told to everybody, so they have a bucket of their own; over it the session is closed.
 */
import { deliveryOf, LIMITS, type UpMessage } from "@copresence/shared/protocol";

export class TokenBucket {
  private tokens: number;
  private atMs: number;
  readonly perSecond: number;
  readonly burst: number;

  constructor(options: { readonly perSecond: number; readonly burst: number; readonly nowMs: number }) {
    this.perSecond = options.perSecond;
    this.burst = options.burst;
    this.tokens = options.burst;
    this.atMs = options.nowMs;
  }

  /** Takes one token if there is one. `nowMs` never goes back. */
  take(nowMs: number): boolean {
    this.refill(nowMs);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** Share of the burst that is left, 0..1. */
  level(nowMs: number): number {
    this.refill(nowMs);
    return this.tokens / this.burst;
  }

  private refill(nowMs: number): void {
    if (nowMs <= this.atMs) return;
    this.tokens = Math.min(this.burst, this.tokens + ((nowMs - this.atMs) * this.perSecond) / 1000);
    this.atMs = nowMs;
  }
}

/** `warn`: handle it and tell the session; `drop`: forget it; `close`: end the session. */
export type Admission = "ok" | "warn" | "drop" | "close";

/** Below this share of the ordered burst the session is warned, and above twice of it the warning may come again. */
const WARN_LEVEL = 0.25;
/** Droppable messages that may be dropped before the session counts as flooding: ten seconds at twice the rate. */
const DROPS_BURST = LIMITS.droppablePerSecond * 10;
const DROPS_PER_SECOND = LIMITS.droppablePerSecond / 4;
/** Questions a reader may ask at once before the rate bites. */
const SEARCH_BURST = LIMITS.searchPerSecond * 2;

export class SessionLimits {
  readonly chat: TokenBucket;
  readonly search: TokenBucket;
  private readonly presence: TokenBucket;
  private readonly ordered: TokenBucket;
  private readonly droppable: TokenBucket;
  private readonly drops: TokenBucket;
  private warned = false;

  constructor(nowMs: number) {
    this.ordered = new TokenBucket({ perSecond: LIMITS.orderedPerSecond, burst: LIMITS.orderedBurst, nowMs });
    this.droppable = new TokenBucket({ perSecond: LIMITS.droppablePerSecond, burst: LIMITS.droppableBurst, nowMs });
    this.drops = new TokenBucket({ perSecond: DROPS_PER_SECOND, burst: DROPS_BURST, nowMs });
    this.chat = new TokenBucket({ perSecond: LIMITS.chatPerSecond, burst: LIMITS.chatBurst, nowMs });
    this.presence = new TokenBucket({ perSecond: LIMITS.presencePerSecond, burst: LIMITS.presenceBurst, nowMs });
    this.search = new TokenBucket({ perSecond: LIMITS.searchPerSecond, burst: SEARCH_BURST, nowMs });
  }

  admit(type: UpMessage["type"], nowMs: number): Admission {
    if (type === "presence" && !this.presence.take(nowMs)) return "close";
    return deliveryOf(type) === "droppable" ? this.admitDroppable(nowMs) : this.admitOrdered(nowMs);
  }

  admitOrdered(nowMs: number): Admission {
    if (!this.ordered.take(nowMs)) return "close";
    const level = this.ordered.level(nowMs);
    if (level > WARN_LEVEL * 2) this.warned = false;
    if (level >= WARN_LEVEL || this.warned) return "ok";
    this.warned = true;
    return "warn";
  }

  /** `admit` for what is known to be droppable. */
  admitDroppable(nowMs: number): Admission {
    if (this.droppable.take(nowMs)) return "ok";
    return this.drops.take(nowMs) ? "drop" : "close";
  }
}
