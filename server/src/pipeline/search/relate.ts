/**
 * What the relations of a query make of a set of objects: one factor per object and relation, and the words that explain it.
 *
 * [RT1] A relation that follows another may be said of its anchor or of the target; the better reading counts.
 * [RT2] Closest, farthest, leftmost, n-th and sizes choose among the contenders: what fits the rest of the query about as well as the best.
 * [RT3] A relation to something that is not there weighs the same for everything, and says so.
 */
import { distance } from "./grid.ts";
import type { SizeWord } from "./language/pack.ts";
import { AnchorGrid } from "./anchor-grid.ts";
import { type Candidate, phraseMatches, sizesOf } from "./match.ts";
import { edges, measureOf } from "./measures.ts";
import type { Phrase, Query, Relation } from "./parse-query.ts";
import {
  apart,
  bearing,
  bounded,
  fitAnchor,
  fitBetween,
  fitViewer,
  gapBetween,
  halved,
  lookingAlong,
  NO_SIZE,
  type Place,
  type Viewpoint,
} from "./relations.ts";
import type { Indexed, SceneIndex } from "./scene-index.ts";
import { bestOf } from "./select.ts";
import type { Sight } from "./sight.ts";

export type Factors = { readonly of: Float64Array; readonly why: (i: number) => string; readonly relation: string };
export type Scene = {
  readonly index: SceneIndex;
  readonly sight: Sight;
  readonly viewpoint: Viewpoint | undefined;
  readonly veiled: ReadonlySet<string>;
  readonly exhaustive: boolean;
};

const MAX_ANCHORS = 800;
/** Up to this many anchors are all measured; of more, those near each thing. */
const FEW = 24;
/** "Between" tries every pair of this many ends. */
const MAX_ENDS = 8;
/** Anchors must be nearly as good as the best anchor: "the pump" is one of the pumps, not everything in the pump room. */
const ANCHOR = 0.72;
const MIN_ANCHOR = 0.42;
const CONTENDER_SORT = 0.72;
const CONTENDER_SCORE = 0.3;
/** Each better contender costs this much. */
const STEP = 0.42;
/** What is no contender cannot be chosen. */
const OUTSIDER = 0.02;
const STOREY_M = 2.4;
const SAME_ROOM = 0.7;
const SUPERLATIVE: ReadonlySet<string> = new Set(["closest", "farthest", "order"]);

export const isSuperlative = (relation: Relation): boolean =>
  SUPERLATIVE.has(relation.kind) || relation.extreme || (relation.anchors === "none" && (relation.kind === "left" || relation.kind === "right"));

type Set_ = readonly { readonly object: Indexed; readonly slot: number; readonly sort: number; readonly score: number }[];
type Anchor = Candidate;

export class Relater {
  private readonly scene: Scene;
  private readonly relations: readonly Relation[];
  private readonly anchors = new Map<Phrase, Anchor[]>();
  private readonly grids = new Map<readonly Anchor[], AnchorGrid>();

  constructor(scene: Scene, query: Query) {
    this.scene = scene;
    this.relations = query.relations;
  }

  /** Relations that are read with the one before them, not on their own [RT1]. */
  isChained(i: number): boolean {
    const before = this.relations[i - 1];
    return i > 0 && this.relations[i]?.attach === "either" && before !== undefined && Array.isArray(before.anchors) && before.kind !== "between";
  }

  /** Factor of relation `i` for each of `set`. */
  factors(set: Set_, i: number): Factors {
    const relation = this.relations[i];
    if (relation === undefined) return { of: new Float64Array(set.length).fill(1), why: () => "", relation: "" };
    const plain = this.plain(set, relation, i);
    if (!relation.negated) return isSuperlative(relation) ? plain : this.levelled(set, plain);
    const most = Math.max(0.05, ...plain.of);
    return {
      of: plain.of.map((factor) => bounded(1 - (0.9 * factor) / most)),
      why: (at) => `not ${plain.why(at)}`,
      relation: `not ${relation.kind}`,
    };
  }

