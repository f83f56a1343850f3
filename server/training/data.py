"""
The training examples: texts with a soft target per head, a mask for what a source does not say, and a weight.

Only sources whose licence allows it are trained on: Davidson tweets, Surge toxicity and profanity (MIT), the bias templates (Apache-2.0), and the chat
lines of this folder (the project's own). HateCheck, the SMS collection and the Wikipedia comments are for measuring and are never read here.
"""
import csv
import html
import random
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

HEADS = ["toxic", "insult", "hate", "threat", "sexual", "spam", "grooming"]
CHAT = Path(__file__).resolve().parent / "chat"
WORDNET = Path("/usr/share/wordnet/data.noun")
ALL = {head: 1.0 for head in HEADS}

# How much a label of the chat lines says about each head; `toxic` is how bad the line is altogether.
LABELS = {
    "ok": {},
    # Banter and swearing that nobody minds.
    "banter": {"toxic": 0.1, "insult": 0.08},
    # Rude to a team mate: the everyday toxicity of games.
    "mild": {"toxic": 0.85, "insult": 0.35},
    "insult": {"toxic": 1.0, "insult": 1.0},
    "hate": {"toxic": 1.0, "hate": 1.0, "insult": 0.6},
    "threat": {"toxic": 1.0, "threat": 1.0, "insult": 0.4},
    "sexual": {"toxic": 1.0, "sexual": 1.0},
    "spam": {"toxic": 0.12, "spam": 1.0},
    "grooming": {"toxic": 0.6, "grooming": 1.0},
}


@dataclass
class Example:
    text: str
    target: dict
    known: dict = field(default_factory=lambda: dict(ALL))
    weight: float = 1.0
    source: str = "chat"
    augment: bool = True
    # The label as written, for slices.
    label: str = ""


def target_of(labels: str) -> dict:
    target = {head: 0.0 for head in HEADS}
    for label in labels.split(","):
        for head, value in LABELS[label].items():
            target[head] = max(target[head], value)
    return target


def read_chat(path: Path) -> list:
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line == "" or line.startswith("# "):
            continue
        labels, _, text = line.partition("\t")
        assert text and all(label in LABELS for label in labels.split(",")), f"{path.name}:{number}: {line!r}"
        examples.append(Example(text.replace("\\n", "\n"), target_of(labels), source="chat", weight=1.0, label=f"{path.stem}:{labels}"))
    return examples


def chat(split: str) -> list:
    """
    `heldout`: the files named heldout-*.tsv, written apart, looked at only for figures. `dev`: a tenth of the others, by the text's hash, for
    calibration and thresholds. `train`: the rest.
    """
    files = sorted(CHAT.glob("*.tsv"))
    lines = [e for f in files if f.name.startswith("heldout") == (split == "heldout") for e in read_chat(f)]
    return lines if split == "heldout" else [e for e in lines if is_kept_aside(e.text) == (split == "dev")]


def clean_tweet(text: str) -> str:
    text = html.unescape(text)
    text = re.sub(r"https?://\S+", "", text)
    text = re.sub(r"\bRT\b|@\w+:?", "", text)
    text = re.sub(r"&#\d+;?", "", text).replace("#", "")
    return re.sub(r"\s+", " ", text).strip(" !\"")


def is_kept_aside(text: str) -> bool:
    return zlib.crc32(text.encode()) % 10 == 0


def neutral_tweets(folder: Path) -> list:
    """A tenth of the harmless tweets: with the chat lines of dev, what thresholds are set by."""
    with open(folder / "davidson-tweets/labeled_data.csv", encoding="utf-8", newline="") as file:
        texts = [clean_tweet(row["tweet"]) for row in csv.DictReader(file) if row["class"] == "2" and row["neither"] == row["count"]]
    return [text for text in texts if is_kept_aside(text)]


