/**
 * A scene document with real Yjs peers around it, for tests: effects are delivered at once, appends wait until the test lands them. Peers
 * speak y-protocols with the reference implementation, so that what passes here passes with stock providers.
 */
import type { SessionId, UserId } from "@copresence/shared/base";
import { decodeDown, type DownMessage } from "@copresence/shared/protocol";
import { defaultRoles, defineScene, PermissionTable, type Scene, t } from "@copresence/shared/scene";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import * as Y from "yjs";
import type { AppendRecord, CoreEffect } from "../types.ts";
import type { PeerKind } from "./doc-session.ts";
import { freshRoot } from "./fresh-root.ts";
import { RetiredClients } from "./retired-clients.ts";
import { SceneDocument } from "./scene-document.ts";

export const workshop = defineScene({
  name: "workshop",
  version: 1,
  bounds: { min: [-10, -2, -10], max: [10, 10, 10] },
  roles: { ...defaultRoles, editor: { create: false, edit: true, grab: true, chat: true, moderate: false } },
  objects: {
    valve: {
      transform: t.leased(),
      label: t.text(),
      open: t.lww(t.boolean()),
      tint: t.lww(t.color("#336699")),
      turns: t.counter(),
      tags: t.set(),
      parts: t.list(t.string()),
      reservedBy: t.cas(t.string()),
      serial: t.serverOnly(t.string()),
    },
    note: { transform: t.leased(), label: t.text() },
  },
});
const SERVER_ID = 1;

type Append = Extract<CoreEffect, { kind: "append" }>;
type Reroot = Extract<CoreEffect, { kind: "reroot" }>;

/** One peer: its replica, and everything it was told. */
export class Peer {
  /** Of the newest join; session ids are never reused. */
  session: SessionId;
  readonly user: UserId;
  readonly kind: PeerKind;
  doc: Y.Doc;
  /** Update messages sent, as the SDK counts them for `saved`. */
  sent = 0;
  acked = 0;
  closed: string | undefined;
  rebuilt = 0;
  epoch: number;
  readonly denied: Extract<DownMessage, { type: "denied" }>[] = [];
  readonly told: DownMessage[] = [];
  readonly awareness: Uint8Array[] = [];
  private readonly world: World;

  constructor(world: World, name: string, kind: PeerKind, clientId: number) {
    this.world = world;
    this.session = `${name}-0` as SessionId;
    this.user = name as UserId;
    this.kind = kind;
    this.epoch = world.epoch;
    this.doc = this.replica(clientId);
  }

  /** A fresh replica under a fresh clientID, as the SDK makes after a refusal. */
  renew(clientId: number): void {
    this.doc = this.replica(clientId);
  }

  /**
   * A replica with a given guid: a random one costs a storm of fifty people a tenth of its time. So would listening to what others changed,
   * since Yjs encodes every transaction that somebody listens to.
   */
  private replica(clientId: number): Y.Doc {
    const doc = new Y.Doc({ guid: `${this.user}-${clientId}` });
    doc.clientID = clientId;
    const send = (update: Uint8Array, origin: unknown): void => {
      if (origin !== this) this.sendSync((encoder) => writeUpdate(encoder, update));
    };
    doc.on("beforeTransaction", ({ origin }) => (origin === this ? doc.off("update", send) : doc.on("update", send)));
    return doc;
  }

  hello(): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    writeSyncStep1(encoder, this.doc);
    this.world.receive(this, encoding.toUint8Array(encoder));
  }

  sendUpdate(update: Uint8Array): void {
    this.sendSync((encoder) => writeUpdate(encoder, update));
  }

  private sendSync(write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    write(encoder);
    this.sent++;
    this.world.receive(this, encoding.toUint8Array(encoder));
  }

  take(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes);
    const channel = decoding.readVarUint(decoder);
    if (channel === 1) this.awareness.push(decoding.readVarUint8Array(decoder));
    if (channel === 2 && this.kind === "sdk") {
      this.rebuilt++;
      this.renew(this.doc.clientID + 1000);
      this.hello();
    }
    if (channel !== 0) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    readSyncMessage(decoder, encoder, this.doc, this);
    if (encoding.length(encoder) <= 1) return;
    this.sent++;
    this.world.receive(this, encoding.toUint8Array(encoder));
  }

  hear(message: DownMessage): void {
    this.told.push(message);
    if (message.type === "syncDown") this.take(message.body);
    if (message.type === "denied") this.denied.push(message);
    if (message.type !== "ack") return;
    this.acked = Math.max(this.acked, message.updates);
    if (message.epoch !== this.epoch) this.beginAnew(message);
  }

  /** As the SDK does: a fresh replica, asked for by the new root. What was not acknowledged is for the test to make again. */
  private beginAnew({ epoch, clocks }: Extract<DownMessage, { type: "ack" }>): void {
    this.epoch = epoch;
    this.renew(this.doc.clientID + 1000);
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint8Array(encoder, Y.encodeStateVector(new Map([[clocks[0]?.client ?? 0, 0]])));
    this.world.receive(this, encoding.toUint8Array(encoder));
  }
}

/** Carries a message of one direction now, later, often or never. */
export type Link = (peer: Peer, direction: "up" | "down", deliver: () => void) => void;

