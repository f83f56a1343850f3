/**
 * One long run through everything both ends must agree on: fine blocks, far blocks, hand joints, controls, gaze, whole frames, uplink bodies, the
 * rig's steps. Its two digests are the same in every JavaScript engine, or the engines could not share a room.
 *
 * [ER1] Pure and self-contained: bundled to one script, it runs wherever JavaScript does. Its own input is integers and + - x / of them.
 * [ER2] In every frame the viewer's references are compared with the encoder's; `equal` counts the frames until they first differ.
 */
import { composeRig, decomposeRig, type Rig, stepRig } from "@copresence/shared/motion";
import {
  BlockWriter,
  decodeGaze,
  decodeUplinkBody,
  DEVICE_FLOATS,
  Encoded,
  encodeUplinkBody,
  FarLayer,
  farHalfTicks,
  farPeriodTicks,
  FarWriter,
  FrameDecoder,
  type FrameSink,
  HandEncoder,
  HandPoser,
  HAND_FLOATS,
  HandsState,
  LIST_HEAD_BYTES,
  newControls,
  newHandsPose,
  newPoseSample,
  POSE_FLOATS,
  type PoseSample,
  type ReferenceBank,
  Section,
  StreamSection,
  VALUES,
  writeControls,
  writeGaze,
  writeSlotList,
} from "@copresence/shared/pose";
import { Digest } from "./digest.ts";

const RATE_HZ = 60;
const SLOT = 5;
const HEAD_BYTES = 7;
const BOUNDS = { minMm: [-20_000, 0, -20_000], maxMm: [20_000, 4000, 20_000] } as const;

export type EngineOutcome = {
  readonly frames: number;
  /** Frames after which viewer and encoder had equal references; `frames` when always. */
  readonly equal: number;
  /** Digests of everything encoded, and of every number decoded or computed. */
  readonly bytes: string;
  readonly values: string;
};

export function engineRun(frames: number, seed: number): EngineOutcome {
  const run = new Run(seed);
  let equal = 0;
  for (let frame = 0; frame < frames; frame++) if (run.step() && equal === frame) equal++;
  return { frames, equal, bytes: run.bytes.text, values: run.values.text };
}

