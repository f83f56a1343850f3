/**
 * Wakes a room at its tick deadlines. Tick n is due at n * 1000 / tickRateHz of room time; which ticks run is the core's decision,
 * this only makes sure that it is asked in time.
 *
 * [TI1] Deadlines are absolute: a late wake-up never moves the next one, so the rate does not drift.
 * [TI2] Never more than one timer; a room that was held up is woken once, not once per missed tick.
 */
export type TickLoopOptions = {
  readonly tickRateHz: number;
  /** Milliseconds since the room's start, monotonic. */
  readonly now: () => number;
  /** Called at or shortly after a deadline, `lateMs` after it. */
  readonly run: (lateMs: number) => void;
};

export class TickLoop {
  private readonly options: TickLoopOptions;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(options: TickLoopOptions) {
    this.options = options;
  }

  start(): void {
    this.arm(this.nextDeadline());
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private nextDeadline(): number {
    const { tickRateHz, now } = this.options;
    return ((Math.floor((now() * tickRateHz) / 1000) + 1) * 1000) / tickRateHz;
  }

  private arm(deadlineMs: number): void {
    // Timers have whole milliseconds; rounding up costs at most one, rounding down would wake before the tick is due.
    this.timer = setTimeout(() => this.wake(deadlineMs), Math.max(1, Math.ceil(deadlineMs - this.options.now())));
  }

  private wake(deadlineMs: number): void {
    const lateMs = this.options.now() - deadlineMs;
    if (lateMs < 0) return this.arm(deadlineMs);
    this.options.run(lateMs);
    if (!this.stopped) this.arm(this.nextDeadline());
  }
}
