/**
 * A set of clocks of many clients as disjoint, sorted ranges: asking costs a binary search however many edits wait.
 */
import type { Range } from "./update-bytes.ts";

export class RangeSet {
  private readonly clients = new Map<number, { clock: number; end: number }[]>();

  clear(): void {
    this.clients.clear();
  }

  add(client: number, { clock, len }: Range): void {
    let list = this.clients.get(client);
    if (list === undefined) this.clients.set(client, (list = []));
    let end = clock + len;
    let start = clock;
    // All ranges that touch the new one become one with it.
    const from = firstEndingAt(list, clock);
    let to = from;
    for (let range = list[to]; range !== undefined && range.clock <= end; range = list[++to]) {
      start = Math.min(start, range.clock);
      end = Math.max(end, range.end);
    }
    list.splice(from, to - from, { clock: start, end });
  }

  /** True when all of these clocks are in the set. */
  covers(client: number, clock: number, length: number): boolean {
    const list = this.clients.get(client);
    if (list === undefined) return false;
    const range = list[firstEndingAt(list, clock + length)];
    return range !== undefined && range.clock <= clock;
  }
}

/** Index of the first range that ends at `clock` or later. */
function firstEndingAt(list: readonly { readonly end: number }[], clock: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.end ?? 0) < clock) low = middle + 1;
    else high = middle;
  }
  return low;
}
