/**
 * What may be said to the side pipeline about how people move: a closed list of one-second features, so that no pose can leave the room
 * under another name (PROMISES P19). Behaviour models read these and nothing else.
 *
 * [MF1] A feature is one finite number about a whole second; raw positions, rotations and trajectories have no name here.
 */
export const MOTION_FEATURES = [
  /** Least distance between the two heads, m. */
  "nearestM",
  /** Mean speed of `user` towards `other`, m/s; negative when leaving. */
  "approachMps",
  /** Mean speed of `other` away from `user`, m/s. */
  "retreatMps",
  /** Mean cosine between where `user` looks and where `other` is, and the other way round. */
  "facing",
  "facedBack",
  /** Seconds for which the pair has been closer than the personal boundary. */
  "closeS",
  /** 1 when both are in one group or have agreed to be close. */
  "together",
  /** Path of the faster hand, m: gesture spam. */
  "handPathM",
  /** How many objects were made, changed and removed, and lines said, in this second. */
  "objectsMade",
  "objectsChanged",
  "objectsRemoved",
  "linesSaid",
] as const;

export type MotionFeature = (typeof MOTION_FEATURES)[number];
export type MotionFeatures = Readonly<Partial<Record<MotionFeature, number>>>;