  /** The best of the right sort gets 1: a relation that nothing fits well still says which fits best. */
  private levelled(set: Set_, plain: Factors): Factors {
    const least = CONTENDER_SORT * topSort(set);
    const most = plain.of.reduce((top, factor, i) => ((set[i]?.sort ?? 0) >= least ? Math.max(top, factor) : top), 0.02);
    return { ...plain, of: plain.of.map((factor) => Math.min(1, factor / most)) };
  }

  private plain(set: Set_, relation: Relation, i: number): Factors {
    const { kind, anchors } = relation;
    if (anchors === "none") return this.alone(set, relation);
    if (anchors === "viewer") return this.ofViewer(set, relation);
    const told = kind === "in" || kind === "with" ? this.told(set, anchors[0]) : undefined;
    // What says itself where it is needs no measuring.
    if (told?.of.some((factor) => factor > 0.99) === true) return told;
    const [first = [], second] = anchors.map((anchor) => this.anchorsOf(anchor));
    if (told !== undefined) {
      if (first.length === 0 && !told.of.some((factor) => factor > 0.3)) return this.missing(set, kind);
      return this.better(told, this.related(set, relation, first, i));
    }
    if (first.length === 0) return this.missing(set, kind);
    if (kind === "between") return this.between(set, first, second ?? first);
    if (kind === "closest" || kind === "farthest") return this.extremeOf(set, relation, first, i);
    return this.related(set, relation, first, i);
  }

  /** What the phrases mean. */
  slotsOf(phrases: readonly Phrase[]): ReadonlySet<number> {
    return new Set(phrases.flatMap((phrase) => this.anchorsOf(phrase).map(({ slot }) => slot)));
  }

  private anchorsOf(phrase: Phrase): Anchor[] {
    let found = this.anchors.get(phrase);
    if (found !== undefined) return found;
    const { index, exhaustive } = this.scene;
    const matches = phraseMatches({ ...this.scene, phrase });
    for (const { size, word } of sizesOf(index, phrase, matches)) this.sized(matches, size, word);
    const top = matches.reduce((most, { score }) => Math.max(most, score), 0);
    const meant = top < MIN_ANCHOR ? [] : matches.filter(({ score, object }) => score >= ANCHOR * top && object.placed);
    found = bestOf(meant, exhaustive ? meant.length : MAX_ANCHORS);
    this.anchors.set(phrase, found);
    return found;
  }

  /** The relation to the best of the anchors, each weighed by how well it is what was named and by what is said of it next. */
  private related(set: Set_, relation: Relation, anchors: readonly Anchor[], i: number): Factors {
    const chained = this.isChained(i + 1);
    const ofAnchor = chained ? this.factors(anchors, i + 1) : undefined;
    const ofTarget = chained ? this.factors(set, i + 1) : undefined;
    const top = Math.max(0.01, ...anchors.map(({ score }) => score));
    const view = this.viewFor(relation);
    const chosen = new Int32Array(set.length).fill(-1);
    const of = new Float64Array(set.length);
    set.forEach(({ object, slot }, at) => {
      let best = 0;
      for (const a of this.nearTo(anchors, object)) {
        const anchor = anchors[a]!;
        if (anchor.slot === slot) continue;
        const chain = chained ? Math.max(ofAnchor?.of[a] ?? 1, 0.92 * (ofTarget?.of[at] ?? 0)) : 1;
        const most = (anchor.score / top) * chain;
        // No fit is above 1: an anchor that cannot be better than the best is not measured.
        if (most <= best) continue;
        const factor = fitAnchor(relation.kind as "near", object, anchor.object, view) * most;
        if (factor > best) {
          best = factor;
          chosen[at] = a;
        }
      }
      of[at] = object.placed ? bounded(best) : 0.3;
    });
    const why = (at: number): string => {
      const anchor = anchors[chosen[at] ?? -1];
      if (anchor === undefined) return "";
      const said = `${(of[at] ?? 0) < 0.25 ? "hardly " : ""}${relation.kind} ${this.nameOf(anchor.object)} (${metres(gapBetween(set[at]!.object, anchor.object))})`;
      const next = chained
        ? (ofAnchor?.of[chosen[at] ?? 0] ?? 0) >= 0.92 * (ofTarget?.of[at] ?? 0)
          ? ofAnchor?.why(chosen[at] ?? 0)
          : ofTarget?.why(at)
        : "";
      return `${said}${view === undefined && isSide(relation.kind) ? ", no viewpoint given" : ""}${next ? `, ${next}` : ""}`;
    };
    return { of, why, relation: relation.kind };
  }

