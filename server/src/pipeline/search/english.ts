/**
 * English, as the query parser needs it: a language pack is this one table in another language.
 * Multi-word expressions are written with spaces; the parser tries long ones first.
 */
export type RelationKind = "near" | "closest" | "farthest" | "left" | "right" | "front" | "behind" | "above" | "below" | "on" | "in" | "between";
export type SizeWord = "big" | "small" | "biggest" | "smallest" | "highest" | "lowest";

const words = (list: string): readonly string[] => list.split("|");

export const RELATIONS: readonly (readonly [RelationKind, readonly string[]])[] = [
  [
    "left",
    words(
      "to the left side of|on the left side of|to the left of|on the left of|on left of|left side of|left of|on the left hand side|on the left side|to the left|on the left|on my left|to my left|at my left|leftmost|left",
    ),
  ],
  [
    "right",
    words(
      "to the right side of|on the right side of|to the right of|on the right of|on right of|right side of|right of|on the right hand side|on the right side|to the right|on the right|on my right|to my right|at my right|rightmost|right",
    ),
  ],
  ["front", words("in front of|straight ahead of|ahead of|in front|straight ahead|ahead")],
  ["behind", words("at the back of|in back of|behind")],
  ["above", words("higher up than|higher than|above|over")],
  ["below", words("lower than|underneath|beneath|below|under")],
  ["on", words("lying on|standing on|sitting on|hanging on|on top of|on the top of|upon|on")],
  ["in", words("on the inside of|inside of|inside|within|in")],
  ["closest", words("the closest to|the nearest to|closest to|nearest to|closest|nearest")],
  ["farthest", words("farthest away from|furthest away from|farthest from|furthest from|far away from|far from|farthest|furthest")],
  ["near", words("right next to|next to|close to|near to|near by|nearby|near|beside|besides|adjacent to|alongside|at|by|around")],
  ["between", words("in between|between")],
];

export const SIZES: Readonly<Record<string, SizeWord>> = {
  big: "big",
  large: "big",
  huge: "big",
  tall: "big",
  wide: "big",
  long: "big",
  small: "small",
  little: "small",
  tiny: "small",
  short: "small",
  biggest: "biggest",
  largest: "biggest",
  tallest: "biggest",
  widest: "biggest",
  smallest: "smallest",
  tiniest: "smallest",
  shortest: "smallest",
  highest: "highest",
  topmost: "highest",
  lowest: "lowest",
  bottommost: "lowest",
};

/** Whoever asks. */
export const VIEWER: ReadonlySet<string> = new Set(words("me|us|myself|my|mine|here|you|i"));
/** Start what follows a superlative: "the closest chair TO the door". */
export const SUPERLATIVE_LINK: ReadonlySet<string> = new Set(["to", "from"]);
/** End the head of a noun phrase: "handle OF the pump", "lamp WITH a shade". */
export const HEAD_END: ReadonlySet<string> = new Set(words("of|with|for|that|which|without"));
/** Places that mean the whole scene; they say nothing. */
export const EVERYWHERE: readonly string[] = words("in this room|in the room|in this space|in the scene|in this scene|in here|around here");
export const CONJUNCTION = "and";

export const STOPWORDS: ReadonlySet<string> = new Set(
  words(
    "a|an|the|this|that|these|those|is|are|am|be|was|were|it|its|there|one|ones|thing|things|object|objects|something|anything|some|any|find|show|give|get|go|where|what|which|who|whose|find|look|looking|search|please|can|could|do|does|to|from|of|and|or|with|without|for|located|placed|placing|lies|lying|stands|standing|sits|sitting|want|need|see|i|me|my|you|your|we|us|our|here|s|all|side|hand",
  ),
);

/** Words for the same kind of thing. Small on purpose: what everyday rooms hold. */
const SYNONYMS: readonly (readonly string[])[] = [
  words("sofa|couch|settee"),
  words("tv|television|telly"),
  words("screen|monitor|display"),
  words("lamp|light|luminaire"),
  words("fridge|refrigerator"),
  words("stove|cooker|oven|range"),
  words("desk|table"),
  words("chair|seat|stool|armchair"),
  words("cupboard|cabinet|closet|wardrobe"),
  words("shelf|shelving|bookcase|bookshelf"),
  words("picture|painting|photo|poster|art"),
  words("rug|carpet|mat"),
  words("bin|trashcan|wastebasket"),
  words("plant|flower"),
  words("tap|faucet"),
  words("sink|basin|lavatory"),
  words("toilet|wc|commode"),
  words("bath|bathtub|tub"),
  words("curtain|drape|blind"),
  words("computer|pc|laptop"),
  words("phone|telephone"),
  words("cup|mug"),
  words("socket|outlet|receptacle"),
  words("pillow|cushion"),
  words("stair|stairs|staircase|steps"),
  words("box|crate|container"),
  words("ball|sphere"),
  words("cube|block"),
  words("sign|label|note"),
];

const bySynonym = new Map<string, readonly string[]>();
for (const group of SYNONYMS) for (const word of group) bySynonym.set(word, group);

/** Other words for the same thing, without the word itself. */
export const synonymsOf = (word: string): readonly string[] => (bySynonym.get(word) ?? []).filter((other) => other !== word);
