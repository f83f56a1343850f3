/**
 * What reviews ask of every cell in use, gathered once a tick, because a hundred viewers ask in the same tick: where it is, what it costs, and
 * how much its weightiest member weighs.
 *
 * [CF1] Rows are by the cell's place in the grid's list of cells in use, so that a review reads them one after the other.
 */
import { FarLayer } from "@copresence/shared/pose";
import type { Attention } from "./attention.ts";
import { CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";
import type { FarDesk } from "./far-desk.ts";

export class CellFacts {
  count = 0;
  /** Edges towards -x and -z, m. */
  readonly minX: Float64Array;
  readonly minZ: Float64Array;
  /** Bytes per second of either layer of the far stream, and of everybody's C0 together. */
  readonly c0Costs: Float64Array;
  readonly c1Costs: Float64Array;
  crowdCost = 0;
  /** Of the weightiest member, 1 at least. */
  readonly weights: Float32Array;
  private readonly grid: CellGrid;
  private readonly far: FarDesk;
  private readonly attention: Attention;

  constructor(options: { readonly grid: CellGrid; readonly far: FarDesk; readonly attention: Attention }) {
    const { capacity } = options.grid;
    this.grid = options.grid;
    this.far = options.far;
    this.attention = options.attention;
    this.minX = new Float64Array(capacity);
    this.minZ = new Float64Array(capacity);
    this.c0Costs = new Float64Array(capacity);
    this.c1Costs = new Float64Array(capacity);
    this.weights = new Float32Array(capacity);
  }

  gather(): void {
    const { far, grid } = this;
    this.count = grid.activeCount;
    this.crowdCost = 0;
    for (let i = 0; i < this.count; i++) {
      const cell = grid.active[i] as number;
      this.minX[i] = grid.minX(cell);
      this.minZ[i] = grid.minZ(cell);
      const c0 = far.cost(cell, FarLayer.c0);
      this.c0Costs[i] = c0;
      this.c1Costs[i] = far.cost(cell, FarLayer.c1);
      this.crowdCost += c0;
      this.weights[i] = this.weightiest(cell);
    }
  }

  private weightiest(cell: number): number {
    const { attention, grid } = this;
    const base = cell * CELL_MEMBERS;
    let weight = 1;
    for (let i = grid.counts[cell] as number; i-- > 0;) {
      const each = attention.weights[grid.members[base + i] as number] as number;
      if (each > weight) weight = each;
    }
    return weight;
  }
}
