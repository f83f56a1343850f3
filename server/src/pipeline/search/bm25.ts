/**
 * Incremental BM25 over weighted terms (Robertson & Zaragoza 2009, with fields folded into term weights as in BM25F).
 *
 * [BM1] Adding and removing a document costs its own terms; nothing is rebuilt, and a removed document leaves nothing behind.
 * [BM2] Documents are dense small integers chosen by the caller, so scores live in one typed array.
 */
import { isOneEditAway } from "./words.ts";

const K1 = 1.2;
const B = 0.4;
/** A mistyped or unfinished word is compared with at most this many known words. */
const MAX_SCANNED_VOCABULARY = 20_000;
const MAX_EXPANSIONS = 8;

export type WeightedTerm = { readonly term: string; readonly weight: number };

/** `weights`: document -> summed field weight of the term. */
type Posting = { readonly term: string; readonly weights: Map<number, number> };

export class Bm25 {
  private readonly postings = new Map<string, Posting>();
  /** Terms of each document, the very strings that are keys of `postings`: ten thousand objects hold a quarter of a million. */
  private readonly documents = new Map<number, readonly string[]>();
  private readonly lengths = new Map<number, number>();
  private totalLength = 0;
  private scores = new Float64Array(1024);

  get size(): number {
    return this.documents.size;
  }
  get vocabulary(): number {
    return this.postings.size;
  }

  /** `terms`: term -> summed field weight. Replaces what was there under `doc`. */
  add(doc: number, terms: ReadonlyMap<string, number>): void {
    this.remove(doc);
    let length = 0;
    const held: string[] = [];
    for (const [term, weight] of terms) {
      let posting = this.postings.get(term);
      if (posting === undefined) this.postings.set(term, (posting = { term, weights: new Map() }));
      posting.weights.set(doc, weight);
      held.push(posting.term);
      length += weight;
    }
    this.documents.set(doc, held.slice());
    this.lengths.set(doc, length);
    this.totalLength += length;
    if (doc >= this.scores.length) {
      const grown = new Float64Array(Math.max(doc + 1, this.scores.length * 2));
      grown.set(this.scores);
      this.scores = grown;
    }
  }

  remove(doc: number): void {
    const terms = this.documents.get(doc);
    if (terms === undefined) return;
    for (const term of terms) {
      const weights = this.postings.get(term)?.weights;
      weights?.delete(doc);
      if (weights?.size === 0) this.postings.delete(term);
    }
    this.totalLength -= this.lengths.get(doc) ?? 0;
    this.lengths.delete(doc);
    this.documents.delete(doc);
  }

  has(term: string): boolean {
    return this.postings.has(term);
  }
  /** Whether `doc` holds `term`. */
  holds(doc: number, term: string): boolean {
    return this.postings.get(term)?.weights.has(doc) === true;
  }

  /** Documents that hold `term`. */
  holders(term: string): Iterable<number> {
    return this.postings.get(term)?.weights.keys() ?? [];
  }
  /** How many documents hold `term`; of the admitted ones, if so asked. */
  count(term: string, admits?: (doc: number) => boolean): number {
    if (admits === undefined) return this.postings.get(term)?.weights.size ?? 0;
    let sum = 0;
    for (const doc of this.holders(term)) if (admits(doc)) sum++;
    return sum;
  }

  /** Documents with any of the terms and their scores, unordered. */
  score(query: readonly WeightedTerm[]): { readonly doc: number; readonly score: number }[] {
    const touched: number[] = [];
    const mean = this.totalLength / Math.max(1, this.documents.size);
    for (const { term, weight } of query) {
      const posting = this.postings.get(term)?.weights;
      if (posting === undefined) continue;
      const rarity = Math.log(1 + (this.documents.size - posting.size + 0.5) / (posting.size + 0.5));
      for (const [doc, frequency] of posting) {
        const norm = K1 * (1 - B + (B * (this.lengths.get(doc) ?? 0)) / mean);
        const before = this.scores[doc] ?? 0;
        if (before === 0) touched.push(doc);
        this.scores[doc] = before + (weight * rarity * frequency * (K1 + 1)) / (frequency + norm);
      }
    }
    return touched.map((doc) => {
      const score = this.scores[doc] ?? 0;
      this.scores[doc] = 0;
      return { doc, score };
    });
  }

  /**
   * Known terms that `term` may have been meant as: it begins them (search as you type), or one typing error separates them. The likest first;
   * `counts`: which of the known terms there are.
   */
  near(term: string, counts?: (known: string) => boolean): string[] {
    if (term.length < 3) return [];
    const found: string[] = [];
    let scanned = 0;
    for (const known of this.postings.keys()) {
      if (++scanned > MAX_SCANNED_VOCABULARY) break;
      if (!known.startsWith(term) && !(term.length >= 5 && isOneEditAway(term, known))) continue;
      if (counts === undefined || counts(known)) found.push(known);
    }
    const unlike = (known: string): number => Math.abs(known.length - term.length);
    return found.sort((a, b) => unlike(a) - unlike(b) || (a < b ? -1 : 1)).slice(0, MAX_EXPANSIONS);
  }
}
