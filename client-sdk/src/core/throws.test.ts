/** Throwing, catching, two hands and `onDenied`, as an application sees them. */
import { FlightTrack, launchOf } from "@copresence/shared/motion";
import { writeTransform } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import type { FlightInfo } from "./session-events.ts";
import type { GrabResult } from "./space-types.ts";
import { YOU } from "./testing/fake-room.ts";
import { hall, joinWorld, type TestWorld, valveOf } from "./testing/world.ts";

const FRAME_MS = 1000 / 72;

/** Hands at these places of the room. */
function reach({ space }: TestWorld, right: readonly number[], left: readonly number[] = [0, 1, 0]): void {
  const { rig } = space.me;
  const local = (at: readonly number[]): number[] => [(at[0] ?? 0) - rig.xMm / 1000, at[1] ?? 0, (at[2] ?? 0) - rig.zMm / 1000, 0, 0, 0, 1];
  space.me.setPose([0, 1.6, 0, 0, 0, 0, 1, ...local(left), ...local(right)]);
  space.frame();
}
function granted({ room }: TestWorld): void {
  const { seq = 0, hand = "right", gripMm = [], gripRotation = [], scale = 1, spanMm = 0 } = room.last("take") ?? {};
  room.say({ type: "grabResult", seq, object: "valve-1", granted: true, reason: "held-by-other", holder: 0, leaseMs: 10_000 });
  room.tell({ kind: "lease", lease: { object: "valve-1", slot: 0, hand, gripMm, gripRotation, scale, spanMm, sinceTick: 1 } });
}
/** Takes the valve and moves it along x at 2 m/s, letting go in full swing. */
async function swing(world: TestWorld): Promise<void> {
  reach(world, [1, 1, 1.2]);
  void valveOf(world.space).grab("right");
  granted(world);
  for (let i = 1; i <= 20; i++) {
    await world.time.run(FRAME_MS);
    reach(world, [1 + (i * 2 * FRAME_MS) / 1000, 1, 1.2]);
  }
  valveOf(world.space).release();
}
function flightOf({ room }: TestWorld, over: Partial<FlightInfo> = {}): FlightInfo {
  const message = room.last("letGo");
  const launch = message && launchOf(message, undefined, hall.bounds);
  if (message === undefined || launch === undefined) throw new Error("nothing was thrown");
  return { object: "valve-1", slot: 0, startMs: message.atMs, ...launch, ...over };
}
const land = (room: TestWorld["room"], rest: Float64Array): void =>
  room.edit((doc) => {
    const [x = 0, y = 0, z = 0, qx = 0, qy = 0, qz = 0, qw = 1] = rest;
    writeTransform(doc, "valve-1", { position: [x, y, z], rotation: [qx, qy, qz, qw], scale: 1 });
  });

describe("throwing", () => {
  it("[HO6] [CF1] flies from the frame of the release, and the room's record and write change nothing", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    await swing(world);
    const valve = valveOf(space);
    const info = flightOf(world);
    expect(info.velocityMmS[0]).toBeGreaterThan(1900);
    const track = new FlightTrack(info);
    const at = new Float64Array(7);
    let most = 0;
    for (let ms = FRAME_MS; ms < track.durationMs + 500; ms += FRAME_MS) {
      await time.run(FRAME_MS);
      if (ms > 150 && ms < 150 + FRAME_MS) {
        room.tell({ kind: "flight", flight: info });
        land(room, track.rest);
        room.tell({ kind: "leaseGone", object: "valve-1" });
      }
      if (ms > track.durationMs + 100) room.tell({ kind: "flightGone", object: "valve-1" });
      space.frame();
      track.at(ms, at);
      most = Math.max(most, Math.hypot(...[0, 1, 2].map((i) => (valve.transform[i] as number) - (at[i] as number))));
    }
    // Room time is whole milliseconds on the wire of this test's clock.
    expect(most).toBeLessThan(0.01);
    expect([...valve.transform.subarray(0, 3)]).toEqual([...track.rest.subarray(0, 3)]);
    expect(valve.holder).toBeUndefined();
  });

  it("[HO6] a release the room refuses takes it out of the air again, without a jump", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    await swing(world);
    await time.run(FRAME_MS);
    space.frame();
    const { transform } = valveOf(space);
    room.say({ type: "denied", ref: 2, reason: "lost-race", object: "valve-1", field: "transform", sentence: "No." });
    room.tell({ kind: "leaseGone", object: "valve-1" });
    let before = [...transform.subarray(0, 3)];
    for (let frame = 0; frame < 150; frame++) {
      await time.run(FRAME_MS);
      space.frame();
      const now = [...transform.subarray(0, 3)];
      expect(Math.hypot(...now.map((value, i) => value - (before[i] as number)))).toBeLessThan(0.02);
      before = now;
    }
    expect(before).toEqual([1, 1, 1]);
  });

  it("[CF3] somebody who comes late sees it where it is, and a catch takes it out of the air", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    room.tell({ kind: "person", person: YOU });
    await time.run(500);
    const launch = launchOf(
      { positionMm: [0, 2000, 0], rotation: [0, 0, 0, 32_767], velocityMmS: [3000, 3000, 0], spinMradS: [0, 0, 0], scale: 1 },
      undefined,
      hall.bounds,
    );
    const info = { object: "valve-1", slot: YOU.slot, startMs: space.roomTimeMs - 400, ...(launch as NonNullable<typeof launch>) };
    room.tell({ kind: "flight", flight: info });
    const at = new Float64Array(7);
    new FlightTrack(info).at(400, at);
    const { transform } = valveOf(space);
    space.frame();
    await time.run(300);
    space.frame();
    new FlightTrack(info).at(700, at);
    expect(Math.hypot(...[0, 1, 2].map((i) => (transform[i] as number) - (at[i] as number)))).toBeLessThan(0.01);
    reach(world, [2, 1, 1]);
    void valveOf(space).grab("right", { grip: { position: [0, 0, 0], rotation: [0, 0, 0, 1] } });
    granted(world);
    room.tell({ kind: "flightGone", object: "valve-1" });
    await time.run(2000);
    reach(world, [2, 1, 1]);
    await time.run(2000);
    reach(world, [2, 1, 1]);
    expect([...transform.subarray(0, 3)].map((value) => Math.round(value * 1000))).toEqual([2000, 1000, 1000]);
  });

  it("[CF3] lands even when the link ends in mid-air and a new room has another time", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    await swing(world);
    const track = new FlightTrack(flightOf(world));
    await time.run(100);
    space.frame();
    land(room, track.rest);
    room.offsetMs = -4000;
    room.restart();
    for (let ms = 0; ms < track.durationMs + 8000; ms += 100) {
      await time.run(100);
      space.frame();
    }
    expect(space.status).toBe("live");
    expect([...valveOf(space).transform.subarray(0, 3)]).toEqual([...track.rest.subarray(0, 3)]);
  });
});

