/**
 * Makes one room's edits durable, in order, and watches a store in trouble until it works again.
 *
 * [SW1] One write at a time per scene; batches that come meanwhile go together in the next one. After a failure every batch behind it
 *       fails too, untried: nothing may become durable after a gap.
 * [SW2] A snapshot waits its turn behind the appends it covers and carries the sequence number of the last batch the core has applied.
 * [SW3] After a failure the store is probed every `PROBE_MS` until a verified write succeeds, and only then are appends tried again.
 * [SW4] What waits is bounded by the core, which stops taking edits while the store is bad.
 */
import { err, type Result } from "@copresence/shared/base";
import type { CoreEffect } from "../../core/types.ts";
import type { SceneStore, StoreError } from "../store/scene-store.ts";

type Append = Extract<CoreEffect, { kind: "append" }>;
type Appended = { readonly batch: number; readonly ok: boolean; readonly sentence: string };

const PROBE_MS = 500;

export type SceneWriterOptions = {
  readonly store: SceneStore;
  readonly scene: string;
  readonly epoch: number;
  /** Sequence number of the last durable record at load. */
  readonly seq: number;
  readonly onAppended: (result: Appended) => void;
  readonly onNoted: (result: { readonly write: number; readonly ok: boolean; readonly sentence: string }) => void;
  readonly onRecovered: () => void;
  readonly onTrouble: (sentence: string) => void;
  readonly onAppendMs: (tookMs: number) => void;
};

export class SceneWriter {
  private readonly options: SceneWriterOptions;
  private waiting: Append[] = [];
  private snapshotState: { readonly state: Uint8Array; readonly seq: number } | undefined;
  private writing = false;
  private bad = false;
  private closed = false;
  private probeTimer: NodeJS.Timeout | undefined;
  private readonly durableSeq = new Map<number, number>();
  private appliedSeq: number;
  private idle: (() => void)[] = [];

  constructor(options: SceneWriterOptions) {
    this.options = options;
    this.appliedSeq = options.seq;
  }

  append(effect: Append): void {
    this.waiting.push(effect);
    this.pump();
  }

  /** Notes depend on no append and wait for none. */
  async note({ write, key, value }: Extract<CoreEffect, { kind: "note" }>): Promise<void> {
    const { store, scene, onNoted } = this.options;
    if (this.bad) return onNoted({ write, ok: false, sentence: "The store does not work at the moment." });
    const result = await answered(store.note(scene, key, value));
    if (!result.ok) this.trouble(result.error.sentence);
    onNoted(result.ok ? { write, ok: true, sentence: "" } : { write, ok: false, sentence: result.error.sentence });
  }

  /** The core has been handed this batch's `appended`: its document now holds it. */
  applied(batch: number): void {
    const seq = this.durableSeq.get(batch);
    if (seq === undefined) return;
    this.durableSeq.delete(batch);
    this.appliedSeq = seq;
  }

  snapshot(state: Uint8Array): void {
    this.snapshotState = { state, seq: this.appliedSeq };
    this.pump();
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
    this.snapshotState = undefined;
    clearTimeout(this.probeTimer);
  }

  private pump(): void {
    if (this.writing) return;
    if (this.bad) this.fail(this.waiting.splice(0), "the store does not work; the edit was not made durable");
    const { snapshotState } = this;
    if (this.waiting.length > 0) void this.write(this.waiting.splice(0));
    else if (snapshotState !== undefined && !this.bad) {
      this.snapshotState = undefined;
      void this.writeSnapshot(snapshotState);
    } else for (const resolve of this.idle.splice(0)) resolve();
  }

  private async write(batches: readonly Append[]): Promise<void> {
    const { store, scene, epoch } = this.options;
    this.writing = true;
    const before = performance.now();
    const records = batches.flatMap((batch) => batch.records);
    const result = await answered(store.append(scene, epoch, records));
    this.options.onAppendMs(performance.now() - before);
    this.writing = false;
    if (result.ok) {
      for (const { batch } of batches) {
        this.durableSeq.set(batch, result.value.seq);
        this.options.onAppended({ batch, ok: true, sentence: "" });
      }
    } else {
      this.fail(batches, result.error.sentence);
      this.trouble(result.error.sentence);
    }
    this.pump();
  }

  private async writeSnapshot({ state, seq }: { readonly state: Uint8Array; readonly seq: number }): Promise<void> {
    const { store, scene, epoch } = this.options;
    this.writing = true;
    const result = await answered(store.snapshot(scene, epoch, seq, state));
    this.writing = false;
    // The log still holds everything a failed snapshot would have; whether edits can be stored, the next append finds out.
    if (!result.ok) this.options.onTrouble(`snapshot: ${result.error.sentence}`);
    this.pump();
  }

  private fail(batches: readonly Append[], sentence: string): void {
    for (const { batch } of batches) this.options.onAppended({ batch, ok: false, sentence });
  }

  private trouble(sentence: string): void {
    this.options.onTrouble(sentence);
    if (this.bad || this.closed) return;
    this.bad = true;
    this.probeLater();
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
