/**
 * The live index of one scene: words, colours, sizes and places of its objects, updated event by event, asked in everyday English.
 *
 * [SI1] Idempotent by (object, version): an older or equal version of an object changes nothing, also after the object is gone.
 * [SI2] An update costs its own words; nothing is rebuilt. At most `MAX_OBJECTS` objects are held; the rest are refused and counted.
 * [SI3] `search` never throws, returns at most `limit` hits, best first, ties by id, so equal indexes give equal answers.
 */
import type { PipelineEvent, SearchHit } from "../../core/types.ts";
import { Bm25 } from "./bm25.ts";
import { colourNames, colourWord } from "./colours.ts";
import { Grid } from "./grid.ts";
import { rankObjects } from "./rank.ts";
import { viewpointOf } from "./relations.ts";
import { termsOf, wordsOf } from "./words.ts";

export type ObjectEvent = Extract<PipelineEvent, { kind: "object" }>;
export type GoneEvent = Extract<PipelineEvent, { kind: "objectGone" }>;
export type SearchEvent = Extract<PipelineEvent, { kind: "search" }>;

/** What the ranking reads of one object. */
export type Indexed = {
  readonly id: string;
  readonly version: number;
  readonly type: string;
  readonly label: string;
  readonly point: { readonly x: number; readonly y: number; readonly z: number };
  readonly sizeM: number;
  readonly colours: ReadonlySet<string>;
};

export const MAX_OBJECTS = 20_000;
/** Versions of deleted objects that are remembered, so that a redelivered older event cannot bring one back. */
const MAX_TOMBSTONES = 4096;
const LABEL_WEIGHT = 3;
const TYPE_WEIGHT = 1.5;
const TEXT_WEIGHT = 1;
const MAX_HITS = 64;
/** Beyond this a coordinate is a mistake, and sums of squares stop being exact. NaN is no place either. */
const MAX_COORDINATE_M = 1e6;

export class SceneIndex {
  readonly words = new Bm25();
  readonly grid = new Grid();
  private readonly slots = new Map<string, number>();
  private readonly objects: (Indexed | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly tombstones = new Map<string, number>();
  refused = 0;

  get size(): number {
    return this.slots.size;
  }

  /** False when the event was stale or refused and nothing changed. */
  apply(event: ObjectEvent | GoneEvent): boolean {
    const slot = this.slots.get(event.object);
    const known = slot === undefined ? this.tombstones.get(event.object) : this.objects[slot]?.version;
    if (known !== undefined && event.version <= known) return false;
    return event.kind === "object" ? this.put(slot, event) : this.drop(slot, event);
  }

  search(event: SearchEvent): SearchHit[] {
    const viewpoint = event.from === null ? undefined : viewpointOf(event.from.position, event.from.rotation);
    const limit = Math.max(0, Math.min(MAX_HITS, event.limit));
    return rankObjects(this, { text: event.text, types: new Set(event.types), withinM: event.withinM, viewpoint, limit });
  }

  at(slot: number): Indexed | undefined {
    return this.objects[slot];
  }

  *all(): Generator<number> {
    yield* this.slots.values();
  }

  private put(known: number | undefined, event: ObjectEvent): boolean {
    if (known === undefined && this.slots.size >= MAX_OBJECTS) {
      this.refused++;
      return false;
    }
    const slot = known ?? this.free.pop() ?? this.objects.length;
    const [x = NaN, y = NaN, z = NaN] = event.position;
    const placed = [x, y, z].every((metres) => Math.abs(metres) <= MAX_COORDINATE_M);
    const colours = new Set(colourNames(event.color));
    for (const word of [...wordsOf(event.label), ...wordsOf(event.text)]) {
      const colour = colourWord(word);
      if (colour !== undefined) colours.add(colour);
    }
    this.objects[slot] = {
      id: event.object,
      version: event.version,
      type: event.type,
      label: event.label,
      // An object without a usable place is still found by its words; it takes part in no relation that needs the grid.
      point: placed ? { x, y, z } : { x: 0, y: 0, z: 0 },
      sizeM: Number.isFinite(event.sizeM) && event.sizeM > 0 ? event.sizeM : 0,
      colours,
    };
    this.slots.set(event.object, slot);
    this.tombstones.delete(event.object);
    this.words.add(slot, weigh(event));
    if (placed) this.grid.place(slot, { x, y, z });
    else this.grid.remove(slot);
    return true;
  }

  private drop(slot: number | undefined, event: GoneEvent): boolean {
    this.tombstones.delete(event.object);
    this.tombstones.set(event.object, event.version);
    if (this.tombstones.size > MAX_TOMBSTONES) {
      const [oldest] = this.tombstones.keys();
      if (oldest !== undefined) this.tombstones.delete(oldest);
    }
    if (slot === undefined) return true;
    this.slots.delete(event.object);
    this.objects[slot] = undefined;
    this.free.push(slot);
    this.words.remove(slot);
    this.grid.remove(slot);
    return true;
  }
}

function weigh(event: ObjectEvent): Map<string, number> {
  const terms = new Map<string, number>();
  const count = (text: string, weight: number): void => {
    for (const term of termsOf(text)) terms.set(term, (terms.get(term) ?? 0) + weight);
  };
  count(event.label, LABEL_WEIGHT);
  count(event.type, TYPE_WEIGHT);
  count(event.text, TEXT_WEIGHT);
  return terms;
}
