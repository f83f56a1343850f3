/** The room without its sockets, and what its tick allocates. */
import type { Figure } from "../report.ts";
import type { Allocation } from "./allocation.ts";
import { Child } from "./child.ts";
import { atMost, median } from "./figures.ts";
import type { MemorySummary } from "./memory-run.ts";

export type Room = { readonly people: number; readonly tickRateHz: number };
export type MemoryScale = {
  readonly rooms: readonly Room[];
  /** Runs per room, each in a process of its own: the median is judged, the best reported beside it. */
  readonly runs: number;
  readonly warmS: number;
  readonly measureS: number;
  readonly watchers: number;
  /** Room of the allocation figure, and ticks looked at. */
  readonly allocation: Room & { readonly ticks: number };
};

const PATIENCE_MS = 300_000;
const TICK_BAR = 0.5;
const KBIT_BAR = 600;
const STARVED_BAR_MS = 250;

export async function memoryFigures(
  scale: MemoryScale,
  { seed, traces, progress }: { readonly seed: number; readonly traces: string | undefined; readonly progress: (line: string) => void },
): Promise<Figure[]> {
  const { warmS, measureS, watchers } = scale;
  const figures: Figure[] = [];
  for (const { people, tickRateHz } of scale.rooms) {
    const runs: MemorySummary[] = [];
    for (let run = 0; run < scale.runs; run++) {
      progress(`memory sink, ${people} people at ${tickRateHz} Hz, run ${run + 1} of ${scale.runs}`);
      runs.push(await alone("run", { people, tickRateHz, warmS, measureS, watchers, seed, traces }));
    }
    figures.push(...ofRoom({ people, tickRateHz }, runs));
  }
  const { ticks, ...room } = scale.allocation;
  progress(`allocation, ${room.people} people at ${room.tickRateHz} Hz`);
  const allocation = await alone<Allocation>("allocation", { ...room, warmS: warmS + 2, ticks, seed });
  figures.push(atMost({ id: "room.alloc_bytes_per_tick", value: allocation.bytesPerTick, unit: "B", bar: 0 }));
  return figures;
}

function ofRoom({ people, tickRateHz }: Room, runs: readonly MemorySummary[]): Figure[] {
  const name = `${people}x${tickRateHz}`;
  const parts = runs.map(({ p99Ms }) => (p99Ms * tickRateHz) / 1000);
  const first = runs[0] as MemorySummary;
  const id = (what: string): string => `room.${what}_${name}`;
  const middle = runs.find((_, i) => parts[i] === median(parts)) as MemorySummary;
  return [
    atMost({ id: id("memory"), value: median(parts), unit: "of the period (p99 tick)", bar: TICK_BAR }),
    { id: id("memory_best"), value: Math.min(...parts), unit: "of the period (p99 tick, best run)" },
    { id: id("tick_ms_p50"), value: middle.p50Ms, unit: "ms" },
    { id: id("tick_ms_p99"), value: middle.p99Ms, unit: "ms" },
    { id: id("tick_ms_most"), value: middle.mostMs, unit: "ms" },
    { id: id("ticks"), value: middle.ticks, unit: "ticks a run" },
    // The same seed gives the same bytes in every run.
    { id: id("kbit_per_viewer_mean"), value: first.kbitPerViewer, unit: "kbit/s" },
    atMost({ id: id("kbit_per_viewer"), value: first.kbitPerViewerMost, unit: "kbit/s (the most of any viewer)", bar: KBIT_BAR }),
    atMost({ id: id("starved_ms"), value: first.starvedMs, unit: "ms", bar: STARVED_BAR_MS }),
    atMost({ id: id("unseen"), value: first.unseen, unit: "people", bar: 0 }),
    { id: id("updates_per_pair"), value: first.updatesPerPair, unit: "Hz" },
  ];
}

async function alone<T>(question: string, settings: unknown): Promise<T> {
  const child = await Child.start("memory-run.ts");
  try {
    child.pin(0);
    return await child.ask<T>(question, settings, PATIENCE_MS);
  } finally {
    await child.stop();
  }
}
