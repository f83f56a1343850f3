/**
 * My finger joints, buttons and gestures, and gaze: measured by the application, sent as the room asks for them.
 *
 * [MS1] Nothing is sent that nobody watches (`streamDemand`), that the application did not give, or that `quality` forbids. Gaze is not even
 *       encoded unless the application turned it on.
 * [MS2] Joints refer to joints sent before. What the link did not take, and what the room says it lacks, make them begin anew.
 * [MS3] Buttons and gestures go out when they change, gaze when it does and at most GAZE_HZ; both again after REFRESH_MS.
 * [MS4] A hand with a joint that is not finite, or far from its wrist, counts as not tracked.
 */
import {
  ANALOG_MAX,
  CONTROL_VALUES,
  type Controls,
  encodeGaze,
  type GazeCode,
  GESTURE_MAX,
  HAND_FLOATS,
  HANDS,
  HandWriter,
  JOINT_FLOATS,
  MAX_HANDS_BYTES,
  newControls,
  newGazeCode,
  newHandsPose,
  sameControls,
  sameGaze,
  Stream,
  STREAM_HEAD_ROOM,
  STREAM_HZ,
  writeStreamBody,
} from "@copresence/shared/pose";
import { encodeMessage, LIMITS, type MessageOf, type UpMessage } from "@copresence/shared/protocol";
import type { ClientClock } from "./link.ts";
import type { QualityOptions } from "./quality.ts";
import { normalizeQuat, rotateBy } from "./rigid.ts";
import type { HandControls } from "./stream-types.ts";

/** Joints older than this are no longer where the hand is. */
const FRESH_MS = 150;
const REFRESH_MS = 1000;
/** No finger ends farther from its wrist, m; the room refuses what does (shared/src/motion/hand-guard.ts). */
const REACH_M = 0.4;
/** A message this close before it is due goes out: the next frame would be later than that is early. */
const EARLY_PART = 0.25;
/** Times of messages rise by at least the wire's step. */
const STEP_MS = 1 / 16;
const NO_LIMIT = 65_535;

export type MyStreamsPorts = {
  readonly clock: ClientClock;
  /** Room time of a local time, or undefined before the clock is synchronised. */
  readonly roomTime: (localMs: number) => number | undefined;
  /** Whether a droppable message was taken. */
  readonly send: (bytes: Uint8Array, droppable: boolean) => boolean;
};

export class MyStreams {
  private readonly ports: MyStreamsPorts;
  private quality: QualityOptions;
  /** What the application gave at least once: bits of `Stream`. */
  private given = 0;
  private demand = 0;
  private restarted = -1;
  private linked = false;
  private told = "";
  private readonly joints = newHandsPose();
  private readonly tracked = new Uint8Array(HANDS);
  private readonly jointsMs = new Float64Array(HANDS).fill(Number.NEGATIVE_INFINITY);
  private measuredMs = 0;
  private freshJoints = false;
  /** The last joints sent had a hand in them: its end is news. */
  private sentAny = false;
  private readonly writer = new HandWriter();
  private readonly controls: Controls = newControls();
  private readonly sentControls: Controls = newControls();
  private controlsMs = Number.NEGATIVE_INFINITY;
  private readonly gaze: GazeCode = newGazeCode();
  private readonly sentGaze: GazeCode = newGazeCode();
  private gazeMs = Number.NEGATIVE_INFINITY;
  private dueMs = Number.NEGATIVE_INFINITY;
  private lastRoomMs = Number.NEGATIVE_INFINITY;
  private readonly direction = new Float64Array(3);
  private readonly body = new Uint8Array(LIMITS.streamBodyBytes);
  private readonly block = new Uint8Array(MAX_HANDS_BYTES);

  constructor(ports: MyStreamsPorts, quality: QualityOptions) {
    this.ports = ports;
    this.quality = quality;
  }

  /** A room that knows nothing of me yet. */
  linkUp(): void {
    this.linked = true;
    this.demand = 0;
    this.restarted = -1;
    this.told = "";
    this.lastRoomMs = Number.NEGATIVE_INFINITY;
    this.tell();
  }
  linkDown(): void {
    this.linked = false;
    this.demand = 0;
  }

