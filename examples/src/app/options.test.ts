import { describe, expect, it } from "vitest";
import { readOptions } from "./options.ts";

describe("the page's address", () => {
  it("asks for nothing by default", () => {
    expect(readOptions("")).toEqual({
      name: undefined,
      role: undefined,
      space: undefined,
      join: false,
      quality: "auto",
      emulate: false,
      maxFps: Infinity,
      hud: true,
    });
  });

  it("can walk in by itself, with an emulated headset", () => {
    const options = readOptions("?name=Ada+L&space=demo&role=guest&join=1&quality=low&iwer=1&fps=15&hud=0");
    expect(options).toEqual({ name: "Ada L", role: "guest", space: "demo", join: true, quality: "low", emulate: true, maxFps: 15, hud: false });
  });

  it("ignores what it does not understand", () => {
    expect(readOptions("?quality=ultra&fps=many&join=yes&name=%20")).toEqual(readOptions(""));
  });
});
