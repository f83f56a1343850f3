import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { addMember, only, poseAt, poseUp, sent } from "./core-kit.ts";
import { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import { Roster } from "./roster.ts";
import { SEARCH_WAIT_MS, SearchDesk } from "./search-desk.ts";
import { VeilTable } from "./veils.ts";
import { WATCH_REST_MS } from "./watch-table.ts";

const watch = (ref: number, over: Partial<MessageOf<"watch">> = {}): MessageOf<"watch"> => ({
  type: "watch",
  ref,
  text: "red valve",
  limit: 5,
  withinM: 0,
  types: [],
  from: null,
  ...over,
});
const hit = (object: string, x = 1) => ({ object, score: 1, position: [x, 2, 3], label: `a ${object}`, why: "because" });

const questionsOf = (out: EffectSink) => only(out.take(), "event").flatMap(({ event }) => (event.kind === "search" ? [event] : []));

function setUp(hidden: ReadonlySet<string> = new Set()) {
  const out = new EffectSink();
  const roster = new Roster(4);
  const veils = new VeilTable();
  const rules = { otherwise: true, objects: [["secret", false]], types: [], zones: [] } as const;
  const findable = {
    rulesOf: () => rules,
    mayFind: (_: unknown, object: string) => !hidden.has(object),
    sees: (_: Member, other: Member) => other.person.user !== "ghost",
  };
  const desk = new SearchDesk({ out, roster, veils, findable, holds: () => ["cup"] });
  const ada = addMember(roster, "ada");
  /** What the desk asked the pipeline since the last call. */
  const asked = (nowMs: number) => {
    desk.flush(nowMs);
    return questionsOf(out);
  };
  return { out, roster, veils, desk, ada, asked };
}

describe("standing questions", () => {
  it("[SE4] are answered at once and then only when the answer is news", () => {
    const { desk, ada, out, asked } = setUp();
    desk.watch(ada, watch(7), 0);
    const [question] = asked(0);
    let ref = question!.ref;
    expect(question).toMatchObject({ text: "red valve", find: { objects: [["secret", false]] } });
    const tell = (hits: ReturnType<typeof hit>[]) => {
      desk.answer({ session: ada.session, ref, degraded: false, hits });
      return sent(out.take(), ada.session, "watchResult");
    };
    const askedAgain = (nowMs: number) => {
      const again = asked(nowMs);
      ref = again[0]?.ref ?? ref;
      return again;
    };
    expect(tell([hit("a")])).toMatchObject([{ ref: 7, hits: [{ object: "a" }] }]);
    expect(asked(WATCH_REST_MS)).toEqual([]);
    desk.sceneChanged();
    expect(askedAgain(WATCH_REST_MS)).toHaveLength(1);
    expect(tell([hit("a", 1.001)])).toEqual([]);
    desk.sceneChanged();
    expect(askedAgain(2 * WATCH_REST_MS)).toHaveLength(1);
    expect(tell([hit("b"), hit("a")])).toHaveLength(1);
  });

  it("[WT1] ask at most once in a rest, however often the scene changes, and never twice at once", () => {
    const { desk, ada, asked } = setUp();
    desk.watch(ada, watch(1), 0);
    let count = asked(0).length;
    for (let at = 10; at <= 1000; at += 10) {
      desk.sceneChanged();
      for (const { ref } of asked(at)) {
        count++;
        desk.answer({ session: ada.session, ref, degraded: false, hits: [] });
      }
    }
    expect(count).toBe(1);
    const second = setUp();
    second.desk.watch(second.ada, watch(1), 0);
    let answered = 0;
    for (let at = 0; at <= 1000; at += 10) {
      second.desk.sceneChanged();
      for (const { ref } of second.asked(at)) {
        answered++;
        second.desk.answer({ session: second.ada.session, ref, degraded: false, hits: [] });
      }
    }
    expect(answered).toBe(1000 / WATCH_REST_MS + 1);
  });

  it("[WT2] are bounded per person, may replace one another, and end with `unwatch` and with the session", () => {
    const { desk, ada, out, asked } = setUp();
    for (let ref = 0; ref <= LIMITS.watchesPerPerson; ref++) desk.watch(ada, watch(ref), 0);
    expect(sent(out.take(), ada.session, "denied")).toMatchObject([{ ref: LIMITS.watchesPerPerson, reason: "too-many" }]);
    desk.watch(ada, watch(0, { text: "blue valve" }), 5000);
    const questions = asked(5000);
    expect(questions.map(({ text }) => text).sort()).toEqual(["blue valve", "red valve", "red valve", "red valve"]);
    for (let ref = 1; ref < LIMITS.watchesPerPerson; ref++) desk.unwatch(ada, ref);
    for (const { ref, text } of questions) if (text === "red valve") desk.answer({ session: ada.session, ref, degraded: false, hits: [hit("a")] });
    expect(sent(out.take(), ada.session, "watchResult")).toEqual([]);
    desk.leave(ada.session);
    desk.sceneChanged();
    expect(asked(1e6)).toEqual([]);
  });

  it("[WT3] that are asked from where somebody stands are asked again when they have moved", () => {
    const { desk, ada, asked } = setUp();
    const stand = (timeMs: number, x: number) =>
      ada.poses.take(poseUp([poseAt(timeMs, [x, 1.6, 2])], ada.rig.rig), ada.rig, timeMs, timeMs, () => {});
    stand(0, 1);
    desk.watch(ada, watch(1), 0);
    const [first] = asked(0);
    desk.answer({ session: ada.session, ref: first!.ref, degraded: false, hits: [] });
    stand(500, 1.1);
    expect(asked(500)).toEqual([]);
    stand(1000, 1.9);
    expect(asked(1000)).toHaveLength(1);
  });

  it("[SE4] that nobody answers say nothing and are asked again", () => {
    const { desk, ada, out, asked } = setUp();
    desk.watch(ada, watch(1), 0);
    expect(asked(0)).toHaveLength(1);
    desk.flush(SEARCH_WAIT_MS);
    expect(out.take()).toEqual([]);
    expect(asked(SEARCH_WAIT_MS + 5000)).toHaveLength(1);
  });
});

describe("permission, counts and descriptions at the desk", () => {
  it("[SE5] takes out of an answer what the asker may not find", () => {
    const { desk, ada, out } = setUp(new Set(["secret"]));
    desk.ask(ada, { ...watch(1), type: "search" }, 0);
    const [question] = questionsOf(out);
    desk.answer({ session: ada.session, ref: question!.ref, degraded: false, hits: [hit("secret"), hit("a")], count: 2 });
    const effects = out.take();
    expect(sent(effects, ada.session, "searchResult")[0]?.hits.map(({ object }) => object)).toEqual(["a"]);
    expect(sent(effects, ada.session, "searchCount")).toMatchObject([{ ref: 1, count: 2 }]);
  });

  it("[SE5] asks anew what is open when the rules change, and takes no answer from before", () => {
    const { desk, ada, out, asked } = setUp();
    desk.ask(ada, { ...watch(1), type: "search" }, 0);
    desk.watch(ada, watch(2), 0);
    const before = asked(0);
    expect(before).toHaveLength(2);
    desk.rulesChanged();
    const after = questionsOf(out);
    expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
    for (const { ref } of before) desk.answer({ session: ada.session, ref, degraded: false, hits: [hit("secret")], count: 9 });
    expect(out.take()).toEqual([]);
    for (const { ref } of after) desk.answer({ session: ada.session, ref, degraded: false, hits: [hit("a")], count: 1 });
    const effects = out.take();
    expect(sent(effects, ada.session, "searchCount")).toMatchObject([
      { ref: 1, count: 1 },
      { ref: 2, count: 1 },
    ]);
    expect(sent(effects, ada.session, "watchResult")).toMatchObject([{ ref: 2, hits: [{ object: "a" }] }]);
  });

  it("[SE5] describes nobody whom the asker does not see", () => {
    const { desk, ada, roster, out } = setUp();
    for (const user of ["bob", "ghost"]) addMember(roster, user);
    desk.describe(ada, { type: "describe", ref: 3, view: false, from: null }, 0);
    expect(questionsOf(out)[0]?.describe?.people.map(({ name }) => name)).toEqual(["bob"]);
  });

  it("[SE3] tells the pipeline whose words are hidden from the asker", () => {
    const { desk, ada, veils, asked } = setUp();
    veils.written({ object: "a", field: "label" }, 1, "bob");
    veils.judge({ object: "a", field: "label" }, { version: 1, hide: true, reason: "insult" });
    desk.watch(ada, watch(1), 0);
    expect(asked(0)[0]).toMatchObject({ veiled: ["a"] });
  });

  it("asks for a description with the people that are there, and says so when none comes", () => {
    const { desk, ada, roster, out } = setUp();
    const bob = addMember(roster, "bob");
    bob.poses.take(poseUp([poseAt(0, [1, 1.6, 2])], bob.rig.rig), bob.rig, 0, 0, () => {});
    desk.describe(ada, { type: "describe", ref: 3, view: false, from: null }, 0);
    const event = only(out.take(), "event")[0]?.event;
    const describes = event?.kind === "search" ? event : undefined;
    expect(describes?.describe).toMatchObject({ view: false, people: [{ name: "bob", asleep: false, holds: ["cup"] }] });
    const description = { text: "There is a cup here.", objects: 1, people: 1, groups: [{ label: "cup", count: 1, position: [1, Number.NaN, 3] }] };
    desk.answer({ session: ada.session, ref: describes!.ref, degraded: false, hits: [], description });
    expect(sent(out.take(), ada.session, "description")).toMatchObject([
      { ref: 3, degraded: false, text: "There is a cup here.", groups: [{ label: "cup", count: 1, position: [1, 0, 3] }] },
    ]);
    desk.describe(ada, { type: "describe", ref: 4, view: true, from: null }, 0);
    desk.flush(SEARCH_WAIT_MS);
    expect(sent(out.take(), ada.session, "description")).toMatchObject([{ ref: 4, degraded: true, text: "" }]);
  });
});
