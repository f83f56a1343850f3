/**
 * Virtual time: one queue of events, run in order of (time, sequence). Nothing in a simulated world reads any other clock.
 *
 * [VT1] Events at the same time run in the order they were scheduled, so a seed is a schedule.
 * [VT2] Between two events all settled promises run out: the SDK's few promises (dial, grab) behave as on a real loop, and still in one order.
 */
export type Cancel = () => void;

type Event = { readonly atMs: number; readonly seq: number; run: (() => void) | undefined };

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class VirtualTime {
  nowMs = 0;
  private seq = 0;
  /** Binary heap by (atMs, seq). */
  private readonly heap: Event[] = [];

  readonly now = (): number => this.nowMs;

  at(atMs: number, run: () => void): Cancel {
    const event: Event = { atMs: Math.max(atMs, this.nowMs), seq: this.seq++, run };
    this.push(event);
    return () => {
      event.run = undefined;
    };
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
    for (let event = this.heap[0]; event !== undefined && event.atMs <= untilMs; event = this.heap[0]) {
      this.pop();
      const run = event.run;
      if (run === undefined) continue;
      this.nowMs = event.atMs;
      run();
      await settle();
    }
    this.nowMs = untilMs;
  }

  private push(event: Event): void {
    const { heap } = this;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Event;
      if (!earlier(event, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!earlier(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
  }
}

/** Long enough for the SDK's deepest chain of awaits (ticket, dial, join). */
const MICROTASK_ROUNDS = 4;

async function settle(): Promise<void> {
  for (let i = 0; i < MICROTASK_ROUNDS; i++) await Promise.resolve();
}
