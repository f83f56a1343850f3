/**
 * Colyseus's view of one client on the room socket, over a `Wire`.
 *
 * [RC1] Only four kinds of frame exist: our messages `[17][id][fields]`, and Colyseus's one-byte join acknowledgement, leave and ping.
 *       Nothing else reaches Colyseus, whose other frame types decode msgpack and allocate by the sender's word.
 * [RC2] Everything sent goes through the governor; Colyseus's own messages are ordered ones.
 * [RC3] Every byte counts: a frame above its limit or a flood ends the session before anything is decoded.
 * [RC4] Until the join is acknowledged the session id is only what the socket's URL said, and ids of others are no secret: nothing is
 *       counted in its name. Messages are ignored, and a frame that is none of the four kinds ends this socket.
 */
import { EventEmitter } from "node:events";
import { type Client, type ClientPrivate, ClientState, enqueueClientRaw, getMessageBytes, type ISendOptions, Protocol } from "@colyseus/core";
import type { SessionId } from "@copresence/shared/base";
import { CLOSE, closeName, type CloseName, ENVELOPE_BYTES, LIMITS, messageId, ROOM_DATA_BYTES } from "@copresence/shared/protocol";
import { FloodGuard } from "./flood-guard.ts";
import type { SendGovernor } from "./governor.ts";
import type { Wire, WireHandlers } from "./transports/wire.ts";

const SYNC_ID = messageId("sync");
const POSE_ID = messageId("poseUp");
const OPEN = 1;
const CLOSED = 3;

export type RoomClientEvents = {
  /** The client has acknowledged the join: it listens now. */
  readonly onEntered: (client: RoomClient) => void;
  readonly onMessage: (client: RoomClient, id: number, body: Uint8Array) => void;
  readonly onMalformed: (client: RoomClient, sentence: string) => void;
  /** The session was ended here, before the core had a say. */
  readonly onRefused: (name: CloseName) => void;
};

export class RoomClient implements Client, ClientPrivate {
  declare "~messages": any;
  readonly ref = new EventEmitter() as EventEmitter & { onleave?: (code: number) => void };
  sessionId: string;
  state: ClientState = ClientState.JOINING;
  reconnectionToken = "";
  auth?: unknown;
  userData?: unknown;
  readyState = OPEN;
  _enqueuedMessages: any[] = [];
  _joinedAt = 0;
  readonly governor: SendGovernor;
  private readonly wire: Wire;
  private readonly events: RoomClientEvents;
  private readonly flood = new FloodGuard();
  private closing = false;
  private settled: () => void = () => {};

  constructor(options: { readonly sessionId: string; readonly wire: Wire; readonly governor: SendGovernor; readonly events: RoomClientEvents }) {
    this.sessionId = options.sessionId;
    this.wire = options.wire;
    this.governor = options.governor;
    this.events = options.events;
  }

  get session(): SessionId {
    return this.sessionId as SessionId;
  }

  /** `run` is called when the join is over: the client has entered, or is gone. May be called more than once. */
  onSettled(run: () => void): void {
    this.settled = run;
  }

  /** What the transport calls. */
  readonly handlers: WireHandlers = {
    onMessage: (bytes) => this.receive(bytes),
    onProbed: (probe) => this.governor.probed(probe),
    onText: () => this.closeFor("malformedMessage", "Text messages are not part of the protocol; send binary ones."),
    onClosed: (code) => {
      this.closing = true;
      this.readyState = CLOSED;
      this.settled();
      this.ref.emit("close", code);
    },
  };

  private receive(bytes: Uint8Array): void {
    if (this.closing) return;
    if (!this.flood.take(performance.now())) return this.closeFor("tooManyMessages");
    const protocol = bytes[0];
    const id = bytes[1];
    if (protocol === ROOM_DATA_BYTES && id !== undefined) {
      if (bytes.length - ENVELOPE_BYTES > (id === SYNC_ID ? LIMITS.syncBytes : LIMITS.messageBytes)) return this.closeFor("messageTooLarge");
      // Poses are forgotten at the tick; anything else may be kept, and must not keep its neighbours in the read buffer alive.
      // Made here because the view that `ws` gives is a Buffer, whose `slice` copies nothing.
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + ENVELOPE_BYTES, bytes.length - ENVELOPE_BYTES);
      if (this.state === ClientState.JOINED) this.events.onMessage(this, id, id === POSE_ID ? body : body.slice());
      return;
    }
    if (bytes.length === 1 && (protocol === Protocol.JOIN_ROOM || protocol === Protocol.LEAVE_ROOM || protocol === Protocol.PING)) {
      return this.colyseusFrame(bytes, protocol);
    }
    if (bytes.length > LIMITS.messageBytes) return this.closeFor("messageTooLarge");
    if (this.state !== ClientState.JOINED) return this.closeFor("malformedMessage");
    this.events.onMalformed(this, "The first byte is not a frame type of this protocol.");
  }

  private colyseusFrame(bytes: Uint8Array, protocol: number): void {
    const joining = this.state === ClientState.JOINING;
    this.ref.emit("message", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (protocol !== Protocol.JOIN_ROOM || !joining || this.state !== (ClientState.JOINED as number)) return;
    this.settled();
    this.events.onEntered(this);
  }

  /** Ends the session with an entry of the close-code table. */
  closeFor(name: CloseName, sentence: string = CLOSE[name].sentence): void {
    if (!this.closing) this.events.onRefused(name);
    this.leave(CLOSE[name].code, sentence);
  }

  leave(code = 1000, data?: string): void {
    if (this.closing) return;
    this.closing = true;
    const name = closeName(code);
    this.wire.close(code, data ?? (name === undefined ? "" : CLOSE[name].sentence));
  }

  close(code?: number, data?: string): void {
    this.leave(code, data);
  }

  raw(data: Uint8Array): void {
    if (!this.closing) this.governor.ordered(data);
  }

  enqueueRaw(data: Uint8Array, options?: ISendOptions): void {
    enqueueClientRaw(this as Client & ClientPrivate, data, options);
  }

  send(type: any, message?: any, options?: ISendOptions): void {
    this.enqueueRaw(getMessageBytes.raw(Protocol.ROOM_DATA, type, message), options);
  }

  sendBytes(type: string | number, bytes: Uint8Array, options?: ISendOptions): void {
    this.enqueueRaw(getMessageBytes.raw(Protocol.ROOM_DATA_BYTES, type, undefined, bytes), options);
  }

  error(code: number, message = ""): void {
    this.raw(getMessageBytes[Protocol.ERROR](code, message));
  }
}
