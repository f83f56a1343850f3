/**
 * Characters that pass for Latin letters, and characters that are typed instead of them.
 *
 * Only what NFKC and the removal of combining marks leave over is listed (fullwidth, mathematical and circled letters are NFKC's work).
 * Source for lookalikes: Unicode Technical Standard 39, confusables.txt, reduced to letters of living keyboards.
 */

/** One lookalike letter -> the Latin letter it is drawn like (after lower-casing). */
export const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // Cyrillic
    а: "a",
    в: "b",
    с: "c",
    ԁ: "d",
    е: "e",
    ё: "e",
    һ: "h",
    н: "h",
    і: "i",
    ї: "i",
    ј: "j",
    к: "k",
    ӏ: "l",
    м: "m",
    п: "n",
    о: "o",
    р: "p",
    ԛ: "q",
    г: "r",
    ѕ: "s",
    т: "t",
    ц: "u",
    ѵ: "v",
    ԝ: "w",
    х: "x",
    у: "y",
    // Greek
    α: "a",
    β: "b",
    ε: "e",
    η: "n",
    ι: "i",
    κ: "k",
    ν: "v",
    ο: "o",
    ρ: "p",
    σ: "o",
    τ: "t",
    υ: "u",
    χ: "x",
    // Latin letters with strokes and small capitals, which decomposition leaves alone
    ı: "i",
    ł: "l",
    ø: "o",
    đ: "d",
    ħ: "h",
    ŧ: "t",
    ʀ: "r",
    ɑ: "a",
    ɡ: "g",
    ɪ: "i",
    ɴ: "n",
    ʟ: "l",
    ᴀ: "a",
    ᴄ: "c",
    ᴅ: "d",
    ᴇ: "e",
    ᴋ: "k",
    ᴍ: "m",
    ᴏ: "o",
    ᴘ: "p",
    ᴛ: "t",
    ᴜ: "u",
    ꜰ: "f",
    ꜱ: "s",
  }),
);

/**
 * A digit or sign inside a word -> the letters it may stand for. Used only in tokens that hold at least one letter, so
 * numbers stay numbers; a character with two readings makes two candidates.
 */
export const LEET: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "0": ["o"],
    "1": ["i", "l"],
    "3": ["e"],
    "4": ["a"],
    "5": ["s"],
    "6": ["g"],
    "7": ["t"],
    "8": ["b"],
    "9": ["g"],
    "@": ["a"],
    $: ["s"],
    "!": ["i"],
    "|": ["i", "l"],
    "+": ["t"],
    "€": ["e"],
    "£": ["l"],
  }),
);

/** Typed in place of one letter to hide it: matches any single letter. */
export const MASKS: ReadonlySet<string> = new Set(["*", "#", "•", "·"]);
