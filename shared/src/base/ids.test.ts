import { describe, expect, it } from "vitest";
import { isIdentifier } from "./ids.ts";

describe("identifiers", () => {
  it.each(["a", "Room_1", "x".repeat(64), "-", "0"])("admits %j", (value) => expect(isIdentifier(value)).toBe(true));
  it.each([
    "",
    "x".repeat(65),
    "../x",
    "a/b",
    "a.b",
    "a b",
    "a\0",
    "a\n",
    "ä",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    7,
    null,
    undefined,
    {},
  ])("refuses %j", (value) => expect(isIdentifier(value)).toBe(false));
});
