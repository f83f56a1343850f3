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
import { FarLayer } from "@copresence/shared/pose";
import { type Attention, GAZE } from "./attention.ts";
import { type Budgets, WIRE_BYTES } from "./budgets.ts";
import { CellFacts } from "./cell-facts.ts";
import { CELL_M, CELL_MARGIN_M, CELL_MEMBERS, type CellGrid } from "./cell-grid.ts";
import { type FarDesk, lowest } from "./far-desk.ts";
import { HEAD_FLOATS, type SourceDesk } from "./source-desk.ts";
import { reviewTicks, Tier } from "./tiers.ts";
import { Fine, type ViewerLinks } from "./viewer-links.ts";
import { CENTRE_X, CENTRE_Z, gazeFactor, MOST, VIEW_SLACK, Viewpoint } from "./viewpoint.ts";
import { WorthTable } from "./worth-table.ts";

/** What each step up is worth, times the score. */
const GAIN = { c0: 16, c1: 0.6, t0: 1, t1: 0.4, t2: 0.2 } as const;
const HYSTERESIS = 1.2;
/** Nobody is nearer than this: faces at arm's length matter the same. */
const LEAST_M = 0.5;
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
/** How far out of their cell's corner somebody may be who still belongs to it [CG3]. */
const STRAY_M = CELL_MARGIN_M * 1.42;
/** Worth of what is not weighed. */
const ALWAYS = 2 ** 11;
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
  private readonly facts: CellFacts;
  private readonly capacity: number;
  private readonly reviewTicks: number;
  /** Uint8Array[capacity * capacity], row = cell: how each viewer takes it. */
  private readonly cells: Uint8Array;
  private readonly wantsFar: Uint8Array;
  private readonly soon: Uint8Array;
  /** Per viewer: score from which T0 was given last, 0 when all was. */
  private readonly floor: Float64Array;
  private readonly candidates: Uint16Array;
  private readonly scores: Float32Array;
  private candidateCount = 0;
  /** As `facts`: what each cell scores for the viewer under review. */
  private readonly cellScores: Float32Array;
  /** Bits of the sources that are near from this review on. */
  private readonly assigned: Int32Array;
  /** Of the cell that is weighed [VP2]. */
  private readonly bound = new Float64Array(3);
  private readonly table = new WorthTable();
  /** The viewer under review. */
  private readonly eye = new Viewpoint();
  /** Bytes per second there are for updates. */
  private budget = 0;
  /** Everybody's C0 fits [IN3]. */
  private crowdFits = false;
  /** Somebody scores too little to be near, or stands in a cell that was not looked into. */
  private someFar = false;

  constructor(parts: InterestParts) {
    const { capacity } = parts.desk;
    this.parts = parts;
    this.facts = new CellFacts(parts);
    this.capacity = capacity;
    this.reviewTicks = reviewTicks(parts.tickRateHz);
    this.cells = new Uint8Array(capacity * capacity);
    this.wantsFar = new Uint8Array(capacity);
    this.soon = new Uint8Array(capacity);
    this.floor = new Float64Array(capacity);
    this.candidates = new Uint16Array(capacity);
    this.scores = new Float32Array(capacity);
    this.cellScores = new Float32Array(capacity);
    this.assigned = new Int32Array(parts.links.near.words);
  }

  add(viewer: number): void {
    this.remove(viewer);
    this.takeCells(viewer, Tier.c0);
    this.soon[viewer] = 1;
  }

  remove(viewer: number): void {
    const { grid, far } = this.parts;
    for (let i = 0; i < grid.activeCount; i++) {
      const cell = grid.active[i] as number;
      if (this.cellTier(viewer, cell) === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) - 1;
    }
    this.takeCells(viewer, Tier.none);
    if (this.wantsFar[viewer] === 1) this.farViewers--;
    this.wantsFar[viewer] = 0;
    this.soon[viewer] = 0;
    this.floor[viewer] = 0;
  }

  private takeCells(viewer: number, tier: Tier): void {
    const { active, activeCount } = this.parts.grid;
    for (let i = 0; i < activeCount; i++) this.cells[(active[i] as number) * this.capacity + viewer] = tier;
  }

  /** Judges this viewer at the next tick, whoever's turn it is. */
  reviewSoon(viewer: number): void {
    this.soon[viewer] = 1;
  }

  /** A source went from one cell to another; -1 when it comes from nowhere. `opened`: the new cell had nobody in it. */
  moved(source: number, from: number, to: number, opened: boolean): void {
    const { links, far } = this.parts;
    const { cells, capacity } = this;
    if (opened) far.opened(to);
    for (let viewer = 0; viewer < capacity; viewer++) {
      const before = from < 0 ? Tier.c0 : (cells[from * capacity + viewer] as number) & CELL_TIER;
      if (opened) {
        cells[to * capacity + viewer] = before;
        if (before === Tier.c1) far.c1Viewers[to] = (far.c1Viewers[to] as number) + 1;
      } else if (before !== Tier.none && this.cellTier(viewer, to) === Tier.none && !links.isNear(viewer, source)) links.lack(viewer, source);
    }
  }

  cellTier(viewer: number, cell: number): Tier {
    return ((this.cells[cell * this.capacity + viewer] as number) & CELL_TIER) as Tier;
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
    this.facts.gather();
    const turn = tick % this.reviewTicks;
    for (let viewer = 0; viewer < this.capacity; viewer++) {
      if (desk.present[viewer] !== 1 || (this.soon[viewer] !== 1 && viewer % this.reviewTicks !== turn)) continue;
      this.soon[viewer] = 0;
      this.review(viewer, tick);
    }
  }

  /** Score of a source for a viewer, as the next review will see it. */
  score(viewer: number, source: number, tick: number): number {
    this.eye.take(this.parts.desk, viewer);
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
    const { eye } = this;
    const { desk } = this.parts;
    eye.take(desk, viewer);
    const at = source * HEAD_FLOATS;
    return eye.cone(
      (desk.heads[at] as number) - eye.x,
      (desk.heads[at + 1] as number) - eye.y,
      (desk.heads[at + 2] as number) - eye.z,
      this.distanceM(viewer, source),
    );
  }

  private review(viewer: number, tick: number): void {
    const { budgets, desk, far, tickRateHz } = this.parts;
    const { table } = this;
    this.eye.take(desk, viewer);
    table.clear();
    this.candidateCount = 0;
    this.someFar = false;
    this.budget = (budgets.rates[viewer] as number) * PLANNED - tickRateHz * FRAME_OVERHEAD;
    this.crowdFits = far.crowdBytesPerS <= this.budget * CROWD_PART;
    this.weighCells(viewer, tick);
    table.findNear(Math.min(this.nearMax(desk.shownCount), budgets.fullPeople[viewer] as number));
    this.weighNear();
    table.findThreshold(this.budget);
    const near = table.leastNear / GAIN.t0;
    this.floor[viewer] = near < MAX_FLOOR ? near * OPEN_BELOW : MAX_FLOOR;
    if (table.pressed) budgets.pressed(viewer, tick);
    this.assignCells(viewer);
    const candidates = this.candidateCount;
    const wants = this.assignNear(viewer) < candidates || this.someFar ? 1 : 0;
    this.farViewers += wants - (this.wantsFar[viewer] as number);
    this.wantsFar[viewer] = wants;
  }

  private nearMax(people: number): number {
    const affordable = Math.floor(PAIRS_PER_SECOND / (this.parts.tickRateHz * Math.max(1, people)));
    return affordable < NEAR_LEAST ? NEAR_LEAST : affordable;
  }

  /** Puts the pair's score into `scores[at]`: a double that is returned would be a heap number, a million times a second. */
  private scorePair(viewer: number, source: number, at: number): void {
    const { eye } = this;
    const { attention, desk, links } = this.parts;
    const { heads } = desk;
    const p = source * HEAD_FLOATS;
    const dx = (heads[p] as number) - eye.x;
    const dy = (heads[p + 1] as number) - eye.y;
    const dz = (heads[p + 2] as number) - eye.z;
    const distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
    const stays = links.stays(viewer, source);
    const along = dx * eye.lookX + dy * eye.lookY + dz * eye.lookZ + (stays ? VIEW_SLACK * distance : 0);
    const view = eye.seen ? gazeFactor(along, distance) : 1;
    const weight = ((attention.weights[source] as number) * view) / (distance < LEAST_M ? LEAST_M : distance);
    this.scores[at] = stays ? HYSTERESIS * weight : weight;
  }

  private weighCells(viewer: number, tick: number): void {
    const { bound, eye, facts, table, crowdFits, cells, capacity } = this;
    const { active, divided } = this.parts.grid;
    const floor = this.floor[viewer] as number;
    if (crowdFits) table.addStep(ALWAYS, facts.crowdCost);
    for (let i = 0; i < facts.count; i++) {
      const cell = active[i] as number;
      let distance = 0;
      let view = 1;
      if (divided) {
        const minX = facts.minX[i] as number;
        const minZ = facts.minZ[i] as number;
        const dx = eye.x < minX ? minX - eye.x : eye.x > minX + CELL_M ? eye.x - minX - CELL_M : 0;
        const dz = eye.z < minZ ? minZ - eye.z : eye.z > minZ + CELL_M ? eye.z - minZ - CELL_M : 0;
        distance = Math.sqrt(dx * dx + dz * dz);
        if (distance > 0) {
          const cx = minX + CELL_M / 2 - eye.x;
          const cz = minZ + CELL_M / 2 - eye.z;
          const centre = Math.sqrt(cx * cx + cz * cz);
          view = eye.cone(cx, 0, cz, centre);
        }
      }
      const near = 1 / (distance < LEAST_M ? LEAST_M : distance);
      const state = cells[cell * capacity + viewer] as number;
      const count = state >> COUNT_SHIFT;
      const weight = facts.weights[i] as number;
      const starving = (state & CELL_TIER) === Tier.none ? 1 << count : count > 0 ? HYSTERESIS * 2 : HYSTERESIS;
      const score = near * view * weight * starving;
      this.cellScores[i] = score;
      if (!crowdFits) table.addStep(score * GAIN.c0, facts.c0Costs[i] as number);
      table.addStep(score * GAIN.c1, facts.c1Costs[i] as number);
      const nearest = distance - STRAY_M;
      const most = weight / (nearest < LEAST_M ? LEAST_M : nearest);
      bound[MOST] = most;
      if (most * GAZE * HYSTERESIS >= floor && this.mayHoldNear(viewer, i, cell)) this.weighMembers(viewer, cell, tick);
      else this.someFar = true;
    }
  }

  /** Whether anybody in the cell may score enough to be near, who scores bound[MOST] when in view. Doubles go by `bound`: see `scorePair`. */
  private mayHoldNear(viewer: number, i: number, cell: number): boolean {
    const { bound, eye, facts } = this;
    const { grid, links } = this.parts;
    if (!grid.divided) return true;
    // Whoever is near is lacking, so where nobody is, nobody is favoured for being near already.
    const stays = links.lacks.ofCell(viewer, cell) !== 0;
    bound[CENTRE_X] = (facts.minX[i] as number) + CELL_M / 2 - eye.x;
    bound[CENTRE_Z] = (facts.minZ[i] as number) + CELL_M / 2 - eye.z;
    eye.limit(bound, stays);
    return (bound[MOST] as number) * (stays ? HYSTERESIS : 1) >= (this.floor[viewer] as number);
  }

  private weighMembers(viewer: number, cell: number, tick: number): void {
    const { attention, desk, grid, links } = this.parts;
    const { candidates, eye, scores, table } = this;
    const { members } = grid;
    const { heads } = desk;
    const { weights } = attention;
    const { x, y, z, lookX, lookY, lookZ, seen } = eye;
    const hidden = links.hidden.bits;
    const nears = links.near.bits;
    const leaving = links.leaving.bits;
    const row = viewer * links.near.words;
    const base = cell * CELL_MEMBERS;
    const partnered = attention.hasPartners(viewer, tick);
    const floor = this.floor[viewer] as number;
    let at = this.candidateCount;
    let someFar = this.someFar;
    for (let i = grid.counts[cell] as number; i-- > 0;) {
      const source = members[base + i] as number;
      const word = row + (source >> 5);
      if ((((hidden[word] as number) >>> (source & 31)) & 1) === 1) continue;
      const p = source * HEAD_FLOATS;
      const dx = (heads[p] as number) - x;
      const dy = (heads[p + 1] as number) - y;
      const dz = (heads[p + 2] as number) - z;
      const distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
      const stays = (((nears[word] as number) & ~(leaving[word] as number)) >>> (source & 31)) & 1;
      const along = dx * lookX + dy * lookY + dz * lookZ + stays * VIEW_SLACK * distance;
      const view = seen ? gazeFactor(along, distance) : 1;
      const weight = ((weights[source] as number) * view) / (distance < LEAST_M ? LEAST_M : distance);
      let score = Math.fround(stays === 1 ? HYSTERESIS * weight : weight);
      if (partnered) score = Math.fround(score * attention.between(viewer, source, tick));
      if (score < floor) {
        someFar = true;
        continue;
      }
      scores[at] = score;
      candidates[at++] = source;
      table.addNear(score * GAIN.t0);
    }
    this.candidateCount = at;
    this.someFar = someFar;
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

  private assignCells(viewer: number): void {
    const { far, grid } = this.parts;
    const { cells, capacity, crowdFits } = this;
    const { least } = this.table;
    const leastC0 = crowdFits ? 0 : least / GAIN.c0;
    const leastC1 = least / GAIN.c1;
    for (let i = 0; i < this.facts.count; i++) {
      const cell = grid.active[i] as number;
      const at = cell * capacity + viewer;
      const state = cells[at] as number;
      const before = state & CELL_TIER;
      const count = state >> COUNT_SHIFT;
      const score = this.cellScores[i] as number;
      const tier = score >= leastC1 ? Tier.c1 : score >= leastC0 ? Tier.c0 : Tier.none;
      if (tier === before && tier !== Tier.none && count === 0) continue;
      if (before === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) - 1;
      if (tier === Tier.c1) far.c1Viewers[cell] = (far.c1Viewers[cell] as number) + 1;
      let next = 0;
      if (tier === Tier.none) next = before === Tier.none ? Math.min(count + 1, DOUBLINGS) : 0;
      else next = before === Tier.none ? DWELL : count > 0 ? count - 1 : 0;
      cells[at] = tier | (next << COUNT_SHIFT);
      if (tier === Tier.none && before !== Tier.none) this.loseCell(viewer, cell);
    }
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

  /** Gives the candidates their tiers and lets go of everybody else who was near; how many are near. */
  private assignNear(viewer: number): number {
    const { links } = this.parts;
    const { assigned } = this;
    let near = 0;
    const { least, leastNear } = this.table;
    const leastT0 = leastNear / GAIN.t0;
    const leastT1 = least / GAIN.t1;
    const leastT2 = least / GAIN.t2;
    assigned.fill(0);
    for (let i = 0; i < this.candidateCount; i++) {
      const score = this.scores[i] as number;
      if (score < leastT0) continue;
      const source = this.candidates[i] as number;
      links.setNear(viewer, source, score >= leastT2 ? Fine.full : score >= leastT1 ? Fine.t1 : Fine.t0);
      assigned[source >> 5] = (assigned[source >> 5] as number) | (1 << (source & 31));
      near++;
    }
    this.letGo(viewer);
    return near;
  }

  private letGo(viewer: number): void {
    const { desk, grid, links } = this.parts;
    const { words } = links.near;
    for (let w = 0; w < words; w++) {
      const at = viewer * words + w;
      const near = (links.near.bits[at] as number) & ~(links.leaving.bits[at] as number);
      for (let set = near & ~(this.assigned[w] as number); set !== 0; set &= set - 1) {
        const source = (w << 5) + lowest(set);
        const cell = grid.cellOf[source] as number;
        links.leaveNear(viewer, source, desk.shown(source) && cell >= 0 && this.cellTier(viewer, cell) !== Tier.none);
      }
    }
  }
}
