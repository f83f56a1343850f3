/**
 * Encodes sources: one update block per source and tick, shared by every viewer, and intra blocks for those who lack the
 * references. Bit layout in FORMAT.md.
 *
 * [BW1] One encode per source and tick whatever the number of viewers; the block depends on the source's history alone.
 * [BW2] The bank afterwards equals, to the bit, the bank of a viewer that read the same T0 and T1 blocks.
 * [BW3] Nothing is allocated after construction.
 */
import { BitWriter, RICE_MAX, zigzag } from "./bits.ts";
import {
  AGE_ORDER,
  DIFF_MRP_ORDER,
  DIFF_POSITION_ORDER,
  GAP_ORDER,
  isCoded,
  isStandard,
  LAG_BITS,
  LAG_ORDER,
  MAX_GAP_TICKS,
  MRP_BITS,
  NEAR_BITS,
  NEAR_LIMIT,
  POSITION_BITS,
  REST_AFTER,
} from "./block-format.ts";
import { Residual, riceK } from "./entropy.ts";
import { MRP_LIMIT, POSITION_LIMIT, quatToMrp, toLattice } from "./lattice.ts";
import { chooseLayer, Layer, ReferenceChoice, standardLayer } from "./layers.ts";
import { Predictor } from "./predictor.ts";
import { AXES, QUATS, ReferenceBank, SCRATCH_ENTRY } from "./references.ts";
import { LAG_MIN, RoomTime } from "./room-time.ts";
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, type PoseSample } from "./types.ts";

/** What `encode` did with a sample. */
export const Encoded = {
  /** A block was written; `layer` says which. */
  block: 0,
  /** Nothing moves and nothing changed: no bytes this tick. */
  quiet: 1,
  /** The references start anew: every viewer needs an intra block. */
  reset: 2,
} as const;
export type Encoded = (typeof Encoded)[keyof typeof Encoded];

export class BlockWriter {
  readonly bank: ReferenceBank;
  readonly time: RoomTime;
  /** Of the last `encode` that returned `block`: its layer, and the offset after it. */
  layer: Layer = Layer.t0;
  end = 0;
  private readonly bits = new BitWriter();
  private readonly predictor = new Predictor();
  private readonly choice = new ReferenceChoice();
  private readonly residual = new Int32Array(3);
  /** Per slot and device: updates in a row that equalled their reference. */
  private readonly quiet: Uint8Array;
  /** The sample under work: quaternions as given, states as sent. */
  private readonly quat = new Float64Array(QUATS);

  constructor(options: { capacity: number; tickRateHz: number }) {
    this.bank = new ReferenceBank(options.capacity);
    this.time = new RoomTime(options.tickRateHz);
    this.quiet = new Uint8Array(options.capacity * DEVICE_COUNT);
  }

  /** Forgets a source; its next sample starts anew. */
  reset(slot: number): void {
    this.bank.clear(slot);
    this.quiet.fill(0, slot * DEVICE_COUNT, slot * DEVICE_COUNT + DEVICE_COUNT);
  }

  /** True once the source has references, so that `intra` has something to say. */
  has(slot: number): boolean {
    return this.bank.valid[this.bank.t0(slot)] === 1;
  }

  /**
   * Encodes one sample of a source at `tick` into out[offset..], which has MAX_BLOCK_BYTES of room. Ticks rise per source;
   * sample times do too. Reads `layer` and `end` afterwards.
   */
  encode(slot: number, tick: number, sample: PoseSample, out: Uint8Array, offset: number): Encoded {
    const { bank, choice, time } = this;
    const lag = time.lag(tick, sample.timeMs);
    this.load(sample);
    bank.tick[SCRATCH_ENTRY] = tick;
    bank.lag[SCRATCH_ENTRY] = lag;
    bank.time[SCRATCH_ENTRY] = time.units(tick, lag);
    const t0 = bank.t0(slot);
    if (bank.valid[t0] !== 1 || tick - (bank.tick[t0] as number) > MAX_GAP_TICKS) {
      this.startAnew(slot, sample);
      return Encoded.reset;
    }
    const layer = chooseLayer(bank, slot, tick);
    choice.choose(bank, slot, layer);
    const newer = choice.newer;
    this.predictor.predict(bank, newer, choice.older, bank.time[SCRATCH_ENTRY] as number, time.unitMs);
    const sameStates = this.settle(slot, newer, sample);
    if (sameStates && layer !== Layer.t0 && this.nothingCoded()) return Encoded.quiet;
    this.bits.start(out, offset);
    this.writeHeader(slot, layer, sameStates);
    for (let d = 0; d < DEVICE_COUNT; d++) this.writeDevice(d, newer, layer);
    this.end = this.bits.finish();
    this.layer = layer;
    if (layer === Layer.t0) bank.commit(SCRATCH_ENTRY, bank.advanceT0(slot));
    else if (layer === Layer.t1) bank.commit(SCRATCH_ENTRY, bank.t1(slot));
    return Encoded.block;
  }

