/**
 * The word list, English, written for this project. READ THIS FIRST: the file holds slurs and obscenities, because that is what it has to recognise.
 *
 * [LW1] An entry is a whole word in all its forms, spelled out. Nothing matches inside another word except the few stems marked
 *       `anywhere`, which no ordinary English word contains (so Scunthorpe, shiitake, assassin, snigger and grape pass).
 * [LW2] Names of people and groups (gay, trans, black, jew, muslim, disabled, ...) are never entries, and neither are words for bodies and
 *       illness that people need to talk about their health (breast, vagina, suicide, rape as a subject).
 * [LW3] Severity says what the word does alone: 1 rude but common, shown unless aimed at somebody; 2 degrading or sexual, hidden; 3 slurs and
 *       threats, hidden. A word that has a decent everyday meaning is 1 however bad its other meaning is.
 * [LW4] `unless`: the neighbours that make it the decent meaning (`chink in the wall`, `maine coon`).
 *
 * It knows words, not intentions: quotation, reclaimed use, irony, negation beyond one word and new spellings are beyond it. A model decides those.
 */
export type Category = "profanity" | "insult" | "slur" | "sexual" | "threat";
export type Severity = 1 | 2 | 3;
export type Entry = {
  readonly category: Category;
  readonly severity: Severity;
  /** Every form, lower case, ASCII. */
  readonly words: readonly string[];
  /** Matches inside longer words too [LW1]. */
  readonly anywhere?: true;
  readonly unless?: { readonly before?: readonly string[]; readonly after?: readonly string[] };
};
/**
 * Words that together mean more than each alone: `a/b` are alternatives, `(a/b)` may be missing. The first word may not.
 * A phrase right after a negation (`please don't kill yourself`) or after "the" (`where the fuck you been`) does not count.
 */
export type Phrase = { readonly category: Category; readonly severity: Severity; readonly pattern: string };

/** The words of a text block. */
const list = (words: string): readonly string[] => words.split(/\s+/).filter(Boolean);

export const ENTRIES: readonly Entry[] = [
  // Said at a dropped cup as often as to a person: shown, unless a phrase below aims it.
  { category: "profanity", severity: 1, anywhere: true, words: ["fuck"] },
  {
    category: "profanity",
    severity: 1,
    words:
      list(`fuk fuking fukin fck fcking fuq phuck fkn shit shits shitty shite shitting bullshit horseshit crap crappy damn goddamn hell bloody bugger
      piss pissed ass arse asses arses bollocks wtf stfu gtfo`),
  },

  // Insults people throw in jest: only when aimed (aim.ts).
  {
    category: "insult",
    severity: 1,
    words:
      list(`idiot idiots idiotic moron morons moronic stupid dumb dumbo imbecile imbeciles loser losers clown clowns trash garbage scum pathetic worthless useless
      ugly fat creep creeps weirdo weirdos nazi nazis psycho freak freaks coward cowards cretin brainless halfwit dimwit joke disgrace disgusting dick dicks cock cocks
      prick pricks pussy pussies tit tits homo homos gimp spastic cripple vermin bastard bastards inbred`),
  },
  {
    category: "insult",
    severity: 2,
    words:
      list(`asshole assholes arsehole arseholes asshat asshats assclown dumbass dumbasses jackass jackasses fatass lardass dipshit dipshits shithead shitheads
      shitface shitbag shitbags dickhead dickheads dickface douche douches douchebag douchebags bitch bitches biatch bitchy wanker wankers tosser tossers bellend
      bellends twat twats cunt cunts cunty knobhead knobheads scumbag scumbags cocksucker cocksuckers motherfucker motherfuckers motherfucking fucktard fucktards
      fuckwit fuckwits fuckface fuckyou fucku fuckoff subhuman subhumans libtard libtards`),
  },
  {
    category: "insult",
    severity: 2,
    words: list("retard retards retarded retardo tard tards"),
    // Engineers retard sparks, flames and motion.
    unless: { after: list("spark ignition flame flames fire growth motion timing corrosion") },
  },

  { category: "slur", severity: 3, anywhere: true, words: ["faggot"] },
  {
    category: "slur",
    severity: 3,
    words:
      list(`nigger niggers nigga niggas nigguh negroid sandnigger kike kikes wetback wetbacks beaner beaners raghead ragheads towelhead towelheads paki pakis
      gook gooks zipperhead zipperheads darkie darkies jigaboo jigaboos porchmonkey porchmonkeys shitskin shitskins mudslime mudslimes tranny trannies shemale
      shemales faggy lesbo lesbos poofter poofters mongoloid mongoloids pikey pikeys gypo gypos`),
  },
  {
    category: "slur",
    severity: 2,
    words: list("fag fags"),
    unless: { before: list("smoke smoking buy buying"), after: list("packet packets ash break end ends butt butts") },
  },
  { category: "slur", severity: 3, words: list("coon coons"), unless: { before: list("maine"), after: list("cat cats rapids") } },
  {
    category: "slur",
    severity: 3,
    words: list("chink chinks"),
    unless: { before: list("small tiny narrow"), after: list("in of between") },
  },
  { category: "slur", severity: 3, words: list("spic spics"), unless: { after: list("and") } },

  {
    category: "sexual",
    severity: 2,
    words:
      list(`porn porno pornhub blowjob blowjobs handjob handjobs rimjob deepthroat gangbang gangbangs bukkake cumshot cumshots creampie milf milfs hentai dildo dildos
      buttplug fleshlight titties titfuck slut sluts slutty whore whores whorish skank skanks cumslut cumdump jizz jerkoff jackoff wank wanking fap fapping masturbate
      masturbating orgy orgies pedo pedos paedo paedos childporn upskirt dickpic dickpics sexting camgirl fellatio cunnilingus`),
  },
  { category: "sexual", severity: 2, words: list("cums cumming") },
  {
    category: "sexual",
    severity: 1,
    words: list("cum sex sexy horny boobs boob boobies penis vagina anal nude nudes naked erection boner orgasm kinky fetish"),
  },

  { category: "threat", severity: 3, words: list("kys killyourself") },
];

