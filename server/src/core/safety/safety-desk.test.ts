import { ENVELOPE_BYTES, LIMITS } from "@copresence/shared/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { only, poseAt, poseUp, sent } from "../core-kit.ts";
import { CoreRun, framesOf, rigOf, session, welcome } from "../core-run.ts";
import type { Rig } from "@copresence/shared/motion";
import { FrameDecoder } from "@copresence/shared/pose";
import { MARGIN_M, PersonalSpace } from "./personal-space.ts";
import type { CoreEffect } from "../types.ts";

/** Who is told what about whom: "bob boundary" for slot 1. */
const told = (effects: readonly CoreEffect[], who: string): string[] =>
  sent(effects, session(who), "unseen").map(({ slot, why }) => `${slot} ${why}`);

/** A room that knows who was shown to whom while everybody stood where they were put. */
class Crowd extends CoreRun {
  private readonly rigs = new Map<string, Rig>();
  private readonly decoders = new Map<string, FrameDecoder>();
  private readonly shown = new Map<string, Set<number>>();
  private readonly slots = new Map<string, number>();

  enter(user: string): void {
    const hello = welcome(this.join(user), user);
    this.rigs.set(user, rigOf(hello));
    this.slots.set(user, hello.slot);
    this.decoders.set(user, new FrameDecoder({ tickRateHz: 50 }));
  }

  sees(viewer: string, source: string): boolean {
    return this.shown.get(viewer)?.has(this.slots.get(source) ?? -1) ?? false;
  }

  /** Everybody sends their pose at x, z for 600 ms, which is time to walk there; what happened meanwhile. */
  stand(places: Readonly<Record<string, readonly [number, number]>>): readonly CoreEffect[] {
    const effects: CoreEffect[] = [];
    for (let step = 0; step < 30; step++) {
      const said = Object.entries(places).flatMap(([user, [x, z]]) =>
        this.say(user, poseUp([poseAt(this.nowMs, [x + step / 1000, 1.6, z])], this.rigs.get(user) as Rig)),
      );
      const happened = [...said, ...this.wait(20)];
      if (step === 20) this.shown.clear();
      this.look(happened);
      effects.push(...happened);
    }
    return effects;
  }

  /** Decodes every frame; `shown` is who was in the last ones. */
  private look(effects: readonly CoreEffect[]): void {
    for (const [viewer, decoder] of this.decoders) {
      const seen = this.shown.get(viewer) ?? new Set();
      this.shown.set(viewer, seen);
      const onPose = (slot: number): void => void seen.add(slot);
      for (const frame of framesOf(effects, session(viewer))) decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead: () => undefined, onPose });
    }
  }
}

function pair(boundaryM = 0): Crowd {
  const run = new Crowd({ boundaryM, takesReports: true });
  run.enter("ada");
  run.enter("bob");
  return run;
}
const relation = (user: string, what: { readonly mute?: boolean; readonly block?: boolean; readonly friend?: boolean }) =>
  ({ type: "relation", ref: 1, user, mute: false, block: false, friend: false, ...what }) as const;

describe("blocking", () => {
  it("[SA1] ends what is sent both ways, from the next frame on, and what is said", () => {
    const run = pair();
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect([run.sees("ada", "bob"), run.sees("bob", "ada")]).toEqual([true, true]);
    const effects = run.say("ada", relation("bob", { block: true }));
    expect([told(effects, "ada"), told(effects, "bob")]).toEqual([["1 blocked"], ["0 hidden"]]);
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect([run.sees("ada", "bob"), run.sees("bob", "ada")]).toEqual([false, false]);
    run.say("bob", { type: "chat", ref: 1, text: "hello?" });
    const later = run.wait(400);
    expect(sent(later, session("ada"), "chatMessage")).toEqual([]);
    expect(sent(later, session("bob"), "chatMessage")).toHaveLength(1);
    expect(told(run.say("ada", relation("bob", {})), "bob")).toEqual(["0 seen"]);
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect([run.sees("ada", "bob"), run.sees("bob", "ada")]).toEqual([true, true]);
  });

  it("[SA3] holds across a reconnect of either, and a nap", () => {
    const run = pair();
    run.say("ada", relation("bob", { block: true }));
    run.step({ kind: "leave", session: session("bob") });
    run.enter("bob");
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect(run.sees("ada", "bob")).toBe(false);
    run.say("bob", { type: "presence", state: "asleep" });
    run.say("bob", { type: "presence", state: "awake" });
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect([run.sees("ada", "bob"), run.sees("bob", "ada")]).toEqual([false, false]);
  });
});

