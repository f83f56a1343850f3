/**
 * What is here, in sentences: how many things of which sort, where they stand together, who is where doing what.
 *
 * [DE1] Tells only of what the asker may see, and calls things whose words are hidden by their type.
 * [DE2] Bounded: the largest groups and clusters, a few sentences; an empty scene is a sentence too.
 */
import type { DescribedPerson, SceneDescription } from "../../core/types.ts";
import type { Point } from "./grid.ts";
import { bearing, gapBetween, NO_SIZE, type Place, viewpointOf } from "./relations.ts";
import type { Indexed, SceneIndex, SearchEvent } from "./scene-index.ts";

const MAX_GROUPS = 16;
const TOLD_GROUPS = 6;
const TOLD_CLUSTERS = 3;
const TOLD_PEOPLE = 8;
const MAX_TEXT = 1400;
/** What a person in VR takes in: a field of view of 100 degrees, to the end of a hall. */
const VIEW_HALF_ANGLE = 0.87;
const VIEW_REACH_M = 20;
/** Things closer than this to one another stand together. */
const TOGETHER_M = 0.9;
const MAX_CLUSTERED = 2000;
const BESIDE_M = 3;
const GAZE_COSINE = 0.985;
const GAZE_REACH_M = 8;
/** They are always there; nobody asks. */
const STRUCTURE: ReadonlySet<string> = new Set(["wall", "floor", "ceiling", "roof", "room"]);

type Group = { label: string; count: number; sum: [number, number, number] };

export function describeScene(index: SceneIndex, event: SearchEvent): SceneDescription {
  const sight = index.sightOf(event);
  const veiled = new Set(event.veiled);
  const view = event.from === null ? undefined : viewpointOf(event.from.position, event.from.rotation);
  const wanted = event.describe?.view === true && view !== undefined;
  const inView = wanted ? index.grid.inView(view.point, { x: view.forwardX, z: view.forwardZ }, VIEW_HALF_ANGLE, VIEW_REACH_M) : index.all();
  const objects = [...inView].flatMap((slot) => (sight.admits(slot) ? (index.at(slot) ?? []) : []));
  const nameOf = (object: Indexed): string => nounOf(object, veiled);
  const groups = groupsOf(objects, nameOf);
  const people = (event.describe?.people ?? []).filter((person) => !wanted || (person.view !== null && isInView(view, person.view.position)));
  const where = wanted ? "in view" : "here";
  const text = [
    objects.length === 0
      ? `There is nothing ${where}.`
      : `There ${objects.length === 1 ? "is" : "are"} ${counted(objects.length, "thing")} ${where}: ${list(groups.slice(0, TOLD_GROUPS).map(({ label, count }) => counted(count, label)))}${groups.length > TOLD_GROUPS ? " and more" : ""}.`,
    ...clustersOf(
      objects.filter(({ placed, kind }) => placed && !STRUCTURE.has(kind.head)),
      nameOf,
    ),
    ...people.slice(0, TOLD_PEOPLE).map((person) => tellOf(person, objects, nameOf)),
    people.length > TOLD_PEOPLE ? `${people.length - TOLD_PEOPLE} more people are ${where}.` : "",
  ];
  return {
    text: text.filter(Boolean).join(" ").slice(0, MAX_TEXT),
    objects: objects.length,
    people: people.length,
    groups: groups.slice(0, MAX_GROUPS).map(({ label, count, sum }) => ({ label, count, position: sum.map((metres) => metres / count) })),
  };
}

/** One noun for a thing: its kind's name, or its type where its words are hidden [DE1]. */
const nounOf = ({ id, type, kind, label }: Indexed, veiled: ReadonlySet<string>): string =>
  ((veiled.has(id) ? type : (kind.names[0] ?? "") || label) || type || "thing").slice(0, 60);

function groupsOf(objects: readonly Indexed[], nameOf: (object: Indexed) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const object of objects) {
    const label = nameOf(object);
    let group = groups.get(label);
    if (group === undefined) groups.set(label, (group = { label, count: 0, sum: [0, 0, 0] }));
    group.count++;
    group.sum = [group.sum[0] + object.point.x, group.sum[1] + object.point.y, group.sum[2] + object.point.z];
  }
  const structural = ({ label }: Group): number => (STRUCTURE.has(label.split(" ")[0] ?? "") ? 1 : 0);
  return [...groups.values()].sort((a, b) => structural(a) - structural(b) || b.count - a.count || (a.label < b.label ? -1 : 1));
}

