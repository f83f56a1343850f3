/**
 * One space, decided: `step(inputs, nowMs) -> effects` over the roster, the rigs and poses, the leases, the scene document, chat,
 * search and veils. Pure: no clock, no dice, no sockets, no await (types.ts, [CO1]-[CO3]).
 *
 * [SC1] Inputs are handled in order; then the ticks that are due run, at most MAX_CATCH_UP of them, each with one frame per awake viewer.
 * [SC2] Whatever one session sends costs that session only: its message is refused or the session is closed.
 * [SC3] A session that was closed is gone at once; what still arrives for it is ignored.
 * [SC4] A core without its document does not exist: `open` fails when the document cannot be loaded.
 * [SC5] From its first calm tick on it keeps nothing of the bytes it was built from, which are as large as the document.
 */
import { assert, err, isIdentifier, ok, type Result, type SessionId } from "@copresence/shared/base";
import { LIMITS, PROTOCOL_VERSION, type UpMessage } from "@copresence/shared/protocol";
import type { PermissionTable } from "@copresence/shared/scene";
import { BehaviourDesk } from "./behaviour/behaviour-desk.ts";
import { ChatDesk } from "./chat-desk.ts";
import { cutUtf8 } from "./cut-utf8.ts";
import { RETIRED_NOTE, RetiredClients, SceneDocument } from "./document/index.ts";
import { Door } from "./door.ts";
import { EffectSink } from "./effect-sink.ts";
import { FrameDesk } from "./frame-desk.ts";
import { GrabDesk } from "./grab-desk.ts";
import { HistoryDesk } from "./history/history-desk.ts";
import { HideTable } from "./hide-table.ts";
import { createInitialObjects, neverWritten } from "./initial-objects.ts";
import type { Member } from "./member.ts";
import { encodePong, MessageDesk } from "./message-desk.ts";
import { hash32 } from "./palette.ts";
import { loadPermissions, PermissionDesk } from "./permission-desk.ts";
import { PERMISSIONS_NOTE } from "./note-keys.ts";
import { type Explanation, LatePlane } from "./pose-plane/index.ts";
import { Roster } from "./roster.ts";
import type { CoreStats, PersonExplanation, SceneCoreError, SceneCoreOptions } from "./scene-core-options.ts";
import { Restrictions } from "./safety/restrictions.ts";
import { SafetyDesk } from "./safety/safety-desk.ts";
import { SearchDesk } from "./search-desk.ts";
import { rigBoundsMm } from "./spawn.ts";
import { StreamDesk } from "./stream-desk.ts";
import type { CoreEffect, CoreInput, Person, PipelineEvent, SessionDelta, TextSubject } from "./types.ts";
import { VeilTable } from "./veils.ts";

/** A late room runs this many ticks at once; the others never were. */
export const MAX_CATCH_UP = 2;
/** Pose messages a second the room asks for: one a tick, because of several samples in one only the newest is shown. */
const UPLINK_HZ_MAX = 60;
/** Describing a large scene to the pipeline takes milliseconds: a room does it when nobody waits for an answer, but not later than this. */
const RETELL_MS = 500;
/** Of `measure.sentence` (registry). */
const SENTENCE_BYTES = 256;

export class SceneCore {
  /** Without what was loaded [SC5]. */
  private readonly options: Omit<SceneCoreOptions, "loaded">;
  private readonly document: SceneDocument;
  private readonly late: LatePlane;
  private readonly out: EffectSink;
  private readonly veils = new VeilTable();
  private readonly hides = new HideTable();
  private readonly roster: Roster;
  private readonly door: Door;
  private readonly grabs: GrabDesk;
  private readonly chat: ChatDesk;
  private readonly permissions: PermissionDesk;
  private readonly search: SearchDesk;
  private readonly streams: StreamDesk;
  private readonly safety: SafetyDesk;
  private readonly behaviour: BehaviourDesk;
  private readonly restrictions: Restrictions;
  private readonly history: HistoryDesk;
  private readonly messages: MessageDesk;
  private readonly frames: FrameDesk;
  private lastTick = 0;
  private retold = false;
  /** Nothing came in with this step. */
  private calm = false;
  private nowMs = 0;

