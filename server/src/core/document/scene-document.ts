/**
 * One scene's document: durable before visible, for SDK peers and stock y-websocket peers alike. Pure: no clock, no await, no dice.
 *
 * [SE1] The order of every edit: gate -> append -> fsync -> apply, broadcast, ack. The Y.Doc holds durable state only, so nobody ever sees an
 *       edit that later vanishes, not even through a sync step.
 * [SE2] Acks are cumulative and in order: `updates` counts a session's step-2 and update messages that are settled (durable, refused or
 *       without effect). A later message is never acknowledged before an earlier one.
 * [SE3] A refused edit never enters the document. The author's replica cannot be repaired from outside without touching everybody's (an inverse
 *       would re-create what was deleted, and could win over a third person's concurrent edit), so it is thrown away: the author gets `denied`
 *       and the y-protocols "permission denied", and its updates are ignored until its next sync step 1, which a fresh Y.Doc (fresh clientID)
 *       sends. Stock peers get the same bytes and are closed.
 * [SE4] When the store fails, the document is read-only: what was admitted waits and is retried first, new edits get `denied{read-only}` and
 *       stay with their authors, who keep their replica; on recovery the room asks them with a sync step 1 and the answer carries the edits.
 * [SE5] Whatever one peer sends costs that peer only, and bounded work.
 */
import { assert, err, isIdentifier, ok, type Result, type SessionId } from "@copresence/shared/base";
import { type CloseName, type DeniedReason, type DownMessage, encodeMessage } from "@copresence/shared/protocol";
import {
  listObjects,
  type ObjectTransform,
  objectsRoot,
  packTransform,
  type PlainObject,
  readObject,
  type RoleSpec,
  type Scene,
  unpackTransform,
} from "@copresence/shared/scene";
import * as Y from "yjs";
import type { AppendRecord, CoreEffect, Identity, PipelineEvent } from "../types.ts";
import { AppendQueue } from "./append-queue.ts";
import { AwarenessTable } from "./awareness-table.ts";
import { ChangeLog } from "./change-log.ts";
import { ClientRegistry } from "./client-registry.ts";
import { DocSession, FORGED_MAX, type PeerKind } from "./doc-session.ts";
import { decodeDocMessage, encodeAwareness, encodeDocUpdate, encodePermissionDenied, encodeStep1, encodeStep2 } from "./doc-wire.ts";
import { type Admitted, Gate } from "./gate.ts";
import { PendingIndex } from "./pending-index.ts";
import { idKey } from "./places.ts";
import type { Denial } from "./policy.ts";
import { encodeMapSet, encodeVector } from "./update-bytes.ts";

export type SceneDocumentOptions = {
  readonly scene: Scene;
  readonly epoch: number;
  /** Sequence number of the last durable record. */
  readonly seq: number;
  /** Yjs clientID the server writes under; the same after a restart is fine, since nothing undurable is ever seen. */
  readonly clientId: number;
};

/** Compaction is worth its cost after this much log (OBJECTS.md). */
const COMPACT_UPDATES = 500;
const COMPACT_BYTES = 256 * 1024;
/** Below LIMITS.syncDownBytes, with room for one batch: the whole document must fit one sync message. */
const DOCUMENT_BYTES_MAX = 24 << 20;
/** Delete ranges that may wait for the disk: each new deletion is compared with all of them. */
const WAITING_DELETES_MAX = 16_384;
/** Clocks named in one ack (protocol registry). */
const ACK_CLOCKS = 16;

type Edit = {
  readonly record: AppendRecord;
  readonly session: SessionId | undefined;
  /** `DocSession.synced` when it was admitted. */
  readonly synced: number;
  readonly clocks: Admitted["clocks"];
  /** Ordinal of the newest message of the session that is settled once this edit is durable. */
  ackTo: number;
};

/** A message that repeats what is queued under another session. */
type Echo = { readonly session: DocSession; readonly batch: number; ackTo: number };

