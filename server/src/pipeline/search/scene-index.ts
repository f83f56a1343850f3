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
import { Grid, type Point } from "./grid.ts";
import { type Kind, KindTable } from "./kinds.ts";
import { type Answer, rankObjects } from "./rank.ts";
import { NO_SIZE, viewpointOf } from "./relations.ts";
import type { Semantics } from "./semantics.ts";
import { Sight } from "./sight.ts";
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
  /** The room or zone it says it is in, "" when it says none. */
  readonly room: string;
  readonly point: Point;
  /** Half extents in metres, 0 when unknown. */
  readonly half: Point;
  readonly sizeM: number;
  readonly colours: ReadonlySet<string>;
  /** Words with digits, such as A103: one of their letters may stand for them. */
  readonly codes: readonly string[];
  readonly kind: Kind;
  /** False when its place was unusable: found by its words, in no relation. */
  readonly placed: boolean;
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
const MAX_SIZE_M = 1e4;
const MAX_CODES = 8;
const MAX_TAGS = 32;
/** Colours are told first: "a red box with white stripes that ...". */
const COLOUR_WORDS = 12;
/** People of a room share few sets of rules: everybody's, a role's, some persons'. */
const MAX_SIGHTS = 16;

export class SceneIndex {
  readonly words = new Bm25();
  readonly grid = new Grid();
  readonly kinds: KindTable;
  /** Which objects are of which kind. */
  readonly byKind = new Map<Kind, Set<number>>();
  private readonly slots = new Map<string, number>();
  private readonly objects: (Indexed | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly tombstones = new Map<string, number>();
  /** By rules, of the index as it is now. */
  private readonly sights = new Map<string, Sight>();
  refused = 0;

  /** Without the meaning tables search is lexical and spatial: what a room can do by itself. */
  constructor(semantics?: Semantics) {
    this.kinds = new KindTable(semantics);
  }

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
    return this.find(event).hits;
  }

  /** As `search`, with the count where the question was "how many". */
  find(event: SearchEvent): { readonly hits: SearchHit[]; readonly count: number | undefined } {
    const { hits, count } = this.answer(event);
    return { hits: hits.map(({ object, score, position, label, why }) => ({ object, score, position, label, why })), count };
  }

  /** As `find`, with the parts of each score. */
  answer(event: SearchEvent, { exhaustive = false }: { readonly exhaustive?: boolean } = {}): Answer {
    const viewpoint = event.from === null ? undefined : viewpointOf(event.from.position, event.from.rotation);
    const limit = Math.max(0, Math.min(MAX_HITS, Math.floor(event.limit) || 0));
    return rankObjects(this, {
      text: event.text,
      types: new Set(event.types),
      withinM: event.withinM,
      viewpoint,
      limit,
      sight: this.sightOf(event),
      veiled: new Set(event.veiled),
      exhaustive,
    });
  }

  /** What the asker of a question may find [SG1]. */
  sightOf({ find }: SearchEvent): Sight {
    const key = find === undefined ? "" : JSON.stringify(find);
    let sight = this.sights.get(key);
    if (sight !== undefined) return sight;
    if (this.sights.size >= MAX_SIGHTS) this.sights.clear();
    this.sights.set(key, (sight = new Sight(this, find)));
    return sight;
  }

  /** Slots are below it. */
  get slotEnd(): number {
    return this.objects.length;
  }
  slotOf(id: string): number | undefined {
    return this.slots.get(id);
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
    const half = halfOf(event);
    const colours = new Set(event.color.split(/[\s,]+/).flatMap(colourNames));
    const told = [event.label, event.text, ...(event.tags ?? []), event.room ?? ""].map((text) => wordsOf(text));
    // A room's name and a description's asides colour nothing.
    for (const word of [...(told[0] ?? []), ...(told[1] ?? []).slice(0, COLOUR_WORDS)]) {
      const colour = colourWord(word);
      if (colour !== undefined) colours.add(colour);
    }
    const kind = this.kinds.of(event.label, event.type);
    if (known !== undefined) this.unfile(known);
    let filed = this.byKind.get(kind);
    if (filed === undefined) this.byKind.set(kind, (filed = new Set()));
    filed.add(slot);
    this.sights.clear();
    this.objects[slot] = {
      id: event.object,
      version: event.version,
      type: event.type,
      label: event.label,
      room: event.room ?? "",
      // An object without a usable place is still found by its words; it takes part in no relation that needs the grid.
      point: placed ? { x, y, z } : NO_SIZE,
      half: placed ? half : NO_SIZE,
      sizeM: largestOf(event),
      colours,
      codes: told
        .flat()
        .filter((word) => /^[a-z]+\d/.test(word) || word.length === 1)
        .slice(0, MAX_CODES),
      kind,
      placed,
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
    this.unfile(slot);
    this.sights.clear();
    this.slots.delete(event.object);
    this.objects[slot] = undefined;
    this.free.push(slot);
    this.words.remove(slot);
    this.grid.remove(slot);
    return true;
  }

  private unfile(slot: number): void {
    const kind = this.objects[slot]?.kind;
    const filed = kind === undefined ? undefined : this.byKind.get(kind);
    filed?.delete(slot);
    if (kind !== undefined && filed?.size === 0) this.byKind.delete(kind);
  }
}

/** The largest extent: as said, or from dimensions in a building model's name ("0915 x 1830 x 0457mm"); 0 when neither. */
function largestOf({ sizeM, size, label }: ObjectEvent): number {
  const said = Math.max(0, ...(size ?? []).filter((metres) => metres > 0 && metres <= MAX_SIZE_M));
  if (said > 0) return said;
  if (Number.isFinite(sizeM) && sizeM > 0) return sizeM;
  const named = /(\d{3,4})(?:mm)?\s*x\s*(\d{3,4})(?:mm)?(?:\s*x\s*(\d{3,4}))?\s*mm/.exec(label.slice(0, 300));
  return named === null ? 0 : Math.max(...named.slice(1).map((mm) => Number(mm ?? 0))) / 1000;
}

/** Half extents from the size it says; of one number, which may be no more than a scale, half as much. */
function halfOf({ size, sizeM }: ObjectEvent): Point {
  const usable = (metres: number | undefined): number => (metres !== undefined && metres > 0 && metres <= MAX_SIZE_M ? metres / 2 : 0);
  if (size !== undefined && size.length >= 3 && size.every((metres) => Number.isFinite(metres))) {
    return { x: usable(size[0]), y: usable(size[1]), z: usable(size[2]) };
  }
  const half = usable(sizeM) / 2;
  return { x: half, y: half, z: half };
}

function weigh(event: ObjectEvent): Map<string, number> {
  const terms = new Map<string, number>();
  const count = (text: string, weight: number): void => {
    for (const term of termsOf(text)) terms.set(term, (terms.get(term) ?? 0) + weight);
  };
  count(event.label, LABEL_WEIGHT);
  count(event.type, TYPE_WEIGHT);
  count(event.text, TEXT_WEIGHT);
  if (event.room !== undefined) count(event.room, TEXT_WEIGHT);
  for (const tag of (event.tags ?? []).slice(0, MAX_TAGS)) count(tag, TEXT_WEIGHT);
  return terms;
}
