/**
 * Decodes update and intra blocks into a viewer's reference bank.
 *
 * [BR1] Any bytes end in `ok`, `missing` or `malformed`, in time bounded by the block's size, with only finite values in range.
 * [BR2] A block that is not `ok` leaves the bank as it was.
 * [BR3] `missing`: the block refers to what this viewer never got. Its length is unknown then (FORMAT.md, groups).
 */
import { BitReader, unzigzag, zigzag } from "./bits.ts";
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
} from "./block-format.ts";
import { Residual, RiceContext } from "./entropy.ts";
import { clampLattice, clampMrp, MRP_LIMIT, POSITION_LIMIT } from "./lattice.ts";
import { Layer, LAYER_COUNT, ReferenceChoice, standardLayer } from "./layers.ts";
import { ENERGY_BITS, energyClass, Predictor, ROTATION_RESIDUAL_MAX, velocityFactor } from "./predictor.ts";
import { AXES, ENERGIES, type ReferenceBank, SCRATCH_ENTRY, SCRATCH_OLDER } from "./references.ts";
import { LAG_MAX, LAG_MIN, RoomTime } from "./room-time.ts";
import { DEVICE_COUNT } from "./types.ts";

export const Decoded = { ok: 0, missing: 1, malformed: 2 } as const;
export type Decoded = (typeof Decoded)[keyof typeof Decoded];

export class BlockReader {
  readonly bank: ReferenceBank;
  readonly time: RoomTime;
  /** After `ok`: the entry that holds the decoded pose (valid until the next call), and the offset after the block. */
  entry = SCRATCH_ENTRY;
  end = 0;
  private readonly bits = new BitReader();
  private readonly predictor = new Predictor();
  private readonly context = new RiceContext();
  private readonly choice = new ReferenceChoice();
  private readonly states = new Uint8Array(DEVICE_COUNT);

  constructor(bank: ReferenceBank, tickRateHz: number) {
    this.bank = bank;
    this.time = new RoomTime(tickRateHz);
  }

  /** Reads one update block of `slot` (below the bank's capacity) from bytes[offset..end). */
  update(slot: number, tick: number, bytes: Uint8Array, offset: number, end: number): Decoded {
    const { bank, bits, choice } = this;
    bits.start(bytes, offset, end);
    const t0 = bank.t0(slot);
    if (bank.valid[t0] !== 1) return Decoded.missing;
    const explicit = bits.get(1) === 1;
    const layer = explicit ? bits.get(2) : standardLayer(tick - (bank.tick[t0] as number));
    if (layer >= LAYER_COUNT) return Decoded.malformed;
    const timing = explicit && layer === Layer.t0 ? bits.get(1) : (bank.timing[slot] as number);
    choice.choose(bank, slot, layer as Layer);
    const { newer } = choice;
    if (!this.readGaps(explicit, layer as Layer, tick)) return bits.overrun ? Decoded.malformed : Decoded.missing;
    this.readStates(explicit, newer);
    const lag = (bank.lag[newer] as number) + unzigzag(bits.expGolomb(LAG_ORDER));
    if (lag < LAG_MIN || lag > LAG_MAX || bits.overrun) return Decoded.malformed;
    bank.tick[SCRATCH_ENTRY] = tick;
    bank.lag[SCRATCH_ENTRY] = lag;
    bank.time[SCRATCH_ENTRY] = this.time.units(tick, lag);
    this.predict(timing);
    this.context.start();
    for (let d = 0; d < DEVICE_COUNT; d++) {
      if (!isCoded(this.states[d] as number)) bank.hold(newer, d);
      else if (!this.readDevice(d, layer as Layer)) return Decoded.malformed;
    }
    bank.states.set(this.states, SCRATCH_ENTRY * DEVICE_COUNT);
    if (bits.overrun) return Decoded.malformed;
    this.end = bits.finish();
    this.entry = SCRATCH_ENTRY;
    if (layer === Layer.t0) {
      bank.timing[slot] = timing;
      bank.commit(SCRATCH_ENTRY, bank.advanceT0(slot));
    } else if (layer === Layer.t1) bank.commit(SCRATCH_ENTRY, bank.t1(slot));
    return Decoded.ok;
  }

  private predict(timing: number): void {
    const { bank, time } = this;
    const { newer, older } = this.choice;
    const back = older < 0 ? 0 : bank.elapsed(timing, older, newer, time.unitsPerTick);
    const ahead = bank.elapsed(timing, newer, SCRATCH_ENTRY, time.unitsPerTick);
    this.predictor.factor[0] = velocityFactor(ahead, back, time.unitMs);
    this.predictor.predict(bank, newer, older);
  }

  /** True when the references the block was made with are the ones chosen here. */
  private readGaps(explicit: boolean, layer: Layer, tick: number): boolean {
    const { bank, bits } = this;
    const { newer, older } = this.choice;
    const gap = tick - (bank.tick[newer] as number);
    const gap2 = older < 0 ? 0 : (bank.tick[newer] as number) - (bank.tick[older] as number);
    if (!explicit || bits.get(1) === 0) return isStandard(layer, gap, gap2);
    const gapThere = bits.expGolomb(GAP_ORDER) + 1;
    const gap2There = layer === Layer.t2 ? bits.expGolomb(GAP_ORDER) : gap2;
    return gap === gapThere && gap2 === gap2There;
  }

  private readStates(explicit: boolean, newer: number): void {
    const own = explicit && this.bits.get(1) === 1;
    for (let d = 0; d < DEVICE_COUNT; d++) this.states[d] = own ? this.bits.get(2) : (this.bank.states[newer * DEVICE_COUNT + d] as number);
  }

