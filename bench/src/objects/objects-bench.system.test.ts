import { expect, it } from "vitest";
import { objects } from "./suite.ts";

it("the objects bench runs, and its edits are really saved", async () => {
  // Recorded sessions have a test of their own (replay).
  const options = { traces: undefined, network: undefined, dump: undefined, data: "no-sessions" };
  const { figures } = await objects(options, () => undefined, {
    latency: { people: 2, editsPerS: 20, rounds: 1, roundMs: 500, warmMs: 100 },
    throughput: { rooms: 2, writers: 2, editsEach: 5, rounds: 1 },
  });
  const value = (id: string): number => figures.find((figure) => figure.id === id)?.value ?? Number.NaN;
  expect(value("objects.edits")).toBeGreaterThanOrEqual(8);
  // Less than an fsync's time would mean that nothing was waited for.
  expect(value("objects.ack_ms_p50")).toBeGreaterThan(0.2);
  expect(value("objects.vs_raw_fsync")).toBeGreaterThan(0);
  expect(value("objects.vs_ywebsocket")).toBeGreaterThan(0);
  expect(value("objects.vs_hocuspocus")).toBeGreaterThan(0);
});
