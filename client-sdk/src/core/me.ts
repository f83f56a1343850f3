/**
 * My own body: measured in the play space, composed with the predicted rig, shown at once.
 *
 * [ME1] Non-finite numbers never enter: a device with one keeps its last good pose and is marked lost.
 * [ME2] What is sent is composed with the exact predicted rig; what is shown also has the decaying correction. They differ only while
 *       a correction blends.
 * [ME3] Samples wait in a fixed ring for the uplink; when more came than a message takes, the ones sent are evenly spread.
 */
import {
  composeRig,
  DEFAULT_RIG_BOUNDS,
  MAX_INPUT_MS,
  RigPredictor,
  type RigBounds,
  turnAbout,
  yawFromRad,
  yawToRad,
} from "@copresence/shared/motion";
import { DEVICE_COUNT, DEVICE_FLOATS, DeviceState, newPoseSample, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { LIMITS } from "@copresence/shared/protocol";
import type { Scene } from "@copresence/shared/scene";
import { mustBeNumber, mustBeNumbers } from "./judge.ts";
import type { ClientClock } from "./link.ts";
import type { MyStreams } from "./my-streams.ts";
import { headingOf, normalizeQuat } from "./rigid.ts";
import type { PersonInfo } from "./session-events.ts";
import type { HandControls, Me, Rig, Stick } from "./space-types.ts";

/** A frame longer than this was a pause: nobody expects to have walked through it. */
const MAX_MOVE_MS = 250;
/** Samples kept between two uplink messages: 360 Hz at 30 messages a second. */
const RING = 12;
/** The encoder's times are room time; two samples of one message never share one. */
const MIN_STEP_MS = 1;

export type MeOptions = {
  readonly clock: ClientClock;
  readonly bounds: RigBounds | undefined;
  /** Room time of a local time, or undefined before the clock is synchronised. */
  readonly roomTime: (localMs: number) => number | undefined;
  readonly sleep: () => void;
  readonly wake: () => void;
  readonly streams: MyStreams;
};

export class MeState implements Me {
  slot = -1;
  user = "";
  role = "";
  info: PersonInfo | undefined;
  readonly origin = new Float64Array(DEVICE_FLOATS);
  readonly pose = new Float64Array(POSE_FLOATS);
  readonly states = new Uint8Array(DEVICE_COUNT);
  predictor: RigPredictor;
  private readonly options: MeOptions;
  private readonly local = newPoseSample();
  private readonly ring: readonly PoseSample[] = Array.from({ length: RING }, newPoseSample);
  private waiting = 0;
  private measured = false;
  private lastTimeMs = Number.NEGATIVE_INFINITY;

  constructor(options: MeOptions) {
    this.options = options;
    this.predictor = new RigPredictor({ xMm: 0, yMm: 0, zMm: 0, yaw: 0 }, options.bounds ?? DEFAULT_RIG_BOUNDS);
    for (let device = 0; device < DEVICE_COUNT; device++) this.pose[device * DEVICE_FLOATS + 6] = 1;
    this.updateOrigin();
  }

  get name(): string {
    return this.info?.name ?? "";
  }
  get color(): number {
    return this.info?.color ?? 0xffffff;
  }
  get rig(): Readonly<Rig> {
    return this.predictor.rig;
  }

  /** The room's word on who I am and where I stand. After a reconnect I stand where I stood: it is the room that forgot. */
  linkUp(welcome: { readonly slot: number; readonly user: string; readonly role: string; readonly rig: Rig }, again: boolean): void {
    const before = { ...this.predictor.rig };
    this.slot = welcome.slot;
    this.user = welcome.user;
    this.role = welcome.role;
    this.predictor = new RigPredictor(welcome.rig, this.options.bounds ?? DEFAULT_RIG_BOUNDS);
    this.waiting = 0;
    this.lastTimeMs = Number.NEGATIVE_INFINITY;
    if (again) this.jump([before.xMm, before.yMm, before.zMm], before.yaw);
    this.updateOrigin();
  }

  setPose(local: ArrayLike<number>, states?: ArrayLike<number>, timeMs?: number): void {
    if (!(local.length >= POSE_FLOATS)) throw new RangeError(`setPose: ${local.length} numbers; a pose is ${POSE_FLOATS}: head, left, right.`);
    for (let device = 0; device < DEVICE_COUNT; device++) this.takeDevice(device, local, states);
    this.measured = true;
    this.compose();
    const roomMs = this.options.roomTime(timeMs ?? this.options.clock.now());
    if (roomMs === undefined || roomMs < this.lastTimeMs + MIN_STEP_MS) return;
    this.lastTimeMs = roomMs;
    this.enqueue(roomMs);
  }

  setHands(left: ArrayLike<number> | undefined, right: ArrayLike<number> | undefined, timeMs?: number): void {
    this.options.streams.setHands(left, right, timeMs);
  }
  setControls(left: Partial<HandControls> | undefined, right: Partial<HandControls> | undefined): void {
    this.options.streams.setControls(left, right);
  }
  setGaze(direction: ArrayLike<number> | undefined): void {
    this.options.streams.setGaze(direction, this.local.pose, 3);
  }

  move(stick: Stick, dtMs: number): void {
    mustBeNumber("move: x", stick.x);
    mustBeNumber("move: z", stick.z);
    mustBeNumber("move: dtMs", dtMs, 0);
    if (stick.headingRad !== undefined) mustBeNumber("move: headingRad", stick.headingRad);
    if (stick.turn !== undefined) mustBeNumber("move: turn", stick.turn);
    const turn = Math.round(stick.turn ?? 0);
    if (turn !== 0) this.turn(turn);
    if (stick.x === 0 && stick.z === 0) return;
    const heading = yawFromRad(stick.headingRad ?? headingOf(this.pose, 3));
    const inputs = Math.ceil(Math.min(dtMs, MAX_MOVE_MS) / MAX_INPUT_MS);
    let leftMs = Math.round(Math.min(dtMs, MAX_MOVE_MS));
    for (let i = inputs; i > 0 && leftMs > 0; i--) {
      const partMs = Math.ceil(leftMs / i);
      leftMs -= partMs;
      this.predictor.push({ dtMs: partMs, moveX: stick.x * 127, moveZ: stick.z * 127, heading, turn: 0, teleport: null });
    }
    this.compose();
  }

  teleport(to: { readonly position: readonly [number, number, number]; readonly yawRad?: number | undefined }): void {
    mustBeNumbers("teleport: position", to.position, 3);
    if (to.yawRad !== undefined) mustBeNumber("teleport: yawRad", to.yawRad);
    const yaw = to.yawRad === undefined ? this.predictor.rig.yaw : yawFromRad(to.yawRad);
    this.jump(
      to.position.map((metres) => metres * 1000),
      yaw,
    );
    this.compose();
  }

  sleep(): void {
    this.waiting = 0;
    this.options.sleep();
  }

  wake(): void {
    this.options.wake();
  }

  /** Brings the correction's decay, and with it what is shown, to `nowMs`. */
  frame(nowMs: number): void {
    this.predictor.update(nowMs);
    this.compose();
  }

  /** Up to three waiting samples, oldest first, evenly spread over those that came [ME3]; reused by later `setPose` calls. */
  takeSamples(): readonly PoseSample[] {
    const count = Math.min(this.waiting, LIMITS.uplinkSamples);
    const picked: PoseSample[] = [];
    for (let i = 1; i <= count; i++) picked.push(this.ring[Math.ceil((i * this.waiting) / count) - 1] as PoseSample);
    this.waiting = 0;
    return picked;
  }

  get hasSamples(): boolean {
    return this.waiting > 0;
  }

  private takeDevice(device: number, local: ArrayLike<number>, states: ArrayLike<number> | undefined): void {
    const at = device * DEVICE_FLOATS;
    // Fingers hang on the wrist: where there are joints, the wrist is the hand.
    if (device > 0 && this.options.streams.wrist(device - 1, this.local.pose, at)) {
      this.states[device] = DeviceState.tracked;
      return;
    }
    let finite = true;
    for (let i = at; i < at + DEVICE_FLOATS; i++) finite &&= Number.isFinite(local[i]);
    const state = states?.[device] ?? DeviceState.tracked;
    this.states[device] = finite ? state & 3 : DeviceState.lost;
    if (!finite) return;
    for (let i = at; i < at + DEVICE_FLOATS; i++) this.local.pose[i] = local[i] as number;
    normalizeQuat(this.local.pose, at + 3);
  }

  private enqueue(roomMs: number): void {
    if (this.waiting === RING) this.thin();
    const sample = this.ring[this.waiting++] as PoseSample;
    sample.timeMs = roomMs;
    composeRig(this.predictor.rig, this.local.pose, sample.pose);
    sample.states.set(this.states);
  }

  /** Keeps every other sample: nobody takes them, so nobody needs them dense. */
  private thin(): void {
    for (let i = 1; i < RING; i += 2) {
      const kept = this.ring[(i - 1) / 2] as PoseSample;
      const from = this.ring[i] as PoseSample;
      kept.timeMs = from.timeMs;
      kept.pose.set(from.pose);
      kept.states.set(from.states);
    }
    this.waiting = RING / 2;
  }

  /** A snap turn about the head, so that it stays where it is. */
  private turn(steps: number): void {
    const pivot = this.measured ? [this.pose[0] as number, this.pose[2] as number] : [this.origin[0] as number, this.origin[2] as number];
    const to = turnAbout(this.predictor.rig, steps, (pivot[0] as number) * 1000, (pivot[1] as number) * 1000);
    this.jump(to.positionMm, to.yaw);
    this.compose();
  }

  private jump(positionMm: readonly number[], yaw: number): void {
    this.predictor.push({ dtMs: 0, moveX: 0, moveZ: 0, heading: 0, turn: 0, teleport: { positionMm, yaw } });
  }

  private compose(): void {
    this.updateOrigin();
    if (!this.measured) return;
    composeRig(this.predictor.rig, this.local.pose, this.pose);
    const { x, y, z } = this.predictor.displayOffset;
    for (let at = 0; at < POSE_FLOATS; at += DEVICE_FLOATS) {
      this.pose[at] = (this.pose[at] as number) + x;
      this.pose[at + 1] = (this.pose[at + 1] as number) + y;
      this.pose[at + 2] = (this.pose[at + 2] as number) + z;
    }
  }

  private updateOrigin(): void {
    const { rig, displayOffset } = this.predictor;
    this.origin[0] = rig.xMm / 1000 + displayOffset.x;
    this.origin[1] = rig.yMm / 1000 + displayOffset.y;
    this.origin[2] = rig.zMm / 1000 + displayOffset.z;
    const half = yawToRad(rig.yaw) / 2;
    this.origin[4] = Math.sin(half);
    this.origin[6] = Math.cos(half);
  }
}

/** As the room computes them, from the same definition: whole millimetres, rounded inwards. */
export function rigBounds({ bounds }: Scene): { readonly minMm: [number, number, number]; readonly maxMm: [number, number, number] } {
  const { min, max } = bounds;
  return {
    minMm: [Math.ceil(min[0] * 1000), Math.ceil(min[1] * 1000), Math.ceil(min[2] * 1000)],
    maxMm: [Math.floor(max[0] * 1000), Math.floor(max[1] * 1000), Math.floor(max[2] * 1000)],
  };
}
