/**
 * Watches how people behave towards each other and to the scene, and raises an alarm with a reason. Distances alone say nothing (people
 * stand close because they want to): see pair-features.ts for what does.
 *
 * [BW1] Nothing leaves but alarms: a kind, two users, a score and the numbers behind it. Raw motion is overwritten within two seconds.
 * [BW2] Friends (relations.ts, both said so) raise no alarm about each other.
 * [BW3] An alarm takes HOLD_S seconds over the model's threshold, and the same alarm comes again only after QUIET_S.
 * [BW4] Bounded: work per sample is proportional to people and their neighbours; at most PAIRS_MAX pairs are remembered, the rest are
 *       looked at when there is room.
 * [BW5] Floods (objects, removals, lines) have hard limits that need no model.
 */
import { type BehaviourModel, type Offence, OFFENCES, scoreOf } from "./behaviour-model.ts";
import { FloodWatch, type FloodKind } from "./flood-watch.ts";
import { HEAD_X, HEAD_Y, HEAD_Z, MotionTracks, SAMPLES_HZ } from "./motion-track.ts";
import { addSecond, PAIR_FEATURES, PAIR_FLOATS, type PairFeature } from "./pair-features.ts";

const NEAR_M = 2.5;
/** People on two floors do not meet. */
const HEIGHT_M = 2;
const HOLD_S = 2;
const QUIET_S = 60;
/** A pair that was not near for this long is forgotten. */
const FORGET_S = 20;
const PAIRS_MAX = 8192;
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
  readonly floods: FloodWatch;
  private readonly options: BehaviourWatchOptions;
  private readonly tracks: MotionTracks;
  private readonly pose = new Float64Array(21);
  private readonly order: Int16Array;
  private readonly pairAt = new Map<number, number>();
  private readonly free: number[] = [];
  private rows = new Float32Array(256 * PAIR_FLOATS);
  private readonly seenAt = new Int32Array(PAIRS_MAX);
  /** Per row and kind: seconds over the threshold, and the second of the last alarm. */
  private readonly over = new Uint8Array(PAIRS_MAX * OFFENCES.length);
  private readonly alarmedAt = new Int32Array(PAIRS_MAX * OFFENCES.length);
  private used = 0;
  private samples = 0;

  constructor(options: BehaviourWatchOptions) {
    this.options = options;
    this.tracks = new MotionTracks(options.capacity);
    this.order = new Int16Array(options.capacity);
    this.floods = new FloodWatch(options.capacity, options.alarm);
  }

  /** SAMPLES_HZ times a second: `slots[0..count)` are the people present. */
  sample(slots: ArrayLike<number>, count: number): void {
    let known = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      if (!this.options.poseOf(slot, this.pose)) continue;
      this.tracks.add(slot, this.pose);
      this.order[known++] = slot;
    }
    // Sorted along x, so that neighbours are found by looking right until NEAR_M.
    this.sortByX(known);
    for (let i = 0; i < known; i++) this.meet(i, known);
    this.samples++;
    if (this.samples % SAMPLES_HZ === 0) {
      this.forgetOld();
      this.floods.second(slots, count, this.seconds);
    }
  }

  /** The slot is somebody else's from now on. */
  forget(slot: number): void {
    this.tracks.forget(slot);
    this.floods.forget(slot);
    const { capacity } = this.options;
    for (const [key, row] of this.pairAt) if (Math.floor(key / capacity) === slot || key % capacity === slot) this.drop(key, row);
  }

  /** The features of an ordered pair as of its last second, for training and tests; undefined when they were not near lately. */
  featuresOf(a: number, b: number): Float32Array | undefined {
    const row = this.pairAt.get(a * this.options.capacity + b);
    return row === undefined ? undefined : this.rows.subarray(row * PAIR_FLOATS, (row + 1) * PAIR_FLOATS);
  }

  private get seconds(): number {
    return Math.floor(this.samples / SAMPLES_HZ);
  }

  private sortByX(count: number): void {
    const { order, tracks } = this;
    // The order hardly changes between samples: insertion is nearly linear.
    for (let i = 1; i < count; i++) {
      const slot = order[i] as number;
      const x = tracks.value(slot, 0, HEAD_X);
      let at = i;
      while (at > 0 && tracks.value(order[at - 1] as number, 0, HEAD_X) > x) {
        order[at] = order[at - 1] as number;
        at--;
      }
      order[at] = slot;
    }
  }

  private meet(index: number, known: number): void {
    const { tracks, order, options } = this;
    const slot = order[index] as number;
    const [x, y, z] = [tracks.value(slot, 0, HEAD_X), tracks.value(slot, 0, HEAD_Y), tracks.value(slot, 0, HEAD_Z)];
    for (let i = index + 1; i < known; i++) {
      const other = order[i] as number;
      const dx = tracks.value(other, 0, HEAD_X) - x;
      if (dx > NEAR_M) return;
      const dz = tracks.value(other, 0, HEAD_Z) - z;
      if (dx * dx + dz * dz > NEAR_M * NEAR_M || Math.abs(tracks.value(other, 0, HEAD_Y) - y) > HEIGHT_M) continue;
      // Every pair once a second, a tenth of them at each sample.
      if ((slot + other) % SAMPLES_HZ !== this.samples % SAMPLES_HZ) continue;
      if (tracks.known(slot) < SAMPLES_LEAST || tracks.known(other) < SAMPLES_LEAST || options.exempt(slot, other)) continue;
      this.judge(slot, other);
      this.judge(other, slot);
    }
  }

  private judge(a: number, b: number): void {
    const { model, capacity } = this.options;
    const key = a * capacity + b;
    let row = this.pairAt.get(key);
    const fresh = row === undefined;
    if (row === undefined) {
      row = this.free.pop() ?? (this.used < PAIRS_MAX ? this.used++ : undefined);
      if (row === undefined) return;
      this.grow(row);
      this.pairAt.set(key, row);
      this.over.fill(0, row * OFFENCES.length, (row + 1) * OFFENCES.length);
      this.alarmedAt.fill(-QUIET_S, row * OFFENCES.length, (row + 1) * OFFENCES.length);
    }
    this.seenAt[row] = this.seconds;
    addSecond(this.tracks, a, b, this.rows, row * PAIR_FLOATS, fresh);
    for (let kind = 0; kind < OFFENCES.length; kind++) {
      const offence = OFFENCES[kind] as Offence;
      const ensemble = model.kinds[offence];
      const score = scoreOf(ensemble, this.rows, row * PAIR_FLOATS);
      const at = row * OFFENCES.length + kind;
      this.over[at] = score > ensemble.threshold ? Math.min(HOLD_S, (this.over[at] as number) + 1) : 0;
      if (this.over[at] !== HOLD_S || this.seconds - (this.alarmedAt[at] as number) < QUIET_S) continue;
      this.alarmedAt[at] = this.seconds;
      this.options.alarm({ kind: offence, slot: a, victim: b, score: 1 / (1 + Math.exp(-score)), numbers: this.numbers(row) });
    }
  }

  private numbers(row: number): AlarmNotice["numbers"] {
    const shown: Partial<Record<PairFeature, number>> = {};
    for (const name of SHOWN) shown[name] = Math.round((this.rows[row * PAIR_FLOATS + PAIR_FEATURES.indexOf(name)] as number) * 100) / 100;
    return shown;
  }

  private grow(row: number): void {
    if ((row + 1) * PAIR_FLOATS <= this.rows.length) return;
    const larger = new Float32Array(this.rows.length * 2);
    larger.set(this.rows);
    this.rows = larger;
  }

  private forgetOld(): void {
    for (const [key, row] of this.pairAt) if (this.seconds - (this.seenAt[row] as number) > FORGET_S) this.drop(key, row);
  }

  private drop(key: number, row: number): void {
    this.pairAt.delete(key);
    this.rows.fill(0, row * PAIR_FLOATS, (row + 1) * PAIR_FLOATS);
    this.free.push(row);
  }
}
