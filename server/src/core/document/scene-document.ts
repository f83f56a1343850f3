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
 *       When it is slow, edits that cannot be judged on top of all that waits are held until they can, and nobody is refused (held-edits.ts).
 * [SE5] Whatever one peer sends costs that peer only, and bounded work: no update holds the thread longer than `SLOW_MS`; who sends some that
 *       do is closed.
 * [SE6] Who owns a clientID is durable no later than the first edit written under it; the room's own belong to nobody (client-registry.ts).
 * [SE7] A document with too many clientIDs or tombstones is re-rooted under its people (succession.ts): SDK peers hear the new epoch by an ack,
 *       are ignored until they ask by its root, and make again what was not acknowledged; stock replicas are closed with `documentRenewed`.
 */
import { type Result, type SessionId } from "@copresence/shared/base";
import {
  listObjects,
  type ObjectTransform,
  PermissionTable,
  type PlainObject,
  readField,
  readObject,
  type Right,
  type Scene,
} from "@copresence/shared/scene";
import * as Y from "yjs";
import type { UndoneObject } from "../history/types.ts";
import type { CoreEffect, Identity, PipelineEvent } from "../types.ts";
import { AwarenessTable } from "./awareness-table.ts";
import { Broadcasts } from "./broadcasts.ts";
import { askedValue, type CasAsk, CasDesk } from "./cas-desk.ts";
import { DocSession, type PeerKind } from "./doc-session.ts";
import { decodeDocMessage, encodeAwareness, encodeStep1, encodeStep2 } from "./doc-wire.ts";
import { DocOutbound, sdkMessage } from "./doc-outbound.ts";
import { type Corrupt, DocumentRoot, versionOf } from "./document-root.ts";
import type { HeldEdit, Judged } from "./held-edits.ts";
import { type Edit, Intake } from "./intake.ts";
import { Integration } from "./integration.ts";
import { OwnEdits } from "./own-edits.ts";
import { idKey, rootPlace } from "./places.ts";
import type { Denial } from "./policy.ts";
import { clip, refusal, Refusals } from "./refusals.ts";
import { CLIENTS_RENEWED, isWornOut, type Rerooted, type Wear, wearOf } from "./renewal.ts";
import { RetiredClients } from "./retired-clients.ts";
import { Settlement } from "./settlement.ts";
import { Succession } from "./succession.ts";
import { encodeVector, NOTHING } from "./update-bytes.ts";
import { WholeAnswers } from "./whole-answers.ts";

export type SceneDocumentOptions = {
  readonly scene: Scene;
  readonly epoch: number;
  /** Sequence number of the last durable record. */
  readonly seq: number;
  /** Yjs clientID the server writes under; the same after a restart is fine, since nothing undurable is ever seen. */
  readonly clientId: number;
  /** Who may do what; default: what the scene declares. */
  readonly permissions?: PermissionTable | undefined;
  /** Whose clientIDs earlier generations had. */
  readonly retired?: RetiredClients | undefined;
  /** Milliseconds of processor time, to find updates that cost too much; without it none is found, and everything is deterministic. */
  readonly stopwatch?: (() => number) | undefined;
  /** Carries effects out at once and returns true, or returns false: then they leave with the others. */
  readonly soon?: ((effects: readonly CoreEffect[]) => boolean) | undefined;
};

export class SceneDocument {
  private readonly scene: Scene;
  private readonly intake: Intake;
  /** Version of the newest durable state. */
  private version: number;
  private readonly sessions = new Map<SessionId, DocSession>();
  private readonly awareness = new AwarenessTable();
  private readonly integration: Integration;
  private readonly soon: (effects: readonly CoreEffect[]) => boolean;
  private readonly out = new DocOutbound(this.sessions);
  private readonly broadcasts = new Broadcasts(this.out, this.sessions);
  private readonly settlement: Settlement;
  private readonly refusals: Refusals;
  private readonly succession: Succession;
  private readonly whole = new WholeAnswers(this.sessions);
  private readonly cas: CasDesk;
  /** The room's own writes. */
  readonly own: OwnEdits;

