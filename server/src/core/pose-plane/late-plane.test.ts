import { describe, expect, it } from "vitest";
import { CoreRun, framesOf, headsOf, session, welcome } from "../core-run.ts";
import { identity, sessionId } from "../core-kit.ts";
import { LatePlane } from "./late-plane.ts";

describe("LatePlane", () => {
  it("[LP1] is not there before somebody comes, whoever else does", () => {
    const late = new LatePlane({ capacity: 8, tickRateHz: 50 });
    expect(late.exists).toBe(false);
    expect(late.begin(20).add(0)).toBeUndefined();
    expect(late.exists).toBe(true);
    const run = new CoreRun();
    run.step({ kind: "docJoin", session: sessionId("doc-1"), identity: identity("peer") });
    expect(run.wait(1000).filter((effect) => effect.kind === "sendFrame")).toEqual([]);
    expect(Reflect.get(run.core, "late").exists).toBe(false);
  });

  it("[LP1] serves who comes after minutes like who came first", () => {
    const [early, late] = [new CoreRun(), new CoreRun()];
    late.wait(5000);
    for (const run of [early, late]) expect(welcome(run.join("ann"), "ann").slot).toBe(0);
    const from = late.core.tick;
    const [first, second] = [early, late].map((run) => headsOf(run.wait(600), session("ann")).map(({ tick }) => tick)) as [number[], number[]];
    expect(first.length).toBeGreaterThan(1);
    // Heartbeats come from when the plane began.
    expect(second.map((tick) => tick - from)).toEqual(first);
    expect(framesOf(late.wait(20), session("bob"))).toEqual([]);
  });
});