  private extremeOf(set: Set_, relation: Relation, anchors: readonly Anchor[], i: number): Factors {
    const chained = this.isChained(i + 1);
    const ofAnchor = chained ? this.factors(anchors, i + 1) : undefined;
    const weights = anchors.map(({ score }, a) => score * (ofAnchor?.of[a] ?? 1));
    const top = Math.max(...weights);
    const meant = anchors.filter((_, a) => (weights[a] ?? 0) >= 0.6 * top);
    const chosen: (Anchor | undefined)[] = [];
    const d = set.map(({ object, slot }, at) => {
      const [least, anchor] = object.placed ? this.nearest(meant, object, slot) : [Infinity, undefined];
      chosen[at] = anchor;
      return least;
    });
    const of = this.ranked(set, d, relation.kind === "closest" ? 1 : -1, relation.nth);
    if (chained) {
      const all = this.ranked(
        set,
        set.map(({ object, slot }) => this.nearest(anchors, object, slot)[0]),
        relation.kind === "closest" ? 1 : -1,
        relation.nth,
      );
      const child = this.factors(set, i + 1);
      of.forEach((factor, at) => (of[at] = Math.max(factor, 0.85 * (all[at] ?? 0) * (child.of[at] ?? 0))));
    }
    return {
      of,
      why: (at) =>
        chosen[at] === undefined
          ? ""
          : `${relation.kind}: ${metres(gapBetween(set[at]!.object, chosen[at]!.object))} from ${this.nameOf(chosen[at]!.object)}`,
      relation: relation.kind,
    };
  }

  private between(set: Set_, a: readonly Anchor[], b: readonly Anchor[]): Factors {
    const chosen: (readonly [Anchor, Anchor] | undefined)[] = [];
    const ends = (anchors: readonly Anchor[], object: Indexed): Anchor[] =>
      [...new Set(this.nearTo(anchors, object))].slice(0, MAX_ENDS).map((i) => anchors[i]!);
    const of = measured(set, ({ object, slot }, at) => {
      let best = 0;
      const [firsts, seconds] = [ends(a, object), ends(b, object)];
      for (const first of firsts) {
        for (const second of seconds) {
          if (first.slot === second.slot || first.slot === slot || second.slot === slot) continue;
          const fit = fitBetween(object, first.object, second.object);
          if (fit > best) [best, chosen[at]] = [fit, [first, second]];
        }
      }
      return bounded(best);
    });
    return {
      of,
      why: (at) => (chosen[at] === undefined ? "" : `between ${this.nameOf(chosen[at]![0].object)} and ${this.nameOf(chosen[at]![1].object)}`),
      relation: "between",
    };
  }

  private ofViewer(set: Set_, relation: Relation): Factors {
    const { viewpoint } = this.scene;
    const { kind } = relation;
    if (viewpoint === undefined) return { of: new Float64Array(set.length).fill(1), why: () => `${kind}: no viewpoint given`, relation: kind };
    const me: Place = { point: viewpoint.point, half: NO_SIZE };
    if (kind === "closest" || kind === "farthest") {
      const d = set.map(({ object }) => (object.placed ? apart(object, me) : Infinity));
      return { of: this.ranked(set, d, kind === "closest" ? 1 : -1, relation.nth), why: (at) => `${metres(d[at] ?? 0)} from you`, relation: kind };
    }
    const of = measured(set, ({ object }) => (object.placed ? fitViewer(kind as "left", object, viewpoint) : 0.1));
    return { of, why: (at) => `${(of[at] ?? 0) < 0.3 ? "not " : ""}${SAID[kind] ?? kind} you`, relation: kind };
  }

