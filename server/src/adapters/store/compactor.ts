/**
 * The compaction thread, started when first needed and again should it die; folds one scene at a time.
 *
 * [CW1] A fold that fails or whose thread dies is an error of that one compaction: the log it was to replace is untouched.
 */
import { Worker } from "node:worker_threads";
import { err, type Result } from "@copresence/shared/base";
import type { PastAnswer, PastQuery } from "../../core/history/types.ts";
import type { Answer, Folded, Folding, FoldReply, FoldRequest, RecallRequest, Recalling, Renewed, RenewRequest } from "./compaction-worker.ts";

type Waiter = (result: Result<Answer, string>) => void;

export class Compactor {
  private worker: Worker | undefined;
  private readonly waiters = new Map<number, Waiter>();
  private nextId = 1;
  private ended = false;

  /** The arguments are handed over, not copied. */
  fold({ snapshot, updates }: Folding): Promise<Result<Folded, string>> {
    const bytes = [...(snapshot === undefined ? [] : [snapshot.bytes]), ...updates];
    return this.ask((id) => ({ id, snapshot, updates }) satisfies FoldRequest, bytes) as Promise<Result<Folded, string>>;
  }

  /** As `fold`. */
  recall(pasts: readonly Recalling[], query: PastQuery): Promise<Result<PastAnswer, string>> {
    const bytes = pasts.flatMap(({ base, records }) => [...(base === undefined ? [] : [base.bytes]), ...records.map((record) => record.bytes)]);
    return this.ask((id) => ({ id, pasts, query }) satisfies RecallRequest, bytes) as Promise<Result<PastAnswer, string>>;
  }

  /** As `fold`: a fresh document with the same content, written under `root`. */
  renew({ snapshot, updates }: Folding, root: number): Promise<Result<Renewed, string>> {
    const bytes = [...(snapshot === undefined ? [] : [snapshot.bytes]), ...updates];
    return this.ask((id) => ({ id, snapshot, updates, root }) satisfies RenewRequest, bytes) as Promise<Result<Renewed, string>>;
  }

  private ask(request: (id: number) => FoldRequest | RecallRequest | RenewRequest, bytes: readonly Uint8Array[]): Promise<Result<Answer, string>> {
    if (this.ended) return Promise.resolve(err("the store is closed"));
    const id = this.nextId++;
    return new Promise((done) => {
      this.waiters.set(id, done);
      (this.worker ??= this.start()).postMessage(request(id), [...new Set(bytes.map(({ buffer }) => buffer as ArrayBuffer))]);
    });
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(new URL("./compaction-entry.ts", import.meta.url), { name: "copresence-compaction" });
    worker.on("message", ({ id, result }: FoldReply) => {
      this.waiters.get(id)?.(result);
      this.waiters.delete(id);
    });
    // An "error" is followed by an "exit"; without a listener it would end the process.
    worker.on("error", () => undefined);
    worker.on("exit", () => {
      if (this.worker === worker) this.worker = undefined;
      for (const waiter of this.waiters.values()) waiter(err("its thread ended"));
      this.waiters.clear();
    });
    worker.unref();
    return worker;
  }
}
