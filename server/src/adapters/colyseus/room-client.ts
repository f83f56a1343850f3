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
import { CLOSE, closeName, type CloseName, ENVELOPE_BYTES, fitsPoseUp, LIMITS, messageId, ROOM_DATA_BYTES } from "@copresence/shared/protocol";
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
  /** The fields of a pose message, bytes[from..end), valid during the call. `clockMs`: performance.now() when it came. */
  readonly onPose: (client: RoomClient, clockMs: number, bytes: Uint8Array, from: number, end: number) => void;
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
    const clockMs = performance.now();
    if (!this.flood.take(clockMs)) return this.closeFor("tooManyMessages");
    const protocol = bytes[0];
    const id = bytes[1];
    if (protocol === ROOM_DATA_BYTES && id !== undefined) {
      const length = bytes.length - ENVELOPE_BYTES;
      if (length > (id === SYNC_ID ? LIMITS.syncBytes : LIMITS.messageBytes)) return this.closeFor("messageTooLarge");
      if (this.state !== ClientState.JOINED) return;
      if (id === POSE_ID && fitsPoseUp(length)) return this.events.onPose(this, clockMs, bytes, ENVELOPE_BYTES, bytes.length);
      // A copy: what was read is overwritten by the next read, and this may be kept. Not by `slice`, which copies nothing of a Buffer.
      return this.events.onMessage(this, id, new Uint8Array(bytes.subarray(ENVELOPE_BYTES)));
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
    this.ref.emit("message", Buffer.from(bytes));
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
