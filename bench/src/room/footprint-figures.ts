/**
 * What a connected user costs in memory, and whether that grows: heap and external memory of the server process after a collection, with
 * everybody connected and moving, less what it was before anybody came.
 */
import type { Figure } from "../report.ts";
import { pause } from "./child.ts";
import { atMost } from "./figures.ts";
import { Load } from "./load.ts";

export type FootprintScale = {
  readonly people: number;
  readonly tickRateHz: number;
  readonly uplinkHz: number;
  /** Until caches and buffers have their size. */
  readonly settleMs: number;
  /** How long growth is watched, and how often looked at. */
  readonly watchMs: number;
  readonly looks: number;
};

const KIB = 1024;
const USER_BAR_KIB = 64;
/** Collections of a quiet process differ by this much, KiB per user of a thousand. */
const NOISE_KIB = 0.5;

export async function footprintFigures(
  scale: FootprintScale,
  { seed, traces, progress }: { readonly seed: number; readonly traces: string | undefined; readonly progress: (line: string) => void },
): Promise<Figure[]> {
  const { people, tickRateHz, uplinkHz, settleMs, watchMs, looks } = scale;
  progress(`memory of ${people} connected users, watched for ${watchMs / 1000} s`);
  const load = await Load.start("ours", { tickRateHz, transport: "ws" });
  try {
    const empty = (await load.usage(true)).heapBytes;
    await load.connect({ count: people, uplinkHz, tickRateHz, seed, traces });
    await pause(settleMs);
    const series: number[] = [(await load.usage(true)).heapBytes];
    for (let look = 0; look < looks; look++) {
      await pause(watchMs / looks);
      series.push((await load.usage(true)).heapBytes);
      progress(`  ${(((series.at(-1) as number) - empty) / people / KIB).toFixed(2)} KiB per user`);
    }
    const connected = people - (await load.closings()).length;
    if (connected < people) throw new Error(`${people - connected} of ${people} users were disconnected while memory was watched`);
    const perUser = Math.max(...series.map((bytes) => (bytes - empty) / people / KIB));
    return [
      atMost({ id: "room.bytes_per_user", value: perUser, unit: "KiB of heap and external memory", bar: USER_BAR_KIB }),
      atMost({ id: "room.growth_per_user", value: slope(series) / people / KIB, unit: `KiB in ${watchMs / 1000} s`, bar: NOISE_KIB }),
    ];
  } finally {
    await load.stop();
  }
}

/** Growth over the whole series, by least squares. */
function slope(series: readonly number[]): number {
  const n = series.length;
  const middle = (n - 1) / 2;
  const mean = series.reduce((a, b) => a + b, 0) / n;
  let up = 0;
  let down = 0;
  series.forEach((value, i) => {
    up += (i - middle) * (value - mean);
    down += (i - middle) ** 2;
  });
  return down === 0 ? 0 : (up / down) * (n - 1);
}
