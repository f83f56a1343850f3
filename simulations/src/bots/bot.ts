/**
 * One synthetic person in a running space: moves, walks, carries things about, and now and then says a word.
 *
 * [BO1] All it does goes through the SDK and a real socket, as a headset's would.
 * [BO2] Its choices follow from its seed and from what it sees; its motion from its seed (or the recording it plays) alone.
 */
import type { Space, SpaceObject } from "@copresence/client";
import { POSE_FLOATS } from "@copresence/shared/pose";
import type { SyntheticPerson } from "../people/index.ts";
import type { Random } from "../random.ts";

/** Writes 21 floats of play-space pose at `timeMs`. */
export type MotionSource = { sample(timeMs: number, out: Float64Array): void };

export type BotOptions = {
  readonly space: Space;
  readonly random: Random;
  readonly motion: MotionSource;
  /** Drives locomotion; recordings bring none. */
  readonly walker?: SyntheticPerson | undefined;
  /** Picks things up and carries them. */
  readonly handles: boolean;
  readonly talks: boolean;
};

const SMALL_TALK = [
  "Has anyone seen the gasket set?",
  "This valve turns the wrong way.",
  "Bring the lamp over here, please.",
  "Nice work on the banner.",
  "Who wants to hold the other end?",
  "I'll be at the bench.",
];
/** Things further from the hand than this are not reached for, m. */
const REACH_M = 1.4;
const CARRY_MS = { least: 2500, most: 7000 };
const PAUSE_MS = { least: 6000, most: 20_000 };
const TALK_MS = { least: 20_000, most: 90_000 };

export class Bot {
  readonly space: Space;
  private readonly options: BotOptions;
  private readonly pose = new Float64Array(POSE_FLOATS);
  private carried: SpaceObject | undefined;
  private nextHandleMs: number;
  private nextTalkMs: number;
  private lastStepMs: number | undefined;

  constructor(options: BotOptions) {
    this.options = options;
    this.space = options.space;
    this.nextHandleMs = options.random.between(0, PAUSE_MS.most);
    this.nextTalkMs = options.random.between(0, TALK_MS.most);
  }

  /** One frame of this person's life; `nowMs` is on the SDK's clock. */
  step(nowMs: number): void {
    const { space, options } = this;
    if (space.status !== "live") return;
    this.walk(nowMs);
    options.motion.sample(nowMs, this.pose);
    space.me.setPose(this.pose, undefined, nowMs);
    space.frame(nowMs);
    if (options.handles && nowMs >= this.nextHandleMs) this.handle(nowMs);
    if (options.talks && nowMs >= this.nextTalkMs) {
      this.nextTalkMs = nowMs + options.random.between(TALK_MS.least, TALK_MS.most);
      space.chat(options.random.pick(SMALL_TALK));
    }
  }

  private walk(nowMs: number): void {
    const { walker } = this.options;
    const { me } = this.space;
    const dtMs = Math.min(100, nowMs - (this.lastStepMs ?? nowMs));
    this.lastStepMs = nowMs;
    if (walker === undefined || dtMs <= 0) return;
    const headYaw = Math.round((headingOf(me.pose) / (2 * Math.PI)) * 65_536) & 0xffff;
    const stick = walker.locomotion(nowMs, me.rig, headYaw);
    if (stick.moveX === 0 && stick.moveZ === 0 && stick.turn === 0) return;
    me.move({ x: stick.moveX / 127, z: stick.moveZ / 127, headingRad: (stick.heading / 65_536) * 2 * Math.PI, turn: stick.turn }, dtMs);
  }

  private handle(nowMs: number): void {
    const { random } = this.options;
    if (this.carried !== undefined) {
      if (this.carried.heldByMe) this.carried.release();
      this.carried = undefined;
      this.nextHandleMs = nowMs + random.between(PAUSE_MS.least, PAUSE_MS.most);
      return;
    }
    const hand = random.chance(0.5) ? "left" : "right";
    const near = this.nearest(hand === "left" ? 7 : 14);
    this.nextHandleMs = nowMs + random.between(CARRY_MS.least, CARRY_MS.most);
    if (near === undefined) return;
    this.carried = near;
    void near.grab(hand).then((result) => {
      if (!result.granted && this.carried === near) this.carried = undefined;
    });
  }

  /** The nearest thing within reach of the hand whose position starts at `at` in the pose, that nobody holds. */
  private nearest(at: number): SpaceObject | undefined {
    const { me, objects } = this.space;
    let best: SpaceObject | undefined;
    let bestM = REACH_M;
    for (const object of objects) {
      if (!object.grabbable || object.holder !== undefined) continue;
      const t = object.transform;
      const distanceM = Math.hypot(
        (t[0] as number) - (me.pose[at] as number),
        (t[1] as number) - (me.pose[at + 1] as number),
        (t[2] as number) - (me.pose[at + 2] as number),
      );
      if (distanceM >= bestM) continue;
      best = object;
      bestM = distanceM;
    }
    return best;
  }
}

/** Heading of the head about +Y, radians, 0 along -Z, counter-clockwise. `pose`: Float64Array[21]. */
function headingOf(pose: Float64Array): number {
  const [x, y, z, w] = [pose[3] as number, pose[4] as number, pose[5] as number, pose[6] as number];
  return Math.atan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y));
}
