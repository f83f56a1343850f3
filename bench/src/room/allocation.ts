/**
 * What a tick of the pose plane allocates once the room has settled: everybody's sample submitted, the tick encoded, interests reviewed,
 * and a frame put together for every viewer. Movement is made beforehand, and no part of it.
 *
 * A collection throws optimised code away, after which doubles are boxed until it is compiled anew; so the heap is read tick by tick
 * without one in between, and the median tick is the figure.
 */
import { PosePlane } from "@copresence/server/core";
import { type FrameHead, newPoseSample, POSE_FLOATS } from "@copresence/shared/pose";
import { CrowdMotion } from "./crowd.ts";
import { quantile } from "./memory.ts";

export type AllocationSettings = {
  readonly people: number;
  readonly tickRateHz: number;
  readonly warmS: number;
  readonly ticks: number;
  readonly seed: number;
};
export type Allocation = { readonly bytesPerTick: number; readonly bytesPerFrame: number };

/** Ticks of movement that are made, played to and fro. */
const CYCLE_S = 2;

export function planeAllocation({ people, tickRateHz, warmS, ticks, seed }: AllocationSettings): Allocation {
  const plane = new PosePlane({ capacity: people, tickRateHz });
  for (let slot = 0; slot < people; slot++) plane.add(slot);
  const motion = new CrowdMotion(people, seed);
  const cycle = CYCLE_S * tickRateHz;
  const poses = new Float64Array(cycle * people * POSE_FLOATS);
  for (let t = 0; t < cycle; t++)
    for (let i = 0; i < people; i++) {
      const at = (t * people + i) * POSE_FLOATS;
      motion.pose(i, (t * 1000) / tickRateHz, poses.subarray(at, at + POSE_FLOATS));
    }
  const sample = newPoseSample();
  const head: FrameHead = { tick: 0, inputAck: 0, rig: undefined };
  let frames = 0;
  const run = (tick: number): void => {
    const phase = tick % (2 * cycle);
    const row = (phase < cycle ? phase : 2 * cycle - 1 - phase) * people;
    plane.startStep();
    for (let i = 0; i < people; i++) {
      sample.timeMs = (tick * 1000) / tickRateHz - 8;
      const at = (row + i) * POSE_FLOATS;
      for (let c = 0; c < POSE_FLOATS; c++) sample.pose[c] = poses[at + c] as number;
      plane.submit(i, sample);
    }
    plane.encodeTick(tick);
    head.tick = tick;
    for (let i = 0; i < people; i++) if (plane.assembleFrame(i, head) > 0) frames++;
  };
  const warm = warmS * tickRateHz;
  for (let tick = 1; tick <= warm; tick++) run(tick);
  const grown = new Float64Array(ticks);
  const before = new Float64Array(1);
  const asking = -inUse() + inUse();

  frames = 0;
  for (let i = 0; i < ticks; i++) {
    before[0] = inUse();
    run(warm + 1 + i);
    grown[i] = inUse() - (before[0] as number) - asking;
  }
  const bytesPerTick = Math.max(0, quantile(grown, 0.5));
  return { bytesPerTick, bytesPerFrame: (bytesPerTick * ticks) / frames };
}

/** Bytes of the heap and beside it. */
export function inUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
