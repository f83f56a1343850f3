/**
 * Who stands near whom: a uniform grid of cells, each with the slots in it. A cell is what the far stream is bundled by.
 *
 * [CG1] A cell has at most CELL_MEMBERS members; a crowded square of the grid has several cells. Fixed memory, nothing allocated after
 *       construction, and no cell is ever empty.
 * [CG2] Below GRID_FROM people there is one cell: a small room is not worth dividing. It divides at GRID_FROM and joins again below
 *       GRID_BELOW, so a room of that size does neither all the time.
 * [CG3] A source changes cells only when it is CELL_MARGIN_M outside of its own, so somebody on a border does not flutter.
 * [CG4] Members are sorted by slot.
 */
export const CELL_M = 8;
export const CELL_MARGIN_M = 0.75;
export const CELL_MEMBERS = 32;
const GRID_FROM = 32;
const GRID_BELOW = 24;
/** Squares of the grid per side: +-1 024 m, all that the lattice can say. */
const SIDE = 256;
const HALF = SIDE / 2;
const NONE = -1;

export class CellGrid {
  readonly capacity: number;
  /** Cell of each slot, -1 for nowhere, and which of the cell's members it is. */
  readonly cellOf: Int16Array;
  readonly rankOf: Uint8Array;
  /** Cells in use, `activeCount` of them. */
  readonly active: Uint16Array;
  activeCount = 0;
  /** Per cell: members, how many, and the due tick modulo the far period. */
  readonly members: Uint16Array;
  readonly counts: Uint8Array;
  readonly phases: Uint8Array;
  /** Sources placed. */
  people = 0;
  divided = false;
  /** Whether the last `place` opened a cell. */
  opened = false;
  private readonly squareX: Int16Array;
  private readonly squareZ: Int16Array;
  private readonly activeAt: Uint16Array;
  private readonly free: Uint16Array;
  private freeCount: number;
  /** First cell of each square, and the next cell of the same square. */
  private readonly first: Int16Array;
  private readonly next: Int16Array;
  /** Members due per phase: a new cell takes the least loaded one, which keeps frames of one size. */
  private readonly loads: Uint16Array;

  constructor(options: { readonly capacity: number; readonly periodTicks: number }) {
    const { capacity, periodTicks } = options;
    this.capacity = capacity;
    this.cellOf = new Int16Array(capacity).fill(NONE);
    this.rankOf = new Uint8Array(capacity);
    this.active = new Uint16Array(capacity);
    this.members = new Uint16Array(capacity * CELL_MEMBERS);
    this.counts = new Uint8Array(capacity);
    this.phases = new Uint8Array(capacity);
    this.squareX = new Int16Array(capacity);
    this.squareZ = new Int16Array(capacity);
    this.activeAt = new Uint16Array(capacity);
    this.free = Uint16Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    this.freeCount = capacity;
    this.first = new Int16Array(SIDE * SIDE).fill(NONE);
    this.next = new Int16Array(capacity).fill(NONE);
    this.loads = new Uint16Array(periodTicks);
  }

  /** Whether the room should change between one cell and a grid; the caller then places everybody anew. */
  redivide(): boolean {
    const divided = this.divided ? this.people >= GRID_BELOW : this.people >= GRID_FROM;
    if (divided === this.divided) return false;
    this.divided = divided;
    return true;
  }

  /** True when a source at (x, z) m belongs elsewhere than where it is. */
  strays(slot: number, x: number, z: number): boolean {
    const cell = this.cellOf[slot] as number;
    if (cell === NONE) return true;
    if (!this.divided) return false;
    const minX = this.minX(cell) - CELL_MARGIN_M;
    const minZ = this.minZ(cell) - CELL_MARGIN_M;
    const size = CELL_M + 2 * CELL_MARGIN_M;
    return x < minX || z < minZ || x > minX + size || z > minZ + size;
  }

  /** Puts a source where (x, z) m is; returns its cell. */
  place(slot: number, x: number, z: number): number {
    this.remove(slot);
    const cell = this.cellFor(this.divided ? square(x) : 0, this.divided ? square(z) : 0);
    const base = cell * CELL_MEMBERS;
    let at = this.counts[cell] as number;
    this.counts[cell] = at + 1;
    for (; at > 0 && (this.members[base + at - 1] as number) > slot; at--) this.rank(base, at, this.members[base + at - 1] as number);
    this.rank(base, at, slot);
    this.cellOf[slot] = cell;
    this.people++;
    const phase = this.phases[cell] as number;
    this.loads[phase] = (this.loads[phase] as number) + 1;
    return cell;
  }

  remove(slot: number): void {
    const cell = this.cellOf[slot] as number;
    if (cell === NONE) return;
    const base = cell * CELL_MEMBERS;
    const count = (this.counts[cell] as number) - 1;
    for (let at = this.rankOf[slot] as number; at < count; at++) this.rank(base, at, this.members[base + at + 1] as number);
    this.counts[cell] = count;
    this.cellOf[slot] = NONE;
    this.people--;
    const phase = this.phases[cell] as number;
    this.loads[phase] = (this.loads[phase] as number) - 1;
    if (count === 0) this.close(cell);
  }

  /** The cell's edges towards -x and -z, m; it is CELL_M wide. */
  minX(cell: number): number {
    return (this.squareX[cell] as number) * CELL_M;
  }
  minZ(cell: number): number {
    return (this.squareZ[cell] as number) * CELL_M;
  }

  private rank(base: number, at: number, slot: number): void {
    this.members[base + at] = slot;
    this.rankOf[slot] = at;
  }

  private cellFor(x: number, z: number): number {
    const at = (z + HALF) * SIDE + x + HALF;
    const head = this.first[at] as number;
    this.opened = false;
    for (let cell = head; cell !== NONE; cell = this.next[cell] as number) if ((this.counts[cell] as number) < CELL_MEMBERS) return cell;
    const cell = this.free[--this.freeCount] as number;
    this.opened = true;
    this.first[at] = cell;
    this.next[cell] = head;
    this.squareX[cell] = x;
    this.squareZ[cell] = z;
    this.activeAt[cell] = this.activeCount;
    this.active[this.activeCount++] = cell;
    let phase = 0;
    for (let p = 1; p < this.loads.length; p++) if ((this.loads[p] as number) < (this.loads[phase] as number)) phase = p;
    this.phases[cell] = phase;
    return cell;
  }

  private close(cell: number): void {
    const at = ((this.squareZ[cell] as number) + HALF) * SIDE + (this.squareX[cell] as number) + HALF;
    if (this.first[at] === cell) this.first[at] = this.next[cell] as number;
    else {
      let before = this.first[at] as number;
      while (this.next[before] !== cell) before = this.next[before] as number;
      this.next[before] = this.next[cell] as number;
    }
    this.next[cell] = NONE;
    const last = this.active[--this.activeCount] as number;
    const hole = this.activeAt[cell] as number;
    this.active[hole] = last;
    this.activeAt[last] = hole;
    this.free[this.freeCount++] = cell;
  }
}

function square(metres: number): number {
  const n = Math.floor(metres / CELL_M);
  return n < -HALF ? -HALF : n > HALF - 1 ? HALF - 1 : n === n ? n : 0;
}
