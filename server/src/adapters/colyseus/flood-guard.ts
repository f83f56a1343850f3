/**
 * The coarsest limit, before anything is decoded: what one connection may send in a second, all messages together. The core's limits per
 * message type are finer and answer with a reason; this one only keeps decoding itself from being the attack.
 *
 * [FG1] Sustained `orderedPerSecond + droppablePerSecond`, with the two bursts on top; nothing an honest client sends comes near.
 */
import { LIMITS } from "@copresence/shared/protocol";

const MESSAGES = { perSecond: LIMITS.orderedPerSecond + LIMITS.droppablePerSecond, burst: LIMITS.orderedBurst + LIMITS.droppableBurst };

export class FloodGuard {
  private readonly perMs: number;
  private readonly burst: number;
  private tokens: number;
  private lastMs: number | undefined;

  /** For messages, unless told otherwise. */
  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number } = MESSAGES) {
    this.perMs = perSecond / 1000;
    this.burst = burst;
    this.tokens = burst;
  }

  /** Takes one message's token; false when there is none left. `nowMs` is monotonic. */
  take(nowMs: number): boolean {
    const elapsedMs = this.lastMs === undefined ? 0 : Math.max(0, nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.tokens = Math.min(this.burst, this.tokens + elapsedMs * this.perMs) - 1;
    return this.tokens >= 0;
  }
}