  constructor({
    scene,
    epoch,
    seq,
    clientId,
    permissions = new PermissionTable(scene),
    retired = new RetiredClients(),
    stopwatch,
    soon = () => false,
  }: SceneDocumentOptions) {
    this.scene = scene;
    this.soon = soon;
    this.version = versionOf(epoch, seq);
    this.intake = new Intake(new DocumentRoot({ scene, epoch, clientId, permissions, retired }));
    this.integration = new Integration(this.sessions, stopwatch ?? (() => 0));
    this.settlement = new Settlement(epoch, this.sessions);
    this.refusals = new Refusals(this.out, this.settlement);
    const { intake, sessions, out, settlement } = this;
    this.succession = new Succession({ scene, permissions, intake, sessions, out, settlement });
    this.cas = new CasDesk((object, field) => readField(this.root.doc, scene, object, field));
    this.own = new OwnEdits(scene, intake);
  }

  /** Of the generation that is in charge; part of every ack. */
  get epoch(): number {
    return this.root.epoch;
  }
  /** True while the store is in trouble [SE4], and for the moments of a re-rooting [SE7]. */
  get readOnly(): boolean {
    return this.intake.closed;
  }
  /** Appends under way or waiting. */
  get pendingBatches(): number {
    return this.intake.queue.length;
  }
  /** Number of the batch that makes the newest admitted edit durable. */
  get queuedBatch(): number {
    return this.intake.queue.newest;
  }

  private get root(): DocumentRoot {
    return this.intake.root;
  }

  /**
   * Takes what the store has; called once, before anything else. `owners` says whose clientIDs the document names. Anything unreadable or
   * incomplete is `corrupt`: a room never starts on less than was acknowledged.
   */
  load(snapshot: Uint8Array | undefined, updates: readonly Uint8Array[], owners: ReadonlyMap<number, string> = new Map()): Result<void, Corrupt> {
    return this.root.load(snapshot, updates, owners);
  }

  /** Once everything that a fresh room writes of itself is queued: asks for a fresh generation where the loaded one is worn out. */
  start(): CoreEffect[] {
    if (isWornOut(wearOf(this.root.doc))) this.intake.renewal.want();
    return this.intake.launch([]);
  }

  /**
   * A peer comes in: it is asked what it has, and told who is present. `greetedEpoch`: it was sent, as the answer to its sync step 1, what `load`
   * was given; what was applied since is in no broadcast that it got.
   */
  join(session: SessionId, identity: Identity, peer: PeerKind, greetedEpoch?: number): CoreEffect[] {
    const joined = new DocSession(session, identity, peer);
    this.sessions.set(session, joined);
    if (greetedEpoch !== undefined && greetedEpoch !== this.epoch) return this.succession.outdated(joined);
    if (greetedEpoch !== undefined) joined.synced++;
    const known = peer === "sdk" ? this.root.retired.clocksOf(identity.user) : [];
    const effects = [this.out.toPeer(joined, encodeStep1(encodeVector(new Map([...known, ...this.root.pending.vector()]))))];
    if (greetedEpoch !== undefined && this.root.changed && !this.whole.take(joined, this.root.doc, new Map()))
      effects.push(this.out.toPeer(joined, encodeStep2(this.state())));
    const present = this.awareness.all();
    if (present !== undefined) effects.push(this.out.toPeer(joined, encodeAwareness(present)));
    if (this.intake.trouble !== undefined && peer === "sdk")
      effects.push(sdkMessage(session, { type: "storage", state: "bad", sentence: this.intake.trouble }));
    return effects;
  }

  leave(session: SessionId): CoreEffect[] {
    if (!this.sessions.delete(session)) return [];
    if (!this.intake.held.has(session)) this.root.clients.forget(session);
    this.cas.forget(session);
    const gone = this.awareness.leave(session);
    return gone === undefined ? [] : this.out.toOthers(session, encodeAwareness(gone));
  }

