/**
 * The form in which a snapshot lies in the store: deflated, with its hash. What people deleted leaves long runs of nearly the same bytes in a Yjs
 * state, and two generations of it are kept. Pure; runs in the compaction's and the store's threads.
 *
 * [SB1] The hash is of the stored bytes, so damage is found before anything is inflated; a snapshot written before this form has a bare hash.
 * [SB2] A state that was inflated fills its buffer.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { sha256 } from "./records.ts";

/** `z:LENGTH:HASH` where the bytes are deflated, LENGTH being theirs before. */
const PACKED = /^z:(\d+):([0-9a-f]{64})$/;
/** Nearly as small as the best, at a third of the time. */
const LEVEL = 3;
/** A length is only believed once it was reached. */
const MAX_PIECE_BYTES = 32 << 20;

export type PackedSnapshot = { readonly bytes: Uint8Array; readonly sha256: string };

export function packSnapshot(state: Uint8Array): PackedSnapshot {
  const bytes = new Uint8Array(deflateRawSync(state, { level: LEVEL }));
  return { bytes, sha256: `z:${state.length}:${sha256(bytes)}` };
}

export function isSound({ bytes, sha256: hash }: PackedSnapshot): boolean {
  return sha256(bytes) === (PACKED.exec(hash)?.[2] ?? hash);
}

/** The state, or undefined when the bytes are damaged. */
export function unpackSnapshot(packed: PackedSnapshot): Uint8Array | undefined {
  if (!isSound(packed)) return undefined;
  const length = PACKED.exec(packed.sha256)?.[1];
  if (length === undefined) return packed.bytes;
  try {
    const maxOutputLength = Math.max(1, Number(length));
    // In one piece: thousands of small ones would leave the thread's arena as large as the state, for good.
    const chunkSize = Math.min(Math.max(64, maxOutputLength), MAX_PIECE_BYTES);
    const state = tight(inflateRawSync(packed.bytes, { maxOutputLength, chunkSize }));
    return state.length === Number(length) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** As plain bytes that fill their buffer, so that it can be handed to another thread; copied only where they do not. */
const tight = (bytes: Buffer): Uint8Array => (bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes));

/** Bytes of the state of a snapshot that takes `size` in the store. */
export const stateBytes = (hash: string, size: number): number => Number(PACKED.exec(hash)?.[1] ?? size);
