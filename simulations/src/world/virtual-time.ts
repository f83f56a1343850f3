/**
 * Virtual time: nothing in a simulated world reads any other clock (event-queue.ts).
 *
 * [VT2] Between two events all settled promises run out: the SDK's few promises (dial, grab) behave as on a real loop, and still in one order.
 */
import { type Cancel, EventQueue } from "./event-queue.ts";

export type { Cancel };

export class VirtualTime {
  private readonly queue = new EventQueue();

  get nowMs(): number {
    return this.queue.nowMs;
  }

  readonly now = (): number => this.queue.nowMs;

  at(atMs: number, run: () => void): Cancel {
    return this.queue.at(atMs, run);
  }

  readonly after = (ms: number, run: () => void): Cancel => this.at(this.nowMs + ms, run);

  /** Runs `step` every `periodMs`, against absolute deadlines, until cancelled. */
  every(periodMs: number, run: () => void): Cancel {
    const start = this.nowMs;
    let count = 0;
    let cancel: Cancel = () => {};
    const next = (): void => {
      count++;
      cancel = this.at(start + count * periodMs, () => {
        next();
        run();
      });
    };
    next();
    return () => cancel();
  }

  /** Runs everything that is due up to `untilMs`. */
  async runUntil(untilMs: number): Promise<void> {
    for (let run = this.queue.next(untilMs); run !== undefined; run = this.queue.next(untilMs)) {
      run();
      await settle();
    }
  }
}

/** Long enough for the SDK's deepest chain of awaits (ticket, dial, join). */
const MICROTASK_ROUNDS = 4;

async function settle(): Promise<void> {
  for (let i = 0; i < MICROTASK_ROUNDS; i++) await Promise.resolve();
}
