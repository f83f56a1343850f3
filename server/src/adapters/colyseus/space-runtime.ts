/**
 * Everything a space is while it runs, apart from Colyseus: the core and its engine, the writer, the pipeline's answers, and who is to be
 * sent what. Carries out the core's effects.
 *
 * [SR1] Effects are carried out in order; a session-plane change leaves as a schema patch before the next ordered message, so nobody
 *       hears about a person or a lease before it is there.
 * [SR2] A viewer gets one send per tick: the core's frame, or nothing if its connection lags (governor).
 * [SR3] A space that ends writes what it was asked to make durable first, for at most `FLUSH_MS`, and acknowledges it.
 */
import { randomInt } from "node:crypto";
import { err, ok, type Result, type SessionId } from "@copresence/shared/base";
import { CLOSE, type CloseName, decodeUp, echoTickOf, messageId } from "@copresence/shared/protocol";
import { type PersonExplanation, SceneCore } from "../../core/index.ts";
import type { CoreEffect, CoreInput, Identity, PipelineEvent } from "../../core/types.ts";
import type { LoadedScene } from "../store/scene-store.ts";
import { logId } from "../log.ts";
import { holdYoung } from "../collector.ts";
import { type Refusal, refusal } from "../refusal.ts";
import type { SendGovernor } from "./governor.ts";
import { JudgedTexts } from "./judged-texts.ts";
import { RoomEngine } from "./room-engine.ts";
import type { RoomHostOptions } from "./room-host.ts";
import { SceneWriter } from "./scene-writer.ts";
import { applyDelta, type SessionPlane } from "./session-plane.ts";
import { threadCpuMs } from "../thread-time.ts";

const POSE_ID = messageId("poseUp");
/** How often the governors look for stalled connections. */
const CHECK_MS = 1000;
/** A store that takes longer than this to finish does not hold up the end of a room; nothing unacknowledged was promised. */
const FLUSH_MS = 3000;
/** A document from this size on is taken in with the young generation held, for so long: building, indexing, and telling the pipeline. */
const LARGE_BYTES = 1 << 20;
const TAKING_IN_MS = 2000;

/** One connection, of either kind. */
export type Receiver = { readonly governor: SendGovernor; closeFor(name: CloseName, sentence?: string): void };

/** One on the room socket. */
export type RoomReceiver = Receiver & { readonly session: SessionId };

export type SpaceRuntimeOptions = {
  readonly space: string;
  readonly host: RoomHostOptions;
  readonly plane: SessionPlane;
  /** Sends the plane's changes to every joined client. */
  readonly broadcastPatch: () => void;
  /** Told what the store has before anything is built from it; the runtime waits. */
  readonly onLoaded?: ((loaded: LoadedScene) => Promise<void>) | undefined;
  /** The space cannot go on; called once. */
  readonly onFailed: (error: unknown) => void;
};

export class SpaceRuntime {
  private readonly options: SpaceRuntimeOptions;
  private readonly engine: RoomEngine;
  private readonly writer: SceneWriter;
  private readonly stopAnswers: () => void;
  private readonly receivers = new Map<SessionId, Receiver>();
  private readonly judged: JudgedTexts;
  private readonly thresholds: Readonly<Record<string, number>> | undefined;
  private planeChanged = false;
  private lastCheckMs = 0;

  /** Loads the scene and starts the space, or says why it cannot. */
  static async open(options: SpaceRuntimeOptions): Promise<Result<SpaceRuntime, Refusal>> {
    const { space, host } = options;
    const { region, build, tickRateHz, moderation, log } = host;
    const scene = host.sceneOf(space);
    if (scene === undefined) return err(refusal("spaceUnknown"));
    const before = performance.now();
    const loaded = await host.store.open(space);
    if (!loaded.ok) {
      const { code, sentence } = loaded.error;
      log.error({ space: logId(space), code, sentence }, "a scene could not be read from the store");
      return err(refusal("storageUnavailable"));
    }
    if (loaded.value.cutRecords > 0) log.warn({ space: logId(space), cut: loaded.value.cutRecords }, "a torn tail was cut from a scene's log");
    await options.onLoaded?.(loaded.value);
    if ((loaded.value.snapshot?.length ?? 0) >= LARGE_BYTES) holdYoung(TAKING_IN_MS);
    const initial = host.initialOf?.(space);
    const { boundaryM = 0, behaviour } = host;
    // The core exists before the runtime that carries out what it decides.
    let perform = (_effects: readonly CoreEffect[]): void => undefined;
    const core = SceneCore.open({
      space,
      region,
      build,
      tickRateHz,
      scene,
      loaded: loaded.value,
      seed: randomInt(2 ** 32),
      moderation,
      boundaryM,
      behaviour,
      takesReports: host.signals !== undefined,
      initial,
      stopwatch: threadCpuMs,
      soon: (effects) => perform(effects),
    });
    if (!core.ok) {
      const { code, sentence } = core.error;
      log.error({ space: logId(space), code, sentence }, "a scene's document could not be built");
      await host.store.release(space);
      return err(refusal("storageUnavailable"));
    }
    host.metrics.sceneLoaded(performance.now() - before);
    const runtime = new SpaceRuntime(options, core.value, loaded.value);
    perform = (effects) => runtime.perform(effects);
    return ok(runtime);
  }

