/**
 * How well a place satisfies a spatial relation, as a factor in 0..1 that multiplies the lexical score.
 *
 * Frame: right-handed, y up, metres. A viewer with yaw 0 looks along -z; left and right are the viewer's.
 *
 * [RE1] Pure geometry over boxes; nothing here knows texts or the index.
 * [RE2] Left, right, front and behind are the viewer's: seen along the line of sight to an anchor, or along the gaze for the viewer. Without a
 *       viewpoint they are unknown and weigh the same for everybody, which the explanation says.
 * [RE3] Never zero: a relation demotes, it does not exclude, because people misjudge and so do object centres.
 */
import { distance, type Point } from "./grid.ts";
import type { RelationKind } from "./language/pack.ts";

/** Half extents along x, y, z in metres; 0 when unknown. */
export type Place = { readonly point: Point; readonly half: Point };
/** Eyes and horizontal gaze (unit vector on the floor plane). */
export type Viewpoint = { readonly point: Point; readonly forwardX: number; readonly forwardZ: number };

const FLOOR = 0.02;
const MAX_COORDINATE_M = 1e6;
/** Distances at which a relation has lost half its weight. */
const NEAR_HALF_M = 1.2;
const BESIDE_HALF_M = 4;
/** Closer to the anchor than this there is no line of sight to speak of: the gaze decides. */
const MIN_SIGHT_M = 0.3;

export const halved = (d: number, half: number): number => 1 / (1 + (d / half) ** 2);
export const bounded = (factor: number): number => (factor > FLOOR ? Math.min(1, factor) : FLOOR);

const axisGap = (a: number, b: number, ha: number, hb: number): number => Math.max(0, Math.abs(a - b) - ha - hb);

/** Distance between two boxes; 0 when they touch or overlap. */
export function gapBetween(a: Place, b: Place): number {
  const x = axisGap(a.point.x, b.point.x, a.half.x, b.half.x);
  const y = axisGap(a.point.y, b.point.y, a.half.y, b.half.y);
  const z = axisGap(a.point.z, b.point.z, a.half.z, b.half.z);
  return Math.sqrt(x * x + y * y + z * z);
}
const flatGap = (a: Place, b: Place): number =>
  Math.hypot(axisGap(a.point.x, b.point.x, a.half.x, b.half.x), axisGap(a.point.z, b.point.z, a.half.z, b.half.z));

/** What people compare when they say closest: mostly the room between the bodies, a little how far the middles are apart. */
export const apart = (a: Place, b: Place): number => 0.6 * gapBetween(a, b) + 0.4 * distance(a.point, b.point);

/** From a WebXR viewer pose: position x y z and quaternion x y z w. Undefined when it is not usable. */
export function viewpointOf(position: readonly number[], rotation: readonly number[]): Viewpoint | undefined {
  const [x = 0, y = 0, z = 0] = position;
  const [qx = 0, qy = 0, qz = 0, qw = 1] = rotation;
  if (![x, y, z, qx, qy, qz, qw].every((value) => Math.abs(value) <= MAX_COORDINATE_M)) return undefined;
  return lookingAlong({ x, y, z }, -2 * (qx * qz + qw * qy), -(1 - 2 * (qx * qx + qy * qy)));
}

/** A viewpoint with a heading; looking straight up or down has none: north it is. */
export function lookingAlong(point: Point, forwardX: number, forwardZ: number): Viewpoint {
  const length = Math.hypot(forwardX, forwardZ);
  return length < 1e-3 ? { point, forwardX: 0, forwardZ: -1 } : { point, forwardX: forwardX / length, forwardZ: forwardZ / length };
}

/** Offset of `to` from `from`, resolved along a horizontal heading; right-handed, so right of (0,-1) is +x. */
export function along(headingX: number, headingZ: number, from: Point, to: Point): { right: number; ahead: number } {
  const [dx, dz] = [to.x - from.x, to.z - from.z];
  return { right: -dx * headingZ + dz * headingX, ahead: dx * headingX + dz * headingZ };
}

/** Where a thing is for the viewer: `angle` in radians, 0 ahead, positive to the right. */
export function bearing(viewpoint: Viewpoint, thing: Point): { angle: number; away: number; right: number; ahead: number } {
  const { right, ahead } = along(viewpoint.forwardX, viewpoint.forwardZ, viewpoint.point, thing);
  return { angle: Math.atan2(right, ahead), away: Math.hypot(right, ahead, thing.y - viewpoint.point.y), right, ahead };
}

/** Cosine towards the wanted side -> factor: 1 straight there, half at right angles, a fifth or less beyond. */
export const sided = (cosine: number): number => bounded(cosine > 0 ? 0.45 + 0.55 * Math.min(1, cosine * 1.3) : 0.25 * (1 + cosine) ** 2);

/** The relation of `thing` to the viewer, for sides; other kinds are measured to the viewer's head as to a thing. */
export function fitViewer(kind: RelationKind, thing: Place, viewpoint: Viewpoint): number {
  const { right, ahead, away } = bearing(viewpoint, thing.point);
  const reach = Math.max(0.1, Math.hypot(right, ahead));
  // Other storeys and the far end of the building are not what somebody means who points.
  const here = halved(Math.max(0, away - 3), 9) * (Math.abs(thing.point.y - viewpoint.point.y) > 2.3 + thing.half.y ? 0.35 : 1);
  switch (kind) {
    case "left":
      return bounded(sided(-right / reach) * here);
    case "right":
      return bounded(sided(right / reach) * here);
    case "front":
      return bounded(sided(ahead / reach) * here);
    case "behind":
      return bounded(sided(-ahead / reach) * here);
    default:
      return fitAnchor(kind, thing, { point: viewpoint.point, half: NO_SIZE }, viewpoint);
  }
}
export const NO_SIZE: Point = { x: 0, y: 0, z: 0 };

