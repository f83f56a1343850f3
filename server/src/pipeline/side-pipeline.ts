/**
 * The side pipeline as the room's process sees it: queues in, batches to a carrier, answers out, and the reduced form when workers do not answer.
 *
 * [SP1] `offer` is a few map operations: no parsing, no message to a worker, no answer from inside it.
 * [SP2] Every text and search that is accepted is answered once: by a worker, or after its deadline in process. An answer that comes later is dropped.
 * [SP3] A new worker is told every object before it is asked anything: until then searches are answered in process, degraded.
 * [SP4] Objects wait in the ledger, texts and searches in queues per scene; what queues turn away is answered in process, or counted as dropped.
 * [SP5] What a carrier lost is sent again: at once when its part goes down or comes up anew, after `resendMs` when nothing is heard.
 * [SP6] Full batches have pauses between them, in which people of other scenes are served: a flood of one scene costs it its own patience.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { PipelineEvent } from "../core/types.ts";
import type { Carrier, Envelope, OpenCarrier, Outcome, RuntimeReport } from "./carrier.ts";
import { answerKey, isAnswerTo, isLedgerEvent, keyOf, objectOf, type RequestEvent, versionOf } from "./event-key.ts";
import { type Flight, Flights } from "./flights.ts";
import { InProcess } from "./in-process.ts";
import { type Ask, queueOf, type QueueName, SceneLanes } from "./scene-lanes.ts";
import { realTimers, type Timers } from "./timers.ts";
import type { Pipeline, PipelineAnswer, PipelineHealth, PipelineMode } from "./types.ts";

/**
 * Chat: what still feels like talking, with the way there and back (50 ms in all); a worker that has the processor answers in 10. Other texts: nobody
 * waits for them. Searches: what still feels like an answer to typing. Standing: a loaded scene takes its turn.
 */
const DEADLINES: Deadlines = { chatMs: 25, textMs: 100, searchMs: 300, standingMs: 5000, downMs: 0, resendMs: 10_000 };
const SWEEP_MS = 10;
/** Between sends that hold objects only, so that a flood of edits costs the room's thread little. */
const OBJECT_REST_MS = 4;
/**
 * Between full batches, when there is more than one takes: 3 200 texts and as many objects a second, twice what a thousand people may say. Without it
 * a flood is a ping-pong between processes that wake each other on the room's processor, in the middle of ticks.
 */
const BACKLOG_REST_MS = 20;
/** A scene in which more wait than this is not served faster by being served at once. */
const URGENT = 16;
const isUrgent = (waiting: number): boolean => waiting > 0 && waiting <= URGENT;
/** A scene beyond these is not served: far above what one process hosts. */
const MAX_SCENES = 256;
/** How long after the last fallback health says `degraded`, and the fallback keeps its index. */
const RECENT_MS = 5000;
const KEEP_WARM_MS = 60_000;

const DEADLINE_OF: Readonly<Record<QueueName, keyof Deadlines>> = {
  texts: "textMs",
  searches: "searchMs",
  standing: "standingMs",
};
const isChat = (event: RequestEvent): boolean => event.kind === "text" && event.subject.kind === "chat";
const deadlineOf = (event: RequestEvent): keyof Deadlines => (isChat(event) ? "chatMs" : DEADLINE_OF[queueOf(event)]);
type Open = Ask & { readonly lanes: SceneLanes };
type Part = {
  readonly scenes: Set<SceneLanes>;
  state: "starting" | "down" | "replaying" | "serving";
  /** While replaying: objects that changed up to here are part of it; then, up to which flight. */
  replayMs: number;
  replayFlight: number | undefined;
  /** Objects, or a full batch, were sent a moment ago. */
  resting: boolean;
};

/**
 * How long the worker has before the room's process answers; `downMs`: while there is none to wait for. `resendMs`: when what was sent and not
 * heard of is sent again; longer than a worker needs for a full window, and than its successor needs to take over.
 */
export type Deadlines = {
  /** Lines of chat. */
  readonly chatMs: number;
  readonly textMs: number;
  readonly searchMs: number;
  readonly standingMs: number;
  readonly downMs: number;
  readonly resendMs: number;
};
export type SidePipelineOptions = {
  readonly mode: PipelineMode;
  readonly carrier: OpenCarrier;
  readonly onLog?: ((line: string) => void) | undefined;
  readonly timers?: Timers | undefined;
  readonly deadlines?: Deadlines | undefined;
};

