/**
 * Who stands in whose personal space: pairs of heads closer than the larger of the two boundaries.
 *
 * [SP1] A pair enters below the boundary and leaves beyond it plus MARGIN_M, so that somebody who sways on the line does not flicker.
 * [SP2] Horizontal distance, for heads less than HEIGHT_M apart: people on two floors do not meet.
 * [SP3] Work is proportional to people and their neighbours (a hashed grid), and nothing is allocated per check in steady state.
 */
import { NeighbourGrid } from "../neighbour-grid.ts";
import { BitRows } from "../pose-plane/bit-rows.ts";

export const MARGIN_M = 0.25;
const HEIGHT_M = 2;
/** Wider than the largest boundary with its margin: neighbours are in the nine cells around. */
const CELL_M = 3;

export type PersonalSpaceOptions = {
  readonly capacity: number;
  /** Position of a slot's head now, room frame, m, into out[0..3); false when it is not known. */
  readonly headOf: (slot: number, out: Float64Array) => boolean;
  /** Metres; 0 for none. */
  readonly boundaryOf: (slot: number) => number;
  /** Pairs that do not mind each other. */
  readonly exempt: (a: number, b: number) => boolean;
  /** a < b. */
  readonly changed: (a: number, b: number, inside: boolean) => void;
};

export class PersonalSpace {
  private readonly options: PersonalSpaceOptions;
  private readonly x: Float64Array;
  private readonly y: Float64Array;
  private readonly z: Float64Array;
  private readonly boundary: Float64Array;
  private readonly known: Uint8Array;
  private readonly grid: NeighbourGrid;
  private readonly around: Int16Array;
  private readonly insideRows: BitRows;
  /** Pairs inside each other's space, `a * capacity + b`. */
  private readonly pairs: number[] = [];
  private readonly at = new Float64Array(3);
  private slots: ArrayLike<number> = [];
  private count = 0;

  constructor(options: PersonalSpaceOptions) {
    const { capacity } = options;
    this.options = options;
    this.x = new Float64Array(capacity);
    this.y = new Float64Array(capacity);
    this.z = new Float64Array(capacity);
    this.boundary = new Float64Array(capacity);
    this.known = new Uint8Array(capacity);
    this.grid = new NeighbourGrid(capacity, CELL_M);
    this.around = new Int16Array(capacity);
    this.insideRows = new BitRows(capacity, capacity);
  }

  /** Nobody is in anybody's space. */
  get empty(): boolean {
    return this.pairs.length === 0;
  }
  inside(a: number, b: number): boolean {
    return a < b ? this.insideRows.has(a, b) : this.insideRows.has(b, a);
  }

  /** `slots`: everybody present, in any order. */
  check(slots: ArrayLike<number>, count: number): void {
    this.begin(slots, count);
    this.enter(0, 1);
  }

  /** A check whose larger half comes later, in parts: notes where everybody is and who got out. `slots` stays as it is until the last part. */
  begin(slots: ArrayLike<number>, count: number): void {
    this.slots = slots;
    this.count = count;
    this.place(slots, count);
    this.leavers();
  }
  /** Part `part` of `parts` of who got in. */
  enter(part: number, parts: number): void {
    const { slots, count } = this;
    const end = Math.floor((count * (part + 1)) / parts);
    for (let i = Math.floor((count * part) / parts); i < end; i++) this.enterers(slots[i] as number);
  }

  /** The slot is somebody else's from now on. `changed` is not called. */
  forget(slot: number): void {
    const { capacity } = this.options;
    for (let i = this.pairs.length; i-- > 0;) {
      const pair = this.pairs[i] as number;
      const a = Math.floor(pair / capacity);
      const b = pair % capacity;
      if (a === slot || b === slot) this.removePair(i, a, b);
    }
    this.known[slot] = 0;
  }

  private place(slots: ArrayLike<number>, count: number): void {
    const { headOf, boundaryOf } = this.options;
    this.known.fill(0);
    this.grid.clear();
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      if (!headOf(slot, this.at)) continue;
      this.known[slot] = 1;
      this.x[slot] = this.at[0] as number;
      this.y[slot] = this.at[1] as number;
      this.z[slot] = this.at[2] as number;
      this.boundary[slot] = boundaryOf(slot);
      this.grid.place(slot, this.at[0] as number, this.at[2] as number);
    }
  }

  private leavers(): void {
    const { capacity, changed } = this.options;
    for (let i = this.pairs.length; i-- > 0;) {
      const pair = this.pairs[i] as number;
      const a = Math.floor(pair / capacity);
      const b = pair % capacity;
      if (this.known[a] === 1 && this.known[b] === 1 && this.near(a, b, MARGIN_M)) continue;
      this.removePair(i, a, b);
      changed(a, b, false);
    }
  }

  private enterers(slot: number): void {
    if (this.known[slot] === 0) return;
    const { capacity, changed } = this.options;
    const count = this.grid.above(slot, this.around);
    for (let i = 0; i < count; i++) {
      const other = this.around[i] as number;
      // Who left since the check began is still in the grid.
      if (this.known[other] === 0 || this.insideRows.has(slot, other) || !this.near(slot, other, 0)) continue;
      this.insideRows.set(slot, other);
      this.pairs.push(slot * capacity + other);
      changed(slot, other, true);
    }
  }

  private near(a: number, b: number, margin: number): boolean {
    const boundary = Math.max(this.boundary[a] as number, this.boundary[b] as number);
    if (boundary <= 0) return false;
    const dx = (this.x[a] as number) - (this.x[b] as number);
    const dz = (this.z[a] as number) - (this.z[b] as number);
    const limit = boundary + margin;
    if (dx * dx + dz * dz >= limit * limit) return false;
    return Math.abs((this.y[a] as number) - (this.y[b] as number)) < HEIGHT_M && !this.options.exempt(a, b);
  }

  private removePair(index: number, a: number, b: number): void {
    this.insideRows.clear(a, b);
    this.pairs[index] = this.pairs[this.pairs.length - 1] as number;
    this.pairs.pop();
  }
}