  /** Builds the room on its document, or says why that cannot be. */
  static open(options: SceneCoreOptions): Result<SceneCore, SceneCoreError> {
    const { scene, loaded, space, seed } = options;
    const permissions = loadPermissions(scene, loaded.notes?.get(PERMISSIONS_NOTE));
    if (!permissions.ok) return err({ code: "corrupt", sentence: permissions.error });
    const retired = RetiredClients.decode(loaded.notes?.get(RETIRED_NOTE));
    if (retired === undefined)
      return err({ code: "corrupt", sentence: "The note of retired client ids was written by another version of this server." });
    // A function made here keeps alive whatever it names: not `options`, which have what was loaded [SC5].
    const { stopwatch, soon: carryOut } = options;
    const { epoch, seq } = loaded;
    const clientId = serverClientId(space, seed);
    const out = new EffectSink();
    const soon = (effects: readonly CoreEffect[]): boolean => {
      // What was decided before them leaves before them.
      if (carryOut === undefined || !out.empty) return false;
      carryOut(effects);
      return true;
    };
    const document = new SceneDocument({ scene, epoch, seq, clientId, permissions: permissions.value, retired, stopwatch, soon });
    const result = document.load(loaded.snapshot, loaded.updates, loaded.owners);
    if (!result.ok) return err(result.error);
    const core = new SceneCore(options, out, document, permissions.value);
    try {
      core.begin(neverWritten(loaded));
    } catch (error) {
      if (error instanceof RangeError) return err({ code: "initial", sentence: error.message });
      throw error;
    }
    return ok(core);
  }

  /** What the room does of itself; its effects leave with the first step. */
  private begin(isNew: boolean): void {
    const { scene, initial = [] } = this.options;
    this.absorb(this.document.own.migrate());
    if (isNew && initial.length > 0) {
      this.absorb(this.document.serverEdit("server", (doc) => createInitialObjects(doc, scene, initial)));
    }
    this.absorb(this.document.start());
  }

  /** The pipeline starts with nothing: its index and its verdicts on what is written here come from these. Whoever waits at the door comes first. */
  private retell(): void {
    this.retold = true;
    this.absorb(this.document.allEvents().map((event): CoreEffect => ({ kind: "event", event })));
  }

  private constructor(options: SceneCoreOptions, sink: EffectSink, document: SceneDocument, table: PermissionTable) {
    const { space, region, tickRateHz, scene, seed, moderation, capacity = LIMITS.people } = options;
    assert(isIdentifier(space) && isIdentifier(region), "space and region are identifiers");
    assert(tickRateHz >= 10 && tickRateHz <= 90, "tick rate is 10..90 Hz");
    assert(capacity >= 1 && capacity <= LIMITS.people, "capacity is 1..LIMITS.people");
    const { loaded: _, ...kept } = options;
    this.options = kept;
    this.document = document;
    this.out = sink;
    this.late = new LatePlane({ capacity, tickRateHz, uplinkHz: Math.min(tickRateHz, UPLINK_HZ_MAX) });
    const { out, late, veils } = this;
    const roster = new Roster(capacity);
    this.roster = roster;
    this.frames = new FrameDesk({ out, roster, late });
    this.permissions = new PermissionDesk({ out, roster, scene, table });
    this.safety = new SafetyDesk({
      out,
      roster,
      sight: {
        hide: (viewer, source, hidden) => late.plane.hide(viewer, source, hidden),
        head: (slot, into) => late.plane.head(slot, into),
      },
      capacity,
      tickRateHz,
      boundaryM: options.boundaryM ?? 0,
      hides: this.hides,
      takesReports: options.takesReports ?? false,
    });
    this.restrictions = new Restrictions(table);
    this.behaviour = new BehaviourDesk({
      out,
      roster,
      capacity,
      tickRateHz,
      takesAlarms: options.takesReports ?? false,
      model: options.behaviour,
      poseOf: (slot, into) => late.plane.newest(slot, into),
      exempt: (a, b) => this.safety.relations.friends(a, b),
    });
    this.chat = new ChatDesk({ out, roster, moderation, audience: this.safety });
    this.search = new SearchDesk({
      out,
      roster,
      veils,
      findable: {
        rulesOf: (person) => table.resolve(person, "find"),
        mayFind: (person, object) => document.may(person, "find", object),
        sees: (viewer, other) => this.sees(viewer.person, other.person),
      },
      holds: (slot) => this.grabs.leases.heldBy(slot).map(({ lease }) => lease.object),
    });
    const history = { poseAt: (slot: number, timeMs: number, into: Float64Array) => late.plane.poseAt(slot, timeMs, into) };
    this.grabs = new GrabDesk({ out, roster, scene, document, history, capacity, tickRateHz, absorb: this.absorb });
    this.door = new Door({
      out,
      roster,
      scene,
      bounds: rigBoundsMm(scene.bounds),
      seed,
      parts: {
        welcome: (member) => this.welcome(member),
        documentJoin: (session, identity, peer, greetedEpoch) => document.join(session, identity, peer, greetedEpoch),
        documentLeave: (session) => document.leave(session),
        absorb: this.absorb,
        poseAdd: (slot) => late.begin(this.lastTick).add(slot),
        poseRemove: (slot) => {
          late.plane.remove(slot);
          this.streams.leave(slot);
          this.safety.gone(slot);
          this.behaviour.gone(slot);
        },
        letGo: (member) => this.letGo(member),
      },
    });
    const { door, grabs, chat, search, safety, permissions, behaviour, restrictions, absorb } = this;
    const streams = new StreamDesk({ out, roster, door, late });
    this.streams = streams;
    this.history = new HistoryDesk({ out, roster, document, absorb });
    const desks = { grabs, chat, search, streams, safety, permissions, history: this.history, behaviour, restrictions };
    this.messages = new MessageDesk({ out, roster, door, late, document, absorb, ...desks });
  }

