/**
 * From a message to the numbers the text model reads. The same steps stand in server/training/features.py; golden vectors hold them together.
 *
 * [TF1] Deterministic and identical in TypeScript and Python for every text of characters assigned in Unicode 14.
 * [TF2] Bounded: MAX_CHARACTERS are read, GRAMS n-grams per token, WINDOW tokens per window, MAX_WINDOWS windows. Never throws.
 *
 * A token has three word hashes (as written, with runs of a letter squeezed, and together with the word before) and up to GRAMS hashes of its
 * 3-, 4- and 5-grams.
 */
import { LOOKALIKES } from "../lexicon/confusables.ts";

export const BUCKETS = 1 << 16;
export const WORDS = 3;
const GRAMS = 21;
/** Ids per token: the word, the word squeezed, the word after the one before it, n-grams of its letters. */
export const ROW = WORDS + GRAMS;
/** Short, so that one line of abuse in a long message is not outweighed by the rest. */
export const WINDOW = 32;
const STRIDE = 24;
const MAX_WINDOWS = 24;
const MAX_CHARACTERS = 4000;
const MAX_TOKEN = 40;
const MIN_JOINED = 6;
const MAX_JOINED = 32;
const MAX_PIECE = 14;
/** Joined writing must be this likely per letter to be split. */
const MAX_COST_PER_LETTER = 9;

/** Word -> cost (4 x negative log probability, rounded): what joined writing is split into. */
export type Vocabulary = ReadonlyMap<string, number>;
export type Token = {
  /** As written. */
  readonly literal: string;
  /** With digits and signs read as letters. */
  readonly decoded: string;
};
/** Read as themselves, and nobody can write them: a word holds no angle brackets. */
const SHOUTING = "<caps>";
const NOTHING = "<empty>";

/** A message's tokens, and which of them stand together in a window. */
export type Reading<T> = {
  /** At least one. */
  readonly tokens: readonly T[];
  /** Where windows begin; each ends WINDOW tokens later, or with the message. */
  readonly starts: readonly number[];
  /** Part of the message was not read. */
  readonly truncated: boolean;
};

export type Windows = {
  /** One `Int32Array[tokens * ROW]` of hashes per window, 1..BUCKETS-1, rows filled up with 0; at least one window of one token. */
  readonly ids: readonly Int32Array[];
  /** Part of the message was not read. */
  readonly truncated: boolean;
};

