/**
 * What the pose plane calls things. A person is three tracked devices: head, left hand, right hand.
 *
 * At the API's edges a pose is a `Float64Array[21]`: for head, left, right: x y z in m, then qx qy qz qw (unit), in the room's
 * frame (right-handed, +Y up, -Z forward). Inside the codec positions are integers on a lattice of 1/1024 m.
 */
export const DEVICES = ["head", "left", "right"] as const;
export const DEVICE_COUNT = 3;
/** Floats of one device: x y z qx qy qz qw. */
export const DEVICE_FLOATS = 7;
export const POSE_FLOATS = DEVICE_COUNT * DEVICE_FLOATS;

/** 2-bit state per device. `atRest` costs no further bits until it moves. */
export const DeviceState = { tracked: 0, inferred: 1, lost: 2, atRest: 3 } as const;
export type DeviceState = (typeof DeviceState)[keyof typeof DeviceState];

/** One measured sample. `pose` is owned by whoever allocated it; `states` has one entry per device. */
export type PoseSample = {
  /** Server-clock time at which the headset predicted or measured this pose, in ms since the room's start. */
  timeMs: number;
  readonly pose: Float64Array;
  readonly states: Uint8Array;
};

export const newPoseSample = (): PoseSample => {
  const pose = new Float64Array(POSE_FLOATS);
  for (let d = 0; d < DEVICE_COUNT; d++) pose[d * DEVICE_FLOATS + 6] = 1;
  return { timeMs: 0, pose, states: new Uint8Array(DEVICE_COUNT) };
};
