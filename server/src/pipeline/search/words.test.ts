import { describe, expect, it } from "vitest";
import { isOneEditAway, stem, termsOf, wordsOf } from "./words.ts";

describe("words and terms", () => {
  it("takes names of things apart at their joints", () => {
    expect(wordsOf("waterPump_2, WALL_FACE: l'été's 3.9 LPS")).toEqual(["water", "pump", "2", "wall", "face", "lete", "3.9", "lps"]);
  });

  it.each([
    ["valves", "valve"],
    ["shelves", "shelf"],
    ["knives", "knife"],
    ["boxes", "box"],
    ["glasses", "glass"],
    ["batteries", "battery"],
    ["switches", "switch"],
    ["chairs", "chair"],
    ["houses", "house"],
    ["stoves", "stove"],
  ])("%s and %s share a term", (plural, singular) => expect(stem(plural)).toBe(stem(singular)));

  it.each(["glass", "bus", "chassis", "gas", "tv"])("%s is left alone", (word) => expect(stem(word)).toBe(word));

  it("bounds what it reads", () => {
    expect(termsOf("word ".repeat(100_000)).length).toBe(400);
    expect(termsOf("x".repeat(100_000))[0]?.length).toBe(40);
    expect(termsOf("\ud800 \u0000 \u0300")).toEqual([]);
  });

  it("knows one typing error", () => {
    for (const typed of ["vave", "vallve", "vslve", "avlve"]) expect(isOneEditAway(typed, "valve")).toBe(true);
    for (const typed of ["valve", "vlave x", "pump", "vvv"]) expect(isOneEditAway(typed, "valve")).toBe(typed === "valve");
  });
});
