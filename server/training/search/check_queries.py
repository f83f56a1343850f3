"""Checks that the answers of the search queries are true in the geometry: `python3 check_queries.py SCENES_DIR [--print]`.

Every query carries a `check`: its meaning said once more as an expression over the raw scene. The expression is evaluated here, on
scenes.py's own reading of the data, and must give exactly the objects of `answer`. Written independently of the ranking: no score, no
threshold is shared. `--write` fills in the answers of new queries (read them before committing), `--print` lists them for reading.
"""
import json
import math
import pathlib
import re
import sys

import scenes

HERE = pathlib.Path(__file__).parent
QUERIES = HERE.parents[2] / "bench" / "src" / "search" / "queries"


class World:
    def __init__(self, objects, viewer):
        self.all = objects
        self.placed = [o for o in objects if o["pos"] is not None]
        self.eye = viewer and viewer["position"]
        if viewer:
            yaw = math.radians(viewer["yawDeg"])
            self.ahead, self.right = (-math.sin(yaw), -math.cos(yaw)), (math.cos(yaw), -math.sin(yaw))

    # ---- sets
    def L(self, pattern, room=None):
        found = [o for o in self.placed if re.search(pattern, o["label"], re.I)]
        return found if room is None else [o for o in found if re.search(room, o["room"], re.I)]

    def any_of(self, pattern):
        return [o for o in self.all if re.search(pattern, o["label"], re.I)]

    def I(self, *ids):
        found = [o for o in self.all if any(o["id"] == i or (len(i) >= 4 and (o["id"].startswith(i) or o["id"].endswith(i))) for i in ids)]
        assert len(found) == len(ids), (ids, [o["id"] for o in found])
        return found

    def less(self, s, t):
        ids = {o["id"] for o in t}
        return [o for o in s if o["id"] not in ids]

    def color(self, s, name):
        return [o for o in s if name in o["color"]]

    # ---- measures
    @staticmethod
    def gap(a, b):
        """Distance between two boxes (0 when they touch)."""
        return math.sqrt(sum(max(0.0, abs(a["pos"][i] - b["pos"][i]) - (a["size"][i] + b["size"][i]) / 2) ** 2 for i in range(3)))

    @staticmethod
    def span(a, b):
        return math.dist(a["pos"], b["pos"])

    def _view(self, o):
        d = [o["pos"][0] - self.eye[0], o["pos"][2] - self.eye[2]]
        return d[0] * self.right[0] + d[1] * self.right[1], d[0] * self.ahead[0] + d[1] * self.ahead[1]

    @staticmethod
    def _best(s, key, margin=0.03):
        """The one with the least key; ties within `margin` (relative and absolute) are all returned."""
        ranked = sorted(s, key=key)
        if not ranked:
            return []
        first = key(ranked[0])
        return [o for o in ranked if key(o) <= first + margin * (1 + abs(first))]

    # ---- relations to things: both the gap between boxes and the distance of centres must agree, or the query is refused
    def _to(self, o, t):
        others = [x for x in t if x is not o]
        return min(self.gap(o, x) for x in others), min(self.span(o, x) for x in others)

    def cl(self, s, t, by="both"):
        a, b = (self._best(s, lambda o: self._to(o, t)[i]) for i in (0, 1))
        return self._same(a, b, by)

    def far(self, s, t, by="both"):
        a, b = (self._best(s, lambda o: -self._to(o, t)[i]) for i in (0, 1))
        return self._same(a, b, by)

    def _same(self, a, b, by):
        if by == "gap":
            return a
        if by == "centre":
            return b
        common = [o for o in a if o in b]
        assert common, ("gap and centre disagree", [(o["id"], o["label"]) for o in a], [(o["id"], o["label"]) for o in b])
        return common

    def nr(self, s, t, d):
        return [o for o in s if any(x is not o and self.gap(o, x) <= d for x in t)]

    def away(self, s, t, d):
        return [o for o in s if all(x is o or self.gap(o, x) > d for x in t)]

    def on(self, s, t):
        """Rests on: footprint centre inside, bottom near the top surface or within the body (seats are below backs)."""
        return [o for o in s if any(x is not o
                and abs(o["pos"][0] - x["pos"][0]) <= x["size"][0] / 2 and abs(o["pos"][2] - x["pos"][2]) <= x["size"][2] / 2
                and x["pos"][1] - x["size"][1] / 2 + 0.02 <= o["pos"][1] - o["size"][1] / 2 <= x["pos"][1] + x["size"][1] / 2 + 0.15
                and o["pos"][1] > x["pos"][1] for x in t)]

    def ab(self, s, t, slack=0.3):
        return [o for o in s for x in t if x is not o and o["pos"][1] > x["pos"][1] + 0.2
                and all(abs(o["pos"][i] - x["pos"][i]) <= max(x["size"][i], o["size"][i]) / 2 + slack for i in (0, 2))]

    def be(self, s, t, slack=0.3):
        return [o for o in s for x in t if x is not o and o["pos"][1] < x["pos"][1] - 0.2
                and all(abs(o["pos"][i] - x["pos"][i]) <= max(x["size"][i], o["size"][i]) / 2 + slack for i in (0, 2))]

    def bt(self, s, a, b):
        def inside(o, p, q):
            v = [q["pos"][0] - p["pos"][0], q["pos"][2] - p["pos"][2]]
            w = [o["pos"][0] - p["pos"][0], o["pos"][2] - p["pos"][2]]
            n = v[0] ** 2 + v[1] ** 2
            t = (v[0] * w[0] + v[1] * w[1]) / max(n, 1e-9)
            off = abs(v[0] * w[1] - v[1] * w[0]) / max(math.sqrt(n), 1e-9)
            return 0.1 < t < 0.9 and off < 0.35 * math.sqrt(n)
        return [o for o in s if any(o is not p and o is not q and p is not q and inside(o, p, q) for p in a for q in b)]

    def nth(self, s, t, n):
        ranked = sorted(s, key=lambda o: self._to(o, t)[1])
        return [ranked[n - 1]]

    # ---- size and height
    def big(self, s):
        return self._best(s, lambda o: -o["size"][0] * max(0.02, o["size"][1]) * o["size"][2] if min(o["size"]) > 0.001 else -max(o["size"][0], o["size"][2]) * o["size"][1])

    def small(self, s):
        return self._best(s, lambda o: o["size"][0] * max(0.02, o["size"][1]) * o["size"][2] if min(o["size"]) > 0.001 else max(o["size"][0], o["size"][2]) * o["size"][1])

    def tall(self, s):
        return self._best(s, lambda o: -o["size"][1])

    def short(self, s):
        return self._best(s, lambda o: o["size"][1])

    def wide(self, s):
        return self._best(s, lambda o: -max(o["size"][0], o["size"][2]))

    def narrow(self, s):
        return self._best(s, lambda o: max(o["size"][0], o["size"][2]))

    def hi(self, s):
        return self._best(s, lambda o: -o["pos"][1])

    def lo(self, s):
        return self._best(s, lambda o: o["pos"][1])

    # ---- the viewer's
    @property
    def me(self):
        return [{"id": "me", "label": "", "pos": self.eye, "size": [0, 0, 0]}]

    def lf(self, s):
        """Clearly on the viewer's left: at least 15 degrees off the line of sight."""
        return [o for o in s if self._view(o)[0] < -abs(self._view(o)[1]) * 0.27]

    def rt(self, s):
        return [o for o in s if self._view(o)[0] > abs(self._view(o)[1]) * 0.27]

    def fr(self, s):
        return [o for o in s if self._view(o)[1] > abs(self._view(o)[0]) * 0.5]

    def bh(self, s):
        return [o for o in s if self._view(o)[1] < -abs(self._view(o)[0]) * 0.3]

    def _bearing(self, o):
        x, a = self._view(o)
        return math.atan2(x, a)

    def row(self, s):
        """From left to right as the viewer sees them; by bearing and by sideways offset must agree."""
        by = sorted(s, key=self._bearing)
        across = sorted(s, key=lambda o: self._view(o)[0])
        assert by == across, ("bearing and offset disagree", [o["id"][-4:] for o in by], [o["id"][-4:] for o in across])
        return by

    def lm(self, s):
        return self.row(s)[:1]

    def rm(self, s):
        return self.row(s)[-1:]

    def ordl(self, s, n):
        return [self.row(s)[n - 1]]

    def ordr(self, s, n):
        return [self.row(s)[-n]]

    def _beside(self, o, x):
        """Sideways offset of o from x, seen by the viewer along the line of sight to x."""
        d = [x["pos"][0] - self.eye[0], x["pos"][2] - self.eye[2]]
        n = math.hypot(*d)
        w = [o["pos"][0] - x["pos"][0], o["pos"][2] - x["pos"][2]]
        return (-w[0] * d[1] + w[1] * d[0]) / n, (w[0] * d[0] + w[1] * d[1]) / n

    def lo_of(self, s, t):
        return [o for o in s if any(x is not o and self._beside(o, x)[0] < -max(0.05, 0.5 * abs(self._beside(o, x)[1])) for x in t)]

    def ro_of(self, s, t):
        return [o for o in s if any(x is not o and self._beside(o, x)[0] > max(0.05, 0.5 * abs(self._beside(o, x)[1])) for x in t)]

    def fo_of(self, s, t):
        """Nearer to the viewer than x, on the line of sight."""
        return [o for o in s if any(x is not o and self._beside(o, x)[1] < -max(0.1, 0.9 * abs(self._beside(o, x)[0])) for x in t)]

    def bo_of(self, s, t):
        return [o for o in s if any(x is not o and self._beside(o, x)[1] > max(0.1, 0.9 * abs(self._beside(o, x)[0])) for x in t)]

    def evaluate(self, expression):
        names = {n: getattr(self, n) for n in dir(self) if not n.startswith("_") and n != "me"}
        names["P"] = self.placed
        if self.eye:
            names["me"] = self.me
        return eval(expression, {"__builtins__": {"len": len}}, names)