  /** y-protocols bytes of a peer. `nowMs` only fills token buckets. */
  receive(session: SessionId, bytes: Uint8Array, nowMs: number): CoreEffect[] {
    const from = this.sessions.get(session);
    if (from === undefined) return [];
    const decoded = decodeDocMessage(bytes);
    if (!decoded.ok) return this.refusals.refuse(from, refusal("malformed", decoded.error), true, nowMs);
    switch (decoded.value.kind) {
      case "step1":
        return this.sync(from, decoded.value.vector, nowMs);
      case "step2":
      case "update":
        return this.edit(from, decoded.value.update, decoded.value.kind === "step2", nowMs);
      case "awareness": {
        const others = this.awareness.receive(session, from.identity, decoded.value.body);
        if (others === "malformed") return this.refusals.strike(from, nowMs);
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
    const edits = this.intake.queue.landed(batch, durable);
    if (edits !== undefined) return this.applyDurable(edits, batch, nowMs);
    if (durable || this.intake.queue.length === 0) return [];
    return this.inTrouble(sentence);
  }

  /** A write hangs: read-only until it is known what became of it [SE4]. What is under way stays so: it is neither failed nor made again. */
  stalled(sentence: string): CoreEffect[] {
    return this.intake.trouble === undefined ? this.inTrouble(sentence) : [];
  }

  /** A person who is not here is erased: what still waits to be written, and whose clientIDs are whose, names `alias` instead. */
  forgetPerson(user: string, alias: string): void {
    this.intake.forgetPerson(user, alias);
  }

  private inTrouble(sentence: string): CoreEffect[] {
    this.intake.trouble = sentence;
    const told = this.out.toSdk({ type: "storage", state: "bad", sentence: clip(sentence) });
    return [...this.broadcasts.flush(), ...told, ...this.succession.resume()];
  }

  /** Once per tick: what changed since the last one, for the pipeline. */
  tellChanges(): CoreEffect[] {
    this.root.stored = undefined;
    return this.root.changes.tell(this.version).map(({ event, by }): CoreEffect => ({ kind: "event", event, by }));
  }

  /** The log was folded into a snapshot of this many bytes; `wear` is what the document carries around. */
  compacted(bytes: number, wear: Wear | undefined): CoreEffect[] {
    this.root.size.compacted(bytes);
    if (wear !== undefined && isWornOut(wear) && this.intake.trouble === undefined) this.intake.renewal.want();
    return this.intake.launch([]);
  }

  /** The store's answer to a `reroot`: a fresh generation, or undefined when the old one stays in charge. */
  rerooted(fresh: Rerooted | undefined): CoreEffect[] {
    return fresh === undefined ? this.succession.resume() : this.succession.prepare(fresh);
  }

  /**
   * Once per tick: a slice of a fresh generation is taken, and when it is whole it takes over [SE7]: true then. In other ticks those who wait for a
   * large document are given what is ready of it. `nowMs` only fills token buckets.
   */
  tick(nowMs: number): { readonly effects: CoreEffect[]; readonly renewed: boolean } {
    const effects = this.succession.tick();
    if (effects === undefined) {
      // What a landed batch left over; while something waits, the next one brings its own round.
      const held = this.intake.queue.length === 0 ? this.intake.launch(this.judgeHeld(nowMs)) : [];
      return { effects: [...held, ...this.whole.tick(this.root.doc, this.version)], renewed: false };
    }
    this.version = Math.max(this.version, versionOf(this.epoch, 0));
    return { effects: this.intake.launch(this.compact(effects)), renewed: true };
  }

  /** The store works again: what waited goes first, then everybody may edit and those who kept edits are asked for them [SE4]. */
  recovered(): CoreEffect[] {
    if (this.intake.trouble === undefined) return [];
    this.intake.trouble = undefined;
    const effects = this.out.toSdk({ type: "storage", state: "good", sentence: "Edits are being saved again." });
    return this.intake.launch([...effects, ...this.askForKept()]);
  }

  /** Who had to keep their edits is asked for them. */
  private askForKept(): CoreEffect[] {
    const kept = [...this.sessions.values()].filter(({ stale }) => stale === "read-only");
    if (kept.length === 0) return [];
    const ask = encodeStep1(encodeVector(this.root.pending.vector()));
    return kept.map((session) => {
      session.stale = undefined;
      session.asked = true;
      return this.out.toPeer(session, ask);
    });
  }

  object(id: string): PlainObject | undefined {
    return readObject(this.root.doc, this.scene, id);
  }

  objects(): PlainObject[] {
    return listObjects(this.root.doc, this.scene);
  }

  /** The whole scene as pipeline events, for a pipeline that starts with nothing. */
  allEvents(): PipelineEvent[] {
    return this.root.changes.everything(this.version);
  }

  /** Durable state as one Yjs V1 update. */
  state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.root.doc);
  }

