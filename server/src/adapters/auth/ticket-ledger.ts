/**
 * Remembers the tickets that were used, so that each admits once.
 *
 * [TL1] A `jti` is remembered until its ticket could not be valid any more, and not longer.
 * [TL2] Memory is bounded: with `capacity` live tickets remembered, further ones are refused rather than an old one forgotten.
 * [TL3] Time is the caller's (seconds since the epoch, as in the tickets).
 */
export class TicketLedger {
  private readonly capacity: number;
  /** Expiry by jti, in the order of use; tickets live at most a minute, so this is nearly the order of expiry too. */
  private readonly used = new Map<string, number>();

  /** 200 000 tickets a minute is 3 300 joins a second: far above what one process can seat. */
  constructor(capacity = 200_000) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.used.size;
  }

  /** "used" if the ticket was seen before, "full" if it cannot be remembered; otherwise it is now used. */
  use(jti: string, expiresS: number, nowS: number): "ok" | "used" | "full" {
    if (this.used.has(jti)) return "used";
    this.forgetExpired(nowS);
    if (this.used.size >= this.capacity) return "full";
    this.used.set(jti, expiresS);
    return "ok";
  }

  private forgetExpired(nowS: number): void {
    for (const [jti, expiresS] of this.used) {
      if (expiresS >= nowS) return;
      this.used.delete(jti);
    }
  }
}
