/**
 * Makes one room's edits durable, in order, and watches a store in trouble until it works again.
 *
 * [SW1] One write at a time per scene; batches that come meanwhile go together in the next one. After a failure every batch behind it
 *       fails too, untried: nothing may become durable after a gap.
 * [SW2] Compactions run beside the appends, one at a time, and take at most a tenth of the time: asked for by the core when the log has
 *       grown, and of itself once nobody has edited for `IDLE_MS`.
 *       And once when the room ends, or a log that an earlier process left is long: the next load finds a snapshot and nothing behind it, which
 *       can be sent as it is (greetings.ts).
 * [SW3] After a failure the store is probed every `PROBE_MS` until a verified write succeeds, and only then are appends tried again.
 * [SW4] What waits is bounded by the core, which stops taking edits while the store is bad.
 * [SW6] A new epoch is begun by the store alone; what was asked for the old one by then is asked again for the new one.
 * [SW5] A scene that is no longer ours (fenced), or damaged, is given up: `onLost`, once. The room must end.
 * [SW6] A write that has not been answered for `STALL_MS` is told (`onStalled`): a disk that hangs is as bad as one that fails, only it does not
 *       say so. It is not made again: when it returns, that is the verified write that ends the trouble, or an error like any other.
 */
import { err, type Result } from "@copresence/shared/base";
import type { Rerooted } from "../../core/document/renewal.ts";
import type { CoreEffect } from "../../core/types.ts";
import type { Compacted, SceneStore, StoreError } from "../store/scene-store.ts";

type Append = Extract<CoreEffect, { kind: "append" }>;
type Appended = { readonly batch: number; readonly ok: boolean; readonly sentence: string };

const PROBE_MS = 500;
/** People are to hear of a disk that hangs within a second; no disk that works takes this long, checkpoints and compactions beside it included. */
const STALL_MS = 750;
/** Nobody is there to be held up by a compaction, and the next load has little to read. */
const IDLE_MS = 30_000;
/** A log of fewer records, left by a process that was killed, waits for the end of the room: it loads about as fast as a snapshot. */
const LONG_LOG = 32;
/** A room that ends keeps its scene no longer than this for the sake of the next load. */
const LAST_FOLD_MS = 1000;
/** A compaction of a large document takes a while; the next one waits this many times as long. */
const REST = 9;
/** What no probe will mend. */
const LOST: ReadonlySet<StoreError["code"]> = new Set(["fenced", "corrupt", "closed"]);

export type SceneWriterOptions = {
  readonly store: SceneStore;
  readonly scene: string;
  /** The one in charge when the writer is made. */
  readonly epoch: number;
  /** Records behind the newest snapshot. */
  readonly logRecords: number;
  readonly onAppended: (result: Appended) => void;
  /** Everything that a write answered was told, outside of any call from the room. */
  readonly onAnswered: () => void;
  readonly onNoted: (result: { readonly write: number; readonly ok: boolean; readonly sentence: string }) => void;
  readonly onRecovered: () => void;
  /** A write hangs; followed by `onRecovered`, or by the failure of what was written. */
  readonly onStalled: (sentence: string) => void;
  readonly onTrouble: (sentence: string) => void;
  readonly onAppendMs: (tookMs: number) => void;
  readonly onCompacted: (compacted: Compacted) => void;
  readonly onRerooted: (fresh: Rerooted | undefined) => void;
  readonly onLost: (sentence: string) => void;
};

export class SceneWriter {
  private readonly options: SceneWriterOptions;
  /** The one in charge. */
  epoch: number;
  private waiting: Append[] = [];
  private writing = false;
  private bad = false;
  private closed = false;
  private probeTimer: NodeJS.Timeout | undefined;
  /** Writes that are overdue [SW6]. */
  private stalled = 0;
  private idle: (() => void)[] = [];
  /** Whether anything was appended since the last compaction began, and how many records. */
  private grown = false;
  private records: number;
  private compacting = false;
  private compactDue = false;
  private restUntilMs = 0;
  private compactTimer: NodeJS.Timeout | undefined;

  constructor(options: SceneWriterOptions) {
    this.options = options;
    this.epoch = options.epoch;
    this.records = options.logRecords;
    this.grown = this.records >= LONG_LOG;
    if (this.grown) this.compactIn(IDLE_MS);
  }

  append(effect: Append): void {
    this.waiting.push(effect);
    this.pump();
  }

  /** Notes depend on no append and wait for none. */
  async note({ write, key, value }: Extract<CoreEffect, { kind: "note" }>): Promise<void> {
    const { store, scene, onNoted } = this.options;
    if (this.bad) return onNoted({ write, ok: false, sentence: "The store does not work at the moment." });
    const result = await this.watched(store.note(scene, key, value));
    if (!result.ok) this.trouble(result.error);
    onNoted(result.ok ? { write, ok: true, sentence: "" } : { write, ok: false, sentence: result.error.sentence });
  }

  /** Begins a new epoch; nothing is appended until `onRerooted` [SW6]. */
  async reroot({ note }: Extract<CoreEffect, { kind: "reroot" }>): Promise<void> {
    const { store, scene, onRerooted } = this.options;
    const result = await answered(store.reroot(scene, this.epoch, note));
    if (this.closed) return;
    if (result.ok) {
      this.epoch = result.value.epoch;
      this.grown = true;
      this.compactIn(IDLE_MS);
    } else if (LOST.has(result.error.code)) this.trouble(result.error);
    else this.options.onTrouble(`re-rooting: ${result.error.sentence}`);
    onRerooted(result.ok ? result.value : undefined);
  }

