/**
 * Ranking: what it is x where it is, each part a factor that the answer can explain.
 *
 * [RK1] The head noun weighs most; relations, then superlatives among the contenders.
 * [RK2] Filters (types, within, what the asker may see) exclude; everything else demotes. What is excluded takes no part in anything: it is no
 *       anchor, no contender, no count.
 * [RK3] Bounded work: see match.ts [MA3] and relate.ts for the caps.
 */
import type { SearchHit } from "../../core/types.ts";
import { type Admits, type Candidate, type Prefer, phraseMatches, sizesOf } from "./match.ts";
import { parseQuery, type Query, type Relation } from "./parse-query.ts";
import { type Factors, farFrom, isSuperlative, Relater, type Scene } from "./relate.ts";
import { lookingAlong, type Viewpoint } from "./relations.ts";
import type { SceneIndex } from "./scene-index.ts";
import { bestOf } from "./select.ts";
import type { Sight } from "./sight.ts";

export type Ask = {
  readonly text: string;
  readonly types: ReadonlySet<string>;
  /** Metres from the viewpoint, 0 for no limit; without a viewpoint there is nothing to measure from and it is ignored. */
  readonly withinM: number;
  readonly viewpoint: Viewpoint | undefined;
  readonly limit: number;
  /** What the asker may find [RK2]. */
  readonly sight: Sight;
  /** Ids whose words this asker must not read: explanations call them by their type. */
  readonly veiled?: ReadonlySet<string>;
  /** Without the caps [RK3]: what recall is measured against, far too slow to serve. */
  readonly exhaustive?: boolean;
};
export type ScorePart = { readonly part: string; readonly factor: number; readonly why: string };
export type ExplainedHit = SearchHit & { readonly parts: readonly ScorePart[] };
/** `count`: how many things a question of "how many" is about; undefined for other questions. */
export type Answer = { readonly hits: readonly ExplainedHit[]; readonly count: number | undefined };

const NONE: ReadonlySet<string> = new Set();
/** How much of the score the distance to the viewer may take, to break ties between equals. */
const PROXIMITY = 0.04;
const COUNTED_SORT = 0.8;
const COUNTED_FIT = 0.45;
const STANCE_M = 2.5;
const ANOTHER_ROOM = 0.5;
const AROUND_M = 6;
const AROUND_VIEWER_M = 20;
const MIN_AROUND = 64;
const MAX_AROUND = 900;
const WHY_LENGTH = 250;

export function rankObjects(index: SceneIndex, ask: Ask): Answer {
  const query = parseQuery(ask.text);
  const { sight, viewpoint, veiled = NONE, exhaustive = false } = ask;
  const scene: Scene = { index, sight, viewpoint, veiled, exhaustive };
  const stanced: Scene = { ...scene, viewpoint: stanceOf(query, scene) };
  const relater = new Relater(stanced, query);
  const matches = phraseMatches({
    ...scene,
    phrase: query.target,
    filter: filterOf(index, ask, query.withinM),
    prefer: () => preferenceOf(query, stanced, relater),
    around: () => aroundOf(query, stanced, relater),
  });
  const excluded = relater.slotsOf(query.except);
  const candidates = excluded.size === 0 ? matches : matches.filter(({ slot }) => !excluded.has(slot));
  const applied = applyRelations(query, candidates, relater);
  if (query.thisRoom) applyRoom(candidates, stanced);
  const sizes = sizesOf(index, query.target, candidates);
  const sized = sizes.map(({ size, word }) => relater.sized(candidates, size, word));
  const count = query.counting ? countOf(candidates, applied) : undefined;
  if (ask.viewpoint !== undefined) {
    for (const candidate of candidates) {
      const away = candidate.object.placed ? farFrom(candidate.object, ask.viewpoint) : 100;
      candidate.score *= 1 - PROXIMITY * (away / (away + 10));
    }
  }
  const hits = bestOf(candidates, ask.limit).map((candidate) => explain(candidate, candidates.indexOf(candidate), applied, sized, query));
  return { hits, count };
}

