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
const MAX_CELLS = 64;

const cellOf = (metres: number): number => Math.floor(metres / CELL_M);
/** A small integer, which maps find fastest; cells 131 km apart share one, which [AG1] allows. */
const keyOf = (x: number, z: number): number => ((x & 0x7fff) << 15) | (z & 0x7fff);

export class AnchorGrid {
  private readonly cells = new Map<number, number[]>();
  private readonly wide: number[] = [];
  private readonly found: number[] = [];

  constructor(anchors: readonly Place[]) {
    anchors.forEach(({ point, half }, i) => {
      const [x0, x1] = [cellOf(point.x - half.x), cellOf(point.x + half.x)];
      const [z0, z1] = [cellOf(point.z - half.z), cellOf(point.z + half.z)];
      if ((x1 - x0 + 1) * (z1 - z0 + 1) > MAX_CELLS) return void this.wide.push(i);
      for (let x = x0; x <= x1; x++) {
        for (let z = z0; z <= z1; z++) {
          const key = keyOf(x, z);
          const cell = this.cells.get(key);
          if (cell === undefined) this.cells.set(key, [i]);
          else cell.push(i);
        }
      }
    });
  }

  /** Indexes of anchors, maybe repeated; the array is reused by the next call. `rings`: how many reaches far. */
  near({ point, half }: Place, rings = 1): readonly number[] {
    const { found, wide } = this;
    found.length = 0;
    for (const i of wide) found.push(i);
    const reach = REACH_M * rings;
    const [x0, x1] = [cellOf(point.x - half.x - reach), cellOf(point.x + half.x + reach)];
    const [z0, z1] = [cellOf(point.z - half.z - reach), cellOf(point.z + half.z + reach)];
    if ((x1 - x0 + 1) * (z1 - z0 + 1) > this.cells.size) {
      for (const cell of this.cells.values()) for (const i of cell) found.push(i);
      return found;
    }
    for (let x = x0; x <= x1; x++) for (let z = z0; z <= z1; z++) for (const i of this.cells.get(keyOf(x, z)) ?? NONE) found.push(i);
    return found;
  }
}
const NONE: readonly number[] = [];
