#!/usr/bin/python3
"""Trains the behaviour model: one small ensemble of trees per offence, from synthetic people only.

  /usr/bin/python3 server/training/behaviour/train.py     (from the root of the repository; Debian's python3-sklearn)

Runs simulations/src/behaviour/cli.ts twice (scenes to train from, scenes to choose limits by) and writes model.json and
manifest.json into server/src/pipeline/models/behaviour. The same commit gives the same bytes. The bench uses other seeds.
"""
import hashlib, json, os, subprocess, sys
os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

KINDS = ["following", "blocking", "bubble", "gestures"]
BENIGN = len(KINDS)
META = 7
OUT = "server/src/pipeline/models/behaviour"
VERSION = "2.0.0"
TREES, LEAVES, DEPTH, RATE = 120, 20, 6, 0.13
# Alarms per person-hour of people who do no harm that each kind may raise in the scenes the limits are chosen by; the bar is 1 altogether.
BUDGET = {"following": 0.2, "blocking": 0.35, "bubble": 0.05, "gestures": 0.03}
# As in behaviour-watch.ts: evidence.
DRIFT, SHARE, FALL, OLD_S = 1.0, 0.6, 4.0, 10
QUIET_S, WITHIN_S, BENIGN_S = 60, 10, 180
# The walk stops after so many trees where the sum is below what nearly all (LOST) looks at offenders have by then.
STOPS, LOST, SLACK = [2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 72], 0.002, 0.1


def scenes(seed, count):
    node = os.path.join("node_modules", ".bin", "node")
    out = subprocess.run([node if os.path.exists(node) else "node", "simulations/src/behaviour/cli.ts", "--seed", str(seed), "--scenes", str(count)],
                         check=True, capture_output=True).stdout
    end = out.index(b"\n")
    names = json.loads(out[:end])
    rows = np.frombuffer(out, dtype=np.float32, offset=end + 1) if (end + 1) % 4 == 0 else np.frombuffer(out[end + 1:], dtype=np.float32)
    rows = rows.reshape(-1, len(names))
    rows = rows[np.lexsort((rows[:, 5], rows[:, 4], rows[:, 2]))]
    # A pair nobody looked at in this second has the numbers of the last one.
    same = np.zeros(len(rows), dtype=bool)
    same[1:] = (rows[1:, 2] == rows[:-1, 2]) & (rows[1:, 4] == rows[:-1, 4]) & (rows[1:, META:META + 7] == rows[:-1, META:META + 7]).all(axis=1)
    rows = rows[~same]
    return names[META:], rows[:, :META], rows[:, META:]


def sequences(meta, scores):
    """(scene, seconds, scores) of every ordered pair."""
    cut = np.flatnonzero((meta[1:, [2, 4]] != meta[:-1, [2, 4]]).any(axis=1)) + 1
    return [(meta[i[0], 2], meta[i, 5], scores[i]) for i in np.split(np.arange(len(meta)), cut)]


def peaks(seconds, scores, most, windows):
    """The most evidence within each of the windows [from, to]; `most`: what one look can bring."""
    total, before, found = 0.0, -1e9, [0.0] * len(windows)
    for second, score in zip(seconds, scores):
        if second - before > OLD_S:
            total = 0.0
        before = second
        total = max(0.0, total + max(-FALL, min(most, score - DRIFT)))
        for i, (start, end) in enumerate(windows):
            if start <= second <= end and total > found[i]:
                found[i] = total
    return found


def benign_hours(meta):
    benign = meta[meta[:, 0] == BENIGN]
    return sum(people * BENIGN_S / 3600 for people in dict(zip(benign[:, 2], benign[:, 3])).values())