describe("two hands", () => {
  it("move, turn and scale it; one hand goes on with the new scale, which the release carries", async () => {
    const world = await joinWorld();
    const { space, room } = world;
    reach(world, [1.2, 1, 1], [0.8, 1, 1]);
    const valve = valveOf(space);
    void valve.grab("both");
    granted(world);
    expect(room.last("take")).toMatchObject({ hand: "both", spanMm: 400, scale: 1, gripMm: [0, 0, 0] });
    reach(world, [1.4, 2, 1], [0.6, 2, 1]);
    expect([...valve.transform].map((value) => Math.round(value * 1000) / 1000)).toEqual([1, 2, 1, 0, 0, 0, 1, 2]);
    void valve.grab("right");
    granted(world);
    expect(room.last("take")).toMatchObject({ hand: "right", scale: 2, spanMm: 0, gripMm: [-400, 0, 0] });
    reach(world, [1.4, 1, 1], [0, 1, 1]);
    expect(valve.transform[7]).toBeCloseTo(2, 6);
    void valve.grab("right", { scale: 99 });
    expect(room.last("take")?.scale).toBe(10);
    valve.release({ velocity: [0, 0, 0] });
    expect(room.last("letGo")?.scale).toBe(10);
  });
});

describe("grab() in one line", () => {
  it("takes with the nearest hand, else with the pointer", async () => {
    const world = await joinWorld();
    reach(world, [1.1, 1, 1], [0, 1, 5]);
    void valveOf(world.space).grab();
    expect(world.room.last("take")?.hand).toBe("right");
    valveOf(world.space).release({ velocity: [0, 0, 0] });
    reach(world, [9, 1, 1], [0.8, 1, 1]);
    void valveOf(world.space).grab({});
    expect(world.room.last("take")?.hand).toBe("left");
    valveOf(world.space).release({ velocity: [0, 0, 0] });
    reach(world, [9, 1, 1], [9, 1, 1]);
    void valveOf(world.space).grab();
    expect(world.room.last("take")?.hand).toBe("pointer");
  });

  it("[HO7] onDenied is told once: refused, taken back, run out, offline", async () => {
    const world = await joinWorld();
    const { space, room } = world;
    reach(world, [1, 1, 1.2]);
    const told: (Extract<GrabResult, { granted: false }>["reason"] | undefined)[] = [];
    const grab = (): void => void valveOf(space).grab({ onDenied: ({ reason }) => told.push(reason) });
    const refuse = (): void =>
      room.say({
        type: "grabResult",
        seq: room.last("take")?.seq ?? 0,
        object: "valve-1",
        granted: false,
        reason: "held-by-other",
        holder: 3,
        leaseMs: 0,
      });
    grab();
    refuse();
    expect(told).toEqual(["held-by-other"]);
    grab();
    granted(world);
    refuse();
    refuse();
    expect(told).toEqual(["held-by-other", "held-by-other"]);
    grab();
    granted(world);
    room.tell({ kind: "leaseGone", object: "valve-1" });
    expect(told.at(-1)).toBe("lease-expired");
    grab();
    valveOf(space).release();
    granted(world);
    room.tell({ kind: "leaseGone", object: "valve-1" });
    expect(told).toHaveLength(3);
    grab();
    room.break();
    expect(told.slice(3)).toEqual(["offline"]);
    grab();
    expect(told.slice(3)).toEqual(["offline", "offline"]);
  });
});
