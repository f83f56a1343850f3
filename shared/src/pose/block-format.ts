/**
 * Constants of the block layout (FORMAT.md) that writer and reader share.
 */
import { Layer } from "./layers.ts";
import { DeviceState } from "./types.ts";

/** Room to leave for one block, update or intra, whatever its content. */
export const MAX_BLOCK_BYTES = 160;
/** Quiet updates before a device is declared at rest. */
export const REST_AFTER = 16;
/** A silence this long ends the references' life: everybody gets an intra block. */
export const MAX_GAP_TICKS = 32_767;

/** Widths that FORMAT.md names. */
export const LAG_BITS = 13;
export const POSITION_BITS = 21;
export const NEAR_BITS = 12;
export const NEAR_LIMIT = 2 ** (NEAR_BITS - 1) - 1;
export const MRP_BITS = 16;
/** Orders of the Exp-Golomb codes. */
export const AGE_ORDER = 2;
export const GAP_ORDER = 1;
export const LAG_ORDER = 1;
export const DIFF_POSITION_ORDER = 3;
export const DIFF_MRP_ORDER = 5;

/** Devices whose residuals follow; the others stay where the reference has them. */
export function isCoded(state: number): boolean {
  return state === DeviceState.tracked || state === DeviceState.inferred;
}

/** The gaps of a source that updates every tick: T0 4 ticks apart, T1 halfway, T2 in between. */
export function isStandard(layer: Layer, gap: number, gap2: number): boolean {
  return layer === Layer.t0 ? gap === 4 : layer === Layer.t1 ? gap === 2 : gap === 1 && gap2 === 2;
}
