/**
 * Where a viewer stands and looks, and how squarely others stand in its view: a factor on what they are worth to it.
 *
 * [VP1] Only + - x / sqrt and comparisons, and no branch on the angle: a thousand people in all directions are none that a core could foresee.
 * [VP2] What is computed for every cell goes in and out by an array, `bound`: doubles as arguments and results would be boxed.
 */
import { POSE_FLOATS } from "@copresence/shared/pose";
import { GAZE } from "./attention.ts";
import type { SourceDesk } from "./source-desk.ts";

/** Factors by where the source is: in view, beside, behind; cosines of 60 and 100 degrees. */
const BESIDE = 0.35;
const BEHIND = 0.15;
const VIEW_COS = 0.5;
const BESIDE_COS = -0.174;
/** Looked straight at: within 15 degrees. */
const GAZE_COS = 0.966;
/** A near source stays in view this much further (cosine): heads turn all the time. */
export const VIEW_SLACK = 0.25;
/** From a cell's middle, at the height of the viewer's eyes, to whoever is furthest from it: just outside a corner [CG3], and 2 m up or down. */
const CELL_RADIUS_M = 7;
/** By how many of the cosines are exceeded. */
const FACTORS = Float64Array.of(BEHIND, BESIDE, 1, GAZE);

/** Places in `bound`: a cell's centre from the viewer, m, and the most that anybody in it may score. */
export const CENTRE_X = 0;
export const CENTRE_Z = 1;
export const MOST = 2;

export class Viewpoint {
  x = 0;
  y = 0;
  z = 0;
  /** Unit vector. */
  lookX = 0;
  lookY = 0;
  lookZ = 0;
  /** False for a viewer nobody has seen yet: everything is in its view. */
  seen = false;

  take(desk: SourceDesk, viewer: number): void {
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

  /** Factor of somebody at this offset from the viewer, whatever they are looked at with: 1 in view, less beside and behind. */
  cone(dx: number, dy: number, dz: number, distance: number): number {
    if (!this.seen) return 1;
    const along = dx * this.lookX + dy * this.lookY + dz * this.lookZ;
    return along > VIEW_COS * distance ? 1 : along > BESIDE_COS * distance ? BESIDE : BEHIND;
  }

  /**
   * Multiplies bound[MOST] by the most that anybody in a cell may be in view, whose centre is at this offset, on the level. `stays`: with the
   * slack of those who stay near. The cell fills an angle of asin(radius / distance) around its centre; whoever in it is nearest to the look
   * is that much nearer.
   */
  limit(bound: Float64Array, stays: boolean): void {
    if (!this.seen) return;
    const dx = bound[CENTRE_X] as number;
    const dz = bound[CENTRE_Z] as number;
    const square = dx * dx + dz * dz;
    const along = dx * this.lookX + dz * this.lookZ;
    const aside = square - along * along;
    const radius = CELL_RADIUS_M * CELL_RADIUS_M;
    let cosine = 1;
    if (square > radius && !(along > 0 && aside <= radius)) {
      cosine = (along * Math.sqrt(square - radius) + Math.sqrt(aside > 0 ? aside : 0) * CELL_RADIUS_M) / square;
    }
    bound[MOST] = (bound[MOST] as number) * gazeFactor(stays ? cosine + VIEW_SLACK : cosine, 1);
  }
}

/** Factor of somebody who is `along` the look and `distance` away: as `cone`, and more for whoever is looked straight at. */
export function gazeFactor(along: number, distance: number): number {
  return FACTORS[Number(along > BESIDE_COS * distance) + Number(along > VIEW_COS * distance) + Number(along > GAZE_COS * distance)] as number;
}