type Applied = { readonly relation: Relation; readonly factors: Factors };

/** Multiplies the scores: plain relations first, then those that choose among what is left. */
function applyRelations(query: Query, candidates: Candidate[], relater: Relater): Applied[] {
  const own = query.relations.map((relation, i) => ({ relation, i })).filter(({ i }) => !relater.isChained(i));
  const applied: Applied[] = [];
  for (const late of [false, true]) {
    for (const { relation, i } of own) {
      if (isSuperlative(relation) !== late) continue;
      const factors = relater.factors(candidates, i);
      candidates.forEach((candidate, at) => (candidate.score *= factors.of[at] ?? 1));
      applied.push({ relation, factors });
    }
  }
  return applied;
}

function explain(
  { object, sort, score, note }: Candidate,
  at: number,
  applied: readonly Applied[],
  sized: readonly string[],
  query: Query,
): ExplainedHit {
  const colours = query.target.colours.filter((colour) => object.colours.has(colour));
  const named = note === "" ? "" : `matches ${note}`;
  const parts: ScorePart[] = [
    { part: "name", factor: sort, why: [named, ...colours].filter(Boolean).join(", ") },
    ...applied.map(({ factors }) => ({ part: factors.relation, factor: factors.of[at] ?? 1, why: factors.why(at) })),
    ...sized.map((word) => ({ part: word, factor: 1, why: word })),
  ];
  const why = parts
    .filter((part) => part.why !== "")
    .map((part) => `${part.why} [${part.factor.toFixed(2)}]`)
    .join("; ")
    .slice(0, WHY_LENGTH);
  return {
    object: object.id,
    score: Number.isFinite(score) ? score : 0,
    position: [object.point.x, object.point.y, object.point.z],
    label: object.label,
    why,
    parts,
  };
}

/** Things of the sort asked for that fit every relation, not only best. */
function countOf(candidates: readonly Candidate[], applied: readonly Applied[]): number {
  const top = Math.max(0, ...candidates.map(({ sort }) => sort));
  if (top < 0.3) return 0;
  const mosts = applied.map(({ factors }) => Math.max(...factors.of));
  return candidates.filter(
    ({ sort }, at) => sort >= COUNTED_SORT * top && applied.every(({ factors }, i) => (factors.of[at] ?? 0) >= COUNTED_FIT * (mosts[i] ?? 1)),
  ).length;
}

/** Types and distance exclude [RK2]; undefined when neither was asked for. */
function filterOf(index: SceneIndex, { withinM, viewpoint, types }: Ask, spokenM: number | undefined): Admits | undefined {
  const radius = withinM > 0 && spokenM !== undefined ? Math.min(withinM, spokenM) : withinM > 0 ? withinM : spokenM;
  const inside = radius !== undefined && viewpoint !== undefined ? new Set(index.grid.within(viewpoint.point, radius)) : undefined;
  if (inside === undefined && types.size === 0) return undefined;
  return (slot) => (inside === undefined || inside.has(slot)) && (types.size === 0 || types.has(index.at(slot)?.type ?? ""));
}

/** Where the words put the viewer ("facing the bed", "with your back to the door"); otherwise where the viewer is. */
function stanceOf(query: Query, scene: Scene): Viewpoint | undefined {
  const { stance } = query;
  const { viewpoint } = scene;
  if (stance === undefined) return viewpoint;
  const bounds = scene.sight.bounds();
  const relater = new Relater(scene, query);
  const [facing, at, back] = [stance.facing, stance.at, stance.backTo].map((phrase) => (phrase === undefined ? undefined : relater.placeOf(phrase)));
  const centre = { x: (bounds.min[0] + bounds.max[0]) / 2, y: bounds.min[1] + 1.6, z: (bounds.min[2] + bounds.max[2]) / 2 };
  const from = at?.point ?? back?.point;
  if (facing !== undefined) {
    const eye = from ?? viewpoint?.point ?? (Math.hypot(facing.point.x - centre.x, facing.point.z - centre.z) > 0.8 ? centre : undefined);
    if (eye !== undefined) return lookingAlong(eye, facing.point.x - eye.x, facing.point.z - eye.z);
    return lookingAlong({ x: facing.point.x, y: centre.y, z: facing.point.z + STANCE_M }, 0, -1);
  }
  return from === undefined ? viewpoint : lookingAlong(from, centre.x - from.x, centre.z - from.z);
}

