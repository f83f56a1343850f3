import { describe, expect, it } from "vitest";
import { writeTransform } from "@copresence/shared/scene";
import type { LeaseInfo } from "./session-events.ts";
import type { GrabResult } from "./space-types.ts";
import { YOU } from "./testing/fake-room.ts";
import { joinWorld, type TestWorld, valveOf } from "./testing/world.ts";

/** Standing at the origin of the play space, right hand at `hand` in the room. */
function reach(world: TestWorld, hand: readonly [number, number, number]): void {
  const { rig } = world.space.me;
  const pose = [0, 1.6, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, hand[0] - rig.xMm / 1000, hand[1], hand[2] - rig.zMm / 1000, 0, 0, 0, 1];
  world.space.me.setPose(pose);
  world.space.frame();
}

const at = (values: Float64Array): number[] => [...values.subarray(0, 3)].map((value) => Math.round(value * 1000) / 1000);

function verdict({ room }: TestWorld, granted: boolean, seq = room.last("take")?.seq ?? 0): void {
  room.say({
    type: "grabResult",
    seq,
    object: "valve-1",
    granted,
    reason: "held-by-other",
    holder: granted ? 0 : YOU.slot,
    leaseMs: granted ? 10_000 : 0,
  });
}

function leaseOf({ room }: TestWorld, slot: number): LeaseInfo {
  const { gripMm = [], gripRotation = [], hand = "right" } = room.last("take") ?? {};
  return { object: "valve-1", slot, hand, gripMm, gripRotation, scale: 1, spanMm: 0, sinceTick: 400 };
}

describe("holding", () => {
  it("[HO1] shows a claim in the same frame, sends it, and follows my hand at once", async () => {
    const world = await joinWorld();
    const { space, room } = world;
    const held: string[] = [];
    space.on("held", (id) => void held.push(id));
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(space);
    void valve.grab("right");
    expect([valve.heldByMe, valve.holder, held]).toEqual([true, 0, ["valve-1"]]);
    expect(room.last("take")).toMatchObject({ object: "valve-1", hand: "right", gripMm: [0, 0, -200] });
    reach(world, [2, 1.5, 1.2]);
    expect(at(valve.transform)).toEqual([2, 1.5, 1]);
  });

  it("keeps a granted claim through the lease and lets go where the hand is, until the room's write arrives", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(space);
    const result = valve.grab("right");
    verdict(world, true);
    expect(await result).toEqual({ granted: true, leaseMs: 10_000 });
    room.tell({ kind: "lease", lease: leaseOf(world, 0) });
    expect(valve.heldByMe).toBe(true);
    for (let i = 0; i < 20; i++) {
      reach(world, [1 + i * 0.02, 1, 1.2]);
      await time.run(1000 / 60);
    }
    valve.release();
    expect(valve.holder).toBeUndefined();
    const release = room.last("letGo");
    expect(release?.positionMm).toEqual([1380, 1000, 1000]);
    expect(release?.velocityMmS[0]).toBeGreaterThan(1000);
    reach(world, [3, 1, 1.2]);
    expect(at(valve.transform)).toEqual([1.38, 1, 1]);
    room.edit((doc) => writeTransform(doc, "valve-1", { position: [1.4, 0, 1], rotation: [0, 0, 0, 1], scale: 1 }));
    room.tell({ kind: "leaseGone", object: "valve-1" });
    // 0.8 m/s is as fast as a correction moves; this one is a metre.
    space.frame();
    await time.run(1500);
    space.frame();
    expect(at(valve.transform)).toEqual([1.4, 0, 1]);
  });

  it("rolls a refused claim back with the reason, without a jump", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(space);
    const result = valve.grab("right");
    reach(world, [2, 1, 1.2]);
    room.tell({ kind: "person", person: YOU });
    verdict(world, false);
    expect(await result).toEqual({ granted: false, reason: "held-by-other", holder: 3 });
    expect(valve.heldByMe).toBe(false);
    space.frame();
    expect(at(valve.transform)).toEqual([2, 1, 1]);
    let shown = at(valve.transform)[0] as number;
    for (let frame = 0; frame < 100; frame++) {
      await time.run(1000 / 72);
      space.frame();
      const now = at(valve.transform)[0] as number;
      expect(shown - now).toBeLessThan(0.02);
      shown = now;
    }
    expect(at(valve.transform)).toEqual([1, 1, 1]);
  });

  it("[HO3] gives back what somebody touched first", async () => {
    const world = await joinWorld();
    const { space, room } = world;
    room.tell({ kind: "person", person: YOU });
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(space);
    const result = valve.grab("right");
    verdict(world, true);
    room.tell({ kind: "lease", lease: leaseOf(world, 0) });
    await result;
    const denied: string[] = [];
    space.on("denied", ({ reason }) => void denied.push(reason));
    verdict(world, false);
    room.tell({ kind: "lease", lease: leaseOf(world, YOU.slot) });
    expect([valve.holder, denied]).toEqual([YOU.slot, ["lost-race"]]);
  });

  it("[HO2] settles a claim when the link ends, and nothing is held any more", async () => {
    const world = await joinWorld();
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(world.space);
    const result: Promise<GrabResult> = valve.grab("right");
    world.room.break();
    expect(await result).toEqual({ granted: false, reason: "offline", holder: undefined });
    expect(valve.holder).toBeUndefined();
    expect(await valve.grab("left")).toMatchObject({ granted: false, reason: "offline" });
  });

  it("[HO4] gives up a granted claim whose lease never comes", async () => {
    const world = await joinWorld();
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(world.space);
    void valve.grab("right");
    verdict(world, true);
    await world.time.run(2100);
    world.space.frame();
    expect(valve.holder).toBeUndefined();
  });

  it("[HO5] a tap: released before the verdict, the late lease is not shown", async () => {
    const world = await joinWorld();
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(world.space);
    const result = valve.grab("right");
    valve.release();
    verdict(world, true);
    expect((await result).granted).toBe(true);
    world.room.tell({ kind: "lease", lease: leaseOf(world, 0) });
    expect(valve.holder).toBeUndefined();
    world.room.tell({ kind: "leaseGone", object: "valve-1" });
    expect(valve.holder).toBeUndefined();
  });

  it("regrips without letting go: an older lease does not undo a newer grip", async () => {
    const world = await joinWorld();
    reach(world, [1, 1, 1.2]);
    const valve = valveOf(world.space);
    void valve.grab("right");
    const first = leaseOf(world, 0);
    const firstSeq = world.room.last("take")?.seq ?? 0;
    void valve.grab("right", { grip: { position: [0, 0, -1], rotation: [0, 0, 0, 1] } });
    const secondSeq = world.room.last("take")?.seq ?? 0;
    verdict(world, true, firstSeq);
    world.room.tell({ kind: "lease", lease: first });
    verdict(world, true, secondSeq);
    await world.time.run(200);
    reach(world, [1, 1, 1.2]);
    expect(at(valve.transform)).toEqual([1, 1, 0.2]);
    world.room.tell({ kind: "lease", lease: leaseOf(world, 0) });
    reach(world, [1, 1, 2.2]);
    expect(at(valve.transform)).toEqual([1, 1, 1.2]);
  });
});
