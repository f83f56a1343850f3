"""
Writes a trained net as ONNX with what the server needs beside it: vocabulary, golden vectors, manifest with sizes and hashes.

Golden vectors come from the quantised net in PyTorch: the server compares its own features and onnxruntime's answers with them before it serves.
"""
import hashlib
import json
import platform
from pathlib import Path

import numpy
import onnx
import sklearn
import torch
from sklearn.metrics import roc_auc_score

import data
import features
from evaluate import hatecheck_cases, is_toxicity, score_texts, sms_cases, wikipedia_cases
from model import Served

VERSION = "1.2.0"
# What the golden vectors cover: evasions, quotation, other scripts, emoji, shouting, joined and spelled-out words, nothing at all.
GOLDEN_TEXTS = [
    "hello everyone", "gg wp", "gg ez noobs", "you are not a loser, everybody loses sometimes", "K Y S n o w", "sh!t pl4yer fuuuuuck", "f*ck you",
    "WHY ARE YOU LIKE THIS", "“go away” is what he said", "ihatethisteam", "привет всем", "こんにちは", "👍👍 nice", "", "   ", "z̷a̷l̷g̷o̷ t̷e̷x̷t̷",
    "don't tell your mom about me", "free gold at www.goldfast.example", "report mid\nreport top", "a b c d e f g", "*so* good!!", "1 2 3 4", "Ｆｕｌｌｗｉｄｔｈ",
    "no race is better than another", "the valve on the left needs to be closed first", "x" * 60, "word " * 90, " ".join(f"w{i}" for i in range(900)),
]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path, net, vocabulary: dict, thresholds: dict, texts: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    served = Served(net).eval()
    depth = served.mix.in_channels
    path = folder / "model.onnx"
    torch.onnx.export(served, (torch.rand(2, depth, 5), torch.rand(2, len(data.HEADS))), str(path), input_names=["tokens", "words"], output_names=["scores"],
                      opset_version=13, dynamic_axes={"tokens": {0: "messages", 2: "tokens"}, "words": {0: "messages"}, "scores": {0: "messages"}})
    model = onnx.load(str(path))
    model.producer_name = "copresence"
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))

    # One int8 table after the other, row by row: the convolutions' and the words'.
    (folder / "tables.bin").write_bytes(served.rows.numpy().tobytes() + served.words.numpy().tobytes())
    (folder / "vocabulary.tsv").write_text("".join(f"{word}\t{cost}\n" for word, cost in sorted(vocabulary.items())), encoding="utf-8")
    golden = []
    for text in GOLDEN_TEXTS:
        windows = features.windows(text, vocabulary)
        tensors = [torch.tensor([window], dtype=torch.int32) for window in windows]
        answers = [served(*served.sums(tensor)) for tensor in tensors]
        scores = numpy.max([answer.detach().numpy()[0] for answer in answers], axis=0)
        assert max(float((answer - net(tensor)).abs().max()) for answer, tensor in zip(answers, tensors)) < 1e-4, "the exported net is another function"
        golden.append({"text": text, "windows": len(windows), "first": windows[0][0], "sum": sum(i for w in windows for row in w for i in row), "scores": [round(float(s), 5) for s in scores]})
    (folder / "golden.json").write_text("[\n" + ",\n".join(json.dumps(g, ensure_ascii=False) for g in golden) + "\n]\n", encoding="utf-8")

    names = ("model.onnx", "tables.bin", "vocabulary.tsv", "golden.json")
    manifest = {
        "kind": "text-heads",
        "id": "copresence-text-en",
        "version": VERSION,
        "sha256": sha256(path),
        "model": "model.onnx",
        "files": {name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size} for name in names},
        "schema": {"inputs": {"tokens": {"type": "float32", "shape": ["messages", depth, "tokens"]}, "words": {"type": "float32", "shape": ["messages", len(data.HEADS)]}},
                   "outputs": {"scores": {"type": "float32", "shape": ["messages", len(data.HEADS)]}}},
        "heads": data.HEADS,
        "thresholds": thresholds,
        "features": {"kind": "hashed-words-2", "buckets": features.BUCKETS, "row": features.ROW, "vocabulary": "vocabulary.tsv", "tables": "tables.bin", "rows": served.rows.shape[0], "width": served.rows.shape[1]},
        "golden": "golden.json",
        "metrics": measure(net, vocabulary, thresholds, texts),
        "runtime": {"onnxruntime": ">=1.14", "opset": 13},
        "minimumDevice": {"memoryMb": 24, "note": "any processor onnxruntime runs on; in browsers WebAssembly"},
        "licence": "Apache-2.0",
        "languages": ["en"],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(card(manifest), encoding="utf-8")
    print(json.dumps(manifest["metrics"], indent=1), sum(f["bytes"] for f in manifest["files"].values()), "bytes")


def probabilities(net, texts, vocabulary):
    """The exported net answers with probabilities; `score_texts` wants logits."""
    return score_texts(lambda ids: torch.logit(net(ids), eps=1e-6), texts, vocabulary)


