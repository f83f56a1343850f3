/**
 * A scripted room on the other end of a `Dialer`: records what the client sends, says what the test wants, and keeps a scene document with
 * the room's counting rules (scene-sync.ts), so that acks, refusals and restarts can be played.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { decodeUp, encodeBody, type DownMessage, messageId, type MessageOf, type UpMessage } from "@copresence/shared/protocol";
import type { Dialer, JoinFailure, JoinRequest, LinkHandlers } from "../link.ts";
import type { PersonInfo, SessionEvent } from "../session-events.ts";
import type { StepTime } from "./step-time.ts";

export const ME: PersonInfo = { slot: 0, session: "s-me", user: "u-me", name: "Me", role: "member", color: 0x112233, status: "awake" };
export const YOU: PersonInfo = { slot: 3, session: "s-you", user: "u-you", name: "You", role: "member", color: 0x445566, status: "awake" };

export class FakeRoom {
  /** Hash of the definition the room runs. */
  definition = "none";
  readonly joins: JoinRequest[] = [];
  readonly got: UpMessage[] = [];
  /** The next dials fail with these, then succeed. */
  readonly failures: JoinFailure[] = [];
  doc = new Y.Doc();
  epoch = 1;
  me = ME;
  /** False: edits wait, unacknowledged. */
  durable = true;
  /** Says no to an update, with the reason to give. */
  refuses: (update: Uint8Array) => "not-allowed" | "read-only" | undefined = () => undefined;
  /** What refusals name. */
  names = { object: "", field: "" };
  /** Room time is this much ahead of the client's. */
  offsetMs = 5000;
  /** False: the link is backed up and takes no droppable message. */
  takes = true;
  /** Pings are answered. */
  answers = true;
  handlers: LinkHandlers | undefined;
  closedByClient = false;
  private readonly time: StepTime;
  private received = 0;
  private stale = false;
  /** The new document's, while it has not been asked for. */
  private root: number | undefined;
  private waiting: { readonly update: Uint8Array; readonly ordinal: number }[] = [];

  constructor(time: StepTime) {
    this.time = time;
    this.doc.clientID = 7;
  }

  readonly dial: Dialer = async (request, handlers) => {
    this.joins.push(request);
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.handlers = handlers;
    this.received = 0;
    this.stale = false;
    this.root = undefined;
    this.waiting = [];
    this.closedByClient = false;
    this.time.after(0, () => this.greet(handlers));
    return {
      send: (bytes, droppable) => {
        if (droppable && !this.takes) return false;
        if (this.handlers === handlers) this.receive(bytes);
        return true;
      },
      bufferedBytes: 0,
      close: () => {
        if (this.handlers === handlers) this.closedByClient = true;
      },
    };
  };

  say(message: DownMessage): void {
    this.handlers?.onMessage(messageId(message.type), encodeBody(message as never));
  }

  tell(event: SessionEvent): void {
    this.handlers?.onSession(event);
  }

  /** The link breaks as networks break. */
  break(code = 1006, sentence = "The connection was lost."): void {
    const { handlers } = this;
    this.handlers = undefined;
    handlers?.onClosed(code, sentence);
  }

  /** A new server process on what is durable. */
  restart(): void {
    const durable = Y.encodeStateAsUpdate(this.doc);
    this.doc = new Y.Doc();
    Y.applyUpdate(this.doc, durable);
    this.break(1006);
  }

  last<N extends UpMessage["type"]>(type: N): MessageOf<N> | undefined {
    return this.all(type).at(-1);
  }

  all<N extends UpMessage["type"]>(type: N): MessageOf<N>[] {
    return this.got.filter((message) => message.type === type) as MessageOf<N>[];
  }

  /** Re-roots: a fresh document, told to who is here by an ack; what they send is ignored until they ask by the new root. */
  renew(doc: Y.Doc): void {
    this.doc = doc;
    this.epoch++;
    this.waiting = [];
    this.root = doc.clientID;
    this.say({ type: "ack", epoch: this.epoch, updates: 0, level: "disk", clocks: [{ client: doc.clientID, clock: 0 }] });
  }

  /** What waited is on disk now. */
  flush(): void {
    for (const { update, ordinal } of this.waiting.splice(0)) this.commit(update, ordinal);
  }

  /** Somebody else's edit. */
  edit(change: (doc: Y.Doc) => void): void {
    const before = Y.encodeStateVector(this.doc);
    this.doc.transact(() => change(this.doc));
    this.document(2, Y.encodeStateAsUpdate(this.doc, before));
  }

  askForState(): void {
    this.document(0, Y.encodeStateVector(this.doc));
  }

  private greet(handlers: LinkHandlers): void {
    if (this.handlers !== handlers) return;
    this.tell({ kind: "person", person: this.me });
    this.say({
      type: "welcome",
      protocol: 1,
      slot: this.me.slot,
      session: this.me.session,
      user: this.me.user,
      role: this.me.role,
      space: "hall",
      region: "local",
      build: "test",
      tickRateHz: 60,
      tick: 300,
      serverTimeMs: 5000,
      rig: { positionMm: [1000, 0, -2000], yaw: 0 },
      uplinkHz: 30,
      definition: this.definition,
      epoch: this.epoch,
    });
    this.askForState();
  }

  private receive(bytes: Uint8Array): void {
    const decoded = decodeUp(bytes[1] ?? 0, bytes.slice(2));
    if (!decoded.ok) throw new Error(`the client sent a malformed ${decoded.error.message}`);
    const message = decoded.value;
    this.got.push(message);
    if (message.type === "ping" && this.answers) {
      this.say({ type: "pong", clientTimeMs: message.clientTimeMs, serverTimeMs: this.time.now() + this.offsetMs, slackMs: 4 });
    } else if (message.type === "sync") this.sync(message.body);
  }

  private sync(body: Uint8Array): void {
    const decoder = decoding.createDecoder(body);
    decoding.readVarUint(decoder);
    const type = decoding.readVarUint(decoder);
    const payload = decoding.readVarUint8Array(decoder);
    if (type === 0) {
      this.stale = false;
      if (this.root !== undefined && Y.decodeStateVector(payload).has(this.root)) this.root = undefined;
      this.document(1, Y.encodeStateAsUpdate(this.doc, payload));
      return;
    }
    const ordinal = ++this.received;
    if (this.root !== undefined) return;
    if (this.stale) return this.ack(ordinal);
    const reason = this.refuses(payload);
    if (reason !== undefined) return this.refuse(reason, ordinal);
    if (this.durable) this.commit(payload, ordinal);
    else this.waiting.push({ update: payload, ordinal });
  }

  private refuse(reason: "not-allowed" | "read-only", ordinal: number): void {
    this.stale = true;
    this.say({ type: "denied", ref: ordinal & 0xffff, reason, ...this.names, sentence: "No." });
    if (reason !== "read-only") {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, 2);
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarString(encoder, reason);
      this.say({ type: "syncDown", body: encoding.toUint8Array(encoder) });
    }
    this.ack(ordinal);
  }

  private commit(update: Uint8Array, ordinal: number): void {
    Y.applyUpdate(this.doc, update);
    this.ack(ordinal);
  }

  /** The store works again: those whose edits were kept are asked for them. */
  recover(): void {
    this.stale = false;
    this.askForState();
  }

  private ack(updates: number): void {
    if (this.waiting.some(({ ordinal }) => ordinal < updates)) return;
    this.say({ type: "ack", epoch: this.epoch, updates, level: "disk", clocks: [] });
  }

  private document(type: number, payload: Uint8Array): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, type);
    encoding.writeVarUint8Array(encoder, payload);
    this.say({ type: "syncDown", body: encoding.toUint8Array(encoder) });
  }
}
