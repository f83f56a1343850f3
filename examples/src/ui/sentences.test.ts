import { DENIED_REASONS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { deniedSentence, mergedSentence, randomName, refusedSentence } from "./sentences.ts";

describe("what people are told", () => {
  it("is a sentence for every reason the room can give", () => {
    for (const reason of DENIED_REASONS) {
      expect(deniedSentence({ reason, object: "valve-1", field: "label", sentence: "" })).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("says what became of changes made offline", () => {
    const edit = (outcome: "saved" | "not-allowed") => ({ objects: ["a"], outcome, sentence: "" });
    expect(mergedSentence({ edits: [edit("saved")], saved: 1 })).toBe("1 change you made offline is saved.");
    expect(mergedSentence({ edits: [edit("saved"), edit("saved"), edit("not-allowed")], saved: 2 })).toBe(
      "Of what you changed offline, 2 changes are saved and 1 change came back: Your role does not allow that here.",
    );
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
