import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { addMember, only, poseAt, poseUp, sent } from "./core-kit.ts";
import { EffectSink } from "./effect-sink.ts";
import { Roster } from "./roster.ts";
import { SEARCH_WAIT_MS, SearchDesk } from "./search-desk.ts";
import type { PipelineEvent } from "./types.ts";
import { VeilTable } from "./veils.ts";

const question = (ref: number, over: Partial<MessageOf<"search">> = {}): MessageOf<"search"> => ({
  type: "search",
  ref,
  text: "red valve",
  limit: 5,
  withinM: 0,
  types: [],
  from: null,
  ...over,
});
const hit = (object: string, score = 1) => ({ object, score, position: [1, 2, 3], label: "a label", why: "because" });

/** The number under which the pipeline was asked. */
const asked = (event: PipelineEvent | undefined): number => (event?.kind === "search" ? event.ref : -1);

function setUp() {
  const out = new EffectSink();
  const roster = new Roster(4);
  const veils = new VeilTable();
  const desk = new SearchDesk({ out, roster, veils });
  const ada = addMember(roster, "ada");
  const answers = () => sent(out.take(), ada.session, "searchResult");
  return { out, roster, veils, desk, ada, answers };
}

describe("SearchDesk", () => {
  it("forwards a question with its asker's place and sends the answer once", () => {
    const { desk, ada, out, answers } = setUp();
    ada.poses.take(poseUp([poseAt(0, [1, 1.6, 2])], ada.rig.rig), ada.rig, 0, 0, () => {});
    desk.ask(ada, question(4, { withinM: -3 }), 0);
    const event = only(out.take(), "event")[0]?.event;
    expect(event).toMatchObject({ kind: "search", limit: 5, withinM: 0, text: "red valve" });
    expect(event?.kind === "search" && event.from?.position.map((m) => Math.round(m * 100) / 100)).toEqual([1, 1.6, 2]);
    const answer = { session: ada.session, ref: asked(event), degraded: false, hits: [hit("a"), hit("b")] };
    desk.answer(answer);
    desk.answer(answer);
    const results = answers();
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ ref: 4, degraded: false });
    expect(results[0]?.hits.map((h) => h.object)).toEqual(["a", "b"]);
  });

  it("[SE1] answers empty and degraded when nobody else does in time, and drops what comes after", () => {
    const { desk, ada, out, answers } = setUp();
    desk.ask(ada, question(1), 100);
    const late = asked(only(out.take(), "event")[0]?.event);
    desk.flush(100 + SEARCH_WAIT_MS - 1);
    expect(answers()).toEqual([]);
    desk.flush(100 + SEARCH_WAIT_MS);
    expect(answers()).toEqual([{ type: "searchResult", ref: 1, degraded: true, hits: [] }]);
    desk.answer({ session: ada.session, ref: late, degraded: false, hits: [hit("a")] });
    expect(answers()).toEqual([]);
  });

  it("[SE2] bounds what is open; a repeated ref replaces", () => {
    const { desk, ada, answers, out } = setUp();
    for (let ref = 0; ref < 9; ref++) desk.ask(ada, question(ref), 0);
    expect(sent(out.take(), ada.session, "denied").map(({ ref, reason }) => [ref, reason])).toEqual([[8, "too-many"]]);
    desk.ask(ada, question(0), 1500);
    desk.flush(SEARCH_WAIT_MS);
    expect(answers().map(({ ref }) => ref)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    desk.flush(1500 + SEARCH_WAIT_MS);
    expect(answers().map(({ ref }) => ref)).toEqual([0]);
  });

  it("[SE3] tells nobody but its author what a veil hides", () => {
    const { desk, ada, veils, out, answers } = setUp();
    veils.written({ object: "a", field: "label" }, 1, "bob");
    veils.written({ object: "b", field: "label" }, 1, "ada");
    for (const object of ["a", "b"]) veils.judge({ object, field: "label" }, { version: 1, hide: true, reason: "insult" });
    desk.ask(ada, question(1), 0);
    desk.answer({ session: ada.session, ref: asked(only(out.take(), "event")[0]?.event), degraded: false, hits: [hit("a"), hit("b")] });
    expect(answers()[0]?.hits.map(({ label }) => label)).toEqual(["", "a label"]);
  });

  it("sends only what a client can read, whatever the pipeline says", () => {
    const { desk, ada, out, answers } = setUp();
    desk.ask(ada, question(1, { limit: 255 }), 0);
    const ref = asked(only(out.take(), "event")[0]?.event);
    const wild = {
      object: "a",
      score: Number.NaN,
      position: [Number.POSITIVE_INFINITY, 1e300],
      label: "\u{1f600}".repeat(2000),
      why: "w\0".repeat(9999),
    };
    desk.answer({ session: ada.session, ref, degraded: false, hits: [wild, ...Array.from({ length: 50 }, () => hit("x"))] });
    const { hits } = answers()[0]!;
    expect(hits).toHaveLength(LIMITS.searchHits);
    expect(hits[0]).toMatchObject({ score: 0, position: [0, 0, 0] });
  });

  it("forgets who left", () => {
    const { desk, ada, out } = setUp();
    desk.ask(ada, question(1), 0);
    out.take();
    desk.leave(ada.session);
    desk.flush(1e6);
    expect(out.take()).toEqual([]);
  });
});
