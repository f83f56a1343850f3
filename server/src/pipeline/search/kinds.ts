/**
 * What things are called: every distinct label is a kind, and a query's noun phrase is compared with kinds, not with objects.
 *
 * [KI1] Labels that differ in numbers alone are one kind ("Gate valve 17"), so ten thousand objects are some hundreds of comparisons.
 * [KI2] The head of a label is its last noun, of building-model names ("M_Table-Coffee:0610") the first; a match of the head means more
 *       than a match elsewhere: a table lamp is a lamp.
 * [KI3] Without the meaning tables only words and the language pack's synonyms count.
 */
import { ENGLISH } from "./language/english.ts";
import type { Phrase } from "./phrase.ts";
import { cosine, type Semantics } from "./semantics.ts";
import { stem, wordsOf } from "./words.ts";

export type Kind = {
  readonly key: string;
  readonly terms: ReadonlySet<string>;
  readonly head: string;
  /** The head is not the last word: a door frame is not quite a door. */
  readonly shell: boolean;
  /** Names to look up: the whole core, its last two words, its last. */
  readonly names: readonly string[];
  readonly typeNames: readonly string[];
  readonly vector: Float32Array | undefined;
};
export type KindMatch = { readonly score: number; readonly note: string };

const ELSEWHERE = 0.55;
const SYNONYM = 0.85;
const SHELL = 0.93;
const TYPE = 0.9;
/** Cosines below this say nothing. */
const MIN_COSINE = 0.42;
const DESCRIBED = 0.8;
const HINTED = 0.5;
const MAX_KINDS = 20_000;
const MAX_ROOMS = 4096;
/** Nouns that stand at the end of a label and name only a part or shape of what stands before them. */
const SHELLS: ReadonlySet<string> = new Set([
  "frame",
  "face",
  "art",
  "unit",
  "set",
  "part",
  "element",
  "area",
  "item",
  "object",
  "piece",
  "model",
  "mesh",
  "prop",
  "group",
]);

const synonyms = new Map<string, ReadonlySet<string>>();
for (const group of ENGLISH.synonyms) for (const word of group) synonyms.set(stem(word), new Set(group.map(stem)));

export class KindTable {
  private readonly kinds = new Map<string, Kind>();
  private readonly semantics: Semantics | undefined;
  /** What rooms are called, by what they say they are. */
  private readonly rooms = new Map<string, readonly string[]>();

  constructor(semantics: Semantics | undefined) {
    this.semantics = semantics;
  }

