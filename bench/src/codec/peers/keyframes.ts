/**
 * Keyframes and deltas to them (as Basis does with its avatars): every half second an absolute pose, in between every frame as the
 * difference to the last keyframe in Exp-Golomb codes. On our lattice and with our rotation residuals, so at our error; the orders of the
 * codes are the cheapest for the very recordings of the run, which no real sender could know.
 */
import { POSITION_STEPS } from "@copresence/shared/pose";
import { DEVICE_COUNT, deviceAt, type Recording } from "../recordings.ts";
import { smallestThree } from "./fixed.ts";
import { type Peer, type PeerResult, SUB_TICK_BITS, toBytes } from "./peer.ts";

const KEYFRAME_MS = 500;
/** Ours (shared/src/pose/predictor.ts). */
const ROTATION_STEPS = 1190;
/** Absolute: 21 bits an axis as in our intra blocks, smallest three with 11 bits a component. */
const COMPONENT_BITS = 11;
/** A flag for keyframes, and the time. */
const HEAD_BITS = 1 + SUB_TICK_BITS;
const KEYFRAME_BITS = HEAD_BITS + DEVICE_COUNT * (3 * 21 + 2 + 3 * COMPONENT_BITS);
const MAX_ORDER = 10;
/** Position and rotation of head and of hands. */
const CLASSES = 4;

export const keyframeDeltas: Peer = {
  id: "keyframes",
  name: "keyframes and Exp-Golomb deltas (Basis style)",
  bar: 2.3,
  prepare: (all) => {
    const orders = cheapestOrders(all);
    return (recording) => measure(recording, orders);
  },
};

/** Bits of an Exp-Golomb code of order `order`. */
const golombBits = (code: number, order: number): number => 2 * (31 - Math.clz32(code + (1 << order))) - order + 1;

function cheapestOrders(all: readonly Recording[]): number[] {
  const bits = Array.from({ length: CLASSES }, () => new Float64Array(MAX_ORDER + 1));
  for (const recording of all) {
    walk(recording, (kind, code) => {
      const costs = bits[kind] as Float64Array;
      for (let order = 0; order <= MAX_ORDER; order++) costs[order] = (costs[order] as number) + golombBits(code, order);
    });
  }
  return bits.map((costs) => costs.indexOf(Math.min(...costs)));
}

function measure(recording: Recording, orders: readonly number[]): PeerResult {
  const sizes = new Float64Array(recording.frames).fill(HEAD_BITS);
  const poses = walk(recording, (kind, code, frame) => {
    sizes[frame] = (sizes[frame] as number) + golombBits(code, orders[kind] as number);
  });
  let bytes = 0;
  // A frame of no deltas is a keyframe. The first frame is not an update.
  for (let frame = 1; frame < recording.frames; frame++) bytes += toBytes(sizes[frame] === HEAD_BITS ? KEYFRAME_BITS : (sizes[frame] as number));
  return { bytes: bytes / (recording.frames - 1), poses };
}

/** Calls `delta` with every code of every frame that is not a keyframe; returns what a receiver shows. */
function walk(recording: Recording, delta: (kind: number, code: number, frame: number) => void): Float64Array {
  const { frames, timesMs, poses } = recording;
  const shown = new Float64Array(poses.length);
  let key = 0;
  for (let frame = 0; frame < frames; frame++) {
    const isKey = frame === 0 || (timesMs[frame] as number) - (timesMs[key] as number) >= KEYFRAME_MS;
    if (isKey) key = frame;
    for (let device = 0; device < DEVICE_COUNT; device++) {
      const at = deviceAt(frame, device);
      const from = deviceAt(key, device);
      const kind = device === 0 ? 0 : 1;
      for (let c = 0; c < 3; c++) {
        const step = Math.round((poses[at + c] as number) * POSITION_STEPS);
        shown[at + c] = step / POSITION_STEPS;
        if (!isKey) delta(kind, zigzag(step - Math.round((shown[from + c] as number) * POSITION_STEPS)), frame);
      }
      if (isKey) smallestThree(poses, at + 3, COMPONENT_BITS, shown);
      else for (const step of turnSteps(shown, from + 3, poses, at + 3, shown)) delta(2 + kind, zigzag(step), frame);
    }
  }
  return shown;
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

/** Modified Rodrigues parameters of the turn from a[at..] to b[bt..], in steps; the quaternion they stand for goes to out[bt..]. */
function turnSteps(a: Float64Array, at: number, b: Float64Array, bt: number, out: Float64Array): number[] {
  const [x, y, z, w] = product(-(a[at] as number), -(a[at + 1] as number), -(a[at + 2] as number), a[at + 3] as number, b, bt);
  const scale = (w < 0 ? -1 : 1) / (1 + Math.abs(w));
  const steps = [x, y, z].map((v) => Math.round(v * scale * ROTATION_STEPS));
  const [rx = 0, ry = 0, rz = 0] = steps.map((step) => step / ROTATION_STEPS);
  const square = rx * rx + ry * ry + rz * rz;
  const turn = Float64Array.of(2 * rx, 2 * ry, 2 * rz, 1 - square).map((v) => v / (1 + square));
  out.set(product(a[at] as number, a[at + 1] as number, a[at + 2] as number, a[at + 3] as number, turn, 0), bt);
  return steps;
}

/** Hamilton product of (x y z w) and b[at..]. */
function product(x: number, y: number, z: number, w: number, b: Float64Array, at: number): [number, number, number, number] {
  const bx = b[at] as number;
  const by = b[at + 1] as number;
  const bz = b[at + 2] as number;
  const bw = b[at + 3] as number;
  return [w * bx + x * bw + y * bz - z * by, w * by - x * bz + y * bw + z * bx, w * bz + x * by - y * bx + z * bw, w * bw - x * bx - y * by - z * bz];
}
