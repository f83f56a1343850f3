"""
Other ways to type the same line: evasions, typing errors, another group in the same role. Made anew for every epoch from one seed.

[TA1] A change never changes the label: groups are exchanged only for groups, letters only for what readers take for them.
"""
import random
import re

_LEET = {"a": "@4", "e": "3", "i": "1!", "o": "0", "s": "$5", "t": "7", "b": "8", "g": "9"}
_LOOKS = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "x": "х", "i": "і"}
_ROUGH = re.compile(r"fuck|shit|bitch|cunt|dick|cock|ass|whore|slut|fag|nigg|retard|kill|kys|die|rape|idiot|trash|noob|stupid|dumb|hate|loser|porn|nudes|tits", re.I)

# Plural nouns that name people, and adjectives for one of them: in a sentence about a group any may stand for any.
PLURALS = """women|girls|men|gays|lesbians|gay people|trans people|trans women|black people|blacks|white people|asians|asian people|muslims|jews|christians|hindus|sikhs|atheists|
immigrants|refugees|migrants|foreigners|mexicans|latinos|arabs|africans|indians|chinese people|russians|disabled people|autistic people|deaf people|
blind people|wheelchair users|old people|fat people|queer people|bisexuals|romani people|native americans|poor people""".replace("\n", "").split("|")
SINGULARS = """gay|lesbian|trans|black|white|asian|muslim|jewish|christian|hindu|immigrant|mexican|arab|african|indian|chinese|disabled|autistic|deaf|blind|queer|bisexual|native|
pakistani|turkish|somali|korean|latino""".replace("\n", "").split("|")
_PLURAL = re.compile(r"\b(" + "|".join(sorted(PLURALS, key=len, reverse=True)) + r")\b", re.I)
_SINGULAR = re.compile(r"\b(" + "|".join(SINGULARS) + r")(?= (?:guy|man|woman|girl|boy|person|kid|people|friend|player|dude|men|women|family|neighbou?r|lady|ppl|folks?|users?)\b)", re.I)
# Words that hold more than one of the above and must stay whole.
_GENDERED = {"women", "girls", "men"}


def swap_groups(text: str, rng: random.Random) -> str:
    chosen = {}

    def plural(match):
        word = match.group(1).lower()
        return chosen.setdefault(word, rng.choice(PLURALS))

    def singular(match):
        return chosen.setdefault("1" + match.group(1).lower(), rng.choice(SINGULARS))

    names = _PLURAL.findall(text)
    if names and not (set(map(str.lower, names)) <= _GENDERED and rng.random() < 0.5):
        text = _PLURAL.sub(plural, text)
    return _SINGULAR.sub(singular, text)


def _word_at(words, rng, rough):
    """Prefers words worth hiding."""
    candidates = [i for i, w in enumerate(words) if _ROUGH.search(w)] if rough else []
    candidates = candidates or [i for i, w in enumerate(words) if len(w) > 2]
    return rng.choice(candidates) if candidates else None


def _leet(word, rng):
    return "".join(rng.choice(_LEET[c]) if c in _LEET and rng.random() < 0.6 else c for c in word.lower())


def _mask(word, rng):
    if len(word) < 3:
        return word
    at = rng.randrange(1, len(word))
    return word[:at] + "*" * rng.randint(1, min(2, len(word) - at)) + word[at + 1 :]


def _space(word, rng):
    return rng.choice([" ", ".", "-", "_"]).join(word)


def _repeat(word, rng):
    at = rng.randrange(len(word))
    return word[:at] + word[at] * rng.randint(3, 6) + word[at + 1 :]


def _swap(word, rng):
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _drop(word, rng):
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _double(word, rng):
    at = rng.randrange(len(word))
    return word[: at + 1] + word[at:]


def _lookalike(word, rng):
    return "".join(_LOOKS.get(c, c) if rng.random() < 0.5 else c for c in word)


_EVASIONS = [_leet, _mask, _space, _repeat, _lookalike]
_SLIPS = [_swap, _drop, _double, _repeat]
_SPELLINGS = [("you are", "ur"), ("your", "ur"), ("you", "u"), ("you're", "ur"), ("are", "r"), ("please", "pls"), ("because", "cuz"), ("people", "ppl"), ("going to", "gonna"),
              ("the", "da"), ("this", "dis"), ("what the", "wtf"), ("don't", "dont"), ("okay", "ok"), ("with", "w"), ("and", "n"), ("for", "4"), ("to", "2"), ("though", "tho")]


def vary(text: str, rng: random.Random) -> str:
    """One other way to type `text`; often the same."""
    text = swap_groups(text, rng) if rng.random() < 0.7 else text
    words = text.split(" ")
    choice = rng.random()
    if choice < 0.18:
        at = _word_at(words, rng, True)
        if at is not None:
            words[at] = rng.choice(_EVASIONS)(words[at], rng)
    elif choice < 0.34:
        at = _word_at(words, rng, rng.random() < 0.4)
        if at is not None:
            words[at] = rng.choice(_SLIPS)(words[at], rng)
    elif choice < 0.40 and len(words) > 1:
        at = rng.randrange(len(words) - 1)
        words[at : at + 2] = [words[at] + words[at + 1]]
    elif choice < 0.42:
        words = ["".join(words)]
    text = " ".join(words)
    if rng.random() < 0.3:
        old, new = rng.choice(_SPELLINGS)
        text = re.sub(rf"\b{re.escape(old)}\b", new, text, flags=re.I) if rng.random() < 0.7 else re.sub(rf"\b{re.escape(new)}\b", old, text)
    if rng.random() < 0.06:
        text = text.upper()
    if rng.random() < 0.25:
        text = re.sub(r"[.,!?]", "", text)
    return text
