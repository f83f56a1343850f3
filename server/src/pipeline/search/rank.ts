/**
 * Ranking: lexical score x attributes x relations, each a factor that the answer can explain.
 *
 * [RK1] The head noun weighs most; a word the scene does not know is replaced by a synonym, its beginning or one typing error, at a discount.
 * [RK2] Filters (types, within) exclude; everything else demotes.
 * [RK3] Bounded work: at most `MAX_CANDIDATES` places are measured against at most `MAX_ANCHORS` anchors per relation.
 */
import type { SearchHit } from "../../core/types.ts";
import type { WeightedTerm } from "./bm25.ts";
import { type SizeWord, synonymsOf } from "./english.ts";
import { distance } from "./grid.ts";
import { parseQuery, type Phrase, type Relation } from "./parse-query.ts";
import { type Fit, fitAnchor, fitBetween, fitExtreme, fitViewer, gapBetween, type Place, type Viewpoint } from "./relations.ts";
import type { Indexed, SceneIndex } from "./scene-index.ts";
import { stem } from "./words.ts";

export type Ask = {
  readonly text: string;
  readonly types: ReadonlySet<string>;
  /** Metres from the viewpoint, 0 for no limit; without a viewpoint there is nothing to measure from and it is ignored. */
  readonly withinM: number;
  readonly viewpoint: Viewpoint | undefined;
  readonly limit: number;
};

const MAX_CANDIDATES = 512;
const MAX_ANCHORS = 24;
/** "Between" tries every pair of this many ends. */
const MAX_ENDS = 6;
const HEAD_WEIGHT = 2;
const SYNONYM_WEIGHT = 0.8;
const GUESS_WEIGHT = 0.5;
/** Candidates this close to the best lexically count when the closest, farthest or biggest is looked for. */
const CONTENDER = 0.6;
/** Anchors must be nearly as good as the best anchor: "the pump" is one of the pumps, not everything in the pump room. */
const ANCHOR = 0.75;
const COLOUR_MISS = 0.2;
const COLOUR_UNKNOWN = 0.5;
/** How much of the score the distance to the viewer may take, to break ties between equals. */
const PROXIMITY = 0.03;
const WHY_LENGTH = 200;

type Candidate = { readonly slot: number; readonly object: Indexed; readonly lexical: number; score: number; readonly why: (() => string)[] };

export function rankObjects(index: SceneIndex, ask: Ask): SearchHit[] {
  const query = parseQuery(ask.text);
  const admits = filterOf(index, ask, query.withinM);
  const candidates = phraseMatches(index, query.target, admits);
  for (const relation of query.relations) applyRelation(index, relation, candidates, ask.viewpoint);
  if (ask.viewpoint !== undefined) {
    const { point } = ask.viewpoint;
    for (const candidate of candidates) {
      const away = distance(candidate.object.point, point);
      candidate.score *= 1 - PROXIMITY * (away / (away + 10));
    }
  }
  return best(candidates, ask.limit).map(({ object, score, why }) => ({
    object: object.id,
    score,
    position: [object.point.x, object.point.y, object.point.z],
    label: object.label,
    why: [...new Set(why.map((say) => say()))].filter(Boolean).join("; ").slice(0, WHY_LENGTH),
  }));
}

/** Types and distance exclude [RK2]. */
function filterOf(index: SceneIndex, ask: Ask, spokenM: number | undefined): (slot: number) => boolean {
  const radius = ask.withinM > 0 && spokenM !== undefined ? Math.min(ask.withinM, spokenM) : ask.withinM > 0 ? ask.withinM : spokenM;
  const inside = radius !== undefined && ask.viewpoint !== undefined ? new Set(index.grid.within(ask.viewpoint.point, radius)) : undefined;
  return (slot) => {
    const object = index.at(slot);
    return object !== undefined && (inside === undefined || inside.has(slot)) && (ask.types.size === 0 || ask.types.has(object.type));
  };
}

