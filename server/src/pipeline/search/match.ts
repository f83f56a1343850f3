/**
 * Which objects a noun phrase may mean: its kind, its other words, its colours.
 *
 * [MA1] Everything is measured over what the asker may see: rarity, typing guesses and bests never depend on hidden objects.
 * [MA2] A word the scene does not know is replaced by another word for it, its beginning or one typing error, at a discount.
 * [MA3] Bounded: at most `MAX_CANDIDATES` objects are kept; more than that are narrowed by the caller's `prefer` first. A phrase that names
 *       nothing looks only at what is `around` what the query relates it to.
 */
import type { Kind } from "./kinds.ts";
import type { Phrase } from "./parse-query.ts";
import type { Indexed, SceneIndex } from "./scene-index.ts";
import { kthGreatest } from "./select.ts";
import { cosine } from "./semantics.ts";
import type { Sight } from "./sight.ts";
import { stem } from "./words.ts";

export type Candidate = {
  readonly slot: number;
  readonly object: Indexed;
  /** Name and colours, 0..1: what it is, apart from where it is. */
  readonly sort: number;
  score: number;
  readonly note: string;
};
/** Where a candidate stands when there are too many. */
export type Prefer = (object: Indexed, sort: number) => number;
export type Admits = (slot: number) => boolean;

const MAX_CANDIDATES = 800;
const NAME_SHARE = 0.64;
/** Objects whose text, not whose name, holds the words. */
const MENTIONED = 0.8;
const MIN_NAME = 0.12;
/** Kinds less like the phrase than this share of the best are something else. */
const ALIKE = 0.3;
const MIN_SORT = 0.06;
/** A word that this share of the scene has tells nothing apart. */
const EVERYWHERE = 0.3;
const GUESSED = 0.8;
const COLOUR_MISS = 0.25;
const COLOUR_UNKNOWN = 0.6;
const LITERAL_MISS = 0.6;
/** Walls and floors are rarely meant by somebody who names nothing. */
/** Where there is a door, its frame is not the nearest door. */
const FOUND = 0.95;
const SHELL_BESIDE = 0.6;
const COMPANY_M = 1.2;
const COMPANY_SHARE = 0.3;
const MAX_COMPANY = 16;
const MAX_COMPARED = 64;
const STRUCTURE = 0.55;
const STRUCTURAL: ReadonlySet<string> = new Set(["wall", "floor", "ceiling", "room", "building", "roof"]);

type Term = { readonly term: string; readonly forms: readonly string[]; readonly weight: number; readonly letter: boolean };

type Matching = {
  readonly index: SceneIndex;
  readonly sight: Sight;
  readonly phrase: Phrase;
  readonly veiled: ReadonlySet<string>;
  readonly exhaustive: boolean;
  /** What may be meant, of what is seen; absent: all of it. */
  readonly filter?: Admits | undefined;
  readonly prefer?: () => Prefer | undefined;
  readonly around?: () => ReadonlySet<number> | undefined;
};

