/**
 * The store's worker thread: SQLite's synchronous calls block this thread and nobody else.
 *
 * [SW1] Group commit: an append that finds the disk idle is committed at once; those that arrive during a commit share the next one, which
 *       starts at least COMMIT_GAP_MS after the last. fsync's cost is shared exactly when there is something to share it.
 * [SW2] Requests are answered in the order they came; an append is committed before any request behind it runs.
 */
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { assert, err, type Result } from "@copresence/shared/base";
import type { StoreError } from "./scene-store.ts";
import { type SceneAppend, SqliteLog, storeError } from "./sqlite-log.ts";

export type StoreRequest =
  | { readonly id: number; readonly op: "start" }
  | { readonly id: number; readonly op: "open"; readonly scene: string }
  | ({ readonly id: number; readonly op: "append" } & SceneAppend)
  | { readonly id: number; readonly op: "snapshot"; readonly scene: string; readonly epoch: number; readonly seq: number; readonly state: Uint8Array }
  | { readonly id: number; readonly op: "probe" }
  | { readonly id: number; readonly op: "note"; readonly scene: string; readonly key: string; readonly value: Uint8Array }
  | { readonly id: number; readonly op: "close" };
export type StoreReply = { readonly id: number; readonly result: Result<unknown, StoreError> };
type AppendRequest = Extract<StoreRequest, { op: "append" }>;

/** At most this many commits a second are worth their CPU: 1000 / COMMIT_GAP_MS. */
const COMMIT_GAP_MS = 2;

const port = parentPort;
assert(port !== null, "runs as a worker");
const { file } = workerData as { file: string };
let log: SqliteLog | undefined;
let waiting: AppendRequest[] = [];
let scheduled = false;
let lastCommitMs = -COMMIT_GAP_MS;

port.on("message", (request: StoreRequest) => {
  if (request.op === "append") {
    waiting.push(request);
    schedule();
    return;
  }
  commit();
  reply(request.id, attempt(request));
  if (request.op === "close") port.close();
});

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  const waitMs = lastCommitMs + COMMIT_GAP_MS - performance.now();
  if (waitMs <= 0) setImmediate(commit);
  else setTimeout(commit, waitMs);
}

function commit(): void {
  scheduled = false;
  if (waiting.length === 0) return;
  const batch = waiting;
  waiting = [];
  const committed = log === undefined ? notOpen : log.append(batch, Date.now());
  lastCommitMs = performance.now();
  batch.forEach(({ id }, index) => reply(id, committed.ok ? (committed.value[index] ?? notOpen) : committed));
}

const notOpen = err<StoreError>({ code: "closed", sentence: "The store is closed." });

function attempt(request: Exclude<StoreRequest, AppendRequest>): Result<unknown, StoreError> {
  try {
    if (request.op === "start") {
      log = new SqliteLog(file);
      return { ok: true, value: undefined };
    }
    if (log === undefined) return notOpen;
    switch (request.op) {
      case "open":
        return log.load(request.scene);
      case "snapshot":
        return log.snapshot(request.scene, request.epoch, request.seq, request.state);
      case "note":
        return log.note(request.scene, request.key, request.value);
      case "probe":
        return log.probe(Date.now());
      case "close":
        log.close();
        log = undefined;
        return { ok: true, value: undefined };
    }
  } catch (error) {
    return err(storeError(error));
  }
}

function reply(id: number, result: Result<unknown, StoreError>): void {
  port?.postMessage({ id, result } satisfies StoreReply);
}
