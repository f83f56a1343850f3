/**
 * A list of slots, rising, as a section carries it: `eg(3)` of the count less 1, 3 bits of Rice parameter, then each slot's distance to
 * the one before (the first: to -1), less 1. In a room where everybody is listed this is the presence bit of a bitmap; in a thousand, a byte.
 *
 * [SL1] Reading never throws, is bounded by LIMITS.people, and yields rising slots below it.
 */
import { LIMITS } from "../protocol/limits.ts";
import { BitReader, BitWriter } from "./bits.ts";

const COUNT_ORDER = 3;
const K_BITS = 3;
const K_MAX = 2 ** K_BITS - 1;

const writer = new BitWriter();
const reader = new BitReader();

/** Most bytes a list of `count` slots takes: escapes included. */
export const slotListBytes = (count: number): number => 4 + count * 5;

/** Writes slots[0..count) into out[at..]; returns the offset after. `count` is 1 or more. */
export function writeSlotList(slots: Uint16Array, count: number, out: Uint8Array, at: number): number {
  const spread = ((slots[count - 1] as number) + 1 - count) / count;
  let k = 0;
  while (k < K_MAX && 1 << (k + 1) <= spread + 0.5) k++;
  writer.start(out, at);
  writer.expGolomb(count - 1, COUNT_ORDER);
  writer.put(k, K_BITS);
  let last = -1;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    writer.rice(slot - last - 1, k);
    last = slot;
  }
  return writer.finish();
}

export class SlotListReader {
  readonly slots = new Uint16Array(LIMITS.people);
  /** Offset after the last list read. */
  end = 0;

  /** Reads a list from bytes[at..end); how many, or 0 when malformed. */
  read(bytes: Uint8Array, at: number, end: number): number {
    reader.start(bytes, at, end);
    const count = reader.expGolomb(COUNT_ORDER) + 1;
    const k = reader.get(K_BITS);
    if (count > LIMITS.people || reader.overrun) return 0;
    let last = -1;
    for (let i = 0; i < count; i++) {
      last += reader.rice(k) + 1;
      if (last >= LIMITS.people || reader.overrun) return 0;
      this.slots[i] = last;
    }
    this.end = reader.finish();
    return count;
  }
}
