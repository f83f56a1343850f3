/**
 * What watching behaviour adds to a room's tick: two rooms with the same people and the same messages, one of them watched, step in turn in
 * one process, and the thread's CPU time of each is summed. Beside it the watch alone, tick by tick, for what a difference of two large
 * numbers cannot show: its own percentiles.
 */
import { type BehaviourModel, BehaviourWatch, SAMPLES_HZ } from "@copresence/server/behaviour";
import type { SceneCore } from "@copresence/server/core";
import { POSE_FLOATS } from "@copresence/shared/pose";
import { inUse } from "../room/allocation.ts";
import { CrowdMotion } from "../room/crowd.ts";
import { joins, openCore, quantile, recordMessages, stepRoom } from "../room/memory.ts";

export type CostSettings = {
  readonly people: number;
  readonly tickRateHz: number;
  readonly warmS: number;
  readonly measureS: number;
  readonly seed: number;
};
export type RoomCost = { readonly plainMs: number; readonly watchedMs: number; readonly plainP99Ms: number; readonly watchedP99Ms: number };

/** Mean CPU time of a tick, and the 99th percentile of its wall time, of both rooms. */
export function roomCost(settings: CostSettings, behaviour: BehaviourModel | undefined): RoomCost {
  const { people, tickRateHz, warmS, measureS, seed } = settings;
  const rooms = [openCore(settings), openCore(settings, { behaviour, takesReports: true })] as const;
  for (const room of rooms) room.step(joins(people), 0);
  const ticks = (warmS + measureS) * tickRateHz;
  const messages = recordMessages(new CrowdMotion(people, seed), ticks, tickRateHz);
  const measured = measureS * tickRateHz;
  const [cpu, wall] = [new Float64Array(2), [new Float64Array(measured), new Float64Array(measured)] as const];
  for (let tick = 1; tick <= ticks; tick++) {
    const at = tick - 1 - warmS * tickRateHz;
    for (let turn = 0; turn < 2; turn++) {
      const which = (turn + tick) % 2;
      const startMs = performance.now();
      const before = process.threadCpuUsage();
      stepRoom(rooms[which] as SceneCore, messages[tick - 1] as readonly Uint8Array[], (tick * 1000) / tickRateHz);
      const { user, system } = process.threadCpuUsage(before);
      if (at < 0) continue;
      cpu[which] = (cpu[which] as number) + (user + system) / 1000 / measured;
      (wall[which] as Float64Array)[at] = performance.now() - startMs;
    }
  }
  const [plainMs, watchedMs] = [cpu[0] as number, cpu[1] as number];
  return { plainMs, watchedMs, plainP99Ms: quantile(wall[0], 0.99), watchedP99Ms: quantile(wall[1], 0.99) };
}

export type WatchCost = { readonly meanMs: number; readonly p99Ms: number; readonly mostMs: number; readonly bytesPerTick: number };

/** The watch alone, in every tick of `measureS` seconds: sampling everybody every tenth of a second, and the tick's slice of pairs. */
export function watchCost({ people, tickRateHz, warmS, measureS, seed }: CostSettings, model: BehaviourModel): WatchCost {
  const motion = new CrowdMotion(people, seed);
  const sampleTicks = Math.round(tickRateHz / SAMPLES_HZ);
  const poses = new Float64Array(people * POSE_FLOATS);
  const slots = Int16Array.from({ length: people }, (_, slot) => slot);
  const watch = new BehaviourWatch({
    capacity: people,
    looksHz: tickRateHz,
    model,
    poseOf: (slot, out) => {
      for (let i = 0; i < POSE_FLOATS; i++) out[i] = poses[slot * POSE_FLOATS + i] as number;
      return true;
    },
    exempt: () => false,
    alarm: () => {},
  });
  const [warm, measured] = [warmS * tickRateHz, measureS * tickRateHz];
  const [took, grown] = [new Float64Array(measured), new Float64Array(measured)];
  const asking = -inUse() + inUse();
  for (let tick = 1; tick <= warm + measured; tick++) {
    for (let i = 0; i < people; i++) motion.pose(i, (tick * 1000) / tickRateHz, poses.subarray(i * POSE_FLOATS, (i + 1) * POSE_FLOATS));
    const before = inUse();
    const startMs = performance.now();
    if (tick % sampleTicks === 0) watch.sample(slots, people);
    watch.look();
    const tookMs = performance.now() - startMs;
    if (tick <= warm) continue;
    took[tick - warm - 1] = tookMs;
    grown[tick - warm - 1] = inUse() - before - asking;
  }
  const meanMs = took.reduce((sum, ms) => sum + ms, 0) / measured;
  return { meanMs, p99Ms: quantile(took, 0.99), mostMs: quantile(took, 1), bytesPerTick: Math.max(0, quantile(grown, 0.5)) };
}
