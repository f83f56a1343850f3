/**
 * Watches how people behave towards each other, and raises an alarm with a reason. Distances alone say nothing (people stand close because
 * they want to): see pair-features.ts for what does.
 *
 * [BW1] Nothing leaves but alarms: a kind, two users, a score and the numbers behind it. Raw motion is overwritten within two seconds.
 * [BW2] Friends (relations.ts, both said so) raise no alarm about each other.
 * [BW3] Every look adds to the evidence what the model says beyond its drift, or takes some away; an alarm takes the model's limit, no look
 *       brings more than SHARE of it, and the same alarm comes again only after QUIET_S. (A one-sided cumulative sum: Page, Biometrika 41, 1954.)
 * [BW4] Bounded: everybody is looked at once a second, a slice of people in each tick, and each of them towards PAIRS_PER_PERSON at most;
 *       a tick looks at PAIRS_PER_TICK pairs and goes on with the rest in the next, so that in a denser crowd a turn takes longer than a
 *       second. PAIRS_MAX pairs are remembered (pair-table.ts).
 * [BW5] Nothing is allocated per tick once the crowd has come together.
 */
import { NeighbourGrid } from "../neighbour-grid.ts";
import { type BehaviourModel, type Offence, OFFENCES } from "./behaviour-model.ts";
import type { FloodKind } from "./flood-watch.ts";
import { DRIFT, type Forest, forestsOf, LIMIT } from "./forest.ts";
import { HEAD_X, HEAD_Y, HEAD_Z, MotionTracks, SAMPLES_HZ } from "./motion-track.ts";
import { addSecond, PAIR_FEATURES, PAIR_FLOATS, type PairFeature } from "./pair-features.ts";
import { PairTable } from "./pair-table.ts";
import { PersonSeconds } from "./person-second.ts";

const NEAR_M = 2.5;
/** Whoever is nearer comes first where there are more than PAIRS_PER_PERSON. */
const CLOSE_M = 1.2;
/** People on two floors do not meet. */
const HEIGHT_M = 2;
/**
 * What an offence cannot be without, [feature, least, most]: most neighbours only stand there, and need no model. Wider than nearly all
 * looks at offenders of the training scenes; who falls out of it for a second only loses some evidence.
 */
const NEEDS: Readonly<Record<Offence, readonly (readonly [PairFeature, number, number])[]>> = {
  following: [
    ["meanSpeedB", 0.4, Infinity],
    ["meanFacing", -0.1, 1],
  ],
  blocking: [
    ["nearestM", 0, 1.5],
    ["meanFacing", -0.1, 1],
  ],
  bubble: [
    ["nearestM", 0, 1.4],
    ["meanFacing", -0.3, 1],
  ],
  gestures: [["meanHandPathM", 0.7, Infinity]],
};
/** Two looks at least. */
const SHARE = 0.6;
/** A harmless look takes no more than this away: who follows somebody pauses, too. */
const FALL = 4;
/** After so long without a look nothing is held against anybody, samples. */
const OLD_SAMPLES = 10 * SAMPLES_HZ;
const QUIET_S = 60;
/** A pair that was not near for this long is forgotten. */
const FORGET_SAMPLES = 20 * SAMPLES_HZ;
export const PAIRS_PER_TICK = 256;
export const PAIRS_PER_PERSON = 32;
/** How many samples a second of features and its turn need. */
const SAMPLES_LEAST = 12;

export type AlarmKind = Offence | FloodKind;
export type AlarmNotice = {
  readonly kind: AlarmKind;
  readonly slot: number;
  /** -1: nobody in particular. */
  readonly victim: number;
  /** Probability for a model's alarm; for a flood how far over its limit. */
  readonly score: number;
  /** The numbers behind it, rounded to centimetres and hundredths. */
  readonly numbers: Readonly<Partial<Record<PairFeature | "changed" | "removed" | "lines", number>>>;
};

export type BehaviourWatchOptions = {
  readonly capacity: number;
  /** How often `look` is called a second. */
  readonly looksHz: number;
  readonly model: BehaviourModel;
  /** 21 floats of a slot's newest pose, room frame; false when it is not known. */
  readonly poseOf: (slot: number, out: Float64Array) => boolean;
  readonly exempt: (a: number, b: number) => boolean;
  readonly alarm: (notice: AlarmNotice) => void;
};