class Run {
  readonly bytes = new Digest();
  readonly values = new Digest();
  private state: number;
  private tick = 60;
  private readonly sample = newPoseSample();
  private readonly place = new Int32Array(9).fill(1 << 12);
  private readonly speed = new Int32Array(9);
  private readonly mrp = new Int32Array(9);
  private readonly spin = new Int32Array(9);
  private still = 0;
  private readonly writer = new BlockWriter({ capacity: 8, tickRateHz: RATE_HZ });
  private readonly far = new FarWriter({ capacity: 8, tickRateHz: RATE_HZ });
  private readonly farTimes = new Float64Array(SLOT + 1);
  private readonly farPoses = new Float64Array(8 * POSE_FLOATS);
  private readonly farStates = new Uint8Array(8 * 3);
  private farKnown = false;
  private readonly hands = new HandEncoder();
  private readonly joints = new HandsState();
  private readonly poser = new HandPoser();
  private readonly shown = newHandsPose();
  private readonly controls = newControls();
  private readonly gaze = { present: 1, x: 0, y: 0 };
  private readonly direction = new Float64Array(3);
  private readonly decoder = new FrameDecoder({ tickRateHz: RATE_HZ });
  private readonly frame = new Uint8Array(4096);
  private readonly slots = Uint16Array.of(SLOT);
  private at = 0;
  private readonly uplink: PoseSample[] = [newPoseSample(), newPoseSample(), newPoseSample()];
  private readonly rig: Rig = { xMm: 0, yMm: 0, zMm: 0, yaw: 0 };
  private readonly composed = new Float64Array(POSE_FLOATS);
  private readonly back = new Float64Array(POSE_FLOATS);

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** mulberry32: 32 random bits. */
  private bits(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  private below(n: number): number {
    return this.bits() % n;
  }

  /** One tick; false when viewer and encoder differ after it. */
  step(): boolean {
    this.tick += this.below(50) === 0 ? 2 + this.below(40) : 1;
    this.move();
    this.begin();
    this.fine();
    this.coarse();
    this.fingers();
    this.small();
    const body = this.frame.subarray(0, this.at);
    this.bytes.addBytes(body, body.length);
    if (!this.decoder.decode(body, this.sink)) return false;
    this.uplinkBody();
    this.walk();
    return equalReferences(this.writer.bank, this.decoder.bank);
  }

  private readonly sink: FrameSink = {
    onHead: ({ tick }) => this.values.addNumber(tick),
    onPose: (_, { pose, timeMs, states }) => {
      this.values.addNumbers(pose, pose.length);
      this.values.addNumber(timeMs);
      this.values.addBytes(states, states.length);
    },
    onHands: (_, timeMs, state) => {
      this.values.addNumber(timeMs);
      for (let hand = 0; hand < 2; hand++) if (state.present[hand] === 1) this.poser.write(state, hand, this.shown, hand * HAND_FLOATS);
      this.values.addNumbers(this.shown, this.shown.length);
    },
    onControls: (_, timeMs, controls) => {
      this.values.addNumber(timeMs);
      this.values.addBytes(controls, controls.length);
    },
    onGaze: (_, __, gaze) => {
      decodeGaze(gaze, this.direction);
      this.values.addNumbers(this.direction, 3);
    },
  };

  /** A random walk with inertia, rests, lost tracking and jumps; doubles made of integers by division. */
  private move(): void {
    const { place, speed, mrp, spin, sample } = this;
    if (this.below(300) === 0) this.still = this.below(80);
    if (this.still-- <= 0) {
      for (let i = 0; i < 9; i++) {
        speed[i] = clamp(Math.trunc(((speed[i] as number) * 15) / 16) + this.below(33) - 16, 400);
        place[i] = clamp((place[i] as number) + (speed[i] as number), 1 << 17);
        spin[i] = clamp(Math.trunc(((spin[i] as number) * 15) / 16) + this.below(65) - 32, 900);
        mrp[i] = clamp((mrp[i] as number) + (spin[i] as number), 17_000);
      }
    }
    if (this.below(2000) === 0) place[0] = this.below(1 << 18) - (1 << 17);
    for (let device = 0; device < 3; device++) {
      for (let axis = 0; axis < 3; axis++) sample.pose[device * DEVICE_FLOATS + axis] = (place[device * 3 + axis] as number) / 4096;
      const x = (mrp[device * 3] as number) / 32_768;
      const y = (mrp[device * 3 + 1] as number) / 32_768;
      const z = (mrp[device * 3 + 2] as number) / 32_768;
      const square = x * x + y * y + z * z;
      const at = device * DEVICE_FLOATS + 3;
      sample.pose[at] = (2 * x) / (1 + square);
      sample.pose[at + 1] = (2 * y) / (1 + square);
      sample.pose[at + 2] = (2 * z) / (1 + square);
      sample.pose[at + 3] = (1 - square) / (1 + square);
    }
    sample.states[2] = this.below(400) === 0 ? this.below(3) : (sample.states[2] as number);
    sample.timeMs = (this.tick * 1000) / RATE_HZ - this.below(900) / 64;
  }

  private begin(): void {
    this.frame[0] = 0;
    for (let i = 0; i < 4; i++) this.frame[1 + i] = (this.tick >>> (8 * i)) & 0xff;
    this.frame[5] = this.frame[6] = 0;
    this.at = HEAD_BYTES;
  }

  /** A section by list of the one slot, whose entry `write` puts behind the list and tells the end of. */
  private section(kind: number, write: (at: number) => number): void {
    const start = this.at;
    const entry = writeSlotList(this.slots, 1, this.frame, start + LIST_HEAD_BYTES);
    const end = write(entry);
    if (end === entry) return;
    const length = end - start - LIST_HEAD_BYTES;
    this.frame[start] = kind;
    this.frame[start + 1] = length & 0xff;
    this.frame[start + 2] = length >> 8;
    this.at = end;
  }

  private fine(): void {
    let outcome: Encoded = Encoded.block;
    this.section(Section.list, (at) => {
      outcome = this.writer.encode(SLOT, this.tick, this.sample, this.frame, at);
      return outcome === Encoded.block ? this.writer.end : at;
    });
    if ((outcome as Encoded) !== Encoded.reset) return;
    this.frame[this.at] = Section.intra;
    this.frame[this.at + 1] = 1;
    this.frame[this.at + 2] = 0;
    this.frame[this.at + 3] = SLOT;
    this.frame[this.at + 4] = 0;
    this.at = this.writer.intra(SLOT, this.tick, this.frame, this.at + 5);
  }

  private coarse(): void {
    const phase = this.tick % farPeriodTicks(RATE_HZ);
    if (phase !== 0 && phase !== farHalfTicks(RATE_HZ)) return;
    const layer = phase === 0 ? FarLayer.c0 : FarLayer.c1;
    this.farTimes[SLOT] = this.sample.timeMs;
    this.farPoses.set(this.sample.pose, SLOT * POSE_FLOATS);
    this.farStates.set(this.sample.states, SLOT * 3);
    this.far.start(this.tick, layer);
    this.section(phase === 0 ? Section.far : Section.farHalf, (at) => {
      const end = this.far.encode(SLOT, this.farTimes, this.farPoses, this.farStates, this.frame, at);
      return this.farKnown ? end : at;
    });
    if (this.farKnown || layer !== FarLayer.c0) return;
    this.farKnown = true;
    this.section(Section.farIntra, (at) => this.far.intra(SLOT, this.frame, at));
  }

  private fingers(): void {
    if ((this.tick & 1) !== 0) return;
    const { joints } = this;
    for (let hand = 0; hand < 2; hand++) {
      joints.present[hand] = this.below(100) === 0 ? this.below(2) : 1;
      for (let n = 0; n < 20; n++) {
        const i = 3 + this.below(VALUES - 3);
        if (i >= 75 && i < 78) continue;
        joints.set(hand, i, (joints.values[hand * VALUES + i] as number) + this.below(31) - 15);
      }
    }
    const lag = this.below(256);
    this.section(StreamSection.hands, (at) => {
      this.frame[at] = lag;
      const end = this.hands.encode(joints, this.frame, at + 1);
      return this.hands.reset ? at : end;
    });
    if (!this.hands.reset) return;
    this.section(StreamSection.handsIntra, (at) => {
      this.frame[at] = lag;
      return this.hands.intra(this.frame, at + 1);
    });
  }

  private small(): void {
    if (this.below(10) !== 0) return;
    this.controls[0] = this.below(2);
    this.controls[1] = this.below(16);
    this.gaze.x = this.below(65) - 32;
    this.gaze.y = this.below(65) - 32;
    this.section(StreamSection.controls, (at) => writeControls(this.controls, this.frame, at));
    this.section(StreamSection.gaze, (at) => writeGaze(this.gaze, this.frame, at));
  }

  private uplinkBody(): void {
    if (this.below(3) !== 0) return;
    const body = encodeUplinkBody([this.sample]);
    this.bytes.addBytes(body, body.length);
    const count = decodeUplinkBody(body, this.uplink);
    const [sample] = this.uplink;
    this.values.addNumber(count);
    if (sample === undefined) return;
    this.values.addNumber(sample.timeMs);
    this.values.addNumbers(sample.pose, sample.pose.length);
  }

  private walk(): void {
    const input = {
      seq: 0,
      dtMs: this.below(51),
      moveX: this.below(255) - 127,
      moveZ: this.below(255) - 127,
      heading: this.below(65_536),
      turn: 0,
      teleport: null,
    };
    stepRig(this.rig, { ...input, turn: this.below(20) === 0 ? this.below(5) - 2 : 0 }, BOUNDS);
    const { xMm, yMm, zMm, yaw } = this.rig;
    for (const value of [xMm, yMm, zMm, yaw]) this.values.addNumber(value);
    composeRig(this.rig, this.sample.pose, this.composed);
    decomposeRig(this.rig, this.composed, this.back);
    this.values.addNumbers(this.composed, POSE_FLOATS);
    this.values.addNumbers(this.back, POSE_FLOATS);
  }
}

const clamp = (n: number, limit: number): number => (n > limit ? limit : n < -limit ? -limit : n);

function equalReferences(a: ReferenceBank, b: ReferenceBank): boolean {
  for (const [x, y] of [
    [a.t0(SLOT), b.t0(SLOT)],
    [a.t1(SLOT), b.t1(SLOT)],
  ] as const) {
    if (a.valid[x] !== b.valid[y]) return false;
    if (a.valid[x] !== 1) continue;
    if (a.tick[x] !== b.tick[y] || a.time[x] !== b.time[y] || a.lag[x] !== b.lag[y]) return false;
    for (let i = 0; i < 9; i++) if (a.position[x * 9 + i] !== b.position[y * 9 + i] || a.mrp[x * 9 + i] !== b.mrp[y * 9 + i]) return false;
    for (let i = 0; i < 6; i++) if (a.energy[x * 6 + i] !== b.energy[y * 6 + i]) return false;
  }
  return true;
}
