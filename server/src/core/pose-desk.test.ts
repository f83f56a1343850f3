import type { PoseSample } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { addMember, poseAt, poseUp } from "./core-kit.ts";
import { Roster } from "./roster.ts";

function setUp() {
  const member = addMember(new Roster(1), "ada");
  const submitted: { timeMs: number; head: number[] }[] = [];
  const submit = (sample: PoseSample): void => {
    submitted.push({ timeMs: sample.timeMs, head: [...sample.pose.subarray(0, 3)].map((m) => Math.round(m * 1000) / 1000) });
  };
  const take = (
    samples: readonly PoseSample[],
    nowMs: number,
    over: { rig?: typeof member.rig.rig; inputSeq?: number; receivedMs?: number } = {},
  ) => ({
    ...member.poses.take(poseUp(samples, over.rig ?? member.rig.rig, over.inputSeq ?? 0), member.rig, nowMs, over.receivedMs ?? nowMs, submit),
  });
  return { member, submitted, take };
}

describe("PoseDesk", () => {
  it("submits what is plausible, oldest first, and keeps the newest", () => {
    const { member, submitted, take } = setUp();
    expect(take([poseAt(80, [0, 1.6, 2]), poseAt(91, [0.01, 1.6, 2])], 100)).toEqual({ accepted: 2, clamped: 0, refused: 0, malformed: false });
    expect(submitted.map(({ timeMs }) => timeMs)).toEqual([80, 91]);
    expect(member.poses.seen).toBe(true);
    expect(member.poses.pose[0]).toBeCloseTo(0.01, 3);
    expect(member.poses.headView()?.rotation).toEqual([0, 0, 0, 1]);
  });

  it("[PD1] refuses what is too old, too far ahead, too fast or seen before, and clamps what is out of bounds", () => {
    const { submitted, take } = setUp();
    expect(take([poseAt(2000, [0, 1.6, 0])], 2000).accepted).toBe(1);
    expect(take([poseAt(2000, [0, 1.6, 0])], 2010).refused).toBe(1);
    expect(take([poseAt(2020, [3, 1.6, 0])], 2020).refused).toBe(1);
    expect(take([poseAt(900, [0, 1.6, 0])], 2030).refused).toBe(1);
    expect(take([poseAt(2140, [0, 1.6, 0])], 2030).refused).toBe(1);
    expect(take([poseAt(2050, [0, 1.6, 0], [0, 1.6, 4])], 2050)).toMatchObject({ accepted: 1, clamped: 1 });
    expect(submitted).toHaveLength(2);
  });

  it("reports bytes that are no samples as malformed", () => {
    const { member, submitted } = setUp();
    const message = { ...poseUp([poseAt(0, [0, 1, 0])], member.rig.rig), body: new Uint8Array([255, 255, 255]) };
    expect(member.poses.take(message, member.rig, 0, 0, () => submitted.push({ timeMs: 0, head: [] })).malformed).toBe(true);
    expect(submitted).toEqual([]);
  });

  it("moves a pose composed with an outdated rig by the difference, and refuses another heading", () => {
    const { member, submitted, take } = setUp();
    const { rig } = member.rig;
    expect(take([poseAt(10, [1, 1.6, 1])], 10, { rig: { ...rig, xMm: rig.xMm - 500 } }).accepted).toBe(1);
    expect(submitted[0]?.head).toEqual([1.5, 1.6, 1]);
    expect(take([poseAt(20, [1, 1.6, 1])], 20, { rig: { ...rig, yaw: (rig.yaw + 4096) & 0xffff } }).refused).toBe(1);
  });

  it("lets the head jump exactly when the room moved the rig", () => {
    const { member, take } = setUp();
    expect(take([poseAt(10, [0, 1.6, 0])], 10).accepted).toBe(1);
    expect(take([poseAt(20, [5, 1.6, 5])], 20).refused).toBe(1);
    const teleport = { positionMm: [5000, 0, 5000], yaw: 0 };
    member.rig.apply([{ seq: 1, dtMs: 0, moveX: 0, moveZ: 0, heading: 0, turn: 0, teleport }], 25);
    expect(take([poseAt(30, [5, 1.6, 5])], 30, { inputSeq: 1 }).accepted).toBe(1);
    expect(take([poseAt(40, [0, 1.6, 0])], 40, { inputSeq: 1 }).refused).toBe(1);
  });

  it("knows how early messages come for the tick and how long they were under way", () => {
    const { member, take } = setUp();
    take([poseAt(100, [0, 1.6, 0])], 140, { receivedMs: 135 });
    expect(member.poses.uplinkDelayMs()).toBe(35);
    member.poses.ticked(140);
    expect(member.poses.slackMs).toBe(5);
    member.poses.ticked(157);
    expect(member.poses.slackMs).toBe(5);
    for (let i = 1; i <= 4; i++) take([poseAt(140 + i * 20, [0, 1.6, 0])], 150 + i * 20);
    expect(member.poses.uplinkDelayMs()).toBe(10);
  });

  it("[PD3] answers with one object it owns", () => {
    const { member } = setUp();
    const call = (timeMs: number) => member.poses.take(poseUp([poseAt(timeMs, [0, 1.6, 0])], member.rig.rig), member.rig, timeMs, timeMs, () => {});
    expect(call(1)).toBe(call(20));
  });
});