  /** Sides and places without an anchor: "on the left", "in the corner", "second from the right". */
  private alone(set: Set_, relation: Relation): Factors {
    const { viewpoint, sight } = this.scene;
    const { kind, nth } = relation;
    const bounds = sight.bounds();
    const of = (fit: (object: Indexed) => number): Float64Array => measured(set, ({ object }) => (object.placed ? bounded(fit(object)) : 0.3));
    const say = (words: string) => (): string => words;
    switch (kind) {
      case "corner":
        return { of: of((object) => halved(Math.hypot(...edges(object, bounds)), 1)), why: say("in a corner"), relation: kind };
      case "wall":
        return { of: of((object) => halved(Math.min(...edges(object, bounds)), 0.6)), why: say("at a wall"), relation: kind };
      case "centre": {
        const span = Math.max(1, bounds.max[0] - bounds.min[0], bounds.max[2] - bounds.min[2]);
        const fit = ({ point }: Indexed): number =>
          halved(Math.hypot(point.x - (bounds.min[0] + bounds.max[0]) / 2, point.z - (bounds.min[2] + bounds.max[2]) / 2), span / 4);
        return { of: of(fit), why: say("in the middle"), relation: kind };
      }
      case "upstairs":
        return { of: of((object) => (object.point.y > bounds.min[1] + STOREY_M ? 1 : 0.12)), why: say("upstairs"), relation: kind };
      case "downstairs":
        return { of: of((object) => (object.point.y - object.half.y < bounds.min[1] + STOREY_M ? 1 : 0.12)), why: say("downstairs"), relation: kind };
      case "order":
        return this.ordered(set, relation);
      default:
    }
    if (viewpoint === undefined) return { of: new Float64Array(set.length).fill(1), why: say(`${kind}: no viewpoint given`), relation: kind };
    if (kind !== "left" && kind !== "right") {
      const fits = of((object) => fitViewer(kind as "front", object, viewpoint));
      return { of: fits, why: (at) => `${(fits[at] ?? 0) < 0.3 ? "not " : ""}${SAID[kind] ?? kind} you`, relation: kind };
    }
    const sign = kind === "left" ? 1 : -1;
    const across = set.map(({ object }) => sign * bearing(viewpoint, object.point).angle);
    const seen = (object: Indexed): boolean => isSeen(object, viewpoint);
    const ranks = this.ranked(set, across, 1, nth, seen);
    const factors = measured(set, ({ object }, at) =>
      object.placed
        ? bounded((ranks[at] ?? 0) * (relation.extreme ? 1 : 0.35 + 0.65 * fitViewer(kind, object, viewpoint)) * (seen(object) ? 1 : 0.4))
        : 0.1,
    );
    return {
      of: factors,
      why: (at) => `${relation.extreme ? `${kind}most` : `on the ${kind}`}${(factors[at] ?? 0) < 0.3 ? "? others are more so" : ""}`,
      relation: kind,
    };
  }

  private ordered(set: Set_, { key, nth }: Relation): Factors {
    const { viewpoint } = this.scene;
    const needsView = key === "left" || key === "right" || key === "front" || key === "back";
    if (needsView && viewpoint === undefined)
      return { of: new Float64Array(set.length).fill(1), why: () => "order: no viewpoint given", relation: "order" };
    const measure = (object: Indexed): number => {
      if (key === "top") return -object.point.y;
      if (key === "bottom") return object.point.y;
      const seen = bearing(viewpoint!, object.point);
      return key === "left" ? seen.angle : key === "right" ? -seen.angle : key === "front" ? seen.away : -seen.away;
    };
    const of = this.ranked(
      set,
      set.map(({ object }) => measure(object)),
      1,
      nth,
      needsView ? (object) => isSeen(object, viewpoint!) : undefined,
    );
    return { of, why: () => `number ${nth} from the ${key}`, relation: "order" };
  }

  /** Sizes choose or prefer among the contenders; changes the scores. */
  sized(set: Candidate[], size: SizeWord, word: string): string {
    const value = (object: Indexed): number => measureOf(object, size);
    if (size === "middle") {
      this.middle(set).forEach((factor, at) => (set[at]!.score *= factor));
      return word;
    }
    if (size === "round" || size === "square") return word;
    const wantsMore = MORE.has(size);
    const chooses = size.endsWith("est");
    const of = this.ranked(
      set,
      set.map(({ object }) => (value(object) > 0 || size === "highest" || size === "lowest" ? value(object) : NaN)),
      wantsMore ? -1 : 1,
      1,
    );
    of.forEach((factor, at) => (set[at]!.score *= chooses ? factor : 0.45 + 0.55 * factor));
    return word;
  }

