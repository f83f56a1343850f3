import { encodeMessage } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { YOU } from "./testing/fake-room.ts";
import { joinWorld } from "./testing/world.ts";

describe("space.safety", () => {
  it("tells the room what I decide, and every room after it", async () => {
    const world = await joinWorld({ safety: { muted: ["u-old"], boundaryM: 0.8 } });
    const { room, space, time } = world;
    expect(room.all("relation")).toMatchObject([{ user: "u-old", mute: true, block: false, friend: false }]);
    expect(room.last("boundary")?.radiusMm).toBe(800);
    space.safety.block("u-you");
    space.safety.block("u-you");
    space.safety.mute("u-old", false);
    expect(room.all("relation").slice(1)).toMatchObject([
      { user: "u-you", block: true },
      { user: "u-old", mute: false },
    ]);
    const before = room.all("relation").length;
    room.break();
    await time.run(2000);
    expect(room.all("relation").slice(before)).toMatchObject([{ user: "u-you", block: true }]);
    for (const { ref } of room.all("relation")) expect(ref).toBeGreaterThan(0);
    expect(() => (space.safety.boundaryM = 9)).toThrow(RangeError);
  });

  it("[SF1] [PE4] draws nobody whom I block or who is not sent, from this moment on", async () => {
    const { room, space } = await joinWorld();
    // The room may say so before its roster names them.
    room.say({ type: "unseen", slot: YOU.slot, why: "boundary" });
    room.tell({ kind: "person", person: YOU });
    const you = space.people.get(YOU.slot);
    expect([you?.unseen, you?.visible]).toEqual(["boundary", false]);
    const heard: unknown[] = [];
    space.on("person", (person) => void heard.push(person.unseen));
    room.say({ type: "unseen", slot: YOU.slot, why: "seen" });
    space.safety.block(YOU.user);
    expect([you?.unseen, heard]).toEqual([undefined, [undefined, undefined]]);
    room.say({ type: "unseen", slot: YOU.slot, why: "blocked" });
    expect(you?.unseen).toBe("blocked");
    room.tell({ kind: "personGone", slot: YOU.slot });
    room.tell({ kind: "person", person: { ...YOU, user: "u-next" } });
    expect(space.people.get(YOU.slot)?.unseen).toBeUndefined();
  });

  it("keeps what holds against me, which every room I come into tells anew", async () => {
    const { room, space, time } = await joinWorld();
    const heard: unknown[] = [];
    space.on("measure", ({ measure, on }) => void heard.push([measure, on]));
    const mute = { measure: 7, what: "mute", on: true, sentence: "You may not chat here for the next 5 minutes." } as const;
    room.say({ type: "measure", ...mute });
    room.say({ type: "measure", measure: 0, what: "warn", on: true, sentence: "Mind how you treat others." });
    expect([...space.safety.measures.values()]).toEqual([mute]);
    room.break();
    await time.run(2000);
    expect([...space.safety.measures.values()]).toEqual([]);
    room.say({ type: "measure", ...mute });
    room.say({ type: "measure", ...mute, on: false, sentence: "It is over." });
    expect(space.safety.measures.size).toBe(0);
    expect(heard).toEqual([
      [7, true],
      [0, true],
      [7, true],
      [7, false],
    ]);
  });

  it("reports resolve with their number, or undefined when they were not taken", async () => {
    const { room, space } = await joinWorld();
    const first = space.safety.report({ user: "u-you", reason: "threat", text: "x".repeat(2000) });
    const sent = room.last("report");
    expect([sent?.user, sent?.reason, sent?.text.length]).toEqual(["u-you", "threat", 500]);
    expect(encodeMessage(sent as NonNullable<typeof sent>).length).toBeLessThan(700);
    room.say({ type: "reported", ref: sent?.ref ?? 0, report: 12 });
    await expect(first).resolves.toBe(12);
    const second = space.safety.report({ object: "valve-1", reason: "vandalism" });
    room.say({ type: "denied", ref: room.last("report")?.ref ?? 0, reason: "too-many", object: "", field: "", sentence: "Enough." });
    await expect(second).resolves.toBeUndefined();
    const third = space.safety.report({ user: "u-you", reason: "other" });
    room.break();
    await expect(third).resolves.toBeUndefined();
    expect(() => space.safety.report({ reason: "other" })).toThrow(RangeError);
  });
});
