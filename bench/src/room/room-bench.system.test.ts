import { Random } from "@copresence/simulations/people";
import { describe, expect, it } from "vitest";
import type { Figure } from "../report.ts";
import { planeAllocation } from "./allocation.ts";
import { CrowdMotion } from "./crowd.ts";
import { FULL as GOVERNOR, governor } from "./governor.ts";
import { runMemory } from "./memory.ts";
import { FULL, room, type RoomScale } from "./suite.ts";

const OPTIONS = { traces: undefined, network: undefined, dump: undefined };
const TINY: RoomScale = {
  seed: 1,
  memory: {
    rooms: [{ people: 40, tickRateHz: 30 }],
    runs: 1,
    warmS: 2,
    measureS: 1,
    watchers: 3,
    allocation: { people: 24, tickRateHz: 30, ticks: 30 },
  },
  sockets: {
    ...FULL.sockets,
    people: 12,
    rounds: 1,
    warmMs: 300,
    measureMs: 400,
    peerFrom: 4,
    peerMost: 4,
    peerMeasureMs: 200,
    viewPeople: 4,
  },
  footprint: { people: 12, tickRateHz: 30, uplinkHz: 30, settleMs: 200, watchMs: 200, looks: 2 },
};
const value = (figures: readonly Figure[], id: string): number => figures.find((figure) => figure.id === id)?.value as number;

/** Small enough to run with every test: no bar is judged here, but every figure is there, finite and possible. */
describe("the room bench", { timeout: 180_000 }, () => {
  it("runs at a small scale and gives every figure of the full one", async () => {
    const { figures } = await room(OPTIONS, () => {}, TINY);
    const ids = figures.map(({ id }) => id);
    for (const id of [
      ["room.memory_40x30", "room.kbit_per_viewer_40x30", "room.starved_ms_40x30", "room.alloc_bytes_per_tick"],
      ["room.sockets_12x30", "room.of_raw_limit", "room.vs_colyseus_views", "room.vs_json_relay"],
      ["room.bytes_per_user", "room.growth_per_user"],
    ].flat())
      expect(ids).toContain(id);
    for (const figure of figures) expect(figure.value, figure.id).toSatisfy(Number.isFinite);
    expect(value(figures, "room.unseen_40x30")).toBe(0);
    expect(value(figures, "room.starved_ms_40x30")).toBeLessThanOrEqual(250);
    expect(value(figures, "room.sockets_12x30_bytes_per_frame")).toBeGreaterThan(50);
  });

  it("governor: everybody hears every line, and the paused client's session stays open until the limit", async () => {
    const { figures } = await governor(OPTIONS, () => {}, {
      ...GOVERNOR,
      people: 8,
      rounds: 1,
      warmMs: 300,
      calmMs: 300,
      settleMs: 0,
      patienceMs: 1500,
    });
    expect(value(figures, "governor.ordered_gaps")).toBe(0);
    expect(value(figures, "governor.lines")).toBeGreaterThanOrEqual(1);
    expect(value(figures, "governor.queue_kib")).toBeLessThan(256);
    expect(value(figures, "governor.closed_s")).toBe(Number.POSITIVE_INFINITY);
  });

  it("[CD1] measures the same room for the same seed, whose tick allocates nothing", () => {
    const settings = { people: 48, tickRateHz: 30, warmS: 1, measureS: 1, watchers: 2, seed: 5, traces: undefined };
    const [a, b] = [runMemory(settings), runMemory(settings)];
    expect([a.kbitPerViewer, a.updatesPerPair]).toEqual([b.kbitPerViewer, b.updatesPerPair]);
    expect(planeAllocation({ people: 48, tickRateHz: 30, warmS: 12, ticks: 100, seed: 1 }).bytesPerTick).toBeLessThan(4096);
    const [first, second] = [new Float64Array(21), new Float64Array(21)];
    const seed = Math.floor(new Random(3).between(1, 1000));
    new CrowdMotion(3, seed).pose(2, 777, first);
    new CrowdMotion(3, seed).pose(2, 777, second);
    expect(first).toEqual(second);
  });
});
