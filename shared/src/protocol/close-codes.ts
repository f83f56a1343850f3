/**
 * Why a session was refused or ended. One table for the matchmaking answer (`{code, error}`), for WebSocket close codes
 * and for the SDK's `status` events. Clear of Colyseus's 4000-4010 and 4217.
 * `retryable`: the same client may try again (with a fresh ticket) without a person changing anything.
 *
 * On `/sync` a reason that is not retryable is sent as its code + `SYNC_FINAL_OFFSET`: stock y-websocket providers (3.1) reconnect for ever
 * unless the code is 4400-4499 (https://github.com/yjs/y-websocket, `defaultShouldReconnect`). All codes of the table are 4300-4399.
 */
export type CloseReason = { readonly code: number; readonly retryable: boolean; readonly sentence: string };

const reason = (code: number, retryable: boolean, sentence: string): CloseReason => ({ code, retryable, sentence });

export const CLOSE = {
  protocolTooOld: reason(4300, false, "This client speaks an older protocol than the server accepts; update the client."),
  protocolTooNew: reason(4301, false, "This client speaks a newer protocol than the server; update the server or use an older client."),
  ticketMissing: reason(4302, false, "No join ticket was given; ask your application's ticket issuer for one."),
  ticketInvalid: reason(4303, false, "The join ticket is not valid for this server."),
  ticketExpired: reason(4304, true, "The join ticket has expired; fetch a fresh one and join again."),
  ticketUsed: reason(4305, true, "The join ticket was already used; a ticket admits once, fetch a fresh one."),
  originRefused: reason(4306, false, "This web origin may not connect; add it to COPRESENCE_ORIGINS on the server."),
  spaceUnknown: reason(4307, false, "There is no such space on this server."),
  nameInvalid: reason(4308, false, "A name does not match ^[A-Za-z0-9_-]{1,64}$ or is reserved."),
  spaceFull: reason(4309, true, "The space is full."),
  malformedMessage: reason(4310, false, "A message could not be decoded."),
  messageTooLarge: reason(4311, false, "A message was larger than the protocol allows."),
  tooManyMessages: reason(4312, true, "Too many messages; slow down and reconnect."),
  slowConsumer: reason(4313, true, "The connection could not keep up with ordered messages; reconnect to resync."),
  serverDraining: reason(4314, true, "The server is stopping; reconnect to be placed on another."),
  sessionReplaced: reason(4315, false, "This person joined the space again elsewhere."),
  removedByModerator: reason(4316, false, "A moderator removed this person from the space."),
  storageUnavailable: reason(4317, true, "The space's document could not be loaded; nothing was lost, try again later."),
  deniedTooOften: reason(4318, false, "Too many refused edits; the session was closed."),
  regionMismatch: reason(4319, true, "The ticket names another region; fetch a ticket for this one."),
  roomFailed: reason(4320, true, "The room stopped because of an internal error; reconnect."),
  handshakeTimeout: reason(4321, true, "The join took too long."),
  addressBusy: reason(4322, true, "Too many unfinished connections from this address."),
  editsTooSlow: reason(4330, true, "Your edits took the room too long to apply; send smaller ones."),
  documentRenewed: reason(4340, false, "The space's document was renewed; join again with a new Y.Doc, and make unsaved edits again there."),
} as const satisfies Record<string, CloseReason>;

export type CloseName = keyof typeof CLOSE;

const SYNC_FINAL_OFFSET = 100;

/** The WebSocket close code of a reason on the sync endpoint. */
export function syncCloseCode(name: CloseName): number {
  const { code, retryable } = CLOSE[name];
  return retryable ? code : code + SYNC_FINAL_OFFSET;
}

const names = Object.keys(CLOSE) as CloseName[];
const byCode = new Map<number, CloseName>(names.flatMap((name) => [CLOSE[name].code, syncCloseCode(name)].map((code) => [code, name] as const)));

/** The table's name for a close code of either endpoint, or undefined for codes that are not ours (1000, 1006, Colyseus's own). */
export function closeName(code: number): CloseName | undefined {
  return byCode.get(code);
}

/** Codes that are not in the table (1006 after a network loss, 1001 when a server goes) may be retried. */
export function isRetryable(code: number): boolean {
  const name = byCode.get(code);
  return name === undefined ? code !== 1000 : CLOSE[name].retryable;
}
