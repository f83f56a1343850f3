/**
 * How well a place satisfies a spatial relation, as a factor in 0..1 that multiplies the lexical score, and the words that explain it.
 *
 * [RE1] Pure geometry over centres and sizes; nothing here knows texts or the index.
 * [RE2] Left, right, front and behind are the viewer's: seen along the line of sight to an anchor, or along the gaze for the viewer. Without a
 *       viewpoint they are unknown and weigh the same for everybody, which the explanation says.
 * [RE3] Never zero: a relation demotes, it does not exclude, because people misjudge and so do object centres.
 */
import type { RelationKind } from "./english.ts";
import { distance, type Point } from "./grid.ts";

export type Place = { readonly point: Point; /** Largest extent in metres, 0 when unknown. */ readonly sizeM: number; readonly name: string };
/** Eyes and horizontal gaze (unit vector on the floor plane). */
export type Viewpoint = { readonly point: Point; readonly forwardX: number; readonly forwardZ: number };
/** `why` is asked only of what is shown. */
export type Fit = { readonly factor: number; readonly why: () => string };

const FLOOR = 0.02;
const MAX_COORDINATE_M = 1e6;
/** Distances at which a relation has lost half its weight. */
const NEAR_HALF_M = 1.5;
const BESIDE_HALF_M = 4;
/** Closer to the anchor than this there is no line of sight to speak of: the gaze decides. */
const MIN_SIGHT_M = 0.5;

const halved = (d: number, half: number): number => 1 / (1 + (d / half) ** 2);
const metres = (d: number): string => `${d < 10 ? d.toFixed(1) : d.toFixed(0)} m`;
const bounded = (factor: number): number => Math.max(FLOOR, Math.min(1, factor));
/** Distance between two bodies rather than their centres. */
const gap = (a: Place, b: Place): number => Math.max(0, distance(a.point, b.point) - (a.sizeM + b.sizeM) / 4);

/** From a WebXR viewer pose: position x y z and quaternion x y z w. Undefined when it is not usable. */
export function viewpointOf(position: readonly number[], rotation: readonly number[]): Viewpoint | undefined {
  const [x = 0, y = 0, z = 0] = position;
  const [qx = 0, qy = 0, qz = 0, qw = 1] = rotation;
  if (![x, y, z, qx, qy, qz, qw].every((value) => Math.abs(value) <= MAX_COORDINATE_M)) return undefined;
  const forwardX = -2 * (qx * qz + qw * qy);
  const forwardZ = -(1 - 2 * (qx * qx + qy * qy));
  const length = Math.hypot(forwardX, forwardZ);
  // Looking straight up or down has no heading: north it is.
  return length < 1e-3
    ? { point: { x, y, z }, forwardX: 0, forwardZ: -1 }
    : { point: { x, y, z }, forwardX: forwardX / length, forwardZ: forwardZ / length };
}

/** The relation of `thing` to the viewer; `viewpoint` undefined means the viewer is unknown. */
export function fitViewer(kind: RelationKind, thing: Place, viewpoint: Viewpoint | undefined): Fit {
  if (viewpoint === undefined) return { factor: 1, why: () => `${kind}: no viewpoint given` };
  const viewer: Place = { point: viewpoint.point, sizeM: 0, name: "you" };
  switch (kind) {
    case "left":
    case "right":
    case "front":
    case "behind": {
      const { right, ahead } = along(viewpoint.forwardX, viewpoint.forwardZ, viewpoint.point, thing.point);
      const reach = Math.max(0.1, Math.hypot(right, ahead));
      const toward = { left: -right, right, front: ahead, behind: -ahead }[kind] / reach;
      return { factor: sided(toward), why: () => side(kind, toward, "you") };
    }
    default:
      return fitAnchor(kind, thing, viewer, viewpoint);
  }
}

