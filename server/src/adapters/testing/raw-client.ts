/**
 * A client that speaks the room socket byte by byte, for tests that must send what no SDK would.
 */
import { Protocol } from "@colyseus/core";
import { decodeDown, type DownMessage, encodeMessage, PROTOCOL_VERSION, ROOM_DATA_BYTES, type UpMessage } from "@copresence/shared/protocol";
import { WebSocket } from "ws";

export type Closed = { readonly code: number; readonly reason: string };
export type JoinAnswer = { readonly status: number; readonly body: Record<string, unknown> };
export type JoinRequest = {
  readonly ticket?: string | undefined;
  readonly space?: unknown;
  readonly protocol?: unknown;
  readonly origin?: string;
};

/** `POST /matchmake/joinOrCreate/space`, as the SDK sends it unless told otherwise. */
export async function matchmake(url: string, { ticket, space = "demo", protocol = PROTOCOL_VERSION, origin }: JoinRequest): Promise<JoinAnswer> {
  const response = await fetch(`${url}/matchmake/joinOrCreate/space`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(ticket === undefined ? {} : { authorization: `Bearer ${ticket}` }),
      ...(origin === undefined ? {} : { origin }),
    },
    body: JSON.stringify({ space, protocol, sdk: "test" }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A socket that was opened, or the HTTP answer it got instead. */
export type Dialled = { readonly socket: WebSocket; readonly closed: Promise<Closed>; readonly refused: Promise<JoinAnswer> };

export function dial(url: string, path: string, headers: Record<string, string> = {}): Dialled {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, { headers });
  const closed = new Promise<Closed>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const refused = new Promise<JoinAnswer>((resolve) => {
    socket.once("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
    });
  });
  socket.on("error", () => {});
  return { socket, closed, refused };
}

export class RawClient {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  readonly seat: Record<string, unknown>;
  /** Called with every message but frames, as it comes. */
  onDown: (message: DownMessage) => void = () => {};
  private readonly received: DownMessage[] = [];
  private readonly waiting = new Map<string, (message: DownMessage) => void>();

  private constructor(dialled: Dialled, seat: Record<string, unknown>, acknowledges: boolean) {
    this.socket = dialled.socket;
    this.closed = dialled.closed;
    this.seat = seat;
    this.socket.on("message", (data: Buffer) => this.onFrame(data, acknowledges));
  }

  /** Joins and waits for the welcome. */
  static async join(url: string, ticket: string, space = "demo"): Promise<RawClient> {
    const client = await RawClient.take(url, ticket, { space });
    await client.next("welcome");
    return client;
  }

  /** Takes a seat; with `acknowledges` false it never finishes the join. */
  static async take(url: string, ticket: string, options: { readonly space?: string; readonly acknowledges?: boolean } = {}): Promise<RawClient> {
    const { status, body } = await matchmake(url, { ticket, space: options.space ?? "demo" });
    if (status !== 200) throw new Error(`join refused: ${JSON.stringify(body)}`);
    return new RawClient(dial(url, seatPath(body)), body, options.acknowledges ?? true);
  }

  send(message: UpMessage): void {
    this.socket.send(encodeMessage(message));
  }

  sendRaw(data: Uint8Array | string): void {
    this.socket.send(data);
  }

  /** The next message of this type, whether it has come already or not. */
  next<N extends DownMessage["type"]>(type: N): Promise<Extract<DownMessage, { type: N }>> {
    const at = this.received.findIndex((message) => message.type === type);
    if (at >= 0) return Promise.resolve(this.received.splice(at, 1)[0] as Extract<DownMessage, { type: N }>);
    return new Promise((resolve) => {
      this.waiting.set(type, resolve as (message: DownMessage) => void);
    });
  }

  private onFrame(data: Buffer, acknowledges: boolean): void {
    if (data[0] === Protocol.JOIN_ROOM && acknowledges) this.socket.send(new Uint8Array([Protocol.JOIN_ROOM]));
    if (data[0] !== ROOM_DATA_BYTES) return;
    const decoded = decodeDown(data[1] ?? 0, data.subarray(2));
    if (!decoded.ok || decoded.value.type === "frame") return;
    this.onDown(decoded.value);
    const waiting = this.waiting.get(decoded.value.type);
    this.waiting.delete(decoded.value.type);
    if (waiting === undefined) this.received.push(decoded.value);
    else waiting(decoded.value);
  }
}

/** Where a seat's WebSocket is. */
export const seatPath = (seat: Record<string, unknown>): string =>
  `/${String(seat["processId"])}/${String(seat["roomId"])}?sessionId=${String(seat["sessionId"])}`;
