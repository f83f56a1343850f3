/**
 * Is a mild insult aimed at somebody? "That door is stupid" is talk; "you stupid ..." is not. A few fixed shapes, no parsing:
 *
 *   you (are) [modifiers] X      you're [modifiers] X      ur/your a X      ur X (end)      X like you      what a X you are
 *
 * [LA1] Anything else between "you" and X, a negation above all, means not aimed: "you are not stupid", "you found the stupid key".
 */
import type { Token } from "./normalise.ts";

const words = (list: string): ReadonlySet<string> => new Set(list.split(" "));

const YOU = words("you u ya yall");
const YOU_ARE = words("youre ure yer");
const YOUR = words("ur your");
const COPULA = words("are r were");
const ARTICLE = words("a an");
const MODIFIERS = words(
  "a an the such so very really just fucking fckin freaking bloody damn goddamn total complete absolute utter little big fat all literally one pretty most dirty stupid dumb ugly filthy lazy worthless useless",
);
/** Also verbs: "can you trash it", "you creep along". After "you" they need the verb "are". */
const VERBS_TOO = words("trash garbage joke creep creeps clown clowns freak freaks cock dick");
const MAX_MODIFIERS = 3;

const reads = (token: Token | undefined, set: ReadonlySet<string>): boolean =>
  token !== undefined && token.readings.some((reading) => set.has(reading));

/** True when the word at `at`, itself `word`, is said of the person spoken to. */
export function isAimed(tokens: readonly Token[], at: number, word: string): boolean {
  if (reads(tokens[at + 1], words("like")) && reads(tokens[at + 2], YOU)) return true;
  if (reads(tokens[at + 1], YOU) && reads(tokens[at + 2], COPULA) && reads(tokens[at - 1], ARTICLE)) return true;

  let before = at - 1;
  let sawArticle = false;
  while (before >= 0 && at - before <= MAX_MODIFIERS && reads(tokens[before], MODIFIERS)) {
    sawArticle ||= reads(tokens[before], ARTICLE);
    before--;
  }
  const token = tokens[before];
  if (reads(token, YOU_ARE)) return true;
  if (reads(token, COPULA)) return reads(tokens[before - 1], YOU);
  if (reads(token, YOUR)) return sawArticle || (reads(token, words("ur")) && at === tokens.length - 1);
  return reads(token, YOU) && (sawArticle || !VERBS_TOO.has(word) || reads(tokens[before - 1], COPULA));
}
