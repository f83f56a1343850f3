/**
 * Fixed packing after Glenn Fiedler, "Snapshot Compression" (gafferongames.com, 2015): positions in 1/512 m, 18 bits for x and z (+-256 m),
 * 14 for the height (0..32 m); rotations as the smallest three components of the quaternion, 2 + 3 x 9 bits. No state at all.
 */
import { DEVICE_COUNT, deviceAt, type Recording } from "../recordings.ts";
import { type Peer, type PeerResult, SUB_TICK_BITS, toBytes } from "./peer.ts";

const STEPS = 512;
const WIDE = { bits: 18, min: -(2 ** 17) };
const HIGH = { bits: 14, min: 0 };
const AXES = [WIDE, HIGH, WIDE] as const;
const COMPONENT_BITS = 9;
const QUATERNION_BITS = 2 + 3 * COMPONENT_BITS;
const UPDATE_BITS = SUB_TICK_BITS + DEVICE_COUNT * (WIDE.bits + HIGH.bits + WIDE.bits + QUATERNION_BITS);

export const fixedPacking: Peer = { id: "fixed", name: "fixed packing (Fiedler)", bar: 4, prepare: () => pack };

function pack(recording: Recording): PeerResult {
  const poses = new Float64Array(recording.poses.length);
  for (let frame = 0; frame < recording.frames; frame++) {
    for (let device = 0; device < DEVICE_COUNT; device++) {
      const at = deviceAt(frame, device);
      AXES.forEach(({ bits, min }, c) => {
        const step = Math.round((recording.poses[at + c] as number) * STEPS);
        poses[at + c] = Math.min(min + 2 ** bits - 1, Math.max(min, step)) / STEPS;
      });
      smallestThree(recording.poses, at + 3, COMPONENT_BITS, poses);
    }
  }
  return { bytes: toBytes(UPDATE_BITS), poses };
}

/** A quaternion through smallest-three with `bits` a component, at the same place of `out`. */
export function smallestThree(quats: Float64Array, at: number, bits: number, out: Float64Array): void {
  let largest = 0;
  for (let c = 1; c < 4; c++) if (Math.abs(quats[at + c] as number) > Math.abs(quats[at + largest] as number)) largest = c;
  const sign = (quats[at + largest] as number) < 0 ? -1 : 1;
  const top = 2 ** bits - 1;
  let square = 0;
  for (let c = 0; c < 4; c++) {
    if (c === largest) continue;
    const unit = (sign * (quats[at + c] as number) * Math.SQRT2 + 1) / 2;
    const value = ((Math.round(unit * top) / top) * 2 - 1) / Math.SQRT2;
    out[at + c] = value;
    square += value * value;
  }
  out[at + largest] = Math.sqrt(Math.max(0, 1 - square));
}