  private readDevice(d: number, layer: Layer): boolean {
    const { bank, bits, context, predictor } = this;
    const p = SCRATCH_ENTRY * AXES + d * 3;
    const kp = context.k(Residual.position, d, layer, predictor.positionBucket[d] as number);
    const px = unzigzag(bits.rice(kp));
    const py = unzigzag(bits.rice(kp));
    const pz = unzigzag(bits.rice(kp));
    bank.position[p] = clampLattice((predictor.position[d * 3] as number) + px);
    bank.position[p + 1] = clampLattice((predictor.position[d * 3 + 1] as number) + py);
    bank.position[p + 2] = clampLattice((predictor.position[d * 3 + 2] as number) + pz);
    context.saw(zigzag(px) + zigzag(py) + zigzag(pz));
    const kr = context.k(Residual.rotation, d, layer, predictor.rotationBucket[d] as number);
    const rx = unzigzag(bits.rice(kr));
    const ry = unzigzag(bits.rice(kr));
    const rz = unzigzag(bits.rice(kr));
    context.saw(zigzag(rx) + zigzag(ry) + zigzag(rz));
    if (tooFar(rx) || tooFar(ry) || tooFar(rz)) return false;
    predictor.applyRotation(d, rx, ry, rz, bank.mrp, p);
    bank.deriveQuat(SCRATCH_ENTRY, d);
    if (layer === Layer.t2) return true;
    bank.energy[d] = energyClass(px, py, pz);
    bank.energy[DEVICE_COUNT + d] = energyClass(rx, ry, rz);
    return true;
  }

  /** Reads an intra block: both T0 entries of `slot`, T1 forgotten. Needs no references. */
  intra(slot: number, tick: number, bytes: Uint8Array, offset: number, end: number): Decoded {
    const { bank, bits } = this;
    bits.start(bytes, offset, end);
    const age = bits.expGolomb(AGE_ORDER);
    const lag = bits.get(LAG_BITS) + LAG_MIN;
    if (age > MAX_GAP_TICKS + 1 || age > tick || lag > LAG_MAX) return Decoded.malformed;
    for (let d = 0; d < DEVICE_COUNT; d++) this.states[d] = bits.get(2);
    const timing = bits.get(1);
    for (let d = 0; d < DEVICE_COUNT; d++) this.readAbsolute(d);
    for (let i = 0; i < ENERGIES; i++) bank.energy[i] = bits.get(ENERGY_BITS);
    bank.tick[SCRATCH_ENTRY] = tick - age;
    bank.lag[SCRATCH_ENTRY] = lag;
    bank.time[SCRATCH_ENTRY] = this.time.units(tick - age, lag);
    bank.states.set(this.states, SCRATCH_ENTRY * DEVICE_COUNT);
    const hasOlder = bits.get(1) === 1;
    if (hasOlder && !this.readOlder()) return Decoded.malformed;
    if (bits.overrun) return Decoded.malformed;
    bank.clear(slot);
    bank.timing[slot] = timing;
    if (hasOlder) bank.commit(SCRATCH_OLDER, bank.advanceT0(slot));
    bank.commit(SCRATCH_ENTRY, bank.advanceT0(slot));
    this.entry = SCRATCH_ENTRY;
    this.end = bits.finish();
    return Decoded.ok;
  }

  private readAbsolute(d: number): void {
    const { bank, bits } = this;
    const p = SCRATCH_ENTRY * AXES + d * 3;
    const h = SCRATCH_ENTRY * AXES;
    const near = d > 0 && bits.get(1) === 1;
    for (let c = 0; c < 3; c++)
      bank.position[p + c] = near
        ? clampLattice((bank.position[h + c] as number) + bits.get(NEAR_BITS) - NEAR_LIMIT)
        : clampLattice(bits.get(POSITION_BITS) - POSITION_LIMIT);
    for (let c = 0; c < 3; c++) bank.mrp[p + c] = clampMrp(bits.get(MRP_BITS) - MRP_LIMIT);
    bank.deriveQuat(SCRATCH_ENTRY, d);
  }

  /** The newest T0 is in scratch; reads the one before it as differences. */
  private readOlder(): boolean {
    const { bank, bits } = this;
    const tick = (bank.tick[SCRATCH_ENTRY] as number) - bits.expGolomb(GAP_ORDER) - 1;
    const lag = (bank.lag[SCRATCH_ENTRY] as number) - unzigzag(bits.expGolomb(LAG_ORDER));
    if (tick < 0 || lag < LAG_MIN || lag > LAG_MAX) return false;
    bank.tick[SCRATCH_OLDER] = tick;
    bank.lag[SCRATCH_OLDER] = lag;
    bank.time[SCRATCH_OLDER] = this.time.units(tick, lag);
    const from = SCRATCH_ENTRY * AXES;
    const to = SCRATCH_OLDER * AXES;
    for (let i = 0; i < AXES; i++)
      bank.position[to + i] = clampLattice((bank.position[from + i] as number) - unzigzag(bits.expGolomb(DIFF_POSITION_ORDER)));
    for (let i = 0; i < AXES; i++) bank.mrp[to + i] = clampMrp((bank.mrp[from + i] as number) - unzigzag(bits.expGolomb(DIFF_MRP_ORDER)));
    for (let d = 0; d < DEVICE_COUNT; d++) bank.deriveQuat(SCRATCH_OLDER, d);
    return true;
  }
}

function tooFar(steps: number): boolean {
  return steps > ROTATION_RESIDUAL_MAX || steps < -ROTATION_RESIDUAL_MAX;
}
