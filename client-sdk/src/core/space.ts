/**
 * `createSpace` and `startSpace`: the engine-free core, put together. Everything from outside comes through `SpaceOptions`; adapters fill them in for
 * browsers and node, simulations with a virtual network and clock.
 *
 * [SC1] Messages are handled in the order they came; what the session plane says before the welcome waits for it.
 * [SC2] `ready` settles once: when the room, its roster and its document are here, or when they never will be.
 */
import { decodeDown, encodeMessage, type MessageOf, PROTOCOL_VERSION, type UpMessage } from "@copresence/shared/protocol";
import { objectType, type SceneSpec } from "@copresence/shared/scene";
import { Asks } from "./asks.ts";
import { CasAsks } from "./cas-asks.ts";
import { Connection } from "./connection.ts";
import { Downlink } from "./downlink.ts";
import { Emitter } from "./emitter.ts";
import { Heartbeat } from "./heartbeat.ts";
import { PastState } from "./history.ts";
import { Holds } from "./holds.ts";
import { conditioned } from "./link-conditioner.ts";
import { MeState, rigBounds } from "./me.ts";
import { MyStreams } from "./my-streams.ts";
import type { ObjectContext } from "./object-handle.ts";
import { ObjectStore } from "./objects.ts";
import { PeopleStore } from "./people.ts";
import { QualityKnobs, type QualityOptions } from "./quality.ts";
import { randomLetters } from "./random.ts";
import type { SceneCache } from "./scene-cache.ts";
import { Readiness } from "./readiness.ts";
import { Rights } from "./rights.ts";
import { SafetyState } from "./safety.ts";
import { SceneSync } from "./scene-sync.ts";
import type { SessionEvent } from "./session-events.ts";
import { type Desks, handleMessage, handleSession } from "./space-messages.ts";
import {
  type DeniedNotice,
  type HistoryOptions,
  type HistoryResult,
  type LinkConditions,
  type Objects,
  type Permissions,
  type OfflineState,
  type RollbackOptions,
  type RollbackResult,
  type SavedState,
  type DescribeOptions,
  type Description,
  type SearchOptions,
  type SearchResult,
  type Space,
  type SpaceEvents,
  type SpaceStats,
  type SpaceStatus,
} from "./space-types.ts";
import { observing, type SpaceOptions, type StartedSpace } from "./space-options.ts";
import { Meter } from "./stats.ts";
import { Uplink } from "./uplink.ts";
import { VeilStore } from "./veils.ts";
import { judgeConnect, judgeLink, judgeListener, judgeScope, mustBeString } from "./judge.ts";
import { sceneOfObject } from "./untyped-scene.ts";
import { whenSaved } from "./when-saved.ts";

export type { SpaceOptions, StartedSpace };

/** The first join may retry this long before `ready` gives up. */
const PATIENCE_MS = 10_000;
/** How long `leave` waits for unsaved edits. */
const LEAVE_MS = 2000;
const ID_LETTERS = 8;

/** Starts joining at once. */
export function startSpace<S extends SceneSpec = any>(options: SpaceOptions<S>): StartedSpace<S> {
  const space = new CoreSpace(options);
  return { space: space as unknown as Space<S>, ready: space.ready };
}

/** Joins; resolves with a space that may be used, rejects with a `JoinError`. */
export async function createSpace<S extends SceneSpec = any>(options: SpaceOptions<S>): Promise<Space<S>> {
  const { space, ready } = startSpace(options);
  await ready;
  return space;
}

