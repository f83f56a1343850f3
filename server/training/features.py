"""
From a message to the numbers the text model reads. The same steps stand in server/src/pipeline/text/features.ts; golden vectors hold them together.

[TF1] Deterministic and identical in Python and TypeScript for every text of characters assigned in Unicode 14.
[TF2] Bounded: at most MAX_CHARACTERS are read, at most GRAMS n-grams per token, at most WINDOW tokens per window, at most MAX_WINDOWS windows.

A token has three word hashes (as written, with runs of a letter squeezed, and together with the word before) and up to GRAMS hashes of its
3-, 4- and 5-grams.
"""
import math
import re
import unicodedata
from pathlib import Path

BUCKETS = 1 << 16
# Ids per token: the word, the word squeezed, the word after the one before it, n-grams.
WORDS = 3
GRAMS = 21
ROW = WORDS + GRAMS
WINDOW = 32
STRIDE = 24
MAX_WINDOWS = 24
MAX_CHARACTERS = 4000
MAX_TOKEN = 40
# A word this long that is not in the vocabulary may be several that were written together.
MIN_JOINED = 6
MAX_JOINED = 32

_CONFUSABLES = Path(__file__).resolve().parent.parent / "src/pipeline/lexicon/confusables.ts"
_INVISIBLE = {"\u034f", "\u115f", "\u1160", "\u3164"}
_APOSTROPHES = set("'`´‘’ʼ")
_QUOTES = {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "£": "l"}
# Letters and digits of any script the table knows, without symbols and emoji, which are tokens of their own.
_WORD = "a-z0-9\u00aa-\u1fff\u3040-\ud7ff\uf900-\ufdff"
_RUN = re.compile(f"[{_WORD}@$!|+*#€£•·]+|[^\x00-\x20\x7f-\xa0\u2028\u2029_]")
_SPELLED = re.compile(f"(?<![{_WORD}@$!|*])[{_WORD}@$!|](?:[ ._*,/\\-][{_WORD}@$!|])" + "{2,23}" + f"(?![{_WORD}@$!|*])")
_SEPARATORS = re.compile(r"[ ._*,/\-]")
_EMPHASIS = re.compile(r"^\*+(.*?)\*+$")
_HEAD = re.compile(r"^[!|+#•·]+")
_TAIL = re.compile(r"[!|+#@•·]+$")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_ANY_RUN = re.compile(r"(.)\1+")
_LETTER = re.compile(f"[a-z\u00aa-\u1fff\u3040-\ud7ff\uf900-\ufdff]")


def _lookalikes():
    found = re.findall(r'^    (\S): "([a-z])",$', _CONFUSABLES.read_text(encoding="utf-8").split("export const LEET")[0], re.M)
    assert len(found) > 60, "confusables.ts changed its shape"
    return dict(found)


LOOKALIKES = _lookalikes()


def fold(text: str) -> str:
    """Plain lower case: NFKC, nothing invisible, no accents or zalgo, lookalike letters made Latin, no apostrophes."""
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf" and c not in _INVISIBLE)
    plain = unicodedata.normalize("NFD", plain)
    out = []
    for c in plain:
        if unicodedata.category(c) == "Mn" or c in _APOSTROPHES:
            continue
        out.append(LOOKALIKES.get(c) or _QUOTES.get(c) or c)
    return "".join(out)


def is_shouting(text: str) -> bool:
    upper = sum("A" <= c <= "Z" for c in text[:MAX_CHARACTERS])
    lower = sum("a" <= c <= "z" for c in text[:MAX_CHARACTERS])
    return upper >= 6 and upper > 3 * lower


def split_joined(word: str, vocabulary: dict) -> list:
    """The cheapest way to read `word` as words of the vocabulary (word -> cost), or itself. Pieces of one letter are only a and i."""
    if len(word) < MIN_JOINED or len(word) > MAX_JOINED or word in vocabulary:
        return [word]
    best = [(0, -1)] + [(1 << 30, -1)] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 14), end):
            piece = word[start:end]
            cost = vocabulary.get(piece)
            if cost is None or (len(piece) == 1 and piece not in ("a", "i")):
                continue
            total = best[start][0] + cost
            if total < best[end][0]:
                best[end] = (total, start)
    if best[len(word)][0] > 9 * len(word):
        return [word]
    pieces = []
    end = len(word)
    while end > 0:
        start = best[end][1]
        pieces.append(word[start:end])
        end = start
    return pieces[::-1]


def tokenize(text: str, vocabulary: dict) -> list:
    """Tokens as (as written, decoded) pairs of strings."""
    folded = _SPELLED.sub(lambda m: _SEPARATORS.sub("", m.group()), fold(text))
    tokens = [("<caps>", "<caps>")] if is_shouting(text) else []

    def push(token):
        if not tokens or tokens[-1] != token:
            tokens.append(token)

    for run in _RUN.findall(folded):
        word = _TAIL.sub("", _HEAD.sub("", _EMPHASIS.sub(r"\1", run)))
        if word == "":
            push((run[0], run[0]))
            continue
        if "!" in run[: len(run) - len(_HEAD.sub("", run))]:
            push(("!", "!"))
        word = word[:MAX_TOKEN]
        decoded = word
        if _LETTER.search(word):
            decoded = "".join(_LEET.get(c, c) for c in word)
        decoded = _LONG_RUN.sub(r"\1\1", decoded)
        pieces = split_joined(decoded, vocabulary)
        if len(pieces) == 1:
            push((_LONG_RUN.sub(r"\1\1", word), decoded))
        else:
            for piece in pieces:
                push((piece, piece))
        if run.endswith("!"):
            push(("!", "!"))
    return tokens


def hash_text(kind: int, text: str) -> int:
    """FNV-1a over code points, mixed, 1..BUCKETS-1: row 0 is padding."""
    h = (0x811C9DC5 ^ kind) * 0x01000193 & 0xFFFFFFFF
    for c in text:
        h = (h ^ ord(c)) * 0x01000193 & 0xFFFFFFFF
    h ^= h >> 15
    h = h * 0x2C1B3C6D & 0xFFFFFFFF
    h ^= h >> 13
    return 1 + h % (BUCKETS - 1)


def token_ids(token, before) -> list:
    """WORDS word ids, then GRAMS ids filled up with 0. Masked tokens (f*ck) keep their stars."""
    literal, decoded = token
    squeezed = _ANY_RUN.sub(r"\1", decoded)
    ids = [hash_text(1, literal), hash_text(2, squeezed), hash_text(6, f"{before[1]} {decoded}")]
    framed = f"<{decoded}>"
    for n in (3, 4, 5):
        for i in range(len(framed) - n + 1):
            if len(ids) < ROW:
                ids.append(hash_text(n, framed[i : i + n]))
    return ids + [0] * (ROW - len(ids))


def windows(text: str, vocabulary: dict, window: int = WINDOW) -> list:
    """Windows of rows of ROW ids; one empty-message row at least. Of too long messages the beginning and the end are kept."""
    tokens = tokenize(text, vocabulary) or [("<empty>", "<empty>")]
    count = 1 if len(tokens) <= window else 1 + math.ceil((len(tokens) - window) / STRIDE)
    starts = [i * STRIDE for i in range(count)]
    if count > MAX_WINDOWS:
        starts = starts[: MAX_WINDOWS // 2] + starts[-(MAX_WINDOWS // 2) :]
    rows = [token_ids(token, before) for token, before in zip(tokens, [("", "")] + tokens)]
    return [rows[start : start + window] for start in starts]
