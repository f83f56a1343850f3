import { type Rig, RigPredictor, type RigInput } from "@copresence/shared/motion";
import { describe, expect, it } from "vitest";
import { scene } from "./core-kit.ts";
import { RigDesk } from "./rig-desk.ts";
import { rigBoundsMm } from "./spawn.ts";

const bounds = rigBoundsMm(scene.bounds);
const start: Rig = { xMm: 0, yMm: 0, zMm: 1600, yaw: 0 };
const claim = (rig: Readonly<Rig>, inputSeq: number) => ({ positionMm: [rig.xMm, rig.yMm, rig.zMm], yaw: rig.yaw, inputSeq });
const walk = (seq: number, over: Partial<RigInput> = {}): RigInput => ({
  seq,
  dtMs: 20,
  moveX: 0,
  moveZ: -127,
  heading: 0,
  turn: 0,
  teleport: null,
  ...over,
});

describe("RigDesk", () => {
  it("agrees with a client that predicts with the same step, and says nothing", () => {
    const desk = new RigDesk(start, bounds);
    const client = new RigPredictor(start, bounds);
    for (let i = 0; i < 40; i++) client.push({ dtMs: 20, moveX: 30, moveZ: -127, heading: i * 900, turn: i % 9 === 0 ? 1 : 0, teleport: null });
    desk.apply(client.takeUnsent(), 800);
    desk.apply(client.takeUnsent(), 810);
    expect(desk.ackSeq).toBe(client.inputSeq);
    expect(desk.match(claim(client.rig, client.inputSeq))).toMatchObject(client.rig);
    expect([...desk.shiftMm]).toEqual([0, 0, 0]);
    expect(desk.correction).toBeUndefined();
  });

  it("[RD2] shifts poses by a difference in translation and corrects until the client agrees", () => {
    const desk = new RigDesk(start, bounds);
    desk.apply([walk(1)], 0);
    const off = { ...desk.rig, xMm: desk.rig.xMm - 7 };
    expect(desk.match(claim(off, 1))).toBeDefined();
    expect([...desk.shiftMm]).toEqual([7, 0, 0]);
    expect(desk.correction).toEqual(desk.rig);
    expect(desk.match(claim(desk.rig, 1))).toBeDefined();
    expect(desk.correction).toBeUndefined();
  });

  it("[RD2] refuses another heading and inputs the room has not judged", () => {
    const desk = new RigDesk(start, bounds);
    desk.apply([walk(1)], 0);
    expect(desk.match(claim({ ...desk.rig, yaw: 4096 }, 1))).toBeUndefined();
    expect(desk.correction).toEqual(desk.rig);
    expect(new RigDesk(start, bounds).match(claim(start, 5))).toBeUndefined();
  });

  it("[RD1] a refused input is corrected until a pose made after it agrees; older poses in flight end nothing", () => {
    const desk = new RigDesk(start, bounds);
    const client = new RigPredictor(start, bounds);
    const stay = { dtMs: 20, moveX: 0, moveZ: 0, heading: 0, turn: 0, teleport: null };
    desk.apply([client.push(stay)], 0);
    const before = claim(client.rig, client.inputSeq);
    // Faster than time: a client that claims 50 ms sixty times at once.
    for (let i = 0; i < 60; i++) client.push({ ...stay, dtMs: 50, moveZ: 127 });
    desk.apply(client.takeUnsent(), 10);
    desk.apply(client.takeUnsent(), 10);
    expect(desk.correction).toEqual(desk.rig);
    desk.match(before);
    expect(desk.correction).toBeDefined();
    client.reconcile(desk.ackSeq, desk.correction, 20);
    expect(client.rig).toEqual(desk.rig);
    desk.match(claim(client.rig, client.inputSeq));
    expect(desk.correction).toBeUndefined();
  });
});
