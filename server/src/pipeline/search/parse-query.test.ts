import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "./parse-query.ts";

const short = (text: string): unknown => {
  const { target, relations, withinM } = parseQuery(text);
  const phrase = (p: typeof target): string =>
    [...p.colours, ...p.sizes.map(({ size }) => size), ...p.terms.map((t) => (t === p.head ? `${t}!` : t))].join(" ");
  const related = relations.map(
    ({ kind, anchors }) => `${kind}(${typeof anchors === "string" ? (anchors === "viewer" ? "me" : "") : anchors.map(phrase).join(" & ")})`,
  );
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
    ["left lamp", ["lamp!", "left()"]],
    ["lamp on the left", ["lamp!", "left()"]],
    ["second chair from the left", ["chair!", "order()"]],
    ["the chair that is not by the door", ["chair!", "near(door!)"]],
    ["something to sit on by the window", ["", "near(window!)"]],
    ["where can I throw away rubbish", [""]],
    ["in the corner there is a plant", ["plant!", "corner()"]],
    ["leftmost cup on the table next to the sofa", ["cup!", "left()", "on(table!)", "near(sofa!)"]],
    ["tall cabinet of unit A", ["tall cabinet! unit a"]],
    ["box between the sofa and the green table", ["box!", "between(sofa! & green table!)"]],
    ["handle of the pump", ["handle! pump"]],
    ["biggest blue fire extinguisher in front of me", ["blue biggest fire extinguisher!", "front(me)"]],
    ["cup on top of the desk behind the screen", ["cup!", "on(desk!)", "behind(screen!)"]],
    ["what is above the sink?", ["", "above(sink!)"]],
    ["chairs within 3 m", ["chair!", 3]],
    ["chairs within 2.5 metres", ["chair!", 2.5]],
    ["mug inside the cupboard in this room", ["mug!", "in(cupboard!)"]],
    ["something yellow", ["yellow"]],
    ["the table the mug is standing on", ["table!", "below(mug!)"]],
    ["the box the small hammer is in", ["box!", "with(small hammer!)"]],
    ["where is the chair I sat on", ["chair sat!"]],
    ["the valve between the other two", ["valve!", "between(valve!)"]],
    ["third valve from the pump", ["valve!", "closest(pump!)"]],
    ["the lamp that is standing on the side table", ["lamp!", "on(table!)"]],
    ["the man sitting at the desk", ["man!", "near(desk!)"]],
    ["", [""]],
    ["near", ["", "near(me)"]],
  ])("%j", (text, parsed) => expect(short(text)).toEqual(parsed));

  it("keeps what a thing is for, negation, counting, order, chains and stance", () => {
    expect(parseQuery("something to sit on").target).toMatchObject({ generic: true, about: ["sit"] });
    expect(parseQuery("where do I hang up my coats").target.about).toEqual(["hang", "coats"]);
    expect(parseQuery("the chair not near the door").relations[0]).toMatchObject({ kind: "near", negated: true });
    expect(parseQuery("the chair without a cushion").relations[0]).toMatchObject({ kind: "with", negated: true });
    expect(parseQuery("how many chairs are at the table")).toMatchObject({ counting: true, target: { head: "chair" } });
    expect(parseQuery("third window counting from the right").relations[0]).toMatchObject({ kind: "order", key: "right", nth: 3 });
    expect(parseQuery("second closest chair to the door").relations[0]).toMatchObject({ kind: "closest", nth: 2 });
    expect(parseQuery("cup on the desk by the window").relations.map(({ attach }) => attach)).toEqual(["target", "either"]);
    expect(parseQuery("cup on the desk, by the window").relations.map(({ attach }) => attach)).toEqual(["target", "target"]);
    const facing = parseQuery("when facing the bed, the pillow on the left");
    expect([facing.stance?.facing?.head, facing.target.head, facing.relations[0]?.kind]).toEqual(["bed", "pillow", "left"]);
    expect(parseQuery("with your back to the door the lamp on the right").stance?.backTo?.head).toBe("door");
    expect(parseQuery("There are two beds. Choose the bed by the window").target.head).toBe("bed");
  });

  it("[PQ6] excludes what is negated, and knows a negated relation from it", () => {
    const other = parseQuery("not the red armchair, the other one");
    expect(other).toMatchObject({ target: { head: "armchair", colours: [] }, except: [{ head: "armchair", colours: ["red"] }] });
    const red = parseQuery("the red thing that is not a valve beside the bench");
    expect(red).toMatchObject({
      target: { colours: ["red"], generic: true },
      except: [{ head: "valve" }],
      relations: [{ kind: "near", negated: false }],
    });
    expect(red.target.head).toBeUndefined();
    expect(parseQuery("chairs except the broken one").except[0]?.terms).toEqual(["broken"]);
    expect(parseQuery("the chair that is not the one by the door")).toMatchObject({ except: [], relations: [{ kind: "near", negated: true }] });
    expect(parseQuery("third valve from the pump").relations[0]).toMatchObject({ nth: 3 });
    expect(parseQuery("when standing at the door, the lamp on the left").stance?.at?.head).toBe("door");
  });

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