/** Objects that match a phrase by words, colours and sizes, best first, with scores in 0..1. */
function phraseMatches(index: SceneIndex, phrase: Phrase, admits: (slot: number) => boolean): Candidate[] {
  const { terms, notes } = expand(index, phrase);
  const found: { doc: number; score: number }[] =
    phrase.terms.length > 0
      ? index.words.score(terms).filter(({ doc }) => admits(doc))
      : [...index.all()].filter(admits).map((doc) => ({ doc, score: 1 }));
  const top = found.reduce((most, { score }) => Math.max(most, score), 0);
  const scored = found.map(({ doc, score }) => {
    const lexical = top > 0 ? score / top : 0;
    return { doc, lexical, score: lexical * colourFactor(phrase, index.at(doc)) };
  });
  scored.sort((a, b) => b.score - a.score || a.doc - b.doc);
  const candidates: Candidate[] = [];
  for (const { doc, lexical, score } of scored.slice(0, MAX_CANDIDATES)) {
    const object = index.at(doc);
    if (object === undefined) continue;
    const matches = (): string => {
      const matched = terms.filter(({ term }) => index.words.holds(doc, term)).map(({ term }) => notes.get(term) ?? term);
      return matched.length > 0 ? `matches ${[...new Set(matched)].join(", ")}` : "";
    };
    const colours = (): string => phrase.colours.filter((colour) => object.colours.has(colour)).join(", ");
    candidates.push({ slot: doc, object, lexical, score, why: [matches, colours] });
  }
  applySizes(phrase.sizes, candidates);
  return candidates.sort(byScore);
}

/** Query terms with weights; `notes` says what a replaced word was taken for [RK1]. */
function expand(index: SceneIndex, phrase: Phrase): { terms: WeightedTerm[]; notes: Map<string, string> } {
  const weights = new Map<string, number>();
  const notes = new Map<string, string>();
  const add = (term: string, weight: number, note: string): void => {
    if ((weights.get(term) ?? 0) >= weight) return;
    weights.set(term, weight);
    notes.set(term, note);
  };
  for (const term of phrase.terms) {
    const weight = term === phrase.head ? HEAD_WEIGHT : 1;
    if (index.words.has(term)) add(term, weight, term);
    for (const synonym of synonymsOf(term)) if (index.words.has(stem(synonym))) add(stem(synonym), weight * SYNONYM_WEIGHT, `${synonym} for ${term}`);
    if (isCovered(weights, term)) continue;
    for (const guess of index.words.near(term)) add(guess, weight * GUESS_WEIGHT, `${guess} for ${term}`);
  }
  return { terms: [...weights].map(([term, weight]) => ({ term, weight })), notes };
}

/** The word itself or a synonym of it is in the index. */
const isCovered = (weights: ReadonlyMap<string, number>, term: string): boolean =>
  weights.has(term) || synonymsOf(term).some((synonym) => weights.has(stem(synonym)));

function colourFactor(phrase: Phrase, object: Indexed | undefined): number {
  let factor = 1;
  for (const colour of phrase.colours) {
    if (object?.colours.has(colour) !== true) factor *= object === undefined || object.colours.size === 0 ? COLOUR_UNKNOWN : COLOUR_MISS;
  }
  return factor;
}

/** Sizes are relative: big among the things that were asked for. */
function applySizes(sizes: readonly SizeWord[], candidates: readonly Candidate[]): void {
  for (const size of sizes) {
    const measure = (object: Indexed): number => (size === "highest" || size === "lowest" ? object.point.y : object.sizeM);
    const values = candidates
      .filter(({ lexical }) => lexical >= CONTENDER)
      .map(({ object }) => measure(object))
      .sort((a, b) => a - b);
    if (values.length < 2) continue;
    const wantsMore = size === "big" || size === "biggest" || size === "highest";
    const superlative = size !== "big" && size !== "small";
    for (const candidate of candidates) {
      const rank = Math.min(1, countBelow(values, measure(candidate.object)) / (values.length - 1));
      const fit = wantsMore ? rank : 1 - rank;
      candidate.score *= superlative ? 0.1 + 0.9 * fit ** 2 : 0.4 + 0.6 * fit;
      if (fit > 0.6) candidate.why.push(() => size);
    }
  }
}

