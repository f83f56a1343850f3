import type { MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { Asks } from "./asks.ts";
import type { SearchResult } from "./space-types.ts";

const HIT = { object: "a", score: 1, position: [0, 0, 0], label: "a", why: "" };
const VIEW = new Float64Array(7);

function setUp() {
  const sent: { type: string; ref: number; text?: string }[] = [];
  const timers: (() => void)[] = [];
  const asks = new Asks(
    { after: (_: number, run: () => void) => (timers.push(run), () => undefined), every: () => () => undefined } as never,
    (message) => sent.push(message as never),
  );
  return { asks, sent, expire: () => timers.splice(0).forEach((run) => run()) };
}
const result = (ref: number, hits: MessageOf<"watchResult">["hits"]): MessageOf<"watchResult"> => ({
  type: "watchResult",
  ref,
  degraded: false,
  hits,
});

describe("Asks", () => {
  it("[AS2] a standing question is asked again on every link, tells every answer, and ends when told to", () => {
    const { asks, sent } = setUp();
    const told: SearchResult[] = [];
    const end = asks.watch("red\0 valve", (answer) => told.push(answer), { limit: 900 }, false);
    expect(sent).toEqual([]);
    asks.linkUp();
    asks.linkDown();
    asks.linkUp();
    expect(sent).toMatchObject([
      { type: "watch", text: "red valve", limit: 32, from: null },
      { type: "watch", text: "red valve" },
    ]);
    const ref = sent[0]?.ref ?? 0;
    asks.onCount({ type: "searchCount", ref, count: 3 });
    asks.onWatch(result(ref, [HIT]));
    asks.onWatch(result(ref, []));
    expect(told).toEqual([
      { degraded: false, hits: [HIT], count: 3 },
      { degraded: false, hits: [] },
    ]);
    end();
    end();
    asks.onWatch(result(ref, [HIT]));
    asks.linkUp();
    expect(told).toHaveLength(2);
    expect(sent.map(({ type }) => type)).toEqual(["watch", "watch", "unwatch"]);
  });

  it("a refused standing question is forgotten, and a count comes with its search", async () => {
    const { asks, sent } = setUp();
    asks.watch("valve", () => undefined, {}, true);
    expect(asks.refused(sent[0]?.ref ?? 0)).toBe(true);
    const found = asks.search("how many valves", {}, VIEW);
    const ref = sent.at(-1)?.ref ?? 0;
    asks.onCount({ type: "searchCount", ref, count: 7 });
    asks.onResult({ type: "searchResult", ref, degraded: false, hits: [] });
    expect(await found).toEqual({ degraded: false, hits: [], count: 7 });
    asks.linkUp();
    expect(sent.filter(({ type }) => type === "watch")).toHaveLength(1);
  });

  it("[AS1] a description settles: with the answer, with silence, or with the link", async () => {
    const { asks, sent, expire } = setUp();
    const first = asks.describe({ view: true });
    asks.onDescription({
      type: "description",
      ref: sent[0]?.ref ?? 0,
      degraded: false,
      text: "There is a lamp here.",
      objects: 1,
      people: 0,
      groups: [],
    });
    expect(await first).toMatchObject({ degraded: false, text: "There is a lamp here." });
    const second = asks.describe({});
    expire();
    expect(await second).toMatchObject({ degraded: true, text: "" });
    const third = asks.describe({});
    asks.linkDown();
    expect(await third).toMatchObject({ degraded: true });
  });
});
