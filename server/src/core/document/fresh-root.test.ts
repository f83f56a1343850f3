import { addCounter, createObject, deleteObject, listObjects, setField, setMember, textField } from "@copresence/shared/scene";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { workshop } from "./document-harness.ts";
import { freshRoot } from "./fresh-root.ts";
import { isWornOut, wearOf } from "./renewal.ts";

const ROOT = 4_000_000_000;
const build = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
};
const renewed = (doc: Y.Doc): Y.Doc => {
  const fresh = freshRoot([Y.encodeStateAsUpdate(doc)], ROOT);
  if (!fresh.ok) throw new Error(fresh.error);
  return build(fresh.value.map(({ update }) => update));
};

/** Values and containers of any depth, as plain descriptions. */
type Shape =
  | { readonly map: Record<string, Shape> }
  | { readonly list: Shape[] }
  | { readonly text: [string, Record<string, unknown>][] }
  | { readonly value: unknown };
const value = fc.oneof(
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: "binary" }),
  fc.constant(null),
  fc.array(fc.integer()),
);
const marks = fc.dictionary(fc.constantFrom("bold", "color", "link"), fc.constantFrom<unknown>(true, "red", 3), { maxKeys: 2 });
const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ value }),
    fc.record({ text: fc.array(fc.tuple(fc.string({ unit: "binary" }), marks), { maxLength: 5 }) }),
    fc.record({ map: fc.dictionary(fc.string({ minLength: 1 }), tie("shape"), { maxKeys: 4 }) }),
    fc.record({ list: fc.array(tie("shape"), { maxLength: 4 }) }),
  ),
}));
function make(from: Shape): unknown {
  if ("value" in from) return from.value;
  if ("map" in from) return new Y.Map(Object.entries(from.map).map(([key, inner]) => [key, make(inner)]));
  if ("list" in from) return Y.Array.from(from.list.map(make) as string[]);
  const text = new Y.Text();
  let at = 0;
  for (const [words, attributes] of from.text) {
    text.insert(at, words, attributes);
    at += words.length;
  }
  return text;
}
/** What `toJSON` leaves out: formatting. */
function formatted(value: unknown): unknown {
  if (value instanceof Y.Text) return { delta: value.toDelta() };
  if (value instanceof Y.Array) return value.toArray().map(formatted);
  if (value instanceof Y.Map)
    return Object.fromEntries([...value.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, formatted(inner)]));
  return value;
}

describe("a fresh root", () => {
  it("[FR1] reads as the old document did, whatever is in it and whatever was deleted", () => {
    const edit = fc.record({
      client: fc.integer({ min: 1, max: 6 }),
      key: fc.constantFrom("a", "b", "c", "d"),
      shape,
      what: fc.constantFrom("set", "delete", "grow", "trim"),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 25 }), (edits) => {
        const doc = new Y.Doc();
        for (const { client, key, shape: from, what } of edits) {
          doc.clientID = client;
          const map = doc.getMap<unknown>("objects");
          const there = map.get(key);
          if (what === "delete") map.delete(key);
          else if (what === "grow" && there instanceof Y.Map) there.set(`n${client}`, make(from));
          else if (what === "grow" && there instanceof Y.Text) there.insert(Math.floor(there.length / 2), "grown", { bold: true });
          else if (what === "trim" && (there instanceof Y.Text || there instanceof Y.Array) && there.length > 1) there.delete(0, 1);
          else map.set(key, make(from));
          doc.getArray("more").push([client]);
          doc.getText("words").insert(0, "ab", { color: "red" });
        }
        const fresh = renewed(doc);
        expect(fresh.getMap("objects").toJSON()).toEqual(doc.getMap("objects").toJSON());
        expect(formatted(fresh.getMap("objects"))).toEqual(formatted(doc.getMap("objects")));
        expect(fresh.getArray("more").toJSON()).toEqual(doc.getArray("more").toJSON());
        expect(fresh.getText("words").toDelta()).toEqual(doc.getText("words").toDelta());
        expect(wearOf(fresh)).toMatchObject({ clients: edits.length === 0 ? 0 : 1, dead: 0 });
        expect(renewed(fresh).getMap("objects").toJSON()).toEqual(fresh.getMap("objects").toJSON());
      }),
      { numRuns: 200 },
    );
  });

  it("[FR1] keeps the sum of a counter and drops its shares, and keeps sets whose elements look like clientIDs", () => {
    const doc = new Y.Doc();
    createObject(doc, workshop, "valve", "v", { label: "Main" });
    for (let client = 1; client <= 50; client++) {
      doc.clientID = client;
      addCounter(doc, "v", "turns", String(client), client);
    }
    setMember(doc, workshop, "v", "tags", "77", true);
    const fresh = renewed(doc);
    expect(listObjects(fresh, workshop)).toEqual(listObjects(doc, workshop));
    const turns = fresh.getMap<Y.Map<unknown>>("objects").get("v")?.get("turns");
    expect(turns instanceof Y.Map && turns.toJSON()).toEqual({ [ROOT]: 1275 });
  });

  it("is small, and comes in pieces that apply one after the other", () => {
    const doc = new Y.Doc();
    for (let i = 0; i < 300; i++) createObject(doc, workshop, "valve", `v-${i}`, { label: `valve number ${i} `.repeat(20) });
    for (let round = 0; round < 8000; round++) {
      doc.clientID = 1 + (round % 100);
      setField(doc, workshop, `v-${round % 300}`, "open", round % 2 === 0);
    }
    for (let i = 0; i < 50; i++) deleteObject(doc, `v-${i}`);
    textField(doc, "v-60", "label")?.delete(0, 10);
    expect(isWornOut(wearOf(doc))).toBe(true);
    const fresh = freshRoot([Y.encodeStateAsUpdate(doc)], ROOT);
    if (!fresh.ok) throw new Error(fresh.error);
    expect(fresh.value.length).toBeGreaterThan(2);
    const size = fresh.value.reduce((sum, { update }) => sum + update.length, 0);
    expect(size).toBeLessThan(1.2 * JSON.stringify(doc.getMap("objects")).length);
    const partly = build(fresh.value.slice(0, 2).map(({ update }) => update));
    expect(partly.store.pendingStructs).toBe(null);
    expect(partly.getMap("objects").size).toBeLessThan(250);
    expect(listObjects(build(fresh.value.map(({ update }) => update)), workshop)).toEqual(listObjects(doc, workshop));
  });

  it("[FR3] says what it cannot carry over, and what lacks its beginning", () => {
    const xml = new Y.Doc();
    xml.getMap("objects").set("x", new Y.XmlElement("a"));
    expect(freshRoot([Y.encodeStateAsUpdate(xml)], ROOT)).toMatchObject({ ok: false });
    const doc = new Y.Doc();
    doc.getText("t").insert(0, "a");
    const before = Y.encodeStateVector(doc);
    doc.getText("t").insert(1, "b");
    expect(freshRoot([Y.encodeStateAsUpdate(doc, before)], ROOT)).toMatchObject({ ok: false });
  });
});
