/**
 * A `SceneStore` whose work is done by a thread of its own (sqlite-worker.ts, postgres-worker.ts), so that nothing it waits for holds up a tick.
 *
 * [WS1] Appends reach the thread in order and are answered in order; a thread that dies fails what is under way.
 * [WS2] Bytes given to the store are copied at the call; the caller may reuse its buffers.
 * [WS3] After an I/O error nobody knows what the thread's file handle still means, so it is not used again. A probe starts a new thread, which
 *       reads every held scene again: one that lacks anything acknowledged stays closed, the others go on where they were.
 */
import { Worker } from "node:worker_threads";
import { err, ok, type Result } from "@copresence/shared/base";
import type { Rerooted } from "../../core/document/renewal.ts";
import type { PastAnswer, PastQuery } from "../../core/history/types.ts";
import { sharedMs } from "../thread-time.ts";
import { storeClosed } from "./records.ts";
import type { Compacted, LoadedScene, SceneNote, SceneStore, StoreError } from "./scene-store.ts";
import type { AdminError, AdminStore, Erased, PersonInScene, SceneContent } from "./store-admin.ts";
import { type AdminAsk, flatAppend, type StoreReply, type StoreRequest } from "./store-messages.ts";

export type WorkerStoreOptions = {
  readonly entry: URL;
  readonly data: unknown;
  /** What an error of this store is about: a file, a server. Never a password. */
  readonly place: string;
  /** Told, in sentences, what was found and repaired. */
  readonly onNotice?: ((sentence: string) => void) | undefined;
  /** Told, before it is there for anybody, what opening it took, its thread's start included, ms. */
  readonly onOpened?: ((tookMs: number) => void) | undefined;
};

/** A store that could not be opened: the server should print the message and stop. */
export class StoreOpenError extends Error {
  readonly code: StoreError["code"];
  constructor(error: StoreError, place: string) {
    super(`${error.sentence} (${place})`);
    this.code = error.code;
  }
}

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never;
type Waiter = (result: Result<unknown, StoreError | AdminError>) => void;
const BESIDE: ReadonlySet<StoreRequest["op"]> = new Set(["compact", "recall", "reroot"]);
/** What was acknowledged of a scene we hold, or why it can no longer be written. */
type Promised = { readonly epoch: number; seq: number; lost: StoreError | undefined };

/** Rejects with a StoreOpenError, `locked` when another process has the place. */
export async function openWorkerStore(options: WorkerStoreOptions): Promise<AdminStore> {
  const beganMs = sharedMs();
  const store = new WorkerStore(options);
  const started = await store.start();
  if (started.ok) {
    options.onOpened?.(started.value - beganMs);
    return store;
  }
  await store.close();
  throw new StoreOpenError(started.error, options.place);
}

