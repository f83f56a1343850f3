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
const WORDS = 3;
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
/** As written, and with digits and signs read as letters. */
type Token = readonly [literal: string, decoded: string];

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

export function windows(text: string, vocabulary: Vocabulary): Windows {
  const { head, truncated } = cut(text);
  const found = tokens(head, vocabulary);
  const all = found.length === 0 ? [["<empty>", "<empty>"] as const] : found;
  const rows = new Int32Array(all.length * ROW);
  all.forEach((token, at) => writeIds(token, all[at - 1]?.[1] ?? "", rows.subarray(at * ROW, (at + 1) * ROW)));
  const count = all.length <= WINDOW ? 1 : 1 + Math.ceil((all.length - WINDOW) / STRIDE);
  const starts = Array.from({ length: count }, (_, i) => i * STRIDE);
  const kept = count > MAX_WINDOWS ? [...starts.slice(0, MAX_WINDOWS / 2), ...starts.slice(-MAX_WINDOWS / 2)] : starts;
  return { ids: kept.map((start) => rows.subarray(start * ROW, (start + WINDOW) * ROW)), truncated: truncated || kept.length < count };
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
export function tokens(text: string, vocabulary: Vocabulary): Token[] {
  const folded = fold(text).replace(SPELLED, (spelled) => spelled.replace(SEPARATORS, ""));
  const found: Token[] = isShouting(text) ? [["<caps>", "<caps>"]] : [];
  const push = (literal: string, decoded: string): void => {
    const last = found[found.length - 1];
    if (last === undefined || last[0] !== literal || last[1] !== decoded) found.push([literal, decoded]);
  };
  for (const [run] of folded.matchAll(RUN)) {
    const bare = run.replace(EMPHASIS, "$1").replace(HEAD, "").replace(TAIL, "");
    if (bare === "") {
      const [sign = ""] = run;
      push(sign, sign);
      continue;
    }
    if (HEAD.exec(run)?.[0].includes("!") === true) push("!", "!");
    const word = bare.length <= MAX_TOKEN ? bare : [...bare].slice(0, MAX_TOKEN).join("");
    const decoded = (LETTER.test(word) ? decode(word) : word).replace(LONG_RUN, "$1$1");
    const pieces = splitJoined(decoded, vocabulary);
    if (pieces === undefined) push(word.replace(LONG_RUN, "$1$1"), decoded);
    else for (const piece of pieces) push(piece, piece);
    if (run.endsWith("!")) push("!", "!");
  }
  return found;
}

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

/** WORDS word ids, then the 3-, 4- and 5-grams of the framed word, into a row of zeros. Masked words (f*ck) keep their stars. */
function writeIds(token: Token, before: string, row: Int32Array): void {
  row.set(idsOf(token));
  row[2] = hash(6, points(`${before} ${token[1]}`));
}

/** People use the same words again and again: their rows are kept, up to CACHED of them, and then all forgotten. */
const CACHED = 4096;
const cache = new Map<string, Int32Array>();

/** A token's row without the id that depends on the word before. */
function idsOf([literal, decoded]: Token): Int32Array {
  // No token holds a space.
  const key = `${literal} ${decoded}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const row = new Int32Array(ROW);
  row[0] = hash(1, points(literal));
  row[1] = hash(2, points(decoded.replace(ANY_RUN, "$1")));
  const framed = points(`<${decoded}>`);
  let at = WORDS;
  for (let n = 3; n <= 5; n++) {
    for (let i = 0; i + n <= framed.length && at < ROW; i++) row[at++] = hash(n, framed, i, i + n);
  }
  if (cache.size >= CACHED) cache.clear();
  cache.set(key, row);
  return row;
}

function points(text: string): number[] {
  const list: number[] = [];
  for (const character of text) list.push(character.codePointAt(0) ?? 0);
  return list;
}

/** FNV-1a over code points, mixed, 1..BUCKETS-1: row 0 is padding. */
function hash(kind: number, list: readonly number[], from = 0, to = list.length): number {
  let h = Math.imul(0x811c9dc5 ^ kind, 0x01000193);
  for (let i = from; i < to; i++) h = Math.imul(h ^ (list[i] ?? 0), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 13;
  return 1 + ((h >>> 0) % (BUCKETS - 1));
}
