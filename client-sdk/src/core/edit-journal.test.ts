import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { addCounter, createObject, deleteObject, objectsRoot, setField, setMember, textField } from "@copresence/shared/scene";
import { captureEdits, type Edit, replayEdits } from "./edit-journal.ts";
import type { OutboxPart } from "./outbox.ts";
import { Rebase } from "./rebase.ts";
import { acrossEpochs } from "./rebase-epoch.ts";
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
        replayEdits(objectsRoot(again) as Y.Map<unknown>, edits, 50, new Rebase(doc));
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
        replayEdits(objectsRoot(other) as Y.Map<unknown>, edits, 50, new Rebase(doc));
        expect(objectsRoot(other).has("valve-1")).toBe(!gone);
      }),
      { numRuns: 100 },
    );
  });

  it("[EJ2] nor on what somebody wrote past the SDK at a place that is none", () => {
    const { doc, edits } = recorded(50);
    const label = textField(doc, "valve-1", "label");
    label?.insert(0, "ab");
    const kept = edits.length;
    label?.insert(0.5, "x");
    label?.insert(1, "y");
    const again = recorded(60).doc;
    replayEdits(objectsRoot(again) as Y.Map<unknown>, edits.slice(kept), 50, new Rebase(doc));
    replayEdits(objectsRoot(recorded(70).doc) as Y.Map<unknown>, edits, 50, new Rebase(doc));
    expect(objectsRoot(again).has("valve-1")).toBe(true);
  });

  it("[EJ3] a new object's own shares move to the new id", () => {
    const { doc, edits } = recorded(50);
    createObject(doc, hall, "valve", "valve-2", { turns: 4 });
    const again = recorded(60).doc;
    replayEdits(objectsRoot(again) as Y.Map<unknown>, edits, 50, new Rebase(doc));
    expect((objectsRoot(again).toJSON() as Record<string, { turns: unknown }>)["valve-2"]?.turns).toEqual({ "60": 4 });
  });

  it("[RB1] [RB2] makes text edits again where they were meant, whatever was refused and whatever others wrote", () => {
    const { doc, edits } = recorded(50);
    const room = recorded(60).doc;
    textField(room, "valve-1", "label")?.insert(0, "abcdef");
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(room));
    const label = textField(doc, "valve-1", "label");
    label?.insert(0, "refused ");
    const kept = edits.length;
    label?.insert(8 + 3, "-mine-");
    label?.insert(8 + 3 + 3, "more ");
    label?.delete(8 + 3 + 11 + 1, 1);
    label?.insert(8, "beside it ");
    const again = new Y.Doc();
    again.clientID = 70;
    textField(room, "valve-1", "label")?.insert(1, "OTHERS");
    textField(room, "valve-1", "label")?.delete(8, 1);
    Y.applyUpdate(again, Y.encodeStateAsUpdate(room));
    replayEdits(objectsRoot(again) as Y.Map<unknown>, edits.slice(kept), 50, new Rebase(doc));
    expect(textField(again, "valve-1", "label")?.toString()).toBe("beside it aOTHERSb-mimore ne-df");
  });

  it.each([
    ["abc", "b!c"],
    ["NEW abc", "NEW b!c"],
    ["abXXc", "b!XXc"],
    ["c", "!c"],
    ["", "!"],
  ])("[RE1] [RE2] [RE3] makes text edits again where they were meant on a document of another epoch that reads %j", (there, expected) => {
    const { doc, edits } = recorded(50);
    textField(doc, "valve-1", "label")?.insert(0, "abc");
    const kept = edits.length;
    const parts: OutboxPart[] = [];
    doc.on("update", (update: Uint8Array) => parts.push({ id: `${parts.length}`, client: 50, clocks: 1, edits: edits.slice(-1), update }));
    textField(doc, "valve-1", "label")?.insert(2, "!");
    textField(doc, "valve-1", "label")?.delete(0, 1);
    const other = new Y.Doc();
    createObject(other, hall, "valve", "valve-1", { label: there });
    replayEdits(objectsRoot(other) as Y.Map<unknown>, edits.slice(kept), 50, new Rebase(doc, acrossEpochs(doc, other, parts)));
    expect(textField(other, "valve-1", "label")?.toString()).toBe(expected);
  });

  it("[RB1] keeps edits in a list beside their neighbours", () => {
    const { doc, edits } = recorded(50);
    const parts = (of: Y.Doc): Y.Array<unknown> => objectsRoot(of).get("valve-1")?.get("parts") as Y.Array<unknown>;
    const room = recorded(60).doc;
    parts(room).insert(0, ["a", "b", "c"]);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(room));
    parts(doc).insert(2, ["mine"]);
    parts(doc).delete(0, 1);
    parts(room).insert(0, ["x", "y"]);
    const again = new Y.Doc();
    Y.applyUpdate(again, Y.encodeStateAsUpdate(room));
    replayEdits(objectsRoot(again) as Y.Map<unknown>, edits.slice(-2), 50, new Rebase(doc));
    expect(parts(again).toArray()).toEqual(["x", "y", "b", "mine", "c"]);
  });
});
