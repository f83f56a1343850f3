import { DENIED_REASONS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { deniedSentence, randomName, refusedSentence } from "./sentences.ts";

describe("what people are told", () => {
  it("is a sentence for every reason the room can give", () => {
    for (const reason of DENIED_REASONS) {
      expect(deniedSentence({ reason, object: "valve-1", field: "label", sentence: "" })).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("names who holds what one cannot have", () => {
    expect(refusedSentence({ granted: false, reason: "held-by-other", holder: 3 }, "Grace")).toBe("Grace is holding that.");
    expect(refusedSentence({ granted: false, reason: "held-by-other", holder: 3 }, undefined)).toBe("Somebody else is holding that.");
    expect(refusedSentence({ granted: false, reason: "offline", holder: undefined }, undefined)).toMatch(/offline/);
  });

  it("suggests names that fit the room's limit", () => {
    for (const at of [0, 0.5, 0.999999]) expect(randomName(() => at)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/);
  });
});
