import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { threadCpuMs } from "../../adapters/thread-time.ts";
import { type ObjectEvent, SceneIndex, type SearchEvent } from "./index.ts";
import { describeScene } from "./describe.ts";
import { loadSemantics } from "./load-semantics.ts";
import { cosine, Semantics } from "./semantics.ts";
import { forms } from "./words.ts";

const SEMANTICS = loadSemantics();
const HERE = { position: [0, 1.6, 0], rotation: [0, 0, 0, 1] };
const object = (id: string, label: string, position: readonly number[], more: Partial<ObjectEvent> = {}): ObjectEvent => ({
  kind: "object",
  object: id,
  version: 1,
  type: "prop",
  label,
  text: "",
  position,
  sizeM: 0,
  size: [0.5, 0.5, 0.5],
  color: "",
  ...more,
});
const ask = (text: string, more: Partial<SearchEvent> = {}): SearchEvent =>
  ({ kind: "search", session: "s", ref: 1, text, limit: 10, withinM: 0, types: [], from: HERE, ...more }) as unknown as SearchEvent;
const sceneOf = (objects: readonly ObjectEvent[]): SceneIndex => {
  const index = new SceneIndex(SEMANTICS);
  for (const one of objects) index.apply(one);
  return index;
};

/** A flat: table with chairs in front, a row of windows behind it, a bed to the right, a kitchen to the left. */
const FLAT = sceneOf([
  object("table", "table", [0, 0.4, -4], { size: [2, 0.8, 1] }),
  object("chair-l", "chair", [-0.8, 0.5, -3], { size: [0.5, 1, 0.5] }),
  object("chair-m", "chair", [0, 0.5, -3], { size: [0.5, 1, 0.5] }),
  object("chair-r", "chair", [0.8, 0.5, -3], { size: [0.5, 1, 0.5], color: "#cc0000" }),
  object("cup", "cup", [0.3, 0.85, -4], { size: [0.1, 0.1, 0.1] }),
  object("fridge", "refrigerator", [-5, 0.9, -3], { size: [0.8, 1.8, 0.8], room: "kitchen" }),
  object("sink", "sink", [-5, 0.9, -1], { size: [0.6, 0.3, 0.5], room: "kitchen" }),
  object("bin", "trash can", [-5, 0.2, 0], { size: [0.3, 0.4, 0.3], room: "kitchen" }),
  object("sofa", "couch", [4, 0.4, 3], { size: [2, 0.8, 1], room: "living room" }),
  object("bed", "bed", [5, 0.3, -3], { size: [1.6, 0.6, 2], room: "bedroom" }),
  object("pillow", "pillow", [5, 0.7, -3.7], { size: [0.5, 0.2, 0.4], room: "bedroom" }),
  object("lamp", "lamp", [6, 0.8, -4], { size: [0.3, 0.5, 0.3], room: "bedroom", tags: ["on"] }),
  object("w-1", "window", [-2, 1.5, -6], { size: [1, 1.2, 0.1] }),
  object("w-2", "window", [0, 1.5, -6], { size: [1, 1.2, 0.1] }),
  object("w-3", "window", [2, 1.5, -6], { size: [1.6, 1.2, 0.1] }),
  object("clock", "clock", [0, 2.4, -6], { size: [0.3, 0.3, 0.05] }),
]);
const first = (text: string, more: Partial<SearchEvent> = {}): string | undefined => FLAT.search(ask(text, more))[0]?.object;

describe("search by meaning and place", () => {
  it.each([
    ["icebox", "fridge"],
    ["settee", "sofa"],
    ["thing that keeps milk cold", "fridge"],
    ["where can I throw away rubbish", "bin"],
    ["what tells me the time", "clock"],
    ["somewhere to wash my hands", "sink"],
    ["a place to sleep", "bed"],
    ["second window from the left", "w-2"],
    ["rightmost window", "w-3"],
    ["last window on the right", "w-3"],
    ["widest window", "w-3"],
    ["the middle chair", "chair-m"],
    ["the left chair", "chair-l"],
    ["red chair", "chair-r"],
    ["the thing on the table", "cup"],
    ["second closest chair to the fridge", "chair-m"],
    ["chair farthest from the refrigerator", "chair-r"],
    ["window not on the left", "w-3"],
    ["pillow on the bed", "pillow"],
    ["light in the bedroom", "lamp"],
    ["the lamp that is on", "lamp"],
    ["sofa behind me", "sofa"],
    ["chair between the other chairs", "chair-m"],
    ["when facing the bed, the lamp on the right", "lamp"],
  ])("%j finds %s", (text, id) => expect(first(text)).toBe(id));

  it("compares and counts all that are equally what was asked for, whatever stands beside them", () => {
    // A cushion beside one of two armchairs makes it no more of a seat.
    const room = sceneOf([
      object("a", "armchair", [-2, 0.4, 0]),
      object("b", "armchair", [2, 0.4, 0], { color: "#00cc00" }),
      object("cushion", "cushion", [2.4, 0.4, 0]),
      object("sofa", "sofa", [0, 0.4, -5]),
      object("window", "window", [-4, 1, 0]),
      object("door", "door", [4, 1, 0]),
    ]);
    const first = (text: string): string | undefined => room.search(ask(text))[0]?.object;
    expect([first("the seat closest to the window"), first("the seat closest to the door")]).toEqual(["a", "b"]);
    expect(first("not the green armchair, the other one")).toBe("a");
    expect(room.answer(ask("how many armchairs except the green one")).count).toBe(1);
    expect(first("the piece of furniture between the two armchairs")).toBe("sofa");
  });

  it("counts what a question of how many is about, and nothing for others", () => {
    expect(FLAT.find(ask("how many chairs are there")).count).toBe(3);
    expect(FLAT.find(ask("how many windows")).count).toBe(3);
    expect(FLAT.find(ask("how many zeppelins")).count).toBe(0);
    expect(FLAT.find(ask("chairs")).count).toBeUndefined();
  });

  it("gives the parts of a score with what matched", () => {
    const [hit] = FLAT.answer(ask("red chair next to the table")).hits;
    expect(hit?.parts.map(({ part }) => part)).toEqual(["name", "near"]);
    expect(hit?.why).toMatch(/matches chair, red \[1\.00\]; near "table" \(0\.\d m\)/);
  });
});

