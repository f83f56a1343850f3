import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { addMember, counted, deltas, FakeDocument, grabMessage, only, poseAt, poseUp, releaseMessage, scene, sent } from "./core-kit.ts";
import { EffectSink } from "./effect-sink.ts";
import { GrabDesk } from "./grab-desk.ts";
import { NO_SLOT, REACH_M } from "./grab-judge.ts";
import type { Member } from "./member.ts";
import { Roster } from "./roster.ts";
import type { CoreEffect } from "./types.ts";

const HZ = 50;
const TICK_MS = 1000 / HZ;
/** Where the cup stands, and a pose whose hands are at it. */
const CUP = [0, 1, 0] as const;

/** A pose measured at `timeMs` that took `delayMs` to arrive. */
const moveHand = (member: Member, timeMs: number, hand: readonly number[], delayMs = 0): void => {
  const sample = poseAt(timeMs, [hand[0] ?? 0, 1.6, (hand[2] ?? 0) + 0.5], hand);
  member.poses.take(poseUp([sample], member.rig.rig), member.rig, timeMs + delayMs, timeMs + delayMs, () => {});
};
const verdict = (effects: readonly CoreEffect[], member: Member) =>
  sent(effects, member.session, "grabResult").map(({ granted, reason, holder }) =>
    granted ? "granted" : `${reason}${holder === NO_SLOT ? "" : ` ${holder}`}`,
  );

function setUp() {
  const out = new EffectSink();
  const roster = new Roster(8);
  const document = new FakeDocument();
  document.put("cup-1", "cup", { position: CUP });
  document.put("cup-2", "cup", { position: CUP });
  const absorb = (effects: readonly CoreEffect[]): void => effects.forEach((effect) => out.push(effect));
  /** slot -> hand positions in the past; absent: unknown. */
  const past = new Map<number, readonly number[]>();
  const history = {
    poseAt: (slot: number, timeMs: number, into: Float64Array): boolean => {
      const hand = past.get(slot);
      if (hand !== undefined) into.set(poseAt(timeMs, [0, 1.6, 0.5], hand).pose);
      return hand !== undefined;
    },
  };
  const desk = new GrabDesk({ out, roster, scene, document, history, capacity: 8, tickRateHz: HZ, absorb });
  const person = (user: string, role?: string): Member => {
    const member = addMember(roster, user, role);
    moveHand(member, 0, CUP);
    return member;
  };
  const claim = (member: Member, nowMs: number, over: Partial<MessageOf<"grab">> = {}): void =>
    desk.claim(member, grabMessage({ atTick: Math.floor(nowMs / TICK_MS), ...over }), nowMs);
  const judge = (nowMs: number): readonly CoreEffect[] => {
    desk.judgeClaims(Math.floor(nowMs / TICK_MS), nowMs);
    return out.take();
  };
  const grab = (member: Member, nowMs: number, over: Partial<MessageOf<"grab">> = {}) => {
    claim(member, nowMs, over);
    return verdict(judge(nowMs), member);
  };
  return { out, roster, document, desk, past, person, claim, judge, grab };
}

