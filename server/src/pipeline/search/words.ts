/** Text to index terms: the same reading for labels, types, descriptions and queries. */

const MAX_TEXT = 4000;
const MAX_WORDS = 400;
const MAX_WORD = 40;

/**
 * Words of a text, lower case, in order, at most 400: `waterPump_2` and `WALL_FACE` fall apart at their joints, accents are dropped.
 * Never throws.
 */
export function wordsOf(text: string): string[] {
  const spaced = text
    .slice(0, MAX_TEXT)
    .normalize("NFKD")
    .replaceAll(/\p{Mn}+/gu, "")
    .replaceAll(/['’]s?\b/gu, "")
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase();
  const words: string[] = [];
  for (const [word] of spaced.matchAll(/[\p{L}\p{N}]+(?:\.\p{N}+)?/gu)) {
    if (words.length === MAX_WORDS) break;
    words.push(word.slice(0, MAX_WORD));
  }
  return words;
}

/** Plurals in -ves of words in -f or -fe; all others keep their e (`valves`, `stoves`). */
const F_PLURALS: ReadonlyMap<string, string> = new Map(
  Object.entries({ shelves: "shelf", bookshelves: "bookshelf", knives: "knife", leaves: "leaf", halves: "half", loaves: "loaf", scarves: "scarf" }),
);

/** Index term of a word: plurals fall together (`shelves`, `boxes`, `batteries`, `valves`), nothing more is guessed. */
export function stem(word: string): string {
  if (word.length < 4 || !word.endsWith("s") || /(?:ss|us|is)$/.test(word)) return word;
  const irregular = F_PLURALS.get(word);
  if (irregular !== undefined) return irregular;
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  return /(?:ss|x|ch|sh|zz)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
}

export const termsOf = (text: string): string[] => wordsOf(text).map(stem);

/** True when one insertion, deletion, substitution or swap of neighbours makes `a` into `b`. */
export function isOneEditAway(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let i = 0;
  while (i < short.length && short[i] === long[i]) i++;
  if (short.length < long.length) return short.slice(i) === long.slice(i + 1);
  if (short.slice(i + 1) === long.slice(i + 1)) return true;
  return short[i] === long[i + 1] && short[i + 1] === long[i] && short.slice(i + 2) === long.slice(i + 2);
}

/** Forms that no rule gives, of verbs that say what things are for. */
const IRREGULAR: ReadonlyMap<string, string> = new Map(
  (
    "sat sit|slept sleep|kept keep|lay lie|lying lie|hung hang|ate eat|eaten eat|drank drink|wrote write|written write|burnt burn|threw throw|thrown throw|" +
    "held hold|lit light|shone shine|worn wear|wore wear|told tell|seen see|saw see|taken take|given give|went go|gone go|blown blow|hidden hide|broken break|" +
    "driven drive|ridden ride|stood stand|left leave|made make|found find|heard hear|brought bring|bought buy|built build|dried dry|fried fry"
  )
    .split("|")
    .map((pair) => pair.split(" ") as [string, string]),
);

/** Dictionary forms a word may have, in the order to try them; as server/training/search/train_semantics.py does. */
export function* forms(word: string): Generator<string> {
  yield word;
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) yield irregular;
  yield stem(word);
  for (const tail of ["ing", "ed", "er"]) {
    if (!word.endsWith(tail) || word.length <= tail.length + 2) continue;
    const root = word.slice(0, -tail.length);
    yield root;
    yield `${root}e`;
    if (root.at(-1) === root.at(-2)) yield root.slice(0, -1);
  }
  if (word.endsWith("es")) yield word.slice(0, -2);
}
