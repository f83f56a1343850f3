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
    expect(governor.frame(new Uint8Array(500))).toBe("sent");
    expect(governor.frame(new Uint8Array(500))).toBe("queued");
    expect(governor.frame(new Uint8Array(500))).toBe("skipped");
    expect(governor.droppable(new Uint8Array(20))).toBe(false);
    wire.buffered = 0;
    expect(governor.frame(new Uint8Array(500))).toBe("sent");
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

  /** A frame message of this tick. */
  const frameOf = (tick: number, length = 4000): Uint8Array => {
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(3, tick, true);
    return bytes;
  };

  it("[GV5] sends nobody more than the queue's bound unread, and ends the session of whoever reads nothing, in time", () => {
    const { governor, slow, traffic } = setup();
    let tick = 0;
    let endedMs: number | undefined;
    for (let ms = 0; ms <= 12_000 && endedMs === undefined; ms += 50) {
      governor.frame(frameOf(++tick));
      // The client goes on sending; what it echoes stands still.
      governor.echoed(1);
      if (ms % 1000 === 0) governor.check(ms);
      if (slow() > 0) endedMs = ms;
    }
    expect(endedMs).toBeLessThanOrEqual(LIMITS.orderedStallMs);
    expect(traffic.unreadBytesMost).toBeLessThanOrEqual(LIMITS.orderedQueueBytes - 8192);
    expect(traffic.framesSkipped).toBeGreaterThan(0);
  });

  it("[GV5] takes the echo of a later frame, or the answer to a probe, for a sign of reading", () => {
    const talking = setup();
    const silent = setup();
    for (let ms = 0; ms <= 30_000; ms += 50) {
      const tick = ms / 50 + 1;
      talking.governor.frame(frameOf(tick));
      if (tick > 20) talking.governor.echoed(tick - 20);
      silent.governor.frame(frameOf(tick));
      for (const probe of silent.wire.probes.splice(0)) silent.governor.probed(probe);
      if (ms % 1000 !== 0) continue;
      talking.governor.check(ms);
      silent.governor.check(ms);
    }
    expect([talking.slow(), silent.slow()]).toEqual([0, 0]);
    expect(talking.wire.probes).toEqual([]);
    expect(talking.traffic.framesSkipped + silent.traffic.framesSkipped).toBe(0);
    expect(talking.governor.unreadBytes).toBeLessThan(400_000);
  });

  it("[GV5] waits longer for a link that has a whole document to carry", () => {
    const { governor, slow } = setup();
    governor.ordered(new Uint8Array(2_000_000));
    for (let second = 0; second <= 60; second++) governor.check(second * 1000);
    expect(slow()).toBe(0);
    for (let second = 61; second <= 180; second++) governor.check(second * 1000);
    expect(slow()).toBe(1);
  });
});
