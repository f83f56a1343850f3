import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { fakeWire } from "../testing/fake-wire.ts";
import { newTraffic, SendGovernor } from "./governor.ts";

function setup() {
  const wire = fakeWire();
  const traffic = newTraffic();
  let slow = 0;
  const governor = new SendGovernor({ wire, traffic, onSlow: () => slow++ });
  return { wire, traffic, governor, slow: () => slow };
}

describe("SendGovernor", () => {
  it("[GV1] lets one frame wait and skips the next", () => {
    const { wire, governor, traffic } = setup();
    wire.stuck = true;
    expect(governor.frame(new Uint8Array(500))).toBe(true);
    expect(governor.frame(new Uint8Array(500))).toBe(true);
    expect(governor.frame(new Uint8Array(500))).toBe(false);
    expect(governor.droppable(new Uint8Array(20))).toBe(false);
    wire.buffered = 0;
    expect(governor.frame(new Uint8Array(500))).toBe(true);
    expect(traffic).toMatchObject({ framesOut: 3, framesSkipped: 1 });
  });

  it("[GV2] closes at the bound of the ordered queue, not before", () => {
    const { wire, governor, slow } = setup();
    wire.stuck = true;
    const piece = LIMITS.orderedQueueBytes / 8;
    for (let i = 0; i < 8; i++) governor.ordered(new Uint8Array(piece));
    expect(slow()).toBe(0);
    governor.ordered(new Uint8Array(1));
    expect(slow()).toBe(1);
  });

  it("[GV2] gives somebody who joins an old room the whole time to make progress", () => {
    const { wire, governor, slow } = setup();
    wire.stuck = true;
    governor.ordered(new Uint8Array(50_000));
    governor.check(3_600_000);
    governor.check(3_600_000 + LIMITS.orderedStallMs);
    expect(slow()).toBe(0);
    governor.check(3_600_001 + LIMITS.orderedStallMs);
    expect(slow()).toBe(1);
  });

  it("[GV2] closes a connection that makes no progress, and not one that crawls", () => {
    const crawling = setup();
    const stalled = setup();
    for (const { wire, governor } of [crawling, stalled]) {
      wire.stuck = true;
      governor.ordered(new Uint8Array(50_000));
      governor.check(0);
    }
    for (let second = 1; second <= 30; second++) {
      crawling.wire.buffered -= 1000;
      crawling.governor.check(second * 1000);
      stalled.governor.check(second * 1000);
    }
    expect([crawling.slow(), stalled.slow()]).toEqual([0, 1]);
  });

  it("[GV2] sending more into a stalled connection is not progress", () => {
    const { wire, governor, slow } = setup();
    wire.stuck = true;
    for (let second = 0; second <= 12; second++) {
      governor.ordered(new Uint8Array(100));
      governor.check(second * 1000);
    }
    expect(slow()).toBe(1);
  });

  it("[GV3] lets one whole document through, but not a second behind it", () => {
    const { wire, governor, slow } = setup();
    wire.stuck = true;
    governor.ordered(new Uint8Array(2_000_000));
    governor.ordered(new Uint8Array(1000));
    expect(slow()).toBe(0);
    governor.ordered(new Uint8Array(2_000_000));
    expect(slow()).toBe(1);
  });

  it("[GV4] sends nothing after giving up", () => {
    const { wire, governor, slow } = setup();
    wire.stuck = true;
    for (let i = 0; i < 6; i++) governor.ordered(new Uint8Array(60_000));
    const { length } = wire.sent;
    governor.ordered(new Uint8Array(1));
    governor.frame(new Uint8Array(1));
    governor.check(1e9);
    expect(wire.sent.length).toBe(length);
    expect(slow()).toBe(1);
  });
});
