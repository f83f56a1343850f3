/**
 * A refusal: an entry of the close-code table with the sentence that fits the case. The same value becomes the matchmaking answer
 * (`{code, error}`), an HTTP answer to a refused upgrade, or a WebSocket close.
 *
 * [RF1] A sentence says what to do and never repeats what the peer sent, nor a token.
 */
import { CLOSE, type CloseName } from "@copresence/shared/protocol";

export type Refusal = { readonly name: CloseName; readonly code: number; readonly sentence: string; readonly retryable: boolean };

/** `sentence` replaces the table's when the case has more to say. */
export function refusal(name: CloseName, sentence: string = CLOSE[name].sentence): Refusal {
  const { code, retryable } = CLOSE[name];
  return { name, code, sentence, retryable };
}

/** The HTTP status a refusal travels with; 4xx that a proxy or a browser handles sensibly. */
const STATUS: Partial<Record<CloseName, number>> = {
  ticketMissing: 401,
  ticketInvalid: 401,
  ticketExpired: 401,
  ticketUsed: 401,
  originRefused: 403,
  spaceUnknown: 404,
  messageTooLarge: 413,
  regionMismatch: 421,
  protocolTooOld: 426,
  addressBusy: 429,
  tooManyMessages: 429,
  spaceFull: 503,
  serverDraining: 503,
  storageUnavailable: 503,
  roomFailed: 503,
  handshakeTimeout: 503,
};

export const httpStatus = (name: CloseName): number => STATUS[name] ?? 400;

const MAX_REASON_BYTES = 123;
const encoder = new TextEncoder();

/** A WebSocket close reason has room for 123 bytes; longer sentences lose their tail. */
export function closeReason(sentence: string): string {
  let cut = sentence;
  while (encoder.encode(cut).length > MAX_REASON_BYTES) cut = cut.slice(0, -1);
  return cut;
}
