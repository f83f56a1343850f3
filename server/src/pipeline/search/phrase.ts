/** A noun phrase of a query, word by word: what names the thing, what it is like, what it is for. */
import { colourWord } from "./colours.ts";
import type { LanguagePack, SizeWord } from "./language/pack.ts";
import { stem } from "./words.ts";

export type Phrase = {
  /** Index terms in order, without colours, sizes and filling words. */
  readonly terms: readonly string[];
  /** The term that names the thing: the last one, or the last before "of" or "with". */
  readonly head: string | undefined;
  /** The words up to the head as they were said, singular: "coffee table". */
  readonly name: readonly string[];
  readonly colours: readonly string[];
  readonly sizes: readonly { readonly word: string; readonly size: SizeWord }[];
  /** Names nothing ("something", "the one"): what it is for says what it is. */
  readonly generic: boolean;
  /** What it is for or does. */
  readonly about: readonly string[];
  /** "the two beds". */
  readonly count: number | undefined;
};

export class PhraseBuilder {
  private readonly pack: LanguagePack;
  readonly terms: string[] = [];
  private readonly name: string[] = [];
  private readonly colours: string[] = [];
  private readonly sizes: { word: string; size: SizeWord }[] = [];
  private readonly about: string[] = [];
  head: string | undefined;
  generic = false;
  viewer = false;
  count: number | undefined;
  private headDone = false;

  constructor(pack: LanguagePack) {
    this.pack = pack;
  }

  get empty(): boolean {
    return this.terms.length + this.colours.length + this.sizes.length + this.about.length === 0;
  }
  get named(): boolean {
    return this.head !== undefined;
  }

  /** `identifier`: a word that would be filling elsewhere but names something here, like the A of "flat A". */
  add(word: string, identifier = false): void {
    const { pack } = this;
    if (!identifier) {
      if (pack.viewer.has(word)) this.viewer = true;
      if (pack.headEnd.has(word)) this.headDone ||= this.head !== undefined;
      if (pack.generic.has(word) && this.head === undefined) this.generic = true;
      const colour = colourWord(word);
      if (colour !== undefined) return void this.colours.push(colour);
      const size = Object.hasOwn(pack.sizes, word) ? pack.sizes[word] : undefined;
      if (size !== undefined) return void this.sizes.push({ word, size });
      const number = Object.hasOwn(pack.numbers, word) ? pack.numbers[word] : undefined;
      if (number !== undefined && (this.head === undefined || !/\d/.test(word))) return void (this.count = number);
      if (word === "to") this.endHead();
      if (pack.stopwords.has(word) || pack.fillers.has(word) || pack.headEnd.has(word)) return;
      if (pack.generic.has(word) && this.head === undefined) return void this.about.push(word);
    }
    const term = stem(word);
    this.terms.push(term);
    if (this.headDone || identifier || /\d/.test(word)) return;
    this.head = term;
    this.name.push(term);
  }

  addAbout(word: string): void {
    if (!this.pack.stopwords.has(word) && !this.pack.viewer.has(word)) this.about.push(word);
  }
  endHead(): void {
    this.headDone ||= this.head !== undefined;
  }

  finish(): Phrase {
    const { terms, head, name, colours, sizes, generic, about, count } = this;
    return { terms, head, name, colours, sizes, generic: generic || (head === undefined && about.length > 0), about, count };
  }
}
