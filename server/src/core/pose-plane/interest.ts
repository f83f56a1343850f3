/**
 * Who gets how much of whom: for one viewer at a time, four times a second.
 *
 * Every source has a score for the viewer: role and attention, over distance, times how squarely it stands in view. Every step up, from
 * nothing over the far stream's two layers and T0 to T1 and T2, is worth the score times the step's gain, and costs what the source's
 * blocks of that layer cost lately. Steps are taken in order of worth until the viewer's budget is spent: one threshold on worth, found
 * by adding up the costs in a histogram of worths (worth-table.ts), decides for everybody at once. At equal scores the gains
 * shed T2 first, then T1, then half of the far stream, then T0, and the far stream last; at unequal ones the far lose before the near.
 * Where the room allows fewer near sources than the budget would, their T0 has a threshold of its own, and the rest of the budget goes on.
 *
 * [IN1] Far sources are judged by cell; those whose cell may hold somebody near, one by one. O(cells + near candidates) per review.
 * [IN2] A source that is near counts HYSTERESIS more, so that two sources of one worth do not take turns.
 * [IN3] Where the whole crowd's C0 fits into CROWD_PART of the budget, everybody gets it, and the near share the rest. Where it does not, a
 *       cell that gets nothing doubles its score at every review (250 ms) until it gets something, and keeps it for DWELL reviews.
 * [IN4] At most `nearMax` sources are near: the room's work per tick is bounded whatever the budgets.
 * [IN5] Only + - x / sqrt and comparisons: the same inputs give the same tiers.
 */
