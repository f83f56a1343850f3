"""The three recorded scene sets in one frame (right-handed, y up, metres), read on their own, without any code of the product.

Used by check_queries.py as an independent witness: nothing here is shared with server/src/pipeline/search.
"""
import csv
import json
import math
import pathlib




def turn(q, v):
    """Rotates vector v by quaternion q = (x, y, z, w)."""
    x, y, z, w = q
    tx, ty, tz = 2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]), 2 * (x * v[1] - y * v[0])
    return (v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx)


def quest(path):
    """WebXR spatial entities: pose plus 2-D or 3-D bounds in the entity's frame -> axis-aligned boxes in the room."""
    out = []
    for e in json.load(open(path))["spatialEntities"]:
        pose, label = e["locatable_META"], e["semanticLabel_META"]
        bounds = e.get("bounded3D_META") or e.get("bounded2D_META")
        if bounds is None:
            continue
        q = [pose["orientation"][k] for k in "xyzw"]
        p = [pose["position"][k] for k in "xyz"]
        at, reach = bounds["offset"], bounds["extent"]
        # A plane lies in its entity's x and z (its normal is y), a volume in x, y and z.
        flat = "depth" not in reach
        lo = [at["x"], 0, at["y"]] if flat else [at[k] for k in "xyz"]
        hi = [lo[0] + reach["width"], lo[1] + (0 if flat else reach["height"]), lo[2] + (reach["height"] if flat else reach["depth"])]
        corners = [turn(q, (x, y, z)) for x in (lo[0], hi[0]) for y in (lo[1], hi[1]) for z in (lo[2], hi[2])]
        mins = [min(c[i] for c in corners) + p[i] for i in range(3)]
        maxs = [max(c[i] for c in corners) + p[i] for i in range(3)]
        out.append({"id": e["uuid"], "label": label.replace("_", " ").lower(), "room": "", "solid": "bounded3D_META" in e, "anchor": p,
                    "pos": [(a + b) / 2 for a, b in zip(mins, maxs)], "size": [b - a for a, b in zip(mins, maxs)], "color": ""})
    # A volume replaces the flat twin that was captured at the same place.
    solids = [o for o in out if o["solid"]]
    return [o for o in out if o["solid"] or not any(s["label"] == o["label"] and math.dist(s["anchor"], o["anchor"]) < 0.05 for s in solids)]


def duplex(folder):
    """A building model: z up there; insertion points, no sizes. Spaces and stairs have no usable place and are left out of geometry."""
    out = []
    for name in ("duplex_arch.json", "duplex_elec.json"):
        for e in json.load(open(folder / name)):
            if e["ifcType"] == "space":
                continue
            x, y, z = e["position"]
            placed = e["position"] != [0.0, 0.0, 0.0]
            out.append({"id": e["id"], "label": e["name"], "room": e["room"] or "", "pos": [x, z, -y] if placed else None, "size": [0, 0, 0], "color": "", "type": e["ifcType"]})
    return out


def loft(folder):
    """A modelled flat: z up there; boxes turned about the vertical by `heading`."""
    rooms = {"0": "bedroom", "1": "corridor", "2": "livingroom", "-1": ""}
    out = []
    for r in csv.DictReader(open(folder / "loft_object_result.csv")):
        f = lambda k: float(r["object_bbox_" + k])
        c, s = abs(math.cos(f("heading"))), abs(math.sin(f("heading")))
        x, y = f("xlength"), f("ylength")
        shares = [(r[f"object_color_scheme{i}"], r[f"object_color_scheme_percentage{i}"]) for i in (1, 2, 3)]
        colour = [n for n, p in shares if n not in (None, "_") and float(p) >= 0.25]
        out.append({"id": r["object_id"], "label": r["raw_label"], "room": rooms[r["region_id"]], "pos": [f("cx"), f("cz"), -f("cy")],
                    "size": [c * x + s * y, f("zlength"), s * x + c * y], "color": " ".join(colour)})
    return out


def load(root, name):
    root = pathlib.Path(root)
    if name == "duplex":
        return duplex(root / "bsi-duplex")
    if name == "loft":
        return loft(root / "vla3d-unity-loft")
    return quest(root / "quest-rooms" / f"{name}.json")