/** The largest sets of things that stand together, each told by its biggest thing. */
function clustersOf(objects: readonly Indexed[], nameOf: (object: Indexed) => string): string[] {
  const some = objects.slice(0, MAX_CLUSTERED);
  const byCell = new Map<string, number[]>();
  const cell = (metres: number): number => Math.floor(metres / (2 * BESIDE_M));
  some.forEach(({ point }, i) => {
    const key = `${cell(point.x)},${cell(point.z)}`;
    byCell.set(key, [...(byCell.get(key) ?? []), i]);
  });
  const root = some.map((_, i) => i);
  const find = (i: number): number => (root[i] === i ? i : (root[i] = find(root[i] ?? i)));
  for (const cells of byCell.values()) {
    const few = cells.slice(0, 200);
    for (const i of few) for (const j of few) if (i < j && gapBetween(some[i]!, some[j]!) < TOGETHER_M) root[find(j)] = find(i);
  }
  const clusters = new Map<number, Indexed[]>();
  some.forEach((object, i) => clusters.set(find(i), [...(clusters.get(find(i)) ?? []), object]));
  return [...clusters.values()]
    .filter((cluster) => cluster.length > 2)
    .sort((a, b) => b.length - a.length)
    .slice(0, TOLD_CLUSTERS)
    .map((cluster) => {
      const size = ({ half, sizeM }: Indexed): number => Math.max(half.x * half.y * half.z * 8, sizeM * 1e-6);
      const [centre] = [...cluster].sort((a, b) => size(b) - size(a));
      const others = groupsOf(
        cluster.filter((object) => object !== centre),
        nameOf,
      );
      return `Around the ${nameOf(centre!)}: ${list(others.slice(0, 4).map(({ label, count }) => counted(count, label)))}.`;
    });
}

function tellOf({ name, asleep, view, holds }: DescribedPerson, objects: readonly Indexed[], nameOf: (object: Indexed) => string): string {
  const who = name || "Somebody";
  if (asleep) return `${who} is away.`;
  if (view === null) return `${who} is here.`;
  const point = pointOf(view.position);
  const held = objects.filter(({ id }) => holds.includes(id));
  const ground: Place = { point: { ...point, y: point.y - 0.8 }, half: { x: 0.2, y: 0.8, z: 0.2 } };
  const rest = objects.filter(({ placed, kind, id }) => placed && !STRUCTURE.has(kind.head) && !holds.includes(id));
  const near = rest.reduce<{ object: Indexed; gap: number } | undefined>((best, object) => {
    const gap = gapBetween(ground, object);
    return best === undefined || gap < best.gap ? { object, gap } : best;
  }, undefined);
  const seen = gazedAt(view, rest);
  const parts = [
    near !== undefined && near.gap < BESIDE_M ? `by the ${nameOf(near.object)}` : `at ${point.x.toFixed(1)}, ${point.z.toFixed(1)}`,
    held.length > 0 ? `holding the ${list(held.map(nameOf))}` : "",
    seen !== undefined && seen !== near?.object ? `looking at the ${nameOf(seen)}` : "",
  ];
  return `${who} is ${parts.filter(Boolean).join(", ")}.`;
}

/** The nearest thing on the line of sight, up and down included. */
function gazedAt(view: NonNullable<DescribedPerson["view"]>, objects: readonly Indexed[]): Indexed | undefined {
  const eye = pointOf(view.position);
  const [qx = 0, qy = 0, qz = 0, qw = 1] = view.rotation;
  const gaze = { x: -2 * (qx * qz + qw * qy), y: 2 * (qw * qx - qy * qz), z: -(1 - 2 * (qx * qx + qy * qy)) };
  let best: { object: Indexed; away: number } | undefined;
  for (const object of objects) {
    const [dx, dy, dz] = [object.point.x - eye.x, object.point.y - eye.y, object.point.z - eye.z];
    const away = Math.hypot(dx, dy, dz);
    if (away < 0.2 || away > GAZE_REACH_M || (dx * gaze.x + dy * gaze.y + dz * gaze.z) / away < GAZE_COSINE) continue;
    if (best === undefined || away < best.away) best = { object, away };
  }
  return best?.object;
}

const isInView = (view: NonNullable<ReturnType<typeof viewpointOf>>, position: readonly number[]): boolean => {
  const { angle, away } = bearing(view, pointOf(position));
  return away < VIEW_REACH_M && Math.abs(angle) <= VIEW_HALF_ANGLE;
};
const pointOf = ([x = 0, y = 0, z = 0]: readonly number[]): Point => ([x, y, z].every(Number.isFinite) ? { x, y, z } : NO_SIZE);
const list = (words: readonly string[]): string => (words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
const counted = (count: number, noun: string): string => (count === 1 ? `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}` : `${count} ${plural(noun)}`);
const plural = (noun: string): string =>
  /(?:s|x|ch|sh)$/.test(noun) ? `${noun}es` : /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
