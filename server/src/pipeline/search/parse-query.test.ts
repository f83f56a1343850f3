import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "./parse-query.ts";

const short = (text: string): unknown => {
  const { target, relations, withinM } = parseQuery(text);
  const phrase = (p: typeof target): string => [...p.colours, ...p.sizes.map(({ size }) => size), ...p.terms.map((t) => (t === p.head ? `${t}!` : t))].join(" ");
  const related = relations.map(({ kind, anchors }) => `${kind}(${typeof anchors === "string" ? (anchors === "viewer" ? "me" : "") : anchors.map(phrase).join(" & ")})`);
  return [phrase(target), ...related, ...(withinM === undefined ? [] : [withinM])];
};

describe("parseQuery", () => {
  it.each([
    ["the red valve near the pump, left of me", ["red valve!", "near(pump!)", "left(me)"]],
    ["nearest chair", ["chair!", "closest(me)"]],
    ["the chair nearest the door", ["chair!", "closest(door!)"]],
    ["closest chair to the big table", ["chair!", "closest(big table!)"]],
    ["lamp closest to me", ["lamp!", "closest(me)"]],
    ["the lamp on my left", ["lamp!", "left(me)"]],
    ["left lamp", ["lamp!", "left(me)"]],
    ["box between the sofa and the green table", ["box!", "between(sofa! & green table!)"]],
    ["handle of the pump", ["handle! pump"]],
    ["biggest blue fire extinguisher in front of me", ["blue biggest fire extinguisher!", "front(me)"]],
    ["cup on top of the desk behind the screen", ["cup!", "on(desk!)", "behind(screen!)"]],
    ["what is above the sink?", ["", "above(sink!)"]],
    ["chairs within 3 m", ["chair!", 3]],
    ["chairs within 2.5 metres", ["chair!", 2.5]],
    ["mug inside the cupboard in this room", ["mug!", "in(cupboard!)"]],
    ["something yellow", ["yellow"]],
    ["", [""]],
    ["near", ["", "near(me)"]],
  ])("%j", (text, parsed) => expect(short(text)).toEqual(parsed));

  it("[PQ3] makes something bounded of any string", () => {
    const word = fc.constantFrom(
      "left",
      "of",
      "me",
      "the",
      "closest",
      "to",
      "between",
      "and",
      "within",
      "3",
      "m",
      "red",
      "on",
      "chair",
      "biggest",
      "in this room",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(word, { maxLength: 80 }).map((words) => words.join(" ")),
        ),
        (text) => {
          const query = parseQuery(text);
          expect(query.relations.length).toBeLessThanOrEqual(6);
          expect(query.target.terms.length).toBeLessThanOrEqual(48);
        },
      ),
    );
  });
});