/** Numbers of an alarm that a moderator is shown: the long view of what happened. */
const SHOWN: readonly PairFeature[] = [
  "meanNearestM",
  "meanApproachMps",
  "meanRetreatMps",
  "meanFacing",
  "meanFacedBack",
  "closeS",
  "meanHandM",
  "meanHandPathM",
];

export class BehaviourWatch {
  private readonly options: BehaviourWatchOptions;
  private readonly forests: readonly Forest[];
  private readonly needs = OFFENCES.map((offence) => new Needs(NEEDS[offence]));
  private readonly tracks: MotionTracks;
  private readonly people: PersonSeconds;
  private readonly pairs: PairTable;
  private readonly grid: NeighbourGrid;
  private readonly around: Int16Array;
  private readonly pose = new Float64Array(21);
  private samples = 0;
  /** The next slot to look at, the turn's share that is due (slots times looksHz), and the next pair that may be forgotten. */
  private cursor = 0;
  private due = 0;
  private swept = 0;

  constructor(options: BehaviourWatchOptions) {
    const { capacity, model } = options;
    this.options = options;
    this.forests = forestsOf(model);
    this.tracks = new MotionTracks(capacity);
    this.people = new PersonSeconds(this.tracks, capacity);
    this.pairs = new PairTable(capacity);
    this.grid = new NeighbourGrid(capacity, NEAR_M);
    this.around = new Int16Array(capacity);
  }