export type Corrupt = { readonly code: "corrupt"; readonly sentence: string };

export class SceneDocument {
  private readonly scene: Scene;
  private readonly epoch: number;
  private readonly clientId: number;
  private seq: number;
  /** Durable state only [SE1]. */
  private readonly doc: Y.Doc;
  private readonly pending: PendingIndex;
  private readonly queue = new AppendQueue<Edit>();
  private readonly sessions = new Map<SessionId, DocSession>();
  private echoes: readonly Echo[] = [];
  private readonly awareness = new AwarenessTable();
  private readonly changes: ChangeLog;
  private clients: ClientRegistry;
  private gate: Gate;
  private trouble: string | undefined;
  private logUpdates = 0;
  private logBytes = 0;
  private documentBytes = 0;
  private recount = true;

  constructor(options: SceneDocumentOptions) {
    this.scene = options.scene;
    this.epoch = options.epoch;
    this.seq = options.seq;
    this.clientId = options.clientId;
    // Only ever applies updates, its own edits included, so it keeps its random clientID: Yjs changes the id of a document that is handed
    // updates written under it.
    this.doc = new Y.Doc({ gc: true });
    this.pending = new PendingIndex(this.doc);
    this.changes = new ChangeLog(this.scene, this.doc);
    this.clients = new ClientRegistry(this.clientId, new Map());
    this.gate = this.makeGate();
    objectsRoot(this.doc).observe(() => (this.recount = true));
  }

  /** True while the store is in trouble [SE4]. */
  get readOnly(): boolean {
    return this.trouble !== undefined;
  }
  /** Appends under way or waiting. */
  get pendingBatches(): number {
    return this.queue.length;
  }
  /** Number of the batch that makes the newest admitted edit durable. */
  get queuedBatch(): number {
    return this.queue.newest;
  }

  /**
   * Takes what the store has; called once, before anything else. `owners` says whose clientIDs the document names. Anything unreadable or
   * incomplete is `corrupt`: a room never starts on less than was acknowledged.
   */
  load(snapshot: Uint8Array | undefined, updates: readonly Uint8Array[], owners: ReadonlyMap<number, string> = new Map()): Result<void, Corrupt> {
    try {
      this.doc.transact(() => {
        if (snapshot !== undefined) Y.applyUpdate(this.doc, snapshot);
        for (const update of updates) Y.applyUpdate(this.doc, update);
      });
    } catch {
      return corrupt("The stored document cannot be decoded; restore it from a backup or the previous snapshot.");
    }
    if (this.incomplete())
      return corrupt("The stored document lacks updates that others build on; restore it from a backup or the previous snapshot.");
    this.clients = new ClientRegistry(this.clientId, owners);
    this.gate = this.makeGate();
    this.logUpdates = updates.length;
    this.logBytes = updates.reduce((sum, update) => sum + update.length, 0);
    this.documentBytes = (snapshot?.length ?? 0) + this.logBytes;
    this.changes.start();
    this.recountObjects();
    return ok(undefined);
  }

  /** A peer comes in: it is asked what it has, and told who is present. */
  join(session: SessionId, identity: Identity, peer: PeerKind): CoreEffect[] {
    const role: RoleSpec | undefined = Object.hasOwn(this.scene.roles, identity.role) ? this.scene.roles[identity.role] : undefined;
    const joined = new DocSession(session, identity, role, peer);
    this.sessions.set(session, joined);
    const effects = [this.toPeer(joined, encodeStep1(encodeVector(this.pending.vector())))];
    const present = this.awareness.all();
    if (present !== undefined) effects.push(this.toPeer(joined, encodeAwareness(present)));
    if (this.trouble !== undefined && peer === "sdk") effects.push(message(session, { type: "storage", state: "bad", sentence: this.trouble }));
    return effects;
  }

