/**
 * The consumers inside the room's process, in slices so small that no tick notices: the whole pipeline where it runs `inline`, and the
 * reduced form while the worker is dead or slow.
 *
 * [IP1] A slice works at most `SLICE_MS`, then the event loop has `REST_MS`: at most a fifth of the thread, whatever is waiting.
 * [IP2] Texts first, they are quick and somebody's chat waits for them; then searches that have waited `SEARCH_PATIENCE_MS`; then the
 *       index; then the other searches. So a search is answered from a complete index if that is soon, else from what is there.
 * [IP3] Bounded: at most `capacity` requests wait, one event per object. Refused requests are reported to the caller.
 * [IP4] An event whose handling throws is counted and gone: it costs its answer, never the room.
 */
import type { PipelineEvent } from "../core/types.ts";
import { Consumers } from "./consumers.ts";
import type { LedgerEvent } from "./object-ledger.ts";
import type { SearchEvent } from "./search/index.ts";
import type { Timers } from "./timers.ts";
import type { PipelineAnswer } from "./types.ts";

const SLICE_MS = 1;
const REST_MS = 4;
const SEARCH_PATIENCE_MS = 400;

export type TextEvent = Extract<PipelineEvent, { kind: "text" }>;
type Waiting<E> = { readonly scene: string; readonly event: E; readonly sinceMs: number };

export class InProcess {
  private readonly consumers: Consumers;
  private readonly timers: Timers;
  private readonly answer: (scene: string, answer: PipelineAnswer) => void;
  private readonly capacity: number;
  /** First in, first out. */
  private readonly texts = new Set<Waiting<TextEvent>>();
  private readonly searches = new Set<Waiting<SearchEvent>>();
  /** Scenes that are kept indexed, with the events that are not in their index yet. */
  private readonly scenes = new Map<string, Map<string, LedgerEvent>>();
  private cancel: (() => void) | undefined;
  coalesced = 0;
  failed = 0;

  constructor(options: {
    readonly degraded: boolean;
    readonly capacity: number;
    readonly timers: Timers;
    readonly answer: (scene: string, answer: PipelineAnswer) => void;
  }) {
    this.consumers = new Consumers({ degraded: options.degraded });
    this.capacity = options.capacity;
    this.timers = options.timers;
    this.answer = options.answer;
  }

  get queued(): number {
    let unindexed = 0;
    for (const events of this.scenes.values()) unindexed += events.size;
    return this.texts.size + this.searches.size + unindexed;
  }
  get oldestMs(): number | undefined {
    const oldest = [first(this.texts), first(this.searches)].flatMap((waiting) => (waiting === undefined ? [] : [waiting.sinceMs]));
    return oldest.length === 0 ? undefined : Math.min(...oldest);
  }
  get refused(): number {
    return this.consumers.refused;
  }

  get hasRoom(): boolean {
    return this.texts.size + this.searches.size < this.capacity;
  }

  /** False when too many wait already [IP3]. */
  ask(scene: string, event: TextEvent | SearchEvent): boolean {
    if (!this.hasRoom) return false;
    const sinceMs = this.timers.now();
    if (event.kind === "text") this.texts.add({ scene, event, sinceMs });
    else this.searches.add({ scene, event, sinceMs });
    this.schedule();
    return true;
  }

  isWarm(scene: string): boolean {
    return this.scenes.has(scene);
  }
  /** Starts to keep `scene` indexed, from the objects it has now. */
  warm(scene: string, events: Iterable<LedgerEvent>): void {
    this.scenes.set(scene, new Map([...events].map((event) => [event.object, event])));
    this.schedule();
  }
  /** A change of an object of a warm scene. */
  change(scene: string, event: LedgerEvent): void {
    const events = this.scenes.get(scene);
    if (events?.has(event.object) === true) this.coalesced++;
    events?.set(event.object, event);
    this.schedule();
  }
  forget(scene: string): void {
    this.scenes.delete(scene);
    this.consumers.forget(scene);
  }
  /** Gives the memory of every index back. */
  cool(): void {
    for (const scene of this.scenes.keys()) this.forget(scene);
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.texts.clear();
    this.searches.clear();
    this.cool();
  }

  private schedule(): void {
    this.cancel ??= this.timers.after(REST_MS, () => this.slice());
  }

  private slice(): void {
    this.cancel = undefined;
    const until = this.timers.now() + SLICE_MS;
    while (this.step()) {
      if (this.timers.now() < until) continue;
      this.schedule();
      return;
    }
  }

  /** One piece of work in the order of [IP2]; false when there is none. */
  private step(): boolean {
    const text = shift(this.texts);
    if (text !== undefined) return this.handle(text);
    const oldest = first(this.searches);
    if (oldest !== undefined && this.timers.now() - oldest.sinceMs >= SEARCH_PATIENCE_MS) return this.handle(shift(this.searches));
    for (const [scene, events] of this.scenes) {
      for (const [id, event] of events) {
        events.delete(id);
        return this.handle({ scene, event, sinceMs: 0 });
      }
    }
    return this.handle(shift(this.searches));
  }

  private handle(waiting: Waiting<PipelineEvent> | undefined): boolean {
    if (waiting === undefined) return false;
    const [answer, failed] = this.consume(waiting);
    if (failed) this.failed++;
    if (answer !== undefined) this.answer(waiting.scene, answer);
    return true;
  }

  private consume({ scene, event }: Waiting<PipelineEvent>): readonly [answer: PipelineAnswer | undefined, failed: boolean] {
    try {
      return [this.consumers.handle(scene, event), false];
    } catch {
      return [undefined, true];
    }
  }
}

const first = <T>(queue: ReadonlySet<T>): T | undefined => queue.values().next().value;

function shift<T>(queue: Set<T>): T | undefined {
  const [oldest] = queue;
  if (oldest !== undefined) queue.delete(oldest);
  return oldest;
}
