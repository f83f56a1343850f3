/**
 * A stock `y-websocket` peer on `/sync/<space>`: raw y-protocols bytes both ways, no pose, no slot.
 *
 * [DP1] Its session id comes from us; what it sends before it is admitted waits, bounded.
 * [DP2] Same governor, same flood guard, same reasons to close as on the room socket; after a close nothing it sends counts.
 * [DP3] Refusals that are final carry a code on which stock providers stop reconnecting (close-codes.ts).
 * [DP4] It hears something every `KEEPALIVE_MS`: a provider that heard nothing for 30 s takes the connection for dead and comes back with
 *       the ticket it has used up. WebSocket pings do not count, a page cannot see them.
 * [DP5] Whoever opens a space may be answered before the room is there (greetings.ts): only an empty replica that asks for everything.
 */
import type { SessionId } from "@copresence/shared/base";
import { CLOSE, type CloseName, LIMITS, syncCloseCode } from "@copresence/shared/protocol";
import { decodeDocMessage } from "../../core/document/doc-wire.ts";
import { FloodGuard } from "./flood-guard.ts";
import { SendGovernor, type Traffic } from "./governor.ts";
import type { Wire, WireHandlers } from "./transports/wire.ts";

/** A provider sends its state vector and its awareness at once; more than this before admission is not a provider. */
const MAX_EARLY_MESSAGES = 8;
/** One byte of message type and the length prefix around an update of the largest size. */
const MAX_MESSAGE_BYTES = LIMITS.syncBytes + 16;
const KEEPALIVE_MS = 12_000;
/** An awareness message (1) of one byte: zero entries, so it changes nothing. */
const EMPTY_AWARENESS = new Uint8Array([1, 1, 0]);

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
  private readonly onRefused: (name: CloseName, admitted: boolean) => void;
  private events: DocPeerEvents | undefined;
  private keepalive: NodeJS.Timeout | undefined;
  private closing = false;
  private greeted: number | undefined;

  /** `onRefused`: this end closes the connection, for this reason. */
  constructor(options: {
    readonly session: SessionId;
    readonly wire: Wire;
    readonly traffic: Traffic;
    readonly onRefused: (name: CloseName, admitted: boolean) => void;
  }) {
    this.session = options.session;
    this.onRefused = options.onRefused;
    this.wire = options.wire;
    this.traffic = options.traffic;
    this.governor = new SendGovernor({ wire: options.wire, traffic: options.traffic, onSlow: () => this.closeFor("slowConsumer") });
  }

  get gone(): boolean {
    return this.closing;
  }

  /** Epoch of the stored document it was greeted with; undefined when it was not. */
  get greetedEpoch(): number | undefined {
    return this.greeted;
  }

  /**
   * Answers its first sync step 1 with all there is, if that is what it asks for [DP5].
   * `answer` makes a whole y-protocols message; nobody writes into it.
   */
  greet(epoch: number, answer: () => Uint8Array): "answered" | "silent" | "other" {
    if (this.closing || this.events !== undefined || this.greeted !== undefined) return "other";
    const [first] = this.early;
    if (first === undefined) return "silent";
    const asked = decodeDocMessage(first);
    if (!asked.ok || asked.value.kind !== "step1" || !isEmptyVector(asked.value.vector)) return "other";
    this.early.shift();
    this.greeted = epoch;
    this.governor.ordered(answer());
    return "answered";
  }

  get unsentBytes(): number {
    return this.closing ? 0 : this.governor.bufferedBytes;
  }

  readonly handlers: WireHandlers = {
    onMessage: (bytes) => this.receive(new Uint8Array(bytes)),
    onProbed: (probe) => this.governor.probed(probe),
    onText: () => this.closeFor("malformedMessage", "Text messages are not part of the sync protocol; send binary ones."),
    onClosed: () => {
      this.closing = true;
      clearInterval(this.keepalive);
      this.events?.onClosed();
    },
  };

  /** The peer was let in; what it said meanwhile is delivered first. */
  admit(events: DocPeerEvents): void {
    this.events = events;
    this.keepalive = setInterval(() => this.governor.ordered(EMPTY_AWARENESS), KEEPALIVE_MS);
    for (const bytes of this.early.splice(0)) events.onMessage(bytes);
  }

  closeFor(name: CloseName, sentence: string = CLOSE[name].sentence): void {
    if (this.closing) return;
    this.closing = true;
    this.onRefused(name, this.events !== undefined);
    this.wire.close(syncCloseCode(name), sentence);
  }

  private receive(bytes: Uint8Array): void {
    if (this.closing) return;
    this.traffic.bytesIn += bytes.length;
    this.traffic.messagesIn++;
    if (!this.flood.take(performance.now())) return this.closeFor("tooManyMessages");
    if (bytes.length > MAX_MESSAGE_BYTES) return this.closeFor("messageTooLarge");
    if (this.events !== undefined) this.events.onMessage(bytes);
    else if (this.early.length < MAX_EARLY_MESSAGES) this.early.push(bytes);
    else this.closeFor("tooManyMessages", "Wait for the server's first message before you send more.");
  }
}

/** A state vector of no clients. */
const isEmptyVector = (vector: Uint8Array): boolean => vector.length === 1 && vector[0] === 0;
