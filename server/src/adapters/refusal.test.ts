import { CLOSE } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { closeReason } from "./refusal.ts";

describe("refusals", () => {
  it("every sentence of the table fits a close frame whole", () => {
    for (const { sentence } of Object.values(CLOSE)) expect(closeReason(sentence)).toBe(sentence);
  });

  it("a longer sentence is cut at a character", () => {
    const cut = closeReason("é".repeat(100));
    expect(cut).toBe("é".repeat(61));
  });
});
