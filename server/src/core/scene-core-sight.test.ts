/** Who sees whom through the whole core: safety filters, what is asked of sources, and why. */
import { FrameDecoder } from "@copresence/shared/pose";
import { ENVELOPE_BYTES } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { counted, identity, sent } from "./core-kit.ts";
import { CoreRun, enter, framesOf, pose, session, TICK_MS, welcome, withCup } from "./core-run.ts";
import { HIDDEN_MOST } from "./hide-table.ts";
import type { CoreInput } from "./types.ts";

const hide = (viewer: string, source: string, hidden: boolean, reason: "muted" | "blocked" | "bubble" = "muted"): CoreInput => ({
  kind: "hide",
  viewer: identity(viewer).user,
  source: identity(source).user,
  reason,
  hidden,
});

/** A viewer that remembers whom it was shown since last asked. */
class Eyes {
  private readonly decoder = new FrameDecoder({ tickRateHz: 50 });
  private readonly user: string;
  constructor(user: string) {
    this.user = user;
  }
  /** Slots shown by these effects. */
  see(effects: Parameters<typeof framesOf>[0]): number[] {
    const slots = new Set<number>();
    for (const frame of framesOf(effects, session(this.user)))
      this.decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead: () => {}, onPose: (slot) => void slots.add(slot) });
    return [...slots].sort();
  }
}

describe("SceneCore: safety filters", () => {
  it("[PP2] a hidden person's poses stop with the next frame, for that viewer only, and come back", () => {
    const run = withCup();
    const [ada, bob, eve] = ["ada", "bob", "eve"].map((user) => enter(run, user));
    const all = (): void => [ada, bob, eve].forEach((hello, i) => pose(run, ["ada", "bob", "eve"][i] as string, hello!, [i, 1, run.nowMs / 10_000]));
    const [first, second] = [new Eyes("ada"), new Eyes("bob")];
    all();
    expect(first.see(run.wait(TICK_MS))).toEqual([bob!.slot, eve!.slot]);
    run.step(hide("ada", "bob", true));
    for (let i = 0; i < 10; i++) {
      all();
      const effects = run.wait(TICK_MS);
      expect(first.see(effects)).not.toContain(bob!.slot);
      second.see(effects);
    }
    all();
    expect(run.core.explainPeople("ada", "bob")).toMatchObject([{ user: "bob", tier: "none", hidden: ["muted"] }]);
    const during = run.wait(TICK_MS * 3);
    expect(first.see(during)).toEqual([eve!.slot]);
    run.step(hide("ada", "bob", false));
    all();
    expect(first.see(run.wait(TICK_MS))).toContain(bob!.slot);
  });

  it("[HT1] holds over another session, a nap and a second reason", () => {
    const run = withCup();
    enter(run, "ada");
    const bob = enter(run, "bob");
    run.step(hide("ada", "bob", true), hide("ada", "bob", true, "bubble"));
    run.step({ kind: "leave", session: session("bob") });
    run.wait(2500);
    enter(run, "bob");
    run.wait(TICK_MS);
    expect(run.core.explainPeople("ada", "bob")).toMatchObject([{ tier: "none", hidden: ["muted", "bubble"] }]);
    run.say("bob", { type: "presence", state: "asleep" });
    run.say("bob", { type: "presence", state: "awake" });
    run.step({ kind: "leave", session: session("ada") });
    const ada = enter(run, "ada");
    run.step(hide("ada", "bob", false));
    expect(run.core.explain(ada.slot, bob.slot).why).toMatch(/safety filter/);
    run.step(hide("ada", "bob", false, "bubble"));
    expect(run.core.explain(ada.slot, bob.slot).why).not.toMatch(/safety filter/);
  });

  it("[HT2] counts what it refuses", () => {
    const run = withCup();
    const many = Array.from({ length: HIDDEN_MOST + 2 }, (_, i) => hide("ada", `u${i}`, true));
    expect(counted(run.step(...many), "hide_refused")).toBe(2);
  });
});

describe("SceneCore: what is asked of sources", () => {
  it("[DE1] a person alone sends the base layer only; as soon as somebody is near, everything again", () => {
    const run = withCup();
    const ada = welcome(run.join("ada"), "ada");
    expect(ada.uplinkHz).toBe(50);
    expect(sent(run.wait(1800), session("ada"), "uplink")).toEqual([]);
    expect(sent(run.wait(600), session("ada"), "uplink")).toEqual([{ type: "uplink", hz: 13 }]);
    expect(sent(run.wait(5000), session("ada"), "uplink")).toEqual([]);
    const bob = enter(run, "bob", [1, 1, 1]);
    let told: unknown[] = [];
    for (let i = 0; i < 30 && told.length === 0; i++) {
      pose(run, "ada", ada, [0, 1, run.nowMs / 10_000]);
      pose(run, "bob", bob, [1, 1, run.nowMs / 10_000]);
      told = sent(run.wait(TICK_MS), session("ada"), "uplink");
    }
    expect(told).toEqual([{ type: "uplink", hz: 50 }]);
    expect(run.core.explainPeople("bob", "ada")).toMatchObject([{ tier: "T0+T1+T2", uplinkHz: 50 }]);
  });

  it("is said anew to who wakes up", () => {
    const run = withCup();
    welcome(run.join("ada"), "ada");
    run.wait(3000);
    run.say("ada", { type: "presence", state: "asleep" });
    run.wait(100);
    expect(sent(run.say("ada", { type: "presence", state: "awake" }), session("ada"), "uplink")).toEqual([{ type: "uplink", hz: 50 }]);
  });
});

describe("SceneCore: explaining", () => {
  it("answers by user or slot, for one person or all, and not about people who are not here", () => {
    const run = new CoreRun();
    const [ada, bob] = [enter(run, "ada"), enter(run, "bob", [0, 1, -2])];
    run.wait(300);
    const answer = run.core.explainPeople("ada");
    expect(answer).toMatchObject([{ user: "bob", slot: bob.slot, hidden: [], tier: "T0+T1+T2" }]);
    expect(answer?.[0]?.why).toMatch(/2\.0 m away, in view; near/);
    expect(run.core.explainPeople(String(ada.slot), String(bob.slot))).toEqual(answer);
    expect(run.core.explainPeople("ada", "ghost")).toBeUndefined();
    expect(run.core.explainPeople("ghost")).toBeUndefined();
    expect(run.core.explainPeople("77")).toBeUndefined();
  });
});
