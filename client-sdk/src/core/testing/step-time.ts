/** Clock and timers stepped by hand. Promises settle between timers, so whole conversations run in order. */
import type { ClientClock, Scheduler } from "../link.ts";

export class StepTime implements ClientClock, Scheduler {
  private nowMs = 1000;
  private sequence = 0;
  private timers: { readonly dueMs: number; readonly sequence: number; readonly run: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueMs: this.nowMs + ms, sequence: this.sequence++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get pending(): number {
    return this.timers.length;
  }

  /** Runs everything that is due within the next `ms`, in order. */
  async run(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settle();
    for (let next = this.next(untilMs); next !== undefined; next = this.next(untilMs)) {
      this.timers = this.timers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.run();
      await settle();
    }
    this.nowMs = untilMs;
  }

  /** The process was stopped for `ms`: time passes, nothing runs. */
  suspend(ms: number): void {
    this.nowMs += ms;
  }

  private next(untilMs: number): (typeof this.timers)[number] | undefined {
    const due = this.timers.filter((timer) => timer.dueMs <= untilMs);
    return due.sort((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence)[0];
  }
}

/** Lets promise chains of a few links finish. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}
