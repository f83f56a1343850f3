/**
 * Where an object is drawn: at rest, in a hand, in the air, or on its way between them.
 *
 * [DI1] A change of what the object follows never makes it jump: the difference at that moment fades at FADE_M_S (in at least
 *       FADE_LEAST_MS), on top of what it now follows, so that an object in a fast hand does not lag behind it.
 * [DI2] After a hold ends the object stays where it was let go until the room's write of its resting place arrives, or SETTLE_MS.
 */
import { unpackTransform } from "@copresence/shared/scene";
import { blendRigid, multiplyQuat, relativeTurn } from "./rigid.ts";

const FADE_LEAST_MS = 100;
/** Longer than this a correction is in the way; what is farther off moves faster. */
const FADE_MOST_MS = 2200;
/** 11 mm a frame at 72 frames a second: below what looks like a jump. */
const FADE_M_S = 0.8;
const FADE_RAD_S = 4;
const SETTLE_MS = 1500;
const RIGID_FLOATS = 7;
/** Rigid transform and scale. */
const TRANSFORM_FLOATS = 8;
const IDENTITY = new Float64Array([0, 0, 0, 0, 0, 0, 1]);

export class ObjectDisplay {
  /** x y z qx qy qz qw scale, room frame: what the application sees. */
  readonly transform = new Float64Array(TRANSFORM_FLOATS);
  /** Metres per second and radians per second of the last frames in a hand. */
  readonly velocity = new Float64Array(3);
  readonly spin = new Float64Array(3);
  private readonly rest = new Float64Array(TRANSFORM_FLOATS);
  private readonly target = new Float64Array(TRANSFORM_FLOATS);
  /** What is shown minus the target, when the fade began: position in the room's frame, a turn, a scale. */
  private readonly offset = new Float64Array(TRANSFORM_FLOATS);
  private readonly faded = new Float64Array(RIGID_FLOATS);
  private readonly before = new Float64Array(RIGID_FLOATS);
  private beforeMs = Number.NaN;
  private fadeStartMs = Number.NEGATIVE_INFINITY;
  private fadeMs = FADE_LEAST_MS;
  private settleUntilMs = Number.NEGATIVE_INFINITY;
  private follows = "rest";
  private restVersion = 0;
  private restVersionAtHold = 0;
  private placed = false;
  private drawn = false;

  constructor() {
    for (const values of [this.transform, this.rest]) values[6] = values[7] = 1;
    this.target[6] = this.target[7] = this.offset[6] = 1;
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

  /**
   * Draws for `nowMs`. `source`: the transform (8 floats) of what it follows, undefined for its resting place; `key` names it.
   * False when nothing will change before something else does.
   */
  frame(nowMs: number, source: Float64Array | undefined, key: string, held: boolean): boolean {
    const follows = source !== undefined ? key : nowMs < this.settleUntilMs ? "settling" : `rest ${this.restVersion}`;
    if (source !== undefined) this.target.set(source);
    else if (follows !== "settling") this.target.set(this.rest);
    if (follows !== this.follows) this.turnTo(follows, held, nowMs);
    // Nobody has seen it anywhere else yet.
    if (!this.drawn) this.fadeStartMs = Number.NEGATIVE_INFINITY;
    this.drawn = true;
    const left = 1 - (nowMs - this.fadeStartMs) / this.fadeMs;
    if (!(left > 0)) this.transform.set(this.target);
    else this.drawFading(Math.min(1, left));
    if (held) this.measure(nowMs);
    return source !== undefined || left > 0 || follows === "settling";
  }

  /** The hold ends here and now; see [DI2]. */
  letGo(nowMs: number): void {
    this.target.set(this.transform);
    this.fadeStartMs = Number.NEGATIVE_INFINITY;
    this.follows = "settling";
    this.settleUntilMs = this.restVersion === this.restVersionAtHold ? nowMs + SETTLE_MS : Number.NEGATIVE_INFINITY;
  }

  /** The hold never was: back to where the document says, at once on its way. */
  rollBack(): void {
    this.settleUntilMs = Number.NEGATIVE_INFINITY;
  }

  private turnTo(follows: string, held: boolean, nowMs: number): void {
    const { offset, target, transform } = this;
    for (const i of [0, 1, 2, 7]) offset[i] = (transform[i] as number) - (target[i] as number);
    const angle = relativeTurn(target, 3, transform, 3, offset, 3);
    const distance = Math.hypot(offset[0] as number, offset[1] as number, offset[2] as number);
    this.fadeMs = Math.min(FADE_MOST_MS, Math.max(FADE_LEAST_MS, (distance / FADE_M_S) * 1000, (angle / FADE_RAD_S) * 1000));
    this.fadeStartMs = nowMs;
    this.follows = follows;
    if (!held) return;
    this.restVersionAtHold = this.restVersion;
    this.beforeMs = Number.NaN;
    this.velocity.fill(0);
    this.spin.fill(0);
  }

  /** [DI1] `left`: 1 at the change, 0 when it is over. */
  private drawFading(left: number): void {
    const { offset, target, transform } = this;
    for (const i of [0, 1, 2, 7]) transform[i] = (target[i] as number) + (offset[i] as number) * left;
    blendRigid(IDENTITY, offset, left, this.faded);
    multiplyQuat(target, 3, this.faded, 3, transform, 3);
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
      this.before.set(this.target.subarray(0, RIGID_FLOATS));
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