  /** A person's compare-and-set; the answer comes when what decided it is durable. */
  compareAndSet(session: SessionId, ask: CasAsk): CoreEffect[] {
    const from = this.sessions.get(session);
    if (from === undefined) return [];
    const { gate } = this.root;
    const { queue } = this.intake;
    const map = gate.newestWrite(rootPlace(ask.object));
    const refused = this.cas.fault(ask, { identity: from.identity, gate, map, room: this.intake.faultNow(ask.value.text.length) });
    if (refused !== undefined || map === null) {
      const wait = refused === "lost-race" && queue.length > 0 ? queue.newest : undefined;
      return [{ kind: "count", metric: "edit_denied", by: 1 }, ...this.cas.answer(session, ask, refused, wait)];
    }
    const effects = this.own.writeEntry(map, ask.object, ask.field, askedValue(ask), from.identity.user);
    return [...effects, ...this.cas.answer(session, ask, undefined, queue.newest)];
  }

  /** Whether this person has a right over a live, durable object. */
  may(person: { readonly user: string; readonly role: string }, right: Right, object: string): boolean {
    const map = this.root.gate.newestWrite(rootPlace(object));
    return map !== null && this.root.gate.may(person, right, object, idKey(map.client, map.clock));
  }

  /** The one durable write at the end of a hold; see `OwnEdits.writeTransform`. */
  writeTransform(object: string, transform: ObjectTransform, user: string): CoreEffect[] {
    return this.own.writeTransform(object, transform, user);
  }

  /** Undoes what `readPast` found; see `OwnEdits.rollback`. */
  rollback(user: string, objects: readonly UndoneObject[]): { readonly effects: CoreEffect[]; readonly written: number } {
    return this.own.rollback(user, objects);
  }

  /** Any other edit by the server; see `OwnEdits.edit`. */
  serverEdit(user: string, change: (doc: Y.Doc) => void): CoreEffect[] {
    return this.own.edit(user, [change]);
  }

  /** Answers a sync step 1 with what is durable, and lets a peer that starts anew edit again. */
  private sync(from: DocSession, vector: Uint8Array, nowMs: number): CoreEffect[] {
    if (!from.syncs.take(nowMs)) return [{ kind: "close", session: from.id, reason: "tooManyMessages" }];
    let named: ReadonlyMap<number, number>;
    try {
      named = Y.decodeStateVector(vector);
    } catch {
      return this.refusals.strike(from, nowMs);
    }
    if (from.peer === "stock" && [...named.keys()].some((client) => this.root.retired.has(client))) return this.succession.outdated(from);
    // Who asks by the new root has heard of it, and what comes from now on was made on it [SE7].
    const heard = this.root.rootClient !== undefined && named.has(this.root.rootClient);
    if (from.stale === "refused" || (from.stale === "renewed" && heard)) from.stale = undefined;
    const stored = named.size === 0 ? this.root.stored : undefined;
    if (stored === undefined && this.whole.take(from, this.root.doc, named)) return [];
    from.synced++;
    return [this.out.toPeer(from, encodeStep2(stored ?? Y.encodeStateAsUpdate(this.root.doc, vector)))];
  }

  private edit(from: DocSession, update: Uint8Array, isAnswer: boolean, nowMs: number): CoreEffect[] {
    const ordinal = ++from.received;
    if (isAnswer) from.asked = false;
    if (from.stale === "renewed") return [];
    if (this.intake.renewal.active) {
      from.ignored = true;
      return [];
    }
    if (from.stale !== undefined) return this.settlement.settle(from, ordinal);
    const edit: HeldEdit = { ordinal, update, isAnswer };
    const judged = this.intake.held.mustWait(from.id) ? "later" : this.judge(from, edit, nowMs);
    if (judged !== "later") return judged.weightUs === undefined ? judged.effects : this.first(this.intake.launch([]));
    if (this.intake.held.hold(from, edit)) return [];
    return this.refusals.refuse(
      from,
      refusal("read-only", "More edits wait to be saved than the space can hold; yours are kept until it can."),
      false,
      nowMs,
    );
  }

