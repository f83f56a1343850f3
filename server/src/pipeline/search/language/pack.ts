/**
 * What the query parser needs to know of a language. English is `english.ts`; another language is another value of this type.
 *
 * [LP1] A pack is data: expressions are words separated by spaces, lower case, without accents; the parser tries long ones first.
 */
export type RelationKind =
  | "near"
  | "closest"
  | "farthest"
  | "left"
  | "right"
  | "front"
  | "behind"
  | "above"
  | "below"
  | "on"
  | "in"
  | "between"
  | "with"
  | "corner"
  | "centre"
  | "wall"
  | "upstairs"
  | "downstairs"
  | "opposite";
/** What a thing is among those of its sort. `-est` words choose one, the others only prefer. */
export type SizeWord =
  | "big"
  | "small"
  | "biggest"
  | "smallest"
  | "tall"
  | "short"
  | "tallest"
  | "shortest"
  | "wide"
  | "narrow"
  | "widest"
  | "narrowest"
  | "highest"
  | "lowest"
  | "round"
  | "square"
  | "middle";
export type OrderKey = "left" | "right" | "top" | "bottom" | "front" | "back" | "size" | "distance";

export type LanguagePack = {
  readonly relations: readonly (readonly [RelationKind, readonly string[]])[];
  /** Said of the viewer whatever follows: "on my left". */
  readonly mine: readonly (readonly [RelationKind, readonly string[]])[];
  /** One among its sort: "leftmost", "on the far left". */
  readonly extremes: readonly (readonly [RelationKind, readonly string[]])[];
  readonly sizes: Readonly<Record<string, SizeWord>>;
  readonly colours: Readonly<Record<string, string>>;
  readonly ordinals: Readonly<Record<string, number>>;
  readonly numbers: Readonly<Record<string, number>>;
  /** "from the left" after an ordinal. */
  readonly orders: readonly (readonly [OrderKey, readonly string[]])[];
  readonly viewer: ReadonlySet<string>;
  /** Follow a superlative and open what it relates to: "the closest chair TO the door". */
  readonly link: ReadonlySet<string>;
  /** End the head of a noun phrase: "handle OF the pump". */
  readonly headEnd: ReadonlySet<string>;
  readonly determiners: ReadonlySet<string>;
  readonly negations: readonly string[];
  readonly counts: readonly string[];
  /** Open the viewer's stance: "when FACING the bed". */
  readonly facing: readonly string[];
  readonly standing: readonly string[];
  readonly backTo: readonly string[];
  /** First words of the above that say it of a thing where they follow one: "the lamp STANDING on the table". */
  readonly postures: ReadonlySet<string>;
  /** How a relation is said from the other end: the table that something is ON is UNDER it. */
  readonly turned: Readonly<Partial<Record<RelationKind, string>>>;
  /** Nouns that name nothing: what follows says what the thing is for. */
  readonly generic: ReadonlySet<string>;
  /** Those of them that name a wide sort all the same: "a piece of furniture". */
  readonly sorts: ReadonlySet<string>;
  /** Begin a clause that says what the thing is for: "something TO sit on". */
  readonly purpose: ReadonlySet<string>;
  readonly everywhere: readonly string[];
  readonly thisRoom: readonly string[];
  readonly conjunction: string;
  readonly stopwords: ReadonlySet<string>;
  /** Verbs that say only that something is somewhere; they mean something in "a thing to hang coats". */
  readonly fillers: ReadonlySet<string>;
  /** Words for the same kind of thing, known without any model: what the degraded search has. */
  readonly synonyms: readonly (readonly string[])[];
  readonly metres: ReadonlySet<string>;
};
