/**
 * WebXR: head and hands from the session, sticks for locomotion, squeeze (or pinch) to carry and, letting go in
 * full swing, to throw; squeeze with the other hand as well to move, turn and scale with both; trigger to use.
 *
 * Left stick walks where the head looks; right stick sideways snap-turns, forward aims a teleport that letting go confirms; while the right
 * hand carries something its stick reels it in and out instead.
 */
import { type Group, Quaternion, Ray, Vector3, type WebXRManager } from "three";
import { DeviceState, type Space, XrBody } from "@copresence/client";
import type { ObjectViews } from "../world/object-views.ts";
import type { TeleportAim } from "../world/teleport-aim.ts";
import { Carry, type Refused } from "./carry.ts";
import { deviceOf, type Handedness, readDevice } from "./geometry.ts";
import type { LocalPose } from "./local-pose.ts";

const DEAD_ZONE = 0.16;
const TURN_ON = 0.7;
const TURN_OFF = 0.4;
const TOUCH_SLACK_M = 0.06;
const RAY_REACH_M = 10;
const REEL_M_PER_MS = 0.0024;

type Hand = {
  readonly side: Handedness;
  readonly carry: Carry;
  /** Where the controller points, in the room. */
  readonly ray: Ray;
  hovered: string | undefined;
  squeezing: boolean;
  triggering: boolean;
  tracked: boolean;
};

export type XrEvents = { onUse(id: string): void; onRefused: Refused };

export class XrInput {
  readonly hands: readonly [Hand, Hand];
  private readonly space: Space;
  private readonly views: ObjectViews;
  private readonly aim: TeleportAim;
  private readonly events: XrEvents;
  private readonly rig: Group;
  readonly body = new XrBody();
  private turned = false;
  private readonly at = new Vector3();
  private readonly turn = new Quaternion();

  constructor(options: { space: Space; views: ObjectViews; aim: TeleportAim; rig: Group; events: XrEvents }) {
    this.space = options.space;
    this.views = options.views;
    this.aim = options.aim;
    this.rig = options.rig;
    this.events = options.events;
    const hand = (side: Handedness): Hand => ({
      side,
      carry: new Carry(options.space, side, options.events.onRefused),
      ray: new Ray(),
      hovered: undefined,
      squeezing: false,
      triggering: false,
      tracked: false,
    });
    this.hands = [hand("left"), hand("right")];
  }

  /** Fills the local pose from the session's current frame and moves the rig by the sticks. */
  update(xr: WebXRManager, local: LocalPose, deltaMs: number): void {
    const frame = xr.getFrame();
    const reference = xr.getReferenceSpace();
    if (frame === undefined || frame === null || reference === null) return;
    // Fingers and buttons first: where there are joints, the wrist is the hand.
    if (this.body.read(frame, reference)) this.body.share(this.space);
    local.pose.set(this.body.pose);
    local.states.set(this.body.states);
    local.timeMs = this.body.timeMs;
    for (const source of frame.session.inputSources) {
      if (source.handedness === "none") continue;
      const hand = this.hands[source.handedness === "left" ? 0 : 1];
      const ray = frame.getPose(source.targetRaySpace, reference);
      if (ray !== undefined && ray !== null) this.castRay(hand, ray.transform);
      this.sticks(hand, source.gamepad, local, deltaMs);
    }
    for (const hand of this.hands) hand.tracked = local.states[deviceOf(hand.side)] !== DeviceState.lost;
  }

  /** After `me.setPose`: buttons act on hands that the SDK knows. */
  afterPose(xr: WebXRManager): void {
    const session = xr.getSession();
    if (session === null) return;
    for (const source of session.inputSources) {
      if (source.handedness === "none") continue;
      const hand = this.hands[source.handedness === "left" ? 0 : 1];
      hand.hovered = this.reachable(hand);
      const pressed = (button: number): boolean => source.gamepad?.buttons[button]?.pressed ?? false;
      const isHand = source.hand !== undefined && source.hand !== null;
      this.squeeze(hand, isHand ? pressed(0) : pressed(1));
      if (!isHand) this.trigger(hand, pressed(0));
    }
  }

  /** The session ended: nothing stays in the air. */
  end(): void {
    this.aim.cancel();
    for (const hand of this.hands) {
      hand.carry.drop();
      hand.squeezing = false;
      hand.hovered = undefined;
    }
  }

  private castRay(hand: Hand, transform: XRRigidTransform): void {
    const { position: p, orientation: q } = transform;
    hand.ray.origin.set(p.x, p.y, p.z).applyMatrix4(this.rig.matrixWorld);
    hand.ray.direction
      .set(0, 0, -1)
      .applyQuaternion(this.turn.set(q.x, q.y, q.z, q.w))
      .applyQuaternion(this.rig.quaternion);
  }

  /** What this hand would take: what it touches, else what it points at. */
  private reachable(hand: Hand): string | undefined {
    if (hand.carry.object !== undefined) return undefined;
    readDevice(this.space.me.pose, deviceOf(hand.side), this.at, this.turn);
    return (this.views.near(this.at, TOUCH_SLACK_M) ?? this.views.pick(hand.ray, RAY_REACH_M))?.id;
  }

  private squeeze(hand: Hand, pressed: boolean): void {
    if (pressed === hand.squeezing) return;
    hand.squeezing = pressed;
    const other = this.hands[hand.side === "left" ? 1 : 0].carry;
    if (!pressed) hand.carry.drop(other);
    else if (hand.hovered !== undefined && hand.hovered === other.object) hand.carry.join(hand.hovered);
    else if (hand.hovered !== undefined) hand.carry.take(hand.hovered);
  }

  private trigger(hand: Hand, pressed: boolean): void {
    if (pressed === hand.triggering) return;
    hand.triggering = pressed;
    const target = hand.carry.object ?? hand.hovered;
    if (pressed && target !== undefined) this.events.onUse(target);
  }

  private sticks(hand: Hand, gamepad: Gamepad | undefined, local: LocalPose, deltaMs: number): void {
    const x = gamepad?.axes[2] ?? 0;
    const y = gamepad?.axes[3] ?? 0;
    if (hand.side === "left") {
      if (Math.hypot(x, y) > DEAD_ZONE) this.space.me.move({ x, z: y }, deltaMs);
      return;
    }
    if (hand.carry.object !== undefined) {
      if (Math.abs(y) > DEAD_ZONE) hand.carry.reel(-y * REEL_M_PER_MS * deltaMs);
      return;
    }
    if (Math.abs(x) > TURN_ON && !this.turned && !this.aim.active) {
      this.turned = true;
      this.space.me.move({ x: 0, z: 0, turn: x > 0 ? -1 : 1 }, Math.min(deltaMs, 50));
    } else if (Math.abs(x) < TURN_OFF) this.turned = false;
    if (y < -TURN_ON && !this.aim.active) this.aim.start();
    if (!this.aim.active) return;
    this.aim.throwFrom(hand.ray.origin, hand.ray.direction);
    if (y > -TURN_OFF) this.aim.confirm(this.space, { x: local.pose[0] as number, z: local.pose[2] as number });
  }
}
