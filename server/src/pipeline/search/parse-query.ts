/**
 * "the red valve near the pump, left of me" -> target phrase, attributes, relations, stance. A scan with tables, no grammar:
 *
 * [PQ1] What stands before the first relation is the target; each relation opens the phrase it relates to. A relation without a phrase of
 *       its own, or with "me", is said of the viewer.
 * [PQ2] Superlatives and sides may stand in front ("the nearest chair", "left lamp"); "to" and "from" then open their phrase.
 * [PQ3] Any string gives some query; length is bounded by the words read.
 * [PQ4] A relation belongs to what stands before it or to the target ("either"); after a comma or "and" to the target alone.
 * [PQ5] "something to sit on", "where can I ...": the words say what the thing is for; a preposition left over at their end relates nothing.
 * [PQ6] "not the red one", "chairs except the broken one": a negation before a noun phrase excludes it; what the target then leaves out it
 *       takes from what is excluded.
 * [PQ7] "the table the dog is under" is said as "the table above the dog".
 */
import { ENGLISH } from "./language/english.ts";
import { type Expression, Expressions } from "./language/expressions.ts";
import type { LanguagePack, OrderKey, RelationKind } from "./language/pack.ts";
import { type Phrase, PhraseBuilder } from "./phrase.ts";
import { wordsOf } from "./words.ts";

export type { Phrase } from "./phrase.ts";
export type Relation = {
  readonly kind: RelationKind | "order";
  /** "viewer": said of whoever asks. "none": a side or place by itself ("on the left", "in the corner"). */
  readonly anchors: readonly Phrase[] | "viewer" | "none";
  readonly negated: boolean;
  readonly attach: "target" | "either";
  /** Which one along the order: 1 the first, -1 the last. */
  readonly nth: number;
  readonly key: OrderKey | undefined;
  /** Chooses one among its sort, as "leftmost" does. */
  readonly extreme: boolean;
};
export type Stance = { readonly facing: Phrase | undefined; readonly at: Phrase | undefined; readonly backTo: Phrase | undefined };
export type Query = {
  readonly target: Phrase;
  /** What is not meant [PQ6]. */
  readonly except: readonly Phrase[];
  readonly relations: readonly Relation[];
  /** "within 3 m": distance from the viewer in metres. */
  readonly withinM: number | undefined;
  /** "how many". */
  readonly counting: boolean;
  readonly thisRoom: boolean;
  readonly stance: Stance | undefined;
};

const MAX_QUERY_WORDS = 64;
const MAX_RELATIONS = 6;
const BREAK = ",";
const PREFIXABLE: ReadonlySet<string> = new Set<RelationKind>(["closest", "farthest", "left", "right", "front", "behind"]);
/** Complete without a phrase of their own. */
const ALONE: ReadonlySet<string> = new Set<RelationKind>(["corner", "centre", "wall", "upstairs", "downstairs"]);
const SIDES: ReadonlySet<string> = new Set<RelationKind>(["left", "right", "front", "behind"]);
const PRONOUNS: ReadonlySet<string> = new Set(["it", "them", "top", "itself"]);
const ASKING: ReadonlySet<string> = new Set(["where", "what", "how"]);
const COPULA: ReadonlySet<string> = new Set(["is", "are", "s", "was", "were"]);
const CHOOSING: ReadonlySet<string> = new Set(["choose", "select", "pick", "find", "locate"]);

type OpenRelation = {
  kind: RelationKind | "order";
  anchors: PhraseBuilder[];
  mine: boolean;
  negated: boolean;
  attach: "target" | "either";
  nth: number;
  key: OrderKey | undefined;
  extreme: boolean;
};

const PACKS = new WeakMap<LanguagePack, Expressions>();
const expressionsOf = (pack: LanguagePack): Expressions => {
  let expressions = PACKS.get(pack);
  if (expressions === undefined) PACKS.set(pack, (expressions = new Expressions(pack)));
  return expressions;
};

/** Parses one query of at most 64 words; the rest is ignored. */
export function parseQuery(text: string, pack: LanguagePack = ENGLISH): Query {
  return new Parser(tokensOf(text), pack).parse();
}