class CoreSpace implements Space {
  readonly id: string;
  readonly me: MeState;
  readonly people: PeopleStore;
  readonly safety: SafetyState;
  readonly objects: Objects;
  readonly quality: QualityKnobs;
  readonly ready: Promise<void>;
  region = "";
  definitionMatches = true;
  offline: OfflineState = "off";
  private readonly options: SpaceOptions;
  private readonly emitter: Emitter<SpaceEvents>;
  private readonly connection: Connection;
  private readonly heartbeat: Heartbeat;
  private readonly uplink: Uplink;
  private readonly downlink: Downlink;
  private readonly streams: MyStreams;
  private readonly holds: Holds;
  private readonly sync: SceneSync;
  private readonly store: ObjectStore;
  private readonly veils = new VeilStore();
  private readonly asks: Asks;
  private readonly casAsks: CasAsks;
  private readonly rights: Rights;
  private readonly past: PastState;
  private readonly meter: Meter;
  private readonly desks: Desks;
  private conditions: LinkConditions | undefined;
  private tickRateHz = 60;
  /** What the room asks for. */
  private meanDelayMs = 0;
  /** On this link. */
  private welcomed = false;
  private beforeWelcome: SessionEvent[] = [];
  private readonly readiness: Readiness;

  constructor(options: SpaceOptions) {
    const { clock, scheduler, random, scene, dialer, url, space, ticket, link } = options;
    judgeConnect(options);
    this.options = options;
    this.id = space;
    this.conditions = link;
    this.emitter = new Emitter(scheduler);
    this.meter = new Meter(clock);
    this.people = new PeopleStore({
      joined: (person) => this.emitter.emit("joined", person),
      left: (person) => this.emitter.emit("left", person),
      changed: (person) => this.emitter.emit("person", person),
      isBlocked: (user) => this.safety.blocked.has(user),
    });
    const roomTime = (localMs: number): number | undefined => this.roomTime(localMs);
    const uplinkHz = options.uplinkHz === undefined ? {} : { uplinkHz: Math.max(1, Math.min(90, options.uplinkHz)) };
    this.quality = new QualityKnobs({ ...observing(options), ...uplinkHz, ...options.quality }, (quality) => this.applyQuality(quality));
    this.streams = new MyStreams({ clock, roomTime, send: (bytes, droppable) => this.sendBytes(bytes, droppable) }, this.quality.all);
    this.connection = new Connection({
      dialer: conditioned(dialer, { clock, scheduler, random, conditions: () => this.conditions }),
      clock,
      scheduler,
      random,
      request: { url, space, ticket },
      onMessage: (id, body) => this.onMessage(id, body),
      onSession: (event) => (this.welcomed ? this.onSession(event) : void this.beforeWelcome.push(event)),
      onStatus: (change) => {
        if (change.status === "closed") this.readiness.settle(change.reason ?? { code: 1000, sentence: "The space was left.", retryable: false });
        this.emitter.emit("status", change);
      },
      onDown: () => this.linkDown(),
      announce: (asleep) => this.send({ type: "presence", state: asleep ? "asleep" : "awake" }),
    });
    this.me = new MeState({
      clock,
      bounds: scene === undefined ? undefined : rigBounds(scene),
      roomTime,
      sleep: () => this.connection.sleep(),
      wake: () => this.connection.wake(),
      streams: this.streams,
    });
    this.heartbeat = new Heartbeat(clock, scheduler, (bytes) => this.sendBytes(bytes, true));
    this.downlink = new Downlink({
      clock,
      me: this.me,
      people: this.people,
      roomTime,
      send: (bytes) => this.sendBytes(bytes, true),
      observe: options.observe ?? true,
    });
    this.uplink = new Uplink({ me: this.me, send: (bytes, droppable) => this.sendBytes(bytes, droppable), lastFrame: () => this.downlink });
    this.rights = new Rights(scene);
    this.casAsks = new CasAsks((message) => this.connection.up && this.sendBytes(encodeMessage(message), false));
    this.applyQuality(this.quality.all);
    this.asks = new Asks(scheduler, (message) => this.send(message));
    this.past = new PastState({ up: () => this.welcomed, send: (message) => this.send(message), nextRef: () => this.asks.nextRef() });
    this.safety = new SafetyState(
      {
        up: () => this.welcomed,
        send: (message) => this.send(message),
        nextRef: () => this.asks.nextRef(),
        changed: (user) => {
          const person = this.people.byUser(user);
          if (person !== undefined) this.emitter.emit("person", person);
        },
      },
      options.safety,
    );
    this.holds = new Holds({
      mySlot: () => this.me.slot,
      poseOf: (slot) => this.poseOf(slot),
      myStates: () => this.me.states,
      roomNow: () => this.roomNow(),
      shownMs: (slot, device) => {
        const person = this.people.get(slot);
        if (slot === this.me.slot) return this.roomNow();
        return person?.visible === true ? person.shownMs(device) : undefined;
      },
      bodyOf: (object) => {
        const type = scene === undefined ? undefined : objectType(this.sync.doc, scene, object);
        return scene === undefined || type === undefined ? undefined : scene.objects[type]?.["transform"]?.body;
      },
      bounds: scene?.bounds,
      send: (message) => this.send(message),
      onHeld: (object) => this.emitter.emit("held", object),
      onDenied: (notice) => this.emitter.emit("denied", notice),
    });
    this.sync = new SceneSync({
      clock,
      scheduler,
      random,
      send: (body) => this.send({ type: "sync", body }),
      onSaved: (state) => this.emitter.emit("saved", state),
      onSynced: () => this.judgeReady(),
      onReplaced: (doc) => this.emitter.emit("resynced", doc),
      onChanged: (ids) => this.objectsChanged(ids),
      // Later, so that who awaited `connect` can be listening.
      onMerged: (report) => void scheduler.after(0, () => this.emitter.emit("merged", report)),
      cache: options.cache,
      onIdsSpent: () => this.connection.fail({ code: 1000, sentence: "The session is renewed after many refused edits.", retryable: true }),
      onTooLarge: (bytes) => this.deny("too-large", "", "", `One edit of ${bytes} bytes is more than the room takes; make it in parts.`),
    });
    const context: ObjectContext = {
      doc: () => this.sync.doc,
      sceneOf: (id) => scene ?? sceneOfObject(this.sync.doc, id),
      holds: this.holds,
      mySlot: () => this.me.slot,
      veil: (id, field) => this.veils.get(id, field, this.me.user),
      nowMs: () => clock.now(),
      refusal: (right, subject) => this.rights.refusal(this.me, right, subject),
      casAsks: this.casAsks,
      deny: (reason, object, field, sentence) => this.deny(reason, object, field, sentence),
    };
    this.store = new ObjectStore(context, scene, () => randomLetters(random, ID_LETTERS));
    this.objects = this.store.typed();
    const { asks, casAsks, downlink, emitter, heartbeat, holds, me, meter, past, people, rights, safety, streams, sync, uplink, veils } = this;
    this.desks = { asks, casAsks, clock, downlink, emitter, heartbeat, holds, me, meter, past, people, rights, safety, streams, sync, uplink, veils };
    this.keepOffline(options.cache);
    // The first timer: what throws above this line leaves nothing behind.
    this.readiness = new Readiness(scheduler, options.patienceMs ?? PATIENCE_MS, () => this.outOfPatience());
    this.sync.restore();
    this.ready = this.readiness.promise;
    this.connection.start();
  }

