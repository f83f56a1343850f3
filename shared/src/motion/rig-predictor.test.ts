import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Rig, ZERO_RIG } from "./rig.ts";
import { RigAuthority } from "./rig-authority.ts";
import { RigPredictor } from "./rig-predictor.ts";
import { DEFAULT_RIG_BOUNDS, MOVE_MM_PER_S, sameRig } from "./step.ts";
import { anyInput, input } from "./testing.ts";

const bounds = DEFAULT_RIG_BOUNDS;
/** A second's worth of walking forward, in steps of 20 ms. */
const walk = (predictor: RigPredictor): void => {
  for (let i = 0; i < 50; i++) predictor.push(input({ dtMs: 20, moveZ: -127 }));
};

describe("predictor and authority", () => {
  it("[RP1] are equal to the bit after every acknowledged input, when none is refused", () => {
    fc.assert(
      fc.property(fc.array(anyInput, { maxLength: 80 }), fc.integer({ min: 1, max: 10 }), (inputs, batch) => {
        const predictor = new RigPredictor(ZERO_RIG, bounds);
        const authority = new RigAuthority(ZERO_RIG, bounds);
        let nowMs = 0;
        inputs.forEach((one, index) => {
          predictor.push(one);
          if (index % batch !== 0) return;
          for (const sent of predictor.takeUnsent()) {
            // Slow enough for the teleport allowance, so that nothing is refused.
            nowMs += 300;
            expect(authority.apply(sent, nowMs)).toBe("ok");
          }
          expect(predictor.rig).toEqual(authority.rig);
          predictor.reconcile(authority.ackSeq, undefined, nowMs);
          expect(predictor.rig).toEqual(authority.rig);
          expect(authority.agrees(predictor.inputSeq, predictor.rig)).toBe(true);
        });
      }),
    );
  });

  it("[RP2] converge under any latency and any refusals, as soon as the last correction has arrived", () => {
    const step = fc.record({ one: anyInput, gapMs: fc.integer({ min: 0, max: 40 }), deliver: fc.boolean(), answer: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const predictor = new RigPredictor(ZERO_RIG, bounds);
        const authority = new RigAuthority(ZERO_RIG, bounds);
        let nowMs = 0;
        // Frames in flight: what the room said after some input. It always says its rig; the client finds out whether it differs.
        let said: { ackSeq: number; rig: Rig } | undefined;
        const deliver = (): void => {
          for (let sent = predictor.takeUnsent(); sent.length > 0; sent = predictor.takeUnsent()) for (const one of sent) authority.apply(one, nowMs);
          said = { ackSeq: authority.ackSeq, rig: { ...authority.rig } };
        };
        for (const { one, gapMs, deliver: delivered, answer } of steps) {
          nowMs += gapMs;
          predictor.push(one);
          if (delivered) deliver();
          if (answer && said !== undefined) predictor.reconcile(said.ackSeq, said.rig, nowMs);
        }
        deliver();
        const last = said as { ackSeq: number; rig: Rig } | undefined;
        if (last !== undefined) predictor.reconcile(last.ackSeq, last.rig, nowMs);
        expect(predictor.rig).toEqual(authority.rig);
        expect(predictor.pendingCount).toBe(0);
        predictor.update(nowMs + 60);
        // A correction backwards ends at minus zero.
        const { x, y, z } = predictor.displayOffset;
        expect(Math.hypot(x, y, z)).toBe(0);
      }),
    );
  });

  it("[RP2] replays what the room has not seen on top of its correction", () => {
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    for (let i = 0; i < 10; i++) predictor.push(input({ dtMs: 20, moveZ: -127 }));
    predictor.reconcile(4, { xMm: 0, yMm: 0, zMm: 0, yaw: 0 }, 100);
    // Six inputs of 50 mm are left.
    expect(predictor.rig.zMm).toBe(-300);
    expect(predictor.displayOffset.z).toBeCloseTo(-0.2, 9);
  });

  it("[RP3] blends a correction over 60 ms, and snaps a long one", () => {
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    predictor.push(input({}));
    predictor.reconcile(1, { xMm: 300, yMm: 0, zMm: 0, yaw: 0 }, 1000);
    const seen = [1000, 1015, 1030, 1045, 1060].map((nowMs) => {
      predictor.update(nowMs);
      return predictor.rig.xMm / 1000 + predictor.displayOffset.x;
    });
    expect(seen[0]).toBeCloseTo(0, 9);
    expect(seen[4]).toBe(0.3);
    seen.slice(1).forEach((x, i) => expect(x).toBeGreaterThan(seen[i] as number));
    predictor.reconcile(1, { xMm: 900, yMm: 0, zMm: 0, yaw: 0 }, 2000);
    expect(predictor.displayOffset.x).toBe(0);
    expect(predictor.rig.xMm).toBe(900);
  });

  it("ignores acknowledgements from the past and from the future", () => {
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    walk(predictor);
    predictor.reconcile(20, undefined, 0);
    const before = { ...predictor.rig };
    predictor.reconcile(10, { xMm: 1, yMm: 2, zMm: 3, yaw: 4 }, 0);
    predictor.reconcile(51, { xMm: 1, yMm: 2, zMm: 3, yaw: 4 }, 0);
    expect(predictor.rig).toEqual(before);
    expect(predictor.pendingCount).toBe(30);
  });

  it("[RP4] keeps a bounded number of inputs when the room is silent, and hands out a message's worth at a time", () => {
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    for (let i = 0; i < 70_000; i++) predictor.push(input({ dtMs: 1 }));
    expect(predictor.pendingCount).toBeLessThan(1000);
    const first = predictor.takeUnsent();
    expect(first.length).toBe(32);
    expect(predictor.takeUnsent()[0]?.seq).toBe(((first.at(-1)?.seq ?? 0) + 1) & 0xffff);
  });

  it("brings values to what the wire carries before applying them", () => {
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    const applied = predictor.push({
      dtMs: 16.6,
      moveX: 900,
      moveZ: Number.NaN,
      heading: -1,
      turn: 0.2,
      teleport: { positionMm: [1.4, 2.6, -0.2], yaw: 65_536 },
    });
    expect(applied).toEqual({ seq: 1, dtMs: 17, moveX: 127, moveZ: 0, heading: 65_535, turn: 0, teleport: { positionMm: [1, 3, 0], yaw: 0 } });
  });
});

