import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { addCounter, createObject, deleteObject, objectsRoot, setField, setMember, textField } from "@copresence/shared/scene";
import { captureEdits, type Edit, replayEdits } from "./edit-journal.ts";
import { hall } from "./testing/world.ts";

/** A document that already has one valve, and the edits made on it since. */
function recorded(clientId: number): { readonly doc: Y.Doc; readonly edits: Edit[] } {
  const doc = new Y.Doc();
  doc.clientID = 1;
  createObject(doc, hall, "valve", "valve-1");
  doc.clientID = clientId;
  const edits: Edit[] = [];
  objectsRoot(doc).observeDeep((events) => void edits.push(...captureEdits(events as never, clientId)));
  return { doc, edits };
}

type Change = (doc: Y.Doc) => void;
const changes = fc.array(
  fc.oneof(
    fc.boolean().map(
      (open): Change =>
        (doc) =>
          setField(doc, hall, "valve-1", "open", open),
    ),
    fc.integer({ min: -5, max: 5 }).map(
      (by): Change =>
        (doc) =>
          addCounter(doc, "valve-1", "turns", String(doc.clientID), by),
    ),
    fc.tuple(fc.nat(20), fc.string()).map(([at, text]): Change => (doc) => {
      const label = textField(doc, "valve-1", "label");
      label?.insert(Math.min(at, label.length), text);
    }),
    fc.tuple(fc.nat(20), fc.nat(5)).map(([at, count]): Change => (doc) => {
      const label = textField(doc, "valve-1", "label");
      if (label !== undefined && at < label.length) label.delete(at, Math.min(count, label.length - at));
    }),
    fc.tuple(fc.constantFrom("hot", "cold"), fc.boolean()).map(
      ([tag, on]): Change =>
        (doc) =>
          setMember(doc, hall, "valve-1", "tags", tag, on),
    ),
    fc.nat(3).map((i): Change => (doc) => {
      if (!deleteObject(doc, `lamp-${i}`)) createObject(doc, hall, "lamp", `lamp-${i}`, { color: "#010203" });
    }),
  ),
  { maxLength: 30 },
);

/** What the document says, with counters as sums: shares are per client. */
function content(doc: Y.Doc): unknown {
  const json = objectsRoot(doc).toJSON() as Record<string, { turns?: Record<string, number> }>;
  return Object.entries(json)
    .map(([id, object]) => [id, { ...object, turns: Object.values(object.turns ?? {}).reduce((sum, share) => sum + share, 0) }] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("edit journal", () => {
  it("replayed on an equal document under another id, says the same", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const { doc, edits } = recorded(50);
        for (const change of list) change(doc);
        const again = recorded(60).doc;
        replayEdits(objectsRoot(again) as Y.Map<unknown>, edits, 50);
        expect(content(again)).toEqual(content(doc));
      }),
      { numRuns: 200 },
    );
  });

  it("[EJ2] never throws on a document that went another way", () => {
    fc.assert(
      fc.property(changes, changes, fc.boolean(), (mine, theirs, gone) => {
        const { doc, edits } = recorded(50);
        for (const change of mine) change(doc);
        const other = recorded(60).doc;
        for (const change of theirs) change(other);
        if (gone) deleteObject(other, "valve-1");
        replayEdits(objectsRoot(other) as Y.Map<unknown>, edits, 50);
        expect(objectsRoot(other).has("valve-1")).toBe(!gone);
      }),
      { numRuns: 100 },
    );
  });

  it("[EJ3] a new object's own shares move to the new id", () => {
    const { doc, edits } = recorded(50);
    createObject(doc, hall, "valve", "valve-2", { turns: 4 });
    const again = recorded(60).doc;
    replayEdits(objectsRoot(again) as Y.Map<unknown>, edits, 50);
    expect((objectsRoot(again).toJSON() as Record<string, { turns: unknown }>)["valve-2"]?.turns).toEqual({ "60": 4 });
  });
});