  private middle(set: Set_): Float64Array {
    const { viewpoint } = this.scene;
    const at = this.contenders(set);
    const spread = (axis: "x" | "z"): number =>
      Math.max(...at.map((i) => set[i]!.object.point[axis])) - Math.min(...at.map((i) => set[i]!.object.point[axis]));
    const axis = spread("x") >= spread("z") ? "x" : "z";
    const value = ({ point }: Indexed): number => (viewpoint === undefined ? point[axis] : bearing(viewpoint, point).angle);
    const sorted = at.map((i) => value(set[i]!.object)).sort((a, b) => a - b);
    return measured(set, ({ object }) => {
      const below = sorted.filter((other) => other < value(object)).length;
      return bounded(STEP ** Math.abs(below - (sorted.length - 1) / 2));
    });
  }

  /** Factor by rank among the contenders: the n-th least (`sign` 1) or greatest (-1) `value` gets 1. NaN stays in the middle. */
  private ranked(set: Set_, values: readonly number[], sign: 1 | -1, nth: number, counts: (object: Indexed) => boolean = () => true): Float64Array {
    const among = new Uint8Array(set.length);
    const ranks: number[] = [];
    for (const i of this.contenders(set)) {
      if (!Number.isFinite(values[i]) || !counts(set[i]!.object)) continue;
      among[i] = 1;
      ranks.push(sign * (values[i] ?? 0));
    }
    const sorted = Float64Array.from(ranks).sort();
    const wanted = nth < 0 ? sorted.length + nth : nth - 1;
    const best = sorted[0] ?? 0;
    const spread = Math.max(0.05, (sorted.at(-1) ?? 0) - best);
    return measured(set, (_, at) => {
      if (sorted.length === 0) return 1;
      if (among[at] === 0) return OUTSIDER;
      const value = sign * (values[at] ?? 0);
      const below = countBelow(sorted, value - 1e-6);
      // Beyond the rank, how much worse it is: a hair's breadth is no reason to be sure.
      const slack = nth === 1 ? 0.85 + 0.15 * (1 - Math.min(1, Math.max(0, (value - best) / spread))) : 1;
      return bounded(STEP ** Math.min(4, Math.abs(below - wanted)) * slack);
    });
  }

  private contenders(set: Set_): number[] {
    const least = CONTENDER_SORT * topSort(set);
    const good: number[] = [];
    let topScore = 0;
    set.forEach(({ sort, score }, i) => {
      if (sort < least) return;
      good.push(i);
      topScore = Math.max(topScore, score);
    });
    return good.filter((i) => set[i]!.score >= CONTENDER_SCORE * topScore);
  }

  /** How much of what the phrase names is said in the object's own text: "in bedroom 2", "with a shade". */
  private told(set: Set_, phrase: Phrase | undefined): Factors {
    const { index } = this.scene;
    const terms = phrase?.terms ?? [];
    const rooms = new Map<string, number>();
    const roomLike = (room: string): number => {
      let like = rooms.get(room);
      if (like === undefined) rooms.set(room, (like = room === "" || phrase === undefined ? 0 : index.kinds.roomLike(phrase.name, room)));
      return like;
    };
    const of = measured(set, ({ object, slot }) => {
      if (terms.length === 0) return 0;
      let held = 0;
      for (const term of terms)
        if (index.words.holds(slot, term) || (term.length === 1 && object.codes.some((code) => code.startsWith(term)))) held++;
      const room = roomLike(object.room);
      return bounded(Math.max((held / terms.length) ** 2, room >= SAME_ROOM ? room : 0));
    });
    return { of, why: () => `said to be in or with ${terms.join(" ")}`, relation: "in" };
  }

  private better(a: Factors, b: Factors): Factors {
    const of = a.of.map((factor, i) => Math.max(factor, b.of[i] ?? 0));
    return { of, why: (i) => ((a.of[i] ?? 0) >= (b.of[i] ?? 0) ? a.why(i) : b.why(i)), relation: b.relation };
  }

  private missing(set: Set_, kind: string): Factors {
    return { of: new Float64Array(set.length).fill(0.6), why: () => `${kind}: what it should be related to was not found`, relation: kind };
  }

