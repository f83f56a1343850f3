import { describe, expect, it } from "vitest";
import { VeilTable } from "./veils.ts";

const subject = { object: "valve", field: "label" };
const hide = (version: number) => ({ version, hide: true, reason: "insult" });
const show = (version: number) => ({ version, hide: false, reason: "" });

describe("VeilTable", () => {
  it("hides and shows by verdicts on the newest text", () => {
    const veils = new VeilTable();
    veils.written(subject, 1, "ada");
    expect(veils.judge(subject, hide(1))).toEqual({ kind: "veil", ...subject, author: "ada", reason: "insult" });
    expect(veils.judge(subject, hide(1))).toBeUndefined();
    veils.written(subject, 2, "bob");
    expect(veils.judge(subject, show(2))).toEqual({ kind: "veilGone", ...subject });
    expect(veils.all()).toEqual([]);
  });

  it("[VE1] ignores late, repeated and invented verdicts", () => {
    const veils = new VeilTable();
    expect(veils.judge(subject, hide(1))).toBeUndefined();
    veils.written(subject, 3, "ada");
    expect(veils.judge(subject, hide(4))).toBeUndefined();
    expect(veils.judge(subject, show(3))).toBeUndefined();
    expect(veils.judge(subject, hide(2))).toBeUndefined();
  });

  it("[VE2] does not lift a veil while a newer text is unjudged", () => {
    const veils = new VeilTable();
    veils.written(subject, 1, "ada");
    veils.judge(subject, hide(1));
    veils.written(subject, 2, "ada");
    veils.written(subject, 3, "ada");
    expect(veils.judge(subject, show(2))).toBeUndefined();
    expect(veils.all()).toHaveLength(1);
    expect(veils.judge(subject, show(3))).toEqual({ kind: "veilGone", ...subject });
  });

  it("[VE3] goes with its object; hides from everybody but the author", () => {
    const veils = new VeilTable();
    veils.written({ object: "b", field: "x" }, 1, "ada");
    veils.written({ object: "a", field: "z" }, 1, "bob");
    veils.judge({ object: "b", field: "x" }, hide(1));
    veils.judge({ object: "a", field: "z" }, hide(1));
    expect(veils.all().map((veil) => veil.object)).toEqual(["a", "b"]);
    expect(veils.hidesFrom("b", "bob")).toBe(true);
    expect(veils.hidesFrom("b", "ada")).toBe(false);
    expect(veils.forget("b")).toEqual([{ kind: "veilGone", object: "b", field: "x" }]);
    expect(veils.forget("b")).toEqual([]);
    expect(veils.hidesFrom("b", "bob")).toBe(false);
  });
});