/** How many of the ascending `values` are below `value`. */
function countBelow(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function applyRelation(index: SceneIndex, relation: Relation, candidates: Candidate[], viewpoint: Viewpoint | undefined): void {
  const { kind, anchors } = relation;
  if (anchors === "viewer") {
    if ((kind === "closest" || kind === "farthest") && viewpoint !== undefined) {
      const viewer: Place = { point: viewpoint.point, sizeM: 0, name: "you" };
      applyExtreme(kind, candidates, [viewer]);
    } else {
      for (const candidate of candidates) multiply(candidate, fitViewer(kind, placeOf(candidate.object), viewpoint));
    }
    return;
  }
  const places = anchors.map((anchor) => anchorPlaces(index, anchor));
  const [first = [], second] = places;
  if (kind === "between" && second !== undefined) {
    for (const candidate of candidates) bestOf(candidate, [...pairs(first, second)], ([a, b], thing) => fitBetween(thing, a, b));
  } else if (kind === "closest" || kind === "farthest") {
    applyExtreme(kind, candidates, first);
  } else if (kind === "between") {
    for (const candidate of candidates) bestOf(candidate, [...pairs(first, first)], ([a, b], thing) => fitBetween(thing, a, b));
  } else {
    for (const candidate of candidates) bestOf(candidate, first, (anchor, thing) => fitAnchor(kind, thing, anchor, viewpoint));
  }
}

type Anchor = Place & { readonly slot?: number };

/** The objects a relation may be meant of. */
function anchorPlaces(index: SceneIndex, phrase: Phrase): Anchor[] {
  const matches = phraseMatches(index, phrase, () => true);
  const top = matches[0]?.score ?? 0;
  return matches
    .filter(({ score }) => score >= ANCHOR * top)
    .slice(0, MAX_ANCHORS)
    .map(({ slot, object }) => ({ ...placeOf(object), slot }));
}

const placeOf = (object: Indexed): Place => ({ point: object.point, sizeM: object.sizeM, name: `"${(object.label || object.type).slice(0, 40)}"` });

function* pairs(a: readonly Anchor[], b: readonly Anchor[]): Generator<readonly [Anchor, Anchor]> {
  for (const first of a.slice(0, MAX_ENDS)) for (const second of b.slice(0, MAX_ENDS)) if (first.slot !== second.slot) yield [first, second];
}

/** Multiplies by the best fit over the anchors, never of a thing to itself. Without any anchor the relation cannot be judged and says so. */
function bestOf<A extends Anchor | readonly [Anchor, Anchor]>(
  candidate: Candidate,
  anchors: readonly A[],
  fit: (anchor: A, thing: Place) => Fit,
): void {
  const thing = placeOf(candidate.object);
  const isSelf = (anchor: Anchor): boolean => anchor.slot === candidate.slot;
  let bestFit: Fit = { factor: 0, why: () => "" };
  for (const anchor of anchors) {
    if (isAnchorPair(anchor) ? anchor.some(isSelf) : isSelf(anchor)) continue;
    const fitted = fit(anchor, thing);
    if (fitted.factor > bestFit.factor) bestFit = fitted;
  }
  multiply(candidate, bestFit.factor > 0 ? bestFit : { factor: 0.5, why: () => "what it should be related to was not found" });
}

const isAnchorPair = (anchor: Anchor | readonly [Anchor, Anchor]): anchor is readonly [Anchor, Anchor] => Array.isArray(anchor);

function applyExtreme(kind: "closest" | "farthest", candidates: readonly Candidate[], anchors: readonly Anchor[]): void {
  const measured = candidates.map((candidate) => {
    const thing = placeOf(candidate.object);
    let nearest: { d: number; name: string } | undefined;
    for (const anchor of anchors) {
      if (anchor.slot === candidate.slot) continue;
      const d = gapBetween(thing, anchor);
      if (nearest === undefined || d < nearest.d) nearest = { d, name: anchor.name };
    }
    return { candidate, nearest };
  });
  const contenders = measured.flatMap(({ candidate, nearest }) => (candidate.lexical >= CONTENDER && nearest !== undefined ? [nearest.d] : []));
  const bestD = kind === "closest" ? Math.min(...contenders) : Math.max(...contenders);
  for (const { candidate, nearest } of measured) {
    if (nearest === undefined || contenders.length === 0) continue;
    multiply(candidate, { factor: fitExtreme(kind, nearest.d, bestD), why: () => `${nearest.d.toFixed(1)} m from ${nearest.name}` });
  }
}

function multiply(candidate: Candidate, { factor, why }: Fit): void {
  candidate.score *= factor;
  candidate.why.push(why);
}

const byScore = (a: Candidate, b: Candidate): number => b.score - a.score || (a.object.id < b.object.id ? -1 : 1);
const best = (candidates: Candidate[], limit: number): Candidate[] => candidates.sort(byScore).slice(0, limit);
