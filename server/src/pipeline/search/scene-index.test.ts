import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bm25 } from "./bm25.ts";
import { Grid } from "./grid.ts";
import { MAX_OBJECTS, type ObjectEvent, SceneIndex, type SearchEvent } from "./index.ts";

type Thing = Partial<Omit<ObjectEvent, "kind">>;
const object = (id: string, thing: Thing): ObjectEvent => ({
  kind: "object",
  object: id,
  version: 1,
  type: "prop",
  label: id,
  text: "",
  position: [0, 0, 0],
  sizeM: 0.3,
  color: "",
  ...thing,
});
const query = (text: string, more: Partial<SearchEvent> = {}): SearchEvent =>
  ({ kind: "search", session: "s", ref: 1, text, limit: 10, withinM: 0, types: [], from: null, ...more }) as unknown as SearchEvent;
const sceneOf = (events: readonly ObjectEvent[]): SceneIndex => {
  const index = new SceneIndex();
  for (const event of events) index.apply(event);
  return index;
};
/** At the origin, 1.6 m up, looking along -Z. */
const HERE = { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] };
/** The same place, turned half way round about +Y. */
const TURNED = { position: [0, 1.6, 0], rotation: [0, 1, 0, 0] };

/** A pump room: the viewer stands at the origin and looks along -Z. */
const ROOM = sceneOf([
  object("pump", { type: "machine", label: "Pump P-101", position: [2, 0.5, -4], sizeM: 1, color: "#808080" }),
  object("v-red", { type: "valve", label: "Gate valve", position: [2.6, 0.8, -4], color: "#cc0000" }),
  object("v-blue", { type: "valve", label: "Gate valve", position: [1.4, 0.8, -4], color: "#0000cc" }),
  object("v-far", { type: "valve", label: "Gate valve", position: [-6, 0.8, -9], color: "#cc0000", sizeM: 0.9 }),
  object("desk", { type: "furniture", label: "Desk", position: [-2, 0.4, -3], sizeM: 1.4, color: "#8b4513" }),
  object("mug", { type: "prop", label: "Coffee mug", position: [-2.1, 0.9, -3], sizeM: 0.1, color: "white" }),
  object("mug-2", { type: "prop", label: "Coffee mug", position: [3, 0.1, 5], sizeM: 0.1, color: "white" }),
  object("lamp", { type: "light", label: "Ceiling lamp", position: [-2, 2.6, -3], sizeM: 0.4, color: "yellow" }),
  object("lamp-2", { type: "light", label: "Floor lamp", position: [4, 1, 3], sizeM: 1.5, color: "yellow" }),
  object("sofa", { type: "furniture", label: "Sofa", position: [0, 0.4, 4], sizeM: 2, color: "green" }),
  object("box", { type: "prop", label: "Tool box", text: "spanners and screwdrivers", position: [0, 0.2, -3.5], color: "red" }),
]);
const first = (text: string, more: Partial<SearchEvent> = {}): string | undefined => ROOM.search(query(text, { from: HERE, ...more }))[0]?.object;

describe("search in a small scene", () => {
  it.each([
    ["pump", "pump"],
    ["spanners", "box"],
    ["blue valve", "v-blue"],
    ["the red valve near the pump", "v-red"],
    ["farthest valve", "v-far"],
    ["biggest valve", "v-far"],
    ["valve closest to the desk", "v-blue"],
    ["valve to the right of the pump", "v-red"],
    ["valve left of the pump", "v-blue"],
    ["the mug on the desk", "mug"],
    ["cup behind me", "mug-2"],
    ["lamp above the desk", "lamp"],
    ["lamp on my right", "lamp-2"],
    ["light on my left", "lamp"],
    ["couch", "sofa"],
    ["something red near me", "box"],
    ["box between the desk and the pump", "box"],
    ["vlave near pump", "v-red"],
    ["spann", "box"],
  ])("%j finds %s", (text, answer) => {
    const found = first(text);
    // Two valves stand equally near the pump.
    if (text === "vlave near pump") expect(["v-red", "v-blue"]).toContain(found);
    else expect(found).toBe(answer);
  });

  it("turns left into right when the viewer turns round", () => {
    expect(first("lamp on my left", { from: TURNED })).toBe("lamp-2");
    expect(first("sofa in front of me", { from: TURNED })).toBe("sofa");
    expect(ROOM.search(query("sofa in front of me", { from: TURNED }))[0]?.why).toContain("in front of you");
    expect(ROOM.search(query("sofa in front of me", { from: HERE }))[0]?.why).toContain("not in front of you");
  });

  it("[RK2] types and within exclude, spoken or given", () => {
    expect(ROOM.search(query("valve", { from: HERE, types: ["machine"] }))).toEqual([]);
    expect(
      ROOM.search(query("", { from: HERE, types: ["light"] }))
        .map((hit) => hit.object)
        .sort(),
    ).toEqual(["lamp", "lamp-2"]);
    const near = ROOM.search(query("valve", { from: HERE, withinM: 6 }))
      .map((hit) => hit.object)
      .sort();
    expect(near).toEqual(["v-blue", "v-red"]);
    expect(ROOM.search(query("valve within 6 m", { from: HERE })).length).toBe(2);
    expect(ROOM.search(query("valve", { withinM: 6 })).length).toBe(3);
  });

  it("explains itself", () => {
    const why = ROOM.search(query("the red cup near the pump", { from: HERE }))[0]?.why ?? "";
    expect(why).toContain("mug for cup");
    expect(why).toMatch(/near "Pump P-101" \(\d+\.\d m\)/);
    expect(ROOM.search(query("valve left of me"))[0]?.why).toContain("no viewpoint given");
    expect(ROOM.search(query("valve near the unicorn", { from: HERE }))[0]?.why).toContain("was not found");
  });

  it("[SI3] gives at most `limit` hits, best first, and none for what is not there", () => {
    const hits = ROOM.search(query("valve", { limit: 2 }));
    expect(hits.length).toBe(2);
    expect(hits[0]?.score).toBeGreaterThanOrEqual(hits[1]?.score ?? Infinity);
    expect(ROOM.search(query("zeppelin"))).toEqual([]);
    expect(ROOM.search(query("valve", { limit: 0 }))).toEqual([]);
    expect(ROOM.search(query("valve", { limit: -3 }))).toEqual([]);
  });
});

