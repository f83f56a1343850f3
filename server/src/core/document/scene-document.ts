/**
 * One scene's document: durable before visible, for SDK peers and stock y-websocket peers alike. Pure: no clock, no await, no dice.
 *
 * [SE1] The order of every edit: gate -> append -> fsync -> ack, apply, broadcast. The Y.Doc holds durable state only, so nobody ever sees an
 *       edit that later vanishes, not even through a sync step.
 * [SE2] Acks are cumulative and in order: `updates` counts a session's step-2 and update messages that are settled (durable, refused or
 *       without effect). A later message is never acknowledged before an earlier one.
 * [SE3] A refused edit never enters the document. The author's replica cannot be repaired from outside without touching everybody's (an inverse
 *       would re-create what was deleted, and could win over a third person's concurrent edit), so it is thrown away: the author gets `denied`
 *       and the y-protocols "permission denied", and its updates are ignored until its next sync step 1, which a fresh Y.Doc (fresh clientID)
 *       sends. Stock peers get the same bytes and are closed.
 * [SE4] When the store fails, the document is read-only: what was admitted waits and is retried first, new edits get `denied{read-only}` and
 *       stay with their authors, who keep their replica; on recovery the room asks them with a sync step 1 and the answer carries the edits.
 * [SE5] Whatever one peer sends costs that peer only, and bounded work: no update holds the thread longer than `SLOW_MS`; who sends some that
 *       do is closed.
 * [SE6] Who owns a clientID is durable no later than the first edit written under it; the room's own belong to nobody (client-registry.ts).
 */
import { assert, err, isIdentifier, ok, type Result, type SessionId } from "@copresence/shared/base";
import { type CloseName, type DeniedReason } from "@copresence/shared/protocol";
import {
  listObjects,
  type ObjectTransform,
  objectsRoot,
  documentVersion,
  migrateDocument,
  packTransform,
  PermissionTable,
  type PlainObject,
  readField,
  readObject,
  type Right,
  type Scene,
  unpackTransform,
} from "@copresence/shared/scene";
import * as Y from "yjs";
import type { UndoneObject } from "../history/types.ts";
import type { AppendRecord, CoreEffect, Identity, PipelineEvent } from "../types.ts";
import { AppendQueue } from "./append-queue.ts";
import { AwarenessTable } from "./awareness-table.ts";
import { Broadcasts, type ToldEdit } from "./broadcasts.ts";
import { ChangeLog } from "./change-log.ts";
import { askedValue, type CasAsk, CasDesk } from "./cas-desk.ts";
import { ClientRegistry, NOBODY } from "./client-registry.ts";
import { DocSession, FORGED_MAX, type PeerKind, SLOW_MAX, SLOW_MS } from "./doc-session.ts";
import { decodeDocMessage, encodeAwareness, encodePermissionDenied, encodeStep1, encodeStep2 } from "./doc-wire.ts";
import { DocOutbound, sdkMessage } from "./doc-outbound.ts";
import { type Admitted, Gate } from "./gate.ts";
import { LogSize } from "./log-size.ts";
import { partialReplica } from "./partial-replica.ts";
import { PendingIndex } from "./pending-index.ts";
import { fieldPlace, idKey, rootPlace } from "./places.ts";
import type { Denial } from "./policy.ts";
import { Settlement, type Settling } from "./settlement.ts";
import { writeUndone } from "./undo.ts";
import { encodeMapSet, encodeVector, NOTHING } from "./update-bytes.ts";

export type SceneDocumentOptions = {
  readonly scene: Scene;
  readonly epoch: number;
  /** Sequence number of the last durable record. */
  readonly seq: number;
  /** Yjs clientID the server writes under; the same after a restart is fine, since nothing undurable is ever seen. */
  readonly clientId: number;
  /** Who may do what; default: what the scene declares. */
  readonly permissions?: PermissionTable | undefined;
  /** Milliseconds that pass, to find updates that take too long; without it none is found, and everything is deterministic. */
  readonly stopwatch?: (() => number) | undefined;
  /** Carries effects out at once and returns true, or returns false: then they leave with the others. */
  readonly soon?: ((effects: readonly CoreEffect[]) => boolean) | undefined;
};

/** Delete ranges that may wait for the disk: each new deletion is compared with all of them. */
const WAITING_DELETES_MAX = 16_384;

