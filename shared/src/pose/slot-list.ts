/**
 * A list of slots, rising, as a section carries it: `eg(3)` of the count less 1, 3 bits of Rice parameter, then each slot's distance to
 * the one before (the first: to -1), less 1. In a room where everybody is listed this is the presence bit of a bitmap; in a thousand, a byte.
 *
 * [SL1] Reading never throws, is bounded by LIMITS.people, and yields rising slots below it.
 */
import { LIMITS } from "../protocol/limits.ts";
import { BitReader, BitWriter, ESCAPE_QUOTIENT } from "./bits.ts";

const COUNT_ORDER = 3;
const K_BITS = 3;
const K_MAX = 2 ** K_BITS - 1;
/** Bits that are handed to the writer at once: with one code more they fill no more than 31. */
const PIECE_BITS = 16;

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
  // The codes are `writer.rice`'s, gathered here into pieces of 16 bits: a frame carries some fifty of them, a room thousands of frames.
  let last = -1;
  let bits = 0;
  let piece = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    const code = slot - last - 1;
    const quotient = code >>> k;
    last = slot;
    if (quotient >= ESCAPE_QUOTIENT || quotient + 1 + k > PIECE_BITS) {
      writer.put(piece, bits);
      writer.rice(code, k);
      bits = piece = 0;
      continue;
    }
    const length = quotient + 1 + k;
    piece = (piece << length) | (((1 << (quotient + 1)) - 2) << k) | (code & ((1 << k) - 1));
    bits += length;
    if (bits < PIECE_BITS) continue;
    bits -= PIECE_BITS;
    writer.put(piece >>> bits, PIECE_BITS);
    piece &= (1 << bits) - 1;
  }
  writer.put(piece, bits);
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