/** Objects that match a phrase by words and colours, in no order, with scores in 0..1. */
export function phraseMatches(matching: Matching): Candidate[] {
  const { index, sight, phrase, veiled, exhaustive, filter } = matching;
  const terms = termsOf(matching);
  const rarity = terms.reduce((sum, { weight }) => sum + weight, 0);
  const headWeight = terms.filter(({ term }) => term === phrase.head).reduce((sum, { weight }) => sum + weight, 0);
  const others = rarity - headWeight;
  const letters = terms.filter(({ letter }) => letter);
  const nothing = phrase.terms.length === 0 && phrase.about.length === 0;
  const named = kindsNamed(matching, nothing);
  const mentioned = mentionedIn(index, terms);
  const best = Math.max(0, ...[...named.values()].map(({ score }) => score));
  const found: Candidate[] = [];
  const take = (slot: number, score: number, note: string): void => {
    const object = index.at(slot);
    if (object === undefined || !sight.admits(slot) || filter?.(slot) === false) return;
    if (veiled.size > 0 && veiled.has(object.id)) return void found.push(...byType(index, phrase, slot, object));
    let held = mentioned?.[slot] ?? 0;
    for (const { term, weight } of letters) if (object.codes.some((code) => code.startsWith(term))) held += weight;
    const headHeld = headWeight > 0 && index.words.holds(slot, phrase.head ?? "") ? headWeight : 0;
    const covered = others > 0 ? Math.min(1, (held - headHeld) / others) : 1;
    const byName = score * (others > 0 ? NAME_SHARE + (1 - NAME_SHARE) * covered : 1);
    // A door frame holds the word door and is none: the head counts as much as the name matches.
    const said = held - headHeld + headHeld * (score > 0.3 ? score : 1);
    const byText = rarity > 0 ? MENTIONED * Math.min(1, said / rarity) : 0;
    const sort = Math.max(byName, byText * (score > 0.5 ? 1 : 0.9)) * colourFactor(phrase, object);
    if (sort > MIN_SORT) found.push({ slot, object, sort, score: sort, note: byName >= byText ? note : "its text" });
  };
  const taken = mentioned === undefined && veiled.size === 0 ? undefined : new Uint8Array(index.slotEnd);
  const near = nothing && sight.size > MAX_CANDIDATES && !exhaustive ? matching.around?.() : undefined;
  const takeKind = (kind: Kind, slots: Iterable<number>): void => {
    const { note, score: plain } = named.get(kind) ?? { score: 0, note: "" };
    const score = kind.shell && best > FOUND ? Math.min(plain, SHELL_BESIDE) : plain;
    if (score <= MIN_NAME || score < ALIKE * best) return;
    for (const slot of slots) {
      if (taken !== undefined) taken[slot] = 1;
      take(slot, score, note);
    }
  };
  if (near === undefined) for (const [kind, slots] of index.byKind) takeKind(kind, slots);
  else for (const [kind, slots] of Map.groupBy(near, (slot) => index.at(slot)!.kind)) takeKind(kind, slots);
  if (mentioned !== undefined)
    for (let slot = 0; slot < mentioned.length; slot++) if ((mentioned[slot] ?? 0) > 0 && taken?.[slot] === 0) take(slot, 0, "");
  for (const id of veiled) {
    const slot = index.slotOf(id);
    if (slot !== undefined && taken?.[slot] === 0 && !found.some((candidate) => candidate.slot === slot)) take(slot, 0, "");
  }
  literalSizes(index, phrase, found);
  if (best < 0.9 || (best < 1 && phrase.name.length > 1)) company(matching, found);
  return exhaustive ? found : narrow(found, matching.prefer);
}

/** How much the phrase means each kind there is to see. */
function kindsNamed({ index, sight, phrase }: Matching, nothing: boolean): Map<Kind, { score: number; note: string }> {
  const about = nothing ? undefined : index.kinds.describe(phrase);
  const guess = guessOf(index, sight, phrase);
  const guessed = guess === undefined ? undefined : { ...phrase, head: guess, name: [guess] };
  const named = new Map<Kind, { score: number; note: string }>();
  for (const [kind] of index.byKind) {
    if (!sight.hasKind(kind)) continue;
    let match = nothing ? { score: STRUCTURAL.has(kind.head) ? STRUCTURE : 1, note: "" } : index.kinds.match(phrase, kind, about);
    if (guessed !== undefined) {
      const { score } = index.kinds.match(guessed, kind, undefined);
      if (score * GUESSED > match.score) match = { score: score * GUESSED, note: `${guess} for ${phrase.head}` };
    }
    named.set(kind, match);
  }
  return named;
}

/** What moderation hides from the asker cannot be asked for: the object goes by its type. */
function byType(index: SceneIndex, phrase: Phrase, slot: number, object: Indexed): Candidate[] {
  const nothing = phrase.terms.length === 0 && phrase.about.length === 0;
  const { score, note } = nothing ? { score: 1, note: "" } : index.kinds.match(phrase, index.kinds.of(object.type, object.type), undefined);
  const sort = score * colourFactor(phrase, object);
  return sort > 0.3 ? [{ slot, object, sort, score: sort, note }] : [];
}

/** The phrase's size words that are no part of a name here ("tall cabinet" may be one). */
export function sizesOf(index: SceneIndex, phrase: Phrase, found: readonly Candidate[]): Phrase["sizes"] {
  return phrase.sizes.filter(({ word }) => !isLiteral(index, word, found));
}
const isLiteral = (index: SceneIndex, word: string, found: readonly Candidate[]): boolean => {
  const term = stem(word);
  return index.words.has(term) && found.some(({ slot, sort }) => sort > 0.5 && index.words.holds(slot, term));
};
function literalSizes(index: SceneIndex, phrase: Phrase, found: Candidate[]): void {
  for (const { word } of phrase.sizes) {
    if (!isLiteral(index, word, found)) continue;
    found.forEach((candidate, i) => {
      if (index.words.holds(candidate.slot, stem(word))) return;
      const sort = candidate.sort * LITERAL_MISS;
      found[i] = { ...candidate, sort, score: sort };
    });
  }
}

