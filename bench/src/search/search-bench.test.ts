import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { externalScenes } from "./external.ts";
import { latency, recall } from "./load.ts";
import { hasRecordedScenes, recordedScenes } from "./recorded-scenes.ts";
import { queryOf, sceneOf, viewerOf } from "./scene-file.ts";
import { judge, share, slicesOf } from "./score.ts";

const OBJECTS = [
  { id: "a", label: "chair", position: [-1, 0.5, -3], size: [0.5, 1, 0.5], color: "#cc0000", tags: ["wooden"] },
  { id: "b", label: "chair", position: { x: 1, y: 0.5, z: -3 }, size: { x: 0.5, y: 1, z: 0.5 } },
  { id: "f", label: "refrigerator", position: [3, 0.9, -3] },
];
const QUERIES = [
  { text: "the chair on my left", viewer: { position: [0, 1.6, 0], yaw: 0 }, answer: "a" },
  { text: "chair on the left", viewer: { position: [0, 1.6, -6], yawDeg: 180 }, answer: ["b"] },
  { text: "icebox", answer: "f" },
  { text: "how many chairs", answer: 2 },
];

describe("scenes and queries from files", () => {
  it("takes viewers by yaw in radians or degrees, by quaternion, as a list", () => {
    const half = viewerOf({ position: [0, 0, 0], yaw: Math.PI })?.rotation ?? [];
    expect(half[1]).toBeCloseTo(1);
    expect(viewerOf({ position: [0, 0, 0], yaw: 180 })?.rotation).toEqual(half);
    expect(viewerOf([0, 0, 0, Math.PI])?.rotation).toEqual(half);
    expect(viewerOf({ position: [1, 2, 3], rotation: { x: 0, y: 1, z: 0, w: 0 } })).toEqual({ position: [1, 2, 3], rotation: [0, 1, 0, 0] });
    for (const towards of [{ forward: [-1, 0, 0] }, { lookAt: { x: -4, y: 2, z: 3 } }])
      viewerOf({ position: [1, 2, 3], ...towards })?.rotation.forEach((part, i) =>
        expect(part).toBeCloseTo([0, Math.SQRT1_2, 0, Math.SQRT1_2][i]!, 9),
      );
    expect(viewerOf({ position: [1, 2, 3], forward: [0, 1, 0] }, true)?.rotation[3]).toBe(1);
    expect(viewerOf({ position: [1, Number.NaN, 3] })).toBeNull();
    expect(viewerOf("me")).toBeNull();
  });

  it("[SF2] turns z-up scenes", () => {
    const scene = sceneOf({ up: "z", objects: [{ id: 1, label: "box", position: [1, 2, 3], size: [4, 5, 6] }] }, "s");
    expect(scene.objects[0]).toMatchObject({ object: "1", position: [1, 3, -2], size: [4, 6, 5] });
  });

  it("[SF1] refuses what is no scene or no query with a sentence", () => {
    expect(() => sceneOf({ things: [] }, "file.json")).toThrow(/file.json: neither a list of objects/);
    expect(() => sceneOf([{ label: "no id" }], "s")).toThrow(/without an id/);
    const said: string[] = [];
    const scene = sceneOf({ objects: [{ label: "no id" }, ...OBJECTS], queries: [{ text: "chair" }, ...QUERIES] }, "s", (line) => said.push(line));
    expect([scene.objects.length, scene.queries.length, said]).toEqual([
      3,
      4,
      ["s: left out object 1: an object without an id", "s: left out query 1: a query without a text or an answer"],
    ]);
    expect(() => queryOf({ text: "chair" })).toThrow(/without a text or an answer/);
  });

  it("scores one file or a scene and its queries apart, and says what it skips", () => {
    const folder = mkdtempSync(join(tmpdir(), "search-"));
    try {
      writeFileSync(join(folder, "one.json"), JSON.stringify({ objects: OBJECTS, queries: QUERIES }));
      writeFileSync(join(folder, "two.scene.json"), JSON.stringify({ objects: OBJECTS }));
      writeFileSync(join(folder, "two.queries.jsonl"), QUERIES.map((query) => JSON.stringify(query)).join("\n"));
      writeFileSync(join(folder, "broken.json"), "{");
      const said: string[] = [];
      const scenes = externalScenes(folder, (line) => said.push(line));
      expect(scenes.map(({ name, queries }) => [name, queries.length])).toEqual([
        ["one", 4],
        ["two", 4],
      ]);
      expect(said.join()).toContain("broken.json");
      const judged = judge(scenes);
      expect(share(judged, "first", "ours", 1)).toEqual({ value: 1, n: 6 });
      expect(share(judged, "left_right", "ours", 1)).toEqual({ value: 1, n: 4 });
      expect(share(judged, "synonym", "ours", 1)).toEqual({ value: 1, n: 2 });
      expect(share(judged, "count", "ours", 1)).toEqual({ value: 1, n: 2 });
      expect(() => externalScenes(join(folder, "nowhere"), () => undefined)).toThrow(/no folder/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("slices by what a query says, not by what it declares", () => {
    const scene = sceneOf({ objects: OBJECTS, queries: QUERIES }, "s");
    expect(scene.queries.map((query) => slicesOf(query, scene))).toEqual([
      ["first", "left_right"],
      ["first", "left_right"],
      ["first", "synonym"],
      ["count"],
    ]);
  });
});

describe("the search bench, tiny", () => {
  it("measures latency and recall", () => {
    expect(latency(300, 24).first).toHaveLength(24);
    expect(recall(300, 24)).toBeGreaterThan(0.99);
  });

  const present = hasRecordedScenes();
  if (!present) console.warn("skipped: search on recorded scenes needs ../shared/data/scenes");
  it.skipIf(!present)("beats its bars on scenes it was not tuned on (needs ../shared/data/scenes)", () => {
    const judged = judge(recordedScenes("test"));
    expect(share(judged, "first", "ours", 1).value).toBeGreaterThanOrEqual(0.65);
    expect(share(judged, "left_right", "ours", 1).value).toBeGreaterThanOrEqual(0.6);
    expect(share(judged, "synonym", "ours", 1).value).toBeGreaterThanOrEqual(0.5);
    expect(share(judged, "synonym", "ours", 5).value).toBeGreaterThanOrEqual(0.8);
    for (const peer of ["bm25", "embedding"] as const)
      expect(share(judged, "first", peer, 1).value).toBeLessThan(share(judged, "first", "ours", 1).value);
  });
});
