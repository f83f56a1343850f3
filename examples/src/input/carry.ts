/**
 * Carrying one object with one hand: take, reel nearer or farther, turn, scale, let go or throw. A second hand may join: then the two move,
 * turn and scale it together.
 *
 * A hand of the room reaches about an arm's length, a pointer reaches everywhere. Something farther away is therefore taken with the
 * pointer first and passed to the hand at once; from then on it follows the hand at full rate, with no message per frame.
 */
import { Quaternion, Vector3 } from "three";
import type { GrabResult, Grip, Space } from "@copresence/client";
import { deviceOf, type Handedness, readDevice } from "./geometry.ts";

/** Grips longer than this start with the pointer: the room may not have seen the hand arrive yet. */
const REACH_M = 0.6;
const NEAREST_M = 0.25;
const FARTHEST_M = 12;

export type Refused = (result: Extract<GrabResult, { granted: false }>, objectId: string) => void;

export class Carry {
  readonly hand: Handedness;
  private readonly space: Space;
  private readonly onRefused: Refused;
  private id: string | undefined;
  private readonly handAt = new Vector3();
  private readonly handTurn = new Quaternion();
  private readonly offset = new Vector3();
  private readonly turn = new Quaternion();

  constructor(space: Space, hand: Handedness, onRefused: Refused) {
    this.space = space;
    this.hand = hand;
    this.onRefused = onRefused;
  }

  /** Id of what this hand carries, as far as this client knows. */
  get object(): string | undefined {
    if (this.id !== undefined && this.space.objects.get(this.id)?.heldByMe !== true) this.id = undefined;
    return this.id;
  }

  /** Takes an object where it is. Shown at once; if the room refuses, it snaps back and `onRefused` says why. */
  take(id: string): void {
    const object = this.space.objects.get(id);
    if (object === undefined || !object.grabbable || this.object !== undefined) return;
    const grip = this.gripOf(id);
    if (grip === undefined) return;
    const far = Math.hypot(...grip.position) > REACH_M;
    this.id = id;
    if (far) this.judge(id, object.grab("pointer"));
    this.judge(id, object.grab(this.hand, { grip }));
  }

  /** Moves what is carried along the hand's forward axis; positive is away. */
  reel(deltaM: number): void {
    const grip = this.object === undefined ? undefined : this.gripOf(this.object);
    if (grip === undefined) return;
    const [x, y, z] = grip.position;
    const away = Math.min(FARTHEST_M, Math.max(NEAREST_M, -z + deltaM));
    this.regrip({ position: [x, y, -away], rotation: grip.rotation });
  }

  /** Turns what is carried about the room's vertical axis. */
  spin(angleRad: number): void {
    const grip = this.object === undefined ? undefined : this.gripOf(this.object);
    if (grip === undefined) return;
    const up = new Vector3(0, 1, 0).applyQuaternion(this.handTurn.clone().invert());
    const turned = new Quaternion().setFromAxisAngle(up, angleRad).multiply(this.turn);
    this.regrip({ position: grip.position, rotation: [turned.x, turned.y, turned.z, turned.w] });
  }

  /** Makes what is carried larger or smaller, within what the scene allows. */
  scale(by: number): void {
    const id = this.object;
    const object = id === undefined ? undefined : this.space.objects.get(id);
    if (id === undefined || object === undefined) return;
    this.judge(id, object.grab(this.hand, { scale: (object.transform[7] as number) * by }));
  }

  /** Joins the hand that carries `id`; from now on both do. */
  join(id: string): void {
    const object = this.space.objects.get(id);
    if (object?.heldByMe !== true || this.object !== undefined) return;
    this.id = id;
    this.judge(id, object.grab("both"));
  }

  /** Lets go, in full swing a throw. What `other` carries too stays in that hand. */
  drop(other?: Carry): void {
    const id = this.object;
    this.id = undefined;
    if (id === undefined) return;
    const object = this.space.objects.get(id);
    if (other?.object === id) other.judge(id, object?.grab(other.hand));
    else object?.release();
  }

  private regrip(grip: Grip): void {
    const id = this.object;
    if (id !== undefined) this.judge(id, this.space.objects.get(id)?.grab(this.hand, { grip }));
  }

  private judge(id: string, claim: Promise<GrabResult> | undefined): void {
    void claim?.then((result) => this.judged(result, id));
  }

  private judged(result: GrabResult, id: string): void {
    if (result.granted) return;
    if (this.id === id) {
      this.id = undefined;
      this.onRefused(result, id);
    }
  }

  /** Where the object is in the hand's frame now. */
  private gripOf(id: string): Grip | undefined {
    const object = this.space.objects.get(id);
    if (object === undefined) return undefined;
    const t = object.transform;
    readDevice(this.space.me.pose, deviceOf(this.hand), this.handAt, this.handTurn);
    const inverse = this.handTurn.clone().invert();
    this.offset
      .set(t[0] as number, t[1] as number, t[2] as number)
      .sub(this.handAt)
      .applyQuaternion(inverse);
    this.turn.set(t[3] as number, t[4] as number, t[5] as number, t[6] as number).premultiply(inverse);
    return { position: [this.offset.x, this.offset.y, this.offset.z], rotation: [this.turn.x, this.turn.y, this.turn.z, this.turn.w] };
  }
}
