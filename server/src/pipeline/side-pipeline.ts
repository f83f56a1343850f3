/**
 * The side pipeline as the room's process sees it: queues in, batches to the worker, answers out, and the reduced form when the worker does not answer.
 *
 * [SP1] `offer` is a few map operations: no parsing, no message to the thread, no answer from inside it.
 * [SP2] Every text and search that is accepted is answered once: by the worker, or after its deadline in process. An answer that comes later is dropped.
 * [SP3] A new worker is told every object before it is asked anything: until then searches are answered in process, degraded.
 * [SP4] Objects wait in the ledger, texts and searches in queues per scene; what queues turn away is answered in process, or counted as dropped.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { PipelineEvent } from "../core/types.ts";
import { InProcess, type TextEvent } from "./in-process.ts";
import { type LedgerEvent, ObjectLedger } from "./object-ledger.ts";
import { type Request, RequestQueue } from "./request-queue.ts";
import { MAX_OBJECTS, type SearchEvent } from "./search/index.ts";
import { realTimers, type Timers } from "./timers.ts";
import type { Pipeline, PipelineAnswer, PipelineHealth } from "./types.ts";
import { WorkerHost } from "./worker-host.ts";
import type { BatchItem, Fault, SceneAnswer } from "./worker-messages.ts";

/** Texts: half of what a held chat line waits for its verdict (200 ms). Searches: what still feels like an answer to typing. Standing: a loaded scene takes its turn. */
const DEADLINES: Deadlines = { textMs: 100, searchMs: 300, standingMs: 5000 };
const SWEEP_MS = 20;
/** One batch: some milliseconds of the worker's time, a fraction of one of the room's to clone. */
const BATCH_REQUESTS = 64;
const BATCH_OBJECTS = 128;
/** Between batches that hold objects only, so that a flood of edits costs the room's thread little. */
const OBJECT_BATCH_REST_MS = 4;
/** Unanswered texts and searches of one person: more than chat, label and search limits let through in a second. */
const QUOTA = 64;
/** A scene beyond these is not served: far above what one process hosts. */
const MAX_SCENES = 256;
/** How long after the last fallback health says `degraded`, and the fallback keeps its index. */
const RECENT_MS = 5000;
const KEEP_WARM_MS = 60_000;

type AskEvent = TextEvent | SearchEvent;
type QueueName = "texts" | "searches" | "standing";
const DEADLINE_OF: Readonly<Record<QueueName, keyof Deadlines>> = { texts: "textMs", searches: "searchMs", standing: "standingMs" };
type Ask = { readonly scene: string; readonly event: AskEvent; readonly sinceMs: number };
type Scene = {
  readonly name: string;
  readonly ledger: ObjectLedger;
  readonly texts: RequestQueue<Ask>;
  readonly searches: RequestQueue<Ask>;
  /** Texts the room itself hands in: those of every object when a scene is loaded. Nobody waits for them, none may be lost. */
  readonly standing: RequestQueue<Ask>;
  readonly listeners: Set<(answer: PipelineAnswer) => void>;
};

/** How long the worker has before the room's process answers. */
export type Deadlines = { readonly textMs: number; readonly searchMs: number; readonly standingMs: number };
export type SidePipelineOptions = { readonly onLog?: (line: string) => void; readonly timers?: Timers; readonly deadlines?: Deadlines };

export class SidePipeline implements Pipeline {
  private readonly timers: Timers;
  private readonly log: (line: string) => void;
  private readonly deadlines: Deadlines;
  private readonly scenes = new Map<string, Scene>();
  /** Accepted and unanswered, oldest first: queued or with the worker. */
  private readonly open = new Map<string, Ask>();
  private readonly fallback: InProcess;
  private readonly host: WorkerHost;
  /** Handed to the worker and not acknowledged. */
  private batch: { readonly objects: readonly { readonly scene: Scene; readonly event: LedgerEvent }[] } | undefined;
  private runtime = "starting";
  private runtimeOk = true;
  private worker: "starting" | "down" | "replaying" | "serving" = "starting";
  private lastFallbackMs = -Infinity;
  private lost = 0;
  private searches = 0;
  private pumping: unknown;
  /** After a batch, until objects may fill the next one. */
  private resting = false;
  private cancelSweep: (() => void) | undefined;
  private closed = false;

  constructor(options: SidePipelineOptions = {}) {
    this.timers = options.timers ?? realTimers;
    this.deadlines = options.deadlines ?? DEADLINES;
    this.log = options.onLog ?? (() => undefined);
    this.fallback = new InProcess({
      degraded: true,
      capacity: LIMITS.pipelineEvents,
      timers: this.timers,
      answer: (scene, answer) => this.tell(scene, answer),
    });
    this.host = new WorkerHost(this.timers, {
      onReady: (runtime) => this.workerReady(runtime),
      onDone: (answers) => this.batchDone(answers),
      onDown: (sentence) => this.workerDown(sentence),
      onLog: this.log,
    });
    this.host.start();
  }

