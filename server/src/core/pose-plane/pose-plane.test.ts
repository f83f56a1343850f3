import { DeviceState, FrameDecoder, newPoseSample, type PoseSample } from "@copresence/shared/pose";
import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { PosePlane } from "./pose-plane.ts";

const RATE = 60;
const HEAD = { inputAck: 0, rig: undefined };

/** A person who walks in a circle; enough to know whose pose it is and when it was taken. */
function poseOf(slot: number, timeMs: number, sample: PoseSample): PoseSample {
  sample.timeMs = timeMs;
  for (let d = 0; d < 3; d++) {
    sample.pose[d * 7] = slot + 0.4 * Math.sin(timeMs / 300 + d);
    sample.pose[d * 7 + 1] = 1.5 - d * 0.2;
    sample.pose[d * 7 + 2] = 0.4 * Math.cos(timeMs / 300 + d);
    sample.pose[d * 7 + 4] = Math.sin(timeMs / 900);
    sample.pose[d * 7 + 6] = Math.cos(timeMs / 900);
  }
  return sample;
}

class Viewer {
  readonly decoder = new FrameDecoder({ tickRateHz: RATE });
  readonly seen = new Map<number, { x: number; timeMs: number; tick: number }>();
  readonly slot: number;
  frames = 0;
  bytes = 0;
  private tick = 0;

  constructor(slot: number) {
    this.slot = slot;
  }

  receive(frame: Uint8Array): void {
    this.frames++;
    this.bytes += frame.length;
    expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytes + 2);
    expect([frame[0], frame[1]]).toEqual([17, 33]);
    const ok = this.decoder.decode(frame.subarray(2), {
      onHead: (head) => {
        this.tick = head.tick;
      },
      onPose: (slot, sample) => {
        expect(slot).not.toBe(this.slot);
        const [x] = sample.pose;
        const truth = poseOf(slot, sample.timeMs, newPoseSample()).pose[0] as number;
        expect(Math.abs((x as number) - truth)).toBeLessThan(0.003);
        this.seen.set(slot, { x: x as number, timeMs: sample.timeMs, tick: this.tick });
      },
    });
    expect(ok).toBe(true);
  }
}

class Room {
  readonly plane: PosePlane;
  readonly viewers: Viewer[] = [];
  readonly sources: number[] = [];
  tick = 100;
  private readonly sample = newPoseSample();

  constructor(capacity: number, people: readonly number[]) {
    this.plane = new PosePlane({ capacity, tickRateHz: RATE });
    for (const slot of people) this.join(slot);
  }

  join(slot: number): Viewer {
    const viewer = new Viewer(slot);
    this.plane.add(slot);
    this.viewers.push(viewer);
    this.sources.push(slot);
    return viewer;
  }

  step(skips: (viewer: Viewer) => boolean = () => false): void {
    this.tick++;
    for (const slot of this.sources) this.plane.submit(slot, poseOf(slot, (this.tick * 1000) / RATE - 12, this.sample));
    this.plane.encodeTick(this.tick);
    for (const viewer of this.viewers) {
      const frame = this.plane.writeFrame(viewer.slot, { tick: this.tick, ...HEAD });
      if (frame === undefined) continue;
      if (skips(viewer)) this.plane.frameSkipped(viewer.slot);
      else viewer.receive(frame);
    }
  }
}