  private constructor(options: SpaceRuntimeOptions, core: SceneCore, loaded: LoadedScene) {
    this.options = options;
    const { host, space } = options;
    this.judged = new JudgedTexts((hidden) => host.signals?.textHidden(space, hidden));
    const thresholds = host.thresholdsOf?.(space) ?? {};
    this.thresholds = Object.keys(thresholds).length === 0 ? undefined : thresholds;
    this.engine = new RoomEngine({
      core,
      tickRateHz: host.tickRateHz,
      clock: () => performance.now(),
      perform: (effects) => this.perform(effects),
      onFailed: options.onFailed,
      onTick: (tookMs, lateMs) => {
        host.metrics.tick(tookMs, lateMs);
        this.checkReceivers();
      },
    });
    this.writer = new SceneWriter({
      store: host.store,
      scene: space,
      epoch: loaded.epoch,
      logRecords: loaded.updates.length,
      onAppended: (result) => this.engine.push({ kind: "appended", ...result }),
      onAnswered: () => this.engine.step(),
      onNoted: (result) => this.engine.push({ kind: "noted", ...result }),
      onRecovered: () => this.engine.push({ kind: "storeRecovered" }),
      onStalled: (sentence) => {
        host.log.warn({ space: logId(space), sentence }, "the store hangs");
        this.engine.push({ kind: "storeStalled", sentence });
      },
      onTrouble: (sentence) => host.log.error({ space: logId(space), sentence }, "the store is in trouble"),
      onAppendMs: (tookMs) => host.metrics.append(tookMs),
      onCompacted: ({ bytes, wear }) => this.engine.push({ kind: "compacted", bytes, wear }),
      onRerooted: (fresh) => this.engine.push({ kind: "rerooted", fresh }),
      onLost: (sentence) => options.onFailed(new Error(sentence)),
    });
    this.stopAnswers = host.pipeline.onAnswer(space, (answer) => {
      if (answer.kind === "verdict" && answer.hide) this.judged.hidden(answer);
      this.engine.push(answer.kind === "verdict" ? answer : { ...answer, session: answer.session as SessionId });
    });
    this.engine.start();
  }

  /** Connections of both kinds. */
  get size(): number {
    return this.receivers.size;
  }

  enter(session: SessionId, identity: Identity, receiver: Receiver): void {
    this.receivers.set(session, receiver);
    this.engine.push({ kind: "join", session, identity });
  }

  /** The fields of a `poseUp` of the room socket, bytes[from..end), valid during the call; their length fits one. `clockMs`: performance.now(). */
  pose(from: RoomReceiver, clockMs: number, bytes: Uint8Array, at: number, end: number): void {
    const { traffic, metrics } = this.options.host;
    traffic.messagesIn++;
    traffic.bytesIn += end - at;
    metrics.received(POSE_ID);
    from.governor.echoed(echoTickOf(bytes, at));
    this.engine.pose(from.session, clockMs, bytes, at, end);
  }

  /** Another message of the room socket, as it arrived; `body` is ours to keep. */
  message(session: SessionId, id: number, body: Uint8Array): void {
    const { traffic, metrics } = this.options.host;
    traffic.messagesIn++;
    traffic.bytesIn += body.length;
    const decoded = decodeUp(id, body);
    if (!decoded.ok) return this.malformed(session, `${decoded.error.message} at byte ${decoded.error.offset}: ${decoded.error.fault}`);
    const message = decoded.value;
    metrics.received(id);
    if (message.type === "ping") {
      const pong = this.engine.pong(session, message.clientTimeMs);
      if (pong !== undefined) this.receivers.get(session)?.governor.droppable(pong);
      return;
    }
    this.engine.push({ kind: "message", session, receivedMs: this.engine.nowMs(), message });
  }

  /** What moderation decided. */
  push(input: CoreInput): void {
    this.engine.push(input);
  }

  explainPeople(viewer: string, source?: string): readonly PersonExplanation[] | undefined {
    return this.engine.explainPeople(viewer, source);
  }

  holdsOf(user: string): readonly string[] | undefined {
    return this.engine.holdsOf(user);
  }

  /** At once: what is written from now on names them no more. */
  forgetPerson(user: string, alias: string): void {
    this.engine.push({ kind: "forgetPerson", user, alias });
    this.engine.step();
  }