describe("incremental updates", () => {
  it("[SI1] ignores stale and repeated versions, also after deletion", () => {
    const index = sceneOf([object("a", { label: "valve", version: 5 })]);
    expect(index.apply(object("a", { label: "pump", version: 5 }))).toBe(false);
    expect(index.apply(object("a", { label: "pump", version: 4 }))).toBe(false);
    expect(index.search(query("pump"))).toEqual([]);
    expect(index.apply({ kind: "objectGone", object: "a", version: 6 })).toBe(true);
    expect(index.apply(object("a", { label: "valve", version: 5 }))).toBe(false);
    expect([index.size, index.words.size, index.words.vocabulary, index.grid.size]).toEqual([0, 0, 0, 0]);
    expect(index.apply(object("a", { label: "valve", version: 7 }))).toBe(true);
  });

  it("[SI2] any history of events leaves what a fresh index of the last state has", () => {
    const step = fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      gone: fc.boolean(),
      label: fc.constantFrom("red valve", "pump", "old pump", "lamp near window", ""),
      x: fc.integer({ min: -20, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom("valve", "pump", "lamp near the pump", "closest pump", "old"), (steps, text) => {
        const lived = new SceneIndex();
        const last = new Map<string, ObjectEvent>();
        steps.forEach(({ id, gone, label, x }, i) => {
          const event = object(id, { label, position: [x, 0, 0], version: i + 1 });
          if (gone) last.delete(id);
          else last.set(id, event);
          lived.apply(gone ? { kind: "objectGone", object: id, version: i + 1 } : event);
        });
        const fresh = sceneOf([...last.values()]);
        const asked = query(text, { from: HERE });
        expect(lived.search(asked)).toEqual(fresh.search(asked));
        expect(lived.words.vocabulary).toBe(fresh.words.vocabulary);
        expect(lived.grid.size).toBe(fresh.grid.size);
      }),
      { numRuns: 100 },
    );
  });

  it("takes objects without a usable place or size, and says finite things about them", () => {
    const index = sceneOf([
      object("nan", { label: "ghost valve", position: [NaN, 0, 0], sizeM: NaN }),
      object("short", { label: "ghost valve", position: [] }),
      object("far", { label: "ghost valve", position: [1e300, 0, -1e300], sizeM: Infinity }),
    ]);
    for (const text of [
      "ghost",
      "ghost near me",
      "closest ghost",
      "biggest ghost",
      "ghost between the ghost and the valve",
      "ghost left of the ghost",
    ]) {
      for (const hit of index.search(query(text, { from: HERE }))) {
        expect(Number.isFinite(hit.score)).toBe(true);
        expect(hit.position.every(Number.isFinite)).toBe(true);
      }
    }
    expect(index.search(query("ghost", { from: { position: [NaN, 0, 0], rotation: [] } })).length).toBe(3);
  });

  it("[SI2] refuses more objects than it can hold, and counts them", () => {
    const index = new SceneIndex();
    for (let i = 0; i <= MAX_OBJECTS; i++) index.apply(object(`o${i}`, { label: "" }));
    expect([index.size, index.refused]).toEqual([MAX_OBJECTS, 1]);
    expect(index.apply(object("o1", { label: "renamed", version: 2 }))).toBe(true);
    expect(index.search(query("renamed"))[0]?.object).toBe("o1");
  });
});

describe("grid and BM25", () => {
  it("[GR2] finds exactly who is within", () => {
    const coordinate = fc.double({ min: -30, max: 30, noNaN: true });
    const point = fc.record({ x: coordinate, y: coordinate, z: coordinate });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 60 }), point, fc.double({ min: 0, max: 40, noNaN: true }), (points, centre, radius) => {
        const grid = new Grid();
        points.forEach((p, id) => grid.place(id, { x: 0, y: 0, z: p.x }));
        points.forEach((p, id) => grid.place(id, p));
        const brute = points.flatMap((p, id) =>
          Math.sqrt((p.x - centre.x) ** 2 + (p.y - centre.y) ** 2 + (p.z - centre.z) ** 2) <= radius ? [id] : [],
        );
        expect(grid.within(centre, radius).sort((a, b) => a - b)).toEqual(brute);
      }),
    );
  });

  it("[BM1] ranks rare words above common ones and forgets removed documents", () => {
    const bm25 = new Bm25();
    for (let doc = 0; doc < 10; doc++) bm25.add(doc, new Map([["valve", 1], ...(doc === 3 ? [["brass", 1] as const] : [])]));
    const asked = [
      { term: "brass", weight: 1 },
      { term: "valve", weight: 1 },
    ];
    expect(bm25.score(asked).sort((a, b) => b.score - a.score)[0]?.doc).toBe(3);
    bm25.remove(3);
    expect(bm25.score(asked).map(({ doc }) => doc)).not.toContain(3);
    expect(bm25.has("brass")).toBe(false);
  });
});
