/**
 * A stock `y-websocket` peer on `/sync/<space>`: raw y-protocols bytes both ways, no pose, no slot.
 *
 * [DP1] Its session id comes from us; what it sends before it is admitted waits, bounded.
 * [DP2] Same governor, same flood guard, same close codes as on the room socket.
 */
import type { SessionId } from "@copresence/shared/base";
import { CLOSE, type CloseName, LIMITS } from "@copresence/shared/protocol";
import { FloodGuard } from "./flood-guard.ts";
import { SendGovernor, type Traffic } from "./governor.ts";
import type { Wire, WireHandlers } from "./transports/wire.ts";

/** A provider sends its state vector and its awareness at once; more than this before admission is not a provider. */
const MAX_EARLY_MESSAGES = 8;
/** One byte of message type and the length prefix around an update of the largest size. */
const MAX_MESSAGE_BYTES = LIMITS.syncBytes + 16;

export type DocPeerEvents = {
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onClosed: () => void;
};

export class DocPeer {
  readonly session: SessionId;
  readonly governor: SendGovernor;
  private readonly wire: Wire;
  private readonly traffic: Traffic;
  private readonly flood = new FloodGuard();
  private readonly early: Uint8Array[] = [];
  private events: DocPeerEvents | undefined;
  private closed = false;

  constructor(options: { readonly session: SessionId; readonly wire: Wire; readonly traffic: Traffic }) {
    this.session = options.session;
    this.wire = options.wire;
    this.traffic = options.traffic;
    this.governor = new SendGovernor({ wire: options.wire, traffic: options.traffic, onSlow: () => this.closeFor("slowConsumer") });
  }

  get gone(): boolean {
    return this.closed;
  }

  readonly handlers: WireHandlers = {
    onMessage: (bytes) => this.receive(bytes),
    onText: () => this.closeFor("malformedMessage", "Text messages are not part of the sync protocol; send binary ones."),
    onClosed: () => {
      this.closed = true;
      this.events?.onClosed();
    },
  };

  /** The peer was let in; what it said meanwhile is delivered first. */
  admit(events: DocPeerEvents): void {
    this.events = events;
    for (const bytes of this.early.splice(0)) events.onMessage(bytes);
  }

  closeFor(name: CloseName, sentence: string = CLOSE[name].sentence): void {
    this.wire.close(CLOSE[name].code, sentence);
  }

  private receive(bytes: Uint8Array): void {
    if (this.closed) return;
    this.traffic.bytesIn += bytes.length;
    this.traffic.messagesIn++;
    if (!this.flood.take(performance.now())) return this.closeFor("tooManyMessages");
    if (bytes.length > MAX_MESSAGE_BYTES) return this.closeFor("messageTooLarge");
    if (this.events !== undefined) this.events.onMessage(bytes);
    else if (this.early.length < MAX_EARLY_MESSAGES) this.early.push(bytes);
    else this.closeFor("tooManyMessages", "Wait for the server's first message before you send more.");
  }
}
