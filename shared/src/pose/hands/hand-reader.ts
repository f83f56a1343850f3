/**
 * Decodes hand blocks of one source.
 *
 * [HR1] Any bytes end in `ok`, `missing` or `malformed`, in time bounded by the block's size, with only finite values in range.
 * [HR2] A block that is not `ok` leaves the reference as it was.
 * [HR3] `missing`: the block refers to an H0 that this viewer never got. Its length is unknown then.
 */
import { BitReader, unzigzag } from "../bits.ts";
import { Decoded } from "../block-reader.ts";
import {
  bitsOf,
  CHANGE_ORDER,
  CLASS_BITS,
  classAt,
  COUNT_ORDER,
  GROUPS,
  HAND_FLOATS,
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
import { HandPoser, HandsState } from "./hand-state.ts";
import { HAND_TABLE } from "./hand-table.ts";

export class HandReader {
  /** The newest H0. */
  readonly reference = new HandsState();
  /** After `ok`: what was read. */
  readonly state = new HandsState();
  /** After `ok`: the offset after the block. */
  end = 0;
  private readonly bits = new BitReader();
  private readonly poser = new HandPoser();

  /** Reads an update block from bytes[offset..end). */
  update(bytes: Uint8Array, offset: number, end: number): Decoded {
    const { reference, state, bits } = this;
    bits.start(bytes, offset, end);
    const layer = bits.get(1) as HandLayer;
    const sequence = bits.get(SEQUENCE_BITS);
    if (bits.overrun) return Decoded.malformed;
    if (!reference.valid || reference.sequence !== sequence) return Decoded.missing;
    state.copy(reference);
    for (let hand = 0; hand < HANDS; hand++) {
      const present = bits.get(1);
      // A hand that appears comes as an intra block.
      if (present > (reference.present[hand] as number)) return Decoded.malformed;
      state.present[hand] = present;
      if (present !== 1) continue;
      if (layer === HandLayer.h0 && !this.readChanges(hand)) return Decoded.malformed;
      for (let group = 0; group < GROUPS.length; group++) this.readGroup(hand, group, layer);
    }
    if (bits.overrun) return Decoded.malformed;
    this.end = bits.finish();
    if (layer === HandLayer.h0) {
      state.sequence = (sequence + 1) & SEQUENCE_MASK;
      reference.copy(state);
    }
    return Decoded.ok;
  }

  private readGroup(hand: number, group: number, layer: HandLayer): void {
    const { state, bits } = this;
    const base = hand * VALUES;
    const at = classAt(hand, group);
    const previous = state.classes[at] as number;
    state.classes[at] = 0;
    if (previous === 0 && bits.get(1) === 0) return;
    const k = riceK(HAND_TABLE, riceContext(group, layer, previous));
    let sum = 0;
    for (const i of GROUPS[group] as readonly number[]) {
      const change = unzigzag(bits.rice(k));
      sum += Math.abs(change);
      state.set(hand, i, (state.values[base + i] as number) + change);
    }
    state.classes[at] = residualClass(sum);
  }

  private readChanges(hand: number): boolean {
    const { state, bits } = this;
    const count = bits.expGolomb(COUNT_ORDER);
    if (count > MAX_CHANGES) return false;
    let next = 0;
    for (let n = 0; n < count; n++) {
      next += bits.expGolomb(SKIP_ORDER);
      const index = SLOW[next++];
      if (index === undefined) return false;
      state.set(hand, index, (state.values[hand * VALUES + index] as number) + unzigzag(bits.expGolomb(CHANGE_ORDER)));
    }
    return true;
  }

  /** Reads an intra block; needs no reference. */
  intra(bytes: Uint8Array, offset: number, end: number): Decoded {
    const { reference, state, bits } = this;
    bits.start(bytes, offset, end);
    state.sequence = bits.get(SEQUENCE_BITS);
    for (let hand = 0; hand < HANDS; hand++) {
      state.present[hand] = bits.get(1);
      if (state.present[hand] !== 1) continue;
      for (const i of INTRA_VALUES) state.set(hand, i, bits.get(bitsOf(i)) - limitOf(i));
      for (let group = 0; group < GROUPS.length; group++) state.classes[classAt(hand, group)] = bits.get(CLASS_BITS);
    }
    if (bits.overrun) return Decoded.malformed;
    state.valid = true;
    reference.copy(state);
    this.end = bits.finish();
    return Decoded.ok;
  }

  /** Joints 1..24 of the present hands into `pose` (Float64Array[350]), whose wrists the caller has written. */
  readPose(pose: Float64Array): void {
    for (let hand = 0; hand < HANDS; hand++) if (this.state.present[hand] === 1) this.poser.write(this.state, hand, pose, hand * HAND_FLOATS);
  }
}
