"""
Trains the text model and writes server/src/pipeline/models/text-en/: one command, the same files every time on the same machine.

  python3 server/training/train.py --data ../shared/data/text [--epochs N] [--out DIR]

Needs Debian's python3-torch, python3-onnx, python3-sklearn. A few minutes on one free core.
"""
import argparse
import collections
import math
import random
import time
from pathlib import Path

import numpy
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

import augment
import data
import export
import features
import linear
from evaluate import hatecheck_cases, is_toxicity, score_texts
from model import TextNet, Together

SEED = 20261121
BATCH = 64
HARMLESS_FLAGGED = 0.005
# Tokens of a text that are learned from: labels are the whole text's.
LONGEST = 64
OUT = Path(__file__).resolve().parent.parent / "src/pipeline/models/text-en"


def build_vocabulary(examples) -> dict:
    """word -> cost (4 x negative log probability, rounded) of the words that joined writing is split into."""
    counts = collections.Counter()
    for example in examples:
        factor = 4 if example.source == "chat" else 1
        for _, decoded in features.tokenize(example.text, {}):
            if decoded.isascii() and decoded.isalpha() and len(decoded) <= 14:
                counts[decoded] += factor
    total = sum(counts.values())
    common = [(word, n) for word, n in sorted(counts.items(), key=lambda p: (-p[1], p[0])) if n >= 6][:6000]
    return {word: round(-4 * math.log(n / total)) for word, n in common}


def vary_all(examples, vocabulary, rng, times):
    """The first windows of all texts; chat lines `times` over, each typed another way. Returns (index of the example, rows)."""
    out = []
    for at, example in enumerate(examples):
        for turn in range(times if example.augment else 1):
            text = augment.vary(example.text, rng) if example.augment and turn > 0 else example.text
            out.append((at, features.windows(text, vocabulary, LONGEST)[0]))
    return out


def batches(pairs, tensors, size, rng):
    """Texts of similar length share a batch; the order of batches is random."""
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][1]) + rng.random() * 6)
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    rng.shuffle(groups)
    for group in groups:
        ids = numpy.zeros((len(group), max(len(pairs[i][1]) for i in group), features.ROW), dtype=numpy.int64)
        for at, i in enumerate(group):
            ids[at, : len(pairs[i][1])] = pairs[i][1]
        which = [pairs[i][0] for i in group]
        yield torch.from_numpy(ids), *(tensor[which] for tensor in tensors)


def train_net(examples, vocabulary, tensors, epochs, seed, report):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    net = TextNet(len(data.HEADS))
    rest = [p for n, p in net.named_parameters() if not n.startswith("table")]
    optimiser = torch.optim.AdamW([{"params": net.table.parameters(), "weight_decay": 0.02}, {"params": rest, "weight_decay": 0.05}])
    fixed = [(at, features.windows(e.text, vocabulary, LONGEST)[0]) for at, e in enumerate(examples) if not e.augment]
    chat = [(at, e) for at, e in enumerate(examples) if e.augment]
    steps = epochs * (math.ceil((len(fixed) + 2 * len(chat)) / BATCH) + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=[1.5e-3, 1e-3], total_steps=steps, pct_start=0.15)
    for epoch in range(epochs):
        began, total = time.time(), 0.0
        pairs = fixed + [(at, features.windows(augment.vary(e.text, rng) if turn else e.text, vocabulary, LONGEST)[0]) for at, e in chat for turn in (0, 1)]
        net.train()
        for ids, target, mask, weight in batches(pairs, tensors, BATCH, rng):
            loss = F.binary_cross_entropy_with_logits(net(ids), target, reduction="none")
            loss = (loss * mask * weight.unsqueeze(1)).sum() / weight.sum()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                net.table.weight[0] = 0
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs} loss {total * BATCH / len(pairs):.4f} {time.time() - began:.0f}s", flush=True)
        report(f"net {epoch + 1}", net.eval())
    return net.eval()


def calibrate(logits, cases):
    """Slope and offset per head, so that .7 means seven in ten of the chat lines kept aside; `toxic` is a degree, not a chance, and stays."""
    slopes, offsets = [1.0] * len(data.HEADS), [0.0] * len(data.HEADS)
    for at, head in enumerate(data.HEADS):
        positive = numpy.array([e.target[head] >= 0.9 for e in cases])
        if head == "toxic" or positive.sum() < 8:
            continue
        fit = LogisticRegression(C=1.0, max_iter=500).fit(logits[:, at : at + 1], positive)
        slopes[at], offsets[at] = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    return slopes, offsets


def choose_thresholds(net, dev, tweets, vocabulary):
    """
    Per head the score that only the same small share of the harmless lines kept aside reaches, in hundredths, at least .5; the share is chosen
    so that all heads together flag at most HARMLESS_FLAGGED of them.
    """
    cases = [e for e in dev if max(e.target.values()) <= 0.1]
    scores = export.probabilities(net, [e.text for e in cases] + tweets, vocabulary)
    limits = None
    for share in (0.995, 0.9965, 0.998, 0.999, 0.9995, 1.0):
        limits = numpy.clip(numpy.ceil(100 * numpy.quantile(scores, share, axis=0) + 1e-6) / 100, 0.5, 0.98)
        if (scores >= limits).any(1).mean() <= HARMLESS_FLAGGED:
            break
    return {head: round(float(limit), 2) for head, limit in zip(data.HEADS, limits)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    examples = data.everything(options.data, SEED)
    print(collections.Counter(e.source for e in examples))
    vocabulary = build_vocabulary(examples)
    dev = data.chat("dev")
    judged = [e for e in dev if is_toxicity(e)]
    hate = hatecheck_cases(options.data)

    def report(name, net):
        scores = score_texts(net, [e.text for e in judged], vocabulary)[:, 0]
        line = f"  {name}: dev {roc_auc_score([e.target['toxic'] > 0.5 for e in judged], scores):.4f}"
        scores = score_texts(net, [c.text for c in hate], vocabulary)
        print(f"{line} hatecheck {roc_auc_score([c.positive for c in hate], scores[:, data.HEADS.index('hate')]):.4f}", flush=True)

    tensors = (torch.tensor([[e.target[h] for h in data.HEADS] for e in examples]), torch.tensor([[e.known[h] for h in data.HEADS] for e in examples]), torch.tensor([e.weight for e in examples]))
    pairs = vary_all(examples, vocabulary, random.Random(SEED), 3)
    which = [at for at, _ in pairs]
    flat = linear.fit([row for _, row in pairs], *(t.numpy()[which] for t in tensors))
    report("linear", flat)
    net = train_net(examples, vocabulary, tensors, options.epochs, SEED, report)
    for share in (0.2, 0.4):
        together = Together(net, flat, [share] * len(data.HEADS), [1.0] * len(data.HEADS), [0.0] * len(data.HEADS))
        report(f"share {share}", together.logits)
    share = [0.4] * len(data.HEADS)
    logits = score_texts(Together(net, flat, share, share, share).logits, [e.text for e in dev], vocabulary, raw=True)
    slopes, offsets = calibrate(logits, dev)
    together = Together(net, flat, share, slopes, offsets).eval()
    thresholds = choose_thresholds(together, dev, data.neutral_tweets(options.data), vocabulary)
    export.write(options.out, together, vocabulary, thresholds, options.data)


if __name__ == "__main__":
    main()
