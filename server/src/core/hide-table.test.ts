import { describe, expect, it } from "vitest";
import { HIDDEN_MOST, HideTable } from "./hide-table.ts";

describe("HideTable", () => {
  it("[HT1] hides while any reason holds", () => {
    const table = new HideTable();
    table.set("ada", "bob", "muted", true);
    table.set("ada", "bob", "bubble", true);
    expect(table.reasons("ada", "bob")).toEqual(["muted", "bubble"]);
    table.set("ada", "bob", "muted", false);
    expect(table.hides("ada", "bob")).toBe(true);
    table.set("ada", "bob", "bubble", false);
    expect(table.hides("ada", "bob")).toBe(false);
    expect(table.hides("bob", "ada")).toBe(false);
  });

  it("[HT2] refuses beyond its bound, and still takes what it knows", () => {
    const table = new HideTable();
    for (let i = 0; i < HIDDEN_MOST; i++) expect(table.set("ada", `u${i}`, "blocked", true)).toBe(true);
    expect(table.set("ada", "one-more", "blocked", true)).toBe(false);
    expect(table.hides("ada", "one-more")).toBe(false);
    expect(table.set("ada", "u7", "muted", true)).toBe(true);
    expect(table.set("ada", "u7", "blocked", false) && table.set("ada", "u7", "muted", false)).toBe(true);
    expect(table.set("ada", "one-more", "blocked", true)).toBe(true);
  });
});
