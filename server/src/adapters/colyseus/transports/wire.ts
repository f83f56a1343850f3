/**
 * One accepted WebSocket, whichever library accepted it, and what a transport asks before it accepts one.
 *
 * [WI1] `send` keeps order, never throws, and has copied or written the bytes when it returns: the caller may reuse its buffer.
 * [WI2] `bufferedBytes` is the transport's own count of bytes not yet given to the kernel, frame headers included.
 * [WI3] After `onClosed` no handler is called and every call on the wire does nothing.
 * [WI4] `close` ends the socket even if the peer never answers, within `CLOSE_GRACE_MS`.
 * [WI5] Pings and pongs are answered or dropped below the handlers, so they are bounded there: a flood of them cuts the socket.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { Refusal } from "../../refusal.ts";
import { FloodGuard } from "../flood-guard.ts";

/** A peer that does not answer a close frame, or cannot read it for its own backlog, is cut off after this. */
export const CLOSE_GRACE_MS = 2000;
/**
 * Larger messages are cut off by the transport itself, with its own code. Twice the largest allowed message, so that honest mistakes
 * reach the room and are refused with our code and sentence.
 */
export const MAX_WIRE_BYTES = LIMITS.syncBytes * 2;
/** Peers that say nothing for two of these are gone. */
export const HEARTBEAT_MS = 15_000;

/** A heartbeat is one ping or pong every few seconds; a peer behind a stalled link may deliver a minute of them at once. */
const CONTROL_FRAMES_PER_SECOND = 10;
const CONTROL_FRAMES_BURST = 60;

/** To be called with every ping and pong of one socket; calls `cut` when they are a flood. */
export function controlGuard(cut: () => void): () => void {
  const guard = new FloodGuard({ perSecond: CONTROL_FRAMES_PER_SECOND, burst: CONTROL_FRAMES_BURST });
  return () => {
    if (!guard.take(performance.now())) cut();
  };
}

export type Wire = {
  readonly address: string;
  readonly bufferedBytes: number;
  /** False if the socket is closed or the transport threw the message away. */
  send(bytes: Uint8Array): boolean;
  /** Asks the peer's socket for `onProbed(probe)`, which comes when it has read everything sent before. `probe` is a 32-bit number. */
  probe(probe: number): void;
  close(code: number, sentence: string): void;
  /** At once, without a close frame. */
  terminate(): void;
};

export type WireHandlers = {
  /** A binary message. The bytes are valid during the call: their memory is read into again. */
  readonly onMessage: (bytes: Uint8Array) => void;
  /** A text message: nothing in the protocol is text. */
  readonly onText: () => void;
  readonly onProbed: (probe: number) => void;
  readonly onClosed: (code: number) => void;
};

/** A probe as the payload of a ping; other pongs answer the transport's own heartbeat. */
export const PROBE_BYTES = 4;
export function probePayload(probe: number): Uint8Array {
  const payload = new Uint8Array(PROBE_BYTES);
  new DataView(payload.buffer).setUint32(0, probe);
  return payload;
}
export function readProbe(payload: Uint8Array): number | undefined {
  return payload.byteLength === PROBE_BYTES ? new DataView(payload.buffer, payload.byteOffset).getUint32(0) : undefined;
}

export type UpgradeRequest = {
  /** Path as sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly origin: string | undefined;
  readonly address: string;
};

export type UpgradeAnswer =
  | { readonly accept: false; readonly refusal: Refusal }
  /** `attach` is called once, as soon as the handshake is done; `abandon` instead, if it never gets done. */
  | { readonly accept: true; readonly attach: (wire: Wire) => WireHandlers; readonly abandon: () => void };

export type Doorman = { decide(request: UpgradeRequest): UpgradeAnswer };