type Edit = Settling & ToldEdit & Pick<Admitted, "weightUs" | "places"> & { record: AppendRecord };
/** What applying updates together may cost, estimated: below, no author is to blame for the others' time. */
const TOGETHER_US = 4000;

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
  private readonly awareness = new AwarenessTable();
  private readonly changes: ChangeLog;
  private readonly permissions: PermissionTable;
  private readonly stopwatch: () => number;
  private readonly soon: (effects: readonly CoreEffect[]) => boolean;
  private readonly out = new DocOutbound(this.sessions);
  private readonly broadcasts = new Broadcasts(this.out, this.sessions);
  private readonly settlement: Settlement;
  private readonly cas: CasDesk;
  private clients = new ClientRegistry(new Map());
  /** The room's own clientID is on record as nobody's [SE6]. */
  private ownClaimed = false;
  private gate: Gate;
  private trouble: string | undefined;
  private readonly size = new LogSize();
  /** All there is, as it was stored: whoever opened the space is answered with it instead of with the same thing encoded anew. */
  private stored: Uint8Array | undefined;
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
    this.permissions = options.permissions ?? new PermissionTable(this.scene);
    this.stopwatch = options.stopwatch ?? (() => 0);
    this.soon = options.soon ?? (() => false);
    this.settlement = new Settlement(this.epoch, this.sessions);
    this.cas = new CasDesk((object, field) => readField(this.doc, this.scene, object, field));
    this.clients.reserve(this.clientId);
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
    const version = documentVersion(this.doc, this.scene);
    if (version.kind === "newer") {
      const { name, version: own } = this.scene;
      return corrupt(
        `The document was written for version ${version.version} of scene "${name}", this server has version ${own}; deploy the newer one.`,
      );
    }
    this.clients = new ClientRegistry(owners);
    this.ownClaimed = owners.get(this.clientId) === NOBODY;
    this.clients.reserve(this.clientId);
    for (const client of this.doc.store.clients.keys()) if (!owners.has(client)) this.clients.reserve(client);
    this.gate = this.makeGate();
    this.size.loaded(snapshot?.length ?? 0, updates);
    this.stored = updates.length === 0 ? snapshot : undefined;
    this.recountObjects();
    return ok(undefined);
  }

  /** A peer comes in: it is asked what it has, and told who is present. */
  join(session: SessionId, identity: Identity, peer: PeerKind): CoreEffect[] {
    const joined = new DocSession(session, identity, peer);
    this.sessions.set(session, joined);
    const effects = [this.out.toPeer(joined, encodeStep1(encodeVector(this.pending.vector())))];
    const present = this.awareness.all();
    if (present !== undefined) effects.push(this.out.toPeer(joined, encodeAwareness(present)));
    if (this.trouble !== undefined && peer === "sdk") effects.push(sdkMessage(session, { type: "storage", state: "bad", sentence: this.trouble }));
    return effects;
  }

  leave(session: SessionId): CoreEffect[] {
    if (!this.sessions.delete(session)) return [];
    this.clients.forget(session);
    this.cas.forget(session);
    const gone = this.awareness.leave(session);
    return gone === undefined ? [] : this.out.toOthers(session, encodeAwareness(gone));
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
        return others === undefined ? [] : this.out.toOthers(session, encodeAwareness(others));
      }
      case "queryAwareness": {
        const present = this.awareness.all();
        return present === undefined ? [] : [this.out.toPeer(from, encodeAwareness(present))];
      }
      case "auth":
        return [];
    }
  }

  /** The store's answer to an `append`. */
  appended(batch: number, durable: boolean, sentence: string, nowMs: number): CoreEffect[] {
    const edits = this.queue.landed(batch, durable);
    if (edits !== undefined) return this.applyDurable(edits, batch, nowMs);
    if (durable || this.queue.length === 0) return [];
    return this.inTrouble(sentence);
  }

  /** A write hangs: read-only until it is known what became of it [SE4]. What is under way stays so: it is neither failed nor made again. */
  stalled(sentence: string): CoreEffect[] {
    return this.trouble === undefined ? this.inTrouble(sentence) : [];
  }

  /** A person who is not here is erased: what still waits to be written, and whose clientIDs are whose, names `alias` instead. */
  forgetPerson(user: string, alias: string): void {
    this.clients.rename(user, alias);
    for (const edit of this.queue.all()) if (edit.record.user === user) edit.record = { ...edit.record, user: alias };
  }

  private inTrouble(sentence: string): CoreEffect[] {
    this.trouble = sentence;
    return [...this.broadcasts.flush(), ...this.out.toSdk({ type: "storage", state: "bad", sentence: clip(sentence) })];
  }

  /** Once per tick: what changed since the last one, for the pipeline. */
  tellChanges(): CoreEffect[] {
    this.stored = undefined;
    return this.changes.tell(this.seq).map(({ event, by }): CoreEffect => ({ kind: "event", event, by }));
  }

  /** The log was folded into a snapshot of this many bytes. */
  compacted(bytes: number): void {
    this.size.compacted(bytes);
  }

  /** The store works again: what waited goes first, then everybody may edit and those who kept edits are asked for them [SE4]. */
  recovered(): CoreEffect[] {
    if (this.trouble === undefined) return [];
    this.trouble = undefined;
    const effects = this.out.toSdk({ type: "storage", state: "good", sentence: "Edits are being saved again." });
    const ask = encodeStep1(encodeVector(this.pending.vector()));
    for (const session of this.sessions.values()) {
      if (session.stale !== "read-only") continue;
      session.stale = undefined;
      session.asked = true;
      effects.push(this.out.toPeer(session, ask));
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
    const map = this.gate.newestWrite(rootPlace(object));
    return map !== null && this.gate.policyOf(map, "transform") === "leased" ? this.writeField(map, object, "transform", value, user) : [];
  }

  /** A person's compare-and-set; the answer comes when what decided it is durable. */
  compareAndSet(session: SessionId, ask: CasAsk): CoreEffect[] {
    const from = this.sessions.get(session);
    if (from === undefined) return [];
    const map = this.gate.newestWrite(rootPlace(ask.object));
    const refusal = this.cas.fault(ask, { identity: from.identity, gate: this.gate, map, room: this.room(ask.value.text.length) });
    if (refusal !== undefined || map === null) {
      const wait = refusal === "lost-race" && this.queue.length > 0 ? this.queue.newest : undefined;
      return [{ kind: "count", metric: "edit_denied", by: 1 }, ...this.cas.answer(session, ask, refusal, wait)];
    }
    const effects = this.writeField(map, ask.object, ask.field, askedValue(ask), from.identity.user);
    return [...effects, ...this.cas.answer(session, ask, undefined, this.queue.newest)];
  }

  /** The room's own write of one map entry. */
  private writeField(map: Y.ID, object: string, field: string, value: unknown, user: string): CoreEffect[] {
    const previous = this.gate.newestWrite(fieldPlace(object, idKey(map.client, map.clock), field));
    const id = Y.createID(this.clientId, this.pending.end(this.clientId));
    return this.enqueueOwn(encodeMapSet(id, map, field, previous, value), user);
  }

  /** Whether this person has a right over a live, durable object. */
  may(person: { readonly user: string; readonly role: string }, right: Right, object: string): boolean {
    const map = this.gate.newestWrite(rootPlace(object));
    return map !== null && this.gate.may(person, right, object, idKey(map.client, map.clock));
  }

  /**
   * Brings a document of an older definition up to date, as one edit of the room. Throws a RangeError with a sentence when a migration of the
   * scene fails.
   */
  migrate(): CoreEffect[] {
    if (documentVersion(this.doc, this.scene).kind === "current") return [];
    return this.serverEdit(NOBODY, (doc) => migrateDocument(doc, this.scene));
  }

  /**
   * Any other edit by the server (seeding a space, moderation): `change` runs on a replica that is ahead by what waits for the disk. Costs a
   * copy of the document. [] while read-only, and when `change` changes nothing.
   */
  serverEdit(user: string, change: (doc: Y.Doc) => void): CoreEffect[] {
    const copy = (): Y.Doc => {
      const replica = new Y.Doc({ gc: true });
      Y.applyUpdate(replica, Y.encodeStateAsUpdate(this.doc));
      return replica;
    };
    return this.serverEdits(user, copy, [change]);
  }

  /**
   * Undoes what `readPast` found, as edits of the room made for `user`, one update per object. `written` of the objects were changed; all of it
   * is durable with batch `queuedBatch`.
   */
  rollback(user: string, objects: readonly UndoneObject[]): { readonly effects: CoreEffect[]; readonly written: number } {
    let written = 0;
    const effects = this.serverEdits(
      user,
      () => partialReplica(this.doc, new Set(objects.map(({ object }) => object))),
      objects.map((undone) => (doc: Y.Doc) => {
        if (writeUndone(doc, this.scene, undone)) written++;
      }),
    );
    return { effects, written };
  }

  private serverEdits(user: string, copy: () => Y.Doc, changes: readonly ((doc: Y.Doc) => void)[]): CoreEffect[] {
    if (this.readOnly || changes.length === 0) return [];
    const replica = copy();
    for (const edit of this.queue.all()) Y.applyUpdate(replica, edit.record.update);
    replica.clientID = this.clientId;
    const updates: Uint8Array[] = [];
    replica.on("update", (update: Uint8Array) => updates.push(update));
    try {
      for (const change of changes) replica.transact(() => change(replica));
    } finally {
      replica.destroy();
    }
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
    const { scene, doc, pending, clients, permissions } = this;
    return new Gate({ scene, doc, pending, clients, permissions });
  }

  /** Answers a sync step 1 with what is durable, and lets a peer that starts anew edit again. */
  private sync(from: DocSession, vector: Uint8Array, nowMs: number): CoreEffect[] {
    if (!from.syncs.take(nowMs)) return [{ kind: "close", session: from.id, reason: "tooManyMessages" }];
    let missing: Uint8Array;
    try {
      const everything = this.stored !== undefined && Y.decodeStateVector(vector).size === 0;
      missing = everything && this.stored !== undefined ? this.stored : Y.encodeStateAsUpdate(this.doc, vector);
    } catch {
      return this.strike(from, nowMs);
    }
    if (from.stale === "refused") from.stale = undefined;
    from.synced++;
    return [this.out.toPeer(from, encodeStep2(missing))];
  }

  private edit(from: DocSession, update: Uint8Array, isAnswer: boolean, nowMs: number): CoreEffect[] {
    const ordinal = ++from.received;
    if (isAnswer) from.asked = false;
    if (from.stale !== undefined) return this.settlement.settle(from, ordinal);
    const startedMs = this.stopwatch();
    const verdict = this.gate.admit(update, { session: from.id, identity: from.identity, room: this.room(update.length) });
    if (this.isSlow(from, startedMs)) return [{ kind: "close", session: from.id, reason: "editsTooSlow" }];
    switch (verdict.kind) {
      case "nothing":
        return this.settlement.settleKnown(from, ordinal, this.queue.length === 0 ? undefined : this.queue.newest);
      case "gap": {
        if (isAnswer) {
          return this.refuse(from, refusal("malformed", "The answer to a sync step lacks what it builds on."), true, nowMs);
        }
        const ask = from.asked ? [] : [this.out.toPeer(from, encodeStep1(encodeVector(this.pending.vector())))];
        from.asked = true;
        return [...ask, ...this.settlement.settle(from, ordinal)];
      }
      case "refused":
        return this.refuse(from, verdict.denial, verdict.forged, nowMs);
      case "admitted": {
        const { id, identity, synced } = from;
        from.waiting = this.enqueue(verdict, { user: identity.user, session: id, synced, ackTo: ordinal });
        return this.sooner(this.launch([]));
      }
    }
  }

  /** Why no edit of this size can be taken now, or undefined. */
  private room(bytes: number): Denial | undefined {
    if (this.trouble !== undefined) return refusal("read-only", "Edits cannot be saved at the moment; yours are kept until they can.");
    if (!this.queue.fits(bytes) || this.pending.deleteRanges > WAITING_DELETES_MAX)
      return refusal("too-many", "More edits wait to be saved than the space can hold; try again.");
    return this.size.fits(bytes) ? undefined : refusal("too-large", "The space's document is full; delete something first.");
  }

  private enqueue(admitted: Admitted, by: { readonly user: string } & Pick<Edit, "session" | "synced" | "ackTo">): Edit {
    const { update, client, clock, clocks, fresh, weightUs, places, pieces, ranges } = admitted;
    const { user, ...author } = by;
    for (const other of fresh) if (other !== client) this.enqueueClaim(other, user);
    const edit: Edit = { record: { user, client, clock, update }, clocks, weightUs, places, pieces, ranges, ...author };
    this.pending.addDeletes(ranges);
    this.queue.push(edit);
    return edit;
  }

  /** An empty record, by which the store learns whose a clientID is [SE6]. */
  private enqueueClaim(client: number, user: string): void {
    this.pending.addDeletes(new Map());
    this.queue.push({ record: { user, client, clock: 0, update: NOTHING }, session: undefined, synced: 0, ackTo: 0, ...NO_CHANGE });
  }

  /** Counts what held the thread too long against its author; true when that is enough. */
  private isSlow(from: DocSession, startedMs: number): boolean {
    return this.stopwatch() - startedMs > SLOW_MS && ++from.slow >= SLOW_MAX;
  }

  private enqueueOwn(update: Uint8Array, user: string): CoreEffect[] {
    const admitted = this.gate.admitOwn(update);
    if (admitted === undefined) return [];
    if (!this.ownClaimed) this.enqueueClaim(this.clientId, NOBODY);
    this.ownClaimed = true;
    this.enqueue(admitted, { user, session: undefined, synced: 0, ackTo: 0 });
    return this.launch([]);
  }

  private launch(effects: CoreEffect[]): CoreEffect[] {
    const batch = this.trouble === undefined ? this.queue.launch() : undefined;
    if (batch !== undefined) effects.push({ kind: "append", batch: batch.number, records: batch.edits.map(({ record }) => record) });
    return effects;
  }

  private applyDurable(edits: readonly Edit[], batch: number, nowMs: number): CoreEffect[] {
    // Authors wait for the disk, not for Yjs, and neither does the next batch: nobody else hears of either before this one is applied.
    const effects = this.sooner(this.launch([...this.settlement.echoed(batch), ...this.settlement.durable(edits)]));
    for (let from = 0, to = 0; from < edits.length; from = to) {
      for (let us = 0; to < edits.length && (to === from || us + (edits[to]?.weightUs ?? 0) <= TOGETHER_US); to++) us += edits[to]?.weightUs ?? 0;
      effects.push(...this.integrate(edits.slice(from, to)));
    }
    assert(!this.incomplete(), "an admitted update integrates completely");
    this.gate.settled(edits.length);
    this.recountObjects();
    for (const { event, by } of this.changes.tellWhole(this.seq)) effects.push({ kind: "event", event, by });
    const told = edits.filter(({ record }) => record.update !== NOTHING);
    effects.push(...this.broadcasts.add(told, this.queue.length > 0, nowMs));
    const answers = this.cas.landed(batch);
    if (answers.length > 0) effects.push(...this.broadcasts.flush(), ...answers);
    effects.push({ kind: "count", metric: "edit_accepted", by: told.length });
    return this.launch(this.compact(effects));
  }

  /** What is left to be carried out at the end of the step. */
  private sooner(effects: CoreEffect[]): CoreEffect[] {
    return effects.length === 0 || this.soon(effects) ? [] : effects;
  }

  /** One transaction of Yjs, which costs more than a small edit does. If it takes too long, that is the heaviest one's fault [SE5]. */
  private integrate(edits: readonly Edit[]): CoreEffect[] {
    const startedMs = this.stopwatch();
    this.stored = undefined;
    this.doc.transact(() => {
      for (const { record } of edits) if (record.update !== NOTHING) Y.applyUpdate(this.doc, record.update);
    });
    for (const { record, places } of edits) {
      this.size.add(record.update.length);
      this.changes.note(places, record.user);
    }
    this.seq += edits.length;
    const heaviest = edits.reduce((most, edit) => (edit.weightUs > most.weightUs ? edit : most));
    const author = heaviest.session === undefined ? undefined : this.sessions.get(heaviest.session);
    return author !== undefined && this.isSlow(author, startedMs) ? [{ kind: "close", session: author.id, reason: "editsTooSlow" }] : [];
  }

  private compact(effects: CoreEffect[]): CoreEffect[] {
    if (!this.size.wantsCompaction) return effects;
    this.size.compacting();
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
      effects.push(sdkMessage(from.id, { type: "denied", ref, reason: denial.reason, object, field, sentence: clip(denial.sentence) }));
      if (!keep) effects.push(this.out.toPeer(from, encodePermissionDenied(denial.reason)));
      effects.push(...this.settlement.settle(from, from.received));
    } else {
      effects.push(this.out.toPeer(from, encodePermissionDenied(denial.reason)));
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

  private recountObjects(): void {
    if (!this.recount) return;
    this.recount = false;
    this.gate.objectCount = objectsRoot(this.doc).size;
  }

  private incomplete(): boolean {
    return this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null;
  }
}

const NO_CHANGE = { clocks: [], weightUs: 0, places: new Set<never>(), pieces: new Map<never, never>(), ranges: new Map<never, never>() } as const;
const corrupt = (sentence: string) => err<Corrupt>({ code: "corrupt", sentence });
/** A refusal that is about no object in particular. */
const refusal = (reason: DeniedReason, sentence: string): Denial => ({ reason, object: "", field: "", sentence });

/** Sentences travel in 256 bytes; ours are ASCII. */
const clip = (sentence: string): string => sentence.replace(/[^\x20-\x7e]/g, "?").slice(0, 256);
