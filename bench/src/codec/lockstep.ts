/**
 * Encoder and viewers over a long run that has everything in it: dancing, rests, lost tracking, silences, late samples, viewers who are
 * spared layers, and one whose blocks get lost.
 *
 * [LS1] After every frame the references of the viewer that gets everything equal the encoder's to the bit.
 * [LS2] A viewer that is spared T2, or T1 and T2, reads every other block, and shows at that tick exactly what the first one shows.
 * [LS3] A viewer whose blocks get lost either shows the same, or notices, and is mended by an intra block.
 */
import {
  BlockReader,
  BlockWriter,
  Decoded,
  DeviceState,
  Encoded,
  Layer,
  MAX_BLOCK_BYTES,
  newPoseSample,
  type PoseSample,
  ReferenceBank,
} from "@copresence/shared/pose";
import { Random, SyntheticPerson } from "@copresence/simulations/people";

const RATE_HZ = 60;
const TICK_MS = 1000 / RATE_HZ;
const LOSS = 0.02;
/** Per entry of a bank (shared/src/pose/references.ts). */
const AXES = 9;
const DEVICES = 3;
const ENERGIES = 6;

export type LockstepOptions = { readonly frames: number; readonly seed: number };

/** Frames until something differs; `frames` when nothing did. */
export function lockstep({ frames, seed }: LockstepOptions): number {
  const random = new Random(seed);
  const motion = new Motion(seed, random.fork("motion"));
  const losses = random.fork("losses");
  const writer = new BlockWriter({ capacity: 1, tickRateHz: RATE_HZ });
  const whole = new Viewer(() => true);
  const spared = [new Viewer((layer) => layer !== Layer.t2), new Viewer((layer) => layer === Layer.t0)];
  const lossy = new Viewer((layer) => layer !== Layer.t2 && !losses.chance(LOSS));
  const viewers = [whole, ...spared, lossy];
  const block = new Uint8Array(MAX_BLOCK_BYTES);
  const intra = new Uint8Array(MAX_BLOCK_BYTES);
  for (let frame = 0; frame < frames; frame++) {
    const sample = motion.next();
    const { tick } = motion;
    const outcome = writer.encode(0, tick, sample, block, 0);
    for (const viewer of viewers) {
      viewer.shows = false;
      const mending = viewer.lacks || outcome === Encoded.reset;
      if (mending && !viewer.intra(tick, intra, writer.intra(0, tick, intra, 0))) return frame;
      // The intra block had this tick's T0 in it.
      if (outcome !== Encoded.block || (mending && writer.layer === Layer.t0) || !viewer.takes(writer.layer)) continue;
      viewer.update(tick, block, writer.end);
      if (viewer.lacks && viewer !== lossy) return frame;
    }
    if (!equalReferences(writer.bank, whole.bank)) return frame;
    for (const viewer of viewers) if (viewer.shows && !equal(viewer.pose.pose, whole.pose.pose, 0, 0, whole.pose.pose.length)) return frame;
  }
  return frames;
}

class Viewer {
  readonly bank = new ReferenceBank(1);
  readonly takes: (layer: Layer) => boolean;
  readonly pose = newPoseSample();
  /** It lacks a reference and has asked for an intra block. */
  lacks = false;
  /** It read an update of this tick. */
  shows = false;
  private readonly reader = new BlockReader(this.bank, RATE_HZ);

  constructor(takes: (layer: Layer) => boolean) {
    this.takes = takes;
  }

  intra(tick: number, bytes: Uint8Array, end: number): boolean {
    this.lacks = false;
    return this.reader.intra(0, tick, bytes, 0, end) === Decoded.ok;
  }

  update(tick: number, bytes: Uint8Array, end: number): void {
    this.shows = this.reader.update(0, tick, bytes, 0, end) === Decoded.ok && this.reader.end === end;
    this.lacks = !this.shows;
    if (this.shows) this.bank.readPose(this.reader.entry, this.pose.pose, this.pose.states);
  }
}

/** A synthetic dancer with all the troubles that headsets have. */
class Motion {
  tick = 60;
  private readonly sample = newPoseSample();
  private readonly person: SyntheticPerson;
  private readonly random: Random;
  private still = 0;
  private lost = 0;

  constructor(seed: number, random: Random) {
    this.person = new SyntheticPerson({ seed, style: "dance" });
    this.random = random;
  }

  next(): PoseSample {
    const { random, sample } = this;
    const dice = random.next();
    this.tick += dice < 0.02 ? 2 + random.int(40) : dice < 0.02001 ? 40_000 : 1;
    sample.timeMs = this.tick * TICK_MS - random.between(5, dice > 0.999 ? 900 : 14);
    if (random.chance(0.001)) this.still = 60;
    if (random.chance(0.002)) this.lost = 20;
    if (this.still-- <= 0) this.person.sample(sample.timeMs, sample.pose);
    sample.states[2] = this.lost-- > 0 ? DeviceState.lost : DeviceState.tracked;
    return sample;
  }
}

/** All that later blocks depend on. The older T0 lends its pose and its time only. */
function equalReferences(a: ReferenceBank, b: ReferenceBank): boolean {
  if (a.timing[0] !== b.timing[0]) return false;
  for (const [x, y, fully] of [
    [a.t0(0), b.t0(0), true],
    [a.olderT0(0), b.olderT0(0), false],
    [a.t1(0), b.t1(0), true],
  ] as const) {
    if (a.valid[x] !== b.valid[y]) return false;
    if (a.valid[x] !== 1) continue;
    if (a.tick[x] !== b.tick[y] || a.time[x] !== b.time[y] || a.lag[x] !== b.lag[y]) return false;
    if (!equal(a.position, b.position, x, y, AXES) || !equal(a.mrp, b.mrp, x, y, AXES)) return false;
    if (fully && !(equal(a.energy, b.energy, x, y, ENERGIES) && equal(a.states, b.states, x, y, DEVICES))) return false;
  }
  return true;
}

type Numbers = Int32Array | Uint8Array | Float64Array;
function equal(a: Numbers, b: Numbers, x: number, y: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (a[x * width + i] !== b[y * width + i]) return false;
  return true;
}
