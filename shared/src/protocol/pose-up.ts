/**
 * A `poseUp` read without an object: thirty of them come from everybody every second, and the general reader (codec.ts) makes seven objects of each.
 *
 * [PU1] Reads what the registry's reader reads, field by field, and takes and refuses the same lengths; a test compares them.
 */
import { maxBodyBytes } from "./codec.ts";

/** Bytes before the samples: seq, echoTick, echoAgeMs, rig. */
export const POSE_UP_HEAD_BYTES = 23;
const MAX_BYTES = maxBodyBytes("poseUp");
const ECHO_TICK_AT = 2;

/** The fields of one message; `from`, `end`: where its samples are in `bytes`. */
export type PoseUpFields = {
  seq: number;
  echoTick: number;
  echoAgeMs: number;
  readonly rig: { readonly positionMm: [number, number, number]; yaw: number; inputSeq: number };
  bytes: Uint8Array;
  from: number;
  end: number;
};

export const newPoseUpFields = (): PoseUpFields => ({
  seq: 0,
  echoTick: 0,
  echoAgeMs: 0,
  rig: { positionMm: [0, 0, 0], yaw: 0, inputSeq: 0 },
  bytes: new Uint8Array(0),
  from: 0,
  end: 0,
});

/** Whether a body of this length can be read; any bytes of such a length can. */
export const fitsPoseUp = (length: number): boolean => length >= POSE_UP_HEAD_BYTES && length <= MAX_BYTES;

/** Reads bytes[at..at + length), whose length fits; `into.bytes` is `bytes` itself. */
export function readPoseUp(bytes: Uint8Array, at: number, length: number, into: PoseUpFields): void {
  const { rig } = into;
  into.seq = u16(bytes, at);
  into.echoTick = echoTickOf(bytes, at);
  into.echoAgeMs = bytes[at + 6] as number;
  rig.positionMm[0] = i32(bytes, at + 7);
  rig.positionMm[1] = i32(bytes, at + 11);
  rig.positionMm[2] = i32(bytes, at + 15);
  rig.yaw = u16(bytes, at + 19);
  rig.inputSeq = u16(bytes, at + 21);
  into.bytes = bytes;
  into.from = at + POSE_UP_HEAD_BYTES;
  into.end = at + length;
}

/** The tick that the message at `at` echoes. */
export const echoTickOf = (bytes: Uint8Array, at: number): number => i32(bytes, at + ECHO_TICK_AT) >>> 0;

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
const i32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) | (u16(bytes, at + 2) << 16);