  get status(): SpaceStatus {
    return this.connection.status;
  }
  get saved(): SavedState {
    return this.sync.saved;
  }
  get roomTimeMs(): number {
    return this.roomTime(this.options.clock.now()) ?? 0;
  }

  get stats(): SpaceStats {
    const { sync } = this.heartbeat;
    this.meter.roll();
    const { bytesIn, bytesOut, bytesInPerS, bytesOutPerS, framesIn } = this.meter;
    return {
      rttMs: sync.rttMs,
      jitterMs: sync.jitterMs,
      delayMs: this.meanDelayMs,
      bytesIn,
      bytesOut,
      bytesInPerS,
      bytesOutPerS,
      tick: this.downlink.tick,
      tickRateHz: this.tickRateHz,
      clockErrorMs: sync.minRttMs / 2,
      slackMs: this.heartbeat.slackMs,
      framesIn,
      reconnects: this.connection.reconnects,
    };
  }

  on<E extends keyof SpaceEvents>(event: E, listener: (value: SpaceEvents[E]) => void): () => void {
    judgeListener(event, listener);
    return this.emitter.on(event, listener);
  }

  chat(text: string): boolean {
    mustBeString("chat: text", text);
    if (!this.connection.up) return false;
    this.asks.say(text);
    return true;
  }