export const PHRASES: readonly Phrase[] = [
  { category: "threat", severity: 3, pattern: "kill/hang/neck yourself/urself/yourselves" },
  { category: "threat", severity: 3, pattern: "go (and) die" },
  { category: "threat", severity: 3, pattern: "hope/wish you/u (all/both) (get/got) raped/shot/killed/cancer" },
  { category: "threat", severity: 3, pattern: "hope/wish you/u (all/both) die/died/suffer" },
  {
    category: "threat",
    severity: 3,
    pattern: "ill/im/imma/ima/gonna/will/want (gonna/going) (to) (fucking/literally/really) rape/murder/stab/strangle/behead/kill/hurt you/u/ya",
  },
  { category: "threat", severity: 3, pattern: "rape/murder/kill your/ur (whole/entire) family/mother/mom/mum/kids/children/sister/wife/daughter" },
  { category: "threat", severity: 3, pattern: "i know where you/u live/sleep" },
  { category: "threat", severity: 3, pattern: "you/u/youre (are) (all) gonna/going (to) die tonight/soon" },
  { category: "threat", severity: 3, pattern: "you/u (all) should/deserve (to) (be/get) die/raped/killed/shot/hanged/lynched" },
  { category: "threat", severity: 3, pattern: "should/must (all) be gassed/lynched" },
  {
    category: "threat",
    severity: 3,
    pattern:
      "gas/lynch/exterminate/kill/deport (all) (the/those/these) jews/muslims/blacks/gays/trans/mexicans/immigrants/christians/women/arabs/asians",
  },
  { category: "slur", severity: 3, pattern: "sieg/heil heil/hitler" },
  { category: "slur", severity: 3, pattern: "white power" },
  { category: "insult", severity: 2, pattern: "fuck/fuk/fck/phuck (all) (of) you/u/ya/off/urself/yourself/ur/your" },
  { category: "insult", severity: 2, pattern: "fucking hate/despise you/u/them/those" },
  { category: "insult", severity: 2, pattern: "shut the fuck up" },
  { category: "insult", severity: 2, pattern: "piece/sack/bag/pile/load of shit/filth" },
  { category: "insult", severity: 2, pattern: "son/sons of (a) bitch/bitches" },
  { category: "insult", severity: 2, pattern: "kiss/eat/lick my (fucking) ass/arse/shit" },
  { category: "insult", severity: 2, pattern: "nobody/noone likes/loves/wants/needs you/u" },
  { category: "insult", severity: 2, pattern: "everyone/everybody hates you/u" },
  {
    category: "sexual",
    severity: 2,
    pattern: "suck/sucking/lick/ride/touch/stroke/see/show (me) my/your/ur (big/fat) dick/cock/tits/boobs/pussy/penis",
  },
  { category: "sexual", severity: 2, pattern: "suck my/his/these balls/nuts" },
  { category: "sexual", severity: 2, pattern: "send/show/trade (me/us) (some/your/ur) nudes/boobs/naked" },
  { category: "sexual", severity: 2, pattern: "have/wanna/want (to) (have) sex with me/you/u" },
  { category: "sexual", severity: 2, pattern: "wanna/want/gonna (to) fuck/bang/bone me/you/u/her/him" },
  { category: "sexual", severity: 2, pattern: "cum in/on/inside me/you/u/your/ur/my/her/his" },
  { category: "sexual", severity: 2, pattern: "hot/sticky/my/with (hot/sticky) cum" },
  { category: "sexual", severity: 2, pattern: "are you/u (so/all) horny/naked" },
  { category: "sexual", severity: 2, pattern: "jerk/jack/jerking/jacking me/him off" },
];
