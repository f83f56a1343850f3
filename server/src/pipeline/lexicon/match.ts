/**
 * Finds listed words and phrases in a tokenised text.
 *
 * [LM1] A word matches as a whole, in any reading of its token; a masked token (`f*ck`) matches a listed word of the same
 *       length that agrees in the first letter and in all that is shown, at most half of it hidden.
 * [LM2] Work per token is a few hash look-ups; masked tokens scan the words of their length.
 */
import { isAimed } from "./aim.ts";
import { tokenize, type Token } from "./normalise.ts";
import { type Category, ENTRIES, type Entry, PHRASES, type Severity } from "./words.ts";

export type Finding = { readonly category: Category; readonly severity: Severity };

type Step = { readonly words: ReadonlySet<string>; readonly optional: boolean };
type CompiledPhrase = Finding & { readonly steps: readonly Step[] };

/** Right before a phrase they take it back (words.ts, Phrase). */
const UNDOES_PHRASE: ReadonlySet<string> = new Set(["the", "dont", "not", "never", "wont", "didnt", "doesnt", "cant", "shouldnt"]);

const byWord = new Map<string, Entry>();
const byLength = new Map<number, string[]>();
for (const entry of ENTRIES) {
  for (const word of entry.words) {
    byWord.set(word, entry);
    const same = byLength.get(word.length) ?? [];
    same.push(word);
    byLength.set(word.length, same);
  }
}
const stems = ENTRIES.filter((entry) => entry.anywhere === true);

const phrasesByFirst = new Map<string, CompiledPhrase[]>();
for (const { category, severity, pattern } of PHRASES) {
  const steps = pattern.split(" ").map((part) => ({ words: new Set(part.replaceAll(/[()]/g, "").split("/")), optional: part.startsWith("(") }));
  for (const word of steps[0]?.words ?? []) {
    const same = phrasesByFirst.get(word) ?? [];
    same.push({ category, severity, steps });
    phrasesByFirst.set(word, same);
  }
}

/** Everything found in `text`, in order of appearance; a mild insult that is aimed is reported as severity 2. */
export function findAll(text: string): Finding[] {
  const tokens = tokenize(text);
  const findings: Finding[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const word = wordAt(tokens, at);
    if (word !== undefined) findings.push(word);
    const phrase = phraseAt(tokens, at);
    if (phrase !== undefined) findings.push(phrase);
  }
  return findings;
}

function wordAt(tokens: readonly Token[], at: number): Finding | undefined {
  const token = tokens[at];
  if (token === undefined) return undefined;
  let worst: Finding | undefined;
  const consider = (entry: Entry, word: string): void => {
    if (isExcused(entry, tokens, at)) return;
    const severity = entry.severity === 1 && entry.category === "insult" && isAimed(tokens, at, word) ? 2 : entry.severity;
    if (worst === undefined || severity > worst.severity) worst = { category: entry.category, severity };
  };
  for (const reading of token.readings) {
    const entry = byWord.get(reading);
    if (entry !== undefined) consider(entry, reading);
    for (const stem of stems) if (stem.words.some((word) => reading.includes(word))) consider(stem, reading);
  }
  if (token.masked !== undefined) {
    const word = unmask(token.masked);
    const entry = word === undefined ? undefined : byWord.get(word);
    if (entry !== undefined && word !== undefined) consider(entry, word);
  }
  return worst;
}

/** The first listed word that fits what a masked token shows, worst words first in the list's own order. */
function unmask(masked: string): string | undefined {
  const hidden = masked.split("*").length - 1;
  if (masked.startsWith("*") || 2 * hidden > masked.length) return undefined;
  return byLength.get(masked.length)?.find((word) => [...masked].every((letter, i) => letter === "*" || letter === word[i]));
}

function isExcused(entry: Entry, tokens: readonly Token[], at: number): boolean {
  const near = (token: Token | undefined, words: readonly string[] | undefined): boolean =>
    words !== undefined && token !== undefined && token.readings.some((reading) => words.includes(reading));
  return near(tokens[at - 1], entry.unless?.before) || near(tokens[at + 1], entry.unless?.after);
}

function phraseAt(tokens: readonly Token[], at: number): Finding | undefined {
  if (tokens[at - 1]?.readings.some((reading) => UNDOES_PHRASE.has(reading)) === true) return undefined;
  let worst: Finding | undefined;
  for (const reading of readingsOf(tokens[at])) {
    for (const phrase of phrasesByFirst.get(reading) ?? []) {
      if ((worst === undefined || phrase.severity > worst.severity) && follows(tokens, at + 1, phrase.steps, 1)) worst = phrase;
    }
  }
  return worst === undefined ? undefined : { category: worst.category, severity: worst.severity };
}

/** Whether steps from `step` on match the tokens from `at` on; optional steps are tried both ways (at most 2^4 paths). */
function follows(tokens: readonly Token[], at: number, steps: readonly Step[], step: number): boolean {
  const wanted = steps[step];
  if (wanted === undefined) return true;
  if (readingsOf(tokens[at]).some((reading) => wanted.words.has(reading)) && follows(tokens, at + 1, steps, step + 1)) return true;
  return wanted.optional && follows(tokens, at, steps, step + 1);
}

/** Words of a token for phrases: its readings, or the listed word behind a mask. */
function readingsOf(token: Token | undefined): readonly string[] {
  if (token === undefined) return [];
  if (token.masked === undefined) return token.readings;
  const word = unmask(token.masked);
  return word === undefined ? [] : [word];
}