export class SidePipeline implements Pipeline {
  private readonly mode: PipelineMode;
  private readonly timers: Timers;
  private readonly log: (line: string) => void;
  private readonly deadlines: Deadlines;
  private readonly scenes = new Map<string, SceneLanes>();
  private readonly parts: readonly Part[];
  /** Accepted and unanswered, oldest first: queued or with a worker. */
  private readonly open = new Map<string, Open>();
  private readonly flights = new Flights();
  private readonly fallback: InProcess;
  private readonly carrier: Carrier;
  private runtime: RuntimeReport = { ok: true, sentence: "starting" };
  private lastFallbackMs = -Infinity;
  private readonly counts = { lost: 0, dead: 0, resent: 0, degraded: 0, coalescedBefore: 0 };
  private searches = 0;
  private pumping: unknown;
  private cancelSweep: (() => void) | undefined;
  private closed = false;

  constructor(options: SidePipelineOptions) {
    this.mode = options.mode;
    this.timers = options.timers ?? realTimers;
    this.deadlines = options.deadlines ?? DEADLINES;
    this.log = options.onLog ?? (() => undefined);
    this.fallback = new InProcess({
      degraded: true,
      capacity: LIMITS.pipelineEvents,
      timers: this.timers,
      answer: (scene, answer) => {
        this.counts.degraded++;
        this.tell(scene, answer);
      },
    });
    this.carrier = options.carrier({
      onUp: (part, runtime) => this.partUp(part, runtime),
      onDone: (part, outcomes) => this.partDone(part, outcomes),
      onDown: (part, sentence) => this.partDown(part, sentence),
      onLog: this.log,
    });
    this.parts = Array.from({ length: this.carrier.parts }, (): Part => {
      return { scenes: new Set(), state: "starting", replayMs: 0, replayFlight: undefined, resting: false };
    });
  }

  offer(name: string, event: PipelineEvent): void {
    const lanes = this.lanesOf(name);
    if (lanes === undefined) {
      this.counts.lost++;
      return;
    }
    if (!isLedgerEvent(event)) return this.enqueue(lanes, event);
    if (!lanes.ledger.put(event, this.timers.now())) return;
    if (this.fallback.isWarm(name)) this.fallback.change(name, event);
    this.wake();
  }

  /** The last listener that leaves takes the scene's state with it. */
  onAnswer(name: string, listener: (answer: PipelineAnswer) => void): () => void {
    this.lanesOf(name)?.listeners.add(listener);
    return () => {
      const lanes = this.scenes.get(name);
      if (lanes?.listeners.delete(listener) === true && lanes.listeners.size === 0) this.forget(lanes);
    };
  }