  offer(name: string, event: PipelineEvent): void {
    const scene = this.sceneOf(name);
    if (scene === undefined) {
      this.lost++;
      return;
    }
    if (event.kind === "text" || event.kind === "search") return this.enqueue(scene, event);
    if (!scene.ledger.put(event, this.timers.now())) return;
    if (this.fallback.isWarm(name)) this.fallback.change(name, event);
    this.wake();
  }

  /** The last listener that leaves takes the scene's state with it. */
  onAnswer(name: string, listener: (answer: PipelineAnswer) => void): () => void {
    this.sceneOf(name)?.listeners.add(listener);
    return () => {
      const scene = this.scenes.get(name);
      if (scene?.listeners.delete(listener) === true && scene.listeners.size === 0) this.forget(scene);
    };
  }

  health(): PipelineHealth {
    const nowMs = this.timers.now();
    let [queued, dropped, oldestMs] = [this.open.size, this.lost, nowMs];
    for (const { ledger } of this.scenes.values()) {
      queued += ledger.undelivered;
      dropped += ledger.refused;
      oldestMs = Math.min(oldestMs, ledger.oldestMs ?? nowMs);
    }
    const [oldestAsk] = this.open.values();
    oldestMs = Math.min(oldestMs, oldestAsk?.sinceMs ?? nowMs);
    const recently = nowMs - this.lastFallbackMs < RECENT_MS;
    const serving = this.worker === "serving" && this.runtimeOk && !recently;
    const state = serving ? "ready" : this.worker === "starting" && !recently ? "starting" : "degraded";
    return { state, queued, dropped, lagMs: Math.round(nowMs - oldestMs), runtime: this.runtime };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelSweep?.();
    this.open.clear();
    this.scenes.clear();
    this.fallback.close();
    await this.host.close();
  }

  /** Fault injection, for simulations and tests: the worker dies, or hangs. */
  inject(fault: Fault): void {
    this.host.inject(fault);
  }

  private sceneOf(name: string): Scene | undefined {
    const known = this.scenes.get(name);
    if (known !== undefined || this.closed || this.scenes.size >= MAX_SCENES) return known;
    const bounds = { capacity: LIMITS.pipelineEvents, quota: QUOTA };
    const scene: Scene = {
      name,
      ledger: new ObjectLedger(MAX_OBJECTS),
      texts: new RequestQueue(bounds),
      searches: new RequestQueue(bounds),
      standing: new RequestQueue({ capacity: MAX_OBJECTS, quota: MAX_OBJECTS }),
      listeners: new Set(),
    };
    this.scenes.set(name, scene);
    return scene;
  }

  private forget(scene: Scene): void {
    this.scenes.delete(scene.name);
    for (const [key, ask] of this.open) if (ask.scene === scene.name) this.open.delete(key);
    this.fallback.forget(scene.name);
    this.host.forget(scene.name);
  }

  private enqueue(scene: Scene, event: AskEvent): void {
    const ask: Ask = { scene: scene.name, event, sinceMs: this.timers.now() };
    const key = keyOf(scene.name, event);
    const queue = scene[queueOf(event)];
    const owner = event.kind === "text" ? event.user : event.session;
    // A question asked again under the same `ref` is a new question.
    const version = event.kind === "text" ? event.version : ++this.searches;
    const { status, evicted } = queue.put({ key, owner, version, item: ask });
    if (status === "stale") return;
    for (const request of evicted) this.turnAway(request);
    this.open.set(key, ask);
    this.cancelSweep ??= this.timers.after(SWEEP_MS, () => this.sweep());
    this.wake();
  }

  /** Over quota or capacity [SP4]. */
  private turnAway(request: Request<Ask>): void {
    this.open.delete(request.key);
    this.answerInProcess(request.item);
  }

  private answerInProcess({ scene, event }: Ask): void {
    this.lastFallbackMs = this.timers.now();
    const known = this.scenes.get(scene);
    if (event.kind === "search" && known !== undefined && !this.fallback.isWarm(scene)) this.fallback.warm(scene, known.ledger.events());
    if (!this.fallback.ask(scene, event)) this.lost++;
  }

  /** Answers in process what the worker has not answered in time [SP2]; at once while there is no worker to wait for. */
  private sweep(): void {
    this.cancelSweep?.();
    this.cancelSweep = undefined;
    const nowMs = this.timers.now();
    for (const [key, ask] of this.open) {
      // What finds no room now stays where it is and is tried again at the next sweep, or the worker comes back first.
      if (!this.fallback.hasRoom) break;
      const queue = queueOf(ask.event);
      const hopeless = this.worker === "down" || (this.worker === "replaying" && queue === "searches");
      if (!hopeless && nowMs - ask.sinceMs < this.deadlines[DEADLINE_OF[queue]]) continue;
      this.open.delete(key);
      this.scenes.get(ask.scene)?.[queue].remove(key);
      this.answerInProcess(ask);
    }
    if (this.open.size > 0) this.cancelSweep = this.timers.after(SWEEP_MS, () => this.sweep());
    else if (this.worker === "serving" && nowMs - this.lastFallbackMs > KEEP_WARM_MS) this.fallback.cool();
  }

