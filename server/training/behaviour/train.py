#!/usr/bin/python3
"""Trains the behaviour model: one small ensemble of trees per offence, from synthetic people only.

  /usr/bin/python3 server/training/behaviour/train.py     (from the root of the repository; Debian's python3-sklearn)

Runs simulations/src/behaviour/cli.ts twice (training scenes, scenes for choosing the thresholds) and writes model.json and
manifest.json into server/src/pipeline/models/behaviour. The same commit gives the same bytes. The bench uses other seeds.
"""
import csv, hashlib, io, json, os, subprocess, sys
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

KINDS = ["following", "blocking", "bubble", "gestures"]
OUT = "server/src/pipeline/models/behaviour"
VERSION = "1.0.0"
TREES, DEPTH = 80, 4
# An alarm takes two seconds over the threshold, so a benign row may pass it this often. What is told apart easily needs none of it.
BENIGN_RATE = {"following": 2e-4, "blocking": 2.5e-4, "bubble": 1e-4, "gestures": 2e-5}


def scenes(seed, count):
    node = os.path.join("node_modules", ".bin", "node")
    text = subprocess.run([node if os.path.exists(node) else "node", "simulations/src/behaviour/cli.ts", "--seed", str(seed), "--scenes", str(count)],
                          check=True, capture_output=True, text=True).stdout
    rows = csv.reader(io.StringIO(text))
    names = next(rows)[3:]
    kinds, labels, values = [], [], []
    for row in rows:
        kinds.append(row[0]); labels.append(int(row[1])); values.append([float(x) for x in row[3:]])
    return names, np.array(kinds), np.array(labels), np.array(values, dtype=np.float32)


def tree_of(tree, rate):
    nodes = []
    for i in range(tree.node_count):
        if tree.children_left[i] < 0:
            nodes.append([-1, round(float(tree.value[i][0][0]) * rate, 5), 0, 0])
        else:
            nodes.append([int(tree.feature[i]), round(float(tree.threshold[i]), 4), int(tree.children_left[i]), int(tree.children_right[i])])
    return nodes


def main():
    names, kinds, labels, x = scenes(11, int(sys.argv[1]) if len(sys.argv) > 1 else 12)
    _, vkinds, vlabels, vx = scenes(12, int(sys.argv[2]) if len(sys.argv) > 2 else 8)
    model = {"id": "copresence-behaviour", "version": VERSION, "features": names, "kinds": {}}
    metrics = {}
    for kind in KINDS:
        use = (kinds == "benign") | (kinds == kind) | (labels == 0)
        wanted = (kinds[use] == kind) & (labels[use] == 1)
        weight = np.where(wanted, (len(wanted) - wanted.sum()) / wanted.sum() * 0.3, 1.0)
        rows = np.arange(len(wanted))
        # Every benign third row is enough, and trains in minutes.
        keep = wanted | (rows % 3 == 0)
        fit = GradientBoostingClassifier(n_estimators=TREES, max_depth=DEPTH, learning_rate=0.2, subsample=0.5, max_features=8, min_samples_leaf=50, random_state=7)
        fit.fit(x[use][keep], wanted[keep], sample_weight=weight[keep])
        benign = fit.decision_function(vx[(vkinds == "benign") | (vlabels == 0)])
        threshold = float(np.quantile(benign, 1 - BENIGN_RATE[kind]))
        caught = fit.decision_function(vx[(vkinds == kind) & (vlabels == 1)])
        prior = fit.init_.class_prior_[1]
        model["kinds"][kind] = {"base": round(float(np.log(prior / (1 - prior))), 5), "threshold": round(threshold, 4),
                                "trees": [tree_of(e[0].tree_, fit.learning_rate) for e in fit.estimators_]}
        metrics[kind] = {"seconds_caught": round(float((caught > threshold).mean()), 3), "benign_rate": BENIGN_RATE[kind]}
        print(kind, "threshold", round(threshold, 3), metrics[kind], file=sys.stderr)
    text = json.dumps(model, separators=(",", ":"))
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "model.json"), "w") as file:
        file.write(text + "\n")
    manifest = {"kind": "behaviour-trees", "id": model["id"], "version": VERSION, "model": "model.json",
                "sha256": hashlib.sha256((text + "\n").encode()).hexdigest(), "features": names, "metrics": metrics,
                "runtime": "typescript", "minimumDevice": "any", "data": "synthetic people of simulations/src/behaviour, seeds 11 and 12"}
    with open(os.path.join(OUT, "manifest.json"), "w") as file:
        file.write(json.dumps(manifest, indent=2) + "\n")


main()
