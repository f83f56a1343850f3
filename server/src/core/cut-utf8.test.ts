import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutUtf8 } from "./cut-utf8.ts";

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

describe("cutUtf8", () => {
  it("keeps what fits and never splits a character", () => {
    expect(cutUtf8("valve", 5)).toBe("valve");
    expect(cutUtf8("valve", 4)).toBe("valv");
    expect(cutUtf8("a\u00e9", 2)).toBe("a");
    expect(cutUtf8("a\u{1f600}b", 4)).toBe("a");
    expect(cutUtf8("a\0b", 10)).toBe("ab");
  });

  it("is the longest prefix within the budget", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(64), (raw, max) => {
        const text = raw.replaceAll("\0", "");
        const cut = cutUtf8(text, max);
        expect(text.startsWith(cut)).toBe(true);
        expect(utf8Bytes(cut)).toBeLessThanOrEqual(max);
        const next = text.codePointAt(cut.length);
        if (next !== undefined) expect(utf8Bytes(cut + String.fromCodePoint(next))).toBeGreaterThan(max);
      }),
    );
  });
});
