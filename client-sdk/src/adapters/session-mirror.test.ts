import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../core/session-events.ts";
import { SessionMirror } from "./session-mirror.ts";

const person = (slot: number, name: string) => ({ slot, session: `s${slot}`, user: `u${slot}`, name, role: "member", color: 1, status: "awake" });
const lease = {
  object: "ball",
  slot: 1,
  hand: "left",
  gripX: 1,
  gripY: 2,
  gripZ: 3,
  gripQx: 4,
  gripQy: 5,
  gripQz: 6,
  gripQw: 7,
  scale: 2,
  spanMm: 0,
  sinceTick: 9,
};
const flight = { object: "cup", slot: 2, startMs: 5.5, scale: 0.5, upright: true };
const motion = Array.from({ length: 19 }, (_, i) => i);

function mirror() {
  const events: SessionEvent[] = [];
  const people = new Map<string, unknown>();
  const leases = new Map<string, unknown>();
  const flights = new Map<string, unknown>();
  const veils = new Map<string, unknown>();
  const it = new SessionMirror((event) => void events.push(event));
  return { people, leases, flights, veils, take: () => (it.update({ people, leases, flights, veils }), events.splice(0)) };
}

describe("session mirror", () => {
  it("tells the first state whole, people before leases before veils", () => {
    const { people, leases, veils, take } = mirror();
    veils.set("ball/label", { object: "ball", field: "label", author: "u1", reason: "r" });
    leases.set("ball", lease);
    people.set("1", person(1, "Ada"));
    expect(take()).toEqual([
      { kind: "person", person: person(1, "Ada") },
      {
        kind: "lease",
        lease: { object: "ball", slot: 1, hand: "left", gripMm: [1, 2, 3], gripRotation: [4, 5, 6, 7], scale: 2, spanMm: 0, sinceTick: 9 },
      },
      { kind: "veil", object: "ball", field: "label", author: "u1", reason: "r" },
    ]);
    expect(take()).toEqual([]);
  });

  it("[SM1] tells what was replaced and what is gone, and nothing else", () => {
    const { people, leases, veils, take } = mirror();
    people.set("1", person(1, "Ada")).set("2", person(2, "Ben"));
    leases.set("ball", lease);
    veils.set("ball/label", { object: "ball", field: "label", author: "u1", reason: "r" });
    take();
    people.set("1", person(1, "Ada Lovelace"));
    people.delete("2");
    leases.delete("ball");
    veils.clear();
    expect(take()).toEqual([
      { kind: "personGone", slot: 2 },
      { kind: "person", person: person(1, "Ada Lovelace") },
      { kind: "leaseGone", object: "ball" },
      { kind: "veilGone", object: "ball", field: "label" },
    ]);
  });

  it("[SM2] an object that is thrown or caught is never nowhere: flights before the ends of holds, ends of flights after holds", () => {
    const { leases, flights, take } = mirror();
    leases.set("cup", { ...lease, object: "cup" });
    take();
    leases.delete("cup");
    flights.set("cup", { ...flight, motion });
    const launch = {
      positionMm: [0, 1, 2],
      rotation: [3, 4, 5, 6],
      velocityMmS: [7, 8, 9],
      spinMradS: [10, 11, 12],
      boxMm: [13, 14, 15, 16, 17, 18],
    };
    expect(take()).toEqual([
      { kind: "flight", flight: { ...flight, ...launch } },
      { kind: "leaseGone", object: "cup" },
    ]);
    flights.delete("cup");
    leases.set("cup", { ...lease, object: "cup" });
    expect(take().map(({ kind }) => kind)).toEqual(["lease", "flightGone"]);
  });
});
