/**
 * Whether joints may be a hand. Their numbers are finite by construction (integers of the wire), and the wrist is judged as the hand's pose
 * (pose-guard.ts); what is left is that fingers end near it.
 *
 * [HG1] No joint is farther from the wrist than REACH_MM along its bones.
 */
import { HANDS, type HandsState, JOINTS, OFFSET_PARENT, offsetAt, VALUES } from "../pose/hands/index.ts";

/** Twice a large hand. */
export const REACH_MM = 400;

const reach = new Float64Array(JOINTS);

export function handsPlausible(state: HandsState): boolean {
  for (let hand = 0; hand < HANDS; hand++) {
    if (state.present[hand] !== 1) continue;
    for (let joint = 1; joint < JOINTS; joint++) {
      const at = hand * VALUES + offsetAt(joint);
      const x = state.values[at] as number;
      const y = state.values[at + 1] as number;
      const z = state.values[at + 2] as number;
      reach[joint] = (reach[OFFSET_PARENT[joint] as number] as number) + Math.sqrt(x * x + y * y + z * z);
      if ((reach[joint] as number) > REACH_MM) return false;
    }
  }
  return true;
}
