import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { difference } from "./text-handle.ts";

const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "😀", "😁", "é") });

describe("the smallest replacement", () => {
  it("turns one text into the other, for any two", () => {
    fc.assert(
      fc.property(text, text, text, text, (start, before, after, end) => {
        const [from, to] = [start + before + end, start + after + end];
        const change = difference(from, to);
        expect(from.slice(0, change.start) + change.inserted + from.slice(change.start + change.removed)).toBe(to);
        expect(change.removed).toBeLessThanOrEqual(before.length + 2);
      }),
    );
  });

  it("never cuts a surrogate pair in half", () => {
    fc.assert(
      fc.property(text, text, (from, to) => {
        const { start, removed, inserted } = difference(from, to);
        for (const part of [from.slice(0, start), from.slice(start, start + removed), from.slice(start + removed), inserted]) {
          expect(part.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it("touches nothing when nothing changed", () => {
    expect(difference("same", "same")).toEqual({ start: 4, removed: 0, inserted: "" });
  });
});