describe("RigAuthority", () => {
  it("[RA1] does not move a client that sends faster than real time any faster", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    let seq = 0;
    const verdicts = new Set<string>();
    // Ten seconds of room time; five times as many inputs as they allow.
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) verdicts.add(authority.apply(input({ seq: ++seq, dtMs: 50, moveZ: -127 }), nowMs));
    expect([...verdicts].sort()).toEqual(["ok", "too-fast"]);
    expect(-authority.rig.zMm).toBeLessThanOrEqual(MOVE_MM_PER_S * 11.2);
    expect(-authority.rig.zMm).toBeGreaterThan(MOVE_MM_PER_S * 10);
    expect(authority.ackSeq).toBe(seq);
  });

  it("lets a stalled client catch up a second at once", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    const predictor = new RigPredictor(ZERO_RIG, bounds);
    walk(predictor);
    for (let sent = predictor.takeUnsent(); sent.length > 0; sent = predictor.takeUnsent())
      for (const one of sent) expect(authority.apply(one, 5000)).toBe("ok");
    expect(sameRig(authority.rig, predictor.rig)).toBe(true);
  });

  it("[RA2] judges each input once; what it refuses is acknowledged and shows", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    expect(authority.apply(input({ seq: 1, moveZ: -127 }), 0)).toBe("ok");
    expect(authority.apply(input({ seq: 1, moveZ: -127 }), 0)).toBe("late");
    expect(authority.apply(input({ seq: 2, dtMs: 51 }), 0)).toBe("refused");
    expect(authority.apply(input({ seq: 3, teleport: { positionMm: [1, 2], yaw: 0 } }), 0)).toBe("refused");
    expect(authority.ackSeq).toBe(3);
    expect(authority.rigAt(3)).toEqual(authority.rigAt(1));
    expect(authority.rigAt(0)).toEqual(ZERO_RIG);
    expect(authority.rigAt(4)).toBeUndefined();
  });

  it("refuses teleports beyond a burst of eight and four a second", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    const verdicts = Array.from({ length: 40 }, (_, i) =>
      authority.apply(input({ seq: i + 1, teleport: { positionMm: [i, 0, 0], yaw: 0 } }), i * 50),
    );
    const granted = verdicts.filter((verdict) => verdict === "ok").length;
    expect(granted).toBe(8 + Math.floor((39 * 50 * 4) / 1000));
  });

  it("[RA3] remembers the rigs of the last inputs across the wrap of their numbers", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    const seen = new Map<number, Rig>();
    let seq = 0;
    for (let i = 0; i < 65_600; i++) {
      seq = (seq + 1) & 0xffff;
      authority.apply(input({ seq, dtMs: 10, moveZ: i % 3 === 0 ? 127 : 0 }), i * 10);
      seen.set(seq, { ...authority.rig });
    }
    for (let back = 0; back < 120; back++) expect(authority.rigAt((seq - back) & 0xffff)).toEqual(seen.get((seq - back) & 0xffff));
    expect(authority.rigAt((seq - 200) & 0xffff)).toBeUndefined();
  });

  it("can place a person, which holds for the newest input", () => {
    const authority = new RigAuthority(ZERO_RIG, bounds);
    authority.apply(input({ seq: 1 }), 0);
    authority.place({ xMm: 7, yMm: 0, zMm: 8, yaw: 9 });
    expect(authority.rigAt(1)).toEqual({ xMm: 7, yMm: 0, zMm: 8, yaw: 9 });
    expect(authority.agrees(1, ZERO_RIG)).toBe(false);
  });
});
