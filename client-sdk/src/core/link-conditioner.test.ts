import { describe, expect, it } from "vitest";
import type { Dialer, LinkHandlers } from "./link.ts";
import { conditioned } from "./link-conditioner.ts";
import { seededRandom } from "./random.ts";
import type { LinkConditions } from "./space-types.ts";
import { StepTime } from "./testing/step-time.ts";

async function open(conditions: { now: LinkConditions | undefined }) {
  const time = new StepTime();
  const sent: { readonly atMs: number; readonly value: number }[] = [];
  const heard: { readonly atMs: number; readonly value: number | string }[] = [];
  let room: LinkHandlers | undefined;
  const dialer: Dialer = async (_, handlers) => {
    room = handlers;
    return { send: (bytes) => sent.push({ atMs: time.now(), value: bytes[0] as number }) > 0, bufferedBytes: 0, close: () => undefined };
  };
  const note = (value: number | string): void => void heard.push({ atMs: time.now(), value });
  const link = await conditioned(dialer, { clock: time, scheduler: time, random: seededRandom(9), conditions: () => conditions.now })(
    { url: "", space: "", ticket: "" },
    { onMessage: (_, body) => note(body[0] as number), onSession: (event) => note(event.kind), onClosed: () => note("closed") },
  );
  return { time, sent, heard, link, room: room as unknown as LinkHandlers };
}

const bytes = (value: number, length = 1): Uint8Array => new Uint8Array(length).fill(value);

describe("link conditioner", () => {
  it("[LC2] passes everything at once without conditions", async () => {
    const { link, room, sent, heard, time } = await open({ now: undefined });
    link.send(bytes(1), false);
    room.onMessage(33, bytes(2));
    expect([sent, heard]).toEqual([[{ atMs: time.now(), value: 1 }], [{ atMs: time.now(), value: 2 }]]);
  });

  it("delays both directions, copies what it keeps, and delivers session events in their turn", async () => {
    const { link, room, sent, heard, time } = await open({ now: { latencyMs: 80, jitterMs: 0, lossPct: 0 } });
    const startMs = time.now();
    const reused = bytes(5);
    link.send(bytes(1), false);
    room.onMessage(33, reused);
    room.onSession({ kind: "personGone", slot: 4 });
    reused[0] = 99;
    await time.run(79);
    expect(sent).toEqual([]);
    await time.run(1);
    expect(sent).toEqual([{ atMs: startMs + 80, value: 1 }]);
    expect(heard.map(({ value }) => value)).toEqual([5, "personGone"]);
  });

  it("[LC1] keeps order under jitter and loss, and a loss is late by a retransmission timeout", async () => {
    const conditions = { now: { latencyMs: 30, jitterMs: 60, lossPct: 20 } };
    const { room, heard, time } = await open(conditions);
    for (let i = 0; i < 100; i++) {
      room.onMessage(33, bytes(i));
      await time.run(5);
    }
    await time.run(5000);
    expect(heard.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    const first = heard[0]?.atMs ?? 0;
    expect(Math.max(...heard.map(({ atMs }, i) => atMs - first - i * 5))).toBeGreaterThan(150);
  });

  it("[LC3] counts what waits as buffered and drops droppable messages behind a backlog", async () => {
    const { link, sent, time } = await open({ now: { latencyMs: 500, jitterMs: 0, lossPct: 0 } });
    expect(link.send(bytes(1, 4000), true)).toBe(true);
    expect(link.send(bytes(2, 500), true)).toBe(true);
    expect(link.send(bytes(3), true)).toBe(false);
    expect(link.send(bytes(4), false)).toBe(true);
    expect(link.bufferedBytes).toBe(4501);
    await time.run(500);
    expect(sent.map(({ value }) => value)).toEqual([1, 2, 4]);
  });

  it("ends with the link: nothing is delivered after `closed`", async () => {
    const { room, heard, time } = await open({ now: { latencyMs: 50, jitterMs: 0, lossPct: 0 } });
    room.onMessage(33, bytes(1));
    room.onClosed(1006, "");
    await time.run(1000);
    expect(heard.map(({ value }) => value)).toEqual(["closed"]);
  });

  it("drains what was held back when the conditions end, before anything new", async () => {
    const conditions: { now: LinkConditions | undefined } = { now: { latencyMs: 100, jitterMs: 0, lossPct: 0 } };
    const { room, heard, time } = await open(conditions);
    room.onMessage(33, bytes(1));
    conditions.now = undefined;
    room.onMessage(33, bytes(2));
    await time.run(100);
    expect(heard.map(({ value }) => value)).toEqual([1, 2]);
    room.onMessage(33, bytes(3));
    expect(heard.map(({ value }) => value)).toEqual([1, 2, 3]);
  });
});
