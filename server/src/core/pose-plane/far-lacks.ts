/**
 * Which sources a viewer does not take from the far stream as it comes: near, hidden, itself, or lacking the reference. Told twice: one
 * bit per pair, and for every cell and viewer a mask with a bit per member, so that a frame learns with one look whether it takes a whole
 * bundle, and otherwise whom of it.
 *
 * [FL1] A mask's bits stand for the cell's members in their order; those beyond its members are 0. Members who come and go shift it.
 * [FL2] Rows of masks are by cell: a tick reads those of the due cells, viewer after viewer.
 * [FL3] Fixed memory, capacity * capacity words, of which only the rows of cells in use are ever touched.
 */
import { BitRows } from "./bit-rows.ts";
import { CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";

export class FarLacks {
  private readonly grid: CellGrid;
  private readonly capacity: number;
  /** Row = viewer. */
  private readonly pairs: BitRows;
  /** Int32Array[capacity * capacity], row = cell. */
  private readonly masks: Int32Array;

  constructor(grid: CellGrid) {
    const { capacity } = grid;
    this.grid = grid;
    this.capacity = capacity;
    this.pairs = new BitRows(capacity, capacity);
    this.masks = new Int32Array(capacity * capacity);
  }

  has(viewer: number, source: number): boolean {
    return this.pairs.has(viewer, source);
  }
  /** The members of the cell that the viewer lacks. */
  ofCell(viewer: number, cell: number): number {
    return this.masks[cell * this.capacity + viewer] as number;
  }

  set(viewer: number, source: number): void {
    this.pairs.set(viewer, source);
    const cell = this.grid.cellOf[source] as number;
    if (cell < 0) return;
    const at = cell * this.capacity + viewer;
    this.masks[at] = (this.masks[at] as number) | (1 << (this.grid.rankOf[source] as number));
  }
  clear(viewer: number, source: number): void {
    this.pairs.clear(viewer, source);
    const cell = this.grid.cellOf[source] as number;
    if (cell < 0) return;
    const at = cell * this.capacity + viewer;
    this.masks[at] = (this.masks[at] as number) & ~(1 << (this.grid.rankOf[source] as number));
  }

  /** The viewer lacks everybody. */
  setAll(viewer: number): void {
    const { active, activeCount, counts } = this.grid;
    this.pairs.fillRow(viewer, true);
    for (let i = 0; i < activeCount; i++) {
      const cell = active[i] as number;
      this.masks[cell * this.capacity + viewer] = everybody(counts[cell] as number);
    }
  }

  /** Call before the grid takes the source out of its cell. */
  leaves(source: number): void {
    const { masks, capacity, grid } = this;
    const cell = grid.cellOf[source] as number;
    if (cell < 0) return;
    const row = cell * capacity;
    const below = (1 << (grid.rankOf[source] as number)) - 1;
    for (let viewer = 0; viewer < capacity; viewer++) {
      const mask = masks[row + viewer] as number;
      masks[row + viewer] = (mask & below) | ((mask >>> 1) & ~below);
    }
  }

  /** Call after the grid has put the source into its cell. */
  came(source: number): void {
    const { masks, pairs, capacity, grid } = this;
    const row = (grid.cellOf[source] as number) * capacity;
    const rank = grid.rankOf[source] as number;
    const below = (1 << rank) - 1;
    for (let viewer = 0; viewer < capacity; viewer++) {
      const mask = masks[row + viewer] as number;
      masks[row + viewer] = (mask & below) | ((mask & ~below) << 1) | (pairs.has(viewer, source) ? 1 << rank : 0);
    }
  }
}

/** A mask with a bit for each of `count` members. */
const everybody = (count: number): number => (count === CELL_MEMBERS ? -1 : (1 << count) - 1);
