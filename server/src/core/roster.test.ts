import { describe, expect, it } from "vitest";
import { addMember } from "./core-kit.ts";
import { roleOf } from "./member.ts";
import { Roster, SLOT_REST_MS } from "./roster.ts";

describe("Roster", () => {
  it("[RO1] fills slots densely and lists by slot", () => {
    const roster = new Roster(4);
    const [ada, bob, eve] = ["ada", "bob", "eve"].map((user) => addMember(roster, user));
    roster.remove(bob!, 0);
    expect(roster.members).toEqual([ada, eve]);
    expect(roster.byUser("bob")).toBeUndefined();
    expect(roster.bySlot(2)).toBe(eve);
  });

  it("[RO2] lets a freed slot rest, unless the room needs it", () => {
    const roster = new Roster(2);
    const ada = addMember(roster, "ada");
    roster.remove(ada, 1000);
    expect(roster.freeSlot(1000)).toBe(1);
    expect(roster.freeSlot(1000 + SLOT_REST_MS)).toBe(0);
    addMember(roster, "bob");
    addMember(roster, "eve");
    expect(roster.freeSlot(5000)).toBeUndefined();
    roster.remove(roster.bySlot(1)!, 5000);
    expect(roster.freeSlot(5000)).toBe(1);
  });

  it("[RO3] refuses a second member of one user", () => {
    const roster = new Roster(3);
    addMember(roster, "ada");
    expect(() => addMember(roster, "ada")).toThrow(/one member per slot, user and session/);
  });

  it("gives a role the scene does not declare no rights", () => {
    const all = { create: true, edit: true, grab: true, chat: true, moderate: true };
    expect(roleOf({ member: all }, "member")).toBe(all);
    for (const name of ["admin", "toString", "__proto__"]) expect(Object.values(roleOf({ member: all }, name)).some(Boolean)).toBe(false);
  });
});
