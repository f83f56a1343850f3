/**
 * What the engine-free core needs from the outside: a link to a room, and a clock. Adapters (Colyseus over WebSocket, the simulation's
 * virtual network) implement it; the core never sees a socket.
 *
 * [LI1] `send` keeps order; it may throw away a `droppable` message when the link is backed up, and says so by returning false.
 * [LI2] After `onClosed` nothing else is called. A lost link is replaced by a new one from the `Dialer`; links never heal.
 */
import type { SessionEvent } from "./session-events.ts";

export type LinkHandlers = {
  /** A message of the registry: its id and fields (no envelope). Valid during the call. */
  readonly onMessage: (id: number, body: Uint8Array) => void;
  readonly onSession: (event: SessionEvent) => void;
  /** `code` as in the close-code table, or the WebSocket's own. */
  readonly onClosed: (code: number, sentence: string) => void;
};

export type Link = {
  /** `bytes` is a whole message with its envelope, `[17][id][fields]`. */
  send(bytes: Uint8Array, droppable: boolean): boolean;
  readonly bufferedBytes: number;
  close(code?: number): void;
};

export type JoinRequest = { readonly url: string; readonly space: string; readonly ticket: string };
export type JoinFailure = { readonly code: number; readonly sentence: string; readonly retryable: boolean };
/** Opens a link; rejects with a `JoinFailure`. */
export type Dialer = (request: JoinRequest, handlers: LinkHandlers) => Promise<Link>;

export type ClientClock = { /** Monotonic milliseconds. */ now(): number };
/** Timers the core asks for; simulations step them by hand. Returns a cancel function. */
export type Scheduler = { after(ms: number, run: () => void): () => void };
