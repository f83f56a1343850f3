/**
 * What words mean for things in rooms: other words for them, more general words, and what they are for. Reads the tables that
 * server/training/search makes (its header says their layout); knows nothing of scenes.
 *
 * [SM1] Pure: bytes in, numbers out. A table that is not what it says throws at load, never later.
 * [SM2] Similarities are 0..1; unknown words give 0.
 */
import { forms } from "./words.ts";

export type LexiconTables = { readonly lexicon: string; readonly vectors: Uint8Array };

const MAGIC = "CSV1";
const SAME_GROUP = 0.95;
const SAME_SYNSET = 0.92;
/** A later sense of a word is less often meant. */
const SENSE_DECAY = 0.85;
/** What two things have in common counts less than being one sort of the other. */
const COUSIN = 0.65;
/** Another name of it ends in the word: a nightstand is also called night table. */
const CALLED = 0.78;
const KIND_OF = 0.86;
const MAX_CACHED = 20_000;

type Sense = { readonly synset: number; readonly weight: number };

export class Semantics {
  readonly dims: number;
  private readonly senses = new Map<string, Sense[]>();
  private readonly parents: number[][] = [];
  private readonly content: number[] = [];
  private readonly groups = new Map<string, number[]>();
  private readonly groupHeads: ReadonlySet<string>[] = [];
  private readonly wordAt = new Map<string, number>();
  private readonly thingAt = new Map<string, number>();
  private readonly idf: Float32Array;
  private readonly words: Int8Array;
  private readonly things: Int8Array;
  private readonly ancestors = new Map<number, ReadonlyMap<number, number>>();
  /** asked -> named -> similarity. */
  private readonly cache = new Map<string, Map<string, number>>();
  private cached = 0;

  constructor({ lexicon, vectors }: LexiconTables) {
    this.readLexicon(lexicon);
    const view = new DataView(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    if (String.fromCharCode(...vectors.subarray(0, 4)) !== MAGIC) throw new RangeError("vectors: not a CSV1 table");
    const [dims, words, things] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number];
    this.dims = dims;
    let at = 16;
    this.idf = Float32Array.from({ length: words }, (_, i) => view.getFloat32(at + 4 * i, true));
    at += 4 * words;
    const rows = (count: number): Int8Array => {
      const table = new Int8Array(vectors.slice(at, at + count * dims).buffer);
      at += count * dims;
      return table;
    };
    this.words = rows(words);
    this.things = rows(things);
    const names = new TextDecoder().decode(vectors.subarray(at)).split("\n");
    if (names.length !== words + things) throw new RangeError("vectors: the names do not fit the rows");
    names.forEach((name, i) => (i < words ? this.wordAt.set(name, i) : this.thingAt.set(name, i - words)));
  }

  /** A name the tables know, as one or more words. */
  knows(name: string): boolean {
    return this.senses.has(name) || this.groups.has(name);
  }

  /** How much "a thing called `asked`" is meant by something called `named`: 1 the same name, .9 a synonym, less for a sort or a cousin. */
  similarity(asked: string, named: string): number {
    if (asked === named) return 1;
    const known = this.cache.get(asked)?.get(named);
    if (known !== undefined) return known;
    const value = this.compare(asked, named);
    if (++this.cached > MAX_CACHED) {
      this.cache.clear();
      this.cached = 1;
    }
    let row = this.cache.get(asked);
    if (row === undefined) this.cache.set(asked, (row = new Map()));
    row.set(named, value);
    return value;
  }

  /** Unit vector of what words describe, or undefined when none is known. */
  describe(words: readonly string[]): Float32Array | undefined {
    const sum = new Float32Array(this.dims);
    let found = false;
    for (const word of words) {
      const row = this.rowOf(word);
      if (row === undefined) continue;
      found = true;
      const weight = (this.idf[row] ?? 0) / 127;
      for (let d = 0; d < this.dims; d++) sum[d] = (sum[d] ?? 0) + weight * (this.words[row * this.dims + d] ?? 0);
    }
    return found ? unit(sum) : undefined;
  }

