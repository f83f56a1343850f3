import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { Outbox, type OutboxPart } from "./outbox.ts";

/** Updates of one document, with the clock ticks they spend. */
function updates(texts: readonly string[]): { readonly doc: Y.Doc; readonly list: { readonly update: Uint8Array; readonly clocks: number }[] } {
  const doc = new Y.Doc();
  const list: { update: Uint8Array; clocks: number }[] = [];
  doc.on("update", (update: Uint8Array) => void list.push({ update, clocks: texts[list.length]?.length ?? 0 }));
  for (const text of texts) doc.getText("t").insert(0, text);
  return { doc, list };
}

const part = (id: string): Omit<OutboxPart, "update" | "clocks"> => ({ id, client: 1, edits: [{ kind: "unset", path: [], key: id }] });

describe("outbox", () => {
  it("[OB2] sends everything once, in order, in messages of bounded size", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 60 }), (texts) => {
        const { doc, list } = updates(texts);
        const outbox = new Outbox();
        for (const { update, clocks } of list) outbox.push({ ...part("x"), update, clocks });
        const room = new Y.Doc();
        let number = 0;
        for (let entry = outbox.next(); entry !== undefined; entry = outbox.next()) {
          entry.sentAs = ++number;
          expect(entry.clocks).toBeLessThanOrEqual(400);
          Y.applyUpdate(room, entry.update);
          expect(room.store.pendingStructs).toBeNull();
        }
        expect(room.getText("t").toString()).toBe(doc.getText("t").toString());
        expect(outbox.hasUnsent).toBe(false);
        outbox.settled(number);
        expect(outbox.empty).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("[OB1] takes back what was ignored and drops what was refused", () => {
    const { list } = updates(["a", "b", "c"]);
    const outbox = new Outbox();
    for (const [i, { update, clocks }] of list.entries()) {
      outbox.push({ ...part(String(i)), update, clocks });
      const entry = outbox.next();
      if (entry !== undefined) entry.sentAs = i + 1;
    }
    outbox.settled(1);
    expect(outbox.refused(2, "", "").map(({ id }) => id)).toEqual(["1"]);
    outbox.unsend(2);
    expect(outbox.hasUnsent).toBe(true);
    expect(outbox.takeParts().map(({ id }) => id)).toEqual(["2"]);
    expect(outbox.empty).toBe(true);
  });
});
