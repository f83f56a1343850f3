/**
 * From integers to hand blocks: an update block per state, shared by every viewer, and intra blocks for those who lack the reference.
 * Bit layout in FORMAT.md. The sender's device measures (hand-writer.ts); the room passes on the integers it was sent, never measuring again.
 *
 * [HW1] The reference afterwards equals, to the bit, that of a viewer that read the same H0 blocks.
 * [HW2] One encoder per source that has hands; no arrays or objects are made per update.
 */
import { BitWriter, zigzag } from "../bits.ts";
import {
  bitsOf,
  CHANGE_ORDER,
  CLASS_BITS,
  classAt,
  COUNT_ORDER,
  GROUPS,
  HandLayer,
  HANDS,
  INTRA_VALUES,
  limitOf,
  MAX_CHANGES,
  residualClass,
  riceContext,
  riceK,
  SEQUENCE_BITS,
  SEQUENCE_MASK,
  SKIP_ORDER,
  SLOW,
  VALUES,
} from "./hand-format.ts";
import { HandsState } from "./hand-state.ts";
import { HAND_TABLE } from "./hand-table.ts";

/** First residuals: a few steps. */
const FIRST_CLASS = 3;

export class HandEncoder {
  /** The newest H0, as every viewer has it. */
  readonly reference = new HandsState();
  layer: HandLayer = HandLayer.h0;
  /** True when the last `encode` began anew: everybody needs an intra block instead. */
  reset = false;
  /** Of the last block: rows and columns of the table and the codes that were written with them; for training. */
  readonly trail: { context: number; codes: number[] }[] | undefined;
  private readonly next = new HandsState();
  private readonly bits = new BitWriter();
  private readonly table: Uint8Array;

  /** `trail`: keep what was coded, for training (allocates); `table`: another than the wire's, likewise. */
  constructor(options: { trail?: boolean; table?: Uint8Array | undefined } = {}) {
    this.table = options.table ?? HAND_TABLE;
    if (options.trail === true) this.trail = [];
  }

  /** Whether the next `encode` of hands that are `present` (Uint8Array[2]) begins anew: nothing is known of one of them. */
  startsAnew(present: Uint8Array): boolean {
    const { reference } = this;
    if (!reference.valid) return true;
    for (let hand = 0; hand < HANDS; hand++) if (present[hand] === 1 && reference.present[hand] !== 1) return true;
    return false;
  }

  /**
   * Encodes presence and values of `state` into out[offset..], which has MAX_HANDS_BYTES of room; returns the offset after the block. H0 and
   * H1 alternate. After `reset` nothing was written. Only values of present hands count.
   */
  encode(state: HandsState, out: Uint8Array, offset: number): number {
    const { reference, next, bits } = this;
    this.reset = this.startsAnew(state.present);
    if (this.reset) {
      this.startAnew(state);
      return offset;
    }
    this.layer = this.layer === HandLayer.h0 ? HandLayer.h1 : HandLayer.h0;
    if (this.trail !== undefined) this.trail.length = 0;
    next.copy(reference);
    bits.start(out, offset);
    bits.put(this.layer, 1);
    bits.put(reference.sequence, SEQUENCE_BITS);
    for (let hand = 0; hand < HANDS; hand++) {
      next.present[hand] = state.present[hand] === 1 ? 1 : 0;
      bits.put(next.present[hand] as number, 1);
      if (next.present[hand] !== 1) continue;
      next.copyValues(state, hand);
      if (this.layer === HandLayer.h0) this.writeChanges(hand);
      for (let group = 0; group < GROUPS.length; group++) this.writeGroup(hand, group);
    }
    if (this.layer === HandLayer.h0) {
      next.sequence = (reference.sequence + 1) & SEQUENCE_MASK;
      reference.copy(next);
    }
    return bits.finish();
  }

  /** Whoever read what was written so far may not have: the next `encode` begins anew. */
  restart(): void {
    this.reference.valid = false;
  }

  private startAnew(state: HandsState): void {
    const { reference } = this;
    for (let hand = 0; hand < HANDS; hand++) {
      reference.present[hand] = state.present[hand] === 1 ? 1 : 0;
      if (state.present[hand] === 1) reference.copyValues(state, hand);
    }
    reference.classes.fill(FIRST_CLASS);
    reference.sequence = (reference.sequence + 1) & SEQUENCE_MASK;
    reference.valid = true;
    this.layer = HandLayer.h0;
  }

  private writeGroup(hand: number, group: number): void {
    const { reference, next, bits } = this;
    const base = hand * VALUES;
    const at = classAt(hand, group);
    const indices = GROUPS[group] as readonly number[];
    const previous = reference.classes[at] as number;
    let sum = 0;
    for (const i of indices) sum += Math.abs((next.values[base + i] as number) - (reference.values[base + i] as number));
    next.classes[at] = residualClass(sum);
    // A finger at rest costs a bit.
    if (previous === 0) {
      bits.put(sum === 0 ? 0 : 1, 1);
      if (sum === 0) return;
    }
    const context = riceContext(group, this.layer, previous);
    const k = riceK(this.table, context);
    for (const i of indices) bits.rice(zigzag((next.values[base + i] as number) - (reference.values[base + i] as number)), k);
    if (this.trail !== undefined) this.keep(hand, indices, context);
  }

  /** Apart, because the closure would cost every call of its caller an allocation. */
  private keep(hand: number, indices: readonly number[], context: number): void {
    const from = this.reference.values.subarray(hand * VALUES);
    const to = this.next.values.subarray(hand * VALUES);
    this.trail?.push({ context, codes: indices.map((i) => zigzag((to[i] as number) - (from[i] as number))) });
  }

  /** Slow values that changed, as far as there is room; the others stay as the reference has them. */
  private writeChanges(hand: number): void {
    const { reference, next, bits } = this;
    const base = hand * VALUES;
    let count = 0;
    for (const i of SLOW) {
      if (next.values[base + i] === reference.values[base + i]) continue;
      if (count === MAX_CHANGES) next.values[base + i] = reference.values[base + i] as number;
      else count++;
    }
    bits.expGolomb(count, COUNT_ORDER);
    let skipped = 0;
    for (const i of SLOW) {
      const change = (next.values[base + i] as number) - (reference.values[base + i] as number);
      if (change === 0) {
        skipped++;
        continue;
      }
      bits.expGolomb(skipped, SKIP_ORDER);
      bits.expGolomb(zigzag(change), CHANGE_ORDER);
      skipped = 0;
    }
  }

  /** Writes the reference whole into out[offset..]; returns the offset after it. Only once `encode` was called. */
  intra(out: Uint8Array, offset: number): number {
    const { reference, bits } = this;
    bits.start(out, offset);
    bits.put(reference.sequence, SEQUENCE_BITS);
    for (let hand = 0; hand < HANDS; hand++) {
      bits.put(reference.present[hand] as number, 1);
      if (reference.present[hand] !== 1) continue;
      for (const i of INTRA_VALUES) bits.put((reference.values[hand * VALUES + i] as number) + limitOf(i), bitsOf(i));
      for (let group = 0; group < GROUPS.length; group++) bits.put(reference.classes[classAt(hand, group)] as number, CLASS_BITS);
    }
    return bits.finish();
  }
}