  /** Without a viewer, things are looked at from the middle of the scene. */
  private viewFor({ kind }: Relation): Viewpoint | undefined {
    if (!isSide(kind)) return undefined;
    if (this.scene.viewpoint !== undefined) return this.scene.viewpoint;
    const { min, max } = this.scene.sight.bounds();
    return lookingAlong({ x: (min[0] + max[0]) / 2, y: 1.6, z: (min[2] + max[2]) / 2 }, 0, -1);
  }

  /** Indexes of the anchors worth measuring for a thing: all of few, of many those around it [AG1]. */
  private nearTo(anchors: readonly Anchor[], object: Indexed, rings = 1): Iterable<number> {
    if (anchors.length <= FEW || this.scene.exhaustive) return anchors.keys();
    let grid = this.grids.get(anchors);
    if (grid === undefined) this.grids.set(anchors, (grid = new AnchorGrid(anchors.map((anchor) => anchor.object))));
    return grid.near(object, rings);
  }

  /** How far the nearest of the anchors is, and which; looks farther until one is surely the nearest. */
  private nearest(anchors: readonly Anchor[], object: Indexed, slot: number): [number, Anchor | undefined] {
    let [least, chosen]: [number, Anchor | undefined] = [Infinity, undefined];
    for (let rings = 1; ; rings *= 2) {
      for (const i of this.nearTo(anchors, object, rings)) {
        const anchor = anchors[i]!;
        if (anchor.slot === slot) continue;
        const away = apart(object, anchor.object);
        if (away < least) [least, chosen] = [away, anchor];
      }
      // What lies outside the rings is at least their reach away.
      if (least <= 4 * rings || anchors.length <= FEW || this.scene.exhaustive || rings > 1000) return [least, chosen];
    }
  }

  /** For choosing among too many: 1 at an anchor of the phrase, less the farther, 0 where there is none around. */
  nearness(phrase: Phrase): ((object: Indexed) => number) | undefined {
    const anchors = this.anchorsOf(phrase);
    if (anchors.length === 0) return undefined;
    return (object) => {
      let most = 0;
      for (const i of this.nearTo(anchors, object)) most = Math.max(most, 1 / (1 + gapBetween(object, anchors[i]!.object)));
      return object.placed ? Math.min(0.99, most) : 0;
    };
  }

  private nameOf({ id, label, type }: Indexed): string {
    return `"${((this.scene.veiled.has(id) ? "" : label) || type).slice(0, 40)}"`;
  }

  placesOf(phrase: Phrase): Indexed[] {
    return this.anchorsOf(phrase).map(({ object }) => object);
  }
  /** For a stance: the place of what is named. */
  placeOf(phrase: Phrase): Indexed | undefined {
    return this.anchorsOf(phrase)[0]?.object;
  }
}

const MORE: ReadonlySet<SizeWord> = new Set(["big", "biggest", "tall", "tallest", "wide", "widest", "highest"]);
const SAID: Readonly<Record<string, string>> = { left: "left of", right: "right of", front: "in front of" };
const isSide = (kind: string): boolean => kind === "left" || kind === "right" || kind === "front" || kind === "behind";
const metres = (d: number): string => (Number.isFinite(d) ? `${d < 10 ? d.toFixed(1) : d.toFixed(0)} m` : "nowhere");

/** In view, on this storey, not at the other end of the building. */
const isSeen = (object: Indexed, viewpoint: Viewpoint): boolean => {
  const { angle, away } = bearing(viewpoint, object.point);
  return Math.abs(angle) < 1.9 && away < 12 && Math.abs(object.point.y - viewpoint.point.y) < 2.3 + object.half.y;
};

function measured(set: Set_, factor: (one: Set_[number], at: number) => number): Float64Array {
  const of = new Float64Array(set.length);
  set.forEach((one, at) => (of[at] = factor(one, at)));
  return of;
}
const topSort = (set: Set_): number => set.reduce((top, { sort }) => Math.max(top, sort), 0);

/** How many of the ascending `values` are below `value`. */
function countBelow(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
export const farFrom = (a: Indexed, viewpoint: Viewpoint): number => distance(a.point, viewpoint.point);
