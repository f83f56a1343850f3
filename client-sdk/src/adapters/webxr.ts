/**
 * WebXR to poses: head from the viewer, hands from grip spaces, or from the wrist of a bare hand; its joints; buttons and gestures.
 *
 * [WX1] A device that is not tracked keeps its last pose and is marked lost; an emulated position (3DoF, hand out of sight) is `inferred`.
 * [WX2] Times are the frame's predicted display time where the runtime tells it: that is when the pose is true.
 * [WX3] Joints are all there or none: a hand with a joint missing is shown as a hand without fingers. Where they are, the wrist is the hand.
 * Structural types, because TypeScript's DOM library knows no WebXR and emulators have their own classes.
 */
import { Button, DEVICE_COUNT, DEVICE_FLOATS, DeviceState, Gesture, HAND_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";
import type { HandControls, HandJoints, Space } from "../core/space-types.ts";
import { gestureOf, pinchOf } from "./gestures.ts";

type XrVector = { readonly x: number; readonly y: number; readonly z: number; readonly w: number };
type XrPose = { readonly transform: { readonly position: XrVector; readonly orientation: XrVector }; readonly emulatedPosition?: boolean };
type XrButton = { readonly pressed: boolean; readonly touched: boolean; readonly value: number };
type XrSource = {
  readonly handedness: string;
  readonly gripSpace?: object | null | undefined;
  readonly gamepad?: { readonly buttons: readonly XrButton[] } | null | undefined;
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

const FINGER_JOINTS = ["metacarpal", "phalanx-proximal", "phalanx-intermediate", "phalanx-distal", "tip"] as const;
/** WebXR's names of the 25 joints, in its order. */
const JOINT_NAMES: readonly string[] = [
  "wrist",
  ...["metacarpal", "phalanx-proximal", "phalanx-distal", "tip"].map((joint) => `thumb-${joint}`),
  ...["index", "middle", "ring", "pinky"].flatMap((finger) => FINGER_JOINTS.map((joint) => `${finger}-finger-${joint}`)),
];
/** Buttons of WebXR's xr-standard mapping, by index. */
const XR_TRIGGER = 0;
const XR_SQUEEZE = 1;
const XR_STICK = 3;
const XR_A = 4;
const XR_B = 5;
const XR_THUMB_REST = 6;

/** One headset's pose in its play space, as `me.setPose` takes it. */
export class XrBody {
  /** Float64Array[21]: head, left, right, each x y z qx qy qz qw. */
  readonly pose = new Float64Array(POSE_FLOATS);
  readonly states = new Uint8Array(DEVICE_COUNT).fill(DeviceState.lost);
  timeMs: number | undefined;
  /** Joints of the left and right hand as `me.setHands` takes them; undefined where there are none. */
  readonly hands: [HandJoints | undefined, HandJoints | undefined] = [undefined, undefined];
  /** As `me.setControls` takes them. */
  readonly controls: [HandControls | undefined, HandControls | undefined] = [undefined, undefined];
  private readonly joints = [new Float64Array(HAND_FLOATS), new Float64Array(HAND_FLOATS)] as const;
  /** Joints or controls were there once: from then on their absence is news. */
  private hadHands = false;
  private hadControls = false;

  constructor() {
    for (let device = 0; device < DEVICE_COUNT; device++) this.pose[device * DEVICE_FLOATS + 6] = 1;
  }

  /** Reads this frame. False when the headset itself is not tracked: there is nothing to send then. */
  read(frame: XrFrameLike, reference: object): boolean {
    this.states.fill(DeviceState.lost);
    this.timeMs = frame.predictedDisplayTime;
    this.hands.fill(undefined);
    this.controls.fill(undefined);
    const viewer = frame.getViewerPose(reference);
    if (viewer === null || viewer === undefined) return false;
    this.write(0, viewer);
    for (const source of frame.session.inputSources) {
      const device = source.handedness === "left" ? 1 : source.handedness === "right" ? 2 : 0;
      if (device !== 0) this.readHand(frame, source, reference, device);
    }
    return true;
  }

  /** Hands what was read of fingers, buttons and gestures to the space; before `me.setPose`. */
  share(space: Space): void {
    const { hands, controls } = this;
    this.hadHands ||= hands[0] !== undefined || hands[1] !== undefined;
    this.hadControls ||= controls[0] !== undefined || controls[1] !== undefined;
    if (this.hadHands) space.me.setHands(hands[0], hands[1], this.timeMs);
    if (this.hadControls) space.me.setControls(controls[0], controls[1]);
  }

  /** Reads this frame and hands it to the space. */
  apply(frame: XrFrameLike, reference: object, space: Space): boolean {
    const tracked = this.read(frame, reference);
    if (!tracked) return false;
    this.share(space);
    space.me.setPose(this.pose, this.states, this.timeMs);
    return true;
  }

  private readHand(frame: XrFrameLike, source: XrSource, reference: object, device: number): void {
    const side = device - 1;
    const joints = this.joints[side] as HandJoints;
    const jointed = readJoints(frame, source, reference, joints);
    if (jointed) {
      this.hands[side] = joints;
      this.pose.set(joints.subarray(0, DEVICE_FLOATS), device * DEVICE_FLOATS);
      this.states[device] = DeviceState.tracked;
    } else {
      const pose = handPose(frame, source, reference);
      if (pose !== undefined) this.write(device, pose);
    }
    this.controls[side] = controlsOf(source.gamepad?.buttons ?? [], jointed ? joints : undefined);
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

/** All 25 joints into `out`, or false when one of them is not tracked [WX3]. */
function readJoints(frame: XrFrameLike, source: XrSource, reference: object, out: HandJoints): boolean {
  const { hand } = source;
  if (hand === undefined || hand === null || frame.getJointPose === undefined) return false;
  for (const [joint, name] of JOINT_NAMES.entries()) {
    const space = hand.get(name);
    const transform = space === undefined ? undefined : frame.getJointPose(space, reference)?.transform;
    if (transform === undefined) return false;
    const { position, orientation } = transform;
    const at = joint * DEVICE_FLOATS;
    out[at] = position.x;
    out[at + 1] = position.y;
    out[at + 2] = position.z;
    out[at + 3] = orientation.x;
    out[at + 4] = orientation.y;
    out[at + 5] = orientation.z;
    out[at + 6] = orientation.w;
  }
  return true;
}

/** What a controller presses, or a bare hand shows; undefined for one that is neither. */
function controlsOf(buttons: readonly XrButton[], joints: HandJoints | undefined): HandControls | undefined {
  if (joints !== undefined) {
    const pinch = pinchOf(joints);
    return { gesture: gestureOf(joints), trigger: 0, squeeze: 0, pinch, buttons: 0 };
  }
  if (buttons.length === 0) return undefined;
  const value = (index: number): number => buttons[index]?.value ?? 0;
  const bit = (index: number, flag: number): number => (buttons[index]?.pressed === true ? flag : 0);
  const touch = (index: number, flag: number): number => (buttons[index]?.touched === true ? flag : 0);
  const pressed =
    bit(XR_TRIGGER, Button.trigger) |
    bit(XR_SQUEEZE, Button.squeeze) |
    bit(XR_STICK, Button.stick) |
    bit(XR_A, Button.a) |
    bit(XR_B, Button.b) |
    touch(XR_TRIGGER, Button.triggerTouch) |
    touch(XR_THUMB_REST, Button.thumbTouch);
  const trigger = value(XR_TRIGGER);
  const squeeze = value(XR_SQUEEZE);
  return { gesture: gripGesture(pressed), trigger, squeeze, pinch: 0, buttons: pressed };
}

/** What fingers around a controller do, as far as its buttons feel them. */
function gripGesture(pressed: number): number {
  if ((pressed & Button.squeeze) === 0) return Gesture.none;
  return (pressed & (Button.trigger | Button.triggerTouch)) === 0 ? Gesture.point : Gesture.fist;
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