  onQuality(quality: QualityOptions): void {
    this.quality = quality;
    this.tell();
  }

  onDemand({ streams, restart }: MessageOf<"streamDemand">): void {
    const begins = (streams & Stream.hands) !== 0 && (this.demand & Stream.hands) === 0;
    if (begins || restart !== this.restarted) this.writer.restart();
    if ((streams & ~this.demand & Stream.controls) !== 0) this.controlsMs = Number.NEGATIVE_INFINITY;
    if ((streams & ~this.demand & Stream.gaze) !== 0) this.gazeMs = Number.NEGATIVE_INFINITY;
    this.demand = streams;
    this.restarted = restart;
  }

  setHands(left: ArrayLike<number> | undefined, right: ArrayLike<number> | undefined, timeMs?: number): void {
    const nowMs = this.ports.clock.now();
    for (const [hand, joints] of [left, right].entries()) {
      if (joints !== undefined && joints.length < HAND_FLOATS)
        throw new RangeError(`A hand is ${HAND_FLOATS} numbers (25 joints of x y z qx qy qz qw), not ${joints.length}.`);
      this.tracked[hand] = joints !== undefined && this.takeHand(hand, joints) ? 1 : 0;
      if (this.tracked[hand] === 1) this.jointsMs[hand] = nowMs;
    }
    this.measuredMs = timeMs ?? nowMs;
    const any = this.tracked[0] === 1 || this.tracked[1] === 1;
    this.freshJoints = any || this.sentAny;
    if (any) this.give(Stream.hands);
  }

  setControls(left: Partial<HandControls> | undefined, right: Partial<HandControls> | undefined): void {
    this.takeControls(0, left);
    this.takeControls(1, right);
    this.give(Stream.controls);
  }

  /** `direction`: in the play space, of any length; `head`: the head's rotation there, x y z w from `at`. */
  setGaze(direction: ArrayLike<number> | undefined, head: ArrayLike<number>, at: number): void {
    if (!this.quality.sendGaze) return;
    this.give(Stream.gaze);
    this.gaze.present = 0;
    if (direction === undefined) return;
    for (let axis = 0; axis < 3; axis++) this.direction[axis] = direction[axis] as number;
    rotateBy(head, at, this.direction, true);
    encodeGaze(this.direction[0] as number, this.direction[1] as number, this.direction[2] as number, this.gaze);
  }

  /** The wrist as the joints of `hand` have it, x y z qx qy qz qw in the play space, into out[at..]; false when there are no joints now. */
  wrist(hand: number, out: Float64Array, at: number): boolean {
    if (this.tracked[hand] !== 1 || this.ports.clock.now() - (this.jointsMs[hand] as number) > FRESH_MS) return false;
    for (let c = 0; c < JOINT_FLOATS; c++) out[at + c] = this.joints[hand * HAND_FLOATS + c] as number;
    return true;
  }

  /** Sends what is due at `nowMs`. */
  pump(nowMs: number): void {
    if (this.demand === 0) return;
    const intervalMs = 1000 / STREAM_HZ.hands;
    if (nowMs < this.dueMs - intervalMs * EARLY_PART) return;
    const sends = this.demand & this.offers;
    const controls = (sends & Stream.controls) !== 0 && this.isDue(sameControls(this.controls, this.sentControls), this.controlsMs, 0, nowMs);
    const gaze = (sends & Stream.gaze) !== 0 && this.isDue(sameGaze(this.gaze, this.sentGaze), this.gazeMs, 1000 / STREAM_HZ.gaze, nowMs);
    const hands = (sends & Stream.hands) !== 0 && this.freshJoints;
    if (!controls && !gaze && !hands) return;
    const roomMs = this.ports.roomTime(hands ? this.measuredMs : nowMs);
    if (roomMs === undefined) return;
    this.dueMs = nowMs - this.dueMs > intervalMs ? nowMs + intervalMs : this.dueMs + intervalMs;
    this.lastRoomMs = Math.max(roomMs, this.lastRoomMs + STEP_MS);
    this.sendBody(controls, gaze, hands, nowMs);
  }

