/**
 * The compaction thread, started when first needed and again should it die; folds one scene at a time.
 *
 * [CW1] A fold that fails or whose thread dies is an error of that one compaction: the log it was to replace is untouched.
 */
import { Worker } from "node:worker_threads";
import { err, type Result } from "@copresence/shared/base";
import type { Folded, Folding, FoldReply, FoldRequest } from "./compaction-worker.ts";

type Waiter = (result: Result<Folded, string>) => void;

export class Compactor {
  private worker: Worker | undefined;
  private readonly waiters = new Map<number, Waiter>();
  private nextId = 1;
  private ended = false;

  /** The arguments are handed over, not copied. */
  fold({ snapshot, updates }: Folding): Promise<Result<Folded, string>> {
    if (this.ended) return Promise.resolve(err("the store is closed"));
    const id = this.nextId++;
    const buffers = new Set([...(snapshot === undefined ? [] : [snapshot.bytes]), ...updates].map((bytes) => bytes.buffer as ArrayBuffer));
    return new Promise((done) => {
      this.waiters.set(id, done);
      (this.worker ??= this.start()).postMessage({ id, snapshot, updates } satisfies FoldRequest, [...buffers]);
    });
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(new URL("./compaction-worker.ts", import.meta.url), { name: "copresence-compaction" });
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