/** The relation of `thing` to one other object. "closest" and "farthest" are compared across candidates by the caller. */
export function fitAnchor(kind: RelationKind, thing: Place, anchor: Place, viewpoint: Viewpoint | undefined): number {
  const gap = gapBetween(thing, anchor);
  switch (kind) {
    case "left":
    case "right":
    case "front":
    case "behind": {
      const close = halved(gap, BESIDE_HALF_M);
      if (viewpoint === undefined) return bounded(close);
      const sight = sightOf(viewpoint, anchor.point);
      const { right, ahead } = along(sight.x, sight.z, anchor.point, thing.point);
      const reach = Math.max(0.1, Math.hypot(right, ahead));
      // In front of a thing is the side that faces whoever looks at it.
      return bounded(sided({ left: -right, right, front: -ahead, behind: ahead }[kind] / reach) * close);
    }
    case "opposite": {
      const reach = Math.max(0.1, distance(thing.point, anchor.point));
      return bounded(0.3 + 0.7 * Math.min(1, reach / 4));
    }
    case "above":
      return vertical(thing, anchor);
    case "below":
      return vertical(anchor, thing);
    case "on":
      return bounded(Math.max(resting(thing, anchor), hanging(thing, anchor)));
    case "with":
      return bounded(Math.max(resting(anchor, thing), hanging(anchor, thing), 0.7 * inside(anchor, thing), 0.5 * halved(gap, 0.3)));
    case "in":
      return bounded(Math.max(inside(thing, anchor), 0.6 * resting(thing, anchor)));
    default:
      return bounded(halved(gap + 0.12 * distance(thing.point, anchor.point), NEAR_HALF_M));
  }
}

/** `upper` over `lower`: its middle higher, the footprints overlapping or nearly so. */
function vertical(upper: Place, lower: Place): number {
  const up = upper.point.y - lower.point.y;
  const across = flatGap(upper, lower);
  const middles = Math.hypot(upper.point.x - lower.point.x, upper.point.z - lower.point.z);
  const height = up <= 0 ? 0.05 : Math.min(1, 0.4 + up * 2) * halved(Math.max(0, up - upper.half.y - lower.half.y), 2);
  return bounded(height * halved(across, 0.6) * halved(middles, 3));
}

/** `thing` stands or lies on `anchor`: over its footprint, its underside between the middle and a little over the top. */
function resting(thing: Place, anchor: Place): number {
  const bottom = thing.point.y - thing.half.y;
  const top = anchor.point.y + anchor.half.y;
  const over = bottom - top;
  // Seats are lower than backs: things rest inside the box of a sofa or a bed.
  const sunk = Math.max(0, -over - anchor.half.y * 1.2);
  const known = anchor.half.y > 0 || anchor.half.x > 0;
  const height = over > 0 ? halved(over, known ? 0.3 : 1) : halved(sunk, 0.15);
  const [dx, dz] = [Math.abs(thing.point.x - anchor.point.x) - anchor.half.x, Math.abs(thing.point.z - anchor.point.z) - anchor.half.z];
  const outside = Math.hypot(Math.max(0, dx), Math.max(0, dz));
  const lower = thing.point.y < anchor.point.y ? 0.3 : 1;
  return height * lower * halved(outside, known ? 0.2 : 0.8);
}

/** `thing` hangs on an upright `anchor` such as a wall or a door. */
function hanging(thing: Place, anchor: Place): number {
  const thin = Math.min(anchor.half.x, anchor.half.z);
  const upright = anchor.half.y > 0.4 && thin < 0.3;
  return upright ? 0.9 * halved(gapBetween(thing, anchor), 0.25) * halved(flatGap(thing, anchor), 0.25) : 0;
}

function inside(thing: Place, anchor: Place): number {
  const out = (p: number, a: number, h: number): number => Math.max(0, Math.abs(p - a) - h);
  const { point, half } = anchor;
  return halved(Math.hypot(out(thing.point.x, point.x, half.x), out(thing.point.y, point.y, half.y), out(thing.point.z, point.z, half.z)), 0.5);
}

/** Between two objects: near the segment that joins them, and not past its ends. */
export function fitBetween(thing: Place, a: Place, b: Place): number {
  const [dx, dz] = [b.point.x - a.point.x, b.point.z - a.point.z];
  const span = Math.max(0.1, Math.hypot(dx, dz));
  const t = ((thing.point.x - a.point.x) * dx + (thing.point.z - a.point.z) * dz) / span ** 2;
  const off = Math.hypot(thing.point.x - a.point.x - t * dx, thing.point.z - a.point.z - t * dz);
  const high = Math.abs(thing.point.y - (a.point.y + b.point.y) / 2);
  const ends = t > 0 && t < 1 ? 0.4 + 0.6 * Math.min(1, 4 * t * (1 - t)) : 0.15;
  // A pair close together is rather meant than two at the ends of the house.
  return bounded(ends * halved(off, span / 4 + 0.25) * halved(high, 2) * halved(span, 6));
}

function sightOf(viewpoint: Viewpoint, anchor: Point): { x: number; z: number } {
  const [x, z] = [anchor.x - viewpoint.point.x, anchor.z - viewpoint.point.z];
  const length = Math.hypot(x, z);
  return length < MIN_SIGHT_M ? { x: viewpoint.forwardX, z: viewpoint.forwardZ } : { x: x / length, z: z / length };
}