/** Words, with "," where a clause ends. A capital A that is not the first word is an identifier and comes as "A". */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  for (const clause of text
    .slice(0, 2000)
    .replaceAll(/(\w)['’](re|m|ve|ll|d)\b/gi, "$1 $2")
    .split(/[,;.?!:()]+(?:\s|$)/)) {
    if (tokens.length > 0 && tokens.at(-1) !== BREAK) tokens.push(BREAK);
    const capitalA = clause.split(/\s+/).map((word, i) => i > 0 && word === "A");
    const words = wordsOf(clause);
    let seen = 0;
    const marks = capitalA.filter(Boolean).length;
    for (const word of words)
      tokens.push(word === "a" && marks > 0 && clause.split(/\s+/).filter((w) => w.toLowerCase() === "a")[seen++] === "A" ? "A" : word);
    if (tokens.length >= MAX_QUERY_WORDS) break;
  }
  while (tokens.at(-1) === BREAK) tokens.pop();
  return tokens.slice(0, MAX_QUERY_WORDS);
}

class Parser {
  private words: string[];
  private readonly pack: LanguagePack;
  private readonly expressions: Expressions;
  private readonly target: PhraseBuilder;
  private current: PhraseBuilder;
  private readonly except: PhraseBuilder[] = [];
  /** What is excluded was said before anything else. */
  private other = false;
  private readonly relations: OpenRelation[] = [];
  private pending: OpenRelation | undefined;
  private ordinal: { n: number; word: string } | undefined;
  private negated = false;
  private toTarget = true;
  private purpose = false;
  private counting = false;
  private thisRoom = false;
  private withinM: number | undefined;
  private stance: { facing: Phrase | undefined; at: Phrase | undefined; backTo: Phrase | undefined } | undefined;

  constructor(words: string[], pack: LanguagePack) {
    this.words = words;
    this.pack = pack;
    this.expressions = expressionsOf(pack);
    this.target = new PhraseBuilder(pack);
    this.current = this.target;
  }

  parse(): Query {
    this.takeStances();
    this.chooseClause();
    this.turnRelative();
    this.openAsking();
    for (let at = 0; at < this.words.length;) at += this.step(at);
    if (this.ordinal !== undefined) this.target.add(this.ordinal.word, true);
    const except = this.except.filter((phrase) => !phrase.empty).map((phrase) => phrase.finish());
    const target = this.target.finish();
    // "Not the red armchair, the other one": another armchair.
    const excluded = except.find(({ head }) => head !== undefined);
    const meant = this.other && target.head === undefined && excluded !== undefined ? sortOf(excluded, target) : target;
    const relations = this.relations.map((relation) => this.close(relation, meant));
    const { counting, thisRoom, withinM, stance } = this;
    return { target: meant, except, relations, withinM, counting, thisRoom, stance };
  }

  /** [PQ7]: a noun, then "the" and another, then a copula and a preposition that the clause ends with. */
  private turnRelative(): void {
    const { words, pack } = this;
    const last = words.indexOf(BREAK) < 0 ? words.length : words.indexOf(BREAK);
    for (let at = 2; at < last; at++) {
      const found = this.expressions.at(words, at, ({ role }) => role === "relation");
      if (found === undefined || at + found.words.length !== last || found.role !== "relation") continue;
      const turned = pack.turned[found.kind];
      let copula = at - 1;
      while (copula > 0 && !COPULA.has(words[copula] ?? "") && pack.fillers.has(words[copula] ?? "")) copula--;
      const other = words.findLastIndex((word, i) => i > 0 && i < copula && pack.determiners.has(word));
      const before = words[other - 1] ?? "";
      const plain = words
        .slice(0, copula)
        .every((_, i) => this.expressions.at(words, i, ({ role }) => role === "relation" || role === "mine") === undefined);
      if (turned === undefined || !COPULA.has(words[copula] ?? "") || other < 1 || copula - other < 2 || !plain) return;
      if ((pack.stopwords.has(before) && !pack.headEnd.has(before)) || pack.determiners.has(before) || (other === 1 && ASKING.has(before))) return;
      words.splice(other, last - other, ...turned.split(" "), ...words.slice(other, copula));
      return;
    }
  }

  /** "When facing the bed, ..." says where the viewer stands; it is taken out of the sentence. */
  private takeStances(): void {
    const roles = { facing: "facing", standing: "at", backTo: "backTo" } as const;
    for (let at = 0; at < this.words.length; at++) {
      const found = this.expressions.at(this.words, at, ({ role }) => role in roles);
      if (found === undefined || !(found.role in roles)) continue;
      // "the chair facing the window", "the lamp that is standing on the table" say it of the thing.
      const bare = found.words.length === 1 || this.pack.postures.has(found.words[0] ?? "");
      if (bare && at > 0 && this.words[at - 1] !== BREAK && !this.pack.viewer.has(this.words[at - 1] ?? "") && this.words[at - 1] !== "and") continue;
      const phrase = new PhraseBuilder(this.pack);
      let end = at + found.words.length;
      while (end < this.words.length && !this.endsNounPhrase(end, phrase)) phrase.add(this.words[end++] ?? "");
      this.stance ??= { facing: undefined, at: undefined, backTo: undefined };
      if (!phrase.empty) this.stance[roles[found.role as keyof typeof roles]] = phrase.finish();
      this.words.splice(at, end - at, BREAK);
    }
    while (this.words[0] === BREAK) this.words.shift();
  }

  private endsNounPhrase(at: number, phrase: PhraseBuilder): boolean {
    const word = this.words[at] ?? "";
    if (word === BREAK || word === this.pack.conjunction) return true;
    if (phrase.named && (this.pack.determiners.has(word) || COPULA.has(word) || this.pack.viewer.has(word) || CHOOSING.has(word))) return true;
    return (
      !phrase.empty &&
      word !== "of" &&
      this.expressions.at(this.words, at, ({ role }) => role === "relation" || role === "mine" || role === "extreme") !== undefined
    );
  }

  /** "There are two beds. Choose the one by the door": the clause with the choice is the query, and it goes first. */
  private chooseClause(): void {
    const at = this.words.findIndex((word, i) => i > 1 && this.words[i - 1] === BREAK && CHOOSING.has(word));
    if (at < 0) return;
    const rest = this.words.slice(at);
    // A choice that names nothing itself ("the one by the door") keeps what was introduced.
    const names = rest.some(
      (word) =>
        !this.pack.stopwords.has(word) &&
        !this.pack.generic.has(word) &&
        this.expressions.at(rest, rest.indexOf(word)) === undefined &&
        !Object.hasOwn(this.pack.sizes, word),
    );
    if (names) this.words = [...rest, BREAK, ...this.words.slice(0, at - 1)].slice(0, MAX_QUERY_WORDS);
    if (names) this.words.length = rest.length;
  }

  /** "where can I ...", "what tells ...", "how do I ...": nothing is named [PQ5]. */
  private openAsking(): void {
    const [first = "", second = ""] = this.words;
    const count = this.expressions.at(this.words, 0, ({ role }) => role === "count");
    if (count !== undefined) {
      this.counting = true;
      this.words.splice(0, count.words.length);
    } else if (
      ASKING.has(first) &&
      second !== "" &&
      !COPULA.has(second) &&
      this.expressions.at(this.words, 1) === undefined &&
      !this.isNoun(second, first)
    ) {
      this.target.generic = true;
      this.purpose = true;
    }
  }

  /** "what chair ...": a noun follows the question word. Verbs and auxiliaries are not told apart by a table; the common ones are stopwords. */
  private isNoun(word: string, asked: string): boolean {
    return asked === "what" && !this.pack.stopwords.has(word) && !/(?:s|ing|ed)$/.test(word) && !this.pack.purpose.has(word);
  }

  /** Reads what is at `at`, and says how many words it was. */
  private step(at: number): number {
    const { words, pack } = this;
    const word = words[at] ?? "";
    if (word === BREAK) return this.clauseEnds();
    const metres = metresAt(words, at, pack);
    if (metres !== undefined) {
      this.withinM = metres.value;
      return metres.words;
    }
    const found = this.expressions.at(words, at);
    if (found !== undefined) {
      const used = this.take(found, at);
      if (used > 0) return used;
    }
    if (Object.hasOwn(pack.ordinals, word) && this.ordinal === undefined) {
      this.ordinal = { n: pack.ordinals[word] ?? 1, word };
      return 1;
    }
    if (this.ordinal !== undefined && word === "from" && this.target.named && this.current === this.target) {
      // "The third valve from the pump".
      this.open({ kind: "closest", nth: this.ordinal.n }, true);
      this.ordinal = undefined;
      return 1;
    }
    if (this.pending !== undefined && !this.current.empty && pack.link.has(word)) {
      this.current = new PhraseBuilder(pack);
      this.pending.anchors.push(this.current);
      this.pending = undefined;
      this.purpose = false;
      return 1;
    }
    if (word === pack.conjunction) return this.conjoin(at);
    if (
      this.target.empty &&
      this.current !== this.target &&
      !this.current.empty &&
      (word === "there" || (this.current.named && pack.determiners.has(word)))
    )
      this.current = this.target;
    if (
      this.current === this.target &&
      this.target.generic &&
      !this.target.named &&
      pack.purpose.has(word) &&
      !this.purpose &&
      !COPULA.has(words[at + 1] ?? "")
    )
      this.purpose = true;
    if (this.purpose && this.current === this.target) this.target.addAbout(word);
    else if (word === "A" || (word === "a" && this.followsNoun(at))) this.current.add("a", true);
    else this.current.add(word.toLowerCase());
    return 1;
  }

  /** An article does not follow a noun: the A of "unit a panelboard" is a name. */
  private followsNoun(at: number): boolean {
    const before = this.words[at - 1] ?? "";
    return (
      this.current.named &&
      before !== BREAK &&
      !this.pack.stopwords.has(before) &&
      /^(?:unit|flat|apartment|panel|panelboard|block|building|house|room|zone|section|wing|part)$/.test(before)
    );
  }

  private clauseEnds(): number {
    this.toTarget = true;
    this.pending = undefined;
    if (this.target.empty || this.current !== this.target) this.current = this.target;
    this.target.endHead();
    return 1;
  }

  private conjoin(at: number): number {
    const last = this.relations.at(-1);
    const next = this.words[at + 1] ?? "";
    if (last?.kind === "between" && last.anchors.length === 1 && !last.anchors[0]!.empty) {
      this.current = new PhraseBuilder(this.pack);
      last.anchors.push(this.current);
    } else if (
      last !== undefined &&
      last.anchors.length > 0 &&
      this.current !== this.target &&
      this.pack.determiners.has(next) &&
      this.relations.length < MAX_RELATIONS
    ) {
      this.toTarget = true;
      this.open({ ...last, anchors: [] }, true);
    } else {
      this.toTarget = true;
    }
    return 1;
  }

  /** Takes an expression; 0 when it is none here. */
  private take(found: Expression, at: number): number {
    const length = found.words.length;
    switch (found.role) {
      case "everywhere":
        return length;
      case "thisRoom":
        this.thisRoom = true;
        return length;
      case "negation":
        this.negated = true;
        if (found.words[0] === "without" && this.target.named) this.open({ kind: "with" }, true);
        else if (this.pack.determiners.has(this.words[at + length] ?? "") && this.except.length < MAX_RELATIONS) this.exclude();
        return length;
      case "count":
        return 0;
      case "order":
        return this.takeOrder(found.key, length);
      case "facing":
      case "standing":
      case "backTo":
        return this.takeRelation("near", at, length, "relation");
      default:
        return this.takeRelation(found.kind, at, length, found.role);
    }
  }

  /** [PQ6] */
  private exclude(): void {
    this.pending = undefined;
    this.toTarget = true;
    this.other ||= this.target.empty;
    this.target.endHead();
    this.current = new PhraseBuilder(this.pack);
    this.except.push(this.current);
  }

  private takeOrder(key: OrderKey, length: number): number {
    if (this.ordinal === undefined) return 0;
    this.open({ kind: "order", key, nth: this.ordinal.n, extreme: true }, false);
    this.ordinal = undefined;
    return length;
  }

  private takeRelation(kind: RelationKind, at: number, length: number, role: "relation" | "mine" | "extreme"): number {
    const { words, pack } = this;
    const next = words[at + length] ?? BREAK;
    if (this.relations.length >= MAX_RELATIONS) return 0;
    if (PRONOUNS.has(next) && role === "relation") return length + 1;
    const ends = next === BREAK || next === pack.conjunction || this.expressions.at(words, at + length, ({ role: r }) => r !== "count") !== undefined;
    const nth = this.ordinal;
    const chosen = nth !== undefined && (kind === "left" || kind === "right" || kind === "closest" || kind === "farthest");
    if (role === "extreme" || role === "mine") {
      this.open({ kind, extreme: role === "extreme", mine: role === "mine", nth: chosen ? nth.n : 1, key: undefined }, false);
      if (chosen) this.ordinal = undefined;
      if (role === "extreme" && chosen) this.relations.at(-1)!.nth = 1;
      return length;
    }
    if (ALONE.has(kind)) {
      this.open({ kind }, false);
      return length;
    }
    // [PQ5]: "to sit on", "to put my coffee on by the window".
    if (this.purpose && this.current === this.target && (ends || !this.relatesNoun(at + length))) return ends ? length : 0;
    if (PREFIXABLE.has(kind) && this.current.empty && !this.purpose) {
      this.open({ kind, nth: chosen ? nth.n : 1 }, false);
      if (chosen) this.ordinal = undefined;
      this.pending = this.relations.at(-1);
      if (kind !== "closest" && kind !== "farthest" && pack.determiners.has(next)) {
        this.open(this.relations.pop()!, true);
        this.pending = undefined;
      }
      return length;
    }
    if (SIDES.has(kind) && ends && words[at + length - 1] !== "of") {
      // The last on the right is the first from the right.
      this.open({ kind, nth: chosen && nth.n > 0 ? nth.n : 1, extreme: chosen }, false);
      if (chosen) this.ordinal = undefined;
      return length;
    }
    if (ends && kind !== "closest" && kind !== "farthest")
      return kind === "with" || kind === "on" || kind === "in" ? length : (this.open({ kind }, false), length);
    if (SIDES.has(kind) && words[at + length - 1] !== "of" && length > 1 && !pack.determiners.has(next) && (kind === "left" || kind === "right")) {
      // "on the right wall": the right one of what it is at.
      this.open({ kind: "near" }, true);
      this.relations.push({ kind, anchors: [], mine: false, negated: false, attach: "either", nth: 1, key: undefined, extreme: false });
      return length;
    }
    this.open({ kind, nth: chosen ? nth.n : 1 }, !(ends && (kind === "closest" || kind === "farthest")));
    if (chosen) this.ordinal = undefined;
    return length;
  }

  /** What follows is a noun phrase with an article, or names the viewer: a real relation inside a clause of purpose. */
  private relatesNoun(at: number): boolean {
    const word = this.words[at] ?? "";
    return (word === "the" || word === "this" || word === "that" || word === "me") && !this.pack.generic.has(this.words[at + 1] ?? "");
  }

  private open(relation: Partial<OpenRelation> & { kind: OpenRelation["kind"] }, withAnchor: boolean): void {
    // "Not a valve beside the bench" negates the valve, "not the one beside the bench" the bench.
    if (this.except.at(-1) === this.current && !this.current.empty) this.negated = false;
    const opened: OpenRelation = {
      mine: false,
      nth: 1,
      key: undefined,
      extreme: false,
      ...relation,
      anchors: [],
      negated: this.negated,
      attach: this.toTarget || this.relations.length === 0 ? "target" : "either",
    };
    this.negated = false;
    this.toTarget = false;
    this.pending = undefined;
    this.relations.push(opened);
    this.target.endHead();
    if (!withAnchor) return;
    this.purpose = false;
    this.current = new PhraseBuilder(this.pack);
    opened.anchors.push(this.current);
  }

  private close({ kind, anchors, mine, negated, attach, nth, key, extreme }: OpenRelation, target: Phrase): Relation {
    // "Between the other two": of the same sort.
    const same = kind === "between" && anchors.length === 1 && anchors[0]!.empty && anchors[0]!.count !== undefined && !anchors[0]!.viewer;
    if (same) return { kind, anchors: [sortOf(target)], negated, attach, nth, key, extreme };
    const named = anchors.filter((anchor) => !anchor.empty);
    const viewer = mine || anchors.some((anchor) => anchor.viewer && anchor.empty);
    const alone = SIDES.has(kind) || ALONE.has(kind) || kind === "order";
    return {
      kind,
      anchors: named.length > 0 ? named.map((anchor) => anchor.finish()) : viewer || !alone ? "viewer" : "none",
      negated,
      attach,
      nth,
      key,
      extreme,
    };
  }
}

/** What a phrase names, without which one it is; with what `also` says of it. */
function sortOf({ terms, head, name, generic, about }: Phrase, also?: Phrase): Phrase {
  return { terms, head, name, generic, about, colours: also?.colours ?? [], sizes: also?.sizes ?? [], count: also?.count };
}

/** "within 3 m", "closer than 2 metres" and how many words they are. */
function metresAt(words: readonly string[], at: number, pack: LanguagePack): { value: number; words: number } | undefined {
  const start = words[at] === "within" ? 1 : words[at] === "closer" && words[at + 1] === "than" ? 2 : 0;
  if (start === 0) return undefined;
  const joined = /^(\d+(?:\.\d+)?)(m|metres?|meters?)?$/.exec(words[at + start] ?? "");
  const value = Number(joined?.[1]);
  if (joined === null || !Number.isFinite(value) || value <= 0) return undefined;
  const unit = joined[2] === undefined && pack.metres.has(words[at + start + 1] ?? "") ? 1 : 0;
  return joined[2] === undefined && unit === 0 ? undefined : { value, words: start + 1 + unit };
}
