"""What is only measured, never trained on: HateCheck, the SMS collection, Wikipedia comments."""
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

import features
from data import HEADS


@dataclass
class Case:
    text: str
    positive: bool
    group: str


def is_toxicity(example) -> bool:
    """Spam and grooming are no toxicity and no harmless talk either: they have heads and figures of their own."""
    return not example.label.endswith((":spam", ":grooming"))


def hatecheck_cases(folder: Path) -> list:
    with open(folder / "hatecheck/development_cases.csv", encoding="utf-8", newline="") as file:
        return [Case(row["test_case"], row["label_gold"] == "hateful", row["functionality"]) for row in csv.DictReader(file)]


def sms_cases(folder: Path) -> list:
    lines = (folder / "sms-spam/sms.tsv").read_text(encoding="utf-8").splitlines()
    return [Case(line.split("\t", 1)[1], line.startswith("spam"), line.split("\t", 1)[0]) for line in lines if "\t" in line]


def wikipedia_cases(folder: Path) -> list:
    with open(folder / "jigsaw-bias-eval/toxicity_nonfuzzed_testset.csv", encoding="utf-8", newline="") as file:
        return [Case(row["comment"], row["toxic"] == "True", "wikipedia") for row in csv.DictReader(file)]


def score_texts(net, texts, vocabulary, raw=False) -> numpy.ndarray:
    """Probabilities [texts, heads], or logits if `raw`: the highest of a text's windows."""
    rows = [(i, window) for i, text in enumerate(texts) for window in features.windows(text, vocabulary)]
    rows.sort(key=lambda r: len(r[1]))
    out = numpy.full((len(texts), len(HEADS)), -numpy.inf, dtype=numpy.float32)
    with torch.no_grad():
        for at in range(0, len(rows), 64):
            group = rows[at : at + 64]
            ids = numpy.zeros((len(group), max(len(w) for _, w in group), features.ROW), dtype=numpy.int64)
            for k, (_, window) in enumerate(group):
                ids[k, : len(window)] = window
            scores = net(torch.from_numpy(ids)).numpy()
            for k, (i, _) in enumerate(group):
                out[i] = numpy.maximum(out[i], scores[k])
    return out if raw else 1 / (1 + numpy.exp(-out))
