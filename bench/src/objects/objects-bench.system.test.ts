import { expect, it } from "vitest";
import { objects } from "./suite.ts";

it("the objects bench runs, and its edits are really saved", async () => {
  // Recorded sessions have a test of their own (replay).
  const options = { traces: undefined, network: undefined, dump: undefined, data: "no-sessions" };
  const { figures } = await objects(options, () => undefined, {
    latency: { people: 2, editsPerS: 20, rounds: 1, roundMs: 500, warmMs: 100 },
    throughput: { rooms: 2, writers: 2, editsEach: 5, rounds: 1 },
    growth: { people: 20, minutes: 4, pauseS: 1, objects: 30, seed: 2 },
    memory: { documentBytes: 500_000 },
    idle: { scenes: 5, bytes: 5000, warm: 0 },
    hold: { documentBytes: 3_000_000, people: 3, rounds: 1 },
  });
  const value = (id: string): number => figures.find((figure) => figure.id === id)?.value ?? Number.NaN;
  expect(value("objects.edits")).toBeGreaterThanOrEqual(8);
  // Less than an fsync's time would mean that nothing was waited for.
  expect(value("objects.ack_ms_p50")).toBeGreaterThan(0.2);
  expect(value("objects.vs_raw_fsync")).toBeGreaterThan(0);
  expect(value("objects.vs_ywebsocket")).toBeGreaterThan(0);
  expect(value("objects.vs_hocuspocus")).toBeGreaterThan(0);
  expect(value("growth.edits")).toBeGreaterThan(4000);
  expect(value("growth.state_ratio")).toBeGreaterThan(0.5);
  // So small a scene is not re-rooted before its 2 000th tombstone: the bar is for the hour.
  expect(value("growth.state_ratio")).toBeLessThan(6);
  expect(value("objects.hold_join_ms")).toBeGreaterThan(0);
  expect(value("objects.hold_reroot_ms")).toBeGreaterThan(0);
  expect(value("objects.idle_rooms")).toBe(0);
  expect(value("objects.idle_scenes")).toBe(5);
  expect(value("objects.memory_held_ratio")).toBeGreaterThan(0.5);
}, 120_000);
