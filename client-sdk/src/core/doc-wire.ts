/**
 * y-protocols messages as y-websocket frames them, inside `sync` and `syncDown`: 0 sync (step 1, step 2, update), 1 awareness, 2 auth.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const SYNC = 0;
const AUTH = 2;
const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;

/** Bytes of the frame around an update, at most. */
export const FRAME_BYTES = 16;

export type DocMessage =
  /** What the room has: a state vector. */
  | { readonly kind: "step1"; readonly vector: Uint8Array }
  /** What we lacked, or all of it. */
  | { readonly kind: "step2"; readonly update: Uint8Array }
  | { readonly kind: "update"; readonly update: Uint8Array }
  /** Our last edit was refused. */
  | { readonly kind: "denied" }
  /** Awareness and the like: not for this client. */
  | { readonly kind: "other" };

/** Our own server's bytes: what cannot be read is a bug there and throws. Arrays are views into `body`. */
export function readDocMessage(body: Uint8Array): DocMessage {
  const decoder = decoding.createDecoder(body);
  const kind = decoding.readVarUint(decoder);
  if (kind === AUTH) return { kind: "denied" };
  if (kind !== SYNC) return { kind: "other" };
  const step = decoding.readVarUint(decoder);
  const bytes = decoding.readVarUint8Array(decoder);
  if (step === STEP_1) return { kind: "step1", vector: bytes };
  return step === STEP_2 ? { kind: "step2", update: bytes } : { kind: "update", update: bytes };
}

const sync = (step: number, bytes: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, bytes);
  });

/** Asks for everything that `vector` lacks. */
export const docStep1 = (vector: Uint8Array): Uint8Array => sync(STEP_1, vector);
/** The answer to the room's step 1. */
export const docStep2 = (update: Uint8Array): Uint8Array => sync(STEP_2, update);
export const docUpdate = (update: Uint8Array): Uint8Array => sync(UPDATE, update);