  /** The newest tick that ran. */
  get tick(): number {
    return this.lastTick;
  }

  get stats(): CoreStats {
    return {
      people: this.roster.members.length,
      docPeers: this.door.docPeers,
      leases: this.grabs.leases.all().length,
      readOnly: this.document.readOnly,
      pendingBatches: this.document.pendingBatches,
    };
  }

  /** `nowMs`: room time, not going back. The effects, in order; `sendFrame` bytes are valid until the next call. */
  step(inputs: readonly CoreInput[], nowMs: number): readonly CoreEffect[] {
    this.nowMs = Math.max(this.nowMs, nowMs);
    this.frames.startStep();
    this.calm = inputs.length === 0;
    for (const input of inputs) this.handle(input);
    this.runTicks();
    this.chat.flush(this.nowMs);
    this.search.flush(this.nowMs);
    return this.out.take();
  }

  /** The answer to a `ping`, at once and outside of `step`; undefined when there is nobody to answer or they ask too often. */
  pong(session: SessionId, clientTimeMs: number, nowMs: number): Uint8Array | undefined {
    const member = this.roster.bySession(session);
    if (member === undefined || member.limits.admit("ping", nowMs) !== "ok") return undefined;
    return encodePong(member, clientTimeMs, nowMs);
  }

  /** The whole session plane as deltas, for somebody who starts with nothing. */
  snapshotSession(): readonly SessionDelta[] {
    return [
      ...this.roster.members.map(({ person }) => ({ kind: "person", person }) as const),
      ...this.grabs.leases.all().map(({ lease }) => ({ kind: "lease", lease }) as const),
      ...this.grabs.flights.all().map((flight) => ({ kind: "flight", flight }) as const),
      ...this.veils.all(),
    ];
  }

  /** Why the viewer in one slot gets as much of the source in another as it does. */
  explain(viewer: number, source: number): Explanation {
    return this.late.plane.explain(viewer, source);
  }

  /** The same by user or slot; without a `source` of everybody, best first. Undefined when one of them is not here. */
  explainPeople(viewer: string, source?: string): readonly PersonExplanation[] | undefined {
    const from = this.memberNamed(viewer);
    const of = source === undefined ? undefined : this.memberNamed(source);
    if (from === undefined || (source !== undefined && of === undefined)) return undefined;
    const sources = of === undefined ? this.roster.members.filter((member) => member !== from) : [of];
    return sources
      .map(({ person: { slot, user } }) => ({
        slot,
        user,
        hidden: this.hides.reasons(from.person.user, user),
        ...this.late.plane.explain(from.person.slot, slot),
      }))
      .sort((a, b) => b.score - a.score || a.slot - b.slot);
  }

  /** Asleep people are in no pose frame that could be withheld; what hides them from whom holds on. */
  private sees(viewer: Person, other: Person): boolean {
    const { hides, late, safety } = this;
    return !late.plane.hidden(viewer.slot, other.slot) && !hides.hides(viewer.user, other.user) && !safety.relations.blocked(viewer.user, other.user);
  }

