/**
 * What has passed the gate and waits for the disk: enough of it to judge the edits that build on it. The document itself holds durable state
 * only, so nothing has to be taken back when the disk fails.
 *
 * [PX1] Runs of one client are contiguous: they begin where the document ends and have no holes.
 * [PX2] Its size is bounded by the pending queue's bounds (scene-document.ts).
 */
import type * as Y from "yjs";
import { type Node, nodeOf, type Place, stateOf, structAt } from "./places.ts";
import { RangeSet } from "./range-set.ts";
import type { Range } from "./update-bytes.ts";

type Id = { readonly client: number; readonly clock: number };

export class PendingIndex {
  private readonly doc: Y.Doc;
  private readonly runs = new Map<number, Node[]>();
  /** What the waiting edits delete, oldest edit first. */
  private readonly deletes: ReadonlyMap<number, readonly Range[]>[] = [];
  private readonly deleted = new RangeSet();
  private ranges = 0;
  /** Newest waiting write of a map entry, by `entryKey`. */
  private readonly newest = new Map<string, Id>();
  /** Waiting runs by strand. */
  private readonly strands = new Map<string, number>();

  constructor(doc: Y.Doc) {
    this.doc = doc;
  }

  /** The next clock of a client, counting what waits. */
  end(client: number): number {
    const last = this.runs.get(client)?.at(-1);
    return last === undefined ? stateOf(this.doc, client) : last.clock + last.length;
  }

  /** The node that holds one element, or undefined when nobody has it. */
  find(client: number, clock: number): Node | undefined {
    const struct = structAt(this.doc, client, clock);
    return struct === undefined ? this.waiting(client, clock) : nodeOf(this.doc, struct);
  }

  private waiting(client: number, clock: number): Node | undefined {
    const list = this.runs.get(client);
    if (list === undefined) return undefined;
    let low = 0;
    let high = list.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const node = list[middle] as Node;
      if (clock < node.clock) high = middle - 1;
      else if (clock >= node.clock + node.length) low = middle + 1;
      else return node;
    }
    return undefined;
  }

  /** The newest waiting write of a map entry, if any. */
  newestOf(place: Place): Id | undefined {
    return this.newest.get(entryKey(place));
  }

  /** Edits that wait. */
  get edits(): number {
    return this.deletes.length;
  }

  /** Delete ranges that wait. */
  get deleteRanges(): number {
    return this.ranges;
  }

  /** True when waiting edits delete all of these elements already. */
  isDeleted(client: number, clock: number, length: number): boolean {
    return this.deleted.covers(client, clock, length);
  }

  /** Waiting runs in one sequence or one entry's history. */
  strandLength(place: Place): number {
    return this.strands.get(place.strand) ?? 0;
  }

  /** One admitted edit's delete ranges; called once per edit, in order. */
  addDeletes(ranges: ReadonlyMap<number, readonly Range[]>): void {
    this.deletes.push(ranges);
    this.ranges += countOf(ranges);
    for (const [client, list] of ranges) for (const range of list) this.deleted.add(client, range);
  }

  add(node: Node): void {
    const list = this.runs.get(node.client);
    if (list === undefined) this.runs.set(node.client, [node]);
    else list.push(node);
    const { strand } = node.place;
    this.strands.set(strand, (this.strands.get(strand) ?? 0) + 1);
    const key = entryKey(node.place);
    if (key !== "") this.newest.set(key, { client: node.client, clock: node.clock + node.length - 1 });
  }

  /** Forgets what the document has by now: the oldest `edits` were applied. */
  prune(edits: number): void {
    for (const ranges of this.deletes.splice(0, edits)) this.ranges -= countOf(ranges);
    this.deleted.clear();
    for (const ranges of this.deletes) for (const [client, list] of ranges) for (const range of list) this.deleted.add(client, range);
    this.strands.clear();
    for (const [client, list] of this.runs) {
      const state = stateOf(this.doc, client);
      const keep = list.filter((node) => node.clock + node.length > state);
      if (keep.length === 0) this.runs.delete(client);
      else this.runs.set(client, keep);
      for (const { place } of keep) this.strands.set(place.strand, (this.strands.get(place.strand) ?? 0) + 1);
    }
    for (const [key, id] of this.newest) if (id.clock < stateOf(this.doc, id.client)) this.newest.delete(key);
  }

  /** Next clocks of every client, for sync step 1: a peer must not send again what waits. */
  vector(): Map<number, number> {
    const clocks = new Map<number, number>();
    for (const client of this.doc.store.clients.keys()) clocks.set(client, this.end(client));
    for (const client of this.runs.keys()) clocks.set(client, this.end(client));
    return clocks;
  }
}

function countOf(ranges: ReadonlyMap<number, readonly Range[]>): number {
  let count = 0;
  for (const list of ranges.values()) count += list.length;
  return count;
}

/** Names a map entry; empty for elements of sequences. */
function entryKey(place: Place): string {
  return place.at === "root" || place.at === "object" ? place.strand : "";
}