def limit_of(meta, scores, kind, index):
    """The limit that keeps to the budget, and the share of offenders caught in time; beyond the budget as far from both sides as it can be."""
    harmless = meta[:, 0] == BENIGN
    minutes = [(start + 0.5, start + QUIET_S) for start in range(0, BENIGN_S, QUIET_S)]
    sequences_of = [one for one in sequences(meta[harmless], scores[harmless]) if one[2].max() > DRIFT]
    offences = (meta[:, 0] == index) & (meta[:, 1] == 1)
    onset = dict(zip(meta[offences][:, 2], meta[offences][:, 6]))
    for row in meta[offences]:
        onset[row[2]] = max(onset[row[2]], row[6])
    theirs = sequences(meta[offences], scores[offences])
    limit = 8.0
    for _ in range(4):
        # What one look can bring depends on the limit, and the other way round.
        most = SHARE * limit
        alarms = sorted((peak for _, seconds, values in sequences_of for peak in peaks(seconds, values, most, minutes)), reverse=True)
        allowed = int(BUDGET[kind] * benign_hours(meta))
        lowest = max(1.5, (alarms[allowed] if allowed < len(alarms) else 0.0) + 0.01)
        reached = np.array([peaks(seconds, values, most, [(0, onset[scene] + WITHIN_S)])[0] if onset[scene] > 0 else 0.0 for scene, seconds, values in theirs])
        caught = float((reached >= lowest).mean())
        highest = max(lowest, float(np.quantile(reached, max(0.0, 1 - caught + 0.004))))
        limit = (lowest + min(highest, 3 * lowest)) / 2
    return limit, float((reached >= limit).mean()), sum(peak >= limit for peak in alarms) / benign_hours(meta)


def tree_of(predictor):
    nodes = []
    for node in predictor.nodes:
        if node["is_leaf"]:
            nodes.append([-1, round(float(node["value"]), 5), 0, 0])
        else:
            nodes.append([int(node["feature_idx"]), round(float(node["num_threshold"]), 4), int(node["left"]), int(node["right"])])
    return nodes


def main():
    names, meta, x = scenes(11, int(sys.argv[1]) if len(sys.argv) > 1 else 24)
    _, vmeta, vx = scenes(12, int(sys.argv[2]) if len(sys.argv) > 2 else 24)
    print(len(x), "rows,", round(benign_hours(vmeta), 1), "person-hours to choose by", file=sys.stderr)
    model = {"id": "copresence-behaviour", "version": VERSION, "features": names, "kinds": {}}
    metrics = {}
    for index, kind in enumerate(KINDS):
        wanted = (meta[:, 0] == index) & (meta[:, 1] == 1) & (meta[:, 5] > meta[:, 6] + 1.5) & (meta[:, 6] > 0)
        # Others' offences are neither this one nor harmless, and who is followed is harmless.
        use = (meta[:, 0] == BENIGN) | wanted | (meta[:, 1] == 0)
        weight = np.where(wanted, 0.3 * (~wanted & use).sum() / wanted.sum(), 1.0)
        fit = HistGradientBoostingClassifier(max_iter=TREES, max_leaf_nodes=LEAVES, max_depth=DEPTH, learning_rate=RATE, min_samples_leaf=40,
                                             l2_regularization=5.0, early_stopping=False, random_state=7)
        fit.fit(x[use], wanted[use], sample_weight=weight[use])
        scores = fit.decision_function(vx)
        limit, caught, alarms = limit_of(vmeta, scores, kind, index)
        guilty = x[wanted]
        guilty = guilty[fit.decision_function(guilty) > DRIFT]
        stops = {after: float(np.quantile(partial, LOST)) - SLACK
                 for after, partial in enumerate(fit._staged_raw_predict(guilty), 1) if after in STOPS}
        model["kinds"][kind] = {"base": round(float(np.ravel(fit._baseline_prediction)[0]), 5), "drift": DRIFT, "limit": round(limit, 3),
                                "stops": [[after, round(below, 3)] for after, below in stops.items()],
                                "trees": [tree_of(predictors[0]) for predictors in fit._predictors]}
        metrics[kind] = {"caught_within_10_s": round(caught, 3), "benign_alarms_per_hour": round(alarms, 3)}
        print(kind, "limit", round(limit, 3), metrics[kind], model["kinds"][kind]["stops"], file=sys.stderr)
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