  /** SAMPLES_HZ times a second: `slots[0..count)` are the people present. */
  sample(slots: ArrayLike<number>, count: number): void {
    const { tracks, grid, pose } = this;
    this.samples++;
    tracks.begin();
    grid.clear();
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      if (!this.options.poseOf(slot, pose)) continue;
      tracks.add(slot, pose);
      grid.place(slot, pose[0] as number, pose[2] as number);
    }
  }

  /** `looksHz` times a second: a slice of the people, towards who is near them [BW4]. */
  look(): void {
    const { capacity, looksHz } = this.options;
    this.due = Math.min(this.due + capacity, capacity * looksHz);
    let looked = 0;
    while (this.due >= looksHz && looked < PAIRS_PER_TICK) {
      this.due -= looksHz;
      looked += this.lookFrom(this.cursor);
      this.cursor = (this.cursor + 1) % capacity;
    }
    this.forgetSome();
  }

  /** The slot is somebody else's from now on. */
  forget(slot: number): void {
    this.tracks.forget(slot);
    this.people.forget(slot);
    for (let pair = 0; pair < this.pairs.used; pair++) if (this.pairs.holds(pair, slot)) this.pairs.drop(pair);
  }

  /** The features of an ordered pair as of its last look, for training and tests; undefined when they were not near lately. */
  featuresOf(a: number, b: number): Float32Array | undefined {
    const pair = this.pairs.find(Math.min(a, b), Math.max(a, b));
    if (pair < 0) return undefined;
    const row = 2 * pair + (a < b ? 0 : 1);
    return this.pairs.rows.subarray(row * PAIR_FLOATS, (row + 1) * PAIR_FLOATS);
  }

  /** Looks at a person and those above them, and says how many that were. */
  private lookFrom(slot: number): number {
    if (this.tracks.known(slot) < SAMPLES_LEAST) return 0;
    const near = this.nearOf(slot);
    let looked = 0;
    for (let close = 1; close >= 0; close--)
      for (let i = 0; i < near && looked < PAIRS_PER_PERSON; i++) {
        const other = this.around[i] as number;
        if (near > PAIRS_PER_PERSON ? this.within(slot, other, CLOSE_M) !== (close === 1) : close === 1) continue;
        if (this.options.exempt(slot, other)) continue;
        this.judge(slot, other);
        looked++;
      }
    return looked;
  }

  /** Who is near, into `around`. */
  private nearOf(slot: number): number {
    const { around, tracks } = this;
    const count = this.grid.above(slot, around);
    let near = 0;
    for (let i = 0; i < count; i++) {
      const other = around[i] as number;
      if (tracks.known(other) >= SAMPLES_LEAST && this.within(slot, other, NEAR_M)) around[near++] = other;
    }
    return near;
  }

  private within(a: number, b: number, metres: number): boolean {
    const { data } = this.tracks;
    const atA = this.tracks.at(a, 0);
    const atB = this.tracks.at(b, 0);
    const dx = (data[atA + HEAD_X] as number) - (data[atB + HEAD_X] as number);
    const dz = (data[atA + HEAD_Z] as number) - (data[atB + HEAD_Z] as number);
    return dx * dx + dz * dz <= metres * metres && Math.abs((data[atA + HEAD_Y] as number) - (data[atB + HEAD_Y] as number)) <= HEIGHT_M;
  }

  private judge(low: number, high: number): void {
    const { pairs } = this;
    let pair = pairs.find(low, high);
    const known = pair >= 0;
    if (!known) pair = pairs.claim(low, high);
    if (pair < 0) return;
    const elapsed = known ? Math.max(1, this.samples - (pairs.seenAt[pair] as number)) : 0;
    pairs.seenAt[pair] = this.samples;
    addSecond(this.tracks, this.people, low, high, this.samples, pairs.rows, 2 * pair * PAIR_FLOATS, elapsed);
    this.weigh(2 * pair, low, high, elapsed);
    this.weigh(2 * pair + 1, high, low, elapsed);
  }

  private weigh(row: number, a: number, b: number, elapsed: number): void {
    const { evidence, alarmedAt, rows } = this.pairs;
    const second = Math.floor(this.samples / SAMPLES_HZ);
    for (let kind = 0; kind < OFFENCES.length; kind++) {
      const at = row * OFFENCES.length + kind;
      if (elapsed === 0) alarmedAt[at] = -QUIET_S;
      const forest = this.forests[kind] as Forest;
      const score = (this.needs[kind] as Needs).met(rows, row * PAIR_FLOATS) ? forest.score(rows, row * PAIR_FLOATS) : -Infinity;
      const before = elapsed === 0 || elapsed > OLD_SAMPLES ? 0 : (evidence[at] as number);
      const limit = forest.numbers[LIMIT] as number;
      const more = Math.max(-FALL, Math.min(SHARE * limit, score - (forest.numbers[DRIFT] as number)));
      const sum = Math.min(limit, Math.max(0, before + more));
      evidence[at] = sum;
      if (sum < limit || second - (alarmedAt[at] as number) < QUIET_S) continue;
      alarmedAt[at] = second;
      const kindName = OFFENCES[kind] as Offence;
      this.options.alarm({ kind: kindName, slot: a, victim: b, score: 1 / (1 + Math.exp(-score)), numbers: this.numbers(row) });
    }
  }

  private numbers(row: number): AlarmNotice["numbers"] {
    const shown: Partial<Record<PairFeature, number>> = {};
    for (const name of SHOWN) shown[name] = Math.round((this.pairs.rows[row * PAIR_FLOATS + PAIR_FEATURES.indexOf(name)] as number) * 100) / 100;
    return shown;
  }

  /** Every pair's turn to be forgotten comes once a second. */
  private forgetSome(): void {
    const { pairs } = this;
    for (let left = Math.ceil(pairs.used / this.options.looksHz); left > 0; left--) {
      this.swept = this.swept + 1 < pairs.used ? this.swept + 1 : 0;
      if (pairs.holds(this.swept) && this.samples - (pairs.seenAt[this.swept] as number) > FORGET_SAMPLES) pairs.drop(this.swept);
    }
  }
}

class Needs {
  private readonly features: Uint8Array;
  private readonly least: Float64Array;
  private readonly most: Float64Array;

  constructor(needs: readonly (readonly [PairFeature, number, number])[]) {
    this.features = Uint8Array.from(needs, ([name]) => PAIR_FEATURES.indexOf(name));
    this.least = Float64Array.from(needs, ([, least]) => least);
    this.most = Float64Array.from(needs, ([, , most]) => most);
  }

  met(row: Float32Array, from: number): boolean {
    for (let i = 0; i < this.features.length; i++) {
      const value = row[from + (this.features[i] as number)] as number;
      if (value < (this.least[i] as number) || value > (this.most[i] as number)) return false;
    }
    return true;
  }
}
