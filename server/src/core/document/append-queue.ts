/**
 * Edits on their way to the disk: one append at a time, everything that arrived meanwhile in the next.
 *
 * [AQ1] Order is the order of admission, across batches and retries.
 * [AQ2] At most one batch is in flight; a failed one is retried unchanged, under its own number, before anything else.
 * [AQ3] Bounded in edits and bytes, a batch also in what applying it costs; what does not fit is refused at the gate, never dropped here.
 */
import type { AppendRecord } from "../types.ts";

/** One transaction of the store: small enough that one fsync's latency is not drowned by writing. */
const BATCH_RECORDS = 256;
const BATCH_BYTES = 1 << 20;
/** What applying one batch may cost: it is applied in one go. One update may cost that much alone. */
const BATCH_US = 32_000;
/** All that waits: several seconds of the busiest room while the store is slow. */
const QUEUE_RECORDS = 4096;
const QUEUE_BYTES = 8 << 20;

export type Batch<E> = { readonly number: number; readonly edits: E[]; bytes: number; weightUs: number };

export class AppendQueue<E extends { readonly record: AppendRecord; readonly weightUs: number }> {
  private readonly batches: Batch<E>[] = [];
  private flying = false;
  private lastNumber = 0;
  private records = 0;
  private bytes = 0;

  /** Batches in flight or waiting. */
  get length(): number {
    return this.batches.length;
  }

  /** Number of the batch the newest edit is part of. */
  get newest(): number {
    return this.lastNumber;
  }

  fits(bytes: number): boolean {
    return this.records < QUEUE_RECORDS && this.bytes + bytes <= QUEUE_BYTES;
  }

  push(edit: E): void {
    const size = edit.record.update.length;
    let last = this.batches.at(-1);
    const closed = last === undefined || (this.flying && this.batches.length === 1);
    const full =
      last !== undefined && (last.edits.length >= BATCH_RECORDS || last.bytes + size > BATCH_BYTES || last.weightUs + edit.weightUs > BATCH_US);
    if (last === undefined || closed || full) {
      last = { number: ++this.lastNumber, edits: [], bytes: 0, weightUs: 0 };
      this.batches.push(last);
    }
    last.edits.push(edit);
    last.bytes += size;
    last.weightUs += edit.weightUs;
    this.records++;
    this.bytes += size;
  }

  /** The next batch to append, or undefined while one is in flight or nothing waits. */
  launch(): Batch<E> | undefined {
    const first = this.batches[0];
    if (this.flying || first === undefined) return undefined;
    this.flying = true;
    return first;
  }

  /** The batch in flight was answered: the durable edits, or undefined when it failed (or is not the one in flight). */
  landed(number: number, durable: boolean): readonly E[] | undefined {
    const first = this.batches[0];
    if (!this.flying || first?.number !== number) return undefined;
    this.flying = false;
    if (!durable) return undefined;
    this.batches.shift();
    this.records -= first.edits.length;
    this.bytes -= first.bytes;
    return first.edits;
  }

  /** All edits in order, for a replica that must be ahead of the disk. */
  *all(): Iterable<E> {
    for (const batch of this.batches) yield* batch.edits;
  }
}