def measure(net, vocabulary, thresholds, texts: Path) -> dict:
    """The figures of the model card. `flagged.*`: share of the held-out lines of that label with any head over its threshold."""
    at = data.HEADS.index
    limits = numpy.array([thresholds[head] for head in data.HEADS])
    held = data.chat("heldout")
    scores = probabilities(net, [e.text for e in held], vocabulary)
    toxic = [i for i, e in enumerate(held) if is_toxicity(e)]
    figures = {"auc_chat": roc_auc_score([held[i].target["toxic"] > 0.5 for i in toxic], scores[toxic, 0])}
    for head in ("insult", "hate", "threat", "sexual", "spam", "grooming"):
        figures[f"auc_chat.{head}"] = roc_auc_score([e.target[head] >= 0.9 for e in held], scores[:, at(head)])
    flagged = (scores >= limits).any(1)
    for label in data.LABELS:
        these = [i for i, e in enumerate(held) if e.label.endswith(":" + label)]
        figures[f"flagged.{label}"] = float(flagged[these].mean())
    cases = hatecheck_cases(texts)
    scores = probabilities(net, [c.text for c in cases], vocabulary)
    figures["auc_hatecheck"] = roc_auc_score([c.positive for c in cases], scores[:, at("hate")])
    figures["auc_hatecheck.toxic"] = roc_auc_score([c.positive for c in cases], scores[:, 0])
    ham = [c.text for c in sms_cases(texts) if not c.positive]
    scores = probabilities(net, ham, vocabulary)
    figures["ham_fpr"] = float((scores >= limits).any(1).mean())
    for head in data.HEADS:
        figures[f"ham_fpr.{head}"] = float((scores[:, at(head)] >= thresholds[head]).mean())
    cases = wikipedia_cases(texts)
    figures["auc_wikipedia"] = roc_auc_score([c.positive for c in cases], probabilities(net, [c.text for c in cases], vocabulary)[:, 0])
    return {name: round(float(value), 4) for name, value in figures.items()}


CARD = """# {id} {version}

Judges one message at a time: probabilities for {heads}. `toxic` is how bad a message is altogether; the others say which way.
English; other languages only as far as spelling helps. Written by `npm run train:text` (`server/training/train.py`); do not edit. The same command makes the same bytes
again on the machine it was trained on: {machine}. Other processors and versions add up in another order: there the last digits
differ, which grows over the epochs to differences of about a hundredth in the figures below.

## What it is

Hashed words, word pairs and 3- to 5-grams (65 536 hashes). A logistic regression over all of them knows vocabulary; three convolutions over the
sequence (32 768 rows of 36, int8) know order. Their logits are added .6 to .4 and calibrated per head. {bytes} bytes with vocabulary and golden vectors.

## Data

| source | licence | used for |
|---|---|---|
| `server/training/chat/` | the project's own ({chat} lines; a tenth kept aside for calibration and thresholds) | training |
| Davidson tweets | MIT | training, low weight: sampled by slurs, so not calibrated for chat, and known to over-call African American English |
| Surge toxicity, Surge profanity | MIT | training |
| Unintended-bias templates | Apache-2.0 | training: naming a group means nothing |
| WordNet nouns for people | WordNet licence | training: names people call each other |
| `chat/heldout-chat.tsv` ({heldout} lines, written apart) | the project's own | figures only |
| HateCheck, half of it | CC BY 4.0 | figures only |
| SMS collection | CC BY 4.0 | figures only |
| Wikipedia comments | CC BY-SA 3.0 | figures only |

## Figures

Scored by PyTorch with the quantised weights; `npm run bench -- moderation` scores the same with onnxruntime, the lexicon included. AUC unless said otherwise.

| figure | value |
|---|---|
{figures}

`flagged.X`: share of the held-out lines labelled X that are flagged at the default thresholds ({thresholds}). `ham_fpr`: share of ordinary SMS flagged.
The thresholds are set so that at most one in two hundred of the harmless lines kept aside is flagged by any head: precision before recall. A scene that wants
`mild` ("gg ez", "noob team") flagged sets `toxic` to about .5.

## Limits

- Short, new or foreign insults, irony and context across messages escape it. Quotation and counter-speech are better than chance, not solved: see HateCheck.
- The held-out lines were written by the same hand as the training lines. Expect less on other people's chat.
- `grooming` knows cues, not people: use it to bring a talk to a human's attention, never to act alone.
- Davidson's labels carry their annotators' bias against dialects. Behaviour by group is measured only through HateCheck's identities.
"""


def machine() -> str:
    """What the weights' last digits depend on."""
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one thread, Python {platform.python_version()}, torch {torch.__version__}, scikit-learn {sklearn.__version__}, numpy {numpy.__version__}"


def card(manifest: dict) -> str:
    return CARD.format(
        id=manifest["id"], version=manifest["version"], heads=", ".join(f"`{h}`" for h in manifest["heads"]),
        machine=machine(), bytes=f"{sum(f['bytes'] for f in manifest['files'].values()):,}", chat=len(data.chat("train")) + len(data.chat("dev")), heldout=len(data.chat("heldout")),
        figures="\n".join(f"| `{name}` | {value} |" for name, value in manifest["metrics"].items()),
        thresholds=", ".join(f"{h} {t}" for h, t in manifest["thresholds"].items()),
    )
