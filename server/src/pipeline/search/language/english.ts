/** English for the query parser (pack.ts). */
import type { LanguagePack } from "./pack.ts";

const words = (list: string): readonly string[] => list.split("|");
const set = (list: string): ReadonlySet<string> => new Set(list.split("|"));
const table = <T>(...groups: readonly (readonly [T, string])[]): Record<string, T> =>
  Object.fromEntries(groups.flatMap(([value, list]) => list.split("|").map((word) => [word, value])));

/** "to the left of" and its like, for both sides. */
const sided = (side: string): readonly string[] =>
  words(
    `to the ${side} hand side of|on the ${side} hand side of|to the ${side} side of|on the ${side} side of|at the ${side} side of|to the ${side} of|on the ${side} of|at the ${side} of|on ${side} of|on the ${side} end of|at the ${side} end of|${side} end of|${side} side of|${side} hand side of|${side} of|to the immediate ${side} of|immediately ${side} of|directly ${side} of|immediately to the ${side} of|directly to the ${side} of|just ${side} of|to its ${side}|on the ${side} hand side|on the ${side} hand|on ${side} hand side|on the ${side} side|to the ${side} side|${side} hand side|to the ${side}|on the ${side}|at the ${side}|in the ${side}|on ${side} side|${side} side|${side}`,
  );
const my = (side: string): readonly string[] =>
  words(
    `on my ${side} hand side|to my ${side} hand side|on my ${side} side|to my ${side} side|on my ${side} hand|at my ${side} hand|on my ${side}|to my ${side}|at my ${side}|${side} of me|on your ${side} side|on your ${side}|to your ${side}|${side} of you|to the ${side} of me|on the ${side} of me|my ${side} side|my ${side}|your ${side}`,
  );
const most = (side: string): readonly string[] =>
  words(
    `furthest to the ${side}|farthest to the ${side}|all the way to the ${side}|all the way on the ${side}|on the far ${side}|to the far ${side}|furthest on the ${side}|farthest on the ${side}|furthest ${side}|farthest ${side}|far ${side}|most to the ${side}|farther to the ${side}|further to the ${side}|more to the ${side}|${side}most|${side} most|extreme ${side}|very ${side}|last on the ${side}|first on the ${side}|last one on the ${side}`,
  );

