/**
 * How much of a source a viewer gets: nothing, the far stream's slower or both layers, or the fine stream's layers.
 */
export const Tier = { none: 0, c0: 1, c1: 2, t0: 3, t1: 4, full: 5 } as const;
export type Tier = (typeof Tier)[keyof typeof Tier];

const NAMES = ["none", "far 5 Hz", "far 10 Hz", "T0", "T0+T1", "T0+T1+T2"] as const;
export const tierName = (tier: Tier): string => NAMES[tier];

/** How often interest is judged anew for each viewer, and each source's cell looked up. */
const REVIEW_HZ = 4;
export const reviewTicks = (tickRateHz: number): number => Math.max(1, Math.round(tickRateHz / REVIEW_HZ));