  /** Quantises the sample into the scratch entry. */
  private load(sample: PoseSample): void {
    const { pose } = sample;
    for (let d = 0; d < DEVICE_COUNT; d++) {
      const o = d * DEVICE_FLOATS;
      for (let c = 0; c < 3; c++) this.bank.position[SCRATCH_ENTRY * AXES + d * 3 + c] = toLattice(pose[o + c] as number);
      for (let c = 0; c < 4; c++) this.quat[d * 4 + c] = pose[o + 3 + c] as number;
    }
  }

  private startAnew(slot: number, sample: PoseSample): void {
    this.reset(slot);
    for (let d = 0; d < DEVICE_COUNT; d++) {
      quatToMrp(this.quat, d * 4, this.bank.mrp, SCRATCH_ENTRY * AXES + d * 3);
      this.bank.deriveQuat(SCRATCH_ENTRY, d);
      const state = sample.states[d] as number;
      this.bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] = state === DeviceState.atRest ? DeviceState.tracked : state & 3;
    }
    this.bank.commit(SCRATCH_ENTRY, this.bank.advanceT0(slot));
  }

  /** Decides every device's state; true when all equal the reference's. */
  private settle(slot: number, newer: number, sample: PoseSample): boolean {
    const { bank } = this;
    let same = true;
    for (let d = 0; d < DEVICE_COUNT; d++) {
      let state = (sample.states[d] as number) & 3;
      const q = slot * DEVICE_COUNT + d;
      if (state === DeviceState.lost || !this.equalsReference(newer, d)) this.quiet[q] = 0;
      else if ((this.quiet[q] as number) < REST_AFTER) this.quiet[q] = (this.quiet[q] as number) + 1;
      if (state !== DeviceState.lost) {
        if ((this.quiet[q] as number) === REST_AFTER) state = DeviceState.atRest;
        else if (state === DeviceState.atRest) state = DeviceState.tracked;
      }
      bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] = state;
      if (state !== bank.states[newer * DEVICE_COUNT + d]) same = false;
    }
    return same;
  }

  /** True when the sample's device lies where the reference has it, to the lattice and the rotation step. */
  private equalsReference(newer: number, d: number): boolean {
    const { bank } = this;
    const a = SCRATCH_ENTRY * AXES + d * 3;
    const b = newer * AXES + d * 3;
    for (let c = 0; c < 3; c++) if (bank.position[a + c] !== bank.position[b + c]) return false;
    return this.predictor.sameRotation(bank.quat, newer * QUATS + d * 4, this.quat, d * 4);
  }

  private nothingCoded(): boolean {
    for (let d = 0; d < DEVICE_COUNT; d++) if (isCoded(this.bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] as number)) return false;
    return true;
  }

  private writeHeader(slot: number, layer: Layer, sameStates: boolean): void {
    const { bank, bits } = this;
    const { newer, older } = this.choice;
    const tick = bank.tick[SCRATCH_ENTRY] as number;
    const gap = tick - (bank.tick[newer] as number);
    const gap2 = older < 0 ? 0 : (bank.tick[newer] as number) - (bank.tick[older] as number);
    const sinceT0 = tick - (bank.tick[bank.t0(slot)] as number);
    const standardGaps = isStandard(layer, gap, gap2);
    if (sameStates && standardGaps && standardLayer(sinceT0) === layer) bits.put(0, 1);
    else {
      bits.put(4 | layer, 3);
      bits.put(standardGaps ? 0 : 1, 1);
      if (!standardGaps) {
        bits.expGolomb(gap - 1, GAP_ORDER);
        if (layer === Layer.t2) bits.expGolomb(gap2, GAP_ORDER);
      }
      bits.put(sameStates ? 0 : 1, 1);
      for (let d = 0; d < DEVICE_COUNT && !sameStates; d++) bits.put(bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] as number, 2);
    }
    bits.expGolomb(zigzag((bank.lag[SCRATCH_ENTRY] as number) - (bank.lag[newer] as number)), LAG_ORDER);
  }

  private writeDevice(d: number, newer: number, layer: Layer): void {
    const { bank, bits, predictor, residual } = this;
    const p = SCRATCH_ENTRY * AXES + d * 3;
    if (!isCoded(bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] as number)) {
      bank.hold(newer, d);
      return;
    }
    const kp = riceK(Residual.position, d, layer, predictor.positionBucket[d] as number);
    for (let c = 0; c < 3; c++) bits.rice(zigzag((bank.position[p + c] as number) - (predictor.position[d * 3 + c] as number)) & RICE_MAX, kp);
    const kr = riceK(Residual.rotation, d, layer, predictor.rotationBucket[d] as number);
    predictor.rotationResidual(d, this.quat, d * 4, residual, 0);
    const rx = residual[0] as number;
    const ry = residual[1] as number;
    const rz = residual[2] as number;
    bits.rice(zigzag(rx), kr);
    bits.rice(zigzag(ry), kr);
    bits.rice(zigzag(rz), kr);
    if (layer === Layer.t2) return;
    predictor.applyRotation(d, rx, ry, rz, bank.mrp, p);
    bank.deriveQuat(SCRATCH_ENTRY, d);
  }

  /**
   * Writes the intra block of a source as of its newest T0 into out[offset..]; returns the offset after it. The reader's bank then
   * equals this one in both T0 entries. Only for sources that `has` references.
   */
  intra(slot: number, tick: number, out: Uint8Array, offset: number): number {
    const { bank, bits } = this;
    const t0 = bank.t0(slot);
    const before = bank.olderT0(slot);
    bits.start(out, offset);
    bits.expGolomb(Math.min(tick - (bank.tick[t0] as number), MAX_GAP_TICKS + 1), AGE_ORDER);
    bits.put((bank.lag[t0] as number) - LAG_MIN, LAG_BITS);
    for (let d = 0; d < DEVICE_COUNT; d++) bits.put(bank.states[t0 * DEVICE_COUNT + d] as number, 2);
    for (let d = 0; d < DEVICE_COUNT; d++) this.writeAbsolute(t0, d);
    const hasOlder = bank.valid[before] === 1;
    bits.put(hasOlder ? 1 : 0, 1);
    if (hasOlder) this.writeOlder(t0, before);
    return bits.finish();
  }

  private writeAbsolute(t0: number, d: number): void {
    const { bank, bits } = this;
    const p = t0 * AXES + d * 3;
    const h = t0 * AXES;
    let near = d > 0;
    for (let c = 0; c < 3; c++) near &&= Math.abs((bank.position[p + c] as number) - (bank.position[h + c] as number)) <= NEAR_LIMIT;
    if (d > 0) bits.put(near ? 1 : 0, 1);
    for (let c = 0; c < 3; c++) {
      if (near) bits.put((bank.position[p + c] as number) - (bank.position[h + c] as number) + NEAR_LIMIT, NEAR_BITS);
      else bits.put((bank.position[p + c] as number) + POSITION_LIMIT, POSITION_BITS);
    }
    for (let c = 0; c < 3; c++) bits.put((bank.mrp[p + c] as number) + MRP_LIMIT, MRP_BITS);
  }

  private writeOlder(t0: number, before: number): void {
    const { bank, bits } = this;
    bits.expGolomb((bank.tick[t0] as number) - (bank.tick[before] as number) - 1, GAP_ORDER);
    bits.expGolomb(zigzag((bank.lag[t0] as number) - (bank.lag[before] as number)), LAG_ORDER);
    for (let i = 0; i < AXES; i++)
      bits.expGolomb(zigzag((bank.position[t0 * AXES + i] as number) - (bank.position[before * AXES + i] as number)), DIFF_POSITION_ORDER);
    for (let i = 0; i < AXES; i++)
      bits.expGolomb(zigzag((bank.mrp[t0 * AXES + i] as number) - (bank.mrp[before * AXES + i] as number)), DIFF_MRP_ORDER);
  }
}