/** The relation of `thing` to one other object. "closest" and "farthest" are compared across candidates by the caller (`extent`). */
export function fitAnchor(kind: RelationKind, thing: Place, anchor: Place, viewpoint: Viewpoint | undefined): Fit {
  const apart = gap(thing, anchor);
  const up = thing.point.y - anchor.point.y;
  const across = Math.hypot(thing.point.x - anchor.point.x, thing.point.z - anchor.point.z);
  switch (kind) {
    case "near":
    case "closest":
    case "farthest":
    case "between":
      return { factor: bounded(halved(apart, NEAR_HALF_M)), why: () => `${metres(apart)} from ${anchor.name}` };
    case "left":
    case "right":
    case "front":
    case "behind": {
      const proximity = halved(apart, BESIDE_HALF_M);
      const sight = viewpoint === undefined ? undefined : sightOf(viewpoint, anchor.point);
      if (sight === undefined) return { factor: bounded(proximity), why: () => `${metres(apart)} from ${anchor.name}; ${kind}: no viewpoint given` };
      const { right, ahead } = along(sight.x, sight.z, anchor.point, thing.point);
      const reach = Math.max(0.1, Math.hypot(right, ahead));
      // In front of a thing is the side that faces whoever looks at it.
      const toward = { left: -right, right, front: -ahead, behind: ahead }[kind] / reach;
      return { factor: bounded(sided(toward) * proximity), why: () => side(kind, toward, anchor.name) };
    }
    case "above":
    case "below": {
      const toward = (kind === "above" ? up : -up) / Math.max(0.1, Math.hypot(up, across));
      return {
        factor: bounded(sided(toward) * halved(across, NEAR_HALF_M + anchor.sizeM / 2)),
        why: () => `${toward > 0 ? "" : "not "}${kind} ${anchor.name}`,
      };
    }
    case "on": {
      const height = up >= -0.05 ? halved(up, anchor.sizeM + 0.5) : 0.2;
      return { factor: bounded(height * halved(across, anchor.sizeM / 2 + 0.4)), why: () => `on ${anchor.name}` };
    }
    case "in":
      return { factor: bounded(halved(Math.max(0, distance(thing.point, anchor.point) - anchor.sizeM / 2), 0.7)), why: () => `in ${anchor.name}` };
  }
}

/** Between two objects: near the segment that joins them, and not past its ends. */
export function fitBetween(thing: Place, a: Place, b: Place): Fit {
  const [dx, dy, dz] = [b.point.x - a.point.x, b.point.y - a.point.y, b.point.z - a.point.z];
  const span = Math.max(0.1, Math.hypot(dx, dy, dz));
  const t = ((thing.point.x - a.point.x) * dx + (thing.point.y - a.point.y) * dy + (thing.point.z - a.point.z) * dz) / span ** 2;
  const off = distance(thing.point, { x: a.point.x + t * dx, y: a.point.y + t * dy, z: a.point.z + t * dz });
  const inside = t > 0.05 && t < 0.95 ? 1 : 0.2;
  return { factor: bounded(inside * halved(off, span / 4 + 0.3)), why: () => `between ${a.name} and ${b.name}` };
}

/** Factor of the closest or farthest among candidates: `d` against the best distance any of them has. */
export function fitExtreme(kind: "closest" | "farthest", d: number, best: number): number {
  return bounded(kind === "closest" ? ((best + 0.25) / (d + 0.25)) ** 2 : (d / Math.max(0.1, best)) ** 2);
}

export const gapBetween = gap;

const SIDE = { left: "left of", right: "right of", front: "in front of", behind: "behind" } as const;

const side = (kind: keyof typeof SIDE, toward: number, name: string): string => `${toward > 0 ? "" : "not "}${SIDE[kind]} ${name}`;

/** Cosine towards the wanted side -> factor: 1 straight there, half at right angles, a fifth or less beyond. */
const sided = (cosine: number): number => bounded(cosine > 0 ? 0.5 + 0.5 * cosine : 0.2 * (1 + cosine) ** 2);

function sightOf(viewpoint: Viewpoint, anchor: Point): { x: number; z: number } {
  const [x, z] = [anchor.x - viewpoint.point.x, anchor.z - viewpoint.point.z];
  const length = Math.hypot(x, z);
  return length < MIN_SIGHT_M ? { x: viewpoint.forwardX, z: viewpoint.forwardZ } : { x: x / length, z: z / length };
}

/** Offset of `to` from `from`, resolved along a horizontal heading; right-handed, so right of (0,-1) is +x. */
function along(headingX: number, headingZ: number, from: Point, to: Point): { right: number; ahead: number } {
  const [dx, dz] = [to.x - from.x, to.z - from.z];
  return { right: -dx * headingZ + dz * headingX, ahead: dx * headingX + dz * headingZ };
}
