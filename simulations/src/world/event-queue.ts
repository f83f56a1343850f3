/**
 * What happens next: a queue of events in virtual time, run in order of (time, sequence).
 *
 * [VT1] Events at the same time run in the order they were scheduled, so a seed is a schedule.
 */
export type Cancel = () => void;

type Event = { readonly atMs: number; readonly seq: number; run: (() => void) | undefined };

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class EventQueue {
  nowMs = 0;
  private seq = 0;
  /** Binary heap by (atMs, seq). */
  private readonly heap: Event[] = [];

  at(atMs: number, run: () => void): Cancel {
    const event: Event = { atMs: Math.max(atMs, this.nowMs), seq: this.seq++, run };
    this.push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Moves to the next event that is due up to `untilMs`, and returns what is to run; without one, moves to `untilMs`. */
  next(untilMs: number): (() => void) | undefined {
    for (let event = this.heap[0]; event !== undefined && event.atMs <= untilMs; event = this.heap[0]) {
      this.pop();
      if (event.run === undefined) continue;
      this.nowMs = event.atMs;
      return event.run;
    }
    this.nowMs = untilMs;
    return undefined;
  }

  /** Runs everything that is due up to `untilMs`, where nothing waits for a promise. */
  runUntil(untilMs: number): void {
    for (let run = this.next(untilMs); run !== undefined; run = this.next(untilMs)) run();
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
