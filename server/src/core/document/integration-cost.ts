/**
 * What integrating an update would cost Yjs, before it is done. Yjs places a concurrent element by walking over everything between its two
 * neighbours; a hostile update makes it walk the same thousands a thousand times (measured: 16 000 x 1 000 elements, 64 KB, 4.4 s).
 *
 * [IC1] `integrationSteps` is at least the number of elements Yjs walks over (yjs/src/structs/Item.js, `integrate`), give or take one per
 *       element: elements under an element's left neighbour in the document, plus what waits, plus what this update puts there before it.
 * [IC2] Edits that meet nobody's concurrent edit cost nothing: their neighbours are neighbours.
 * [IC3] Its own work is bounded by the same `max`.
 * [IC4] Where a concurrent element lands is not predicted: whoever names it as a neighbour pays for the whole way again (measured with the
 *       first of 1 000 taken for the next of its left neighbour: 1.5 s).
 */
import * as Y from "yjs";
import type { PendingIndex } from "./pending-index.ts";
import { idKey, type Node, type Place, structAt } from "./places.ts";
import type { Write } from "./update-reader.ts";

type Run = { readonly clock: number; readonly end: number };
type Id = { readonly client: number; readonly clock: number };

export type CostState = {
  readonly doc: Y.Doc;
  readonly pending: PendingIndex;
  /** The first element of a place's sequence, or of an entry's history; `steps` were walked to find it. */
  headOf(place: Place): { readonly item: Y.Item | null; readonly steps: number };
};

/** Steps Yjs would walk to integrate `writes`, in their order; more than `max` when it is more. */
export function integrationSteps(writes: readonly Write[], state: CostState, max: number): number {
  const strands = new Map<string, Strand>();
  let steps = 0;
  for (const write of writes) {
    const { struct, node, offset } = write;
    if (node.place.at === "gone" || !(struct instanceof Y.Item)) continue;
    const { place } = node;
    let strand = strands.get(place.strand);
    if (strand === undefined) strands.set(place.strand, (strand = new Strand(state, place)));
    const left = offset > 0 ? { client: struct.id.client, clock: struct.id.clock + offset - 1 } : struct.origin;
    steps += strand.insert(node, left, struct.rightOrigin, max - steps);
    if (steps > max) return steps;
  }
  return steps;
}

/** One sequence, or the history of one map entry, with what this update adds to it. */
class Strand {
  private readonly state: CostState;
  private readonly place: Place;
  private readonly waiting: number;
  /** Right neighbours that this update changed or brought; key "" is the beginning. */
  private readonly next = new Map<string, Id | null>();
  /** Runs that came with this update, per client in clock order. */
  private readonly runs = new Map<number, Run[]>();
  private added = 0;

  constructor(state: CostState, place: Place) {
    this.state = state;
    this.place = place;
    this.waiting = state.pending.strandLength(place);
  }

  /** Steps to place a run of elements between two neighbours. */
  insert({ client, clock, length, docRight = null }: Node, left: Id | null, right: Id | null, max: number): number {
    const mine = left !== null && this.isMine(left);
    const walk = this.rightOf(left);
    const adjacent = sameId(walk.next, right);
    let steps = walk.steps;
    // What waits may lie between any two elements of the document, never below one that came with this update.
    if (!mine) steps += this.waiting;
    if (!adjacent) steps += this.added + (mine ? 0 : this.between(left, docRight, max));
    // [IC4] Only a run that lies between neighbours is known to be the next of one.
    this.next.set(keyOf(left), adjacent ? { client, clock } : UNKNOWN);
    this.next.set(idKey(client, clock + length - 1), adjacent ? walk.next : UNKNOWN);
    const runs = this.runs.get(client);
    if (runs === undefined) this.runs.set(client, [{ clock, end: clock + length }]);
    else runs.push({ clock, end: clock + length });
    this.added++;
    return steps;
  }

  private rightOf(left: Id | null): { readonly next: Id | null; readonly steps: number } {
    const changed = this.next.get(keyOf(left));
    if (changed !== undefined) return { next: changed, steps: 0 };
    if (left !== null && this.isMine(left)) return { next: { client: left.client, clock: left.clock + 1 }, steps: 0 };
    return this.documentNext(left);
  }

  private isMine(id: Id): boolean {
    const runs = this.runs.get(id.client) ?? [];
    let low = 0;
    let high = runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const run = runs[middle] as Run;
      if (id.clock < run.clock) high = middle - 1;
      else if (id.clock >= run.end) low = middle + 1;
      else return true;
    }
    return false;
  }

  private documentNext(left: Id | null): { readonly next: Id | null; readonly steps: number } {
    if (left === null) {
      const { item, steps } = this.state.headOf(this.place);
      return { next: item?.id ?? null, steps };
    }
    const item = structAt(this.state.doc, left.client, left.clock);
    if (!(item instanceof Y.Item)) return { next: null, steps: 0 };
    if (left.clock < item.id.clock + item.length - 1) return { next: { client: left.client, clock: left.clock + 1 }, steps: 0 };
    return { next: item.right?.id ?? null, steps: 0 };
  }

  /** Elements of the document from the one after `left` to `right`, or to the end when that is null. */
  private between(left: Id | null, right: Id | null, max: number): number {
    const { doc } = this.state;
    const start = left === null ? undefined : structAt(doc, left.client, left.clock);
    if (left !== null && !(start instanceof Y.Item)) return 0;
    const end = right === null ? undefined : structAt(doc, right.client, right.clock);
    let steps = 0;
    let item = start instanceof Y.Item ? start.right : this.state.headOf(this.place).item;
    for (; item !== null && item !== end && steps <= max; item = item.right) steps++;
    return steps;
  }
}

/** No element's neighbour. */
const UNKNOWN: Id = { client: -1, clock: -1 };
const keyOf = (id: Id | null): string => (id === null ? "" : idKey(id.client, id.clock));
const sameId = (a: Id | null, b: Id | null): boolean => a === b || (a !== null && b !== null && a.client === b.client && a.clock === b.clock);