  search(text: string, options: SearchOptions = {}): Promise<SearchResult> {
    if (!this.connection.up) return Promise.resolve({ degraded: true, hits: [] });
    return this.asks.search(text, options, this.me.pose);
  }

  watch(text: string, listener: (result: SearchResult) => void, options: SearchOptions = {}): () => void {
    return this.asks.watch(text, listener, options, this.connection.up && this.welcomed);
  }

  describe(options: DescribeOptions = {}): Promise<Description> {
    if (!this.connection.up) return Promise.resolve({ degraded: true, text: "", objects: 0, people: 0, groups: [] });
    return this.asks.describe(options);
  }

  transact<T>(change: () => T): T {
    return this.sync.doc.transact(change);
  }

  readonly permissions: Permissions = {
    rules: () => this.rights.rules(),
    set: (scope, allow) => {
      judgeScope(this.options.scene, scope);
      this.send({ type: "permit", ref: 0, scope, effect: allow === undefined ? "clear" : allow ? "allow" : "deny" });
    },
  };

  history(options?: HistoryOptions): Promise<HistoryResult> {
    return this.past.history(options);
  }

  rollback(options: RollbackOptions): Promise<RollbackResult> {
    return this.past.rollback(options);
  }

  frame(nowMs: number = this.options.clock.now()): void {
    this.me.frame(nowMs);
    const roomMs = this.roomTime(nowMs);
    if (roomMs !== undefined) this.meanDelayMs = this.people.frame(roomMs, nowMs);
    this.holds.frame(nowMs);
    if (this.status === "live") {
      this.uplink.pump(nowMs);
      this.streams.pump(nowMs);
    } else this.me.takeSamples();
  }

  simulate(conditions: LinkConditions | undefined): void {
    if (conditions !== undefined) judgeLink(conditions);
    this.conditions = conditions;
  }

  networkChanged(): void {
    this.connection.retryNow();
  }

  async leave(): Promise<void> {
    if (this.connection.up && !this.sync.clean) await whenSaved(this, this.options.scheduler, LEAVE_MS);
    this.connection.leave();
    this.sync.destroy();
    this.people.clear();
    await this.options.cache?.close();
  }

  // --------------------------------------------------------------------------------------------------------------------- messages

  private onMessage(id: number, body: Uint8Array): void {
    this.meter.received(body.length + 2);
    const decoded = decodeDown(id, body);
    // Ours is the only server: a message that cannot be read means another protocol, and guessing would be worse than leaving.
    if (!decoded.ok)
      return this.connection.fail({ code: 1002, sentence: `The server sent an unreadable ${decoded.error.message}.`, retryable: false });
    const message = decoded.value;
    if (message.type === "welcome") this.onWelcome(message);
    else handleMessage(this.desks, message);
  }

  private onWelcome(message: MessageOf<"welcome">): void {
    const { scene, clock } = this.options;
    const [xMm = 0, yMm = 0, zMm = 0] = message.rig.positionMm;
    if (message.protocol !== PROTOCOL_VERSION) {
      return this.connection.fail({ code: 1002, sentence: `The server speaks protocol ${message.protocol}.`, retryable: false });
    }
    this.region = message.region;
    this.tickRateHz = message.tickRateHz;
    this.definitionMatches = this.rights.definitionMatches = scene === undefined || scene.hash === message.definition;
    this.rights.reset();
    if (this.rights.mismatch !== undefined) this.deny(this.rights.mismatch.reason, "", "", this.rights.mismatch.sentence);
    this.uplink.linkUp(message.uplinkHz);
    this.applyQuality(this.quality.all);
    this.veils.clear();
    this.people.linkUp(clock.now());
    this.me.linkUp({ ...message, rig: { xMm, yMm, zMm, yaw: message.rig.yaw } }, this.connection.everJoined);
    this.downlink.linkUp(message.tickRateHz, message.tick);
    this.heartbeat.linkUp();
    this.streams.linkUp();
    this.sync.linkUp(message.epoch, message.user);
    this.welcomed = true;
    this.safety.linkUp();
    for (const event of this.beforeWelcome.splice(0)) this.onSession(event);
    this.connection.welcomed();
    this.asks.linkUp();
    this.judgeReady();
  }

