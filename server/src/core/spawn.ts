/**
 * Where a person's play space starts: a square spiral around the middle of the scene, one cell per slot, looking at the middle, so that
 * people who walk in at once see each other and stand in nobody. Integers only: the rig must be the same to the bit on both ends.
 */
import type { Rig } from "@copresence/shared/motion";
import type { Bounds } from "@copresence/shared/scene";

/** Distance between neighbours, mm: out of each other's arms' reach. */
const SPACING_MM = 1600;
const QUARTER_TURN = 16_384;

/** Rig bounds in mm from the scene's bounds in m, rounded inwards. */
export function rigBoundsMm(bounds: Bounds): { readonly minMm: [number, number, number]; readonly maxMm: [number, number, number] } {
  const { min, max } = bounds;
  return {
    minMm: [Math.ceil(min[0] * 1000), Math.ceil(min[1] * 1000), Math.ceil(min[2] * 1000)],
    maxMm: [Math.floor(max[0] * 1000), Math.floor(max[1] * 1000), Math.floor(max[2] * 1000)],
  };
}

/** The `index`-th cell of a square spiral around the origin cell, which itself stays free for what is being looked at. */
function spiralCell(index: number): readonly [number, number] {
  let ring = 1;
  let first = 0;
  while (index >= first + ring * 8) {
    first += ring * 8;
    ring++;
  }
  const side = ring * 2;
  const along = (index - first) % side;
  switch (((index - first) / side) | 0) {
    case 0:
      return [-ring + along, ring];
    case 1:
      return [ring, ring - along];
    case 2:
      return [ring - along, -ring];
    default:
      return [-ring, -ring + along];
  }
}

/** Yaw (1/65536 turn) that looks from a cell towards the middle, along the longer axis: 0 looks along -Z, quarter turns to the left. */
function yawToMiddle(x: number, z: number): number {
  if (Math.abs(z) >= Math.abs(x)) return z > 0 ? 0 : QUARTER_TURN * 2;
  return x > 0 ? QUARTER_TURN : QUARTER_TURN * 3;
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

/** The rig a person in `slot` starts with; on the floor (y = 0) where the scene has one. */
export function spawnRig(slot: number, bounds: Bounds): Rig {
  const { minMm, maxMm } = rigBoundsMm(bounds);
  const [cellX, cellZ] = spiralCell(slot);
  const middle = (axis: 0 | 2): number => Math.trunc((minMm[axis] + maxMm[axis]) / 2);
  return {
    xMm: clamp(middle(0) + cellX * SPACING_MM, minMm[0], maxMm[0]),
    yMm: clamp(0, minMm[1], maxMm[1]),
    zMm: clamp(middle(2) + cellZ * SPACING_MM, minMm[2], maxMm[2]),
    yaw: yawToMiddle(cellX, cellZ),
  };
}
