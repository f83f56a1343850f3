/**
 * Edits of texts and lists made again on another document, where they were meant: beside the same elements, not at the same numbers.
 *
 * [RB1] Every insertion remembers the element to its left, every deletion the elements it took. On the new document they are found by their ids;
 *       elements that were made again there are known by what became of them.
 * [RB2] An element that is not there any more (it was part of what was refused) is replaced by the nearest one to its left that is, as the old
 *       document has them. Of a document of another epoch it has to be said which element is which (rebase-epoch.ts).
 */
import * as Y from "yjs";

export type Id = readonly [client: number, clock: number];
/** A run of elements: first id and length. */
export type Run = readonly [client: number, clock: number, length: number];
/** One change of a sequence. `marks` are a text's attributes. */
export type SequenceEdit =
  | {
      readonly kind: "insert";
      readonly left: Id | null;
      readonly made: readonly Run[];
      readonly content: string | readonly unknown[];
      readonly marks: Marks;
    }
  | {
      readonly kind: "erase";
      readonly runs: readonly Run[];
      /** What the elements held (`asWords`), one each; unknown of edits that an earlier version of the SDK kept. */
      readonly taken?: readonly string[];
    }
  | { readonly kind: "mark"; readonly runs: readonly Run[]; readonly marks: Marks };
/** What an element is now, and as many that follow it. */
export type Became = { readonly from: Run; readonly to: Id };
type Marks = Readonly<Record<string, unknown>> | undefined;
/** An element's content, for comparing. */
export const asWords = (content: unknown): string => (typeof content === "string" ? content : JSON.stringify(content));
type Sequence = Y.Text | Y.Array<unknown>;

/** What one transaction did to a text or list. Costs a walk over it, as the event's own delta does. */
export function sequenceEdits(event: Y.YEvent<Y.AbstractType<unknown>>): SequenceEdit[] {
  const walk = new Walk(event);
  return (event.delta as readonly { retain?: number; delete?: number; insert?: unknown; attributes?: Marks }[]).flatMap((op) => walk.take(op));
}

/** Goes over a sequence beside its delta. */
class Walk {
  private readonly event: Y.YEvent<Y.AbstractType<unknown>>;
  private item: Y.Item | null;
  /** Elements of `item` that were passed. */
  private offset = 0;
  private left: Id | null = null;

  constructor(event: Y.YEvent<Y.AbstractType<unknown>>) {
    this.event = event;
    this.item = event.target._start;
  }

  take({ retain, delete: gone, insert, attributes }: { retain?: number; delete?: number; insert?: unknown; attributes?: Marks }): SequenceEdit[] {
    if (retain !== undefined) {
      const runs = this.runs(retain, (item) => !item.deleted);
      return attributes === undefined ? [] : [{ kind: "mark", runs, marks: attributes }];
    }
    if (gone !== undefined) {
      const taken: unknown[] = [];
      const runs = this.runs(gone, (item) => item.deleted && this.event.deletes(item) && !this.event.adds(item), taken);
      return [{ kind: "erase", runs, taken: taken.map(asWords) }];
    }
    if (typeof insert !== "string" && !Array.isArray(insert)) {
      this.runs(1, (item) => !item.deleted);
      return [];
    }
    const content = typeof insert === "string" ? insert : insert.filter((value) => !(value instanceof Y.AbstractType));
    const left = this.before((item) => !item.deleted && this.event.adds(item));
    const edit: SequenceEdit = {
      kind: "insert",
      left,
      made: this.runs(insert.length, (item) => !item.deleted),
      content,
      marks: attributes,
    };
    return [edit];
  }

  /** The element left of the next one that `wanted` is true of. */
  private before(wanted: (item: Y.Item) => boolean): Id | null {
    while (this.item !== null && !(this.item.countable && wanted(this.item))) this.pass();
    return this.left;
  }

  /** The next `length` elements of items that `wanted` is true of; `contents` is told what they hold. */
  private runs(length: number, wanted: (item: Y.Item) => boolean, contents?: unknown[]): Run[] {
    const runs: Run[] = [];
    for (let need = length; need > 0 && this.item !== null;) {
      const { item, offset } = this;
      if (!item.countable || !wanted(item)) {
        this.pass();
        continue;
      }
      const count = Math.min(need, item.length - offset);
      runs.push([item.id.client, item.id.clock + offset, count]);
      contents?.push(...(item.content.getContent() as unknown[]).slice(offset, offset + count));
      this.left = [item.id.client, item.id.clock + offset + count - 1];
      need -= count;
      this.offset += count;
      if (this.offset === item.length) this.pass();
    }
    return runs;
  }

  private pass(): void {
    if (this.item === null) return;
    if (this.item.countable) this.left = [this.item.id.client, this.item.id.clock + this.item.length - 1];
    this.item = this.item.right;
    this.offset = 0;
  }
}

/** Makes edits again on `after`; one for everything that is made again on one document, since later edits build on earlier ones. */
export class Rebase {
  private readonly before: Y.Doc;
  /** What became of elements that were made again. */
  private readonly became: Became[];

