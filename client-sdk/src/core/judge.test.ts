import { describe, expect, it } from "vitest";
import { createSpace } from "./space.ts";
import { seededRandom } from "./random.ts";
import type { SpaceOptions } from "./space-options.ts";
import { FakeRoom } from "./testing/fake-room.ts";
import { StepTime } from "./testing/step-time.ts";
import { joinWorld, valveOf } from "./testing/world.ts";

describe("[JU1] what connect is given", () => {
  const wrong: readonly (readonly [string, Partial<Record<keyof SpaceOptions, unknown>>, RegExp])[] = [
    ["no address", { url: undefined }, /url is undefined/],
    ["a name for an address", { url: "demo" }, /url is "demo"/],
    ["a number for a space", { space: 7 }, /space is 7; it must be the name/],
    ["no ticket", { ticket: undefined }, /ticket is undefined/],
    ["a bare declaration", { scene: {} }, /not what defineScene returned/],
    ["a link into the past", { link: { latencyMs: -5 } }, /latencyMs is -5/],
    ["a rate that is none", { uplinkHz: Number.NaN }, /uplinkHz is NaN/],
    ["a knob that is none", { quality: { smoothing: 3 } }, /quality has no "smoothing"/],
  ];
  it.each(wrong)("%s is refused before anything starts", async (_, change, sentence) => {
    const time = new StepTime();
    const room = new FakeRoom(time);
    const world = { dialer: room.dial, clock: time, scheduler: time, random: seededRandom(1) };
    const options = { url: "http://room", space: "hall", ticket: "t", ...world, ...change } as SpaceOptions;
    await expect(createSpace(options)).rejects.toThrow(sentence);
    // A timer that was left behind used to throw here, where nobody catches.
    await time.run(20_000);
    expect(room.joins.length).toBe(0);
  });
});

describe("[JU1] what a space is given", () => {
  it("throws at once, says what is wrong, and tells the room nothing", async () => {
    const { space, room, time } = await joinWorld();
    space.me.setPose([0, 1.7, 0, 0, 0, 0, 1, -0.2, 1, 0, 0, 0, 0, 1, 0.2, 1, 0, 0, 0, 0, 1]);
    const valve = valveOf(space);
    const [takes, lets] = [room.all("take").length, room.all("letGo").length];
    const nonsense: readonly (readonly [() => unknown, RegExp])[] = [
      [() => valve.grab("lefft" as never), /hand is "lefft"/],
      [() => valve.grab({ scale: Number.NaN }), /scale is NaN/],
      [() => valve.grab({ grip: { position: [1] as never, rotation: [0, 0, 0, 1] } }), /grip.position is \[1\]/],
      [() => valve.grab("left", { grip: { position: [0, 0, 0], rotation: [0, 0, 0, 2] } }), /unit quaternion/],
      [() => valve.grab({ onDenied: "toast" as never }), /onDenied is "toast"/],
      [() => valve.release({ velocity: [Number.NaN, 0, 0] }), /velocity is \[NaN, 0, 0\]/],
      [() => valve.release({ spin: "fast" as never }), /spin is "fast"/],
      [() => space.me.move({ x: Number.NaN, z: 0 }, 16), /x is NaN/],
      [() => space.me.teleport({ position: { x: 1 } as never }), /position is \{ x \}/],
      [() => space.me.setPose([1, 2, 3]), /3 numbers; a pose is 21/],
      [() => space.rollback({ by: "ann", since: "yesterday" as never }), /since is "yesterday"/],
      [() => space.rollback({ by: "ann", since: new Date("nonsense") }), /since is Invalid Date/],
      [() => space.history({ limit: 0 }), /limit is 0/],
      [() => space.chat(5 as never), /text is 5/],
      [() => space.simulate({ latencyMs: 10 } as never), /jitterMs is undefined/],
      [() => space.on("joind" as never, () => undefined), /no event "joind"; there are status,/],
      [() => space.on("joined", undefined as never), /listener of "joined" is undefined/],
      [() => space.permissions.set({ target: "zone", name: "nowhere", to: "everybody", who: "", right: "edit" }, false), /no zone "nowhere"/],
    ];
    for (const [mistake, sentence] of nonsense) expect(mistake).toThrow(sentence);
    expect([valve.holder, valve.heldByMe]).toEqual([undefined, false]);
    await time.run(200);
    expect([room.all("take").length, room.all("letGo").length, room.all("rollback").length, room.all("permit").length]).toEqual([takes, lets, 0, 0]);
    expect(space.status).toBe("live");
  });
});