describe("pose plane", () => {
  it("[PP2] shows everybody to everybody else, at once for who joins later, never oneself", () => {
    const room = new Room(32, [0, 3, 9, 31]);
    for (let i = 0; i < 10; i++) room.step();
    const late = room.join(4);
    room.step();
    room.step();
    expect([...late.seen.keys()].sort((a, b) => a - b)).toEqual([0, 3, 9, 31]);
    for (let i = 0; i < 10; i++) room.step();
    for (const viewer of room.viewers) {
      const others = room.sources.filter((slot) => slot !== viewer.slot).sort((a, b) => a - b);
      expect([...viewer.seen.keys()].sort((a, b) => a - b)).toEqual(others);
      for (const pose of viewer.seen.values()) expect(pose.tick).toBe(room.tick);
    }
  });

  it("[FA2] never leaves a viewer without references, whatever frames are skipped", () => {
    const room = new Room(16, [0, 1, 2, 8, 9]);
    let state = 12_345;
    const chance = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 4294967296;
    for (let i = 0; i < 600; i++) {
      room.step((viewer) => chance() < 0.1 * (viewer.slot % 3));
      for (const viewer of room.viewers) expect(viewer.decoder.drainMissing(64)).toEqual([]);
    }
    for (let i = 0; i < 8; i++) room.step();
    for (const viewer of room.viewers) for (const pose of viewer.seen.values()) expect(pose.tick).toBe(room.tick);
  });

  it("mends a viewer that lost a frame on the way when it asks (NACK)", () => {
    const room = new Room(16, [0, 1, 2]);
    for (let i = 0; i < 10; i++) room.step();
    const viewer = room.viewers[0] as Viewer;
    viewer.decoder.forget(1);
    for (let i = 0; i < 4; i++) room.step();
    const missing = viewer.decoder.drainMissing(64);
    expect(missing).toEqual([1]);
    room.plane.needIntra(viewer.slot, [...missing, -1, 99_999]);
    for (let i = 0; i < 6; i++) room.step();
    expect(viewer.seen.get(1)?.tick).toBe(room.tick);
  });

  it("keeps a slot's next owner apart from the last", () => {
    const room = new Room(16, [0, 1, 2]);
    for (let i = 0; i < 10; i++) room.step();
    room.plane.remove(2);
    room.sources.splice(2, 1);
    room.viewers.splice(2, 1);
    const viewer = room.viewers[0] as Viewer;
    viewer.decoder.forget(2);
    viewer.seen.delete(2);
    for (let i = 0; i < 10; i++) room.step();
    expect(viewer.seen.has(2)).toBe(false);
    expect(room.plane.explain(0, 2).tier).toBe("none");
    const next = room.join(2);
    for (let i = 0; i < 10; i++) room.step();
    expect(viewer.seen.get(2)?.tick).toBe(room.tick);
    expect(next.seen.size).toBe(2);
  });

  it("[PP3] sends nothing about people who rest but a heartbeat and a byte a T0, and says nothing in an empty room but the heartbeat", () => {
    const plane = new PosePlane({ capacity: 8, tickRateHz: RATE });
    plane.add(0);
    plane.add(1);
    const sample = poseOf(1, 0, newPoseSample());
    let frames = 0;
    let bytes = 0;
    for (let tick = 100; tick < 400; tick++) {
      sample.timeMs = (tick * 1000) / RATE;
      if (tick < 250) plane.submit(1, sample);
      plane.encodeTick(tick);
      const frame = plane.writeFrame(0, { tick, ...HEAD });
      if (tick >= 130 && tick < 250 && frame !== undefined) {
        frames++;
        bytes += frame.length;
      }
      if (tick >= 260 && frame !== undefined) expect(frame.length).toBe(9);
    }
    expect(frames).toBe(30);
    expect(bytes).toBeLessThan(30 * 20);
  });

  it("answers an acknowledgement and a corrected rig even when nobody moves", () => {
    const plane = new PosePlane({ capacity: 8, tickRateHz: RATE });
    plane.add(0);
    plane.encodeTick(1);
    expect(plane.writeFrame(0, { tick: 1, ...HEAD })).toBeDefined();
    plane.encodeTick(2);
    expect(plane.writeFrame(0, { tick: 2, ...HEAD })).toBeUndefined();
    expect(plane.writeFrame(0, { tick: 2, inputAck: 5, rig: undefined })).toBeDefined();
    expect(plane.writeFrame(0, { tick: 2, inputAck: 5, rig: { xMm: 1, yMm: -2, zMm: 3, yaw: 4 } })?.length).toBe(23);
  });

  it("[PH1] remembers half a second for judging in rewound time", () => {
    const room = new Room(8, [0, 1]);
    for (let i = 0; i < 60; i++) room.step();
    const out = new Float64Array(21);
    const then = (room.tick * 1000) / RATE - 12 - 250;
    expect(room.plane.poseAt(1, then, out)).toBe(true);
    expect(Math.abs((out[0] as number) - (poseOf(1, then, newPoseSample()).pose[0] as number))).toBeLessThan(0.002);
    expect(room.plane.poseAt(5, then, out)).toBe(false);
  });

  it("explains who gets what and why", () => {
    const room = new Room(8, [0, 1]);
    expect(room.plane.explain(0, 0).tier).toBe("none");
    expect(room.plane.explain(0, 1).why).toContain("not sent a sample");
    for (let i = 0; i < 10; i++) room.step();
    expect(room.plane.explain(0, 1)).toMatchObject({
      tier: "T0+T1+T2",
      why: expect.stringMatching(/^1\.\d m away, .*near.*; has all references$/) as string,
    });
    room.plane.hide(0, 1, true);
    expect(room.plane.explain(0, 1)).toMatchObject({ tier: "none", score: 0, why: expect.stringContaining("safety filter") as string });
  });

  it("[FA3] keeps a frame within its limit in a full room, and everybody is shown within two seconds", () => {
    const people = Array.from({ length: LIMITS.people }, (_, i) => i);
    const plane = new PosePlane({ capacity: LIMITS.people, tickRateHz: RATE });
    for (const slot of people) plane.add(slot);
    const sample = newPoseSample();
    const viewer = new Viewer(0);
    for (let tick = 100; tick < 220; tick++) {
      for (const slot of people) {
        // Slowly: a thousand people who all run do not fit into anybody's budget.
        poseOf(slot % 900, (tick * 1000) / RATE / 10, sample).timeMs = (tick * 1000) / RATE;
        plane.submit(slot, sample);
      }
      plane.encodeTick(tick);
      const frame = plane.writeFrame(0, { tick, ...HEAD });
      if (frame === undefined) continue;
      expect(frame.length).toBeLessThanOrEqual(LIMITS.frameBytes + 2);
      viewer.decoder.decode(frame.subarray(2), { onHead: () => undefined, onPose: (slot) => viewer.seen.set(slot, { x: 0, timeMs: 0, tick }) });
    }
    expect(viewer.seen.size).toBe(LIMITS.people - 1);
  });

  it("passes device states through", () => {
    const plane = new PosePlane({ capacity: 8, tickRateHz: RATE });
    plane.add(0);
    plane.add(1);
    const decoder = new FrameDecoder({ tickRateHz: RATE });
    const sample = newPoseSample();
    let states: number[] = [];
    for (let tick = 100; tick < 112; tick++) {
      poseOf(1, (tick * 1000) / RATE, sample);
      sample.states[1] = tick > 105 ? DeviceState.lost : DeviceState.inferred;
      plane.submit(1, sample);
      plane.encodeTick(tick);
      const frame = plane.writeFrame(0, { tick, ...HEAD });
      if (frame !== undefined) decoder.decode(frame.subarray(2), { onHead: () => undefined, onPose: (_slot, s) => (states = [...s.states]) });
      expect(states).toEqual([DeviceState.tracked, tick > 105 ? DeviceState.lost : DeviceState.inferred, DeviceState.tracked]);
    }
  });
});