  private onSession(event: SessionEvent): void {
    if (handleSession(this.desks, event)) this.judgeReady();
  }

  private linkDown(): void {
    this.welcomed = false;
    this.beforeWelcome = [];
    this.heartbeat.linkDown();
    this.downlink.linkDown();
    this.streams.linkDown();
    this.sync.linkDown();
    this.asks.linkDown();
    this.casAsks.linkDown();
    this.safety.linkDown();
    this.past.linkDown();
    this.holds.linkDown(this.options.clock.now());
    // With the scene from the device there is no need to wait for the room.
    if (this.sync.hasRestored && this.status !== "closed") this.readiness.settle();
  }

  private objectsChanged(ids: ReadonlySet<string>): void {
    this.store.changed(ids);
    for (const id of ids) this.emitter.emit("object", id);
  }

  // ---------------------------------------------------------------------------------------------------------------------- helpers

  /** Knobs that were turned, or a room they have not been applied to. */
  private applyQuality(quality: QualityOptions): void {
    const { forward, smoothingMs, minDelayMs, maxDelayMs, uplinkHz } = quality;
    this.people.configure({ forward: [forward.head, forward.hands, forward.hands], errorFadeMs: smoothingMs, minDelayMs, maxDelayMs });
    this.uplink.allow(uplinkHz === "room" ? Number.POSITIVE_INFINITY : uplinkHz);
    this.streams.onQuality(quality);
  }

  private send(message: UpMessage): void {
    this.sendBytes(encodeMessage(message), false);
  }

  private sendBytes(bytes: Uint8Array, droppable: boolean): boolean {
    const taken = this.connection.send(bytes, droppable);
    if (taken) this.meter.sent(bytes.length);
    return taken;
  }

  private deny(reason: DeniedNotice["reason"], object: string, field: string, sentence: string): void {
    this.emitter.emit("denied", { reason, object, field, sentence });
  }

  private roomTime(localMs: number): number | undefined {
    return this.heartbeat.sync.ready ? this.heartbeat.sync.toServer(localMs) : undefined;
  }

  /** Room time; before the first answer to a ping, as far as the newest frame tells. */
  private roomNow(): number | undefined {
    if (!this.connection.up) return undefined;
    return this.roomTime(this.options.clock.now()) ?? (this.downlink.tick * 1000) / this.tickRateHz;
  }

  private poseOf(slot: number): Float64Array | undefined {
    if (slot === this.me.slot) return this.me.pose;
    const person = this.people.get(slot);
    return person?.visible === true ? person.pose : undefined;
  }

  private keepOffline(cache: SceneCache | undefined): void {
    if (cache === undefined) {
      if (this.options.offline !== undefined && this.options.offline !== false) this.offline = "unavailable";
      return;
    }
    this.offline = "kept";
    cache.onTrouble = (sentence) => {
      this.offline = "unavailable";
      this.emitter.emit("offline", { state: this.offline, sentence });
    };
  }

  private judgeReady(): void {
    if (this.welcomed && this.sync.synced && this.me.info !== undefined) this.readiness.settle();
  }

  private outOfPatience(): void {
    // A scene from the device is of use all the same.
    if (this.sync.hasRestored) return this.readiness.settle();
    this.readiness.settle(this.connection.reason ?? { code: 1006, sentence: "The room did not answer in time.", retryable: true });
    this.connection.leave();
  }
}