  /** The log is worth folding; done when the last compaction has rested. */
  compact(): void {
    this.compactDue = true;
    this.compactIn(Math.max(0, this.restUntilMs - performance.now()));
  }

  /** Resolves when nothing is being written or waits to be. */
  drained(): Promise<void> {
    if (!this.writing && this.waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle.push(resolve);
    });
  }

  /** No more probes; what is being written still finishes, what waits behind it was promised to nobody and is dropped. */
  close(): void {
    this.closed = true;
    this.waiting = [];
    clearTimeout(this.probeTimer);
    clearTimeout(this.compactTimer);
  }

  /** After `close`, while the scene is still ours: folds what is behind the snapshot. Never fails, and gives up in time. */
  async fold(): Promise<void> {
    const { epoch } = this;
    const { store, scene } = this.options;
    if (this.bad || this.compacting || this.writing || this.records === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_FOLD_MS);
    });
    await Promise.race([answered(store.compact(scene, epoch)), tooLong]);
    clearTimeout(timer);
  }

  private pump(): void {
    if (this.writing) return;
    if (this.bad) this.fail(this.waiting.splice(0), "the store does not work; the edit was not made durable");
    if (this.waiting.length > 0) void this.write(this.waiting.splice(0));
    else for (const resolve of this.idle.splice(0)) resolve();
  }

  private async write(batches: readonly Append[]): Promise<void> {
    const { epoch } = this;
    const { store, scene } = this.options;
    this.writing = true;
    const before = performance.now();
    const records = batches.flatMap((batch) => batch.records);
    const result = await this.watched(store.append(scene, epoch, records));
    const tookMs = performance.now() - before;
    this.writing = false;
    if (result.ok) {
      for (const { batch } of batches) this.options.onAppended({ batch, ok: true, sentence: "" });
      this.grown = true;
      this.records += records.length;
      // The disk has the next batch before the room takes in this one: in a busy room they take about as long as each other.
      this.pump();
      this.options.onAnswered();
      if (!this.compactDue) this.compactIn(IDLE_MS);
    } else {
      this.fail(batches, result.error.sentence);
      this.trouble(result.error);
      this.pump();
    }
    this.options.onAppendMs(tookMs);
  }

  /** [SW6] */
  private async watched<T>(call: Promise<Result<T, StoreError>>): Promise<Result<T, StoreError>> {
    let overdue = false;
    const timer = setTimeout(() => {
      overdue = true;
      // Between a failure and its recovery everybody knows already.
      if (++this.stalled === 1 && !this.bad && !this.closed) this.options.onStalled(`the store has not answered for ${STALL_MS} ms`);
    }, STALL_MS);
    const result = await answered(call);
    clearTimeout(timer);
    if (overdue && --this.stalled === 0 && result.ok && !this.bad && !this.closed) this.options.onRecovered();
    return result;
  }

  private compactIn(ms: number): void {
    if (this.compacting || this.closed) return;
    clearTimeout(this.compactTimer);
    this.compactTimer = setTimeout(() => void this.compactNow(), ms).unref();
  }

  private async compactNow(): Promise<void> {
    if (!this.grown || this.bad) return;
    const { epoch } = this;
    const { store, scene } = this.options;
    this.compacting = true;
    this.grown = this.compactDue = false;
    this.records = 0;
    const before = performance.now();
    const result = await answered(store.compact(scene, epoch));
    const afterMs = performance.now();
    this.restUntilMs = afterMs + (afterMs - before) * REST;
    this.compacting = false;
    if (this.closed) return;
    if (epoch !== this.epoch) this.compactDue = true;
    else if (result.ok) this.options.onCompacted(result.value);
    // The log still holds everything; whether edits can be stored, the next append finds out.
    else this.options.onTrouble(`compaction: ${result.error.sentence}`);
    if (this.compactDue) this.compact();
    else if (this.grown) this.compactIn(IDLE_MS);
  }

  private fail(batches: readonly Append[], sentence: string): void {
    for (const { batch } of batches) this.options.onAppended({ batch, ok: false, sentence });
  }

  private trouble({ code, sentence }: StoreError): void {
    this.options.onTrouble(sentence);
    if (this.bad || this.closed) return;
    this.bad = true;
    if (LOST.has(code)) this.options.onLost(sentence);
    else this.probeLater();
  }

  private probeLater(): void {
    this.probeTimer = setTimeout(() => void this.probe(), PROBE_MS);
  }

  private async probe(): Promise<void> {
    const result = await answered(this.options.store.probe());
    if (this.closed) return;
    if (!result.ok) return this.probeLater();
    this.bad = false;
    this.options.onRecovered();
  }
}

/** A store that breaks its contract and rejects has failed like any other; waiting edits must not hang on it. */
function answered<T>(call: Promise<Result<T, StoreError>>): Promise<Result<T, StoreError>> {
  return call.catch(() => err({ code: "io" as const, sentence: "the store failed unexpectedly" }));
}