export const ENGLISH: LanguagePack = {
  relations: [
    ["left", sided("left")],
    ["right", sided("right")],
    [
      "front",
      words(
        "directly in front of|right in front of|just in front of|in front of|in the front of|at the front of|straight ahead of|ahead of|facing toward|in front|up front|in the front",
      ),
    ],
    [
      "behind",
      words(
        "directly behind|right behind|just behind|at the back of|in the back of|in back of|at the rear of|on the other side of|on the far side of|to the rear of|behind|in the back|at the back",
      ),
    ],
    [
      "above",
      words(
        "directly above|right above|just above|higher up than|higher than|hanging above|hanging over|hung above|hung over|mounted above|mounted over|over the top of|above|over|atop of",
      ),
    ],
    [
      "below",
      words(
        "directly below|directly under|directly underneath|directly beneath|right under|right below|just below|just under|lower than|underneath|beneath|below|under",
      ),
    ],
    [
      "on",
      words(
        "directly on top of|right on top of|lying on|laying on|standing on|sitting on|sitting on top of|sits on|sits on top of|lies on|stands on|placed on|resting on|rests on|mounted on|hanging on|hangs on|hung on|hanging from|attached to|fixed to|on top of|on the top of|upon|atop|on",
      ),
    ],
    ["in", words("on the inside of|inside of|inside|within|located in|placed in|built into|that belongs to|belonging to|in")],
    [
      "closest",
      words(
        "the closest to|the nearest to|that is closest to|closest to|nearest to|most near to|closer to|nearer to|closest by|closest|nearest|closer|nearer",
      ),
    ],
    [
      "farthest",
      words(
        "farthest away from|furthest away from|most distant from|farther away from|further away from|farthest from|furthest from|farther from|further from|far away from|away from|far from|farthest|furthest|farther|further|most distant",
      ),
    ],
    [
      "near",
      words(
        "right next to|directly next to|just next to|immediately next to|next to|close to|near to|right beside|directly beside|right by|near by|close by|nearby|near|beside|besides|adjacent to|alongside|along side of|in the vicinity of|touching|against|leaning on|leaning against|up against|surrounding|around|at the foot of|at the head of|at the side of|at the end of|on the side of|at the edge of|along|at|by",
      ),
    ],
    [
      "opposite",
      words(
        "opposite of|opposite from|opposite to|opposite|directly across from|across from|on the opposite side of|across the room from|facing across",
      ),
    ],
    ["between", words("sandwiched between|in between of|in between|between|in the middle of the two|amid|among|amongst")],
    [
      "with",
      words("that has|which has|that have|that holds|that is holding|holding|having|has|with|containing|that contains|that supports|supporting"),
    ],
    [
      "corner",
      words(
        "in the far corner of the room|in the corner of the room|at the corner of the room|in the room s corner|in the corner|at the corner|in a corner|cornered",
      ),
    ],
    [
      "centre",
      words(
        "in the middle of the room|in the center of the room|in the centre of the room|at the center of the room|in the room s center|middle of the room|center of the room|centre of the room",
      ),
    ],
    ["wall", words("against the wall|along the wall|up against the wall|by the wall|against a wall")],
    ["upstairs", words("on the second floor|on the upper floor|on the top floor|on the first floor up|on the upper level|on level 2|upstairs")],
    ["downstairs", words("on the ground floor|on the lower floor|on the lower level|on level 1|downstairs")],
  ],
  mine: [
    ["left", my("left")],
    ["right", my("right")],
    [
      "front",
      words(
        "in front of me|in front of you|in front of us|straight ahead of me|directly ahead of me|right ahead of me|ahead of me|straight ahead|right ahead|dead ahead|before me|ahead|right in front of me|directly in front of me",
      ),
    ],
    ["behind", words("behind me|behind my back|behind you|behind us|at my back|in my back|to my rear")],
    ["above", words("above me|over me|above my head|over my head")],
    ["near", words("near me|next to me|beside me|by me|around me|close to me|near by me|close by me|near us|nearby|close by|near here|around here")],
    [
      "closest",
      words("closest to me|nearest to me|nearest me|closest to where i am|nearest to where i stand|closest to us|closest by me|closest to here"),
    ],
    [
      "farthest",
      words(
        "farthest from me|furthest from me|farthest away from me|furthest away from me|far from me|far away from me|furthest away|farthest away|far away",
      ),
    ],
  ],
  extremes: [
    ["left", most("left")],
    ["right", most("right")],
  ],
  sizes: table(
    ["big", "big|large|huge|giant|massive|long"],
    ["small", "small|little|tiny|mini|compact"],
    ["biggest", "biggest|largest|bigger|larger|longest|longer|hugest"],
    ["smallest", "smallest|tiniest|smaller|littlest"],
    ["tall", "tall"],
    ["short", "short"],
    ["tallest", "tallest|taller"],
    ["shortest", "shortest|shorter"],
    ["wide", "wide|broad"],
    ["narrow", "narrow|thin|slim|skinny"],
    ["widest", "widest|wider|broadest"],
    ["narrowest", "narrowest|narrower|thinnest|thinner"],
    ["highest", "highest|higher|topmost|uppermost|upper|high|top"],
    ["lowest", "lowest|lower|bottommost|bottom|low"],
    ["round", "round|circular"],
    ["square", "square"],
    ["middle", "middle|center|centre|central"],
  ),
  colours: table(
    ["red", "red|crimson|scarlet|maroon|burgundy|reddish|redish"],
    ["orange", "orange|amber"],
    ["brown", "brown|tan|beige|brownish|chestnut|khaki"],
    ["yellow", "yellow|gold|golden|yellowish"],
    ["green", "green|lime|olive|greenish"],
    ["cyan", "cyan|teal|turquoise"],
    ["blue", "blue|navy|azure|bluish"],
    ["purple", "purple|violet|indigo|lavender"],
    ["pink", "pink|magenta|rose"],
    ["white", "white|ivory|whitish|cream"],
    ["grey", "gray|grey|silver|greyish|grayish"],
    ["black", "black|dark|blackish"],
  ),
  ordinals: table(
    [1, "first|1st"],
    [2, "second|2nd"],
    [3, "third|3rd"],
    [4, "fourth|4th"],
    [5, "fifth|5th"],
    [6, "sixth|6th"],
    [7, "seventh|7th"],
    [8, "eighth|8th"],
    [-1, "last"],
  ),
  numbers: table([2, "two|2|pair|both"], [3, "three|3"], [4, "four|4"], [5, "five|5"], [6, "six|6"], [7, "seven|7"], [8, "eight|8"]),
  orders: [
    [
      "left",
      words(
        "counting from the left|starting from the left|from the left side|from left to right|from the left|from left|in from the left|to the left|on the left",
      ),
    ],
    [
      "right",
      words(
        "counting from the right|starting from the right|from the right side|from right to left|from the right|from right|in from the right|to the right|on the right",
      ),
    ],
    ["top", words("from the top|from top|from above")],
    ["bottom", words("from the bottom|from bottom|from below")],
    ["front", words("from the front|from front")],
    ["back", words("from the back|from back")],
  ],
  viewer: set("me|us|myself|my|mine|here|you|i|your|yourself"),
  link: set("to|from"),
  headEnd: set("of|for|that|which|without|where|who|whose"),
  determiners: set("the|a|an|this|that|these|those|my|your|its|their|his|her|some|any|another|each|every"),
  negations: words("is not|are not|isn t|aren t|not|isnt|arent|doesn t|does not|without|no|never|other than|except for|except"),
  counts: words("how many|number of|the number of|count of|count the|count all|count all the|count how many|count"),
  facing: words(
    "when you are facing|when you re facing|if you are facing|if you re facing|while you are facing|when i am facing|when i face|when you face|if you face|as you face|you are facing|you re facing|i m facing|i am facing|when facing|if facing|while facing|facing towards|facing toward|facing at|facing|when you are looking at|when you look at|if you look at|if you are looking at|as you look at|when looking at|if looking at|while looking at|looking towards|looking toward|looking at|looking straight at|from the perspective of facing|with a view of",
  ),
  standing: words(
    "when you stand at|when i stand at|when standing at|when standing in front of|standing in front of|if you stand at|if you are standing at|standing at|standing by|standing next to|standing near|standing on|standing in|when seated at|seated at|seated on|when sitting at|when sitting on|sitting at|if you sit on|when entering through|entering through|entering from|when entering from|coming in through|coming in from|walking in through|when you walk in through|when you enter through|if you enter from|from the viewpoint of|from the perspective of|as seen from|seen from|viewed from",
  ),
  backTo: words(
    "with your back to|with my back to|with your back towards|with your back against|with back to|your back to|your back is to|back against",
  ),
  postures: set("standing|sitting|seated|looking|facing"),
  turned: {
    on: "under",
    in: "with",
    above: "under",
    below: "above",
    front: "behind",
    behind: "in front of",
    left: "right of",
    right: "left of",
    near: "near",
    opposite: "opposite",
  },
  generic: set(
    "something|anything|thing|things|place|somewhere|gadget|device|object|item|stuff|machine|appliance|what|tool|equipment|furniture|spot|piece|one|ones|surface|apparatus|area",
  ),
  sorts: set("gadget|device|machine|appliance|tool|equipment|furniture|apparatus"),
  purpose: set("to|that|which|where|for|how|what|who|used|i|we|you|people|it|can"),
  everywhere: words("in the scene|in this scene|in this space|in the space|in the picture|in the image|on the map|in this world|in here|around here"),
  thisRoom: words("in this room|in the room|in the same room|in this place"),
  conjunction: "and",
  stopwords: set(
    "everything|everybody|a|an|the|this|that|these|those|is|are|am|be|was|were|it|its|there|one|ones|thing|things|object|objects|something|anything|some|any|find|show|give|get|go|where|what|which|who|whose|look|looking|search|please|can|could|do|does|did|to|from|of|and|or|with|without|for|located|placed|placing|lies|lying|stands|standing|sits|sitting|want|need|needs|see|i|me|my|you|your|we|us|our|here|s|all|side|hand|than|as|has|have|having|if|when|while|choose|select|pick|correct|should|would|will|how|item|one|also|just|only|both|each|their|they|them|set|not|no|two|row|group|pair|t|re|m|let|locate|point|directly|right|straight|one|being|same|other|another|so|out|up|many|but|then|most|very|more|really|s",
  ),
  fillers: set(
    "hanging|hangs|hang|hung|mounted|going|located|leading|leads|lead|standing|sitting|placed|resting|attached|called|named|labelled|labeled|closer|looks|like",
  ),
  synonyms: [
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
  ],
  metres: set("m|metre|metres|meter|meters"),
};
