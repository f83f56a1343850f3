/** Throws, catches, two hands and hand-overs, as the grab desk judges them. */
import { FlightTrack } from "@copresence/shared/motion";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { addMember, deltas, FakeDocument, letGoMessage, only, poseAt, poseUp, releaseMessage, scene, sent, takeMessage } from "./core-kit.ts";
import { EffectSink } from "./effect-sink.ts";
import { GrabDesk } from "./grab-desk.ts";
import type { Member } from "./member.ts";
import { Roster } from "./roster.ts";
import type { CoreEffect, Flight } from "./types.ts";

const HZ = 50;
const BALL = [0, 1, 0] as const;
const THROWN = [2000, 1000, 0] as const;

function setUp() {
  const out = new EffectSink();
  const roster = new Roster(8);
  const document = new FakeDocument();
  document.put("ball-1", "ball", { position: BALL });
  document.put("cup-1", "cup", { position: BALL });
  const absorb = (effects: readonly CoreEffect[]): void => effects.forEach((effect) => out.push(effect));
  const history = { poseAt: () => false };
  const desk = new GrabDesk({ out, roster, scene, document, history, capacity: 8, tickRateHz: HZ, absorb });
  /** Hands at `hand` (or left and right apart), measured and arrived at `nowMs`. */
  const moveHand = (member: Member, nowMs: number, hand: readonly number[], left = hand): void => {
    const sample = poseAt(nowMs, [hand[0] ?? 0, 1.6, (hand[2] ?? 0) + 0.5], hand);
    sample.pose.set(left, 7);
    member.poses.take(poseUp([sample], member.rig.rig), member.rig, nowMs, nowMs, () => {});
  };
  const person = (user: string, hand: readonly number[] = BALL): Member => {
    const member = addMember(roster, user);
    moveHand(member, 0, hand);
    return member;
  };
  const take = (member: Member, nowMs: number, over: Partial<MessageOf<"take">> = {}): readonly CoreEffect[] => {
    desk.claim(member, takeMessage({ object: "ball-1", atMs: nowMs, ...over }), nowMs);
    desk.judgeClaims(Math.floor((nowMs * HZ) / 1000), nowMs);
    return out.take();
  };
  const letGo = (member: Member, nowMs: number, over: Partial<MessageOf<"letGo">> = {}): readonly CoreEffect[] => {
    desk.release(member, letGoMessage({ object: "ball-1", atMs: nowMs, ...over }), 1, nowMs);
    return out.take();
  };
  return { out, roster, document, desk, moveHand, person, take, letGo };
}
const granted = (effects: readonly CoreEffect[], member: Member): (boolean | string)[] =>
  sent(effects, member.session, "grabResult").map((result) => result.granted || result.reason);
const flightOf = (effects: readonly CoreEffect[]): Flight | undefined =>
  only(effects, "session").flatMap(({ delta }) => (delta.kind === "flight" ? [delta.flight] : []))[0];

