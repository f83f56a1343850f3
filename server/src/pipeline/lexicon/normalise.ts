/**
 * From what somebody typed to the words they meant: every token of a text with the readings it may have.
 *
 * [LN1] A plain word has exactly one reading, itself, so ordinary text cannot become something else by being normalised.
 * [LN2] Work is linear in the text: readings per token and tokens per text are bounded.
 * [LN3] Never throws, whatever the string holds (lone surrogates, zalgo, a thousand combining marks).
 */
import { LEET, LOOKALIKES, MASKS } from "./confusables.ts";

export type Token = {
  /** Readings without masks, most literal first; at least one unless the token is masked. */
  readonly readings: readonly string[];
  /** The token with `*` for every masked letter, when it has any (`f*ck`). */
  readonly masked: string | undefined;
};

const MAX_CHARACTERS = 1200;
const MAX_READINGS = 16;
/** Longer runs of non-spaces are not words; the longest German compound of a chat is shorter. */
const MAX_TOKEN = 48;
/** Spelling out: at least this many single letters in a row. Initials such as `U S A` are harmless: only listed words match. */
const MIN_SPELLED = 3;
const MAX_SPELLED = 24;

const COMBINING = /\p{Mn}+/gu;
/** Format characters (zero-width, bidi, soft hyphen), the grapheme joiner and the Hangul fillers. */
const INVISIBLE = /\p{Cf}|\u{34f}|\u{115f}|\u{1160}|\u{3164}/gu;
const LETTER = /\p{L}/u;
/** Apostrophes of any shape disappear, so that `you're` and `youre` are the same word. */
const APOSTROPHE = /['`´‘’ʼ]/g;

/** Plain lower-case text: NFKC, no invisible characters, no accents or zalgo, lookalike letters made Latin. */
export function foldText(text: string): string {
  const plain = text.slice(0, MAX_CHARACTERS).normalize("NFKC").toLowerCase().replace(INVISIBLE, "").normalize("NFD").replace(COMBINING, "");
  let folded = "";
  for (const character of plain) folded += LOOKALIKES.get(character) ?? character;
  return folded.replace(APOSTROPHE, "");
}

/** The tokens of `text` in order, spelled-out words put together. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let letters: string[] = [];
  const flush = (): void => {
    if (letters.length >= MIN_SPELLED && 2 * letters.filter((letter) => LETTER.test(letter)).length > letters.length)
      tokens.push({ readings: expandLeet(letters.join("")), masked: undefined });
    else for (const letter of letters) tokens.push(plainToken(letter));
    letters = [];
  };
  // A wide gap ends a spelled-out word: "k y s  n o w".
  for (const stretch of foldText(text).split(/\s{2,}/u)) {
    for (const piece of pieces(stretch)) {
      if (piece.length === 1) {
        letters.push(piece);
        if (letters.length === MAX_SPELLED) flush();
        continue;
      }
      flush();
      tokens.push(readToken(piece));
    }
    flush();
  }
  return tokens;
}

const plainToken = (word: string): Token => ({ readings: [word], masked: undefined });

/**
 * Runs of letters, digits and signs that may be letters. A sign counts only between word characters or at the start of
 * a word (`sh!t`, `$lut`), so punctuation ends words (`shit!`); `a$$` keeps its tail because it is no punctuation, and
 * `*so*` is emphasis, not a masked word.
 */
function* pieces(folded: string): Generator<string> {
  for (const run of folded.split(/[^\p{L}\p{N}@$!|+€£*#•·]+/u)) {
    const word = run
      .replace(/^\*+(.*?)\*+$/u, "$1")
      .replace(/^[!|+#•·]+(?![\p{L}\p{N}])/u, "")
      .replace(/[!|+#@•·]+$/u, "");
    if (word.length > 0 && word.length <= MAX_TOKEN) yield word;
  }
}

function readToken(piece: string): Token {
  const characters = [...piece];
  if (!characters.some((character) => LETTER.test(character))) return plainToken(piece);
  if (characters.some((character) => MASKS.has(character))) {
    const masked = characters.map((character) => (MASKS.has(character) ? "*" : (LEET.get(character)?.[0] ?? character))).join("");
    return { readings: [], masked };
  }
  const readings = new Set<string>();
  for (const spelling of expandLeet(piece)) for (const reading of shortenRuns(spelling)) if (readings.size < MAX_READINGS) readings.add(reading);
  return { readings: [...readings], masked: undefined };
}

/** Every spelling with signs and digits read as letters, the literal one first [LN2]. */
function expandLeet(word: string): string[] {
  const characters = [...word];
  if (!characters.some((character) => LEET.has(character)) || !characters.some((character) => LETTER.test(character))) return [word];
  let spellings = [""];
  for (const character of characters) {
    const letters = LEET.get(character) ?? [character];
    const next: string[] = [];
    for (const spelling of spellings) for (const letter of letters) if (next.length < MAX_READINGS) next.push(spelling + letter);
    spellings = next;
  }
  return [word, ...spellings];
}

/** `fuuuuck` may mean one or two of the letter. Runs of two are real English and stay (`rapping` is not `raping`) [LN1]. */
function shortenRuns(word: string): string[] {
  if (!/(.)\1\1/u.test(word)) return [word];
  let readings = [""];
  for (const [run] of word.matchAll(/(.)\1*/gu)) {
    const letter = [...run][0] ?? "";
    const choices = run.length >= 3 * letter.length ? [letter, letter + letter] : [run];
    readings = readings.flatMap((head) => choices.map((tail) => head + tail)).slice(0, MAX_READINGS);
  }
  return readings;
}