  private sendBody(controls: boolean, gaze: boolean, hands: boolean, nowMs: number): void {
    const { writer, block, body } = this;
    let length = hands ? writer.encode(this.joints, this.tracked, block, 0) : 0;
    const intra = hands && writer.reset;
    if (intra) length = writer.intra(block, 0);
    const parts = {
      controls: controls ? this.controls : undefined,
      gaze: gaze ? this.gaze : undefined,
      hands: intra ? "intra" : hands ? "update" : "none",
    } as const;
    const at = writeStreamBody(this.lastRoomMs, parts, body.subarray(0, STREAM_HEAD_ROOM));
    body.set(block.subarray(0, length), at);
    const taken = this.ports.send(encodeMessage({ type: "streamUp", body: body.slice(0, at + length) }), true);
    if (hands) {
      this.freshJoints = false;
      this.sentAny = this.tracked[0] === 1 || this.tracked[1] === 1;
    }
    if (!taken) {
      if (hands) writer.restart();
      return;
    }
    if (controls) {
      this.sentControls.set(this.controls);
      this.controlsMs = nowMs;
    }
    if (!gaze) return;
    Object.assign(this.sentGaze, this.gaze);
    this.gazeMs = nowMs;
  }

  private isDue(same: boolean, lastMs: number, leastMs: number, nowMs: number): boolean {
    return nowMs - lastMs >= (same ? REFRESH_MS : leastMs);
  }

  private get offers(): number {
    const { sendHands, sendControls, sendGaze } = this.quality;
    return this.given & ((sendHands ? Stream.hands : 0) | (sendControls ? Stream.controls : 0) | (sendGaze ? Stream.gaze : 0));
  }

  private give(stream: number): void {
    if ((this.given & stream) !== 0) return;
    this.given |= stream;
    this.tell();
  }

  /** Tells the room what I offer and want, when that is new to it. */
  private tell(): void {
    if (!this.linked) return;
    const { hands, controls, gaze, viewKbitPerS, fullPeople } = this.quality;
    const message: UpMessage = {
      type: "quality",
      offers: this.offers,
      takes: (hands ? Stream.hands : 0) | (controls ? Stream.controls : 0) | (gaze ? Stream.gaze : 0),
      viewKbitPerS: viewKbitPerS === "room" ? 0 : viewKbitPerS,
      fullPeople: fullPeople === "room" ? NO_LIMIT : fullPeople,
    };
    const said = JSON.stringify(message);
    if (said === this.told) return;
    this.told = said;
    this.ports.send(encodeMessage(message), false);
  }

  private takeHand(hand: number, joints: ArrayLike<number>): boolean {
    const base = hand * HAND_FLOATS;
    for (let i = 0; i < HAND_FLOATS; i++) if (!Number.isFinite(joints[i])) return false;
    for (let i = 0; i < HAND_FLOATS; i++) this.joints[base + i] = joints[i] as number;
    for (let at = base; at < base + HAND_FLOATS; at += JOINT_FLOATS) {
      normalizeQuat(this.joints, at + 3);
      let square = 0;
      for (let axis = 0; axis < 3; axis++) square += ((this.joints[at + axis] as number) - (this.joints[base + axis] as number)) ** 2;
      if (square > REACH_M * REACH_M) return false;
    }
    return true;
  }

  private takeControls(hand: number, given: Partial<HandControls> | undefined): void {
    const base = hand * CONTROL_VALUES;
    this.controls.fill(0, base, base + CONTROL_VALUES);
    if (given === undefined) return;
    const { gesture = 0, trigger = 0, squeeze = 0, pinch = 0, buttons = 0 } = given;
    this.controls[base] = 1;
    this.controls[base + 1] = Number.isInteger(gesture) && gesture >= 0 && gesture <= GESTURE_MAX ? gesture : 0;
    this.controls[base + 2] = analog(trigger);
    this.controls[base + 3] = analog(squeeze);
    this.controls[base + 4] = analog(pinch);
    this.controls[base + 5] = buttons & 0xff;
  }
}

/** 0..1 to sixteenths; what is not a number is not pressed. */
const analog = (value: number): number => (value >= 0 ? Math.min(ANALOG_MAX, Math.round(value * ANALOG_MAX)) : 0);
