/**
 * When the successor of a worker that ended may start: soon after the first end, later and later when they keep ending at once, so that whoever
 * looks after the server finds a sentence every few seconds in its log and no storm of processes.
 *
 * [BO1] 100 ms, doubled each time up to `lastMs`; a worker that lived for `STABLE_MS` starts over.
 */
const FIRST_MS = 100;
const LAST_MS = 5000;
const STABLE_MS = 10_000;

export class Backoff {
  private readonly lastMs: number;
  private followingMs = FIRST_MS;

  constructor(lastMs = LAST_MS) {
    this.lastMs = lastMs;
  }

  /** How long to wait, ms, now that a worker has ended that had lived for `livedMs`. */
  next(livedMs: number): number {
    const waitMs = livedMs >= STABLE_MS ? FIRST_MS : this.followingMs;
    this.followingMs = Math.min(this.lastMs, waitMs * 2);
    return Math.min(this.lastMs, waitMs);
  }
}