  private wake(): void {
    this.pumping ??= setImmediate(() => this.pump());
  }

  /** Gives an idle worker the next batch: objects first, so that a search finds what was made before it was asked. */
  private pump(): void {
    this.pumping = undefined;
    if (this.closed || !this.host.idle || (this.resting && !this.hasRequests())) return;
    const items: BatchItem[] = [];
    const objects: { scene: Scene; event: LedgerEvent }[] = [];
    const share = (max: number): number => Math.max(1, Math.floor(max / Math.max(1, this.scenes.size)));
    for (const scene of this.scenes.values()) {
      for (const event of scene.ledger.take(share(BATCH_OBJECTS))) {
        objects.push({ scene, event });
        items.push({ scene: scene.name, event });
      }
    }
    for (const scene of this.scenes.values()) {
      const { texts, searches, standing } = scene;
      for (const queue of this.worker === "replaying" ? [texts, standing] : [texts, searches, standing]) {
        for (let left = share(BATCH_REQUESTS), next = queue.take(); next !== undefined; next = --left > 0 ? queue.take() : undefined) {
          items.push({ scene: scene.name, event: next.item.event });
        }
      }
    }
    this.batch = { objects };
    if (items.length > 0) return this.host.send(items);
    if (this.worker === "replaying") this.serve();
  }

  private batchDone(answers: readonly SceneAnswer[]): void {
    for (const { scene, event } of this.batch?.objects ?? []) scene.ledger.delivered(event);
    this.batch = undefined;
    for (const { scene, answer } of answers) {
      const key = answerKey(scene, answer);
      const ask = this.open.get(key);
      if (ask === undefined || !isAnswerTo(answer, ask.event)) continue;
      this.open.delete(key);
      this.tell(scene, answer);
    }
    if (this.worker === "replaying" && [...this.scenes.values()].every(({ ledger }) => ledger.undelivered === 0)) this.serve();
    if (this.hasRequests()) return this.wake();
    if (this.resting) return;
    this.resting = true;
    this.timers.after(OBJECT_BATCH_REST_MS, () => {
      this.resting = false;
      this.wake();
    });
  }

  private hasRequests(): boolean {
    for (const { texts, searches, standing } of this.scenes.values()) {
      if (texts.size + standing.size > 0 || (searches.size > 0 && this.worker !== "replaying")) return true;
    }
    return false;
  }

  private workerReady(runtime: { readonly ok: boolean; readonly sentence: string }): void {
    this.runtime = runtime.sentence;
    this.runtimeOk = runtime.ok;
    if (!runtime.ok) this.log(runtime.sentence);
    this.worker = "replaying";
    for (const { ledger } of this.scenes.values()) ledger.replay(this.timers.now());
    this.wake();
  }

  private serve(): void {
    this.worker = "serving";
    this.log(`the worker is serving with ${this.runtime}`);
    this.wake();
  }

  private workerDown(sentence: string): void {
    this.worker = "down";
    this.batch = undefined;
    this.log(`${sentence}; answering in process until the next is up`);
    this.sweep();
  }

  private tell(name: string, answer: PipelineAnswer): void {
    for (const listener of this.scenes.get(name)?.listeners ?? []) listener(answer);
  }
}

/** The room's own texts have no user. */
const queueOf = (event: AskEvent): QueueName => (event.kind === "search" ? "searches" : event.user === "" ? "standing" : "texts");

/** One key per subject: a newer version of a text supersedes, a search is its own. Parts are identifiers or numbers, so `/` separates. */
function keyOf(scene: string, event: AskEvent): string {
  if (event.kind === "search") return `${scene}/search/${event.session}/${event.ref}`;
  const { subject } = event;
  return subject.kind === "chat" ? `${scene}/chat/${subject.id}` : `${scene}/field/${subject.object}/${subject.field}`;
}

function answerKey(scene: string, answer: PipelineAnswer): string {
  if (answer.kind === "searched") return `${scene}/search/${answer.session}/${answer.ref}`;
  const { subject } = answer;
  return subject.kind === "chat" ? `${scene}/chat/${subject.id}` : `${scene}/field/${subject.object}/${subject.field}`;
}

/** Of a text that was superseded while the worker had it, only the newest version is answered. */
const isAnswerTo = (answer: PipelineAnswer, event: AskEvent): boolean =>
  answer.kind !== "verdict" || (event.kind === "text" && event.version === answer.version);