def davidson(folder: Path, rng: random.Random) -> list:
    examples = []
    with open(folder / "davidson-tweets/labeled_data.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = clean_tweet(row["tweet"])
            if len(text) < 3 or (row["class"] == "2" and is_kept_aside(text)):
                continue
            count = int(row["count"])
            hate, offensive = int(row["hate_speech"]) / count, int(row["offensive_language"]) / count
            target = {head: 0.0 for head in HEADS} | {"toxic": 0.95 * hate + 0.6 * offensive, "hate": hate}
            # Offensive says neither which kind nor at whom.
            known = dict(ALL) if row["class"] == "2" else {head: 0.0 for head in HEADS} | {"toxic": 1.0, "hate": 1.0, "spam": 0.5, "grooming": 0.5}
            # 83 % are positive because the tweets were sampled by slurs: keep all neutral and hateful ones, a part of the rest.
            if row["class"] == "1" and rng.random() > 0.22:
                continue
            examples.append(Example(text, target, known, 0.25 if row["class"] == "1" else 0.5, "davidson", False, row["class"]))
    return examples


def surge_toxicity(folder: Path) -> list:
    examples = []
    with open(folder / "surge-toxicity/toxicity_en.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            toxic = row["is_toxic"] == "Toxic"
            known = {head: 0.0 for head in HEADS} | {"toxic": 1.0} if toxic else dict(ALL)
            examples.append(Example(row["text"], {head: 0.0 for head in HEADS} | {"toxic": 0.9 * toxic}, known, 1.2, "surge", False, row["is_toxic"]))
    return examples


# Carriers for single listed words, so that a word is learned as it is used: at somebody, about oneself, alone.
_AT = ["{}", "you {}", "you are such a {}", "fucking {}", "shut up {}", "what a {}", "stupid {}", "{} lol", "get lost {}", "this guy is a {}"]


def surge_profanity(folder: Path, rng: random.Random) -> list:
    examples = []
    with open(folder / "surge-profanity/profanity_en.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            severity = float(row["severity_rating"])
            categories = {row[f"category_{i}"] for i in (1, 2, 3)}
            target = {head: 0.0 for head in HEADS} | {"toxic": min(0.95, 0.25 + 0.25 * severity)}
            known = {head: 0.0 for head in HEADS} | {"toxic": 1.0, "spam": 0.3, "grooming": 0.3}
            if any("racial" in c or "religious" in c for c in categories):
                target["hate"], known["hate"] = 0.9, 1.0
            if any("sexual anatomy" in c for c in categories) and severity >= 1.6:
                target["sexual"], known["sexual"] = 0.7, 0.7
            if any("orientation" in c for c in categories) and severity >= 2.0:
                target["hate"], known["hate"] = 0.7, 0.5
            if any("mental" in c or "character" in c or "physical attr" in c for c in categories):
                target["insult"], known["insult"] = 0.8, 1.0
            for carrier in rng.sample(_AT, 1):
                examples.append(Example(carrier.format(row["text"]), dict(target), dict(known), 0.4, "profanity", False, row["category_1"]))
    return examples


# Senses whose hyponyms are names people call each other; each is given by words that together only that synset has.
_NAMES = [{"simpleton", "simple"}, {"fool", "sap"}, {"unpleasant_person", "disagreeable_person"}, {"wretch"}, {"coward"}, {"deceiver", "cheat"}, {"stupid", "dullard"},
          {"idiot", "imbecile"}, {"weakling", "wimp"}, {"failure", "loser"}, {"crybaby"}, {"sycophant", "toady"}, {"slob", "sloven"}, {"ignoramus", "know_nothing"}, {"incompetent", "incompetent_person"}]


def wordnet_names(rng: random.Random) -> list:
    """What WordNet (Debian's wordnet-base, Princeton's licence) lists below those senses, as a person is called it."""
    words, below = {}, {}
    for line in WORDNET.read_text(encoding="ascii").splitlines():
        if line.startswith(" "):
            continue
        parts = line.split(" | ")[0].split()
        count = int(parts[3], 16)
        words[parts[0]] = [w.lower() for w in parts[4 : 4 + 2 * count : 2]]
        pointers = parts[5 + 2 * count :]
        below[parts[0]] = [pointers[i + 1] for i in range(0, len(pointers) - 3, 4) if pointers[i] == "~"]
    waiting = [offset for offset, names in words.items() if any(wanted <= set(names) for wanted in _NAMES)]
    found = set()
    while waiting:
        offset = waiting.pop()
        found.update(name.replace("_", " ") for name in words[offset])
        waiting.extend(below[offset])
    carriers = ["you {}", "what a {}", "you are a {}", "stupid {}", "shut up {}"]
    target = target_of("insult")
    known = ALL | {"toxic": 1.0, "insult": 1.0, "hate": 0.0, "sexual": 0.0}
    return [Example(rng.choice(carriers).format(name), dict(target), dict(known), 0.25, "wordnet", False, "insult") for name in sorted(found) if len(name) > 3]


def madlibs(folder: Path, rng: random.Random) -> list:
    """Names of groups in friendly and hostile templates: that a group is named means nothing."""
    with open(folder / "jigsaw-bias-eval/bias_madlibs_77k.csv", encoding="utf-8", newline="") as file:
        rows = rng.sample(list(csv.DictReader(file)), 2000)
    examples = []
    for row in rows:
        bad = row["Label"] == "BAD"
        known = {head: 0.0 for head in HEADS} | {"toxic": 1.0} if bad else dict(ALL)
        examples.append(Example(row["Text"], {head: 0.0 for head in HEADS} | {"toxic": 0.8 * bad}, known, 0.3, "madlibs", False, row["Label"]))
    return examples


def everything(folder: Path, seed: int) -> list:
    rng = random.Random(seed)
    found = chat("train") + davidson(folder, rng) + surge_toxicity(folder) + surge_profanity(folder, rng) + madlibs(folder, rng) + wordnet_names(rng)
    # Nothing at all, and signs alone, are harmless.
    found += [Example(text, target_of("ok"), augment=False, label="ok") for text in ("", "?", "!", ".", "...", "?!", "1", "a", "x", ",", "-", "/")]
    # Nothing that is measured with is learned from, not even by chance.
    heldout = {e.text.lower() for e in chat("heldout")}
    return [e for e in found if e.text.lower() not in heldout]