describe("muting", () => {
  it("[RE2] is for the ears of who muted, and nobody is told", () => {
    const run = pair();
    run.enter("eve");
    expect(sent(run.say("ada", relation("bob", { mute: true })), session("bob"), "unseen")).toEqual([]);
    run.say("bob", { type: "chat", ref: 1, text: "la la" });
    const effects = run.wait(400);
    expect(["ada", "eve", "bob"].map((name) => sent(effects, session(name), "chatMessage").length)).toEqual([0, 1, 1]);
    run.say("ada", { type: "chat", ref: 2, text: "stop" });
    expect(sent(run.wait(400), session("bob"), "chatMessage")).toHaveLength(1);
    run.stand({ ada: [0, 0], bob: [3, 0], eve: [0, 3] });
    expect(run.sees("ada", "bob")).toBe(true);
  });
});

describe("personal space", () => {
  it("[SA1] [SP1] takes strangers out of each other's sight, without flicker on the line", () => {
    const run = pair(1.2);
    run.stand({ ada: [0, 0], bob: [3, 0] });
    expect(run.sees("ada", "bob")).toBe(true);
    const close = run.stand({ ada: [0, 0], bob: [1.1, 0] });
    expect([told(close, "ada"), told(close, "bob")]).toEqual([["1 boundary"], ["0 boundary"]]);
    expect([run.sees("ada", "bob"), run.sees("bob", "ada")]).toEqual([false, false]);
    expect(told(run.stand({ ada: [0, 0], bob: [1.2 + MARGIN_M / 2, 0] }), "ada")).toEqual([]);
    expect(told(run.stand({ ada: [0, 0], bob: [2, 0] }), "ada")).toEqual(["1 seen"]);
    expect(run.sees("bob", "ada")).toBe(true);
  });

  it("[RE3] is off between friends, when both say so", () => {
    const run = pair(1.2);
    run.say("ada", relation("bob", { friend: true }));
    expect(told(run.stand({ ada: [0, 0], bob: [0.6, 0] }), "ada")).toEqual(["1 boundary"]);
    run.say("bob", relation("ada", { friend: true }));
    expect(told(run.stand({ ada: [0, 0], bob: [0.6, 0] }), "ada")).toEqual(["1 seen"]);
  });

  it("is as wide as the person wants, bounded, or not there at all", () => {
    const run = pair(1.2);
    run.say("ada", { type: "boundary", radiusMm: 0 });
    run.say("bob", { type: "boundary", radiusMm: 0 });
    expect(told(run.stand({ ada: [0, 0], bob: [0.6, 0] }), "ada")).toEqual([]);
    run.say("ada", { type: "boundary", radiusMm: 60_000 });
    expect(told(run.stand({ ada: [0, 0], bob: [2.4, 0] }), "bob")).toEqual(["0 boundary"]);
    expect(told(run.stand({ ada: [0, 0], bob: [LIMITS.boundaryMm / 1000 + 1, 0] }), "bob")).toEqual(["0 seen"]);
  });

  it("[SP3] finds exactly the pairs that brute force finds", () => {
    const place = fc.record({
      x: fc.double({ min: -12, max: 12, noNaN: true }),
      z: fc.double({ min: -12, max: 12, noNaN: true }),
      y: fc.constantFrom(1.6, 4.6),
    });
    fc.assert(
      fc.property(fc.array(place, { minLength: 2, maxLength: 60 }), (places) => {
        const inside = new Set<string>();
        const space = new PersonalSpace({
          capacity: 64,
          headOf: (slot, out) => {
            const at = places[slot];
            if (at !== undefined) out.set([at.x, at.y, at.z]);
            return at !== undefined;
          },
          boundaryOf: (slot) => (slot % 3) * 1.2,
          exempt: (a, b) => (a + b) % 7 === 0,
          changed: (a, b, now) => void (now ? inside.add(`${a}-${b}`) : inside.delete(`${a}-${b}`)),
        });
        space.check(
          places.map((_, slot) => slot),
          places.length,
        );
        const expected = new Set<string>();
        for (const [a, p] of places.entries()) {
          for (const [b, q] of places.entries()) {
            const near = Math.hypot(p.x - q.x, p.z - q.z) < Math.max((a % 3) * 1.2, (b % 3) * 1.2) && p.y === q.y;
            if (a < b && near && (a + b) % 7 !== 0) expected.add(`${a}-${b}`);
          }
        }
        expect([...inside].toSorted()).toEqual([...expected].toSorted());
      }),
      { numRuns: 100 },
    );
  });
});

