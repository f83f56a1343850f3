"""Makes the search's meaning tables: `python3 train_semantics.py [--dims 64]`  (Debian: python3-numpy python3-scipy python3-sklearn wordnet).

In:  WordNet 3.0 (/usr/share/wordnet, Princeton licence) and concepts.txt beside this file (own words).
Out: ../../src/pipeline/models/search-en/ {lexicon.txt.gz, vectors.bin, manifest.json}. Deterministic: same input, same bytes.

lexicon.txt.gz  one synset a line, most general first: `lemma~rank lemma ...|parent line numbers|n`, rank = which sense of the lemma it is,
                n = how many synsets lie below it in the whole of WordNet. Then a line `#` and one group of names a line (concepts.txt).
vectors.bin     "CSV1", u32 dims, u32 words, u32 things, f32 idf[words], i8 words[words*dims], i8 things[things*dims],
                then the words and the things, newline-separated UTF-8. Rows are unit vectors times 127.

A word's vector is a factorisation of positive pointwise mutual information between words that describe the same thing (a gloss, a line of
concepts.txt). A thing's vector is the mean of the words that describe it. So "to wash my hands" comes out near what a sink's gloss says.
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import re
import struct
from collections import Counter, defaultdict

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

HERE = pathlib.Path(__file__).parent
OUT = HERE.parents[1] / "src" / "pipeline" / "models" / "search-en"
WORDNET = pathlib.Path("/usr/share/wordnet")
# Lexicographer files whose synsets can stand in a room: animal artifact body communication food object person plant substance, group, shape.
THINGS = {5, 6, 8, 10, 13, 14, 17, 18, 20, 25, 27}
ALL_OF = {6, 13}
STOP = set("""a an the of to in or and for with on by from at as is are be that which who whom it its not usually used any some into other one
two having have has made especially etc such this these those than them they their his her was were etc. can may being more most very often
something someone somebody anything thing things kind type various esp through between under over during after before when where while without
about etc up down out off so if all also each only many much few do does did you your i me my we our us us""".split())


def stem(word):
    """As server/src/pipeline/search/words.ts."""
    special = {"shelves": "shelf", "bookshelves": "bookshelf", "knives": "knife", "leaves": "leaf", "halves": "half", "loaves": "loaf", "scarves": "scarf"}
    if len(word) < 4 or not word.endswith("s") or re.search(r"(?:ss|us|is)$", word):
        return word
    if word in special:
        return special[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(?:ss|x|ch|sh|zz)es$", word) else word[:-1]


IRREGULAR = {"sat": "sit", "slept": "sleep", "kept": "keep", "lay": "lie", "lying": "lie", "hung": "hang", "ate": "eat", "eaten": "eat", "drank": "drink", "wrote": "write",
             "written": "write", "burnt": "burn", "threw": "throw", "thrown": "throw", "held": "hold", "put": "put", "lit": "light", "shone": "shine", "worn": "wear", "wore": "wear", "told": "tell",
             "seen": "see", "saw": "see", "taken": "take", "given": "give", "went": "go", "gone": "go", "blown": "blow", "hidden": "hide", "broken": "break", "driven": "drive", "ridden": "ride",
             "stood": "stand", "left": "leave", "made": "make", "cut": "cut", "found": "find", "heard": "hear", "brought": "bring", "bought": "buy", "built": "build", "dried": "dry", "fried": "fry"}


def forms(word):
    """Dictionary forms to try, in order; semantics.ts does the same."""
    yield word
    if word in IRREGULAR:
        yield IRREGULAR[word]
    yield stem(word)
    for tail in ("ing", "ed", "er"):
        if word.endswith(tail) and len(word) > len(tail) + 2:
            root = word[: -len(tail)]
            yield root
            yield root + "e"
            if len(root) > 2 and root[-1] == root[-2]:
                yield root[:-1]
    if word.endswith("es"):
        yield word[:-2]


def synsets(part):
    for line in open(WORDNET / f"data.{part}", encoding="utf-8"):
        if line.startswith(" "):
            continue
        data, _, gloss = line.partition("|")
        f = data.split()
        count = int(f[3], 16)
        lemmas = [re.sub(r"\(.*\)$", "", f[4 + 2 * i]).lower() for i in range(count)]
        at = 4 + 2 * count
        pointers = [(f[at + 1 + 4 * i], f[at + 2 + 4 * i], f[at + 3 + 4 * i]) for i in range(int(f[at]))]
        yield f[0], int(f[1]), lemmas, pointers, re.split(r';\s*"', gloss)[0]


def ranks():
    """(lemma, offset) -> which sense of the noun it is, 0 for the first."""
    out = {}
    for line in open(WORDNET / "index.noun", encoding="utf-8"):
        if line.startswith(" "):
            continue
        f = line.split()
        for rank, offset in enumerate(f[6 + int(f[3]):]):
            out[(f[0], offset)] = rank
    return out


def concepts():
    for line in (HERE / "concepts.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            names, _, about = line.partition(":")
            yield [n.strip().lower() for n in names.split(",")], about


def main(dims):
    nouns = {off: (lex, lemmas, ptr, gloss) for off, lex, lemmas, ptr, gloss in synsets("noun")}
    rank = ranks()
    parents = {off: [p[1] for p in ptr if p[0] in ("@", "@i") and p[2] == "n"] for off, (_, _, ptr, _) in nouns.items()}
    ancestors = {}

    def above(off):
        if off not in ancestors:
            ancestors[off] = set(parents[off]).union(*(above(p) for p in parents[off])) if parents[off] else set()
        return ancestors[off]

    below = Counter(a for off in nouns for a in above(off))
    physical = next(off for off, (_, lemmas, _, _) in nouns.items() if "physical_entity" in lemmas)
    common = {off for off, (lex, lemmas, _, _) in nouns.items() if lex in THINGS and (physical in above(off) or lex in (10, 14))
              and (lex in ALL_OF or any(rank.get((l, off), 9) == 0 and tagged(l, off) for l in lemmas))}
    groups = list(concepts())
    named = {n.replace(" ", "_") for names, _ in groups for n in names}
    for off, (lex, lemmas, _, _) in nouns.items():
        if lex in THINGS and any(l in named and rank.get((l, off), 9) <= 2 for l in lemmas):
            common.add(off)
    for off in list(common):
        common |= above(off)
    depth = {}

    def deep(off):
        if off not in depth:
            depth[off] = 1 + max((deep(p) for p in parents[off]), default=0)
        return depth[off]

    order = sorted(common, key=lambda o: (deep(o), o))
    line_of = {off: i for i, off in enumerate(order)}
    lines = []
    for off in order:
        words = [f"{l}~{rank[(l, off)]}" if rank.get((l, off), 0) else l for l in nouns[off][1] if rank.get((l, off), 0) <= 3]
        lines.append(f"{' '.join(words)}|{' '.join(str(line_of[p]) for p in parents[off])}|{below[off]}")
    text = "\n".join([*lines, "#", *(",".join(names) for names, _ in groups)]) + "\n"

    # ---- words that describe the same thing
    lemma_set = {l for p in ("noun", "verb", "adj", "adv") for _, _, lemmas, _, _ in synsets(p) for l in lemmas if "_" not in l}

    def read(body):
        out = []
        for w in re.findall(r"[a-z]+", body.lower()):
            if w not in STOP and len(w) > 1:
                form = next((f for f in forms(w) if f in lemma_set), None)
                if form is not None and form not in STOP:
                    out.append(form)
        return out

    wanted_names = {n for names, _ in groups for n in names}
    documents = []  # (weight, words)
    about = defaultdict(list)  # thing name -> [(weight, words)]
    for part in ("noun", "verb", "adj"):
        for off, lex, lemmas, ptr, gloss in synsets(part):
            own = [w for l in lemmas for w in read(l.replace("_", " "))]
            up = [w for p in parents.get(off, []) for l in nouns[p][1][:2] for w in read(l.replace("_", " "))] if part == "noun" else []
            words = read(gloss)
            documents.append((1.0, own + words + up))
            if part == "noun" and off in line_of and lex in THINGS:
                for l in lemmas:
                    r = rank.get((l, off), 0)
                    # Names that nobody in a room would say are left out: the table is for shipping.
                    if l.replace("_", " ") in wanted_names or (lex == 6 and r <= 1) or (r == 0 and tagged(l, off)):
                        about[l.replace("_", " ")].append((0.6 ** r, words + own + up))
    for names, use in groups:
        own = [w for n in names for w in read(n)]
        for _ in range(4):
            documents.append((2.0, read(use) + own[:8]))
        for n in names:
            about[n].append((3.0, read(use) * 2 + own))
    seen = Counter(w for _, d in documents for w in set(d))
    wanted = {w for names, use in groups for w in read(" ".join(names) + " " + use)}
    vocabulary = sorted(w for w, n in seen.items() if n >= 6 or w in wanted)
    at = {w: i for i, w in enumerate(vocabulary)}
    size = len(vocabulary)
    rows, cols, values = [], [], []
    for weight, d in documents:
        ids = sorted({at[w] for w in d if w in at})
        if len(ids) < 2:
            continue
        share = weight / (len(ids) - 1) ** 0.5
        for i in ids:
            for j in ids:
                if i != j:
                    rows.append(i), cols.append(j), values.append(share)
    pairs = sparse.coo_matrix((values, (rows, cols)), shape=(size, size)).tocsr()
    total = pairs.sum()
    left = np.asarray(pairs.sum(1)).ravel()
    right = np.asarray(pairs.sum(0)).ravel() ** 0.75
    right *= total / right.sum()
    pairs = pairs.tocoo()
    pmi = np.log(pairs.data * total / (left[pairs.row] * right[pairs.col]))
    keep = pmi > 0
    ppmi = sparse.csr_matrix((pmi[keep], (pairs.row[keep], pairs.col[keep])), shape=(size, size))
    ppmi = ppmi + sparse.identity(size) * 4.0
    u, s, _ = randomized_svd(ppmi, n_components=dims, n_iter=6, random_state=7)
    vectors = u * np.sqrt(s)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    idf = np.array([np.log(len(documents) / (1 + seen[w])) for w in vocabulary], dtype="<f4")
    idf /= idf.max()
    names = sorted(about)
    things = np.zeros((len(names), dims))
    for i, n in enumerate(names):
        for weight, words in about[n]:
            ids = [at[w] for w in words if w in at]
            if ids:
                things[i] += weight * (vectors[ids] * idf[ids, None]).sum(0) / idf[ids].sum()
    # The direction that everything shares says nothing.
    mean = things.mean(0)
    things -= mean
    vectors -= mean * 0.5
    live = np.linalg.norm(things, axis=1) > 1e-6
    names, things = [n for n, ok in zip(names, live) if ok], things[live]
    unit = lambda m: np.clip(np.round(127 * m / (np.linalg.norm(m, axis=1, keepdims=True) + 1e-9) * 1.0), -127, 127).astype("i1")

    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "lexicon.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    blob = b"CSV1" + struct.pack("<III", dims, size, len(names)) + idf.tobytes() + unit(vectors).tobytes() + unit(things).tobytes()
    (OUT / "vectors.bin").write_bytes(blob + ("\n".join([*vocabulary, *names])).encode())
    files = {f: {"bytes": (OUT / f).stat().st_size, "sha256": hashlib.sha256((OUT / f).read_bytes()).hexdigest()} for f in ("lexicon.txt.gz", "vectors.bin")}
    manifest = {
        "id": "search-en",
        "version": "1",
        "task": "search: other words for things, what things are for (English)",
        "files": files,
        "schema": {"dims": dims, "words": size, "things": len(names), "synsets": len(order), "groups": len(groups)},
        "runtime": "plain TypeScript, no model runtime",
        "minimumDevice": "any",
        "licence": "Derived from WordNet 3.0 (c) 2006 Princeton University (WordNet licence, notice in MODEL_CARD.md) and from own text (Apache-2.0)",
        "trainedBy": "server/training/search/train_semantics.py",
    }
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(json.dumps(manifest["schema"]), {f: v["bytes"] for f, v in files.items()})


TAGGED = None


def tagged(lemma, offset):
    """True for nouns that occur in sense-tagged text: what keeps thousands of species out."""
    global TAGGED
    if TAGGED is None:
        TAGGED = set()
        for line in open(WORDNET / "index.noun", encoding="utf-8"):
            f = line.split()
            if not line.startswith(" ") and int(f[5 + int(f[3])]) > 0:
                TAGGED.add(f[0])
    return lemma in TAGGED


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--dims", type=int, default=64)
    main(parser.parse_args().dims)