describe("GrabDesk: one claim", () => {
  it("[GD1] [GD2] answers a claim at the tick, with a lease for everybody", () => {
    const { desk, out, person, claim, judge } = setUp();
    const ada = person("ada");
    claim(ada, 100, { seq: 7, gripMm: [1, 2, 3] });
    expect(out.take()).toEqual([]);
    const effects = judge(120);
    expect(only(effects, "session").map(({ delta }) => delta)).toEqual([
      {
        kind: "lease",
        lease: { object: "cup-1", slot: 0, hand: "right", gripMm: [1, 2, 3], gripRotation: [0, 0, 0, 32_767], scale: 1, spanMm: 0, sinceTick: 6 },
      },
    ]);
    expect(sent(effects, ada.session, "grabResult")).toEqual([
      { type: "grabResult", seq: 7, object: "cup-1", granted: true, reason: "held-by-other", holder: 0, leaseMs: LIMITS.leaseMs },
    ]);
    expect(counted(effects, "grab_granted")).toBe(1);
    expect(desk.leases.get("cup-1")?.touchMs).toBe(100);
  });

  it("refuses with the reason that holds", () => {
    const { document, person, grab, roster } = setUp();
    const ada = person("ada");
    document.put("sign-1", "sign");
    expect(grab(ada, 0, { object: "no-such" })).toEqual(["unknown-object"]);
    expect(grab(ada, 0, { object: "sign-1" })).toEqual(["not-allowed"]);
    expect(grab(ada, 0, { gripRotation: [0, 0, 0, 0] })).toEqual(["malformed"]);
    expect(grab(person("eve", "mute"), 0)).toEqual(["not-allowed"]);
    expect(grab(addMember(roster, "ghost"), 0)).toEqual(["too-far"]);
    ada.person = { ...ada.person, status: "asleep" };
    expect(grab(ada, 0)).toEqual(["not-allowed"]);
    ada.person = { ...ada.person, status: "awake" };
    document.readOnly = true;
    expect(grab(ada, 0)).toEqual(["read-only"]);
  });

  it("[GJ3] reaches as far as an arm, where the hand was at the touch; a pointer reaches everywhere", () => {
    const { past, document, person, grab } = setUp();
    const ada = person("ada");
    moveHand(ada, 400, [0, 1, REACH_M + 0.01]);
    expect(grab(ada, 400)).toEqual(["too-far"]);
    expect(grab(ada, 400, { hand: "pointer", gripMm: [0, 0, -9000] })).toEqual(["granted"]);
    expect(grab(ada, 400, { object: "cup-2", gripMm: [0, 0, -9000] })).toEqual(["too-far"]);
    past.set(ada.person.slot, CUP);
    expect(grab(ada, 400, { object: "cup-2" })).toEqual(["granted"]);
    past.set(ada.person.slot, [0, 1, 5]);
    document.put("cup-3", "cup", { position: CUP, scale: 4 });
    expect(grab(ada, 400, { object: "cup-3" })).toEqual(["granted"]);
  });

  it("holds at most three at once", () => {
    const { document, person, grab } = setUp();
    const ada = person("ada");
    for (let i = 0; i < LIMITS.leasesPerPerson + 1; i++) document.put(`c${i}`, "cup", { position: CUP });
    for (let i = 0; i < LIMITS.leasesPerPerson; i++) expect(grab(ada, 0, { object: `c${i}` })).toEqual(["granted"]);
    expect(grab(ada, 0, { object: `c${LIMITS.leasesPerPerson}` })).toEqual(["too-many-held"]);
    expect(grab(ada, 0, { object: "c0", hand: "left" })).toEqual(["granted"]);
  });

  it("bounds the claims that wait for a tick", () => {
    const { person, claim, judge, out } = setUp();
    const ada = person("ada");
    for (let i = 0; i < 10; i++) claim(ada, 0);
    expect(verdict(out.take(), ada)).toEqual(["too-many", "too-many"]);
    expect(verdict(judge(0), ada)).toHaveLength(8);
  });

  it("forgets the claims of who left before the tick", () => {
    const { roster, person, claim, judge } = setUp();
    const ada = person("ada");
    claim(ada, 0);
    roster.remove(ada, 1);
    expect(judge(20)).toEqual([]);
  });
});

