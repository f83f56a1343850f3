import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockWriter, Encoded } from "./block-writer.ts";
import { FrameDecoder, FrameFlag, type FrameHead, type FrameSink, Section } from "./frame.ts";
import { allFinite, Mover } from "./pose-kit.ts";
import type { PoseSample } from "./types.ts";

const RATE = 60;
type Seen = { heads: number; slots: number[]; finite: boolean; head: FrameHead | undefined };

function watcher(): { seen: Seen; sink: FrameSink } {
  const seen: Seen = { heads: 0, slots: [], finite: true, head: undefined };
  return {
    seen,
    sink: {
      onHead(head) {
        seen.heads++;
        seen.head = { ...head };
      },
      onPose(slot: number, sample: PoseSample) {
        seen.slots.push(slot);
        seen.finite &&= Number.isFinite(sample.timeMs) && allFinite(sample.pose);
      },
    },
  };
}

const headBytes = (tick: number, flags = 0): number[] => [flags, tick & 0xff, (tick >> 8) & 0xff, (tick >> 16) & 0xff, tick >>> 24, 7, 0];

/** Frames of three sources in slots 1, 2 and 9, each source's block also apart. */
class Room {
  readonly writer = new BlockWriter({ capacity: 16, tickRateHz: RATE });
  readonly slots = [1, 2, 9];
  private readonly movers = this.slots.map((slot) => new Mover(slot));

  frame(tick: number, without: readonly number[] = []): Uint8Array {
    const fine: number[] = [];
    const intra: number[] = [];
    let intras = 0;
    let groups = 0;
    for (const group of [0, 1]) {
      const blocks: number[] = [];
      let presence = 0;
      this.slots.forEach((slot, i) => {
        if (slot >> 3 !== group) return;
        const out = new Uint8Array(160);
        const outcome = this.writer.encode(slot, tick, (this.movers[i] as Mover).at((tick * 1000) / RATE - 8), out, 0);
        if (outcome === Encoded.reset) {
          intras++;
          intra.push(slot, 0, ...out.subarray(0, this.writer.intra(slot, tick, out, 0)));
        } else if (outcome === Encoded.block && !without.includes(slot)) {
          presence |= 1 << (slot & 7);
          blocks.push(...out.subarray(0, this.writer.end));
        }
      });
      if (presence === 0) continue;
      groups |= 1 << group;
      fine.push(presence, blocks.length & 0xff, blocks.length >> 8, ...blocks);
    }
    const body = headBytes(tick);
    if (groups !== 0) body.push(Section.fine, 0, 2, groups, ...fine);
    if (intras > 0) body.push(Section.intra, intras, 0, ...intra);
    return Uint8Array.from(body);
  }
}

describe("frames", () => {
  it("deliver the head first, then every source of every group", () => {
    const room = new Room();
    const decoder = new FrameDecoder({ tickRateHz: RATE });
    for (let tick = 10; tick < 30; tick++) {
      const { seen, sink } = watcher();
      expect(decoder.decode(room.frame(tick), sink)).toBe(true);
      expect(seen).toMatchObject({ heads: 1, slots: [1, 2, 9], finite: true, head: { tick, inputAck: 7, rig: undefined } });
    }
    expect(decoder.drainMissing(64)).toEqual([]);
  });

  it("carry the corrected rig", () => {
    const { seen, sink } = watcher();
    const rig = [0x18, 0xfc, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    const decoder = new FrameDecoder({ tickRateHz: RATE });
    expect(decoder.decode(Uint8Array.from([...headBytes(5, FrameFlag.rig), ...rig]), sink)).toBe(true);
    expect(seen.head?.rig).toEqual({ xMm: -1000, yMm: 1, zMm: 0, yaw: 65_535 });
  });

  it("[FR2] lose one source's references without losing other groups, report it once, and forget who left", () => {
    const room = new Room();
    const decoder = new FrameDecoder({ tickRateHz: RATE });
    for (let tick = 10; tick < 14; tick++) decoder.decode(room.frame(tick), watcher().sink);
    decoder.decode(room.frame(14, [1]), watcher().sink);
    const { seen, sink } = watcher();
    for (let tick = 15; tick < 30; tick++) expect(decoder.decode(room.frame(tick), sink)).toBe(true);
    expect(seen.slots.filter((slot) => slot === 9)).toHaveLength(15);
    expect(seen.slots).not.toContain(1);
    const missing = decoder.drainMissing(64);
    expect(missing).toContain(1);
    expect(missing).not.toContain(9);
    decoder.decode(room.frame(30), sink);
    expect(decoder.drainMissing(64)).toEqual([]);
    decoder.forget(9);
    const after = watcher();
    decoder.decode(room.frame(31), after.sink);
    expect(after.seen.slots).not.toContain(9);
  });

  it("[FR1] never throw or deliver a non-finite value on mutated frames", () => {
    const room = new Room();
    const frames = Array.from({ length: 24 }, (_, i) => room.frame(10 + i));
    const mutation = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.nat(), mutation, fc.nat(), (which, changes, cut) => {
        const decoder = new FrameDecoder({ tickRateHz: RATE });
        const { seen, sink } = watcher();
        const upTo = which % frames.length;
        for (let i = 0; i < upTo; i++) decoder.decode(frames[i] as Uint8Array, sink);
        const bytes = Uint8Array.from(frames[upTo] as Uint8Array);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        decoder.decode(cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes, sink);
        for (let i = upTo + 1; i < frames.length; i++) decoder.decode(frames[i] as Uint8Array, sink);
        expect(seen.finite).toBe(true);
        expect(seen.slots.every((slot) => slot < 1024)).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it("[FR1] never throw on arbitrary bytes behind a valid head", () => {
    const decoder = new FrameDecoder({ tickRateHz: RATE });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(Section.fine, Section.intra, 0, 9), (bytes, section) => {
        const { seen, sink } = watcher();
        decoder.decode(Uint8Array.from([...headBytes(1000), section, ...bytes]), sink);
        expect(seen.finite).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
