import { beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { defaultRoles, defineScene } from "./define-scene.ts";
import { t } from "./fields.ts";
import {
  addCounter,
  counterValue,
  createObject,
  deleteObject,
  isTombstoned,
  listField,
  listObjects,
  objectIds,
  objectsRoot,
  readField,
  readObject,
  readTransform,
  setField,
  setMember,
  textField,
  writeTransform,
} from "./layout.ts";

const scene = defineScene({
  name: "workshop",
  version: 1,
  bounds: { min: [-9, -9, -9], max: [9, 9, 9] },
  roles: defaultRoles,
  objects: {
    valve: {
      transform: t.leased(),
      label: t.text(),
      open: t.lww(t.boolean()),
      turns: t.counter(),
      tags: t.set(),
      parts: t.list(t.string()),
      reservedBy: t.cas(t.string()),
      serial: t.serverOnly(t.string("unset")),
    },
  },
});

describe("the scene's layout in a Y.Doc", () => {
  let doc: Y.Doc;
  beforeEach(() => {
    doc = new Y.Doc();
  });

  it("makes an object with everything it declares, in one update", () => {
    let updates = 0;
    doc.on("update", () => updates++);
    createObject(doc, scene, "valve", "valve-1", { label: "Pump", parts: ["a"], tags: ["wet"], turns: 2, transform: { position: [1, 2, 3] } });
    expect(updates).toBe(1);
    expect(readObject(doc, scene, "valve-1")).toEqual({
      id: "valve-1",
      type: "valve",
      fields: {
        transform: { position: [1, 2, 3], rotation: [0, 0, 0, 1], scale: 1 },
        label: "Pump",
        open: false,
        turns: 2,
        tags: ["wet"],
        parts: ["a"],
        reservedBy: "",
        serial: "unset",
      },
    });
    expect(objectsRoot(doc).get("valve-1")?.get("transform")).toEqual([1, 2, 3, 0, 0, 0, 1, 1]);
  });

  it("[LA3] throws on what the scene does not declare", () => {
    createObject(doc, scene, "valve", "valve-1");
    expect(() => createObject(doc, scene, "pump", "p")).toThrow(/no object type "pump"/);
    expect(() => createObject(doc, scene, "valve", "../x")).toThrow(/not an identifier/);
    expect(() => createObject(doc, scene, "valve", "valve-1")).toThrow(/exists already/);
    expect(() => createObject(doc, scene, "valve", "v", { colour: 1 })).toThrow(/no field "colour"/);
    expect(() => createObject(doc, scene, "valve", "v", { serial: "A" })).toThrow(/by the server only/);
    expect(() => createObject(doc, scene, "valve", "v", { open: "yes" })).toThrow(/takes a boolean/);
    expect(() => createObject(doc, scene, "valve", "v", { transform: { scale: Number.NaN } })).toThrow(/finite/);
    for (const transform of [[0, 1, 0], { position: { x: 0, y: 1, z: 0 } }, { place: [0, 1, 0] }, { rotation: [0, 0, 0, 2] }, "here", null])
      expect(() => createObject(doc, scene, "valve", "v", { transform })).toThrow(/takes \{ position: \[x, y, z\]/);
    for (const type of ["constructor", "__proto__"]) expect(() => createObject(doc, scene, type, "v")).toThrow(/no object type/);
    expect(() => createObject(doc, scene, "valve", "v", { toString: 1 })).toThrow(/no field "toString"/);
    for (const tags of [[""], ["x".repeat(65)], "wet"]) expect(() => createObject(doc, scene, "valve", "v", { tags })).toThrow(/valve.tags takes/);
    for (const turns of ["5", Number.NaN]) expect(() => createObject(doc, scene, "valve", "v", { turns })).toThrow(/valve.turns takes a number/);
    expect(() => addCounter(doc, "valve-1", "turns", "1", "1" as never)).toThrow(/counts in numbers/);
    expect(() => setMember(doc, scene, "valve-1", "tags", 5 as never, true)).toThrow(/is a string/);
    expect(() => setField(doc, scene, "valve-1", "label", "x")).toThrow(/text field/);
    expect(() => setField(doc, scene, "valve-1", "open", 1)).toThrow(/takes a boolean/);
    expect(() => setField(doc, scene, "nobody", "open", true)).toThrow(/no field/);
    expect(() => addCounter(doc, "valve-1", "label", "1", 1)).toThrow(/not a counter/);
    expect(() => addCounter(doc, "valve-1", "turns", "1", Number.POSITIVE_INFINITY)).toThrow(/stays within/);
    expect(objectIds(doc)).toEqual(["valve-1"]);
  });

  it("writes each policy by its own means", () => {
    createObject(doc, scene, "valve", "valve-1");
    setField(doc, scene, "valve-1", "open", true);
    setField(doc, scene, "valve-1", "reservedBy", "ann");
    textField(doc, "valve-1", "label")?.insert(0, "Pump");
    listField(doc, "valve-1", "parts")?.push(["a", "b"]);
    setMember(doc, scene, "valve-1", "tags", "wet", true);
    setMember(doc, scene, "valve-1", "tags", "old", true);
    setMember(doc, scene, "valve-1", "tags", "old", false);
    addCounter(doc, "valve-1", "turns", "1", 2);
    addCounter(doc, "valve-1", "turns", "2", 3);
    addCounter(doc, "valve-1", "turns", "1", -1);
    writeTransform(doc, "valve-1", { position: [1, 0, 0], rotation: [0, 1, 0, 0], scale: 2 });
    expect(readObject(doc, scene, "valve-1")?.fields).toMatchObject({
      open: true,
      reservedBy: "ann",
      label: "Pump",
      parts: ["a", "b"],
      tags: ["wet"],
      turns: 4,
    });
    expect(counterValue(doc, "valve-1", "turns")).toBe(4);
    expect(readTransform(doc, "valve-1")).toEqual({ position: [1, 0, 0], rotation: [0, 1, 0, 0], scale: 2 });
  });

  it("sums the shares of a counter and keeps concurrent adds to a set", () => {
    createObject(doc, scene, "valve", "valve-1");
    const other = new Y.Doc();
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
    for (const replica of [doc, other]) {
      addCounter(replica, "valve-1", "turns", String(replica.clientID), 1);
      setMember(replica, scene, "valve-1", "tags", "both", true);
    }
    setMember(other, scene, "valve-1", "tags", "both", false);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
    expect(counterValue(doc, "valve-1", "turns")).toBe(2);
    expect(readObject(doc, scene, "valve-1")).toEqual(readObject(other, scene, "valve-1"));
  });

  it("deletes, and remembers that there was something", () => {
    createObject(doc, scene, "valve", "b");
    createObject(doc, scene, "valve", "a");
    expect(listObjects(doc, scene).map(({ id }) => id)).toEqual(["a", "b"]);
    expect(deleteObject(doc, "a")).toBe(true);
    expect(deleteObject(doc, "a")).toBe(false);
    expect([isTombstoned(doc, "a"), isTombstoned(doc, "b"), isTombstoned(doc, "c")]).toEqual([true, false, false]);
    expect(readObject(doc, scene, "a")).toBeUndefined();
    expect(textField(doc, "a", "label")).toBeUndefined();
  });

  it("[LA2] reads fields of the wrong shape as their initial values, and objects of unknown types not at all", () => {
    createObject(doc, scene, "valve", "valve-1");
    const map = objectsRoot(doc).get("valve-1");
    for (const field of ["label", "tags", "parts", "turns", "open", "transform", "reservedBy"]) map?.set(field, ["nonsense"]);
    expect(readObject(doc, scene, "valve-1")?.fields).toEqual({
      transform: { position: [0, 0, 0], rotation: [0, 0, 0, 1], scale: 1 },
      label: "",
      open: false,
      turns: 0,
      tags: [],
      parts: [],
      reservedBy: "",
      serial: "unset",
    });
    map?.set("type", "constructor");
    expect(readObject(doc, scene, "valve-1")).toBeUndefined();
    expect(readField(doc, scene, "valve-1", "label")).toBeUndefined();
    objectsRoot(doc).set("odd", 5 as never);
    expect(listObjects(doc, scene)).toEqual([]);
  });
});
