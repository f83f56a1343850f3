/**
 * What a release turns into: nothing (the object stays where it was put) or a flight. Both ends decide it with this, so the thrower sees
 * at once what the room will say.
 *
 * [LA1] Slower than THROW_LEAST_M_S an object is put down, not thrown: it stays where the hand let go, in the air too (shelves and tables
 *       are no business of the room's). Types with `falls` fall all the same; types with `throwable: false` always stay.
 * [LA2] Speed and spin are cut to what an arm can do, keeping their direction.
 */
import type { BodySpec, Bounds } from "../scene/types.ts";
import type { Launch } from "./flight.ts";
import type { ScaleRange } from "./hold.ts";

/** Between setting something down briskly and the gentlest toss. */
export const THROW_LEAST_M_S = 0.6;
/** A good pitch from the shoulder; trackers that jump say more. */
export const THROW_MOST_M_S = 15;
const SPIN_MOST_RAD_S = 30;
const DEFAULT_SCALE: ScaleRange = { min: 0.1, max: 10 };

export type Release = {
  readonly positionMm: readonly number[];
  readonly rotation: readonly number[];
  readonly velocityMmS: readonly number[];
  readonly spinMradS: readonly number[];
  readonly scale: number;
};

export const scaleRange = (body: BodySpec | undefined): ScaleRange =>
  body?.scale === undefined ? DEFAULT_SCALE : { min: body.scale[0], max: body.scale[1] };

/** The flight this release begins, or undefined when the object stays where it is [LA1]. The position lies within the bounds, whatever was said. */
export function launchOf(release: Release, body: BodySpec | undefined, bounds: Bounds): Launch | undefined {
  if (body?.throwable === false) return undefined;
  const velocityMmS = cut(release.velocityMmS, THROW_MOST_M_S * 1000);
  const thrown = square(velocityMmS) >= THROW_LEAST_M_S * THROW_LEAST_M_S * 1e6;
  if (!thrown && body?.falls !== true) return undefined;
  return {
    positionMm: withinMm(release.positionMm, bounds),
    rotation: release.rotation,
    velocityMmS,
    spinMradS: cut(release.spinMradS, SPIN_MOST_RAD_S * 1000),
    scale: release.scale,
    boxMm: boxMm(bounds, (body?.radiusM ?? 0) * release.scale),
    upright: body?.tumbles !== true,
  };
}

/** Where the origin of a body of this radius may be. The floor is the room's (y = 0) where the bounds reach below it. */
function boxMm({ min, max }: Bounds, radiusM: number): number[] {
  const floor = min[1] < 0 && max[1] > 0 ? 0 : min[1];
  const low = [min[0], floor, min[2]].map((value) => Math.ceil((value + radiusM) * 1000));
  const high = max.map((value) => Math.floor((value - radiusM) * 1000));
  // A body wider than its space has one place to be.
  return [...low, ...high.map((value, i) => Math.max(value, low[i] ?? value))];
}

/** Whole millimetres inside the bounds. */
export function withinMm(positionMm: readonly number[], { min, max }: Bounds): number[] {
  return [0, 1, 2].map((i) =>
    Math.min(Math.floor((max[i as 0] ?? 0) * 1000), Math.max(Math.ceil((min[i as 0] ?? 0) * 1000), Math.round(positionMm[i] ?? 0))),
  );
}

const square = (v: readonly number[]): number => (v[0] ?? 0) * (v[0] ?? 0) + (v[1] ?? 0) * (v[1] ?? 0) + (v[2] ?? 0) * (v[2] ?? 0);

/** [LA2] Integers again, each rounded towards zero so that the result is never above the limit. */
function cut(v: readonly number[], most: number): readonly number[] {
  const length = Math.sqrt(square(v));
  return length <= most ? v : v.map((value) => Math.trunc((value * most) / length) + 0);
}
