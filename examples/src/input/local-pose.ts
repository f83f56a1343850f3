/** The 21 numbers of one's own head and hands in the play space, and how each was come by. Filled by desktop or XR input, sent by main. */
import { Quaternion, Vector3 } from "three";
import { DeviceState } from "@copresence/client";
import { HEAD, LEFT, RIGHT, writeDevice } from "./geometry.ts";

export type LocalPose = {
  /** Float64Array[21], play space. */
  readonly pose: Float64Array;
  /** Uint8Array[3], one `DeviceState` per device. */
  readonly states: Uint8Array;
  /** When it was or will be true, on the clock of `performance.now()`; undefined for now. */
  timeMs: number | undefined;
};
export const EYE_HEIGHT_M = 1.62;

export function createLocalPose(): LocalPose {
  const local: LocalPose = {
    pose: new Float64Array(21),
    states: new Uint8Array([DeviceState.tracked, DeviceState.inferred, DeviceState.inferred]),
    timeMs: undefined,
  };
  writeDevice(local.pose, HEAD, new Vector3(0, EYE_HEIGHT_M, 0), new Quaternion());
  restHand(local, LEFT, 0);
  restHand(local, RIGHT, 0);
  return local;
}

const offset = new Vector3();
const turn = new Quaternion();
const up = new Vector3(0, 1, 0);
/** Lets a hand hang relaxed beside the body, which faces `headingRad`. */
export function restHand(local: LocalPose, device: number, headingRad: number): void {
  const side = device === LEFT ? -1 : 1;
  turn.setFromAxisAngle(up, headingRad);
  offset.set(side * 0.26, -0.58, -0.16).applyQuaternion(turn);
  offset.x += local.pose[0] as number;
  offset.y += local.pose[1] as number;
  offset.z += local.pose[2] as number;
  turn.multiply(lean);
  writeDevice(local.pose, device, offset, turn);
  local.states[device] = DeviceState.inferred;
}
const lean = new Quaternion().setFromAxisAngle(new Vector3(1, 0, 0), -0.5);