export class World {
  document: SceneDocument;
  readonly permissions: PermissionTable;
  private readonly link: Link;
  readonly peers = new Map<SessionId, Peer>();
  readonly effects: CoreEffect[] = [];
  /** Appends not landed yet. */
  readonly appends: Append[] = [];
  /** Re-rootings that the store was asked for. */
  readonly reroots: Reroot[] = [];
  /** What is on the disk. */
  log: AppendRecord[] = [];
  epoch = 1;
  private retired: Uint8Array | undefined;
  /** Lands appends as they come. */
  auto: boolean;
  nowMs = 0;
  private readonly inbox: { readonly peer: Peer; readonly bytes: Uint8Array }[] = [];
  private busy = false;
  private joins = 0;

  constructor(options: { readonly auto?: boolean; readonly scene?: Scene; readonly link?: Link } = {}) {
    this.auto = options.auto ?? true;
    this.link = options.link ?? ((_peer, _direction, deliver) => deliver());
    const scene = options.scene ?? workshop;
    this.permissions = new PermissionTable(scene);
    this.document = new SceneDocument({ scene, epoch: 1, seq: 0, clientId: SERVER_ID, permissions: this.permissions });
    this.document.load(undefined, []);
  }

  /** The store makes a fresh generation, or fails to; the room takes it over, a slice a tick. */
  reroot(ok = true): void {
    const [asked] = this.reroots.splice(0);
    if (asked === undefined) throw new Error("no re-rooting was asked for");
    if (!ok) return this.perform(this.document.rerooted(undefined));
    const root = 0xf000_0000 + this.epoch;
    const fresh = freshRoot(
      this.log.map(({ update }) => update),
      root,
    );
    if (!fresh.ok) throw new Error(fresh.error);
    this.log = fresh.value.map(({ update, clock }) => ({ user: "", client: root, clock, update }));
    this.retired = asked.note.value;
    this.epoch++;
    this.perform(this.document.rerooted({ epoch: this.epoch, root, updates: fresh.value.map(({ update }) => update) }));
    for (let renewed = false; !renewed;) {
      const tick = this.document.tick(this.nowMs);
      renewed = tick.renewed;
      this.perform(tick.effects);
    }
  }

  /** Kills the server and starts it on what is on the disk; everybody is out. */
  restart(): void {
    this.peers.clear();
    this.appends.length = 0;
    const retired = RetiredClients.decode(this.retired);
    this.document = new SceneDocument({ scene: workshop, epoch: this.epoch, seq: this.log.length, clientId: SERVER_ID, retired });
    const owners = new Map<number, string>();
    for (const { client, user } of this.log) if (!owners.has(client)) owners.set(client, user);
    const loaded = this.document.load(
      undefined,
      this.log.map(({ update }) => update),
      owners,
    );
    if (!loaded.ok) throw new Error(loaded.error.sentence);
  }

  join(name: string, options: { readonly role?: string; readonly kind?: PeerKind; readonly clientId?: number } = {}): Peer {
    const peer = new Peer(this, name, options.kind ?? "sdk", options.clientId ?? 100 + this.peers.size);
    return this.admit(peer, options.role ?? "member");
  }

  /** Lets an existing replica in (again). */
  admit(peer: Peer, role = "member"): Peer {
    peer.session = `${peer.user}-${++this.joins}` as SessionId;
    this.peers.set(peer.session, peer);
    peer.sent = 0;
    peer.acked = 0;
    this.perform(this.document.join(peer.session, { user: peer.user, name: peer.user, role }, peer.kind));
    peer.hello();
    return peer;
  }

  leave(peer: Peer): void {
    this.peers.delete(peer.session);
    this.perform(this.document.leave(peer.session));
  }

  receive(peer: Peer, bytes: Uint8Array): void {
    const { session } = peer;
    this.link(peer, "up", () => {
      if (peer.session !== session) return;
      this.inbox.push({ peer, bytes });
      this.run();
    });
  }

  /** What arrives for a session that has ended meanwhile is lost with it. */
  private deliver(peer: Peer, take: () => void): void {
    const { session } = peer;
    this.link(peer, "down", () => {
      if (peer.session === session && this.peers.get(session) === peer) take();
    });
  }

  /** Lands the oldest append. */
  land(ok = true, sentence = "The disk is full."): void {
    const append = this.appends.shift();
    if (append === undefined) throw new Error("nothing to land");
    if (ok) this.log.push(...append.records);
    this.perform(this.document.appended(append.batch, ok, sentence, this.nowMs));
  }

  perform(effects: readonly CoreEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind === "append") this.appends.push(effect);
      if (effect.kind === "reroot") this.reroots.push(effect);
      if (effect.kind !== "send" && effect.kind !== "sendDoc" && effect.kind !== "close") continue;
      const peer = this.peers.get(effect.session);
      if (effect.kind === "close" && peer !== undefined) {
        peer.closed = effect.reason;
        this.leave(peer);
      } else if (effect.kind === "sendDoc" && peer !== undefined) this.deliver(peer, () => peer.take(effect.bytes));
      else if (effect.kind === "send" && peer !== undefined) {
        const message = decodeDown(effect.bytes[1] ?? 0, effect.bytes.subarray(2));
        if (!message.ok) throw new Error(`undecodable ${JSON.stringify(message.error)}`);
        this.deliver(peer, () => peer.hear(message.value));
      }
    }
    this.run();
  }

  /** Messages are handled one at a time, in order, as in the room. */
  private run(): void {
    if (this.busy) return;
    this.busy = true;
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      if (this.peers.get(next.peer.session) === next.peer) this.perform(this.document.receive(next.peer.session, next.bytes, this.nowMs));
    }
    this.busy = false;
    while (this.auto && this.appends.length > 0) this.land();
    if (this.inbox.length > 0) this.run();
  }
}

/** The content of a replica, for comparing. */
export const contentOf = (doc: Y.Doc): unknown => doc.getMap("objects").toJSON();