describe("GrabDesk: two claims", () => {
  it("[GJ2] gives one tick's object to who touched it first, whoever's message came first", () => {
    const { desk, person, claim, judge } = setUp();
    const [near, far] = [person("near"), person("far")];
    moveHand(far, 100, CUP, 160);
    claim(near, 258, { atTick: 12 });
    claim(far, 259, { atTick: 6 });
    const effects = judge(260);
    expect(verdict(effects, far)).toEqual(["granted"]);
    expect(verdict(effects, near)).toEqual([`held-by-other ${far.person.slot}`]);
    expect(deltas(effects)).toEqual(["lease"]);
    expect(desk.leases.all()).toHaveLength(1);
  });

  it("[GJ2] takes the object back for an earlier touch that was still under way, and tells the first holder", () => {
    const { desk, person, claim, judge, out } = setUp();
    const [near, far] = [person("near"), person("far")];
    moveHand(far, 20, CUP, 200);
    claim(near, 200, { seq: 41, atTick: 10 });
    expect(verdict(judge(200), near)).toEqual(["granted"]);
    claim(far, 330, { atTick: 8 });
    const effects = judge(340);
    expect(verdict(effects, far)).toEqual(["granted"]);
    expect(sent(effects, near.session, "grabResult")).toMatchObject([{ seq: 41, granted: false, reason: "held-by-other", holder: far.person.slot }]);
    expect(only(effects, "session").map(({ delta }) => (delta.kind === "lease" ? delta.lease.slot : delta.kind))).toEqual([
      "leaseGone",
      far.person.slot,
    ]);
    expect(desk.leases.count(near.person.slot)).toBe(0);
    desk.release(near, releaseMessage(), 18, 360);
    expect(sent(out.take(), near.session, "denied")).toMatchObject([{ reason: "lost-race", ref: 2, object: "cup-1" }]);
  });

  it("[GJ2] leaves the object with its holder for a later touch, and once the contest is over", () => {
    const { person, claim, judge } = setUp();
    const [near, far] = [person("near"), person("far")];
    moveHand(far, 20, CUP, 250);
    claim(near, 200, { atTick: 10 });
    judge(200);
    claim(far, 300, { atTick: 11 });
    expect(verdict(judge(300), far)).toEqual(["held-by-other 0"]);
    claim(far, 449, { atTick: 9 });
    expect(verdict(judge(200 + LIMITS.rewindMs + 1), far)).toEqual(["held-by-other 0"]);
  });

  it("[GJ1] does not believe a touch further back than rewindMs, nor than the claimant's own poses live", () => {
    const { desk, person, claim, judge } = setUp();
    const [liar, slow] = [person("liar"), person("slow")];
    claim(liar, 1000, { atTick: 0 });
    judge(1000);
    expect(desk.leases.get("cup-1")?.touchMs).toBe(950);
    for (let i = 0; i < 4; i++) moveHand(slow, 200 + i * 20, CUP, 800);
    claim(slow, 1000, { object: "cup-2", atTick: 0 });
    judge(1000);
    expect(desk.leases.get("cup-2")?.touchMs).toBe(1000 - LIMITS.rewindMs);
    claim(liar, 1000, { object: "cup-2", atTick: 4_000_000 });
    judge(1000);
    expect(desk.leases.get("cup-2")?.lease.slot).toBe(slow.person.slot);
  });

  it("passing from hand to hand is no new touch", () => {
    const { desk, person, claim, judge } = setUp();
    const ada = person("ada");
    claim(ada, 100);
    judge(100);
    claim(ada, 180, { hand: "left" });
    expect(verdict(judge(180), ada)).toEqual(["granted"]);
    expect(desk.leases.get("cup-1")).toMatchObject({ touchMs: 100, grantedMs: 100, lease: { hand: "left" } });
  });
});

