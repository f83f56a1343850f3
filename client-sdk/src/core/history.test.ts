import { describe, expect, it } from "vitest";
import { joinWorld } from "./testing/world.ts";

describe("space.history and space.rollback", () => {
  it("asks the room and resolves with what it answers", async () => {
    const { room, space } = await joinWorld();
    const page = space.history({ by: "u-you", since: new Date(5000), limit: 1000 });
    expect(room.last("historyAsk")).toMatchObject({ by: "u-you", object: "", sinceMs: 5000, limit: 100 });
    const entries = [{ user: "u-you", object: "cup-1", kind: "changed" as const, fields: ["label"], fromMs: 1, untilMs: 2, edits: 3 }];
    room.say({ type: "history", ref: room.last("historyAsk")?.ref ?? 0, startMs: 1, more: false, entries });
    expect(await page).toEqual({ ok: true, startMs: 1, more: false, entries });
    const undone = space.rollback({ by: "u-you", object: "cup-1" });
    room.say({ type: "rolledBack", ref: room.last("rollback")?.ref ?? 0, changed: 2, kept: 1 });
    expect(await undone).toEqual({ ok: true, changed: 2, kept: 1 });
  });

  it("[HY1] tells a refusal and a lost link as values, and never as a refused edit", async () => {
    const { room, space } = await joinWorld();
    const refused = space.rollback({ by: "u-you" });
    const ref = room.last("rollback")?.ref ?? 0;
    room.say({ type: "denied", ref, reason: "not-allowed", object: "", field: "", sentence: "Only moderators may." });
    expect(await refused).toEqual({ ok: false, reason: "not-allowed", sentence: "Only moderators may." });
    expect(space.saved).toBe("saved");
    const lost = space.history();
    room.break();
    expect(await lost).toMatchObject({ ok: false, reason: "offline" });
    expect(await space.history()).toMatchObject({ ok: false, reason: "offline" });
    expect(() => space.rollback({})).toThrow(RangeError);
  });
});
