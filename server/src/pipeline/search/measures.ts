/** How large an object is for a word of size, and how far it is from the outside of its scene. Metres. */
import type { SizeWord } from "./language/pack.ts";
import type { Indexed } from "./scene-index.ts";

export type Bounds = { readonly min: readonly [number, number, number]; readonly max: readonly [number, number, number] };

export function measureOf({ half, point, sizeM }: Indexed, size: SizeWord): number {
  if (size === "highest" || size === "lowest") return point.y + half.y * (size === "highest" ? 1 : -1);
  if (half.x + half.y + half.z === 0) return sizeM;
  if (size === "tall" || size === "short" || size === "tallest" || size === "shortest") return half.y;
  if (size === "wide" || size === "narrow" || size === "widest" || size === "narrowest") return Math.max(half.x, half.z);
  // The largest face: what one sees of it, also of flat things.
  const [a = 0, b = 0] = [half.x, half.y, half.z].sort((p, q) => q - p);
  return Math.sqrt(a * b);
}

/** Distances to the nearest of the scene's outer sides, along x and z. */
export function edges({ point, half }: Indexed, { min, max }: Bounds): [number, number] {
  const side = (p: number, h: number, low: number, high: number): number => Math.max(0, Math.min(p - h - low, high - p - h));
  return [side(point.x, half.x, min[0], max[0]), side(point.z, half.z, min[2], max[2])];
}
