import { describe, expect, it } from "vitest";
import { chooseColor, hash32, PALETTE } from "./palette.ts";

describe("palette", () => {
  it("gives a person the same colour in an empty room every time", () => {
    const none = new Uint16Array(PALETTE.length);
    expect(chooseColor("ada", 1, none)).toBe(chooseColor("ada", 1, none));
    expect(hash32("ada", 1)).not.toBe(hash32("ada", 2));
  });

  it("uses every colour once before any twice", () => {
    const worn = new Uint16Array(PALETTE.length);
    for (let i = 0; i < PALETTE.length; i++) {
      const at = chooseColor(`user-${i}`, 7, worn);
      worn[at] = (worn[at] ?? 0) + 1;
    }
    expect([...worn]).toEqual(PALETTE.map(() => 1));
  });
});