  /** What a person holds; undefined when they are not here, in person or with a document alone. */
  holdsOf(user: string): readonly string[] | undefined {
    const member = this.roster.byUser(user);
    if (member === undefined) return this.door.hasPeer(user) ? [] : undefined;
    return this.grabs.leases.heldBy(member.person.slot).map(({ lease }) => lease.object);
  }

  private memberNamed(name: string): Member | undefined {
    return this.roster.byUser(name) ?? (/^\d{1,4}$/.test(name) ? this.roster.bySlot(Number(name)) : undefined);
  }

  private handle(input: CoreInput): void {
    const { nowMs } = this;
    switch (input.kind) {
      case "join":
        if (this.restrictions.has(input.identity.user, "remove")) return this.out.close(input.session, "removedByModerator");
        return this.door.join(input.session, input.identity, nowMs);
      case "leave":
      case "docLeave":
        return this.door.leave(input.session, nowMs);
      case "message": {
        const member = this.roster.bySession(input.session);
        if (member !== undefined) this.message(member, input.message, input.receivedMs);
        return;
      }
      case "pose": {
        const member = this.roster.bySession(input.session);
        if (member === undefined || !this.door.admitsPose(member, nowMs)) return;
        return this.messages.pose(member, input, nowMs);
      }
      case "malformed":
        return this.door.strike(input.session, input.sentence, nowMs);
      case "docJoin":
        if (this.restrictions.has(input.identity.user, "remove")) return this.out.close(input.session, "removedByModerator");
        return this.door.joinPeer(input, nowMs);
      case "docMessage":
        if (this.door.admitsPeer(input.session, nowMs)) this.absorb(this.document.receive(input.session, input.bytes, nowMs));
        return;
      case "appended":
        this.absorb(this.document.appended(input.batch, input.ok, input.sentence, nowMs));
        if (input.ok) this.history.appended(input.batch);
        return this.grabs.appended(input.batch);
      case "noted":
        return this.permissions.stored(input.write, input.ok, input.sentence);
      case "recalled":
        return this.history.recalled(input);
      case "compacted":
        return this.absorb(this.document.compacted(input.bytes, input.wear));
      case "rerooted":
        this.absorb(this.document.rerooted(input.fresh));
        if (input.fresh === undefined) this.grabs.recovered();
        return;
      case "storeRecovered":
        this.absorb(this.document.recovered());
        this.permissions.recovered();
        return this.grabs.recovered();
      case "forgetPerson":
        this.document.forgetPerson(input.user, input.alias);
        this.permissions.forgetPerson(input.user);
        return this.veils.rename(input.user, input.alias);
      case "storeStalled":
        return this.absorb(this.document.stalled(input.sentence));
      case "verdict":
        return this.verdict(input.subject, input);
      case "searched":
        return this.search.answer(input);
      case "frameSkipped":
        return this.frames.skipped(this.roster.bySession(input.session));
      case "frameQueued":
        return this.frames.queued(this.roster.bySession(input.session));
      case "hide":
        return this.hide(input);
      case "tell":
        return this.tell(input);
      case "appealed":
        if (this.roster.bySession(input.session) !== undefined)
          this.out.send(input.session, { type: "appealed", ref: input.ref, taken: input.taken });
        return;
      case "restrict":
        return this.restrict(input);
      case "quarantine":
        return this.quarantine(input.object, input.on);
    }
  }

  private hide({ viewer, source, reason, hidden }: Extract<CoreInput, { kind: "hide" }>): void {
    if (!this.hides.set(viewer, source, reason, hidden)) return this.out.count("hide_refused");
    this.safety.judgeUsers(viewer, source);
  }

  private tell({ user, measure, what, on, sentence }: Extract<CoreInput, { kind: "tell" }>): void {
    const member = this.roster.byUser(user);
    if (member !== undefined) this.out.send(member.session, { type: "measure", measure, what, on, sentence: cutUtf8(sentence, SENTENCE_BYTES) });
  }

  private restrict({ user, what, on }: Extract<CoreInput, { kind: "restrict" }>): void {
    if (!this.restrictions.set(user, what, on)) return this.out.count("hide_refused");
    const member = this.roster.byUser(user);
    if (!on) return;
    if (what === "remove") {
      if (member !== undefined) this.door.close(member.session, "removedByModerator", this.nowMs);
      this.door.closePeersOf(user, "removedByModerator", this.nowMs);
    } else if (what === "freeze" && member !== undefined) this.grabs.releaseAll(member, this.nowMs);
  }