  /** The kind of a label and type; the same object for the same key. */
  of(label: string, type: string): Kind {
    const core = coreOf(label);
    const key = `${core.words.join(" ")}|${core.rest.join(" ")}|${type.toLowerCase()}`;
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      if (this.kinds.size >= MAX_KINDS) this.kinds.clear();
      this.kinds.set(key, (kind = this.make(key, core, type)));
    }
    return kind;
  }

  /** How much a phrase means this kind, 0..1, by its name or by what it is for. `about`: the unit vector of the phrase's description. */
  match(phrase: Phrase, kind: Kind, about: Float32Array | undefined): KindMatch {
    let best = 0;
    let note = "";
    const take = (score: number, why: string): void => {
      if (score > best) [best, note] = [score, why];
    };
    const { head, name } = phrase;
    if (head !== undefined) {
      const full = name.join(" ");
      if (kind.names[0] === full || (!kind.shell && (kind.names.includes(full) || (name.length === 1 && kind.head === head)))) take(1, head);
      else if (kind.shell && (kind.names.includes(full) || kind.head === head)) take(SHELL, head);
      else if (kind.head === head) take(0.97, head);
      else if (kind.terms.has(head)) take(ELSEWHERE, head);
      if (synonyms.get(head)?.has(kind.head) === true) take(SYNONYM, `${kind.head} for ${head}`);
      else if (kind.typeNames.some((typed) => typed === full || typed === head)) take(TYPE, head);
      if (this.semantics !== undefined && best < 0.96) {
        const asked = namesOf(name);
        for (const named of [...kind.names, ...kind.typeNames.slice(-1)]) {
          const typed = kind.shell && named === kind.names[0] ? SHELL : kind.names.includes(named) ? (kind.shell ? SHELL : 1) : TYPE;
          asked.forEach((words, i) => take(this.semantics!.similarity(words, named) * typed * (i === 0 ? 1 : 0.94), `${named} for ${words}`));
        }
      }
    }
    if (head === undefined) for (const word of phrase.about) if (ENGLISH.sorts.has(word)) take(...this.ofSort(word, kind));
    if (about !== undefined && kind.vector !== undefined) {
      const like = cosine(about, kind.vector);
      if (like > MIN_COSINE)
        take(
          ((like - MIN_COSINE) / (1 - MIN_COSINE)) ** 0.7 * (phrase.generic || head === undefined ? DESCRIBED : HINTED),
          `${kind.names[0] ?? ""} by what it is`,
        );
    }
    return { score: best, note };
  }

  /** "Furniture" by what its type says, or by WordNet. */
  private ofSort(word: string, kind: Kind): [number, string] {
    if (kind.typeNames.includes(stem(word)) || kind.head === stem(word)) return [TYPE, word];
    const most = kind.names.reduce((top, named) => Math.max(top, this.semantics?.similarity(word, named) ?? 0), 0);
    return [most, `${kind.names[0] ?? ""}, a sort of ${word}`];
  }

  /** The vector of what the phrase names. */
  thing(phrase: Phrase): Float32Array | undefined {
    return this.semantics?.thing(phrase.name.join(" ")) ?? (phrase.head === undefined ? undefined : this.semantics?.thing(phrase.head));
  }
  /** What the phrase describes, for `match`. */
  describe(phrase: Phrase): Float32Array | undefined {
    return this.semantics?.describe([...phrase.about, ...(phrase.generic ? phrase.terms : phrase.terms.filter((term) => !/\d/.test(term)))]);
  }
  /** How much a room is what a phrase calls it: a corridor is a hallway. */
  roomLike(name: readonly string[], room: string): number {
    if (this.semantics === undefined || name.length === 0) return 0;
    let roomNames = this.rooms.get(room);
    if (roomNames === undefined) {
      if (this.rooms.size >= MAX_ROOMS) this.rooms.clear();
      this.rooms.set(room, (roomNames = namesOf(wordsOf(room).map(stem))));
    }
    let most = 0;
    for (const asked of namesOf(name)) for (const named of roomNames) most = Math.max(most, this.semantics.similarity(asked, named));
    return most;
  }
  get clever(): boolean {
    return this.semantics !== undefined;
  }
  knows(word: string): boolean {
    return this.semantics?.knows(word) === true;
  }

  private make(key: string, core: Core, type: string): Kind {
    const typeWords = wordsOf(type).map(stem);
    const words = core.words;
    // "window frame" is called window.
    const shell = words.length > 1 && SHELLS.has(words.at(-1) ?? "");
    const names = shell ? [words.join(" "), ...namesOf(words.slice(0, -1))] : namesOf(words);
    const head = shell ? (words.at(-2) ?? "") : (words.at(-1) ?? typeWords.at(-1) ?? "");
    const vector =
      names.map((name) => this.semantics?.thing(name)).find((found) => found !== undefined) ??
      this.semantics?.describe(words) ??
      this.semantics?.thing(typeWords.join(" "));
    return {
      key,
      terms: new Set([...words, ...core.rest, ...typeWords]),
      head,
      shell,
      names,
      typeNames: namesOf(typeWords).filter((name) => !SHELLS.has(name)),
      vector,
    };
  }
}

type Core = { readonly words: readonly string[]; readonly rest: readonly string[] };

/** The words that name a thing, and the rest of its label. */
function coreOf(label: string): Core {
  const first = label.split(":")[0] ?? "";
  const modelled = label.includes(":") || label.startsWith("M_");
  const part = modelled ? (first.replace(/^M_/, "").split(/\s-\s|-|\bw\b|\bwith\b/)[0] ?? "") : (first.split(/\bwith\b|\bof\b|\bfor\b|\(/)[0] ?? "");
  const plain = (text: string): string[] =>
    wordsOf(text)
      .filter((word) => !/^[\p{N}.]+$/u.test(word) && word.length > 1)
      .map(stem);
  const words = plain(part);
  const rest = plain(label).filter((word) => !words.includes(word));
  return words.length > 0 ? { words, rest } : { words: rest, rest: [] };
}

/** All of it, its last two words, its last word. */
function namesOf(words: readonly string[]): string[] {
  const names = [words.join(" ")];
  if (words.length > 2) names.push(words.slice(-2).join(" "));
  if (words.length > 1) names.push(words.at(-1) ?? "");
  return names.filter(Boolean);
}