  /** What becomes of an edit; what was admitted is queued and has to be launched. */
  private judge(from: DocSession, { ordinal, update, isAnswer }: HeldEdit, nowMs: number): Judged {
    const done = (effects: CoreEffect[]): Judged => ({ effects, weightUs: undefined });
    const refuse = (denial: Denial, forged: boolean): Judged => done(this.refusals.refuse(from, denial, forged, nowMs, ordinal));
    // What a replica sent after something refused, and before it began anew.
    if (from.stale === "refused") return done(this.settlement.settle(from, ordinal));
    const { intake } = this;
    const room = intake.fault(update.length);
    const startedMs = this.integration.now();
    const verdict = this.root.gate.admit(update, { session: from.id, identity: from.identity, room, crowded: intake.crowded(update.length) });
    if (this.integration.isSlow(from, startedMs)) return done([{ kind: "close", session: from.id, reason: "editsTooSlow" }]);
    switch (verdict.kind) {
      case "later":
        return "later";
      case "nothing":
        return done(this.settlement.settleKnown(from, ordinal, intake.newestWaiting));
      case "gap": {
        if (isAnswer) return refuse(refusal("malformed", "The answer to a sync step lacks what it builds on."), true);
        const ask = from.asked ? [] : [this.out.toPeer(from, encodeStep1(encodeVector(this.root.pending.vector())))];
        from.asked = true;
        return done([...ask, ...this.settlement.settle(from, ordinal)]);
      }
      case "outdated":
        if (from.peer === "stock") return done(this.succession.outdated(from));
        return refuse(refusal("client-id", "The update was made on a document that has been renewed since."), false);
      case "refused":
        return refuse(verdict.denial, verdict.forged);
      case "admitted": {
        const { id, identity, synced } = from;
        from.waiting = intake.take(verdict, { user: identity.user, session: id, synced, ackTo: ordinal });
        return { effects: [], weightUs: verdict.weightUs };
      }
    }
  }

  /** What was held until there is less that waits. */
  private judgeHeld(nowMs: number): CoreEffect[] {
    const { held, trouble } = this.intake;
    if (held.empty || trouble !== undefined) return [];
    const effects = held.round(
      (from, edit) => this.judge(from, edit, nowMs),
      (from, ackTo, lastWaits) => {
        if (this.sessions.get(from.id) !== from) this.root.clients.forget(from.id);
        if (ackTo === 0) return [];
        return lastWaits ? this.settlement.settle(from, ackTo) : this.settlement.settleKnown(from, ackTo, this.intake.newestWaiting);
      },
    );
    return held.empty ? [...effects, ...this.askForKept()] : effects;
  }

  private applyDurable(edits: readonly Edit[], batch: number, nowMs: number): CoreEffect[] {
    const { root } = this;
    // Authors wait for the disk, not for Yjs, and the disk not for Yjs either.
    const effects = this.first([...this.settlement.echoed(batch), ...this.settlement.durable(edits), ...this.intake.nextBatch()]);
    effects.push(...this.integration.integrate(root, edits));
    this.version += edits.length;
    for (const { event, by } of root.changes.tellWhole(this.version)) effects.push({ kind: "event", event, by });
    const told = edits.filter(({ record }) => record.update !== NOTHING);
    effects.push(...this.broadcasts.add(told, this.intake.queue.length > 0, nowMs));
    const answers = this.cas.landed(batch);
    if (answers.length > 0) effects.push(...this.broadcasts.flush(), ...answers);
    effects.push({ kind: "count", metric: "edit_accepted", by: told.length });
    if (root.clients.all().size > CLIENTS_RENEWED) this.intake.renewal.want();
    effects.push(...this.judgeHeld(nowMs));
    return this.intake.launch(this.compact(effects));
  }

  /** Carried out at once where that is possible; what is left to do. */
  private first(effects: CoreEffect[]): CoreEffect[] {
    return effects.length === 0 || this.soon(effects) ? [] : effects;
  }

  private compact(effects: CoreEffect[]): CoreEffect[] {
    if (!this.root.size.wantsCompaction) return effects;
    this.root.size.compacting();
    effects.push({ kind: "compact" });
    return effects;
  }
}