  health(): PipelineHealth {
    const nowMs = this.timers.now();
    const { lost, dead, resent, degraded, coalescedBefore } = this.counts;
    let [queued, dropped, coalesced] = [this.open.size, lost, coalescedBefore];
    const [oldestOpen] = this.open.values();
    let oldestMs = Math.min(nowMs, oldestOpen?.sinceMs ?? nowMs, this.flights.oldestMs ?? nowMs);
    for (const lanes of this.scenes.values()) {
      queued += lanes.ledger.undelivered;
      dropped += lanes.ledger.refused;
      coalesced += lanes.coalesced;
      oldestMs = Math.min(oldestMs, lanes.ledger.oldestMs ?? nowMs);
    }
    return {
      state: this.state(nowMs),
      mode: this.mode,
      queued,
      dropped,
      coalesced,
      dead: dead + this.fallback.failed,
      resent,
      degradedAnswers: degraded,
      workers: this.carrier.pids,
      restarts: this.carrier.restarts,
      lagMs: Math.round(nowMs - oldestMs),
      runtime: this.runtime.sentence,
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelSweep?.();
    this.open.clear();
    this.scenes.clear();
    this.fallback.close();
    await this.carrier.close();
  }

  /** Judged by the parts that hold scenes; without any scene one part that is served is enough to start with. */
  private state(nowMs: number): PipelineHealth["state"] {
    const recently = nowMs - this.lastFallbackMs < RECENT_MS;
    const used = this.parts.filter(({ scenes }) => scenes.size > 0);
    const serving = used.length > 0 ? used.every(({ state }) => state === "serving") : this.parts.some(({ state }) => state === "serving");
    if (serving && this.runtime.ok && !recently) return "ready";
    const starting = this.parts.every(({ state }) => state === "starting" || state === "replaying");
    return starting && this.runtime.ok && !recently && this.carrier.restarts === 0 ? "starting" : "degraded";
  }

  private lanesOf(name: string): SceneLanes | undefined {
    const known = this.scenes.get(name);
    if (known !== undefined || this.closed || this.scenes.size >= MAX_SCENES) return known;
    const lanes = new SceneLanes(name, this.carrier.partOf(name));
    this.scenes.set(name, lanes);
    this.partOf(lanes).scenes.add(lanes);
    return lanes;
  }

  private partOf(lanes: SceneLanes): Part {
    return this.parts[lanes.part] as Part;
  }

  private forget(lanes: SceneLanes): void {
    this.scenes.delete(lanes.name);
    this.partOf(lanes).scenes.delete(lanes);
    this.counts.coalescedBefore += lanes.coalesced;
    for (const [key, ask] of this.open) if (ask.lanes === lanes) this.open.delete(key);
    this.flights.forget(lanes);
    this.fallback.forget(lanes.name);
    this.carrier.forget(lanes.name);
  }

  private enqueue(lanes: SceneLanes, event: RequestEvent): void {
    const ask: Ask = { key: keyOf(lanes.name, event), event, sinceMs: this.timers.now() };
    // A question asked again under the same `ref` is a new question.
    const { status, evicted } = lanes.put(ask, event.kind === "search" ? ++this.searches : event.version);
    if (status === "stale") return;
    for (const { item } of evicted) this.turnAway(lanes, item);
    this.wake();
    this.open.set(ask.key, { ...ask, lanes });
    this.cancelSweep ??= this.timers.after(SWEEP_MS, () => this.sweep());
  }

  /** Over quota or capacity [SP4]. */
  private turnAway(lanes: SceneLanes, ask: Ask): void {
    this.open.delete(ask.key);
    this.answerInProcess(lanes, ask.event);
  }

  private answerInProcess(lanes: SceneLanes, event: RequestEvent): void {
    this.lastFallbackMs = this.timers.now();
    if (event.kind === "search" && !this.fallback.isWarm(lanes.name)) this.fallback.warm(lanes.name, lanes.ledger.events());
    if (!this.fallback.ask(lanes.name, event)) this.counts.lost++;
  }

  /** Answers in process what no worker has answered in time [SP2], and sends again what is overdue [SP5]. */
  private sweep(): void {
    this.cancelSweep?.();
    this.cancelSweep = undefined;
    const nowMs = this.timers.now();
    for (const [key, ask] of this.open) {
      // What finds no room now stays where it is and is tried again at the next sweep, or the worker comes back first.
      if (!this.fallback.hasRoom) break;
      const queue = queueOf(ask.event);
      const { state } = this.partOf(ask.lanes);
      const hopeless = state === "down" || (state === "replaying" && queue === "searches");
      const patienceMs = this.deadlines[hopeless ? "downMs" : deadlineOf(ask.event)];
      if (nowMs - ask.sinceMs < patienceMs) continue;
      this.open.delete(key);
      ask.lanes.queues[queue].remove(key);
      this.answerInProcess(ask.lanes, ask.event);
    }
    this.parts.forEach((_, part) => this.sendOverdue(part, nowMs));
    if (this.open.size + this.flights.size > 0) this.cancelSweep = this.timers.after(SWEEP_MS, () => this.sweep());
    else if (this.parts.every(({ state }) => state === "serving") && nowMs - this.lastFallbackMs > KEEP_WARM_MS) this.fallback.cool();
  }

  private sendOverdue(part: number, nowMs: number): void {
    const overdue = this.flights.lose(part, nowMs - this.deadlines.resendMs);
    if (overdue.length === 0) return;
    this.carrier.abandon(
      part,
      overdue.map(({ id }) => id),
    );
    this.sendAgain(overdue);
  }

  private sendAgain(lost: readonly Flight[]): void {
    for (const { lanes, event, sinceMs } of lost) {
      if (isLedgerEvent(event)) lanes.ledger.redo(event, this.timers.now());
      else {
        const key = keyOf(lanes.name, event);
        // Answered meanwhile, or superseded.
        if (this.open.get(key)?.event !== event) continue;
        for (const { item } of lanes.put({ key, event, sinceMs }, versionOf(event)).evicted) this.turnAway(lanes, item);
      }
      this.counts.resent++;
    }
    if (lost.length > 0) this.wake();
  }

  private wake(): void {
    this.pumping ??= setImmediate(() => this.pump());
  }

  private pump(): void {
    this.pumping = undefined;
    if (this.closed) return;
    this.parts.forEach((part, index) => {
      if (part.scenes.size > 0 || part.state === "replaying") this.fill(part, index);
    });
    if (this.flights.size > 0) this.cancelSweep ??= this.timers.after(SWEEP_MS, () => this.sweep());
  }

  /**
   * Hands over what the part takes: objects first, so that a search finds what was made before it was asked. While the part rests only scenes
   * in which a few texts or searches wait are served [SP6].
   */
  private fill(part: Part, index: number): void {
    const room = this.carrier.room(index);
    if (room.objects + room.requests <= 0) return;
    const searches = part.state !== "replaying";
    const served = part.resting ? [...part.scenes].filter((lanes) => isUrgent(lanes.waiting(searches))) : [...part.scenes];
    const [items, nowMs] = [[] as Envelope[], this.timers.now()];
    const share = (max: number): number => Math.ceil(Math.max(0, max) / Math.max(1, served.length));
    for (const lanes of served) {
      for (const event of lanes.ledger.take(share(room.objects))) {
        const id = this.flights.start(lanes, event, { sentMs: nowMs, sinceMs: nowMs });
        items.push({ id, scene: lanes.name, event, ttlMs: undefined });
      }
    }
    const objects = items.length;
    for (const lanes of served) {
      for (const { event, sinceMs } of lanes.take(share(room.requests), searches)) {
        const id = this.flights.start(lanes, event, { sentMs: nowMs, sinceMs });
        items.push({ id, scene: lanes.name, event, ttlMs: this.ttlOf(event, nowMs - sinceMs) });
      }
    }
    const backlog = served.some((lanes) => lanes.ledger.undelivered > 0 || lanes.waiting(searches) > 0);
    if (backlog) this.rest(part, BACKLOG_REST_MS);
    else if (objects > 0) this.rest(part, OBJECT_REST_MS);
    this.checkReplay(part, index);
    if (items.length > 0) this.carrier.send(index, items);
  }

  /** Nobody reads the answer to a question whose deadline has passed. Texts of objects stay worth judging. */
  private ttlOf(event: RequestEvent, ageMs: number): number | undefined {
    if (event.kind === "search") return Math.max(1, this.deadlines.searchMs - ageMs);
    return isChat(event) ? Math.max(1, this.deadlines.chatMs - ageMs) : undefined;
  }

  private rest(part: Part, ms: number): void {
    if (part.resting) return;
    part.resting = true;
    this.timers.after(ms, () => {
      part.resting = false;
      this.wake();
    });
  }

  private partDone(index: number, outcomes: readonly Outcome[]): void {
    for (const { id, scene, answer, dead } of outcomes) {
      const flight = this.flights.land(index, id);
      if (flight !== undefined && isLedgerEvent(flight.event)) flight.lanes.ledger.delivered(flight.event);
      if (dead !== undefined) this.bury(scene, dead);
      if (answer !== undefined) this.settle(scene, answer);
    }
    this.checkReplay(this.parts[index] as Part, index);
    this.wake();
  }

  /** A worker's answer, unless it was given already or asks have moved on. */
  private settle(scene: string, answer: PipelineAnswer): void {
    const key = answerKey(scene, answer);
    const ask = this.open.get(key);
    if (ask === undefined || !isAnswerTo(answer, ask.event)) return;
    this.open.delete(key);
    // It may wait to be sent again.
    ask.lanes.queues[queueOf(ask.event)].remove(key);
    this.tell(scene, answer);
  }

  /** No worker can handle it: it is not sent again, and who waits for an answer gets the reduced form's. */
  private bury(scene: string, { why, key, version }: NonNullable<Outcome["dead"]>): void {
    const lanes = this.scenes.get(scene);
    if (lanes === undefined) return;
    const object = objectOf(scene, key);
    const ask = this.open.get(key);
    if (object !== undefined) {
      if (!lanes.ledger.bury(object, version)) return;
    } else if (ask !== undefined) {
      if (versionOf(ask.event) !== version) return;
      this.open.delete(key);
      lanes.queues[queueOf(ask.event)].remove(key);
      this.answerInProcess(lanes, ask.event);
    }
    this.counts.dead++;
    this.log(`an event was given up: ${why}`);
  }

  private partUp(index: number, runtime: RuntimeReport): void {
    const part = this.parts[index] as Part;
    this.runtime = runtime;
    if (!runtime.ok) this.log(runtime.sentence);
    this.sendAgain(this.flights.lose(index));
    part.state = "replaying";
    part.replayMs = this.timers.now();
    part.replayFlight = undefined;
    for (const { ledger } of part.scenes) ledger.replay(part.replayMs);
    this.wake();
  }

  /** A replay is over when everything that was there at its start has been sent, and what was sent has come back. */
  private checkReplay(part: Part, index: number): void {
    if (part.state !== "replaying") return;
    if (part.replayFlight === undefined) {
      for (const { ledger } of part.scenes) if ((ledger.oldestMs ?? Infinity) <= part.replayMs) return;
      part.replayFlight = this.flights.newest;
    }
    if (this.flights.hasObjectsUpTo(index, part.replayFlight)) return;
    part.state = "serving";
    if (part.scenes.size > 0 || this.parts.length === 1) this.log(`a worker is serving with ${this.runtime.sentence}`);
    this.wake();
  }

  private partDown(index: number, sentence: string): void {
    const part = this.parts[index] as Part;
    if (part.state === "down") return;
    part.state = "down";
    this.sendAgain(this.flights.lose(index));
    if (part.scenes.size > 0 || this.parts.length === 1) this.log(`${sentence}; answering in process until the next is up`);
    this.sweep();
  }

  private tell(name: string, answer: PipelineAnswer): void {
    for (const listener of this.scenes.get(name)?.listeners ?? []) listener(answer);
  }
}