/** For "what is left of the projector": the things around the projectors; around the viewer where nothing is named at all. */
function aroundOf(query: Query, { sight, viewpoint }: Scene, relater: Relater): ReadonlySet<number> | undefined {
  const relation = query.relations.find(({ anchors, kind }) => Array.isArray(anchors) && kind !== "farthest");
  if (query.target.colours.length + query.target.sizes.length > 0) return undefined;
  const centres = Array.isArray(relation?.anchors) ? relater.placesOf(relation.anchors[0]!) : [];
  const points = centres.length > 0 ? centres.map(({ point }) => point) : viewpoint === undefined ? [] : [viewpoint.point];
  // Those by the viewer first: of equals they come out on top.
  if (viewpoint !== undefined)
    points.sort(
      (a, b) => Math.hypot(a.x - viewpoint.point.x, a.z - viewpoint.point.z) - Math.hypot(b.x - viewpoint.point.x, b.z - viewpoint.point.z),
    );
  const around = new Set<number>();
  for (const point of points) {
    for (const slot of sight.within(point, centres.length > 0 ? AROUND_M : AROUND_VIEWER_M)) around.add(slot);
    if (around.size > MAX_AROUND) break;
  }
  return around.size < MIN_AROUND ? undefined : around;
}

/** Which of too many equals to keep: those near what the query relates them to, or near the viewer; without relations just the best. */
function preferenceOf(query: Query, { viewpoint }: Scene, relater: Relater): Prefer | undefined {
  const relation = query.relations.find(({ anchors }) => Array.isArray(anchors));
  const near = Array.isArray(relation?.anchors) ? relater.nearness(relation.anchors[0]!) : undefined;
  const far = query.relations.some(({ kind, anchors }) => kind === "farthest" && anchors === "viewer");
  if (near === undefined && viewpoint === undefined) return undefined;
  const sorts = query.target.sizes.length > 0;
  return (object, sort) => {
    if (near !== undefined && relation?.kind !== "farthest") return Math.round(sort * 10) + near(object);
    // Big and small are chosen among all of them, near or not.
    if (sorts) return Math.round(sort * 10) + object.sizeM / (1 + object.sizeM);
    if (viewpoint === undefined) return sort;
    const away = object.placed ? farFrom(object, viewpoint) : 100;
    if (query.relations.length > 0) return Math.round(sort * 10) + (far ? away / (away + 10) : 10 / (away + 10));
    return sort * (1 - PROXIMITY * (away / (away + 10)));
  };
}

/** "In this room": where the things next to the viewer say they are. */
function applyRoom(candidates: Candidate[], { viewpoint, index, sight }: Scene): void {
  if (viewpoint === undefined) return;
  const near = sight.nearest(viewpoint.point, 8);
  const rooms = new Map<string, number>();
  for (const slot of near) {
    const room = index.at(slot)?.room ?? "";
    if (room !== "") rooms.set(room, (rooms.get(room) ?? 0) + 1);
  }
  const [here] = [...rooms].sort((a, b) => b[1] - a[1])[0] ?? [undefined];
  for (const candidate of candidates) {
    const inside = here === undefined ? farFrom(candidate.object, viewpoint) < 6 : candidate.object.room === here;
    if (!inside) candidate.score *= ANOTHER_ROOM;
  }
}
