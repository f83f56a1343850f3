/**
 * Which of many anchors are near a thing: buckets over the floor plane, made for one relation of one query.
 *
 * [AG1] `near` gives every anchor whose box is within `REACH_M` of the point, and perhaps some that are farther.
 * [AG2] Cost follows what is near, not how many anchors there are.
 */
import type { Place } from "./relations.ts";

const CELL_M = 4;
const REACH_M = 4;
/** An anchor wider than this many cells is looked at for everything. */
const MAX_WIDE = 64;
/** Anchors farther apart than a grid of this many cells spans share cells at its edge, which [AG1] allows. */
const MAX_CELLS = 1 << 16;
const MAX_SIDE = 1 << 12;

const cellOf = (metres: number): number => Math.floor(metres / CELL_M);
const clamp = (cell: number, size: number): number => (cell < 0 ? 0 : cell >= size ? size - 1 : cell);

export class AnchorGrid {
  private readonly x0: number;
  private readonly z0: number;
  private readonly columns: number;
  private readonly rows: number;
  /** Anchors of cell `row * columns + column`: `members` from `starts[cell]` to `starts[cell + 1]`. */
  private readonly starts: Int32Array;
  private readonly members: Int32Array;
  private readonly wide: number[] = [];
  private readonly found: number[] = [];

  constructor(anchors: readonly Place[]) {
    let [x0, x1, z0, z1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const { point } of anchors) {
      x0 = Math.min(x0, cellOf(point.x));
      x1 = Math.max(x1, cellOf(point.x));
      z0 = Math.min(z0, cellOf(point.z));
      z1 = Math.max(z1, cellOf(point.z));
    }
    this.x0 = x0;
    this.z0 = z0;
    this.columns = Math.max(1, Math.min(MAX_SIDE, x1 - x0 + 1 || 1));
    this.rows = Math.max(1, Math.min(Math.floor(MAX_CELLS / this.columns), z1 - z0 + 1 || 1));
    const cells: [cell: number, anchor: number][] = [];
    anchors.forEach(({ point, half }, i) => {
      const [left, right] = [cellOf(point.x - half.x), cellOf(point.x + half.x)];
      const [back, front] = [cellOf(point.z - half.z), cellOf(point.z + half.z)];
      if ((right - left + 1) * (front - back + 1) > MAX_WIDE) return void this.wide.push(i);
      const [c0, c1, r0, r1] = [this.column(left), this.column(right), this.row(back), this.row(front)];
      for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) cells.push([r * this.columns + c, i]);
    });
    this.starts = new Int32Array(this.columns * this.rows + 1);
    for (const [cell] of cells) this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + 1;
    for (let cell = 1; cell < this.starts.length; cell++) this.starts[cell] = (this.starts[cell] ?? 0) + (this.starts[cell - 1] ?? 0);
    this.members = new Int32Array(cells.length);
    const filled = this.starts.slice();
    for (const [cell, anchor] of cells) {
      const at = filled[cell] ?? 0;
      this.members[at] = anchor;
      filled[cell] = at + 1;
    }
  }

  /** Indexes of anchors, maybe repeated; the array is reused by the next call. `rings`: how many reaches far. */
  near({ point, half }: Place, rings = 1): readonly number[] {
    const { found, wide, starts, members, columns } = this;
    found.length = 0;
    for (const i of wide) found.push(i);
    const reach = REACH_M * rings;
    const [c0, c1] = [this.column(cellOf(point.x - half.x - reach)), this.column(cellOf(point.x + half.x + reach))];
    const [r0, r1] = [this.row(cellOf(point.z - half.z - reach)), this.row(cellOf(point.z + half.z + reach))];
    for (let r = r0; r <= r1; r++) {
      const end = starts[r * columns + c1 + 1] ?? 0;
      for (let at = starts[r * columns + c0] ?? 0; at < end; at++) found.push(members[at] ?? 0);
    }
    return found;
  }

  private column(x: number): number {
    return clamp(x - this.x0, this.columns);
  }
  private row(z: number): number {
    return clamp(z - this.z0, this.rows);
  }
}