import { FarLayer, POSE_FLOATS } from "@copresence/shared/pose";
import { type Attention, GAZE } from "./attention.ts";
import { type Budgets, WIRE_BYTES } from "./budgets.ts";
import { CELL_M, CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";
import type { FarDesk } from "./far-desk.ts";
import { HEAD_FLOATS, type SourceDesk } from "./source-desk.ts";
import { reviewTicks, Tier } from "./tiers.ts";
import { Fine, type ViewerLinks } from "./viewer-links.ts";
import { WorthTable } from "./worth-table.ts";

/** What each step up is worth, times the score. */
const GAIN = { c0: 16, c1: 0.6, t0: 1, t1: 0.4, t2: 0.2 } as const;
const HYSTERESIS = 1.2;
/** Nobody is nearer than this: faces at arm's length matter the same. */
const LEAST_M = 0.5;
/** Factors by where the source is: in view, beside, behind; cosines of 60 and 100 degrees. */
const BESIDE = 0.35;
const BEHIND = 0.15;
const VIEW_COS = 0.5;
const BESIDE_COS = -0.174;
/** Looked straight at: within 15 degrees. */
const GAZE_COS = 0.966;
/** Part of the budget that updates may plan with; the rest is for intra blocks. */
const PLANNED = 0.93;
/** Bytes of a frame that no source is charged with: its head, section heads, and what is around it. */
const FRAME_OVERHEAD = 20 + WIRE_BYTES;
/** Pair copies per second that the room affords. */
const PAIRS_PER_SECOND = 960_000;
const NEAR_LEAST = 24;
/** Cells of the next review are opened up this far below the last threshold, and taken for this round. */
const OPEN_BELOW = 0.9;
/** Whoever stands within a few metres is always judged, however poor the link. */
const MAX_FLOOR = 0.2;
/** Part of a viewer's budget that the crowd may take before those who stand near. */
const CROWD_PART = 0.85;
/** Worth of what is not weighed. */
const ALWAYS = 2 ** 11;
const CELL_RADIUS_M = CELL_M * 0.71;
/** A near source stays in view this much further (cosine): heads turn all the time. */
const VIEW_SLACK = 0.25;
/** Cell state byte: tier in two bits, then reviews it has starved (doublings) or must still keep it. */
const CELL_TIER = 3;
const COUNT_SHIFT = 2;
const DWELL = 6;
const DOUBLINGS = 6;

export type InterestParts = {
  readonly tickRateHz: number;
  readonly desk: SourceDesk;
  readonly grid: CellGrid;
  readonly far: FarDesk;
  readonly links: ViewerLinks;
  readonly budgets: Budgets;
  readonly attention: Attention;
};

export class Interest {
  /** Viewers that take somebody from the far stream. */
  farViewers = 0;
  private readonly parts: InterestParts;
  private readonly links: ViewerLinks;
  private readonly heads: Float32Array;
  private readonly weights: Float32Array;
  private readonly capacity: number;
  private readonly reviewTicks: number;
  /** Uint8Array[capacity * capacity], row = viewer: how the viewer takes each cell. */
  private readonly cells: Uint8Array;
  private readonly wantsFar: Uint8Array;
  private readonly soon: Uint8Array;
  /** Per viewer: score from which T0 was given last, 0 when all was. */
  private readonly floor: Float64Array;
  private readonly candidates: Uint16Array;
  private readonly scores: Float32Array;
  private candidateCount = 0;
  private readonly cellScores: Float32Array;
  /** Per cell: its weightiest member's weight, and the tick that is of. */
  private readonly cellWeights: Float32Array;
  private readonly weighedTick: Float64Array;
  private readonly assigned: Uint8Array;
  private readonly table = new WorthTable();
  /** The viewer under review: where it stands and looks. */
  private x = 0;
  private y = 0;
  private z = 0;
  private lookX = 0;
  private lookY = 0;
  private lookZ = 0;
  /** False for a viewer nobody has seen yet: everything is in its view. */
  private seen = false;
  /** Bytes per second there are for updates. */
  private budget = 0;
  /** Everybody's C0 fits [IN3]. */
  private crowdFits = false;
  /** Somebody scores too little to be near, or stands in a cell that was not looked into. */
  private someFar = false;

  constructor(parts: InterestParts) {
    const { capacity } = parts.desk;
    this.parts = parts;
    this.links = parts.links;
    this.heads = parts.desk.heads;
    this.weights = parts.attention.weights;
    this.capacity = capacity;
    this.reviewTicks = reviewTicks(parts.tickRateHz);
    this.cells = new Uint8Array(capacity * capacity);
    this.wantsFar = new Uint8Array(capacity);
    this.soon = new Uint8Array(capacity);
    this.floor = new Float64Array(capacity);
    this.candidates = new Uint16Array(capacity);
    this.scores = new Float32Array(capacity);
    this.cellScores = new Float32Array(capacity);
    this.cellWeights = new Float32Array(capacity);
    this.weighedTick = new Float64Array(capacity).fill(-1);
    this.assigned = new Uint8Array(capacity);
  }

  add(viewer: number): void {
    this.remove(viewer);
    this.cells.fill(Tier.c0, viewer * this.capacity, viewer * this.capacity + this.capacity);
    this.soon[viewer] = 1;
  }

  remove(viewer: number): void {
    const { grid, far } = this.parts;
    for (let i = 0; i < grid.activeCount; i++) {
      const cell = grid.active[i] as number;
      if (this.cellTier(viewer, cell) === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) - 1;
    }
    this.cells.fill(Tier.none, viewer * this.capacity, viewer * this.capacity + this.capacity);
    if (this.wantsFar[viewer] === 1) this.farViewers--;
    this.wantsFar[viewer] = 0;
    this.soon[viewer] = 0;
    this.floor[viewer] = 0;
  }

  /** Judges this viewer at the next tick, whoever's turn it is. */
  reviewSoon(viewer: number): void {
    this.soon[viewer] = 1;
  }

  /** A source went from one cell to another; -1 when it comes from nowhere. `opened`: the new cell had nobody in it. */
  moved(source: number, from: number, to: number, opened: boolean): void {
    const { links, far } = this.parts;
    if (opened) far.opened(to);
    for (let viewer = 0; viewer < this.capacity; viewer++) {
      const row = viewer * this.capacity;
      links.cellChanged(viewer, to);
      const before = from < 0 ? Tier.c0 : (this.cells[row + from] as number) & CELL_TIER;
      if (opened) {
        this.cells[row + to] = before;
        if (before === Tier.c1) far.c1Viewers[to] = (far.c1Viewers[to] as number) + 1;
      } else if (before !== Tier.none && this.cellTier(viewer, to) === Tier.none && !links.isNear(viewer, source)) links.lack(viewer, source);
    }
  }

  cellTier(viewer: number, cell: number): Tier {
    return ((this.cells[viewer * this.capacity + cell] as number) & CELL_TIER) as Tier;
  }

  tier(viewer: number, source: number): Tier {
    const { grid, links } = this.parts;
    if (links.isNear(viewer, source)) return (Tier.t0 - Fine.t0 + links.fine(viewer, source)) as Tier;
    const cell = grid.cellOf[source] as number;
    return cell < 0 || links.isHidden(viewer, source) ? Tier.none : this.cellTier(viewer, cell);
  }

  /** Reviews the viewers whose turn it is. */
  reviewDue(tick: number): void {
    const { attention, desk } = this.parts;
    attention.refresh(tick);
    const turn = tick % this.reviewTicks;
    for (let viewer = 0; viewer < this.capacity; viewer++) {
      if (desk.present[viewer] !== 1 || (this.soon[viewer] !== 1 && viewer % this.reviewTicks !== turn)) continue;
      this.soon[viewer] = 0;
      this.review(viewer, tick);
    }
  }

  /** Score of a source for a viewer, as the next review will see it. */
  score(viewer: number, source: number, tick: number): number {
    this.look(viewer);
    this.scorePair(viewer, source, 0);
    return (this.scores[0] as number) * this.parts.attention.between(viewer, source, tick);
  }
  distanceM(viewer: number, source: number): number {
    const { heads } = this.parts.desk;
    const a = viewer * HEAD_FLOATS;
    const b = source * HEAD_FLOATS;
    const dx = (heads[b] as number) - (heads[a] as number);
    const dy = (heads[b + 1] as number) - (heads[a + 1] as number);
    const dz = (heads[b + 2] as number) - (heads[a + 2] as number);
    return Math.sqrt(dx * dx + dy * dy + dz * dz);
  }
  /** Where a source stands to a viewer: 1 in view, less beside and behind. */
  view(viewer: number, source: number): number {
    this.look(viewer);
    const { heads } = this.parts.desk;
    const at = source * HEAD_FLOATS;
    return this.cone(
      (heads[at] as number) - this.x,
      (heads[at + 1] as number) - this.y,
      (heads[at + 2] as number) - this.z,
      this.distanceM(viewer, source),
    );
  }

  private review(viewer: number, tick: number): void {
    const { budgets, desk, far, grid, tickRateHz } = this.parts;
    const { table } = this;
    this.look(viewer);
    table.clear();
    this.candidateCount = 0;
    this.someFar = false;
    this.budget = (budgets.rates[viewer] as number) * PLANNED - tickRateHz * FRAME_OVERHEAD;
    this.crowdFits = far.crowdBytesPerS <= this.budget * CROWD_PART;
    for (let i = 0; i < grid.activeCount; i++) this.weighCell(viewer, grid.active[i] as number, tick);
    table.findNear(Math.min(this.nearMax(desk.shownCount), budgets.fullPeople[viewer] as number));
    this.weighNear();
    table.findThreshold(this.budget);
    const near = table.leastNear / GAIN.t0;
    this.floor[viewer] = near < MAX_FLOOR ? near * OPEN_BELOW : MAX_FLOOR;
    if (table.pressed) budgets.pressed(viewer, tick);
    for (let i = 0; i < grid.activeCount; i++) this.assignCell(viewer, grid.active[i] as number);
    const candidates = this.candidateCount;
    const wants = this.assignNear(viewer) < candidates || this.someFar ? 1 : 0;
    this.farViewers += wants - (this.wantsFar[viewer] as number);
    this.wantsFar[viewer] = wants;
  }

  private nearMax(people: number): number {
    const affordable = Math.floor(PAIRS_PER_SECOND / (this.parts.tickRateHz * Math.max(1, people)));
    return affordable < NEAR_LEAST ? NEAR_LEAST : affordable;
  }

  private look(viewer: number): void {
    const { desk } = this.parts;
    const p = viewer * POSE_FLOATS;
    this.seen = desk.shown(viewer);
    this.x = this.seen ? (desk.poses[p] as number) : 0;
    this.y = this.seen ? (desk.poses[p + 1] as number) : 0;
    this.z = this.seen ? (desk.poses[p + 2] as number) : 0;
    const qx = desk.poses[p + 3] as number;
    const qy = desk.poses[p + 4] as number;
    const qz = desk.poses[p + 5] as number;
    const qw = desk.poses[p + 6] as number;
    // The head's -z in the room.
    this.lookX = -2 * (qx * qz + qw * qy);
    this.lookY = -2 * (qy * qz - qw * qx);
    this.lookZ = 2 * (qx * qx + qy * qy) - 1;
  }

  private cone(dx: number, dy: number, dz: number, distance: number): number {
    if (!this.seen) return 1;
    const along = dx * this.lookX + dy * this.lookY + dz * this.lookZ;
    return along > VIEW_COS * distance ? 1 : along > BESIDE_COS * distance ? BESIDE : BEHIND;
  }

  /** Puts the pair's score into `scores[at]`: a double that is returned would be a heap number, a million times a second. */
  private scorePair(viewer: number, source: number, at: number): void {
    const { heads } = this;
    const p = source * HEAD_FLOATS;
    const dx = (heads[p] as number) - this.x;
    const dy = (heads[p + 1] as number) - this.y;
    const dz = (heads[p + 2] as number) - this.z;
    const distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
    const stays = this.links.stays(viewer, source);
    const slack = stays ? VIEW_SLACK * distance : 0;
    const along = dx * this.lookX + dy * this.lookY + dz * this.lookZ + slack;
    const view = !this.seen
      ? 1
      : along > VIEW_COS * distance
        ? along > GAZE_COS * distance
          ? GAZE
          : 1
        : along > BESIDE_COS * distance
          ? BESIDE
          : BEHIND;
    const weight = ((this.weights[source] as number) * view) / (distance < LEAST_M ? LEAST_M : distance);
    this.scores[at] = stays ? HYSTERESIS * weight : weight;
  }

  private weighCell(viewer: number, cell: number, tick: number): void {
    const { far, grid } = this.parts;
    let distance = 0;
    let view = 1;
    let best: number = GAZE;
    if (grid.divided) {
      const minX = grid.minX(cell);
      const minZ = grid.minZ(cell);
      const dx = this.x < minX ? minX - this.x : this.x > minX + CELL_M ? this.x - minX - CELL_M : 0;
      const dz = this.z < minZ ? minZ - this.z : this.z > minZ + CELL_M ? this.z - minZ - CELL_M : 0;
      distance = Math.sqrt(dx * dx + dz * dz);
      if (distance > 0) {
        const cx = minX + CELL_M / 2 - this.x;
        const cz = minZ + CELL_M / 2 - this.z;
        const centre = Math.sqrt(cx * cx + cz * cz);
        view = this.cone(cx, 0, cz, centre);
        best = this.bestView(cx * this.lookX + cz * this.lookZ, centre);
      }
    }
    const near = 1 / (distance < LEAST_M ? LEAST_M : distance);
    const state = this.cells[viewer * this.capacity + cell] as number;
    const count = state >> COUNT_SHIFT;
    const weight = this.cellWeight(cell, tick);
    const starving = (state & CELL_TIER) === Tier.none ? 1 << count : count > 0 ? HYSTERESIS * 2 : HYSTERESIS;
    const score = near * view * weight * starving;
    this.cellScores[cell] = score;
    this.table.addStep(this.crowdFits ? ALWAYS : score * GAIN.c0, far.cost(cell, FarLayer.c0));
    this.table.addStep(score * GAIN.c1, far.cost(cell, FarLayer.c1));
    if (near * best * HYSTERESIS * weight >= (this.floor[viewer] as number)) this.weighMembers(viewer, cell, tick);
    else this.someFar = true;
  }

  /** The most that anybody in a cell may be in view, whose centre is `along` the look and `distance` away. */
  private bestView(along: number, distance: number): number {
    if (!this.seen) return 1;
    const towards = along + CELL_RADIUS_M;
    const least = distance - CELL_RADIUS_M;
    return towards > (GAZE_COS - VIEW_SLACK) * least
      ? GAZE
      : towards > (VIEW_COS - VIEW_SLACK) * least
        ? 1
        : towards > (BESIDE_COS - VIEW_SLACK) * least
          ? BESIDE
          : BEHIND;
  }

  /** The weightiest member decides whether the cell is looked into. */
  private cellWeight(cell: number, tick: number): number {
    const { attention, grid } = this.parts;
    if (this.weighedTick[cell] === tick) return this.cellWeights[cell] as number;
    const base = cell * CELL_MEMBERS;
    let weight = 1;
    for (let i = grid.counts[cell] as number; i-- > 0;) {
      const each = attention.weights[grid.members[base + i] as number] as number;
      if (each > weight) weight = each;
    }
    this.weighedTick[cell] = tick;
    this.cellWeights[cell] = weight;
    return weight;
  }

  private weighMembers(viewer: number, cell: number, tick: number): void {
    const { attention, grid } = this.parts;
    const { candidates, links, scores, table } = this;
    const { members } = grid;
    const base = cell * CELL_MEMBERS;
    const partnered = attention.hasPartners(viewer, tick);
    const floor = this.floor[viewer] as number;
    let at = this.candidateCount;
    for (let i = grid.counts[cell] as number; i-- > 0;) {
      const source = members[base + i] as number;
      if (links.isHidden(viewer, source)) continue;
      this.scorePair(viewer, source, at);
      if (partnered) scores[at] = (scores[at] as number) * attention.between(viewer, source, tick);
      const score = scores[at] as number;
      if (score < floor) {
        this.someFar = true;
        continue;
      }
      candidates[at++] = source;
      table.addNear(score * GAIN.t0);
    }
    this.candidateCount = at;
  }

  /** The steps of those who may be near. */
  private weighNear(): void {
    const { desk, far, grid } = this.parts;
    const least = this.table.leastOfRank / GAIN.t0;
    for (let i = 0; i < this.candidateCount; i++) {
      const score = this.scores[i] as number;
      if (score < least) continue;
      const source = this.candidates[i] as number;
      const cell = grid.cellOf[source] as number;
      const cost = (desk.costs[source * 3] as number) - far.cost(cell, FarLayer.c0) / (grid.counts[cell] as number);
      this.table.addStep(score * GAIN.t0, cost > 0 ? cost : 0);
      this.table.addStep(score * GAIN.t1, desk.costs[source * 3 + 1] as number);
      this.table.addStep(score * GAIN.t2, desk.costs[source * 3 + 2] as number);
    }
  }

  private assignCell(viewer: number, cell: number): void {
    const { far } = this.parts;
    const { least } = this.table;
    const at = viewer * this.capacity + cell;
    const state = this.cells[at] as number;
    const before = state & CELL_TIER;
    const count = state >> COUNT_SHIFT;
    const score = this.cellScores[cell] as number;
    const tier = score >= least / GAIN.c1 ? Tier.c1 : this.crowdFits || score >= least / GAIN.c0 ? Tier.c0 : Tier.none;
    if (before === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) - 1;
    if (tier === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) + 1;
    let next = 0;
    if (tier === Tier.none) next = before === Tier.none ? Math.min(count + 1, DOUBLINGS) : 0;
    else next = before === Tier.none ? DWELL : count > 0 ? count - 1 : 0;
    this.cells[at] = tier | (next << COUNT_SHIFT);
    if (tier === Tier.none && before !== Tier.none) this.loseCell(viewer, cell);
  }

  /** The viewer no longer follows the cell's far references. */
  private loseCell(viewer: number, cell: number): void {
    const { grid, links } = this.parts;
    const base = cell * CELL_MEMBERS;
    for (let i = grid.counts[cell] as number; i-- > 0;) {
      const source = grid.members[base + i] as number;
      if (!links.isNear(viewer, source)) links.lack(viewer, source);
    }
  }

  /** Gives the candidates their tiers (and forgets the rest of them) and lets go of everybody else who was near; how many are near. */
  private assignNear(viewer: number): number {
    const { links } = this.parts;
    let near = 0;
    const { least, leastNear } = this.table;
    const leastT0 = leastNear / GAIN.t0;
    const leastT1 = least / GAIN.t1;
    const leastT2 = least / GAIN.t2;
    for (let i = 0; i < this.candidateCount; i++) {
      const score = this.scores[i] as number;
      if (score < leastT0) continue;
      const source = this.candidates[i] as number;
      links.setNear(viewer, source, score >= leastT2 ? Fine.full : score >= leastT1 ? Fine.t1 : Fine.t0);
      this.assigned[source] = 1;
      this.candidates[near++] = source;
    }
    this.letGo(viewer);
    for (let i = 0; i < near; i++) this.assigned[this.candidates[i] as number] = 0;
    return near;
  }

  private letGo(viewer: number): void {
    const { desk, grid, links } = this.parts;
    const { bits, words } = links.near;
    for (let w = 0; w < words; w++) {
      for (let set = bits[viewer * words + w] as number; set !== 0; set &= set - 1) {
        const source = (w << 5) + 31 - Math.clz32(set & -set);
        if (this.assigned[source] === 1 || links.isLeaving(viewer, source)) continue;
        const cell = grid.cellOf[source] as number;
        links.leaveNear(viewer, source, desk.shown(source) && cell >= 0 && this.cellTier(viewer, cell) !== Tier.none);
      }
    }
  }
}