  /** `became`: which element is which, where ids alone do not say it. */
  constructor(before: Y.Doc, became: readonly Became[] = []) {
    this.before = before;
    this.became = [...became];
  }

  apply(target: Sequence, edit: SequenceEdit): void {
    switch (edit.kind) {
      case "insert":
        return this.insert(target, edit);
      case "erase":
        return this.erase(target, edit);
      case "mark":
        if (target instanceof Y.Text) for (const { at, length } of this.places(target, edit.runs)) target.format(at, length, { ...edit.marks });
    }
  }

  /** The elements of a container that was made again as a whole, in the order they had. */
  remade(target: Sequence, made: readonly Run[]): void {
    let item = target._start;
    let offset = 0;
    for (const [client, clock, length] of made) {
      for (let done = 0; done < length;) {
        while (item !== null && (item.deleted || !item.countable || offset === item.length)) {
          item = item.right;
          offset = 0;
        }
        if (item === null) return;
        const count = Math.min(length - done, item.length - offset);
        this.became.push({ from: [client, clock + done, count], to: [item.id.client, item.id.clock + offset] });
        done += count;
        offset += count;
      }
    }
  }

  private insert(target: Sequence, { left, made, content, marks }: Extract<SequenceEdit, { kind: "insert" }>): void {
    if (content.length === 0) return;
    // Of a document that was written past the SDK's checks, a place may be none [EJ2].
    const index = Math.min(Math.trunc(this.indexAfter(target, left)), target.length);
    if (target instanceof Y.Array) {
      if (typeof content !== "string") target.insert(index, [...content]);
    } else if (typeof content === "string") target.insert(index, content, marks === undefined ? undefined : { ...marks });
    this.learn(target, index, made);
  }

  /** What is not found is gone already. */
  private erase(target: Sequence, { runs }: Extract<SequenceEdit, { kind: "erase" }>): void {
    for (const place of this.places(target, runs).toReversed()) target.delete(place.at, place.length);
  }

  /** Where live elements lie now, as offsets; those that are gone are left out. */
  private places(target: Sequence, runs: readonly Run[]): { readonly at: number; readonly length: number }[] {
    const wanted = new Map<number, Set<number>>();
    for (const [client, clock, length] of runs) {
      for (let i = 0; i < length; i++) {
        const [nowClient, nowClock] = this.now([client, clock + i]);
        const clocks = wanted.get(nowClient) ?? new Set();
        wanted.set(nowClient, clocks.add(nowClock));
      }
    }
    const places: { at: number; length: number }[] = [];
    let at = 0;
    for (let item = target._start; item !== null; item = item.right) {
      if (item.deleted || !item.countable) continue;
      const clocks = wanted.get(item.id.client);
      for (let i = 0; i < item.length; i++, at++) {
        if (clocks?.has(item.id.clock + i) !== true) continue;
        const last = places.at(-1);
        if (last !== undefined && last.at + last.length === at) last.length++;
        else places.push({ at, length: 1 });
      }
    }
    return places;
  }

  /** The offset right of an element, or of the nearest one to its left that is here [RB2]. */
  private indexAfter(target: Sequence, left: Id | null): number {
    if (left === null) return 0;
    const here = offsetAfter(target, this.now(left));
    if (here !== undefined) return here;
    let item: Y.Item | null = structIn(this.before, left);
    for (item = item?.left ?? null; item !== null; item = item.left) {
      const found = offsetAfter(target, this.now([item.id.client, item.id.clock + item.length - 1]));
      if (found !== undefined) return found;
    }
    return 0;
  }

  private learn(target: Sequence, index: number, made: readonly Run[]): void {
    let at = 0;
    let item = target._start;
    for (; item !== null; item = item.right) {
      if (item.deleted || !item.countable) continue;
      if (at + item.length > index) break;
      at += item.length;
    }
    let to = item === null ? undefined : ([item.id.client, item.id.clock + index - at] as const);
    for (const run of made) {
      if (to === undefined) return;
      this.became.push({ from: run, to });
      to = [to[0], to[1] + run[2]];
    }
  }

  private now([client, clock]: Id): Id {
    const found = this.became.findLast(({ from }) => from[0] === client && clock >= from[1] && clock < from[1] + from[2]);
    return found === undefined ? [client, clock] : [found.to[0], found.to[1] + clock - found.from[1]];
  }
}

/** Live elements up to and with this one; undefined when the sequence does not have it. */
function offsetAfter(target: Sequence, [client, clock]: Id): number | undefined {
  let at = 0;
  for (let item = target._start; item !== null; item = item.right) {
    const inside = item.id.client === client && clock >= item.id.clock && clock < item.id.clock + item.length;
    const live = !item.deleted && item.countable;
    if (inside) return live ? at + clock - item.id.clock + 1 : at;
    if (live) at += item.length;
  }
  return undefined;
}

function structIn(doc: Y.Doc, [client, clock]: Id): Y.Item | null {
  if (clock >= Y.getState(doc.store, client)) return null;
  try {
    const struct = Y.getItem(doc.store, Y.createID(client, clock));
    return struct instanceof Y.Item ? struct : null;
  } catch {
    // Yjs cannot find its way in a document that was written at a fraction of a place [EJ2].
    return null;
  }
}
