/**
 * "the red valve near the pump, left of me" -> target phrase, attributes, relations. A scan with a table, no grammar:
 *
 * [PQ1] What stands before the first relation is the target; each relation opens the phrase it relates to. A relation without a phrase of
 *       its own, or with "me", is said of the viewer.
 * [PQ2] Superlatives and sides may stand in front ("the nearest chair", "left lamp"); "to" and "from" then open their phrase.
 * [PQ3] Any string gives some query; length is bounded by the words read.
 */
import { colourWord } from "./colours.ts";
import {
  CONJUNCTION,
  EVERYWHERE,
  HEAD_END,
  type RelationKind,
  RELATIONS,
  SIZES,
  type SizeWord,
  STOPWORDS,
  SUPERLATIVE_LINK,
  VIEWER,
} from "./english.ts";
import { stem, wordsOf } from "./words.ts";

export type Phrase = {
  /** Index terms in order, without colours, sizes and filling words. */
  readonly terms: readonly string[];
  /** The term that names the thing: the last one, or the last before "of" or "with". */
  readonly head: string | undefined;
  readonly colours: readonly string[];
  readonly sizes: readonly SizeWord[];
};
export type Relation = { readonly kind: RelationKind; readonly anchors: readonly Phrase[] | "viewer" };
export type Query = {
  readonly target: Phrase;
  readonly relations: readonly Relation[];
  /** "within 3 m": distance from the viewer in metres. */
  readonly withinM: number | undefined;
};

const MAX_QUERY_WORDS = 48;
const MAX_RELATIONS = 6;
const PREFIXABLE: ReadonlySet<RelationKind> = new Set(["closest", "farthest", "left", "right"]);

const EXPRESSIONS = RELATIONS.flatMap(([kind, expressions]) => expressions.map((text) => ({ kind, words: text.split(" ") }))).sort(
  (a, b) => b.words.length - a.words.length,
);
const NOWHERE = EVERYWHERE.map((text) => text.split(" "));

class PhraseBuilder {
  readonly terms: string[] = [];
  readonly colours: string[] = [];
  readonly sizes: SizeWord[] = [];
  head: string | undefined;
  private headDone = false;
  viewer = false;

  get empty(): boolean {
    return this.terms.length + this.colours.length + this.sizes.length === 0;
  }

  add(word: string): void {
    const colour = colourWord(word);
    const size = Object.hasOwn(SIZES, word) ? SIZES[word] : undefined;
    if (colour !== undefined) this.colours.push(colour);
    else if (size !== undefined) this.sizes.push(size);
    else if (HEAD_END.has(word)) this.headDone ||= this.head !== undefined;
    else if (VIEWER.has(word)) this.viewer = true;
    if (colour !== undefined || size !== undefined || STOPWORDS.has(word) || HEAD_END.has(word)) return;
    const term = stem(word);
    this.terms.push(term);
    if (!this.headDone) this.head = term;
  }

  finish(): Phrase {
    return { terms: this.terms, head: this.head, colours: this.colours, sizes: this.sizes };
  }
}

type OpenRelation = { readonly kind: RelationKind; readonly anchors: PhraseBuilder[] };

/** Parses one query of at most 48 words; the rest is ignored. */
export function parseQuery(text: string): Query {
  const words = wordsOf(text).slice(0, MAX_QUERY_WORDS);
  const target = new PhraseBuilder();
  const relations: OpenRelation[] = [];
  /** A superlative in front that may still get its "to ..." [PQ2]. */
  let pending: OpenRelation | undefined;
  let current = target;
  let withinM: number | undefined;

  for (let at = 0; at < words.length;) {
    const nowhere = NOWHERE.find((expression) => startsAt(words, at, expression));
    if (nowhere !== undefined) {
      at += nowhere.length;
      continue;
    }
    const metres = metresAt(words, at);
    if (metres !== undefined) {
      withinM = metres.value;
      at += metres.words;
      continue;
    }
    const word = words[at] ?? "";
    const expression = EXPRESSIONS.find((candidate) => startsAt(words, at, candidate.words));
    if (expression !== undefined && relations.length < MAX_RELATIONS) {
      const relation: OpenRelation = { kind: expression.kind, anchors: [] };
      relations.push(relation);
      at += expression.words.length;
      if (current.empty && PREFIXABLE.has(expression.kind)) {
        pending = relation;
      } else {
        current = new PhraseBuilder();
        relation.anchors.push(current);
      }
      continue;
    }
    if (pending !== undefined && !current.empty && SUPERLATIVE_LINK.has(word)) {
      current = new PhraseBuilder();
      pending.anchors.push(current);
      pending = undefined;
    } else if (word === CONJUNCTION && relations.at(-1)?.kind === "between" && relations.at(-1)?.anchors.length === 1) {
      current = new PhraseBuilder();
      relations.at(-1)?.anchors.push(current);
    } else {
      current.add(word);
    }
    at++;
  }
  return { target: target.finish(), relations: relations.map(closeRelation), withinM };
}

function closeRelation({ kind, anchors }: OpenRelation): Relation {
  const named = anchors.filter((anchor) => !anchor.empty);
  return { kind, anchors: named.length === 0 ? "viewer" : named.map((anchor) => anchor.finish()) };
}

const startsAt = (words: readonly string[], at: number, expression: readonly string[]): boolean =>
  expression.every((word, i) => words[at + i] === word);

const METRES: ReadonlySet<string> = new Set(["m", "metre", "metres", "meter", "meters"]);

/** "within 3 m", "closer than 2 metres" and how many words they are. */
function metresAt(words: readonly string[], at: number): { value: number; words: number } | undefined {
  const start = words[at] === "within" ? 1 : words[at] === "closer" && words[at + 1] === "than" ? 2 : 0;
  if (start === 0) return undefined;
  const joined = /^(\d+(?:\.\d+)?)(m|metres?|meters?)?$/.exec(words[at + start] ?? "");
  const value = Number(joined?.[1]);
  if (joined === null || !Number.isFinite(value) || value <= 0) return undefined;
  const unit = joined[2] === undefined && METRES.has(words[at + start + 1] ?? "") ? 1 : 0;
  return joined[2] === undefined && unit === 0 ? undefined : { value, words: start + 1 + unit };
}