describe("throwing", () => {
  it("[FD1] tells everybody once, writes where it will land at once, and says when it has", () => {
    const { desk, document, person, take, letGo, out } = setUp();
    const ada = person("ada");
    take(ada, 0);
    const effects = letGo(ada, 300, { velocityMmS: THROWN });
    expect(effects.map((effect) => (effect.kind === "session" ? effect.delta.kind : effect.kind))).toEqual(["flight", "append", "leaseGone"]);
    const flight = flightOf(effects) as Flight;
    const track = new FlightTrack(flight);
    expect(flight).toMatchObject({ object: "ball-1", slot: ada.person.slot, startMs: 300, velocityMmS: THROWN });
    expect(document.writes).toMatchObject([{ object: "ball-1", user: "ada", transform: { position: [...track.rest.subarray(0, 3)], scale: 1 } }]);
    expect(track.rest[1]).toBe(0.1);
    desk.flush(300 + track.durationMs + LIMITS.rewindMs - 1);
    expect(out.take()).toEqual([]);
    expect(desk.flights.all()).toEqual([flight]);
    desk.flush(300 + track.durationMs + LIMITS.rewindMs);
    expect(deltas(out.take())).toEqual(["flightGone"]);
    expect(document.writes).toHaveLength(1);
  });

  it("slow is put down; an older client's release throws as well", () => {
    const { desk, document, person, take, letGo, out } = setUp();
    const ada = person("ada");
    take(ada, 0);
    expect(flightOf(letGo(ada, 100, { velocityMmS: [300, 0, 0] }))).toBeUndefined();
    expect(document.writes[0]?.transform.position).toEqual([0, 1, 0]);
    take(ada, 400);
    desk.release(ada, releaseMessage({ object: "ball-1", velocityMmS: [3000, 0, 0] }), 1, 500);
    expect(flightOf(out.take())?.startMs).toBe(500);
  });

  it("believes the time of a release between the grip and now, as far as a stall explains", () => {
    const startAfter = (atMs: number): number | undefined => {
      const { person, take, letGo } = setUp();
      const ada = person("ada");
      take(ada, 2000);
      return flightOf(letGo(ada, 4000, { velocityMmS: THROWN, atMs }))?.startMs;
    };
    expect([3900, 9999, 0, Number.NaN].map(startAfter)).toEqual([3900, 4000, 4000 - 4 * LIMITS.rewindMs, 4000]);
  });

  it("[FD2] is caught in the air where it is, not where it will land", () => {
    const { document, moveHand, desk, person, take, letGo } = setUp();
    const [ada, bob] = [person("ada"), person("bob", [5, 1, 0])];
    take(ada, 0);
    const flight = flightOf(letGo(ada, 100, { velocityMmS: [8000, 1000, 0] })) as Flight;
    const track = new FlightTrack(flight);
    const at = new Float64Array(7);
    track.at(200, at);
    expect(granted(take(bob, 300, { hand: "left" }), bob)).toEqual(["too-far"]);
    moveHand(bob, 300, [...at.subarray(0, 3)]);
    const caught = take(bob, 300);
    expect(granted(caught, bob)).toEqual([true]);
    expect(deltas(caught)).toEqual(["lease", "flightGone"]);
    expect(desk.flights.all()).toEqual([]);
    desk.releaseAll(bob, 400);
    expect(document.writes.at(-1)?.transform.position[0]).toBeCloseTo(at[0] as number, 2);
  });

  it("[FD2] a catch that came later loses it to an earlier touch, judged by the flight that is over", () => {
    const { moveHand, person, take, letGo, desk, out } = setUp();
    const [ada, bob, eve] = [person("ada"), person("bob"), person("eve")];
    take(ada, 0);
    const track = new FlightTrack(flightOf(letGo(ada, 100, { velocityMmS: [9000, 2000, 0] })) as Flight);
    const at = new Float64Array(7);
    track.at(400, at);
    for (const member of [bob, eve]) moveHand(member, 520, [...at.subarray(0, 3)]);
    expect(granted(take(bob, 520), bob)).toEqual([true]);
    desk.claim(eve, takeMessage({ object: "ball-1", seq: 5, atMs: 500 }), 540);
    desk.judgeClaims(28, 540);
    const effects = out.take();
    expect(granted(effects, eve)).toEqual([true]);
    expect(granted(effects, bob)).toEqual(["held-by-other"]);
  });

  it("[FD2] stays shown where it landed while the store is in trouble; a delete ends it at once", () => {
    const { desk, document, moveHand, person, take, letGo, out } = setUp();
    const ada = person("ada");
    take(ada, 0);
    document.readOnly = true;
    letGo(ada, 100, { velocityMmS: THROWN });
    desk.flush(60_000);
    expect(deltas(out.take())).toEqual([]);
    document.readOnly = false;
    desk.recovered();
    desk.flush(60_020);
    expect(deltas(out.take())).toEqual(["flightGone"]);
    moveHand(ada, 60_900, document.writes[0]?.transform.position ?? []);
    take(ada, 61_000);
    letGo(ada, 61_100, { velocityMmS: THROWN });
    desk.objectGone("ball-1");
    expect(deltas(out.take())).toEqual(["flightGone"]);
  });

  it("[FD3] bounds what flies: the rest is put where it would have landed", () => {
    const { document, desk, person, take, letGo } = setUp();
    const ada = person("ada");
    for (let i = 0; i < 258; i++) {
      document.put(`b${i}`, "ball", { position: BALL });
      take(ada, 0, { object: `b${i}` });
      letGo(ada, 100, { object: `b${i}`, velocityMmS: THROWN });
    }
    expect(desk.flights.all()).toHaveLength(256);
    expect(document.writes).toHaveLength(258);
    expect(document.writes[257]?.transform.position).toEqual(document.writes[0]?.transform.position);
  });

  it("[GD3] the thrower leaving in mid-air changes nothing", () => {
    const { desk, document, person, take, letGo, out } = setUp();
    const ada = person("ada");
    take(ada, 0);
    letGo(ada, 100, { velocityMmS: THROWN });
    desk.releaseAll(ada, 150);
    expect(out.take()).toEqual([]);
    expect(desk.flights.all()).toHaveLength(1);
    expect(document.writes).toHaveLength(1);
  });
});

