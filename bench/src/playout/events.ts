/** What happens next: a queue of events in virtual time. Events at the same time run in the order they were scheduled, so a seed is a schedule. */
type Event = { readonly atMs: number; readonly seq: number; readonly run: () => void };

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class EventQueue {
  /** True time, ms. */
  nowMs = 0;
  private seq = 0;
  /** Binary heap by (atMs, seq). */
  private readonly heap: Event[] = [];

  at(atMs: number, run: () => void): void {
    const { heap } = this;
    const event: Event = { atMs: Math.max(atMs, this.nowMs), seq: this.seq++, run };
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

  /** Runs everything due up to `untilMs`; what is later is forgotten with the queue. */
  runUntil(untilMs: number): void {
    for (let event = this.heap[0]; event !== undefined && event.atMs <= untilMs; event = this.heap[0]) {
      this.pop();
      this.nowMs = event.atMs;
      event.run();
    }
    this.nowMs = untilMs;
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
