/**
 * The y-protocols envelope (https://github.com/yjs/y-protocols/blob/master/PROTOCOL.md): sync, awareness, auth. The same bytes travel raw to
 * stock y-websocket peers and inside `sync`/`syncDown` to SDK peers.
 *
 * [DW1] Decoding never throws, consumes the whole message, and hands out views into it.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;
const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;
const PERMISSION_DENIED = 0;

export type DocMessage =
  /** What the sender has; answered with `step2`. */
  | { readonly kind: "step1"; readonly vector: Uint8Array }
  | { readonly kind: "step2"; readonly update: Uint8Array }
  | { readonly kind: "update"; readonly update: Uint8Array }
  | { readonly kind: "awareness"; readonly body: Uint8Array }
  | { readonly kind: "queryAwareness" }
  /** Sent by some clients, meaningless from them. */
  | { readonly kind: "auth" };

/** Decodes one message; the error is a sentence for the peer. */
export function decodeDocMessage(bytes: Uint8Array): Result<DocMessage, string> {
  try {
    const decoder = decoding.createDecoder(bytes);
    const message = read(decoder);
    if (message === undefined) return err("The document message is of an unknown kind.");
    if (message.kind !== "auth" && decoding.hasContent(decoder)) return err("The document message has trailing bytes.");
    return ok(message);
  } catch {
    return err("The document message is cut short.");
  }
}

function read(decoder: decoding.Decoder): DocMessage | undefined {
  switch (decoding.readVarUint(decoder)) {
    case SYNC:
      return readSync(decoder);
    case AWARENESS:
      return { kind: "awareness", body: decoding.readVarUint8Array(decoder) };
    case AUTH:
      return { kind: "auth" };
    case QUERY_AWARENESS:
      return { kind: "queryAwareness" };
    default:
      return undefined;
  }
}

function readSync(decoder: decoding.Decoder): DocMessage | undefined {
  const step = decoding.readVarUint(decoder);
  const bytes = decoding.readVarUint8Array(decoder);
  if (step === STEP_1) return { kind: "step1", vector: bytes };
  if (step === STEP_2) return { kind: "step2", update: bytes };
  return step === UPDATE ? { kind: "update", update: bytes } : undefined;
}

const sync = (step: number, bytes: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, bytes);
  });

/** `vector` is an encoded state vector. */
export const encodeStep1 = (vector: Uint8Array): Uint8Array => sync(STEP_1, vector);
export const encodeStep2 = (update: Uint8Array): Uint8Array => sync(STEP_2, update);
/** What goes before an update of this length in a sync step 2. */
export const step2Head = (length: number): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, STEP_2);
    encoding.writeVarUint(encoder, length);
  });
export const encodeDocUpdate = (update: Uint8Array): Uint8Array => sync(UPDATE, update);

/** `body` is an awareness update (count, then client, clock, JSON). */
export const encodeAwareness = (body: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AWARENESS);
    encoding.writeVarUint8Array(encoder, body);
  });

/** "Your edit was refused": the receiver's replica has diverged and must be thrown away (see scene-document.ts). */
export const encodePermissionDenied = (reason: string): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AUTH);
    encoding.writeVarUint(encoder, PERMISSION_DENIED);
    encoding.writeVarString(encoder, reason);
  });