def main(root, write, show):
    wrong = total = 0
    for path in sorted(QUERIES.glob("*.json")):
        book = json.loads(path.read_text())
        objects = scenes.load(root, book["scene"])
        for query in book["queries"]:
            total += 1
            viewer = book["viewers"][query["viewer"]] if query.get("viewer") else None
            try:
                true = World(objects, viewer).evaluate(query["check"])
            except Exception as error:
                true, wrong = None, wrong + 1
                print(f"{path.name}: {query['text']!r}: {query['check']}: {error!r}")
                continue
            count = isinstance(true, int)
            ids = true if count else sorted({o["id"] for o in true})
            if write and query.get("answer") is None:
                query["answer"] = ids
            if show:
                print(path.stem, "|", query["text"], "|", query.get("viewer", ""), "->", ids if count else [(o["id"][-4:], o["label"][:34], [round(v, 1) for v in o["pos"] or []]) for o in true])
            if query.get("answer") != ids or ids == []:
                wrong += 1
                print(f"{path.name}: {query['text']!r}: answer {query.get('answer')} but the geometry says {ids}")
            label = " ".join(o["label"] for o in (true if not count else []))
            if "synonym" in query.get("tags", []):
                said = set(re.findall(r"[a-z]{3,}", query["text"].lower()))
                named = {w for w in re.findall(r"[a-z]{3,}", label.lower()) if w not in ("and", "the", "with")}
                both = {s for s in said for n in named if s == n or s.rstrip("s") == n.rstrip("s")}
                if both:
                    wrong += 1
                    print(f"{path.name}: {query['text']!r} is tagged synonym but says {both}")
        if write:
            lines = ",\n".join("    " + json.dumps(q, ensure_ascii=False) for q in book["queries"])
            head = json.dumps({k: v for k, v in book.items() if k != "queries"}, ensure_ascii=False, indent=2)[:-2]
            path.write_text(f'{head},\n  "queries": [\n{lines}\n  ]\n}}\n')
    print(f"{total} queries, {wrong} wrong")
    return wrong == 0


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], "--write" in sys.argv, "--print" in sys.argv) else 1)