  /** Unit vector of a thing by its name, or undefined when the name is not known. */
  thing(name: string): Float32Array | undefined {
    const row = this.thingAt.get(name);
    if (row === undefined) return undefined;
    return unit(Float32Array.from(this.things.subarray(row * this.dims, (row + 1) * this.dims)));
  }

  private rowOf(word: string): number | undefined {
    for (const form of forms(word)) {
      const row = this.wordAt.get(form);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  private compare(asked: string, named: string): number {
    const mine = this.groups.get(named);
    if (mine !== undefined && this.groups.get(asked)?.some((group) => mine.includes(group)) === true) return SAME_GROUP;
    let best = this.isCalled(asked, named) || this.isCalled(named, asked) ? CALLED : 0;
    for (const a of this.senses.get(asked) ?? []) {
      const up = this.above(a.synset);
      for (const b of this.senses.get(named) ?? []) best = Math.max(best, a.weight * b.weight * this.relate(a.synset, b.synset, up));
    }
    return best;
  }

  private isCalled(name: string, head: string): boolean {
    return this.groups.get(name)?.some((group) => this.groupHeads[group]?.has(head)) === true;
  }

  /** Lin's similarity with Seco's intrinsic information content, discounted where neither is a sort of the other. */
  private relate(a: number, b: number, up: ReadonlyMap<number, number>): number {
    if (a === b) return SAME_SYNSET;
    const other = this.above(b);
    let common = 0;
    let shared = -1;
    for (const synset of other.keys()) {
      const information = this.content[synset] ?? 0;
      if (information > common && up.has(synset)) [common, shared] = [information, synset];
    }
    if (shared < 0) return 0;
    const lin = (2 * common) / ((this.content[a] ?? 1) + (this.content[b] ?? 1));
    return shared === a || shared === b ? lin * KIND_OF : lin ** 2 * COUSIN;
  }

  private above(synset: number): ReadonlyMap<number, number> {
    let all = this.ancestors.get(synset);
    if (all !== undefined) return all;
    const found = new Map<number, number>([[synset, 0]]);
    for (const [at, depth] of found) for (const parent of this.parents[at] ?? []) if (!found.has(parent)) found.set(parent, depth + 1);
    this.ancestors.set(synset, (all = found));
    return all;
  }

  private readLexicon(text: string): void {
    const [synsets = "", groups = ""] = text.split("\n#\n");
    const lines = synsets.split("\n");
    const total = Math.log(82_115);
    lines.forEach((line, synset) => {
      const [lemmas = "", parents = "", below = "0"] = line.split("|");
      this.parents.push(parents === "" ? [] : parents.split(" ").map(Number));
      this.content.push(1 - Math.log(Number(below) + 1) / total);
      for (const lemma of lemmas.split(" ")) {
        const [name = "", rank = "0"] = lemma.split("~");
        const key = name.replaceAll("_", " ");
        let senses = this.senses.get(key);
        if (senses === undefined) this.senses.set(key, (senses = []));
        senses.push({ synset, weight: SENSE_DECAY ** Number(rank) });
      }
    });
    groups
      .trim()
      .split("\n")
      .forEach((line, group) => {
        const names = line.split(",");
        this.groupHeads.push(new Set(names.filter((name) => name.includes(" ")).map((name) => name.split(" ").at(-1) ?? "")));
        for (const name of names) this.groups.set(name, [...(this.groups.get(name) ?? []), group]);
      });
    if (this.parents.some((list) => list.some((parent) => !(parent < lines.length)))) throw new RangeError("lexicon: a parent that does not exist");
  }
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function unit(vector: Float32Array): Float32Array | undefined {
  const length = Math.sqrt(cosine(vector, vector));
  if (!(length > 0)) return undefined;
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) / length;
  return vector;
}