class WorkerStore implements AdminStore {
  private readonly options: WorkerStoreOptions;
  private readonly scenes = new Map<string, Promised>();
  private thread: StoreThread | undefined;
  private reviving: Promise<Result<void, StoreError>> | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: WorkerStoreOptions) {
    this.options = options;
  }

  /** When it was open (sharedMs). */
  async start(): Promise<Result<number, StoreError>> {
    const thread = new StoreThread(this.options);
    const started = await thread.call<number>({ op: "start" });
    if (started.ok) this.thread = thread;
    else await thread.stop();
    return started;
  }

  async open(scene: string): Promise<Result<LoadedScene, StoreError>> {
    const alive = await this.revived();
    if (!alive.ok) return alive;
    const loaded = await this.call<LoadedScene>({ op: "open", scene });
    if (loaded.ok) this.scenes.set(scene, { epoch: loaded.value.epoch, seq: loaded.value.seq, lost: undefined });
    return loaded;
  }

  async append(scene: string, epoch: number, records: Parameters<SceneStore["append"]>[2]): Promise<Result<{ readonly seq: number }, StoreError>> {
    const promised = this.scenes.get(scene);
    if (promised?.lost !== undefined) return err(promised.lost);
    const result = await this.call<{ readonly seq: number }>({ op: "append", scene, epoch, records });
    if (result.ok && promised?.epoch === epoch) promised.seq = Math.max(promised.seq, result.value.seq);
    return result;
  }

  compact(scene: string, epoch: number): Promise<Result<Compacted, StoreError>> {
    return this.call<Compacted>({ op: "compact", scene, epoch });
  }

  async reroot(scene: string, epoch: number, note: SceneNote): Promise<Result<Rerooted, StoreError>> {
    const result = await this.call<Rerooted>({ op: "reroot", scene, epoch, note: { key: note.key, value: note.value.slice() } });
    if (result.ok) this.scenes.set(scene, { epoch: result.value.epoch, seq: result.value.updates.length, lost: undefined });
    return result;
  }

  note(scene: string, key: string, value: Uint8Array): Promise<Result<void, StoreError>> {
    return this.call<void>({ op: "note", scene, key, value: value.slice() });
  }

  recall(scene: string, epoch: number, query: PastQuery): Promise<Result<PastAnswer, StoreError>> {
    return this.call<PastAnswer>({ op: "recall", scene, epoch, query });
  }

  exportScene(scene: string): Promise<Result<SceneContent, AdminError>> {
    return this.admin({ what: "exportScene", scene });
  }

  importScene(
    scene: string,
    content: SceneContent,
    { replace }: { readonly replace: boolean },
  ): Promise<Result<{ readonly epoch: number }, AdminError>> {
    return this.admin({ what: "importScene", scene, content, replace });
  }

  exportPerson(user: string): Promise<Result<readonly PersonInScene[], AdminError>> {
    return this.admin({ what: "exportPerson", user });
  }

  erasePerson(user: string, alias: string): Promise<Result<Erased, AdminError>> {
    return this.admin({ what: "erasePerson", user, alias });
  }

  private admin<T>(ask: AdminAsk): Promise<Result<T, AdminError>> {
    return this.call<T, AdminError>({ op: "admin", ask });
  }

  async release(scene: string): Promise<void> {
    this.scenes.delete(scene);
    await this.call<void>({ op: "release", scene });
  }

  async probe(): Promise<Result<void, StoreError>> {
    const alive = await this.revived();
    return alive.ok ? this.call<void>({ op: "probe" }) : alive;
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    await this.reviving;
    await this.thread?.call<void>({ op: "close" });
    await this.thread?.stop();
    this.thread = undefined;
  }

  private async call<T, E extends { readonly code: string } = StoreError>(request: WithoutId<StoreRequest>): Promise<Result<T, E | StoreError>> {
    const { thread } = this;
    if (this.closing !== undefined) return storeClosed;
    if (thread === undefined) return err({ code: "io", sentence: "The store has failed and has not been brought back yet." });
    const result = await thread.call<T, E>(request);
    // [WS3] A compaction and a look into the past have their own thread to lose, and only read what is durable.
    if (!result.ok && result.error.code === "io" && !BESIDE.has(request.op) && this.thread === thread) {
      this.thread = undefined;
      void thread.stop();
    }
    return result;
  }

  private revived(): Promise<Result<void, StoreError>> {
    if (this.closing !== undefined) return Promise.resolve(storeClosed);
    if (this.thread?.dead === false) return Promise.resolve(ok(undefined));
    this.reviving ??= this.revive().finally(() => (this.reviving = undefined));
    return this.reviving;
  }

  private async revive(): Promise<Result<void, StoreError>> {
    await this.thread?.stop();
    this.thread = undefined;
    const started = await this.start();
    if (!started.ok) return started;
    for (const [scene, promised] of this.scenes) {
      const loaded = await this.call<LoadedScene>({ op: "open", scene });
      promised.lost = loaded.ok ? shortfall(promised, loaded.value) : loaded.error;
      if (!loaded.ok && (loaded.error.code === "io" || loaded.error.code === "full")) return loaded;
    }
    return ok(undefined);
  }
}

/** Whether the store has less than it acknowledged. More is fine: an append whose answer was lost; it is made again, and Yjs knows it. */
function shortfall(promised: Promised, loaded: LoadedScene): StoreError | undefined {
  if (loaded.epoch !== promised.epoch) return { code: "fenced", sentence: "Another process has replaced the scene's document." };
  if (loaded.seq >= promised.seq) return undefined;
  return { code: "corrupt", sentence: `The scene was acknowledged up to record ${promised.seq}, but the store ends at record ${loaded.seq}.` };
}

class StoreThread {
  dead = false;
  private readonly worker: Worker;
  private readonly waiters = new Map<number, Waiter>();
  private readonly ended: Promise<void>;
  private failure: StoreError | undefined;
  private nextId = 1;

  constructor({ entry, data, onNotice }: WorkerStoreOptions) {
    this.worker = new Worker(entry, { workerData: data, name: "copresence-store" });
    this.worker.on("message", (reply: StoreReply) => {
      if ("notice" in reply) return onNotice?.(reply.notice);
      if ("id" in reply) return this.answer(reply.id, reply.result);
      this.answer(reply[0], ok({ seq: reply[1] }));
    });
    this.worker.on("error", (error) => this.die({ code: "io", sentence: `The store's thread failed: ${String(error)}.` }));
    this.ended = new Promise((done) => {
      this.worker.on("exit", () => {
        this.die({ code: "io", sentence: "The store's thread has ended." });
        done();
      });
    });
  }

  call<T, E = StoreError>(request: WithoutId<StoreRequest>): Promise<Result<T, E | StoreError>> {
    if (this.failure !== undefined) return Promise.resolve(err(this.failure));
    const id = this.nextId++;
    return new Promise((done) => {
      this.waiters.set(id, done as Waiter);
      const message = request.op === "append" ? flatAppend(request, id) : { ...request, id };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
      this.worker.postMessage(message);
    });
  }

  private answer(id: number, result: Result<unknown, StoreError | AdminError>): void {
    const waiter = this.waiters.get(id);
    this.waiters.delete(id);
    waiter?.(result);
  }

  /** Ends the thread; resolves when it has. */
  async stop(): Promise<void> {
    await this.worker.terminate();
    await this.ended;
  }

  private die(error: StoreError): void {
    this.dead = true;
    this.failure ??= error;
    for (const waiter of this.waiters.values()) waiter(err(this.failure));
    this.waiters.clear();
  }
}
