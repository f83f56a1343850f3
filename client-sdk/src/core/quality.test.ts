import { BlockWriter, Encoded, MAX_BLOCK_BYTES, newPoseSample, type PoseSample, Section, Stream } from "@copresence/shared/pose";
import type { MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { changedQuality, DEFAULT_QUALITY, type QualityChange } from "./quality.ts";
import type { RemotePerson } from "./space-types.ts";
import { YOU } from "./testing/fake-room.ts";
import { joinWorld, type TestWorld } from "./testing/world.ts";

const RATE = 60;
const FRAME_MS = 1000 / 90;
/** Where somebody's right hand is who waves: 0.2 m at half a hertz. */
const wave = (timeMs: number): number => 0.2 * Math.sin((2 * Math.PI * timeMs) / 2000);

/** The one other person, waving at 60 Hz, whose samples arrive `lateMs` after they were measured. */
class Waver {
  readonly person: RemotePerson;
  private readonly world: TestWorld;
  private readonly writer = new BlockWriter({ capacity: 8, tickRateHz: RATE });
  private readonly sample: PoseSample = newPoseSample();
  private tick: number;

  constructor(world: TestWorld) {
    this.world = world;
    world.room.tell({ kind: "person", person: YOU });
    this.person = world.space.people.get(YOU.slot) as RemotePerson;
    this.tick = Math.ceil((world.space.roomTimeMs * RATE) / 1000);
  }

  /** Runs for `ms`, calling `look` after every displayed frame. */
  async run(ms: number, look: (roomMs: number) => void = () => undefined, motion: (timeMs: number) => number = wave, lateMs = 40): Promise<void> {
    const { time, space } = this.world;
    const untilMs = time.now() + ms;
    while (time.now() < untilMs) {
      for (; (this.tick * 1000) / RATE + lateMs <= space.roomTimeMs; this.tick++) this.send(motion);
      space.frame(time.now());
      look(space.roomTimeMs);
      await time.run(FRAME_MS);
    }
  }

  private send(motion: (timeMs: number) => number): void {
    this.sample.timeMs = (this.tick * 1000) / RATE;
    this.sample.pose[14] = motion(this.sample.timeMs);
    const block = new Uint8Array(MAX_BLOCK_BYTES);
    const outcome = this.writer.encode(YOU.slot, this.tick, this.sample, block, 0);
    const head = [0, this.tick & 0xff, (this.tick >> 8) & 0xff, this.tick >> 16, 0, 0, 0];
    const intra = outcome === Encoded.reset ? this.writer.intra(YOU.slot, this.tick, block, 0) : 0;
    const body =
      intra > 0
        ? [...head, Section.intra, 1, 0, YOU.slot, 0, ...block.subarray(0, intra)]
        : [...head, Section.fine, 0, 1, 1, 1 << YOU.slot, this.writer.end & 0xff, 0, ...block.subarray(0, this.writer.end)];
    this.world.room.say({ type: "frame", body: Uint8Array.from(body) });
  }
}

async function waving(quality?: QualityChange): Promise<{ world: TestWorld; waver: Waver }> {
  const world = await joinWorld({ quality });
  await world.time.run(2000);
  const waver = new Waver(world);
  await waver.run(1500);
  return { world, waver };
}
const told = ({ room }: TestWorld): MessageOf<"quality"> => room.last("quality") as MessageOf<"quality">;

describe("quality: what is refused", () => {
  it.each([
    [{ forward: { head: 1.5 } }, "quality.forward.head is 1.5; it must be a number from 0 to 1."],
    [{ forward: { feet: 1 } }, 'quality.forward has no "feet"; it has head and hands.'],
    [{ forward: 3 }, "quality.forward is 3; it must be { head, hands }."],
    [{ smoothingMs: -1 }, "quality.smoothingMs is -1; it must be a number from 0 to 500."],
    [{ smoothingMs: Number.NaN }, "quality.smoothingMs is NaN; it must be a number from 0 to 500."],
    [{ minDelayMs: 300, maxDelayMs: 200 }, "quality.minDelayMs (300) is above quality.maxDelayMs (200)."],
    [{ uplinkHz: 0 }, 'quality.uplinkHz is 0; it must be a number from 1 to 90, or "room".'],
    [{ uplinkHz: "fast" }, 'quality.uplinkHz is "fast"; it must be a number from 1 to 90, or "room".'],
    [{ viewKbitPerS: 12 }, 'quality.viewKbitPerS is 12; it must be a whole number from 64 to 65535, or "room".'],
    [{ fullPeople: 2.5 }, 'quality.fullPeople is 2.5; it must be a whole number from 0 to 1024, or "room".'],
    [{ hands: "yes" }, 'quality.hands is "yes"; it must be true or false.'],
    [{ sharpness: 1 }, /^quality has no "sharpness"; it has forward, smoothingMs, .*sendGaze\.$/],
  ] as const)("%j", async (change, sentence) => {
    const { space } = await joinWorld();
    const before = { ...space.quality };
    expect(() => space.quality.set({ sendHands: false, ...change } as QualityChange)).toThrow(sentence);
    expect({ ...space.quality }).toEqual(before);
    expect(space.quality.sendHands).toBe(true);
    await expect(joinWorld({ quality: change as QualityChange })).rejects.toThrow(sentence);
  });

  it("leaves what a change does not name, and forgives undefined", () => {
    expect(changedQuality(DEFAULT_QUALITY, { forward: { hands: 0.2 }, smoothingMs: undefined })).toEqual({
      ...DEFAULT_QUALITY,
      forward: { head: 0.5, hands: 0.2 },
    });
  });
});

describe("quality: what each knob does", () => {
  it("forward: how far ahead of what was measured a device is shown", async () => {
    const { world, waver } = await waving();
    const lagOf = async (device: number): Promise<number> => {
      let lag = 0;
      await waver.run(500, (roomMs) => (lag = roomMs - waver.person.shownMs(device)));
      return lag;
    };
    world.space.quality.set({ forward: { head: 0, hands: 1 } });
    expect(await lagOf(0)).toBeCloseTo(waver.person.delayMs, 3);
    expect(await lagOf(2)).toBeCloseTo(0, 3);
    world.space.quality.set({ forward: { hands: 0.5 } });
    expect(await lagOf(2)).toBeCloseTo(waver.person.delayMs / 2, 3);
    expect(world.space.quality.forward).toEqual({ head: 0, hands: 0.5 });
  });

  it("minDelayMs and maxDelayMs: bound the playout delay, and fix it when equal", async () => {
    const { world, waver } = await waving();
    expect(waver.person.delayMs).toBeGreaterThan(40);
    expect(waver.person.delayMs).toBeLessThan(90);
    world.space.quality.set({ minDelayMs: 150, maxDelayMs: 150 });
    await waver.run(2000);
    expect(waver.person.delayMs).toBeCloseTo(150, 3);
    world.space.quality.set({ minDelayMs: 0, maxDelayMs: 30 });
    await waver.run(2000);
    expect(waver.person.delayMs).toBeCloseTo(30, 3);
  });

  it("smoothingMs: a wrong guess is corrected gently or at once", async () => {
    /** Largest change of the shown speed from one frame to the next, mm per frame, of a hand that stops dead again and again. */
    const jerk = async (smoothingMs: number): Promise<number> => {
      const { waver } = await waving({ smoothingMs, forward: { head: 1, hands: 1 } });
      const stops = (timeMs: number): number => Math.abs(((timeMs / 400) % 2) - 1) * 0.4;
      const places: number[] = [];
      await waver.run(4000, () => places.push((waver.person.pose[14] as number) * 1000), stops);
      const changes = places.slice(2).map((x, i) => Math.abs(x - 2 * (places[i + 1] as number) + (places[i] as number)));
      return Math.max(...changes.slice(100));
    };
    const [sharp, soft] = [await jerk(1), await jerk(150)];
    expect(soft).toBeLessThan(sharp / 2);
  });

  it("uplinkHz: how often poses are sent, never more than the room asks for", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    const perSecond = async (): Promise<number> => {
      const before = room.all("poseUp").length;
      for (let i = 0; i < 180; i++) {
        space.me.setPose([0, 1.6, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
        space.frame(time.now());
        await time.run(1000 / 180);
      }
      return room.all("poseUp").length - before;
    };
    await time.run(1000);
    expect(await perSecond()).toBeGreaterThanOrEqual(29);
    space.quality.set({ uplinkHz: 10 });
    expect(Math.abs((await perSecond()) - 10)).toBeLessThanOrEqual(2);
    space.quality.set({ uplinkHz: 90 });
    expect(Math.abs((await perSecond()) - 30)).toBeLessThanOrEqual(2);
    space.quality.set({ uplinkHz: "room" });
    expect(Math.abs((await perSecond()) - 30)).toBeLessThanOrEqual(2);
  });

  it("viewKbitPerS, fullPeople, hands, controls, gaze: what the room is told I want, at once and after a reconnect", async () => {
    const world = await joinWorld();
    const all = Stream.hands | Stream.controls | Stream.gaze;
    expect(told(world)).toEqual({ type: "quality", offers: 0, takes: all, viewKbitPerS: 0, fullPeople: 65_535 });
    world.space.quality.set({ viewKbitPerS: 300, fullPeople: 5, hands: false });
    expect(told(world)).toEqual({ type: "quality", offers: 0, takes: Stream.controls | Stream.gaze, viewKbitPerS: 300, fullPeople: 5 });
    world.space.quality.set({ gaze: false, controls: false, viewKbitPerS: "room" });
    expect(told(world)).toMatchObject({ takes: 0, viewKbitPerS: 0 });
    const count = world.room.all("quality").length;
    world.space.quality.set({ gaze: false });
    expect(world.room.all("quality")).toHaveLength(count);
    world.room.break();
    await world.time.run(5000);
    expect(world.space.status).toBe("live");
    expect(world.room.all("quality")).toHaveLength(count + 1);
    expect(told(world)).toMatchObject({ takes: 0, fullPeople: 5 });
  });

  it("a client that does not observe takes nothing of others", async () => {
    expect(told(await joinWorld({ observe: false })).takes).toBe(0);
  });
});
