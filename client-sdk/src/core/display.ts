/**
 * Where an object is drawn: at rest, in a hand, or on its way between the two.
 *
 * [DI1] A change of what the object follows never makes it jump: the difference at that moment fades over BLEND_MS, in the frame of what
 *       it now follows, so that an object in a fast hand does not lag behind it.
 * [DI2] After a hold ends the object stays where it was let go until the room's write of its resting place arrives, or SETTLE_MS.
 */
import { unpackTransform } from "@copresence/shared/scene";
import { blendRigid, composeRigid, relativeRigid } from "./rigid.ts";

const BLEND_MS = 100;
const SETTLE_MS = 1500;
const RIGID_FLOATS = 7;
/** Rigid transform and scale. */
const TRANSFORM_FLOATS = 8;
const IDENTITY = new Float64Array([0, 0, 0, 0, 0, 0, 1]);

/** What an object in a hand follows: `pose[at..at+6]` times `grip`. */
export type HandHold = { readonly pose: Float64Array; readonly at: number; readonly grip: Float64Array };

export class ObjectDisplay {
  /** x y z qx qy qz qw scale, room frame: what the application sees. */
  readonly transform = new Float64Array(TRANSFORM_FLOATS);
  /** Metres per second and radians per second of the last frames in a hand. */
  readonly velocity = new Float64Array(3);
  readonly spin = new Float64Array(3);
  private readonly rest = new Float64Array(TRANSFORM_FLOATS);
  private readonly target = new Float64Array(RIGID_FLOATS);
  private readonly offset = new Float64Array(RIGID_FLOATS);
  private readonly faded = new Float64Array(RIGID_FLOATS);
  private readonly before = new Float64Array(RIGID_FLOATS);
  private beforeMs = Number.NaN;
  private blendStartMs = Number.NEGATIVE_INFINITY;
  private settleUntilMs = Number.NEGATIVE_INFINITY;
  private follows = "rest";
  private restVersion = 0;
  private restVersionAtHold = 0;
  private placed = false;

  constructor() {
    for (const values of [this.transform, this.rest]) values[6] = values[7] = 1;
    this.target[6] = this.offset[6] = 1;
  }

  /** The document says where the object rests. Anything unreadable leaves it where it is. */
  setRest(stored: unknown): void {
    const at = unpackTransform(stored);
    if (at === undefined) return;
    const next = [...at.position, ...at.rotation, at.scale];
    if (this.placed && next.every((value, i) => value === this.rest[i])) return;
    this.rest.set(next);
    this.restVersion++;
    this.settleUntilMs = Number.NEGATIVE_INFINITY;
    if (!this.placed) this.transform.set(next);
    this.placed = true;
  }

  /** Draws for `nowMs`. False when nothing will change before something else does. */
  frame(nowMs: number, hold: HandHold | undefined, holdKey: string): boolean {
    const key = hold !== undefined ? holdKey : nowMs < this.settleUntilMs ? "settling" : `rest ${this.restVersion}`;
    if (hold !== undefined) composeRigid(hold.pose, hold.at, hold.grip, 0, this.target, 0);
    else if (key !== "settling") this.target.set(this.rest.subarray(0, RIGID_FLOATS));
    if (key !== this.follows) this.turnTo(key, hold !== undefined, nowMs);
    const part = (nowMs - this.blendStartMs) / BLEND_MS;
    if (part >= 1) this.transform.set(this.target);
    else {
      blendRigid(this.offset, IDENTITY, Math.max(0, part) * (2 - Math.max(0, part)), this.faded);
      composeRigid(this.target, 0, this.faded, 0, this.transform, 0);
    }
    this.transform[7] = this.rest[7] as number;
    if (hold !== undefined) this.measure(nowMs);
    return hold !== undefined || part < 1 || key === "settling";
  }

  /** The hold ends here and now; see [DI2]. */
  letGo(nowMs: number): void {
    this.target.set(this.transform.subarray(0, RIGID_FLOATS));
    this.blendStartMs = Number.NEGATIVE_INFINITY;
    this.follows = "settling";
    this.settleUntilMs = this.restVersion === this.restVersionAtHold ? nowMs + SETTLE_MS : Number.NEGATIVE_INFINITY;
  }

  /** The hold never was: back to where the document says, at once on its way. */
  rollBack(): void {
    this.settleUntilMs = Number.NEGATIVE_INFINITY;
  }

  private turnTo(key: string, held: boolean, nowMs: number): void {
    relativeRigid(this.target, 0, this.transform, 0, this.offset, 0);
    this.blendStartMs = nowMs;
    this.follows = key;
    if (!held) return;
    this.restVersionAtHold = this.restVersion;
    this.beforeMs = Number.NaN;
    this.velocity.fill(0);
    this.spin.fill(0);
  }

  /** Velocity over the last few frames: what a throw carries. */
  private measure(nowMs: number): void {
    const seconds = (nowMs - this.beforeMs) / 1000;
    if (seconds > 0.001) {
      const keep = Math.exp(-seconds / 0.05);
      for (let axis = 0; axis < 3; axis++) {
        const speed = ((this.target[axis] as number) - (this.before[axis] as number)) / seconds;
        this.velocity[axis] = (this.velocity[axis] as number) * keep + speed * (1 - keep);
      }
      relativeRotation(this.before, this.target, this.faded);
      for (let axis = 0; axis < 3; axis++)
        this.spin[axis] = (this.spin[axis] as number) * keep + ((2 * (this.faded[axis] as number)) / seconds) * (1 - keep);
    }
    if (!(seconds <= 0.001)) {
      this.before.set(this.target);
      this.beforeMs = nowMs;
    }
  }
}

/** Vector part of `to` * inverse(`from`), room frame: half the turn between them for small turns. */
function relativeRotation(from: Float64Array, to: Float64Array, out: Float64Array): void {
  const [ax, ay, az, aw] = [to[3] as number, to[4] as number, to[5] as number, to[6] as number];
  const [bx, by, bz, bw] = [-(from[3] as number), -(from[4] as number), -(from[5] as number), from[6] as number];
  const sign = aw * bw - ax * bx - ay * by - az * bz < 0 ? -1 : 1;
  out[0] = sign * (aw * bx + ax * bw + ay * bz - az * by);
  out[1] = sign * (aw * by - ax * bz + ay * bw + az * bx);
  out[2] = sign * (aw * bz + ax * by - ay * bx + az * bw);
}
