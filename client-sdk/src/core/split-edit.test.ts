import { addCounter, createObject, deleteObject, listField, NOTHING, objectsRoot, setField, setMember, textField } from "@copresence/shared/scene";
import { LIMITS } from "@copresence/shared/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { captureEdits, type Edit, replayEdits } from "./edit-journal.ts";
import { Rebase } from "./rebase.ts";
import { type EditPart, splitEdit } from "./split-edit.ts";
import { hall } from "./testing/world.ts";

/** One thing a transaction does, `times` times over. `pick` chooses among what there is. */
type Step = { readonly kind: (typeof KINDS)[number]; readonly times: number; readonly pick: number };
const KINDS = ["create", "set", "insert", "prepend", "erase", "mark", "member", "unmember", "count", "push", "delete", "remake"] as const;
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    times: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 100, max: 450 })),
    pick: fc.nat(),
  }),
  { minLength: 1, maxLength: 8 },
);

let made = 0;
function act(doc: Y.Doc, { kind, times, pick }: Step): void {
  for (let i = 0; i < times; i++) {
    const ids = [...objectsRoot(doc).keys()];
    const id = ids[(pick + i * 7) % Math.max(1, ids.length)] ?? "";
    const text = textField(doc, id, "label");
    const at = text === undefined ? 0 : (pick + i * 13) % (text.length + 1);
    if (kind === "create")
      createObject(doc, hall, i % 3 === 0 ? "lamp" : "valve", `o${made++}`, i % 3 === 0 ? {} : { label: "brass", tags: ["hot"] });
    else if (kind === "delete") deleteObject(doc, id);
    else if (kind === "remake") {
      createObject(doc, hall, "lamp", `o${made}`);
      if (i % 2 === 0) deleteObject(doc, `o${made}`);
      made++;
    } else if (text === undefined) continue;
    else if (kind === "set") setField(doc, hall, id, "open", i % 2 === 0);
    else if (kind === "insert") text.insert(at, `${i}`);
    else if (kind === "prepend") text.insert(0, String.fromCharCode(97 + (i % 26)));
    else if (kind === "erase") text.delete(Math.min(at, Math.max(0, text.length - 2)), Math.min(2, text.length));
    else if (kind === "mark") text.format(Math.max(0, at - 3), Math.min(2, text.length), { bold: i % 2 === 0 || null });
    else if (kind === "member" || kind === "unmember") setMember(doc, hall, id, "tags", `t${i % 200}`, kind === "member");
    else if (kind === "count") addCounter(doc, id, "turns", String(doc.clientID), 1);
    else if (kind === "push") listField(doc, id, "parts")?.insert(0, [`p${i}`]);
  }
}

type Split = { readonly before: Y.Doc; readonly doc: Y.Doc; readonly update: Uint8Array; readonly parts: readonly EditPart[] };

/** A document written by two people, a transaction on it, and its parts. */
function transacted(history: readonly Step[], steps: readonly Step[]): Split {
  const doc = new Y.Doc();
  doc.clientID = 40;
  for (const step of [{ kind: "create", times: 5, pick: 0 } as const, ...history]) {
    doc.clientID = doc.clientID === 40 ? 41 : 40;
    act(doc, step);
  }
  const before = new Y.Doc();
  Y.applyUpdate(before, Y.encodeStateAsUpdate(doc));
  doc.clientID = 50;
  let captured: Edit[] = [];
  let split: Split | undefined;
  objectsRoot(doc).observeDeep((events) => void captured.push(...captureEdits(events as never, 50)));
  doc.on("update", (update: Uint8Array, _origin: unknown, _doc: Y.Doc, { deleteSet }: Y.Transaction) => {
    split = { before, doc, update, parts: splitEdit(doc, update, captured, deleteSet.clients) };
    // What need not be decoded is told apart as if it were.
    expect(split.parts).toEqual(splitEdit(doc, update, captured));
    captured = [];
  });
  doc.transact(() => steps.forEach((step) => act(doc, step)));
  return split ?? { before, doc, update: NOTHING, parts: [] };
}

