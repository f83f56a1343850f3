"""
A sentence transformer at toy size, with everything a real one brings: tokenizer.json (WordPiece, as Hugging Face writes it), an ONNX encoder with
input_ids, attention_mask and token_type_ids, a manifest. It proves that such models plug in; its weights are random, so its vectors mean little.

  python3 server/training/toy_sentence.py

Writes server/src/pipeline/models/testing/toy-sentence/. A real one: export any BERT-like sentence transformer, copy its tokenizer.json, write the manifest.
"""
import collections
import json
import re
import unicodedata
from pathlib import Path

import onnx
import torch
from torch import nn

import data
from export import sha256

OUT = Path(__file__).resolve().parent.parent / "src/pipeline/models/testing/toy-sentence"
SIZE, LONGEST, DIMENSIONS = 600, 32, 32
TEXTS = ["the red valve near the pump", "Where's the blue CHAIR?", "unbelievable", "", "naïve café", "你好 lamp", "one two three " * 20, "x" * 200]


def words(text: str) -> list:
    """BERT's basic tokens: lower case, no accents, punctuation and CJK characters alone."""
    text = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    return re.findall(r"[\u4e00-\u9fff]|[!-/:-@\[-`{-~]|[^\s!-/:-@\[-`{-~\u4e00-\u9fff]+", text)


def vocabulary() -> dict:
    counts = collections.Counter(w for e in data.chat("train") for w in words(e.text) if w.isascii())
    letters = sorted({c for w in counts for c in w})
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + letters + ["##" + c for c in letters] + ["##ing", "##ed", "##er", "##able", "un", "##believ"]
    tokens += [w for w, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0])) if len(w) > 1 and w not in tokens][: SIZE - len(tokens)]
    return {token: at for at, token in enumerate(dict.fromkeys(tokens))}


def pieces(word: str, vocab: dict) -> list:
    if len(word) > 100:
        return ["[UNK]"]
    out, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocab:
                break
        else:
            return ["[UNK]"]
        out.append(piece)
        start = end
    return out


def encode(text: str, vocab: dict) -> list:
    inner = [p for w in words(text) for p in pieces(w, vocab)][: LONGEST - 2]
    return [vocab[p] for p in ["[CLS]", *inner, "[SEP]"]]


class Encoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.tokens, self.places, self.kinds = nn.Embedding(size, DIMENSIONS), nn.Embedding(LONGEST, DIMENSIONS), nn.Embedding(2, DIMENSIONS)
        self.query, self.key, self.value, self.out = (nn.Linear(DIMENSIONS, DIMENSIONS) for _ in range(4))
        self.norm, self.norm2 = nn.LayerNorm(DIMENSIONS), nn.LayerNorm(DIMENSIONS)
        self.up, self.down = nn.Linear(DIMENSIONS, 64), nn.Linear(64, DIMENSIONS)

    def forward(self, input_ids, attention_mask, token_type_ids):
        places = torch.cumsum(torch.ones_like(input_ids), 1) - 1
        x = self.tokens(input_ids) + 0.1 * self.places(places) + 0.1 * self.kinds(token_type_ids)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / DIMENSIONS**0.5 - 1e4 * (1 - attention_mask.float()).unsqueeze(1)
        x = self.norm(x + self.out(torch.softmax(scores, 2) @ self.value(x)))
        return self.norm2(x + self.down(torch.relu(self.up(x))))


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    vocab = vocabulary()
    net = Encoder(len(vocab)).eval()
    sample = torch.ones(2, 5, dtype=torch.int64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    path = OUT / "model.onnx"
    axes = {name: {0: "texts", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    torch.onnx.export(net, (sample, sample, 0 * sample), str(path), input_names=names, output_names=["last_hidden_state"], opset_version=13, dynamic_axes=axes)
    model = onnx.load(str(path))
    model.producer_name = "copresence"
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(model, str(path))
    tokenizer = {
        "version": "1.0",
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab},
    }
    (OUT / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")
    golden = []
    for text in TEXTS:
        ids = encode(text, vocab)
        tensor = torch.tensor([ids])
        mean = net(tensor, torch.ones_like(tensor), torch.zeros_like(tensor))[0].mean(0)
        vector = (mean / mean.norm()).tolist()
        golden.append({"text": text, "ids": ids, "vector": [round(v, 6) for v in vector]})
    (OUT / "golden.json").write_text("[\n" + ",\n".join(json.dumps(g, ensure_ascii=False) for g in golden) + "\n]\n", encoding="utf-8")
    files = ["model.onnx", "tokenizer.json", "golden.json"]
    tokens = ["texts", "tokens"]
    manifest = {
        "kind": "sentence", "id": "toy-sentence", "version": "1.0.0", "sha256": sha256(path), "model": "model.onnx",
        "files": {name: {"sha256": sha256(OUT / name), "bytes": (OUT / name).stat().st_size} for name in files},
        "schema": {"inputs": {name: {"type": "int64", "shape": tokens} for name in names}, "outputs": {"last_hidden_state": {"type": "float32", "shape": [*tokens, DIMENSIONS]}}},
        "tokenizer": {"file": "tokenizer.json", "maxTokens": LONGEST, "lowercase": True}, "pooling": "mean", "dimensions": DIMENSIONS, "golden": "golden.json",
        "metrics": {}, "runtime": {"onnxruntime": ">=1.14", "opset": 13}, "minimumDevice": {"memoryMb": 8}, "licence": "Apache-2.0", "languages": ["en"],
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(sum(f["bytes"] for f in manifest["files"].values()), "bytes")


if __name__ == "__main__":
    main()