describe("permission", () => {
  const hidden = ["hidden", "hidden-door", "hidden-word"];
  const objects = [
    object("open", "chair", [0, 0.5, -3]),
    object("door", "door", [3, 1, -3]),
    object("hidden", "chair", [2.5, 0.5, -3]),
    object("hidden-door", "door", [-3, 1, -3]),
    object("hidden-word", "quuxling", [0, 1, -9]),
  ];
  const index = sceneOf(objects);
  const nobody = { find: { otherwise: true, objects: hidden.map((id) => [id, false] as const), types: [], zones: [] } };

  it("[RK2] hidden objects are no hits, no anchors, in no count, no guess and no bounds", () => {
    expect(index.search(ask("chair", nobody)).map((hit) => hit.object)).toEqual(["open"]);
    expect(index.find(ask("how many chairs", nobody)).count).toBe(1);
    expect(index.search(ask("chair by the door", nobody))[0]?.why).not.toContain("hidden");
    expect(index.search(ask("quuxling", nobody))).toEqual([]);
    expect(index.search(ask("quuxlin", nobody))).toEqual([]);
    expect(index.find(ask("how many chairs")).count).toBe(2);
  });

  it("[SG2] rules by zone, type and whole scene, changed from one question to the next", () => {
    const none = { otherwise: true, objects: [], types: [], zones: [] };
    const count = (find: NonNullable<SearchEvent["find"]>) => index.find(ask("how many doors", { find })).count;
    expect(count(none)).toBe(2);
    expect(count({ ...none, zones: [{ min: [2, 0, -4], max: [4, 2, -2], allow: false, rank: 2 }] })).toBe(1);
    expect(count({ ...none, types: [["prop", false]] })).toBe(0);
    expect(count({ ...none, otherwise: false, objects: [["door", true]] })).toBe(1);
    index.apply({ ...object("door", "door", [9, 1, -3]), version: 2 });
    expect(count({ ...none, zones: [{ min: [2, 0, -4], max: [4, 2, -2], allow: false, rank: 2 }] })).toBe(2);
    index.apply({ ...object("door", "door", [3, 1, -3]), version: 3 });
  });

  it("[SG1] an asker gets exactly what a scene without the hidden objects would answer", () => {
    const labels = ["chair", "red valve", "vale", "door", "door frame", "office chair", "table lamp", "pump 7", "quuxling", "wall", "couch"];
    const words = [...labels, "vlave", "quuxlin", "something to sit on", "biggest thing", "how many doors", "everything", "table", "lmap"];
    const joints = [
      "",
      " closest to the ",
      " near the ",
      " left of the ",
      " between the table and the ",
      " on the left of the ",
      " in the room with the ",
    ];
    const thing = fc.record({
      label: fc.constantFrom(...labels),
      x: fc.integer({ min: -6, max: 6 }),
      z: fc.integer({ min: -9, max: 2 }),
      seen: fc.boolean(),
    });
    const question = fc.tuple(fc.constantFrom(...words), fc.constantFrom(...joints), fc.constantFrom(...labels));
    fc.assert(
      fc.property(fc.array(thing, { minLength: 1, maxLength: 30 }), fc.array(question, { minLength: 1, maxLength: 6 }), (things, questions) => {
        const all = things.map(({ label, x, z }, i) => object(`o${i}`, label, [x, 1, z]));
        const secret = all.filter((_, i) => !things[i]!.seen).map(({ object: id }) => id);
        const find = { otherwise: true, objects: secret.map((id) => [id, false] as const), types: [], zones: [] };
        const whole = sceneOf(all);
        const without = sceneOf(all.filter((_, i) => things[i]!.seen));
        for (const [first, joint, second] of questions) {
          const text = joint === "" ? first : `${first}${joint}${second}`;
          expect(whole.find(ask(text, { find })), text).toEqual(without.find(ask(text)));
        }
        const told = (scene: SceneIndex, more: Partial<SearchEvent>) =>
          describeScene(scene, ask("", { describe: { view: true, people: [] }, ...more }));
        expect(told(whole, { find })).toEqual(told(without, {}));
      }),
      { numRuns: 50 },
    );
  });

  it("words under a veil cannot be asked for and are told nowhere", () => {
    const scene = sceneOf([object("note", "nasty words", [0, 1, -3], { type: "sign" }), object("cup", "cup", [0, 1, -3.3])]);
    const veiled = { veiled: ["note"] };
    expect(scene.search(ask("nasty words", veiled))).toEqual([]);
    expect(scene.search(ask("sign", veiled))[0]?.object).toBe("note");
    expect(scene.search(ask("cup next to the sign", veiled))[0]?.why).toContain('"sign"');
    expect(JSON.stringify(describeScene(scene, ask("", { describe: { view: false, people: [] }, ...veiled })))).not.toContain("nasty");
  });
});

