/** Search over scenes that were not made for it: a modelled flat and a building (../shared/data/scenes, not part of the product). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SceneIndex, type SearchEvent } from "./index.ts";

const root = new URL("../../../../../shared/data/scenes/", import.meta.url);
const loft = new URL("vla3d-unity-loft/loft_object_result.csv", root);
const duplex = ["duplex_arch.json", "duplex_elec.json"].map((name) => new URL(`bsi-duplex/${name}`, root));
const present = [loft, ...duplex].every((url) => existsSync(url));
if (!present) console.warn("skipped: search over recorded scenes needs ../shared/data/scenes");

/** The flat: z up there, y up here. */
function loadLoft(): SceneIndex {
  const [head = [], ...rows] = readFileSync(loft, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const index = new SceneIndex();
  for (const row of rows) {
    const cell = (name: string): string => row[head.indexOf(name)] ?? "";
    const value = (name: string): number => Number(cell(name));
    const color = ["r1", "g1", "b1"].map((c) => value(`object_color_${c}`).toString(16).padStart(2, "0")).join("");
    index.apply({
      kind: "object",
      object: `o${cell("object_id")}`,
      version: 1,
      type: cell("nyu40_label"),
      label: cell("raw_label"),
      text: "",
      position: [value("object_bbox_cx"), value("object_bbox_cz"), -value("object_bbox_cy")],
      sizeM: Math.max(value("object_bbox_xlength"), value("object_bbox_ylength"), value("object_bbox_zlength")),
      color: `#${color}`,
    });
  }
  return index;
}

type Element = { id: string; ifcType: string; name: string; room: string | null; position: [number, number, number] };
function loadDuplex(): SceneIndex {
  const index = new SceneIndex();
  const elements = duplex.flatMap((url) => JSON.parse(readFileSync(url, "utf8")) as Element[]);
  for (const { id, ifcType, name, room, position } of elements) {
    const [x, y, z] = position;
    index.apply({ kind: "object", object: id, version: 1, type: ifcType, label: name, text: room ?? "", position: [x, z, -y], sizeM: 0, color: "" });
  }
  return index;
}

const ask = (text: string): SearchEvent =>
  ({
    kind: "search",
    session: "s",
    ref: 1,
    text,
    limit: 5,
    withinM: 0,
    types: [],
    from: { position: [6, 1.6, 1], rotation: [0, 0, 0, 1] },
  }) as unknown as SearchEvent;

describe.skipIf(!present)("recorded scenes (needs ../shared/data/scenes)", () => {
  it("finds the thing that is named in the flat, by its label or another word for it", () => {
    const index = loadLoft();
    for (const [text, label] of [
      ["couch", /sofa/],
      ["the tv", /tv/],
      ["potted plant near the sofa", /plant/],
      ["pillow on the sofa", /pillow/],
      ["closest chair to the table", /chair/],
      ["biggest painting", /painting/],
    ] as const) {
      expect(index.search(ask(text))[0]?.label).toMatch(label);
    }
  });

  it("finds the nearest of many in the flat, against brute force", () => {
    const index = loadLoft();
    const [x, y, z] = [6, 1.6, 1];
    const doors = index.search({ ...ask("door"), limit: 64 }).filter(({ label }) => label === "door");
    const away = (p: readonly number[]): number => Math.hypot((p[0] ?? 0) - x, (p[1] ?? 0) - y, (p[2] ?? 0) - z);
    const nearest = doors.reduce((best, door) => (away(door.position) < away(best.position) ? door : best));
    expect(index.search(ask("nearest door"))[0]?.object).toBe(nearest.object);
  });

  it("finds machines in a building among hundreds of elements", () => {
    const index = loadDuplex();
    expect(index.size).toBeGreaterThan(200);
    expect(index.search(ask("circulator pump"))[0]?.label).toContain("Pump");
    expect(index.search(ask("fridge"))[0]?.label).toContain("Refrigerator");
  });
});