describe("GrabDesk: the end of a hold", () => {
  it("[GD3] writes where the holder let go, inside the bounds, keeping the scale; the end is shown after the write is durable", () => {
    const { desk, document, person, grab, out } = setUp();
    const ada = person("ada");
    document.put("cup-1", "cup", { position: CUP, scale: 2 });
    grab(ada, 0);
    desk.release(ada, releaseMessage({ positionMm: [99_000, 1000, -2000] }), 2, 40);
    const effects = out.take();
    expect(effects.map(({ kind }) => kind)).toEqual(["append"]);
    expect(document.writes).toEqual([{ object: "cup-1", user: "ada", transform: { position: [10, 1, -2], rotation: [0, 0, 0, 1], scale: 2 } }]);
    desk.appended(1);
    expect(deltas(out.take())).toEqual(["leaseGone"]);
  });

  it("shows the end of a hold without the store if that takes its time, and never twice", () => {
    const { desk, person, grab, out } = setUp();
    const ada = person("ada");
    grab(ada, 0);
    desk.release(ada, releaseMessage(), 1, 0);
    out.take();
    desk.flush(249);
    expect(deltas(out.take())).toEqual([]);
    desk.flush(250);
    expect(deltas(out.take())).toEqual(["leaseGone"]);
    desk.appended(1);
    expect(deltas(out.take())).toEqual([]);
  });

  it("a new hold is not ended by what was left of the last", () => {
    const { desk, person, grab, claim, judge, out } = setUp();
    const [ada, bob] = [person("ada"), person("bob")];
    grab(ada, 0);
    desk.release(ada, releaseMessage(), 1, 20);
    out.take();
    claim(bob, 40);
    expect(deltas(judge(40))).toEqual(["leaseGone", "lease"]);
    desk.appended(1);
    desk.flush(1000);
    expect(deltas(out.take())).toEqual([]);
    expect(desk.leases.get("cup-1")?.lease.slot).toBe(bob.person.slot);
  });

  it("a tap whose release comes before the tick grabs and lets go", () => {
    const { desk, document, person, claim, out } = setUp();
    const ada = person("ada");
    claim(ada, 5);
    desk.release(ada, releaseMessage(), 0, 9);
    expect(verdict(out.take(), ada)).toEqual(["granted"]);
    expect(document.writes).toHaveLength(1);
    expect(desk.leases.all()).toEqual([]);
  });

  it("refuses the release of what somebody else holds, or nobody", () => {
    const { desk, document, person, grab, out } = setUp();
    const [ada, bob] = [person("ada"), person("bob")];
    grab(ada, 0);
    desk.release(bob, releaseMessage({ seq: 9 }), 1, 0);
    expect(sent(out.take(), bob.session, "denied")).toMatchObject([{ ref: 9, reason: "not-holder" }]);
    expect(document.writes).toEqual([]);
  });

  it("[GD3] on leave and sleep objects rest where they were last seen", () => {
    const { desk, document, person, grab, out } = setUp();
    const ada = person("ada");
    grab(ada, 0, { gripMm: [0, 0, -200] });
    moveHand(ada, 500, [1, 1.25, 1]);
    desk.releaseAll(ada, 500);
    expect(document.writes[0]?.transform.position.map((m) => Math.round(m * 1000) / 1000)).toEqual([1, 1.25, 0.8]);
    const effects = out.take();
    expect(effects.map(({ kind }) => kind)).toEqual(["append", "session"]);
    desk.release(ada, releaseMessage(), 30, 600);
    expect(sent(out.take(), ada.session, "denied")[0]?.reason).toBe("lease-expired");
  });

  it("[LE2] a hold nobody renews ends after the lease, counted", () => {
    const { desk, document, person, grab, out } = setUp();
    const ada = person("ada");
    grab(ada, 0);
    desk.leases.renew(ada.person.slot, 3000);
    desk.flush(3000 + LIMITS.leaseMs - 1);
    expect(out.take()).toEqual([]);
    desk.flush(3000 + LIMITS.leaseMs);
    const effects = out.take();
    expect(deltas(effects)).toEqual(["leaseGone"]);
    expect(counted(effects, "lease_expired")).toBe(1);
    expect(document.writes).toHaveLength(1);
  });

  it("keeps the newest resting place while the store is in trouble and writes it when it works again", () => {
    const { desk, document, person, grab, out } = setUp();
    const ada = person("ada");
    grab(ada, 0);
    grab(ada, 0, { object: "cup-2", hand: "left" });
    document.readOnly = true;
    moveHand(ada, 300, [2, 1, 2]);
    desk.release(ada, releaseMessage({ positionMm: [1000, 1000, 1000] }), 15, 300);
    desk.releaseAll(ada, 310);
    expect(deltas(out.take())).toEqual(["leaseGone", "leaseGone"]);
    expect(document.writes).toEqual([]);
    document.readOnly = false;
    desk.recovered();
    expect(document.writes.map(({ object, transform }) => [object, transform.position])).toEqual([
      ["cup-1", [1, 1, 1]],
      ["cup-2", [2, 1, 2]],
    ]);
  });

  it("ends the hold on an object that was deleted, without a write", () => {
    const { desk, document, person, grab, out } = setUp();
    grab(person("ada"), 0);
    desk.objectGone("cup-1");
    expect(deltas(out.take())).toEqual(["leaseGone"]);
    desk.objectGone("cup-2");
    expect(out.take()).toEqual([]);
    expect(document.writes).toEqual([]);
  });
});
