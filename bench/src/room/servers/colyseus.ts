/**
 * A Colyseus 0.18 room as its documentation builds one: a map of players with 21 float32 each, a StateView per client that holds the
 * VIEW_PEOPLE nearest players, chosen anew four times a second, patches at the tick rate. Poses come as raw bytes, which is the cheapest
 * way in. The client class does what @colyseus/ws-transport's does.
 */
import { EventEmitter } from "node:events";
import {
  type Client,
  type ClientPrivate,
  ClientState,
  connectClientToRoom,
  enqueueClientRaw,
  getMessageBytes,
  LocalDriver,
  LocalPresence,
  matchMaker,
  Protocol,
  Room,
} from "@colyseus/core";
import { setLogger } from "@colyseus/core/Logger";
import { Encoder, schema, type SchemaType, StateView, t } from "@colyseus/schema";
import type { WebSocket } from "ws";
import { serve } from "../child.ts";
import { listenWs } from "./sockets.ts";

const FIELDS = 21;
const REVIEW_MS = 250;

Encoder.BUFFER_SIZE = 1024 * 1024;
const names = Array.from({ length: FIELDS }, (_, i) => `f${i}`);
const Player = schema(Object.fromEntries(names.map((name) => [name, t.float32()])), "Player");
type Player = SchemaType<typeof Player> & Record<string, number>;
const Hall = schema({ players: t.map(Player).view() }, "Hall");

let options = { tickRateHz: 30, viewPeople: 32 };

class HallRoom extends Room {
  override state = new Hall();
  override autoDispose = false;
  override maxMessagesPerSecond = Number.POSITIVE_INFINITY;
  private readonly seen = new Map<string, Set<Player>>();

  override onCreate(): void {
    this.patchRate = 1000 / options.tickRateHz;
    this.onMessageBytes(1, (client: Client, bytes: Uint8Array) => this.move(client, bytes));
    this.clock.setInterval(() => this.review(), REVIEW_MS);
  }
  override onJoin(client: Client): void {
    client.view = new StateView();
    this.state.players.set(client.sessionId, new Player() as never);
    this.seen.set(client.sessionId, new Set());
  }
  override onLeave(client: Client): void {
    this.state.players.delete(client.sessionId);
    this.seen.delete(client.sessionId);
  }

  private move(client: Client, bytes: Uint8Array): void {
    const player = this.state.players.get(client.sessionId) as Player | undefined;
    if (player === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < FIELDS; i++) player[names[i] as string] = view.getFloat32(i * 4, true);
  }

  /** Everybody's view: the nearest others. */
  private review(): void {
    const all = [...this.state.players.values()] as unknown as Player[];
    for (const client of this.clients) {
      const own = this.state.players.get(client.sessionId) as Player | undefined;
      const seen = this.seen.get(client.sessionId);
      if (own === undefined || seen === undefined || client.view === undefined) continue;
      const distance = (other: Player): number => ((other.f0 ?? 0) - (own.f0 ?? 0)) ** 2 + ((other.f2 ?? 0) - (own.f2 ?? 0)) ** 2;
      const nearest = new Set(
        all
          .filter((other) => other !== own)
          .sort((a, b) => distance(a) - distance(b))
          .slice(0, options.viewPeople),
      );
      for (const gone of seen) if (!nearest.has(gone)) client.view.remove(gone as never);
      for (const come of nearest) if (!seen.has(come)) client.view.add(come as never);
      this.seen.set(client.sessionId, nearest);
    }
  }
}

class WsClient {
  readonly ref = new EventEmitter();
  state = ClientState.JOINING;
  readyState = 1;
  reconnectionToken = "";
  _enqueuedMessages: unknown[] = [];
  _joinedAt = 0;
  readonly sessionId: string;
  private readonly socket: WebSocket;

  constructor(sessionId: string, socket: WebSocket) {
    this.sessionId = sessionId;
    this.socket = socket;
    socket.on("message", (data: Buffer) => this.ref.emit("message", data));
    socket.on("close", (code) => this.ref.emit("close", code));
  }
  raw(data: Uint8Array): void {
    // Colyseus encodes into buffers it uses again; its ws transport sends them as they are, and so does this.
    this.socket.send(data, { binary: true });
  }
  enqueueRaw(data: Uint8Array): void {
    enqueueClientRaw(this as unknown as Client & ClientPrivate, data);
  }
  send(type: string, message?: unknown): void {
    this.enqueueRaw(getMessageBytes.raw(Protocol.ROOM_DATA, type, message));
  }
  sendBytes(type: string, bytes: Uint8Array): void {
    this.enqueueRaw(getMessageBytes.raw(Protocol.ROOM_DATA_BYTES, type, undefined, bytes));
  }
  leave(code?: number): void {
    this.socket.close(code);
  }
  close(code?: number): void {
    this.socket.close(code);
  }
  error(): void {}
}

serve({
  open: async (given: typeof options) => {
    options = given;
    const quiet = (): void => {};
    setLogger({ debug: quiet, info: quiet, trace: quiet, warn: console.error, error: console.error } as never);
    await matchMaker.setup(new LocalPresence(), new LocalDriver());
    await matchMaker.accept();
    matchMaker.defineRoomType("hall", HallRoom as never);
    const { roomId } = await matchMaker.createRoom("hall", {});
    const room = matchMaker.getLocalRoomById(roomId) as never;
    return listenWs((socket) => {
      void matchMaker.joinById(roomId, {}).then((seat) => {
        const client = new WsClient(seat.sessionId, socket);
        return connectClientToRoom(room, client as never, { headers: new Headers(), ip: undefined } as never, {});
      });
    });
  },
});
