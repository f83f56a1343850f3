/**
 * WebXR to poses: head from the viewer, hands from grip spaces (or the wrist, for bare hands without one).
 *
 * [WX1] A device that is not tracked keeps its last pose and is marked lost; an emulated position (3DoF, hand out of sight) is `inferred`.
 * [WX2] Times are the frame's predicted display time where the runtime tells it: that is when the pose is true.
 * Structural types, because TypeScript's DOM library knows no WebXR and emulators have their own classes.
 */
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, POSE_FLOATS } from "@copresence/shared/pose";
import type { Space } from "../core/space-types.ts";

type XrVector = { readonly x: number; readonly y: number; readonly z: number; readonly w: number };
type XrPose = { readonly transform: { readonly position: XrVector; readonly orientation: XrVector }; readonly emulatedPosition?: boolean };
type XrSource = {
  readonly handedness: string;
  readonly gripSpace?: object | null | undefined;
  readonly hand?: { get(joint: string): object | undefined } | null | undefined;
};
export type XrFrameLike = {
  readonly session: { readonly inputSources: Iterable<XrSource> };
  readonly predictedDisplayTime?: number;
  getViewerPose(reference: any): XrPose | null | undefined;
  getPose(space: any, reference: any): XrPose | null | undefined;
  getJointPose?(joint: any, reference: any): XrPose | null | undefined;
};
export type XrSessionLike = {
  readonly visibilityState: string;
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
};

/** One headset's pose in its play space, as `me.setPose` takes it. */
export class XrBody {
  /** Float64Array[21]: head, left, right, each x y z qx qy qz qw. */
  readonly pose = new Float64Array(POSE_FLOATS);
  readonly states = new Uint8Array(DEVICE_COUNT).fill(DeviceState.lost);
  timeMs: number | undefined;

  constructor() {
    for (let device = 0; device < DEVICE_COUNT; device++) this.pose[device * DEVICE_FLOATS + 6] = 1;
  }

  /** Reads this frame. False when the headset itself is not tracked: there is nothing to send then. */
  read(frame: XrFrameLike, reference: object): boolean {
    this.states.fill(DeviceState.lost);
    this.timeMs = frame.predictedDisplayTime;
    const viewer = frame.getViewerPose(reference);
    if (viewer === null || viewer === undefined) return false;
    this.write(0, viewer);
    for (const source of frame.session.inputSources) {
      const device = source.handedness === "left" ? 1 : source.handedness === "right" ? 2 : 0;
      const pose = device === 0 ? undefined : handPose(frame, source, reference);
      if (pose !== undefined) this.write(device, pose);
    }
    return true;
  }

  /** Reads this frame and hands it to the space. */
  apply(frame: XrFrameLike, reference: object, space: Space): boolean {
    const tracked = this.read(frame, reference);
    if (tracked) space.me.setPose(this.pose, this.states, this.timeMs);
    return tracked;
  }

  private write(device: number, { transform, emulatedPosition }: XrPose): void {
    const { position, orientation } = transform;
    const at = device * DEVICE_FLOATS;
    this.pose[at] = position.x;
    this.pose[at + 1] = position.y;
    this.pose[at + 2] = position.z;
    this.pose[at + 3] = orientation.x;
    this.pose[at + 4] = orientation.y;
    this.pose[at + 5] = orientation.z;
    this.pose[at + 6] = orientation.w;
    this.states[device] = emulatedPosition === true ? DeviceState.inferred : DeviceState.tracked;
  }
}

function handPose(frame: XrFrameLike, source: XrSource, reference: object): XrPose | undefined {
  if (source.gripSpace !== undefined && source.gripSpace !== null) return frame.getPose(source.gripSpace, reference) ?? undefined;
  const wrist = source.hand?.get("wrist");
  return wrist === undefined ? undefined : (frame.getJointPose?.(wrist, reference) ?? undefined);
}

/** Sleeps while the session is hidden (the headset was taken off, a system menu covers all) and wakes after. Returns the function that stops it. */
export function followXrVisibility(session: XrSessionLike, space: Space): () => void {
  const follow = (): void => (session.visibilityState === "hidden" ? space.me.sleep() : space.me.wake());
  const stop = (): void => {
    session.removeEventListener("visibilitychange", follow);
    session.removeEventListener("end", stop);
    space.me.wake();
  };
  session.addEventListener("visibilitychange", follow);
  session.addEventListener("end", stop);
  follow();
  return stop;
}
