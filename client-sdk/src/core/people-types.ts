/** The public face of people: others as they are shown, and me as I am sent. Frames, ownership of arrays and clocks: space-types.ts. */
import type { Vec3 } from "@copresence/shared/base";
import type { Rig } from "@copresence/shared/motion";
import type { HandControls, HandJoints } from "./stream-types.ts";

/** Somebody else in the space. The object lives until the person leaves and is the same across `frame` calls. */
export type RemotePerson = {
  readonly slot: number;
  readonly user: string;
  readonly name: string;
  readonly role: string;
  /** 0xRRGGBB. */
  readonly color: number;
  readonly status: "awake" | "asleep";
  /** Float64Array[21], room frame: head, left, right, each x y z (m) qx qy qz qw. Where to draw them now. */
  readonly pose: Float64Array;
  /** Uint8Array[3], `DeviceState` per device: tracked, inferred, lost, at rest. */
  readonly states: Uint8Array;
  /** False until the first pose has arrived, while asleep, and while `unseen`. */
  readonly visible: boolean;
  /**
   * Why this person is not sent to me: `blocked` by me, within our `boundary` (strangers who stand too close), `hidden` for reasons that are
   * not mine to know. Undefined: they are sent.
   */
  readonly unseen: "blocked" | "boundary" | "hidden" | undefined;
  /** Playout delay: how far behind room time this person is shown, before the forward factor of each device. */
  readonly delayMs: number;
  /**
   * Finger joints of the left and the right hand in the room, on the wrists as `pose` shows them; undefined for a hand whose fingers are not
   * tracked, not sent (too far away, too little room on the link), or not wanted (`quality.hands`). Draw the hand at `pose` then.
   */
  readonly hands: readonly [left: HandJoints | undefined, right: HandJoints | undefined];
  /** Buttons and gestures per hand; undefined where there is nothing to press, or they are not sent. */
  readonly controls: readonly [left: HandControls | undefined, right: HandControls | undefined];
  /** Float64Array[3], unit, room frame: where this person looks, to within 2 degrees; undefined unless they share it. */
  readonly gaze: Float64Array | undefined;
  /** Room time at which the last frame showed a device (0 head, 1 left, 2 right). */
  shownMs(device: number): number;
};

export type People = Iterable<RemotePerson> & {
  /** Everybody else; not counting me. */
  readonly size: number;
  get(slot: number): RemotePerson | undefined;
  byUser(user: string): RemotePerson | undefined;
};

export type Stick = {
  /** Thumb stick, -1..1: +x right, +z backwards (WebXR axes). */
  readonly x: number;
  readonly z: number;
  /** Where "forward" points in the room, radians about +Y, 0 along -Z, counter-clockwise. Default: where my head looks. */
  readonly headingRad?: number | undefined;
  /** Snap turns to make now, in steps; positive to the left. */
  readonly turn?: number | undefined;
};

export type Me = {
  /** -1 until the first join. */
  readonly slot: number;
  readonly user: string;
  readonly name: string;
  readonly role: string;
  /** 0xRRGGBB. */
  readonly color: number;
  /** The predicted rig: integer millimetres and 1/65536 turns. */
  readonly rig: Readonly<Rig>;
  /** Float64Array[7]: where to draw my play space in the room (x y z qx qy qz qw), with corrections blended in. Put the camera's parent here. */
  readonly origin: Float64Array;
  /** Float64Array[21]: my own pose in the room, as I see it now. */
  readonly pose: Float64Array;
  readonly states: Uint8Array;
  /**
   * One measured pose: 21 numbers as in `RemotePerson.pose` but in the play space, `states` one `DeviceState` per device (default tracked),
   * `timeMs` when it was, or is predicted to be, true (default now). Call once per frame; the SDK paces the network itself.
   */
  setPose(local: ArrayLike<number>, states?: ArrayLike<number>, timeMs?: number): void;
  /**
   * Finger joints of my hands in the play space, for those who are near me: 175 numbers each (25 joints in WebXR's order, wrist first, each
   * x y z qx qy qz qw), or undefined for a hand that is not tracked. Once per frame, before `setPose`: while joints are given, the wrist is
   * the hand's pose, whatever `setPose` says of it. Throws a RangeError for too few numbers.
   */
  setHands(left: ArrayLike<number> | undefined, right: ArrayLike<number> | undefined, timeMs?: number): void;
  /** What my hands press and show; undefined for a hand that has nothing to press. Sent when it changes. */
  setControls(left: Partial<HandControls> | undefined, right: Partial<HandControls> | undefined): void;
  /**
   * Where my eyes look: a direction in the play space of any length, undefined while it is not known. Does nothing unless the application turned
   * `quality.sendGaze` on: ask the person first.
   */
  setGaze(direction: ArrayLike<number> | undefined): void;
  /** Thumb-stick locomotion for the next `dtMs` (longer than 50 ms is split). Predicted at once, judged by the room. */
  move(stick: Stick, dtMs: number): void;
  /** Puts the origin of my play space at a position of the room. Predicted at once, judged by the room. */
  teleport(to: { readonly position: Vec3; readonly yawRad?: number | undefined }): void;
  /** The headset was taken off: poses pause, what I hold is released, others see me asleep. */
  sleep(): void;
  wake(): void;
};
