/**
 * Artificial network trouble on a real link: latency, jitter and loss as TCP shows them, for the demo's sliders and for tests.
 *
 * [LC1] Order is kept in each direction. A "lost" message is late by a retransmission timeout and holds back all behind it.
 * [LC2] Without conditions messages pass at once, after those still held back.
 * [LC3] What is held back towards the room counts as buffered, so that droppable messages are dropped when it piles up.
 * [LC4] Same seed, same traffic: same delays.
 */
import type { ClientClock, Dialer, Link, LinkHandlers, Scheduler } from "./link.ts";
import type { Random } from "./random.ts";
import type { LinkConditions } from "./space-types.ts";

export type ConditionerOptions = {
  readonly clock: ClientClock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Asked for every message, so that sliders work at once. */
  readonly conditions: () => LinkConditions | undefined;
};

/** Linux's minimum retransmission timeout; TCP waits this, or two round trips if that is longer. */
const MIN_RTO_MS = 200;
/** A droppable message is not worth sending behind this much. */
const DROPPABLE_BACKLOG_BYTES = 4096;

export function conditioned(dialer: Dialer, options: ConditionerOptions): Dialer {
  return async (request, handlers) => {
    const down = new Lane(options);
    const up = new Lane(options);
    const link = await dialer(request, delayedHandlers(handlers, down, up));
    return delayedLink(link, up, down);
  };
}

function delayedHandlers(handlers: LinkHandlers, down: Lane, up: Lane): LinkHandlers {
  return {
    onMessage: (id, body) => {
      if (down.clear) handlers.onMessage(id, body);
      // The view is only valid during the call: what waits needs its own copy.
      else
        down.push(
          body.length,
          copyThen(body, (kept) => handlers.onMessage(id, kept)),
        );
    },
    onSession: (event) => (down.clear ? handlers.onSession(event) : down.push(0, () => handlers.onSession(event))),
    onClosed: (code, sentence) => {
      down.end();
      up.end();
      handlers.onClosed(code, sentence);
    },
  };
}

function delayedLink(link: Link, up: Lane, down: Lane): Link {
  return {
    send: (bytes, droppable) => {
      if (up.clear) return link.send(bytes, droppable);
      if (droppable && up.waitingBytes > DROPPABLE_BACKLOG_BYTES) return false;
      up.push(
        bytes.length,
        copyThen(bytes, (kept) => void link.send(kept, droppable)),
      );
      return true;
    },
    get bufferedBytes() {
      return link.bufferedBytes + up.waitingBytes;
    },
    close: (code) => {
      up.end();
      down.end();
      link.close(code);
    },
  };
}

function copyThen(bytes: Uint8Array, run: (kept: Uint8Array) => void): () => void {
  const kept = bytes.slice();
  return () => run(kept);
}

/** One direction: a queue whose entries leave in order, each no earlier than its own time. */
class Lane {
  waitingBytes = 0;
  private readonly queue: { readonly dueMs: number; readonly bytes: number; readonly run: () => void }[] = [];
  private lastDueMs = 0;
  private cancel: (() => void) | undefined;
  private ended = false;
  private readonly options: ConditionerOptions;

  constructor(options: ConditionerOptions) {
    this.options = options;
  }

  get clear(): boolean {
    return this.queue.length === 0 && this.options.conditions() === undefined;
  }

  push(bytes: number, run: () => void): void {
    if (this.ended) return;
    const dueMs = Math.max(this.lastDueMs, this.options.clock.now() + this.delayMs());
    this.lastDueMs = dueMs;
    this.waitingBytes += bytes;
    this.queue.push({ dueMs, bytes, run });
    if (this.cancel === undefined) this.arm();
  }

  end(): void {
    this.ended = true;
    this.cancel?.();
    this.queue.length = 0;
    this.waitingBytes = 0;
  }

  private delayMs(): number {
    const { conditions, random } = this.options;
    const now = conditions();
    if (now === undefined) return 0;
    const plain = now.latencyMs + now.jitterMs * random();
    if (random() * 100 >= now.lossPct) return plain;
    return plain + Math.max(MIN_RTO_MS, 4 * now.latencyMs);
  }

  private arm(): void {
    const head = this.queue[0];
    if (head === undefined) {
      this.cancel = undefined;
      return;
    }
    this.cancel = this.options.scheduler.after(Math.max(0, head.dueMs - this.options.clock.now()), () => this.release());
  }

  private release(): void {
    const nowMs = this.options.clock.now();
    for (let head = this.queue[0]; head !== undefined && head.dueMs <= nowMs; head = this.queue[0]) {
      this.queue.shift();
      this.waitingBytes -= head.bytes;
      head.run();
      if (this.ended) return;
    }
    this.arm();
  }
}