  leave(session: SessionId): CoreEffect[] {
    if (!this.sessions.delete(session)) return [];
    this.clients.forget(session);
    const gone = this.awareness.leave(session);
    return gone === undefined ? [] : this.toOthers(session, encodeAwareness(gone));
  }

  /** y-protocols bytes of a peer. `nowMs` only fills token buckets. */
  receive(session: SessionId, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    const from = this.sessions.get(session);
    if (from === undefined) return [];
    const decoded = decodeDocMessage(bytes);
    if (!decoded.ok) return this.refuse(from, refusal("malformed", decoded.error), true, nowMs);
    switch (decoded.value.kind) {
      case "step1":
        return this.sync(from, decoded.value.vector, nowMs);
      case "step2":
      case "update":
        return this.edit(from, decoded.value.update, decoded.value.kind === "step2", nowMs);
      case "awareness": {
        const others = this.awareness.receive(session, from.identity, decoded.value.body);
        if (others === "malformed") return this.strike(from, nowMs);
        return others === undefined ? [] : this.toOthers(session, encodeAwareness(others));
      }
      case "queryAwareness": {
        const present = this.awareness.all();
        return present === undefined ? [] : [this.toPeer(from, encodeAwareness(present))];
      }
      case "auth":
        return [];
    }
  }

  /** The store's answer to an `append`. */
  appended(batch: number, durable: boolean, sentence: string): CoreEffect[] {
    const edits = this.queue.landed(batch, durable);
    if (edits !== undefined) return [...this.echoAcks(batch), ...this.applyDurable(edits)];
    if (durable || this.queue.length === 0) return [];
    this.trouble = sentence;
    return this.toSdk({ type: "storage", state: "bad", sentence: clip(sentence) });
  }

  /** The log was folded into a snapshot of this many bytes; `logBytes` came since it was asked for, some of them within it. */
  compacted(bytes: number): void {
    this.documentBytes = bytes + this.logBytes;
  }

  /** The store works again: what waited goes first, then everybody may edit and those who kept edits are asked for them [SE4]. */
  recovered(): CoreEffect[] {
    if (this.trouble === undefined) return [];
    this.trouble = undefined;
    const effects = this.toSdk({ type: "storage", state: "good", sentence: "Edits are being saved again." });
    const ask = encodeStep1(encodeVector(this.pending.vector()));
    for (const session of this.sessions.values()) {
      if (session.stale !== "read-only") continue;
      session.stale = undefined;
      session.asked = true;
      effects.push(this.toPeer(session, ask));
    }
    return this.launch(effects);
  }

  /**
   * The one durable write at the end of a hold. [] when the object is gone or has no transform, when the value is not a transform, and while
   * read-only (the caller keeps it). The write may join a later batch: see `queuedBatch`.
   */
  writeTransform(object: string, transform: ObjectTransform, user: string): CoreEffect[] {
    const value = packTransform(transform);
    if (this.readOnly || unpackTransform(value) === undefined) return [];
    const map = this.gate.newestWrite({ at: "root", object });
    if (map === null || this.gate.policyOf(map, "transform") !== "leased") return [];
    const previous = this.gate.newestWrite({ at: "object", object, map: idKey(map.client, map.clock), field: "transform" });
    const id = Y.createID(this.clientId, this.pending.end(this.clientId));
    return this.enqueueOwn(encodeMapSet(id, map, "transform", previous, value), user);
  }

  /**
   * Any other edit by the server (seeding a space, moderation): `change` runs on a replica that is ahead by what waits for the disk. Costs a
   * copy of the document. [] while read-only, and when `change` changes nothing.
   */
  serverEdit(user: string, change: (doc: Y.Doc) => void): CoreEffect[] {
    if (this.readOnly) return [];
    const replica = new Y.Doc({ gc: true });
    Y.applyUpdate(replica, Y.encodeStateAsUpdate(this.doc));
    for (const edit of this.queue.all()) Y.applyUpdate(replica, edit.record.update);
    replica.clientID = this.clientId;
    const updates: Uint8Array[] = [];
    replica.on("update", (update: Uint8Array) => updates.push(update));
    replica.transact(() => change(replica));
    replica.destroy();
    return updates.flatMap((update) => this.enqueueOwn(update, user));
  }