const INVISIBLE = /\p{Cf}|\u{34f}|\u{115f}|\u{1160}|\u{3164}/gu;
const COMBINING = /\p{Mn}+/gu;
const APOSTROPHE = /['`´‘’ʼ]/gu;
const QUOTE = /[“”„«»]/gu;
const LEET: ReadonlyMap<string, string> = new Map(
  Object.entries({
    0: "o",
    1: "i",
    3: "e",
    4: "a",
    5: "s",
    6: "g",
    7: "t",
    8: "b",
    9: "g",
    "@": "a",
    $: "s",
    "!": "i",
    "|": "i",
    "+": "t",
    "€": "e",
    "£": "l",
  }),
);
/** Letters and digits of any script the table knows, without symbols and emoji, which are tokens of their own. */
const WORD = "a-z0-9\\u00aa-\\u1fff\\u3040-\\ud7ff\\uf900-\\ufdff";
const RUN = new RegExp(`[${WORD}@$!|+*#€£•·]+|[^\\x00-\\x20\\x7f-\\xa0\\u2028\\u2029_]`, "gu");
const SPELLED = new RegExp(`(?<![${WORD}@$!|*])[${WORD}@$!|](?:[ ._*,/\\-][${WORD}@$!|]){2,23}(?![${WORD}@$!|*])`, "gu");
const SEPARATORS = /[ ._*,/-]/gu;
const EMPHASIS = /^\*+(.*?)\*+$/u;
const HEAD = /^[!|+#•·]+/u;
const TAIL = /[!|+#@•·]+$/u;
const LONG_RUN = /(.)\1{2,}/gu;
const ANY_RUN = /(.)\1+/gu;
const LETTER = /[a-z\u00aa-\u1fff\u3040-\ud7ff\uf900-\ufdff]/u;
const ASCII = /^[ -~]*$/u;

/**
 * `read` gives the tokens of a run of signs without a space (`tokensOf`), and may remember them.
 */
export function readMessage<T extends Token>(text: string, read: (run: string) => readonly T[]): Reading<T> {
  const { head, truncated } = cut(text);
  const found = tokens(head, read);
  const all = found.length === 0 ? read(NOTHING) : found;
  if (all.length <= WINDOW) return { tokens: all, starts: [0], truncated };
  const starts = Array.from({ length: 1 + Math.ceil((all.length - WINDOW) / STRIDE) }, (_, i) => i * STRIDE);
  if (starts.length <= MAX_WINDOWS) return { tokens: all, starts, truncated };
  return { tokens: all, starts: [...starts.slice(0, MAX_WINDOWS / 2), ...starts.slice(-MAX_WINDOWS / 2)], truncated: true };
}

export function windows(text: string, vocabulary: Vocabulary): Windows {
  const { tokens, starts, truncated } = readMessage(text, (run) => tokensOf(run, vocabulary));
  const rows = new Int32Array(tokens.length * ROW);
  tokens.forEach((token, at) => {
    rows.set(tokenIds(token), at * ROW);
    rows[at * ROW + PAIR] = pairId(pairSeed(tokens[at - 1]), points(token.decoded));
  });
  return { ids: starts.map((start) => rows.subarray(start * ROW, (start + WINDOW) * ROW)), truncated };
}

/** The first MAX_CHARACTERS code points, without looking at the rest. */
function cut(text: string): { readonly head: string; readonly truncated: boolean } {
  if (text.length <= MAX_CHARACTERS) return { head: text.toWellFormed(), truncated: false };
  const points = [...text.slice(0, 2 * MAX_CHARACTERS).toWellFormed()];
  return { head: points.slice(0, MAX_CHARACTERS).join(""), truncated: points.length > MAX_CHARACTERS || text.length > 2 * MAX_CHARACTERS };
}

/** Plain lower case: NFKC, nothing invisible, no accents or zalgo, lookalike letters made Latin, no apostrophes. */
function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase().replace(APOSTROPHE, "");
  const plain = text.normalize("NFKC").toLowerCase().replace(INVISIBLE, "").normalize("NFD").replace(COMBINING, "");
  let folded = "";
  for (const character of plain) folded += LOOKALIKES.get(character) ?? character;
  return folded.replace(APOSTROPHE, "").replace(QUOTE, '"');
}

function isShouting(text: string): boolean {
  let upper = 0;
  let lower = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 65 && code <= 90) upper++;
    else if (code >= 97 && code <= 122) lower++;
  }
  return upper >= 6 && upper > 3 * lower;
}

/** The tokens of a text in order; the same token twice in a row counts once. */
function tokens<T extends Token>(text: string, read: (run: string) => readonly T[]): T[] {
  const folded = fold(text).replace(SPELLED, (spelled) => spelled.replace(SEPARATORS, ""));
  const found: T[] = [];
  const push = (token: T): void => {
    const last = found[found.length - 1];
    if (last === undefined || last.literal !== token.literal || last.decoded !== token.decoded) found.push(token);
  };
  if (isShouting(text)) for (const token of read(SHOUTING)) push(token);
  for (const run of folded.match(RUN) ?? []) for (const token of read(run)) push(token);
  return found;
}

export function tokensOf(run: string, vocabulary: Vocabulary): Token[] {
  if (run === SHOUTING || run === NOTHING) return [same(run)];
  const bare = run.replace(EMPHASIS, "$1").replace(HEAD, "").replace(TAIL, "");
  if (bare === "") return [same([...run][0] ?? "")];
  const made: Token[] = [];
  if (HEAD.exec(run)?.[0].includes("!") === true) made.push(same("!"));
  const word = bare.length <= MAX_TOKEN ? bare : [...bare].slice(0, MAX_TOKEN).join("");
  const decoded = (LETTER.test(word) ? decode(word) : word).replace(LONG_RUN, "$1$1");
  const pieces = splitJoined(decoded, vocabulary);
  if (pieces === undefined) made.push({ literal: word.replace(LONG_RUN, "$1$1"), decoded });
  else made.push(...pieces.map(same));
  if (run.endsWith("!")) made.push(same("!"));
  return made;
}