describe("reports", () => {
  const report = (user: string, ref = 1) => ({ type: "report", ref, user, object: "", reason: "harassment", text: "look at this" }) as const;

  it("[RP1] carry what was said, how near, and who saw it, and change nothing", () => {
    const run = pair();
    run.enter("eve");
    run.stand({ ada: [0, 0], bob: [2, 0], eve: [3, 0] });
    run.say("bob", { type: "chat", ref: 1, text: "ugly words" });
    run.wait(400);
    const effects = run.say("ada", report("bob"));
    const taken = only(effects, "report")[0]?.report;
    expect(taken).toMatchObject({
      id: 1,
      reporter: "ada",
      user: "bob",
      reason: "harassment",
      text: "look at this",
      evidence: { distanceM: 2, witnesses: ["eve"], lines: [{ user: "bob", text: "ugly words", hidden: false }] },
    });
    expect(sent(effects, session("ada"), "reported")).toMatchObject([{ ref: 1, report: 1 }]);
    expect(run.sees("ada", "bob")).toBe(true);
    run.wait(61_000);
    expect(only(run.say("ada", report("bob")), "report")[0]?.report.evidence.lines).toEqual([]);
  });

  it("are refused, not lost, where nobody looks at them", () => {
    const run = new Crowd();
    run.enter("ada");
    const effects = run.say("ada", report("bob"));
    expect(only(effects, "report")).toEqual([]);
    expect(sent(effects, session("ada"), "denied")).toMatchObject([{ reason: "not-allowed" }]);
  });

  it("[RP2] are few, of others, and name something", () => {
    const run = pair();
    expect(sent(run.say("ada", report("ada")), session("ada"), "denied")).toHaveLength(1);
    expect(sent(run.say("ada", report("")), session("ada"), "denied")).toHaveLength(1);
    const answers = Array.from({ length: 7 }, (_, i) => run.say("ada", report("bob", i)));
    expect(answers.flatMap((effects) => only(effects, "report"))).toHaveLength(5);
    expect(sent(answers.flat(), session("ada"), "denied").map(({ reason }) => reason)).toEqual(["too-many", "too-many"]);
  });
});

it("[RE4] nobody decides about more people than the limit", () => {
  const run = pair();
  for (let i = 0; i < LIMITS.relations; i++) {
    run.say("ada", relation(`other-${i}`, { mute: true }));
    run.wait(20);
  }
  expect(sent(run.say("ada", relation("one-more", { mute: true })), session("ada"), "denied")).toMatchObject([{ reason: "too-many" }]);
  expect(sent(run.say("ada", relation("ada", { mute: true })), session("ada"), "denied")).toMatchObject([{ reason: "malformed" }]);
});