/**
 * What stands around a thing tells which it is where its label does not: the table among chairs is the dining table, the one at the sofa the
 * coffee table. Prefers among equals only, and leaves them equals: what they are is the same, so all of them are counted and compared.
 */
function company({ index, sight, phrase }: Matching, found: Candidate[]): void {
  const named = index.kinds.thing(phrase);
  const top = Math.max(0, ...found.map(({ sort }) => sort));
  const equals = found.map((_, i) => i).filter((i) => found[i]!.sort >= 0.9 * top && found[i]!.object.placed);
  if (named === undefined || equals.length < 2 || equals.length > MAX_COMPARED) return;
  const likes = equals.map((i) => {
    const { object, slot } = found[i]!;
    // Each sort of neighbour counts once: eight chairs say no more than one.
    const near = sight
      .within(object.point, COMPANY_M + Math.max(object.half.x, object.half.z))
      .filter((other) => other !== slot && index.at(other)?.kind !== object.kind);
    const vectors = new Set(near.slice(0, MAX_COMPANY).map((other) => index.at(other)?.kind.vector));
    const best = [...vectors].map((vector) => (vector === undefined ? 0 : Math.max(0, cosine(named, vector)))).sort((a, b) => b - a);
    return (best[0] ?? 0) + (best[1] ?? 0) + (best[2] ?? 0);
  });
  const [least, most] = [Math.min(...likes), Math.max(...likes)];
  if (most - least < 1e-6) return;
  equals.forEach((i, at) => {
    found[i]!.score *= 1 - COMPANY_SHARE * (1 - ((likes[at] ?? 0) - least) / (most - least));
  });
}

/** Weights by rarity among what the asker sees [MA1]; words that nearly everything has are left out where there are others. */
function termsOf({ index, sight, phrase, filter }: Matching): Term[] {
  const all = Math.max(1, sight.size);
  const terms = [...new Set(phrase.terms)].map((term) => {
    const known = sight.knows(term);
    const forms = known ? [term] : term.length === 1 || index.kinds.knows(term) ? [] : sight.near(term);
    const holders = !known ? 0 : filter === undefined ? sight.holders(term) : index.words.count(term, (slot) => sight.admits(slot) && filter(slot));
    const weight = Math.log(1 + (all - holders + 0.5) / (holders + 0.5)) + (/\d/.test(term) ? 2 : 0.2);
    return { term, forms, letter: term.length === 1, weight, common: holders > EVERYWHERE * all && all > MAX_CANDIDATES };
  });
  const telling = terms.filter(({ common }) => !common);
  return telling.length > 0 ? telling : terms;
}

/** A head that nobody knows is taken for a word of the scene that it begins or misspells [MA2]. */
function guessOf(index: SceneIndex, sight: Sight, { head }: Phrase): string | undefined {
  if (head === undefined || sight.knows(head) || index.kinds.knows(head)) return undefined;
  return sight.near(head)[0];
}

/** By slot, the weight of the terms that its words hold; undefined when there are none. */
function mentionedIn(index: SceneIndex, terms: readonly Term[]): Float64Array | undefined {
  let sums: Float64Array | undefined;
  for (const { forms, weight, term } of terms) {
    const seen = forms.length > 1 ? new Set<number>() : undefined;
    for (const form of forms) {
      sums ??= new Float64Array(index.slotEnd);
      const share = form === term ? weight : weight * GUESSED;
      for (const slot of index.words.holders(form)) {
        if (seen?.has(slot) === true) continue;
        seen?.add(slot);
        sums[slot] = (sums[slot] ?? 0) + share;
      }
    }
  }
  return sums;
}

function colourFactor(phrase: Phrase, object: Indexed): number {
  let factor = 1;
  for (const colour of phrase.colours) if (!object.colours.has(colour)) factor *= object.colours.size === 0 ? COLOUR_UNKNOWN : COLOUR_MISS;
  return factor;
}

/** Keeps the best of many; among equals those the query is about [MA3]. */
function narrow(found: Candidate[], preferred: (() => Prefer | undefined) | undefined): Candidate[] {
  if (found.length <= MAX_CANDIDATES) return found;
  const prefer: Prefer = preferred?.() ?? ((_, sort) => sort);
  const ranks = new Float64Array(found.length);
  found.forEach(({ object, sort }, i) => (ranks[i] = prefer(object, sort)));
  const least = kthGreatest(ranks.slice(), MAX_CANDIDATES);
  const kept = found.filter((_, i) => (ranks[i] ?? 0) > least);
  for (let i = 0; i < found.length && kept.length < MAX_CANDIDATES; i++) if (ranks[i] === least) kept.push(found[i]!);
  return kept;
}
