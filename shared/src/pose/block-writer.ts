/**
 * Encodes sources: one update block per source and tick, shared by every viewer, and intra blocks for those who lack the
 * references. Bit layout in FORMAT.md.
 *
 * [BW1] One encode per source and tick whatever the number of viewers; the block depends on the source's history alone.
 * [BW2] The bank afterwards equals, to the bit, the bank of a viewer that read the same T0 and T1 blocks.
 * [BW3] Nothing is allocated after construction.
 */
import { BitWriter, zigzag } from "./bits.ts";
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
import { Residual, RiceContext } from "./entropy.ts";
import { MRP_LIMIT, POSITION_LIMIT, quatToMrp, toLattice } from "./lattice.ts";
import { chooseLayer, Layer, ReferenceChoice, standardLayer } from "./layers.ts";
import { ENERGY_BITS, energyClass, Predictor, velocityFactor } from "./predictor.ts";
import { AXES, ENERGIES, QUATS, ReferenceBank, SCRATCH_ENTRY, Timing } from "./references.ts";
import { LAG_MIN, RoomTime } from "./room-time.ts";
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, type PoseSample } from "./types.ts";

/** Energy class of a first sample: residuals of a few steps. */
const FIRST_ENERGY = 4;
/** The leaky sums forget over about two seconds; the other timing must be 6 % and a little better, lest noise toggles it. */
const TIMING_MEMORY = 127 / 128;
const TIMING_GAIN = 0.94;
const TIMING_MARGIN = 64;

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
  /** Int32Array[18]: of the last block, per device x y z of the position residual and of the rotation residual; for training. */
  readonly residuals = new Int32Array(2 * AXES);
  private readonly context: RiceContext;
  /** Int32Array[6]: table index that each device's position and rotation residuals were coded with; for training. */
  readonly contexts = new Int32Array(2 * DEVICE_COUNT);
  private readonly choice = new ReferenceChoice();
  /** Per slot and device: updates in a row that equalled their reference. */
  private readonly quiet: Uint8Array;
  /** The sample under work: quaternions as given, states as sent. */
  private readonly quat = new Float64Array(QUATS);

  /** Per slot: leaky sums of the position residuals under either timing. */
  private readonly timingError: Float64Array;
  /** Velocity factors of the sample under work, by timing. */
  private readonly factors = new Float64Array(2);

  /** `riceTable` other than the wire's: for training, whose blocks no reader reads. */
  constructor(options: { capacity: number; tickRateHz: number; riceTable?: Uint8Array | undefined }) {
    this.context = new RiceContext(options.riceTable);
    this.bank = new ReferenceBank(options.capacity);
    this.time = new RoomTime(options.tickRateHz);
    this.timingError = new Float64Array(options.capacity * 2);
    this.quiet = new Uint8Array(options.capacity * DEVICE_COUNT);
  }

  /** Forgets a source; its next sample starts anew. */
  reset(slot: number): void {
    this.bank.clear(slot);
    this.timingError.fill(0, slot * 2, slot * 2 + 2);
    this.bank.timing[slot] = Timing.samples;
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
    const { newer, older } = choice;
    const sameTiming = this.chooseTiming(slot, layer);
    this.predictor.factor[0] = this.factors[bank.timing[slot] as number] as number;
    this.predictor.predict(bank, newer, older);
    const sameStates = this.settle(slot, newer, sample);
    if (sameStates && layer !== Layer.t0 && this.nothingCoded()) return Encoded.quiet;
    this.bits.start(out, offset);
    this.writeHeader(slot, layer, sameStates, sameTiming);
    this.context.start();
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
      this.bank.energy[d] = FIRST_ENERGY;
      this.bank.energy[DEVICE_COUNT + d] = FIRST_ENERGY;
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

  private writeHeader(slot: number, layer: Layer, sameStates: boolean, sameTiming: boolean): void {
    const { bank, bits } = this;
    const { newer, older } = this.choice;
    const tick = bank.tick[SCRATCH_ENTRY] as number;
    const gap = tick - (bank.tick[newer] as number);
    const gap2 = older < 0 ? 0 : (bank.tick[newer] as number) - (bank.tick[older] as number);
    const sinceT0 = tick - (bank.tick[bank.t0(slot)] as number);
    const standardGaps = isStandard(layer, gap, gap2);
    if (sameStates && sameTiming && standardGaps && standardLayer(sinceT0) === layer) bits.put(0, 1);
    else {
      bits.put(4 | layer, 3);
      if (layer === Layer.t0) bits.put(bank.timing[slot] as number, 1);
      bits.put(standardGaps ? 0 : 1, 1);
      if (!standardGaps) {
        bits.expGolomb(gap - 1, GAP_ORDER);
        if (layer === Layer.t2) bits.expGolomb(gap2, GAP_ORDER);
      }
      bits.put(sameStates ? 0 : 1, 1);
      if (!sameStates) for (let d = 0; d < DEVICE_COUNT; d++) bits.put(bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] as number, 2);
    }
    bits.expGolomb(zigzag((bank.lag[SCRATCH_ENTRY] as number) - (bank.lag[newer] as number)), LAG_ORDER);
  }

  private writeDevice(d: number, newer: number, layer: Layer): void {
    const { bank, bits, predictor, residuals } = this;
    const p = SCRATCH_ENTRY * AXES + d * 3;
    if (!isCoded(bank.states[SCRATCH_ENTRY * DEVICE_COUNT + d] as number)) {
      bank.hold(newer, d);
      return;
    }
    const kp = this.context.k(Residual.position, d, layer, predictor.positionBucket[d] as number);
    const px = (bank.position[p] as number) - (predictor.position[d * 3] as number);
    const py = (bank.position[p + 1] as number) - (predictor.position[d * 3 + 1] as number);
    const pz = (bank.position[p + 2] as number) - (predictor.position[d * 3 + 2] as number);
    bits.rice(zigzag(px), kp);
    bits.rice(zigzag(py), kp);
    bits.rice(zigzag(pz), kp);
    this.contexts[d * 2] = this.context.index;
    this.context.saw(zigzag(px) + zigzag(py) + zigzag(pz));
    const kr = this.context.k(Residual.rotation, d, layer, predictor.rotationBucket[d] as number);
    const r = d * 6;
    predictor.rotationResidual(d, this.quat, d * 4, residuals, r + 3);
    const rx = residuals[r + 3] as number;
    const ry = residuals[r + 4] as number;
    const rz = residuals[r + 5] as number;
    residuals[r] = px;
    residuals[r + 1] = py;
    residuals[r + 2] = pz;
    bits.rice(zigzag(rx), kr);
    bits.rice(zigzag(ry), kr);
    bits.rice(zigzag(rz), kr);
    this.contexts[d * 2 + 1] = this.context.index;
    this.context.saw(zigzag(rx) + zigzag(ry) + zigzag(rz));
    if (layer === Layer.t2) return;
    predictor.applyRotation(d, rx, ry, rz, bank.mrp, p);
    bank.deriveQuat(SCRATCH_ENTRY, d);
    bank.energy[d] = energyClass(px, py, pz);
    bank.energy[DEVICE_COUNT + d] = energyClass(rx, ry, rz);
  }

  /**
   * Follows which timing would have predicted this source's positions better lately, and changes it with a T0 when the other is
   * clearly better. True when it stays. Only the encoder decides, so nothing here needs to be exact.
   */
  private chooseTiming(slot: number, layer: Layer): boolean {
    const { bank, timingError } = this;
    const own = bank.timing[slot] as Timing;
    for (let timing = 0; timing < 2; timing++) {
      this.measureFactor(timing);
      const at = slot * 2 + timing;
      timingError[at] = (timingError[at] as number) * TIMING_MEMORY + this.positionError(timing);
    }
    const other = 1 - own;
    const better = (timingError[slot * 2 + other] as number) + TIMING_MARGIN < (timingError[slot * 2 + own] as number) * TIMING_GAIN;
    bank.timing[slot] = layer === Layer.t0 && better ? other : own;
    return bank.timing[slot] === own;
  }

  private measureFactor(timing: number): void {
    const { bank, choice, time } = this;
    const { newer, older } = choice;
    const back = older < 0 ? 0 : bank.elapsed(timing, older, newer, time.unitsPerTick);
    this.factors[timing] = velocityFactor(bank.elapsed(timing, newer, SCRATCH_ENTRY, time.unitsPerTick), back, time.unitMs);
  }

  /** Sum of position residuals in lattice steps, had the motion been extrapolated under `timing`. */
  private positionError(timing: number): number {
    const { position } = this.bank;
    const factor = this.factors[timing] as number;
    const a = this.choice.newer * AXES;
    const b = factor === 0 ? a : this.choice.older * AXES;
    let sum = 0;
    for (let i = 0; i < AXES; i++) {
      const p = position[a + i] as number;
      sum += Math.abs((position[i] as number) - p - factor * (p - (position[b + i] as number)));
    }
    return sum;
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
    bits.put(bank.timing[slot] as number, 1);
    for (let d = 0; d < DEVICE_COUNT; d++) this.writeAbsolute(t0, d);
    for (let i = 0; i < ENERGIES; i++) bits.put(bank.energy[t0 * ENERGIES + i] as number, ENERGY_BITS);
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