const same = (word: string): Token => ({ literal: word, decoded: word });

function decode(word: string): string {
  let decoded = "";
  for (const character of word) decoded += LEET.get(character) ?? character;
  return decoded;
}

/** The cheapest way to read `word` as several words of the vocabulary; undefined when it is one. Pieces of one letter are only a and i. */
function splitJoined(word: string, vocabulary: Vocabulary): string[] | undefined {
  if (word.length < MIN_JOINED || vocabulary.has(word)) return undefined;
  const letters = [...word];
  const length = letters.length;
  if (length < MIN_JOINED || length > MAX_JOINED) return undefined;
  const costs = new Float64Array(length + 1).fill(2 ** 30);
  const froms = new Int32Array(length + 1).fill(-1);
  costs[0] = 0;
  for (let end = 1; end <= length; end++) {
    for (let start = Math.max(0, end - MAX_PIECE); start < end; start++) {
      const piece = word.length === length ? word.slice(start, end) : letters.slice(start, end).join("");
      const cost = vocabulary.get(piece);
      if (cost === undefined || (end - start === 1 && piece !== "a" && piece !== "i")) continue;
      const total = (costs[start] ?? 0) + cost;
      if (total >= (costs[end] ?? 0)) continue;
      costs[end] = total;
      froms[end] = start;
    }
  }
  if ((costs[length] ?? 0) > MAX_COST_PER_LETTER * length) return undefined;
  const pieces: string[] = [];
  for (let end = length; end > 0; end = froms[end] ?? 0) pieces.unshift(letters.slice(froms[end], end).join(""));
  return pieces.length === 1 ? undefined : pieces;
}

/** Where in its row a token's id with the word before it stands. */
const PAIR = 2;

/** WORDS word ids, then the 3-, 4- and 5-grams of the framed word, filled up with zeros; PAIR's place is empty. Masked words (f*ck) keep their stars. */
export function tokenIds({ literal, decoded }: Token): Int32Array {
  const row = new Int32Array(ROW);
  row[0] = hash(1, points(literal));
  row[1] = hash(2, points(decoded.replace(ANY_RUN, "$1")));
  const framed = points(`<${decoded}>`);
  let at = WORDS;
  for (let n = 3; n <= 5; n++) {
    for (let i = 0; i + n <= framed.length && at < ROW; i++) row[at++] = hash(n, framed, i, i + n);
  }
  return row;
}

/** What `pairId` needs of the token before; undefined where there is none. */
export const pairSeed = (before: Token | undefined): number => mixIn(start(6), points(`${before?.decoded ?? ""} `));
/** The id of a token (its `decoded` as code points) after the one `seed` was made from. */
export const pairId = (seed: number, decoded: readonly number[]): number => finish(mixIn(seed, decoded));

export function points(text: string): number[] {
  const list: number[] = [];
  for (const character of text) list.push(character.codePointAt(0) ?? 0);
  return list;
}

/** FNV-1a over code points, mixed, 1..BUCKETS-1: row 0 is padding. */
const hash = (kind: number, list: readonly number[], from?: number, to?: number): number => finish(mixIn(start(kind), list, from, to));
const start = (kind: number): number => Math.imul(0x811c9dc5 ^ kind, 0x01000193);

function mixIn(state: number, list: readonly number[], from = 0, to = list.length): number {
  let h = state;
  for (let i = from; i < to; i++) h = Math.imul(h ^ (list[i] ?? 0), 0x01000193);
  return h;
}

function finish(state: number): number {
  let h = state;
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 13;
  return 1 + ((h >>> 0) % (BUCKETS - 1));
}
