/**
 * A link over Colyseus 0.18: matchmaking over HTTP with the ticket as bearer token, then a WebSocket. For browsers and for node.
 *
 * [CY1] The ticket travels in a header only, never in a URL, where logs and proxies would keep it.
 * [CY2] Every way to fail ends in a `JoinFailure` with the server's own code and sentence, or 1006 where there was no server.
 * [CY3] Colyseus's own reconnection is off: a lost link is lost, the core dials anew with a fresh ticket.
 * [CY4] Handlers are in place before the socket opens, so no message of the room is missed.
 */
import { Client, type Room } from "@colyseus/sdk";
import { CLOSE, closeName, isRetryable, PROTOCOL_VERSION } from "@copresence/shared/protocol";
import type { Dialer, JoinFailure, JoinRequest, Link, LinkHandlers } from "../core/link.ts";
import { SessionMirror, type SessionState } from "./session-mirror.ts";

/** Colyseus's name of the room type; the space is a filter of it. */
const ROOM_NAME = "space";
const SDK_NAME = "copresence-js";
/** The server refuses joins after 2 s at the latest; this is for servers that do not answer at all. */
const MATCHMAKING_MS = 8000;
/** A droppable message is not worth sending behind this much. */
const DROPPABLE_BACKLOG_BYTES = 16_384;
const ABNORMAL_CLOSURE = 1006;
const NORMAL_CLOSURE = 1000;

type Seat = Parameters<Client["consumeSeatReservation"]>[0];

/** Opens links to copresence servers. */
export const colyseusDialer: Dialer = async (request, handlers) => {
  const seat = await reserve(request);
  const client = new ListeningClient(httpUrl(request.url), (room) => listen(room, handlers));
  try {
    const room = await client.consumeSeatReservation(seat);
    return linkOf(room);
  } catch (error) {
    throw failure(codeOf(error), error instanceof Error ? error.message : "");
  }
};

/** Lets the room be prepared before its socket opens [CY4]. */
class ListeningClient extends Client {
  private readonly prepare: (room: Room) => void;

  constructor(url: string, prepare: (room: Room) => void) {
    super(url);
    this.prepare = prepare;
  }

  protected override createRoom<T>(roomName: string, rootSchema?: new (...args: any[]) => T): Room<any, T> {
    const room = super.createRoom<T>(roomName, rootSchema);
    this.prepare(room as unknown as Room);
    return room;
  }
}

async function reserve({ url, space, ticket }: JoinRequest): Promise<Seat> {
  let response: Response;
  try {
    response = await fetch(`${httpUrl(url)}/matchmake/joinOrCreate/${ROOM_NAME}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${ticket}` },
      body: JSON.stringify({ space, protocol: PROTOCOL_VERSION, sdk: SDK_NAME }),
      credentials: "omit",
      signal: AbortSignal.timeout(MATCHMAKING_MS),
    });
  } catch {
    throw failure(ABNORMAL_CLOSURE, `There is no server at ${httpUrl(url)}, or it cannot be reached from here.`);
  }
  const body = await jsonOf(response);
  if (response.ok) return body as unknown as Seat;
  const { code, error } = body;
  throw failure(typeof code === "number" ? code : ABNORMAL_CLOSURE, typeof error === "string" ? error : `The server answered ${response.status}.`);
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const value: unknown = await response.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function listen(room: Room, handlers: LinkHandlers): void {
  const mirror = new SessionMirror((event) => handlers.onSession(event));
  room.reconnection.enabled = false;
  room.onMessage("*", (type, payload: unknown) => {
    if (typeof type === "number" && payload instanceof Uint8Array) handlers.onMessage(type, payload);
  });
  room.onStateChange((state: SessionState) => mirror.update(state));
  room.onLeave((code, reason) => handlers.onClosed(code, sentenceOf(code, reason)));
}

function linkOf(room: Room): Link {
  const { connection } = room;
  const socket = (connection.transport as unknown as { readonly ws?: { readonly bufferedAmount: number } }).ws;
  return {
    send: (bytes, droppable) => {
      if (!connection.isOpen || (droppable && (socket?.bufferedAmount ?? 0) > DROPPABLE_BACKLOG_BYTES)) return false;
      connection.send(bytes);
      return true;
    },
    get bufferedBytes() {
      return socket?.bufferedAmount ?? 0;
    },
    close: () => {
      room.removeAllListeners();
      // Says goodbye first, so that the room need not wait for the socket to find out.
      if (connection.isOpen) void room.leave(true);
      connection.close(NORMAL_CLOSURE);
    },
  };
}

function failure(code: number, sentence: string): JoinFailure {
  return { code, sentence: sentenceOf(code, sentence), retryable: isRetryable(code) };
}

function sentenceOf(code: number, said: string | undefined): string {
  if (said !== undefined && said !== "") return said;
  const name = closeName(code);
  return name === undefined ? "The connection was lost." : CLOSE[name].sentence;
}

const codeOf = (error: unknown): number => {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "number" ? code : ABNORMAL_CLOSURE;
};

/** `ws:` and `wss:` addresses mean the same server. Without a trailing slash. */
export const httpUrl = (url: string): string => url.replace(/^ws/, "http").replace(/\/+$/, "");