  malformed(session: SessionId, sentence: string): void {
    this.engine.push({ kind: "malformed", session, sentence });
  }

  leave(session: SessionId): void {
    if (this.receivers.delete(session)) this.engine.push({ kind: "leave", session });
  }

  /** `greetedEpoch`: see the input. */
  enterDoc(session: SessionId, identity: Identity, receiver: Receiver, greetedEpoch: number | undefined): void {
    this.receivers.set(session, receiver);
    this.engine.push({ kind: "docJoin", session, identity, greetedEpoch });
  }

  docMessage(session: SessionId, bytes: Uint8Array): void {
    this.engine.push({ kind: "docMessage", session, bytes });
  }

  leaveDoc(session: SessionId): void {
    if (this.receivers.delete(session)) this.engine.push({ kind: "docLeave", session });
  }

  closeAll(name: CloseName): void {
    for (const receiver of this.receivers.values()) receiver.closeFor(name);
  }

  /** Waits for what is being made durable, within bounds, and lets its authors know. */
  async flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    this.engine.step();
    await Promise.race([this.writer.drained(), tooLong]);
    clearTimeout(timer);
    this.engine.step();
  }

  /** After `stop`: another process may open the scene. */
  async letGo(): Promise<void> {
    await this.writer.fold();
    return this.options.host.store.release(this.options.space);
  }

  /** Idempotent; nothing is carried out afterwards. */
  stop(): void {
    this.engine.stop();
    this.writer.close();
    this.stopAnswers();
  }

  /** Texts are judged by the space's own thresholds, where it has some. */
  private withThresholds(event: PipelineEvent): PipelineEvent {
    return event.kind === "text" && this.thresholds !== undefined ? { ...event, thresholds: this.thresholds } : event;
  }

  private perform(effects: readonly CoreEffect[]): void {
    // Frames are nearly all of it, and go past the many kinds of everything else.
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i] as CoreEffect;
      if (effect.kind === "sendFrame") this.sendFrame(effect.session, effect.bytes);
      else this.performOne(effect);
    }
    this.patch();
  }

  private performOne(effect: Exclude<CoreEffect, { kind: "sendFrame" }>): void {
    const { host, plane, space } = this.options;
    switch (effect.kind) {
      case "send": {
        const governor = this.receivers.get(effect.session)?.governor;
        if (effect.droppable) return void governor?.droppable(effect.bytes);
        this.patch();
        return governor?.ordered(effect.bytes);
      }
      case "sendDoc":
        return this.receivers.get(effect.session)?.governor.ordered(effect.bytes);
      case "session":
        this.planeChanged = true;
        return applyDelta(plane, effect.delta);
      case "append":
        return this.writer.append(effect);
      case "note":
        return void this.writer.note(effect);
      case "compact":
        return this.writer.compact();
      case "reroot":
        return void this.writer.reroot(effect);
      case "recall":
        return void this.recall(effect);
      case "close":
        this.patch();
        return this.receivers.get(effect.session)?.closeFor(effect.reason, CLOSE[effect.reason].sentence);
      case "event":
        this.judged.offered(effect.event);
        return host.pipeline.offer(space, this.withThresholds(effect.event));
      case "report":
        return host.signals?.report(space, effect.report);
      case "alarm":
        return host.signals?.alarm(space, effect.alarm);
      case "appeal": {
        const taken = host.signals?.appeal(space, effect.user, effect.measure, effect.text) ?? false;
        return this.engine.push({ kind: "appealed", session: effect.session, ref: effect.ref, taken });
      }
      case "count":
        return host.metrics.count(effect.metric, effect.by);
    }
  }

  private async recall({ id, query }: Extract<CoreEffect, { kind: "recall" }>): Promise<void> {
    const { host, space } = this.options;
    const result = await host.store.recall(space, this.writer.epoch, query);
    if (!result.ok) host.log.warn({ space: logId(space), sentence: result.error.sentence }, "a scene's history could not be read");
    const answer = result.ok ? result.value : undefined;
    this.engine.push({ kind: "recalled", id, answer, sentence: result.ok ? "" : result.error.sentence });
  }

  private sendFrame(session: SessionId, bytes: Uint8Array): void {
    const receiver = this.receivers.get(session);
    if (receiver === undefined) return;
    const fate = receiver.governor.frame(bytes);
    if (fate !== "sent") this.engine.push({ kind: fate === "skipped" ? "frameSkipped" : "frameQueued", session });
  }

  private patch(): void {
    if (!this.planeChanged) return;
    this.planeChanged = false;
    this.options.broadcastPatch();
  }

  private checkReceivers(): void {
    const nowMs = this.engine.nowMs();
    if (nowMs - this.lastCheckMs < CHECK_MS) return;
    this.lastCheckMs = nowMs;
    for (const { governor } of this.receivers.values()) governor.check(nowMs);
  }
}
