import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { PROFILES, VirtualDatagrams, VirtualStream } from "./virtual-link.ts";
import { VirtualTime } from "./virtual-time.ts";

const PACKETS = 500;

/** Arrival order and times of numbered packets sent every 10 ms. */
async function streamed(seed: number, holdAtMs?: number): Promise<{ order: number[]; times: number[] }> {
  const time = new VirtualTime();
  const order: number[] = [];
  const times: number[] = [];
  const stream = new VirtualStream<number>(time, new Random(seed), PROFILES.bad, (packet) => {
    order.push(packet);
    times.push(time.nowMs);
  });
  for (let i = 0; i < PACKETS; i++) time.at(i * 10, () => stream.send(i, 100));
  if (holdAtMs !== undefined) time.at(holdAtMs, () => stream.hold(holdAtMs + 500));
  await time.runUntil(60_000);
  expect(stream.inFlightBytes).toBe(0);
  return { order, times };
}

describe("virtual links", () => {
  it("[VL1] a stream keeps order and loses nothing, whatever its luck", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { order } = await streamed(seed);
        expect(order).toEqual(Array.from({ length: PACKETS }, (_, i) => i));
      }),
      { numRuns: 10 },
    );
  });

  it("[VL3] a held stream delivers nothing that was sent meanwhile until it is let go", async () => {
    const { order, times } = await streamed(3, 1000);
    for (const [i, packet] of order.entries()) if (packet * 10 > 1000 && packet * 10 < 1500) expect(times[i]).toBeGreaterThanOrEqual(1500);
  });

  it("[VL2] datagrams are lost, doubled and overtaken", async () => {
    const time = new VirtualTime();
    const order: number[] = [];
    const flow = new VirtualDatagrams<number>(time, new Random(5), PROFILES.bad, (packet) => order.push(packet));
    for (let i = 0; i < 5000; i++) time.at(i * 10, () => flow.send(i));
    await time.runUntil(100_000);
    const lost = 5000 - new Set(order).size;
    expect(lost / 5000).toBeGreaterThan(0.01);
    expect(lost / 5000).toBeLessThan(0.03);
    expect(order.length).toBeGreaterThan(new Set(order).size);
    expect(order.some((packet, i) => i > 0 && packet < (order[i - 1] as number))).toBe(true);
  });

  it("[VL4] the same seed has the same luck", async () => {
    expect(await streamed(11)).toEqual(await streamed(11));
    expect((await streamed(12)).times).not.toEqual((await streamed(11)).times);
  });
});