const fits = (update: Uint8Array): boolean => {
  const { structs, ds } = Y.decodeUpdate(update);
  const ranges = [...ds.clients.values()].flat();
  const deleted = ranges.reduce((sum, { len }) => sum + len, 0);
  return update.length + 16 <= LIMITS.syncBytes && structs.length + ranges.length <= LIMITS.updateStructs && deleted <= 10_000;
};
const sorted = (doc: Y.Doc): unknown => objectsRoot(doc).toJSON();

describe("splitting an edit", () => {
  it("[SL1] [SL5] parts of any transaction merge to the same document, each complete on those before it, and what fits is one", () => {
    let cut = 0;
    fc.assert(
      fc.property(steps, steps, (history, transaction) => {
        const { before, doc, update, parts } = transacted(history, transaction);
        if (parts.length > 1) cut++;
        expect(parts.length > 1).toBe(!fits(update));
        for (const part of parts) {
          Y.applyUpdate(before, part.update);
          expect([before.store.pendingStructs, before.store.pendingDs]).toEqual([null, null]);
          if (parts.length > 1) expect(fits(part.update)).toBe(true);
          // [SL2]: whoever has some of the parts sees whole objects.
          for (const [, map] of objectsRoot(before)) expect(typeof map.get("type")).toBe("string");
        }
        expect(sorted(before)).toEqual(sorted(doc));
        expect(Y.encodeStateVector(before)).toEqual(Y.encodeStateVector(doc));
      }),
      { numRuns: 60, seed: 4 },
    );
    expect(cut).toBeGreaterThan(10);
  });

  it("[SL4] the journals of the parts say together what the whole journal says, from any part on", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (transaction, from) => {
        const { before, doc, parts } = transacted([], transaction);
        const known = parts.length === 0 ? 0 : from % parts.length;
        for (const part of parts.slice(0, known)) Y.applyUpdate(before, part.update);
        const again = new Y.Doc();
        Y.applyUpdate(again, Y.encodeStateAsUpdate(before));
        const rebase = new Rebase(doc);
        for (const { edits } of parts.slice(known)) replayEdits(objectsRoot(again) as Y.Map<unknown>, edits, 50, rebase);
        const plain = (of: Y.Doc, share: number): unknown =>
          JSON.parse(JSON.stringify(sorted(of)).replaceAll(`"${share}":`, '"me":').replaceAll(`"${50}":`, '"me":'));
        // A counter's share made again is another client's: what counts is the sum, which `turns` with one share is.
        if (known === 0) expect(plain(again, again.clientID)).toEqual(plain(doc, 50));
        else expect(Object.keys(sorted(again) as object).sort()).toEqual(Object.keys(sorted(doc) as object).sort());
      }),
      { numRuns: 15, seed: 4 },
    );
  });

  it("[SL3] objects are deleted before what they held, and what a write replaces beside it", () => {
    const { parts } = transacted(
      [{ kind: "create", times: 2000, pick: 0 }],
      [
        { kind: "set", times: 400, pick: 3 },
        { kind: "delete", times: 1800, pick: 1 },
      ],
    );
    expect(parts.length).toBeGreaterThan(8);
    const unsets = parts.flatMap(({ edits }, index) => edits.flatMap((edit) => (edit.kind === "unset" ? [index] : [])));
    expect(unsets).toHaveLength(1800);
    // All of them are gone before the first part that only tidies up.
    const tidying = parts.findIndex(({ edits }) => edits.length === 0);
    expect(Math.max(...unsets)).toBeLessThan(tidying < 0 ? parts.length : tidying);
  });

  it("[SL2] an object too large for one part is cut behind its fields; what cannot be cut stays whole", () => {
    const doc = new Y.Doc();
    let parts: readonly EditPart[] = [];
    doc.on("update", (update: Uint8Array) => (parts = splitEdit(doc, update, [])));
    doc.transact(() => {
      createObject(doc, hall, "valve", "big");
      for (let i = 0; i < 1500; i++) textField(doc, "big", "label")?.insert(0, "x");
    });
    expect(parts.length).toBe(2);
    expect(Y.decodeUpdate(parts[0]?.update as Uint8Array).structs.length).toBe(LIMITS.updateStructs);
    doc.transact(() => textField(doc, "big", "label")?.insert(0, "y".repeat(70_000)));
    expect(parts.length).toBe(1);
  });
});
