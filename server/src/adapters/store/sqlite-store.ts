/**
 * The embedded default store: one SQLite file, written by a worker thread (sqlite-worker.ts), so that an fsync never holds up a tick.
 *
 * [SS1] Calls are sent in order and answered in order; a worker that dies fails what is under way and everything after it.
 * [SS2] Bytes given to the store are copied at the call; the caller may reuse its buffers.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { err, type Result } from "@copresence/shared/base";
import type { LoadedScene, SceneStore, StoreError } from "./scene-store.ts";
import type { StoreReply, StoreRequest } from "./sqlite-worker.ts";

export type SqliteStoreOptions = { /** Path of the database file; its folder is made if need be. */ readonly file: string };

type Op<T extends StoreRequest["op"]> = Omit<Extract<StoreRequest, { op: T }>, "id">;
type Waiter = (result: Result<unknown, StoreError>) => void;

/** A store that could not be opened: the server should print `sentence` and stop. */
export class StoreOpenError extends Error {
  readonly code: StoreError["code"];
  constructor(error: StoreError, file: string) {
    super(`${error.sentence} (${file})`);
    this.code = error.code;
  }
}

/** Opens or creates the file. Rejects with a StoreOpenError, `locked` when another process has it. */
export async function openSqliteStore({ file }: SqliteStoreOptions): Promise<SceneStore> {
  const path = resolve(file);
  try {
    makeFolder(dirname(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StoreOpenError({ code: "io", sentence: `The store's folder cannot be made (${code ?? String(error)}); choose another.` }, path);
  }
  const worker = new StoreWorker(path);
  const started = await worker.call<void>({ op: "start" });
  if (!started.ok) {
    await worker.stop();
    throw new StoreOpenError(started.error, path);
  }
  return {
    open: (scene) => worker.call<LoadedScene>({ op: "open", scene }),
    append: (scene, epoch, records) =>
      worker.call({ op: "append", scene, epoch, records: records.map((record) => ({ ...record, update: tight(record.update) })) }),
    snapshot: (scene, epoch, seq, state) => worker.call<void>({ op: "snapshot", scene, epoch, seq, state: tight(state) }),
    note: (scene, key, value) => worker.call<void>({ op: "note", scene, key, value: tight(value) }),
    probe: () => worker.call<void>({ op: "probe" }),
    close: async () => {
      await worker.call<void>({ op: "close" });
      await worker.stop();
    },
  };
}

class StoreWorker {
  private readonly worker: Worker;
  private readonly waiters = new Map<number, Waiter>();
  private readonly ended: Promise<void>;
  private dead: StoreError | undefined;
  private nextId = 1;

  constructor(file: string) {
    this.worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url), { workerData: { file }, name: "copresence-store" });
    this.worker.on("message", ({ id, result }: StoreReply) => {
      const waiter = this.waiters.get(id);
      this.waiters.delete(id);
      waiter?.(result);
    });
    this.worker.on("error", (error) => this.die({ code: "io", sentence: `The store's thread failed: ${String(error)}.` }));
    this.ended = new Promise((done) => {
      this.worker.on("exit", () => {
        this.die({ code: "closed", sentence: "The store is closed." });
        done();
      });
    });
  }

  call<T>(
    request: Op<"start"> | Op<"open"> | Op<"append"> | Op<"snapshot"> | Op<"note"> | Op<"probe"> | Op<"close">,
  ): Promise<Result<T, StoreError>> {
    if (this.dead !== undefined) return Promise.resolve(err(this.dead));
    const id = this.nextId++;
    return new Promise((done) => {
      this.waiters.set(id, done as Waiter);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
      this.worker.postMessage({ ...request, id });
    });
  }

  /** Lets the worker end; resolves when it has. */
  async stop(): Promise<void> {
    if (this.dead === undefined) await this.worker.terminate();
    await this.ended;
  }

  private die(error: StoreError): void {
    this.dead ??= error;
    for (const waiter of this.waiters.values()) waiter(err(this.dead));
    this.waiters.clear();
  }
}

/** A view into a larger buffer would be cloned with all of it. */
const tight = (bytes: Uint8Array): Uint8Array => (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());

/** As `mkdirSync` with `recursive`, which never returns where the system refuses with ENOENT (below /proc, for one). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