  private quarantine(object: string, on: boolean): void {
    if (!this.restrictions.quarantine(object, on)) this.out.count("hide_refused");
    else if (on) this.grabs.objectGone(object);
  }

  private message(member: Member, message: UpMessage, receivedMs: number): void {
    const { nowMs, lastTick: tick } = this;
    if (!this.door.admits(member, message.type, nowMs)) return;
    this.messages.handle(member, message, { nowMs, tick, receivedMs: Math.min(receivedMs, nowMs) });
  }

  private verdict(subject: TextSubject, verdict: { readonly version: number; readonly hide: boolean; readonly reason: string }): void {
    if (subject.kind === "chat") return this.chat.verdict(subject.id, verdict.hide);
    const delta = this.veils.judge(subject, verdict);
    if (delta === undefined) return;
    this.out.session(delta);
    this.search.sceneChanged();
    const author = delta.kind === "veil" ? this.roster.byUser(delta.author) : undefined;
    if (author === undefined) return;
    const { object, field } = subject;
    const sentence = `Others do not see this text: ${verdict.reason}.`;
    this.out.deny(author.session, 0, { reason: "text-hidden", object, field, sentence });
  }

  private runTicks(): void {
    // The nudge keeps a tick whose time is not a whole number of milliseconds from being one late through rounding.
    const due = Math.floor((this.nowMs * this.options.tickRateHz) / 1000 + 1e-6);
    this.lastTick = Math.max(this.lastTick, due - MAX_CATCH_UP);
    while (this.lastTick < due) this.runTick(this.lastTick + 1);
  }

  private runTick(tick: number): void {
    this.lastTick = tick;
    if (!this.retold && (this.calm || this.nowMs > RETELL_MS)) this.retell();
    this.absorb(this.document.tellChanges());
    this.grabs.judgeClaims(tick, this.nowMs);
    this.grabs.flush(this.nowMs);
    this.renew();
    if (!this.late.exists) return;
    this.safety.tick();
    this.behaviour.tick(tick, this.nowMs);
    this.frames.send(tick, this.nowMs);
    this.streams.tell();
  }

  /** A document that is being re-rooted takes its next slice; resting places that waited for it are written. */
  private renew(): void {
    const { effects, renewed } = this.document.tick(this.nowMs);
    this.absorb(effects);
    if (renewed) this.grabs.recovered();
  }

  private welcome(member: Member): void {
    const { space, region, build, tickRateHz, scene } = this.options;
    const { slot, session, user, role } = member.person;
    const { xMm, yMm, zMm, yaw } = member.rig.rig;
    this.out.send(session, {
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      slot,
      session,
      user,
      role,
      space,
      region,
      build,
      tickRateHz,
      tick: this.lastTick,
      serverTimeMs: this.nowMs,
      rig: { positionMm: [xMm, yMm, zMm], yaw },
      uplinkHz: Math.min(tickRateHz, UPLINK_HZ_MAX),
      definition: scene.hash,
      epoch: this.document.epoch,
    });
    this.permissions.welcome(member);
    this.safety.appeared(member);
  }

  private letGo(member: Member): void {
    this.grabs.releaseAll(member, this.nowMs);
    this.grabs.forget(member.session);
    this.search.leave(member.session);
    this.history.leave(member.session);
  }

  /** Passes on what the document decided, and draws the consequences for leases, veils and sessions. */
  private readonly absorb = (effects: readonly CoreEffect[]): void => {
    for (const effect of effects) {
      if (effect.kind === "close") {
        this.door.close(effect.session, effect.reason, this.nowMs);
        continue;
      }
      this.out.push(effect);
      if (effect.kind !== "event") continue;
      this.noticed(effect.event);
      for (const user of effect.by ?? []) this.behaviour.changed(user, effect.event);
    }
  };

  private noticed(event: PipelineEvent): void {
    if (event.kind === "text" && event.subject.kind === "field") this.veils.written(event.subject, event.version, event.user);
    if (event.kind === "object" || event.kind === "objectGone") this.search.sceneChanged();
    if (event.kind !== "objectGone") return;
    this.grabs.objectGone(event.object);
    for (const delta of this.veils.forget(event.object)) this.out.session(delta);
  }
}

/**
 * The Yjs clientID the room writes with, never 0. It differs with the seed, so two hosts that both believe to own a space (before a fence
 * stops one) never write two different things under one clock.
 */
function serverClientId(space: string, seed: number): number {
  return hash32(space, seed) || 1;
}
