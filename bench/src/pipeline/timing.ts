/** Pace, pauses and quantiles for the pipeline's benches. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the process alive meanwhile: a pipeline of its own does not. */
export async function kept<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Calls `act` `perSecond` times a second for `ms`, against absolute deadlines: what a late timer missed is made up for. */
export async function paced(perSecond: number, ms: number, act: () => void): Promise<void> {
  const startedMs = performance.now();
  for (let acts = 0; ;) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= ms) return;
    for (; acts < (elapsedMs * perSecond) / 1000; acts++) act();
    await pause(2);
  }
}

/** Nearest-rank quantiles; NaN of nothing. */
export function quantiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return shares.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);
}
