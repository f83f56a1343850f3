/** One memory run in a process of its own, so that every run starts with the same heap and the same code not yet compiled. */
import { allocateYoung } from "@copresence/server/collector";
import { serve } from "./child.ts";
import { planeAllocation, type AllocationSettings } from "./allocation.ts";
import { type MemorySettings, quantile, runMemory } from "./memory.ts";

export type MemorySummary = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  readonly ticks: number;
  readonly kbitPerViewer: number;
  readonly kbitPerViewerMost: number;
  readonly starvedMs: number;
  readonly unseen: number;
  readonly updatesPerPair: number;
};

// As the server does when it starts.
allocateYoung();

serve({
  run: (settings: MemorySettings): MemorySummary => {
    const { wallMs, ...rest } = runMemory(settings);
    return { ...rest, p50Ms: quantile(wallMs, 0.5), p99Ms: quantile(wallMs, 0.99), mostMs: quantile(wallMs, 1), ticks: wallMs.length };
  },
  allocation: (settings: AllocationSettings) => planeAllocation(settings),
});