describe("two hands, and two people", () => {
  it("[GD4] two hands scale it; one hand keeps the scale; the release writes it within the scene's range", () => {
    const { document, desk, moveHand, person, take, letGo } = setUp();
    const ada = person("ada");
    take(ada, 0);
    take(ada, 100, { seq: 2, hand: "both", scale: 1, spanMm: 200 });
    expect(desk.leases.get("ball-1")?.lease).toMatchObject({ hand: "both", scale: 1, spanMm: 200 });
    moveHand(ada, 200, [0.15, 1, 0], [-0.15, 1, 0]);
    take(ada, 300, { seq: 3, hand: "right", scale: 1.5 });
    expect(desk.leases.get("ball-1")?.lease).toMatchObject({ hand: "right", scale: 1.5 });
    letGo(ada, 400, { scale: 9 });
    expect(document.writes.at(-1)?.transform.scale).toBe(2);
  });

  it("[GD4] somebody who takes it cannot rescale it with the claim, and f32 does not wear it down", () => {
    const { document, desk, person, take, letGo } = setUp();
    document.put("ball-1", "ball", { position: BALL, scale: 1.1 });
    const ada = person("ada");
    take(ada, 0, { scale: 2 });
    expect(desk.leases.get("ball-1")?.lease.scale).toBe(1.1);
    letGo(ada, 100, { scale: Math.fround(1.1) });
    expect(document.writes.at(-1)?.transform.scale).toBe(1.1);
    take(ada, 200);
    letGo(ada, 300, { scale: Number.POSITIVE_INFINITY });
    expect(document.writes.at(-1)?.transform.scale).toBe(1.1);
  });

  it("[GJ3] both hands need both within reach, and rest between them when their owner leaves", () => {
    const { document, desk, moveHand, person, take } = setUp();
    const ada = person("ada");
    moveHand(ada, 10, BALL, [-3, 1, 0]);
    expect(granted(take(ada, 20, { hand: "both", spanMm: 500 }), ada)).toEqual(["too-far"]);
    moveHand(ada, 30, [0.2, 1, 0], [-0.2, 1, 0]);
    expect(granted(take(ada, 40, { hand: "both", spanMm: 400 }), ada)).toEqual([true]);
    moveHand(ada, 50, [0.3, 2, 0], [-0.3, 2, 0]);
    desk.releaseAll(ada, 60);
    expect(document.writes.at(-1)?.transform.position).toEqual([0, 2, 0]);
    expect(document.writes.at(-1)?.transform.scale).toBeCloseTo(1.5, 2);
  });

  it("[GJ4] refuses a second person's hand, unless the scene hands this type over", () => {
    const { person, take, desk } = setUp();
    const [ada, bob] = [person("ada"), person("bob")];
    take(ada, 0, { object: "cup-1" });
    expect(granted(take(bob, 1000, { object: "cup-1" }), bob)).toEqual(["held-by-other"]);
    expect(granted(take(bob, 1000, { object: "cup-1", hand: "both", spanMm: 100 }), bob)).toEqual(["held-by-other"]);
    take(ada, 0);
    const effects = take(bob, 1000);
    expect([granted(effects, bob), granted(effects, ada)]).toEqual([[true], ["held-by-other"]]);
    expect(deltas(effects)).toEqual(["leaseGone", "lease"]);
    expect(desk.leases.get("ball-1")?.lease.slot).toBe(bob.person.slot);
  });

  it("[GJ4] hands over from where it is held, not from where it rested", () => {
    const { moveHand, person, take } = setUp();
    const [ada, bob] = [person("ada"), person("bob")];
    take(ada, 0);
    moveHand(ada, 900, [6, 1, 0]);
    expect(granted(take(bob, 1000), bob)).toEqual(["too-far"]);
    moveHand(bob, 1100, [6, 1, 0]);
    expect(granted(take(bob, 1200), bob)).toEqual([true]);
  });

  it("[GJ2] touches of the same millisecond go to the same person, whoever's claim came first", () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { desk, person, out } = setUp();
      const people = [person("ada"), person("bob")];
      const claim = (i: number, nowMs: number): void => {
        desk.claim(people[i] as Member, takeMessage({ object: "cup-1", atMs: 100 }), nowMs);
        desk.judgeClaims(0, nowMs);
      };
      claim(order[0] as number, 110);
      claim(order[1] as number, 140);
      out.take();
      expect(desk.leases.get("cup-1")?.lease.slot).toBe(0);
    }
  });
});
