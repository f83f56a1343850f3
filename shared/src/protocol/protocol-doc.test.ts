import { describe, expect, it } from "vitest";
import { CLOSE } from "./close-codes.ts";
import { LIMITS } from "./limits.ts";
import { fillSections, protocolSections } from "./protocol-doc.ts";
import { MESSAGES } from "./registry.ts";

const sections = protocolSections(undefined);

describe("PROTOCOL.md's generated sections", () => {
  it("[PD1] name every message, limit and close code", () => {
    const all = Object.values(sections).join("\n");
    for (const name of [...Object.keys(MESSAGES), ...Object.keys(LIMITS), ...Object.keys(CLOSE)]) expect(all).toContain(`\`${name}\``);
  });

  it("keeps table rows whole: the same number of cells in every row of a table", () => {
    for (const text of Object.values(sections)) {
      for (const block of text.split("\n\n")) {
        const rows = block.split("\n").filter((line) => line.startsWith("|"));
        const cells = rows.map((line) => line.split(/(?<!\\)\|/).length);
        expect(new Set(cells).size).toBeLessThanOrEqual(1);
      }
    }
  });

  it("nests an included format file under level 2 whatever level it starts at, leaving code fences alone", () => {
    const filled = protocolSections("# Pose format\n\n## Head\n\n```\n# not a heading\n```\n")["pose-format"];
    expect(filled).toBe("### Head\n\n```\n# not a heading\n```");
    expect(protocolSections("## Pose\n\n### Head\n\n#### Bits")["pose-format"]).toBe("### Head\n\n#### Bits");
    expect(protocolSections("Just prose.")["pose-format"]).toBe("Just prose.");
  });
});

describe("fillSections", () => {
  const doc = "before\n<!-- generated:a -->\nold\nlines\n<!-- /generated -->\nafter";

  it("[PD2] replaces what is between markers and nothing else, and is idempotent", () => {
    const once = fillSections(doc, { a: "new" });
    expect(once).toEqual({ ok: true, value: "before\n<!-- generated:a -->\n\nnew\n\n<!-- /generated -->\nafter" });
    if (once.ok) expect(fillSections(once.value, { a: "new" })).toEqual(once);
  });

  it("[PD3] refuses unknown, missing and unclosed sections", () => {
    expect(fillSections(doc, {})).toMatchObject({ error: { code: "unknown-section" } });
    expect(fillSections(doc, { a: "", b: "" })).toMatchObject({ error: { code: "missing-section" } });
    expect(fillSections("<!-- generated:a -->\n", { a: "" })).toMatchObject({ error: { code: "unclosed-section" } });
    expect(fillSections("<!-- generated:a -->\n<!-- generated:a -->\n<!-- /generated -->", { a: "" })).toMatchObject({
      error: { code: "unclosed-section" },
    });
  });
});
