import { describe, expect, it } from "vitest";
import { colourNames } from "./colours.ts";

describe("colourNames", () => {
  it.each([
    ["#ff0000", "red"],
    ["#b22222", "red"],
    ["#f00", "red"],
    ["0x00ff00", "green"],
    ["#0000ff", "blue"],
    ["#ffff00", "yellow"],
    ["#ff8c00", "orange"],
    ["#8b4513", "brown"],
    ["#800080", "purple"],
    ["#ffc0cb", "pink"],
    ["#00ffff", "cyan"],
    ["#ffffff", "white"],
    ["#000000", "black"],
    ["#808080", "grey"],
    ["Crimson", "red"],
    ["gray", "grey"],
  ])("%s is %s", (value, name) => expect(colourNames(value)).toContain(name));

  it.each(["", "#12", "#zzzzzz", "sparkly", "constructor", "url(x)"])("%j has no name", (value) => expect(colourNames(value)).toEqual([]));
});
