import { Button, Decoded, Gesture, HAND_FLOATS, HandReader, Stream, StreamBodyReader } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import type { FakeRoom } from "./testing/fake-room.ts";
import { joinWorld, type TestWorld } from "./testing/world.ts";

/** Wrist at x, everything else 2 cm further per joint of a finger. */
function hand(x: number): Float64Array {
  const joints = new Float64Array(HAND_FLOATS);
  for (let joint = 0; joint < 25; joint++) joints.set([x, 1 + 0.02 * (joint % 5), -0.3, 0, 0, 0, 1], joint * 7);
  return joints;
}

/** Reads what a client sends of its streams, as a room would. */
class Reader {
  readonly body = new StreamBodyReader();
  readonly joints = new HandReader();
  private readonly room: FakeRoom;
  private at: number;
  constructor(room: FakeRoom, at = 0) {
    this.room = room;
    this.at = at;
  }
  /** What came since the last call, one word a stream. */
  news(): string[] {
    const messages = this.room.all("streamUp").slice(this.at);
    this.at += messages.length;
    return messages.map(({ body }) => {
      expect(this.body.read(body, this.joints)).toBe(Decoded.ok);
      const { controls, gaze, hands } = this.body;
      return [controls && `controls ${controls[1]} ${controls[7]}`, gaze && `gaze ${gaze.present}`, hands !== "none" && `hands ${hands}`]
        .filter(Boolean)
        .join(", ");
    });
  }
}

async function frames(world: TestWorld, count: number, each: () => void = () => undefined): Promise<void> {
  for (let i = 0; i < count; i++) {
    each();
    world.space.frame(world.time.now());
    await world.time.run(1000 / 60);
  }
}
async function asked(streams: number): Promise<{ world: TestWorld; reader: Reader }> {
  const world = await joinWorld();
  await world.time.run(1000);
  world.room.say({ type: "streamDemand", streams, restart: 0 });
  return { world, reader: new Reader(world.room) };
}
const demand = (world: TestWorld, streams: number, restart = 0): void => world.room.say({ type: "streamDemand", streams, restart });
const ALL = Stream.hands | Stream.controls | Stream.gaze;

describe("my optional streams", () => {
  it("[MS1] are offered once they are there, and sent only while somebody watches", async () => {
    const { world, reader } = await asked(0);
    const { space, room } = world;
    const show = (): void => space.me.setHands(undefined, hand(0.2));
    expect(room.last("quality")?.offers).toBe(0);
    await frames(world, 30, show);
    expect(room.last("quality")?.offers).toBe(Stream.hands);
    expect(reader.news()).toEqual([]);
    demand(world, ALL);
    await frames(world, 60, show);
    const sent = reader.news();
    expect(sent.length).toBeGreaterThanOrEqual(28);
    expect(sent.length).toBeLessThanOrEqual(31);
    expect(new Set(sent)).toEqual(new Set(["hands read"]));
    expect([...reader.joints.state.present]).toEqual([0, 1]);
    demand(world, 0);
    await frames(world, 30, show);
    expect(reader.news()).toEqual([]);
  });

  it("[MS1] never send a gaze that the application did not turn on, and end it when it turns it off", async () => {
    const { world, reader } = await asked(ALL);
    const look = (): void => world.space.me.setGaze([0, 0, -1]);
    await frames(world, 60, look);
    expect([reader.news(), world.room.last("quality")?.offers]).toEqual([[], 0]);
    world.space.quality.set({ sendGaze: true });
    await frames(world, 60, look);
    expect(world.room.last("quality")?.offers).toBe(Stream.gaze);
    expect(reader.news().length).toBeGreaterThan(0);
    world.space.quality.set({ sendGaze: false });
    expect(world.room.last("quality")?.offers).toBe(0);
    await frames(world, 120, look);
    expect(reader.news()).toEqual([]);
  });

  it("sendHands and sendControls: keep mine to myself", async () => {
    const { world, reader } = await asked(ALL);
    world.space.quality.set({ sendHands: false, sendControls: false });
    await frames(world, 60, () => {
      world.space.me.setHands(hand(0), undefined);
      world.space.me.setControls({ trigger: 1 }, undefined);
    });
    expect([reader.news(), world.room.last("quality")?.offers]).toEqual([[], 0]);
  });

  it("[MS2] begin anew when the room asks, and when the link did not take a message", async () => {
    const { world, reader } = await asked(Stream.hands);
    const show = (): void => world.space.me.setHands(hand(0), hand(0.4));
    await frames(world, 20, show);
    expect(new Set(reader.news())).toEqual(new Set(["hands read"]));
    // A reader that comes in the middle lacks what was sent before.
    const late = new Reader(world.room, world.room.all("streamUp").length);
    await frames(world, 4, show);
    expect(late.news()[0]).toBe("hands missing");
    demand(world, Stream.hands, 1);
    await frames(world, 6, show);
    expect(late.news().at(-1)).toBe("hands read");
    reader.news();
    world.room.takes = false;
    await frames(world, 10, show);
    world.room.takes = true;
    await frames(world, 10, show);
    expect(new Set(reader.news())).toEqual(new Set(["hands read"]));
  });

  it("[MS3] say what is pressed when it changes, and again after a second", async () => {
    const { world, reader } = await asked(Stream.controls);
    const { me } = world.space;
    me.setControls({ gesture: Gesture.fist, buttons: Button.a }, undefined);
    await frames(world, 10);
    expect(reader.news()).toEqual(["controls 2 0"]);
    me.setControls({ gesture: Gesture.fist, buttons: Button.a }, { gesture: 99, trigger: Number.NaN });
    await frames(world, 10);
    expect(reader.news()).toEqual(["controls 2 0"]);
    me.setControls(undefined, undefined);
    await frames(world, 100);
    expect(reader.news()).toEqual(["controls 0 0", "controls 0 0"]);
  });

  it("[MS4] take a hand with a number that is none, or far from its wrist, for not tracked, and too few numbers for a mistake", async () => {
    const { world, reader } = await asked(Stream.hands);
    const broken = hand(0);
    broken[77] = Number.NaN;
    const torn = hand(0);
    torn[24 * 7] = 3;
    await frames(world, 4, () => world.space.me.setHands(broken, hand(0)));
    expect(reader.news().length).toBeGreaterThan(0);
    expect([...reader.joints.state.present]).toEqual([0, 1]);
    await frames(world, 4, () => world.space.me.setHands(hand(0), torn));
    reader.news();
    expect([...reader.joints.state.present]).toEqual([1, 0]);
    expect(() => world.space.me.setHands([1, 2, 3], undefined)).toThrow("A hand is 175 numbers");
  });

  it("take the wrist for the hand while there are joints, and what setPose says after", async () => {
    const { world } = await asked(0);
    const { space, time } = world;
    const pose = (): void => space.me.setPose([0, 1.6, 0, 0, 0, 0, 1, -1, 1, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0, 1], [0, 0, 2]);
    space.me.setHands(undefined, hand(0.25));
    pose();
    // The rig of the fake room stands at (1, 0, -2).
    expect([space.me.pose[7], space.me.pose[14], space.me.states[2]]).toEqual([0, 1.25, 0]);
    await time.run(1000);
    pose();
    expect([space.me.pose[14], space.me.states[2]]).toEqual([10, 2]);
  });
});