describe("describeScene", () => {
  it("[DE2] tells what is here, what stands together and who does what", () => {
    const people = [
      { name: "Ada", asleep: false, view: { position: [0, 1.6, -2], rotation: [0, 0, 0, 1] }, holds: ["cup"] },
      { name: "Bo", asleep: true, view: null, holds: [] },
    ];
    const { text, objects, people: count, groups } = describeScene(FLAT, ask("", { describe: { view: false, people } }));
    expect(objects).toBe(16);
    expect(count).toBe(2);
    expect(text).toContain("3 chairs");
    expect(text).toContain("Around the table:");
    expect(text).toMatch(/Ada is by the chair, holding the cup/);
    expect(text).toContain("Bo is away.");
    expect(groups.find(({ label }) => label === "chair")).toMatchObject({ count: 3, position: [0, 0.5, -3] });
  });

  it("tells of a view only what is in it, and something of an empty scene", () => {
    const view = describeScene(FLAT, ask("", { describe: { view: true, people: [] } }));
    expect(view.text).toContain("3 windows");
    expect(view.text).not.toContain("couch");
    expect(describeScene(new SceneIndex(), ask("", { describe: { view: false, people: [] } })).text).toBe("There is nothing here.");
  });
});

describe("meaning tables", () => {
  it("know other words, sorts and uses", () => {
    expect(SEMANTICS.similarity("couch", "sofa")).toBeGreaterThan(0.9);
    expect(SEMANTICS.similarity("furniture", "chair")).toBeGreaterThan(SEMANTICS.similarity("furniture", "dog"));
    expect(SEMANTICS.similarity("xyzzy", "chair")).toBe(0);
    const cold = SEMANTICS.describe(["keep", "food", "cold"])!;
    expect(cosine(cold, SEMANTICS.thing("refrigerator")!)).toBeGreaterThan(cosine(cold, SEMANTICS.thing("lamp")!));
    expect(SEMANTICS.describe(["qwrtz"])).toBeUndefined();
  });

  it("[SM1] refuse what is no table", () => {
    expect(() => new Semantics({ lexicon: "a||0\n#\na", vectors: new Uint8Array(20) })).toThrow(/CSV1/);
    expect(() => loadSemantics(new URL("./nowhere/", import.meta.url))).toThrow();
  });

  it("fit the budget that the models share", () => {
    const manifest = JSON.parse(readFileSync(new URL("../models/search-en/manifest.json", import.meta.url), "utf8")) as {
      files: Record<string, { bytes: number }>;
    };
    expect(Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(3.5e6);
  });

  it("reads words in the forms that the training read", () => {
    expect([...forms("sitting")]).toContain("sit");
    expect([...forms("hung")]).toContain("hang");
    expect([...forms("watches")]).toContain("watch");
  });
});

describe("bad input", () => {
  it("answers any text within bounds: a megabyte, mixed scripts, control characters", () => {
    for (const text of [
      "chair ".repeat(200_000),
      "стул 椅子 كرسي chair \u0000\u202e",
      "🪑".repeat(5000),
      "left of ".repeat(500),
      "not not not no",
      "between and and and",
    ]) {
      const started = threadCpuMs();
      const hits = FLAT.search(ask(text));
      expect(hits.every(({ score }) => Number.isFinite(score))).toBe(true);
      expect(threadCpuMs() - started).toBeLessThan(1000);
    }
  });

  it("keeps what it had when an event is bad", () => {
    const index = sceneOf([
      object("a", "chair", [0, 0, -2]),
      object("b", "chair", [NaN, Infinity, 0], { size: [NaN, -1, 1e9], tags: ["x".repeat(1e5)] }),
    ]);
    expect(index.search(ask("closest chair"))[0]?.object).toBe("a");
    expect(index.search(ask("chair")).map((hit) => hit.object)).toEqual(["a", "b"]);
    expect(index.sightOf(ask("")).bounds()).toEqual({ min: [-0.25, -0.25, -2.25], max: [0.25, 0.25, -1.75] });
  });
});
