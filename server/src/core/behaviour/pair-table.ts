/**
 * What is remembered of pairs of people who are, or were lately, near each other: two rows of features (either one towards the other), and
 * when they were last looked at. Open addressing over typed arrays.
 *
 * [PT1] At most PAIRS_MAX pairs; `claim` refuses more. Nothing is allocated but when the memory doubles, on the way there.
 */
import { OFFENCES } from "./behaviour-model.ts";
import { PAIR_FLOATS } from "./pair-features.ts";

export const PAIRS_MAX = 8192;
const PAIRS = 64;
const FREE = -1;
/** Twice the pairs, so that a search ends soon. */
const PLACES = 2 * PAIRS_MAX;

export class PairTable {
  /** `PAIR_FLOATS` each: row 2 * pair is the lower slot towards the higher, row 2 * pair + 1 the other way. */
  rows = new Float32Array(2 * PAIRS * PAIR_FLOATS);
  /** By row and offence: what has been held against the one, and the second of the last alarm. */
  evidence = new Float32Array(2 * PAIRS * OFFENCES.length);
  alarmedAt = new Int32Array(2 * PAIRS * OFFENCES.length);
  /** By pair: the sample of the last look. */
  seenAt = new Int32Array(PAIRS);
  /** Pairs ever used: all are below. */
  used = 0;
  private readonly capacity: number;
  private readonly places = new Int16Array(PLACES).fill(FREE);
  private keys = new Int32Array(PAIRS);
  private freed = new Int16Array(PAIRS);
  private freedCount = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The pair of two slots, low < high; -1 when it is not remembered. */
  find(low: number, high: number): number {
    return this.places[this.placeOf(low * this.capacity + high)] as number;
  }

  /** Remembers a pair that is not; -1 when there is no room. */
  claim(low: number, high: number): number {
    const pair = this.freedCount > 0 ? (this.freed[--this.freedCount] as number) : this.used < PAIRS_MAX ? this.used++ : FREE;
    if (pair === FREE) return FREE;
    const key = low * this.capacity + high;
    this.grow();
    const place = this.placeOf(key);
    this.keys[pair] = key;
    this.places[place] = pair;
    return pair;
  }

  /** Whether the pair is in use, and has this slot in it (any, where undefined). */
  holds(pair: number, slot?: number): boolean {
    const key = this.keys[pair] as number;
    return key !== FREE && (slot === undefined || Math.floor(key / this.capacity) === slot || key % this.capacity === slot);
  }

  drop(pair: number): void {
    const { places, keys } = this;
    let hole = this.placeOf(keys[pair] as number);
    keys[pair] = FREE;
    this.rows.fill(0, 2 * pair * PAIR_FLOATS, 2 * (pair + 1) * PAIR_FLOATS);
    this.freed[this.freedCount++] = pair;
    // What comes after the hole moves up, unless it would then stand before where its search begins.
    for (let at = (hole + 1) % PLACES; places[at] !== FREE; at = (at + 1) % PLACES) {
      const home = homeOf(keys[places[at] as number] as number);
      if ((at - home + PLACES) % PLACES < (at - hole + PLACES) % PLACES) continue;
      places[hole] = places[at] as number;
      hole = at;
    }
    places[hole] = FREE;
  }

  /** Where a key stands, or would. */
  private placeOf(key: number): number {
    let at = homeOf(key);
    while (this.places[at] !== FREE && this.keys[this.places[at] as number] !== key) at = (at + 1) % PLACES;
    return at;
  }

  private grow(): void {
    if (this.used <= this.keys.length) return;
    this.rows = twice(this.rows, Float32Array);
    this.evidence = twice(this.evidence, Float32Array);
    this.alarmedAt = twice(this.alarmedAt, Int32Array);
    this.seenAt = twice(this.seenAt, Int32Array);
    this.keys = twice(this.keys, Int32Array);
    this.freed = twice(this.freed, Int16Array);
  }
}

function twice<T extends { readonly length: number; set(from: T): void }>(old: T, Kind: new (length: number) => T): T {
  const larger = new Kind(2 * old.length);
  larger.set(old);
  return larger;
}

const homeOf = (key: number): number => (Math.imul(key, 0x9e37_79b1) >>> 16) % PLACES;
