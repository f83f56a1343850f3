import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../core/session-events.ts";
import { SessionMirror } from "./session-mirror.ts";

const person = (slot: number, name: string) => ({ slot, session: `s${slot}`, user: `u${slot}`, name, role: "member", color: 1, status: "awake" });
const lease = { object: "ball", slot: 1, hand: "left", gripX: 1, gripY: 2, gripZ: 3, gripQx: 4, gripQy: 5, gripQz: 6, gripQw: 7, sinceTick: 9 };

function mirror() {
  const events: SessionEvent[] = [];
  const people = new Map<string, unknown>();
  const leases = new Map<string, unknown>();
  const veils = new Map<string, unknown>();
  const it = new SessionMirror((event) => void events.push(event));
  return { people, leases, veils, take: () => (it.update({ people, leases, veils }), events.splice(0)) };
}

describe("session mirror", () => {
  it("tells the first state whole, people before leases before veils", () => {
    const { people, leases, veils, take } = mirror();
    veils.set("ball/label", { object: "ball", field: "label", author: "u1", reason: "r" });
    leases.set("ball", lease);
    people.set("1", person(1, "Ada"));
    expect(take()).toEqual([
      { kind: "person", person: person(1, "Ada") },
      { kind: "lease", lease: { object: "ball", slot: 1, hand: "left", gripMm: [1, 2, 3], gripRotation: [4, 5, 6, 7], sinceTick: 9 } },
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
});
