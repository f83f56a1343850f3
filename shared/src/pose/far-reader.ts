/**
 * Decodes far blocks into a viewer's bank.
 *
 * [FO1] Any bytes end in `ok`, `missing` or `malformed`, in bounded time, with finite values in range only.
 * [FO2] A block that is not `ok` leaves every slot's reference as it was. After `ok` the pose is in the bank's scratch entry.
 */
import { BitReader, unzigzag } from "./bits.ts";
import { isCoded } from "./block-format.ts";
import { Decoded } from "./block-reader.ts";
import {
  clampFar,
  FAR_CLASS_BITS,
  FAR_LAG_MAX,
  FAR_LAG_MIN,
  FAR_LAG_MS,
  FAR_MRP_STEPS,
  FAR_POSITION_LIMIT,
  FAR_VALUES,
  FAR_VECTORS,
  FarBank,
  farClass,
  farHalfTicks,
  farK,
  farShift,
  FarLayer,
} from "./far-stream.ts";
import { FAR_FULL_LAG_BITS, FAR_GAP_ORDER, FAR_LAG_ORDER, FAR_MRP_BITS, FAR_NEAR_BITS, FAR_NEAR_LIMIT, FAR_POSITION_BITS } from "./far-writer.ts";
import { DEVICE_COUNT } from "./types.ts";

export class FarReader {
  readonly bank: FarBank;
  /** Offset after the last block read. */
  end = 0;
  /** Of the blocks of this frame, as its head says. */
  coarseness = 0;
  private readonly bits = new BitReader();
  private readonly msPerTick: number;
  private readonly halfTicks: number;

  constructor(bank: FarBank, tickRateHz: number) {
    this.bank = bank;
    this.msPerTick = 1000 / tickRateHz;
    this.halfTicks = farHalfTicks(tickRateHz);
  }

  /** Room time of the pose in the scratch entry, ms. */
  get timeMs(): number {
    const { bank } = this;
    return (bank.tick[bank.scratch] as number) * this.msPerTick - (bank.lag[bank.scratch] as number) * FAR_LAG_MS;
  }

  /** Reads one block of `layer`; `slot` is below the bank's capacity. */
  update(slot: number, tick: number, layer: FarLayer, bytes: Uint8Array, offset: number, end: number): Decoded {
    const { bank, bits } = this;
    const { scratch } = bank;
    bits.start(bytes, offset, end);
    const standard = layer === FarLayer.c1 ? this.halfTicks : 2 * this.halfTicks;
    const gap = bits.get(1) === 0 ? standard : bits.expGolomb(FAR_GAP_ORDER) + 1;
    if (bits.overrun) return Decoded.malformed;
    if (bank.valid[slot] !== 1 || (bank.tick[slot] as number) !== tick - gap) return Decoded.missing;
    const lag = (bank.lag[slot] as number) + unzigzag(bits.expGolomb(FAR_LAG_ORDER));
    if (lag < FAR_LAG_MIN || lag > FAR_LAG_MAX) return Decoded.malformed;
    const own = bits.get(1) === 1;
    for (let d = 0; d < DEVICE_COUNT; d++)
      bank.states[scratch * DEVICE_COUNT + d] = own ? bits.get(2) : (bank.states[slot * DEVICE_COUNT + d] as number);
    for (let vector = 0; vector < FAR_VECTORS; vector++) this.readVector(slot, vector, layer);
    if (bits.overrun) return Decoded.malformed;
    bank.tick[scratch] = tick;
    bank.lag[scratch] = lag;
    this.end = bits.finish();
    if (layer === FarLayer.c0) bank.commit(slot);
    return Decoded.ok;
  }

  /** Reads an intra block: the C0 of `tick`. */
  intra(slot: number, tick: number, bytes: Uint8Array, offset: number, end: number): Decoded {
    const { bank, bits } = this;
    const { scratch, values } = bank;
    bits.start(bytes, offset, end);
    const lag = bits.get(FAR_FULL_LAG_BITS) + FAR_LAG_MIN;
    if (lag > FAR_LAG_MAX) return Decoded.malformed;
    for (let d = 0; d < DEVICE_COUNT; d++) bank.states[scratch * DEVICE_COUNT + d] = bits.get(2);
    const head = scratch * FAR_VALUES;
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const p = head + d * 6;
      const near = d > 0 && bits.get(1) === 1;
      for (let c = 0; c < 3; c++) {
        const n = near ? (values[head + c] as number) + bits.get(FAR_NEAR_BITS) - FAR_NEAR_LIMIT : bits.get(FAR_POSITION_BITS) - FAR_POSITION_LIMIT;
        values[p + c] = clampFar(n, FAR_POSITION_LIMIT);
      }
      for (let c = 3; c < 6; c++) values[p + c] = clampFar(bits.get(FAR_MRP_BITS) - FAR_MRP_STEPS, FAR_MRP_STEPS);
    }
    for (let i = 0; i < FAR_VECTORS; i++) bank.classes[scratch * FAR_VECTORS + i] = bits.get(FAR_CLASS_BITS);
    if (bits.overrun) return Decoded.malformed;
    bank.tick[scratch] = tick;
    bank.lag[scratch] = lag;
    this.end = bits.finish();
    bank.commit(slot);
    return Decoded.ok;
  }

  private readVector(slot: number, vector: number, layer: FarLayer): void {
    const { bank, bits, coarseness } = this;
    const { scratch, values } = bank;
    const a = slot * FAR_VALUES + vector * 3;
    const b = scratch * FAR_VALUES + vector * 3;
    const cls = bank.classes[slot * FAR_VECTORS + vector] as number;
    if (!isCoded(bank.states[scratch * DEVICE_COUNT + (vector >> 1)] as number)) {
      for (let c = 0; c < 3; c++) values[b + c] = values[a + c] as number;
      bank.classes[scratch * FAR_VECTORS + vector] = cls;
      return;
    }
    const shift = farShift(vector, coarseness);
    const k = farK(cls, layer, shift);
    const limit = (vector & 1) === 0 ? FAR_POSITION_LIMIT : FAR_MRP_STEPS;
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      // A hostile quotient may be as wide as the code allows; it stays within 2^25 here, and is clamped.
      const moved = unzigzag(bits.rice(k)) << shift;
      values[b + c] = clampFar((values[a + c] as number) + moved, limit);
      sum += moved < 0 ? -moved : moved;
    }
    bank.classes[scratch * FAR_VECTORS + vector] = farClass(sum);
  }
}