  object(id: string): PlainObject | undefined {
    return readObject(this.doc, this.scene, id);
  }

  objects(): PlainObject[] {
    return listObjects(this.doc, this.scene);
  }

  /** The whole scene as pipeline events, for a pipeline that starts with nothing. */
  allEvents(): PipelineEvent[] {
    return this.changes.everything(this.seq);
  }

  /** Durable state as one Yjs V1 update. */
  state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc);
  }

  private makeGate(): Gate {
    const { scene, doc, pending, clients } = this;
    return new Gate({ scene, doc, pending, clients });
  }

  /** Answers a sync step 1 with what is durable, and lets a peer that starts anew edit again. */
  private sync(from: DocSession, vector: Uint8Array, nowMs: number): CoreEffect[] {
    if (!from.syncs.take(nowMs)) return [{ kind: "close", session: from.id, reason: "tooManyMessages" }];
    let missing: Uint8Array;
    try {
      missing = Y.encodeStateAsUpdate(this.doc, vector);
    } catch {
      return this.strike(from, nowMs);
    }
    if (from.stale === "refused") from.stale = undefined;
    from.synced++;
    return [this.toPeer(from, encodeStep2(missing))];
  }

  private edit(from: DocSession, update: Uint8Array, isAnswer: boolean, nowMs: number): CoreEffect[] {
    const ordinal = ++from.received;
    if (isAnswer) from.asked = false;
    if (from.stale !== undefined) return this.settle(from, ordinal);
    const verdict = this.gate.admit(update, { session: from.id, identity: from.identity, role: from.role, room: this.room(update.length) });
    switch (verdict.kind) {
      case "nothing":
        return this.settleKnown(from, ordinal);
      case "gap": {
        if (isAnswer) {
          return this.refuse(from, refusal("malformed", "The answer to a sync step lacks what it builds on."), true, nowMs);
        }
        const ask = from.asked ? [] : [this.toPeer(from, encodeStep1(encodeVector(this.pending.vector())))];
        from.asked = true;
        return [...ask, ...this.settle(from, ordinal)];
      }
      case "refused":
        return this.refuse(from, verdict.denial, verdict.forged, nowMs);
      case "admitted": {
        const { id, identity, synced } = from;
        from.waiting = this.enqueue(verdict, { user: identity.user, session: id, synced, ackTo: ordinal });
        return this.launch([]);
      }
    }
  }

  /** Why no edit of this size can be taken now, or undefined. */
  private room(bytes: number): Denial | undefined {
    if (this.trouble !== undefined) return refusal("read-only", "Edits cannot be saved at the moment; yours are kept until they can.");
    if (!this.queue.fits(bytes) || this.pending.deleteRanges > WAITING_DELETES_MAX)
      return refusal("too-many", "More edits wait to be saved than the space can hold; try again.");
    return this.documentBytes + bytes > DOCUMENT_BYTES_MAX
      ? refusal("too-large", "The space's document is full; delete something first.")
      : undefined;
  }

  private enqueue(admitted: Admitted, by: { readonly user: string } & Pick<Edit, "session" | "synced" | "ackTo">): Edit {
    const { update, client, clock, clocks } = admitted;
    const { user, ...author } = by;
    const edit: Edit = { record: { user, client, clock, update }, clocks, ...author };
    this.queue.push(edit);
    return edit;
  }

  private enqueueOwn(update: Uint8Array, user: string): CoreEffect[] {
    const admitted = this.gate.admitOwn(update);
    if (admitted === undefined) return [];
    this.enqueue(admitted, { user, session: undefined, synced: 0, ackTo: 0 });
    return this.launch([]);
  }

  private launch(effects: CoreEffect[]): CoreEffect[] {
    const batch = this.trouble === undefined ? this.queue.launch() : undefined;
    if (batch !== undefined) effects.push({ kind: "append", batch: batch.number, records: batch.edits.map(({ record }) => record) });
    return effects;
  }

  private applyDurable(edits: readonly Edit[]): CoreEffect[] {
    const effects: CoreEffect[] = [];
    for (const edit of edits) {
      const { update, user } = edit.record;
      Y.applyUpdate(this.doc, update);
      this.seq++;
      this.logUpdates++;
      this.logBytes += update.length;
      this.documentBytes += update.length;
      effects.push(...this.toOthers(this.holder(edit), encodeDocUpdate(update)));
      for (const event of this.changes.take(this.seq, user)) effects.push({ kind: "event", event });
    }
    assert(!this.incomplete(), "an admitted update integrates completely");
    this.gate.settled(edits.length);
    this.recountObjects();
    effects.push(...this.acks(edits), { kind: "count", metric: "edit_accepted", by: edits.length });
    return this.launch(this.compact(effects));
  }

  /** The session whose replica has the edit already: its author's, unless it began anew since. */
  private holder({ session, synced }: Edit): SessionId | undefined {
    return session !== undefined && this.sessions.get(session)?.synced === synced ? session : undefined;
  }

  private acks(edits: readonly Edit[]): CoreEffect[] {
    const done = new Map<DocSession, Map<number, number>>();
    const updates = new Map<DocSession, number>();
    for (const edit of edits) {
      const session = edit.session === undefined ? undefined : this.sessions.get(edit.session);
      if (session === undefined) continue;
      if (session.waiting === edit) session.waiting = undefined;
      updates.set(session, edit.ackTo);
      const clocks = done.get(session) ?? new Map<number, number>();
      for (const { client, clock } of edit.clocks) clocks.set(client, clock);
      done.set(session, clocks);
    }
    return [...done].flatMap(([session, clocks]) => this.ack(session, updates.get(session) ?? 0, clocks));
  }

  private ack(session: DocSession, updates: number, clocks: ReadonlyMap<number, number>): CoreEffect[] {
    if (session.peer !== "sdk") return [];
    const list = [...clocks].slice(-ACK_CLOCKS).map(([client, clock]) => ({ client, clock }));
    return [message(session.id, { type: "ack", epoch: this.epoch, updates, level: "disk", clocks: list })];
  }

  /**
   * What the room has already may still be on its way to the disk, sent by an earlier session of the same person: it is settled when
   * everything that is queued by now is durable.
   */
  private settleKnown(session: DocSession, ordinal: number): CoreEffect[] {
    if (session.waiting !== undefined || this.queue.length === 0) return this.settle(session, ordinal);
    const echo: Echo = { session, batch: this.queue.newest, ackTo: ordinal };
    session.waiting = echo;
    this.echoes = [...this.echoes, echo];
    return [];
  }

  private echoAcks(batch: number): CoreEffect[] {
    const due = this.echoes.filter((echo) => echo.batch <= batch);
    if (due.length === 0) return [];
    this.echoes = this.echoes.filter((echo) => echo.batch > batch);
    return due.flatMap((echo) => {
      if (echo.session.waiting === echo) echo.session.waiting = undefined;
      return this.sessions.get(echo.session.id) === echo.session ? this.ack(echo.session, echo.ackTo, new Map()) : [];
    });
  }

  /** A message that needs no disk is settled with the edit before it, or at once [SE2]. */
  private settle(session: DocSession, ordinal: number): CoreEffect[] {
    if (session.waiting === undefined) return this.ack(session, ordinal, new Map());
    session.waiting.ackTo = ordinal;
    return [];
  }

  private compact(effects: CoreEffect[]): CoreEffect[] {
    if (this.logUpdates < COMPACT_UPDATES && this.logBytes < COMPACT_BYTES) return effects;
    this.logUpdates = 0;
    this.logBytes = 0;
    effects.push({ kind: "compact" });
    return effects;
  }

  /** [SE3] [SE4] */
  private refuse(from: DocSession, denial: Denial, forged: boolean, nowMs: number): CoreEffect[] {
    const keep = denial.reason === "read-only";
    from.stale = keep ? "read-only" : "refused";
    const ref = from.received & 0xffff;
    const object = isIdentifier(denial.object) ? denial.object : "";
    const field = isIdentifier(denial.field) ? denial.field : "";
    const effects: CoreEffect[] = [{ kind: "count", metric: forged ? "malformed" : "edit_denied", by: 1 }];
    if (from.peer === "sdk") {
      effects.push(message(from.id, { type: "denied", ref, reason: denial.reason, object, field, sentence: clip(denial.sentence) }));
      if (!keep) effects.push(this.toPeer(from, encodePermissionDenied(denial.reason)));
      effects.push(...this.settle(from, from.received));
    } else {
      effects.push(this.toPeer(from, encodePermissionDenied(denial.reason)));
    }
    const reason = this.verdictOn(from, forged, keep, nowMs);
    if (reason !== undefined) effects.push({ kind: "close", session: from.id, reason });
    return effects;
  }

  private verdictOn(from: DocSession, forged: boolean, keep: boolean, nowMs: number): CloseName | undefined {
    if (forged && ++from.forged >= FORGED_MAX) return "malformedMessage";
    if (from.peer === "stock") return keep ? "storageUnavailable" : forged ? "malformedMessage" : "deniedTooOften";
    return keep || from.denials.take(nowMs) ? undefined : "deniedTooOften";
  }

  /** A message that is no edit and cannot be read. */
  private strike(from: DocSession, nowMs: number): CoreEffect[] {
    return this.refuse(from, refusal("malformed", "A document message could not be read."), true, nowMs);
  }

  private toPeer(session: DocSession, body: Uint8Array): CoreEffect {
    if (session.peer === "stock") return { kind: "sendDoc", session: session.id, bytes: body };
    return message(session.id, { type: "syncDown", body });
  }

  /** One encoding per kind of peer, shared by all of that kind: nobody writes into an effect's bytes. */
  private toOthers(author: SessionId | undefined, body: Uint8Array): CoreEffect[] {
    let wrapped: Uint8Array | undefined;
    const effects: CoreEffect[] = [];
    for (const { id, peer } of this.sessions.values()) {
      if (id === author) continue;
      if (peer === "stock") effects.push({ kind: "sendDoc", session: id, bytes: body });
      else effects.push({ kind: "send", session: id, bytes: (wrapped ??= encodeMessage({ type: "syncDown", body })), droppable: false });
    }
    return effects;
  }

  private toSdk(down: DownMessage): CoreEffect[] {
    const bytes = encodeMessage(down);
    const sdk = [...this.sessions.values()].filter(({ peer }) => peer === "sdk");
    return sdk.map(({ id }): CoreEffect => ({ kind: "send", session: id, bytes, droppable: false }));
  }

  private recountObjects(): void {
    if (!this.recount) return;
    this.recount = false;
    this.gate.objectCount = objectsRoot(this.doc).size;
  }

  private incomplete(): boolean {
    return this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null;
  }
}

function message(session: SessionId, down: DownMessage): CoreEffect {
  return { kind: "send", session, bytes: encodeMessage(down), droppable: false };
}

const corrupt = (sentence: string) => err<Corrupt>({ code: "corrupt", sentence });
/** A refusal that is about no object in particular. */
const refusal = (reason: DeniedReason, sentence: string): Denial => ({ reason, object: "", field: "", sentence });

/** Sentences travel in 256 bytes; ours are ASCII. */
const clip = (sentence: string): string => sentence.replace(/[^\x20-\x7e]/g, "?").slice(0, 256);
