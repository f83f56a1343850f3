import { createObject, defaultRoles, defineScene, deleteObject, setField, t, textField } from "@copresence/shared/scene";
import fc from "fast-check";
import { expect, it } from "vitest";
import * as Y from "yjs";
import { partialReplica } from "./partial-replica.ts";

const scene = defineScene({
  name: "notes",
  version: 1,
  bounds: { min: [-1, -1, -1], max: [1, 1, 1] },
  roles: defaultRoles,
  objects: { note: { label: t.text(), open: t.lww(t.boolean()), parts: t.list(t.string()) } },
});
const IDS = ["a", "b", "c"] as const;

function change(doc: Y.Doc, id: string, what: number): void {
  const label = textField(doc, id, "label");
  if (label === undefined) createObject(doc, scene, "note", id, { label: `new ${what}` });
  else if (what % 4 === 0) deleteObject(doc, id);
  else if (what % 4 === 1) setField(doc, scene, id, "open", what % 8 === 1);
  else if (what % 4 === 2) label.insert(what % (label.length + 1), `${what}`);
  else label.delete(0, Math.min(2, label.length));
}

it("[PR1] [PR2] an edit written on a part of a document does to the whole what it did to the part", () => {
  const step = fc.record({ person: fc.nat(1), id: fc.constantFrom(...IDS), what: fc.nat(1000), meet: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), fc.constantFrom(...IDS), fc.nat(1000), (steps, id, what) => {
      const people = [new Y.Doc(), new Y.Doc()] as const;
      people.forEach((doc, index) => (doc.clientID = 10 + index));
      for (const { person, id: of, what: how, meet } of steps) {
        change(people[person === 0 ? 0 : 1], of, how);
        if (!meet) continue;
        Y.applyUpdate(people[0], Y.encodeStateAsUpdate(people[1]));
        Y.applyUpdate(people[1], Y.encodeStateAsUpdate(people[0]));
      }
      const [whole] = people;
      Y.applyUpdate(whole, Y.encodeStateAsUpdate(people[1]));
      const part = partialReplica(whole, new Set([id]));
      const objectOf = (doc: Y.Doc): unknown => (doc.getMap("objects").toJSON() as Record<string, unknown>)[id];
      expect(objectOf(part)).toEqual(objectOf(whole));
      expect(Y.encodeStateVector(part)).toEqual(Y.encodeStateVector(whole));
      const others = { ...(whole.getMap("objects").toJSON() as Record<string, unknown>), [id]: undefined };
      part.clientID = 1;
      part.on("update", (update: Uint8Array) => Y.applyUpdate(whole, update));
      change(part, id, what);
      expect(objectOf(whole)).toEqual(objectOf(part));
      expect({ ...(whole.getMap("objects").toJSON() as Record<string, unknown>), [id]: undefined }).toEqual(others);
      expect(whole.store.pendingStructs ?? whole.store.pendingDs).toBeNull();
    }),
    { numRuns: 150 },
  );
});
