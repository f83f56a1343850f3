/**
 * The SQLite store's worker thread: SQLite's synchronous calls block this thread and nobody else.
 *
 * [SW1] Group commit: an append that finds the disk idle is committed at once; those that arrive during a commit share the next one, which
 *       starts at least COMMIT_GAP_MS after the last. fsync's cost is shared exactly when there is something to share it.
 * [SW2] An append is committed before any request behind it runs. Compactions run between commits, one at a time.
 */
import { performance } from "node:perf_hooks";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, err, type Result } from "@copresence/shared/base";
import { sharedMs } from "../thread-time.ts";
import { Compactor } from "./compactor.ts";
import { notOpen, type Retention, storeClosed } from "./records.ts";
import type { StoreError } from "./scene-store.ts";
import { compactScene } from "./sqlite-compaction.ts";
import { exportPerson, exportScene, importScene } from "./sqlite-admin.ts";
import { storeError } from "./sqlite-file.ts";
import { forgetOld, readPastOf } from "./sqlite-history.ts";
import { rerootScene } from "./sqlite-reroot.ts";
import { CHECKPOINT_BYTES, SqliteLog } from "./sqlite-log.ts";
import { erasePerson } from "./sqlite-person.ts";
import type { AdminError } from "./store-admin.ts";
import { type AdminAsk, type FlatAppend, requestOf, type StoreReply, type StoreRequest } from "./store-messages.ts";
import { reply } from "./store-reply.ts";
import { WalReserve } from "./wal-reserve.ts";

type Request<O extends StoreRequest["op"]> = Extract<StoreRequest, { op: O }>;

/** At most this many commits a second are worth their CPU: 1000 / COMMIT_GAP_MS. */
const COMMIT_GAP_MS = 1;
/** The log's room grows in steps, so that no commit waits for more than one. */
const RESERVE_GAP_MS = 50;

const port = parentPort;
assert(port !== null, "runs as a worker");
const { file, retention } = workerData as { file: string; retention: Retention };
const compactor = new Compactor();
const reserve = new WalReserve(file, CHECKPOINT_BYTES);
let log: SqliteLog | undefined;
let waiting: Request<"append">[] = [];
let scheduled = false;
let lastCommitMs = -COMMIT_GAP_MS;
let lastReserveMs = -RESERVE_GAP_MS;
let compacting: Promise<unknown> = Promise.resolve();

port.on("message", (first: StoreRequest | FlatAppend) => {
  handle(requestOf(first));
  // All that has come goes into one commit, without a turn of the event loop in between.
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    handle(requestOf(next.message as StoreRequest | FlatAppend));
  if (waiting.length > 0) schedule();
});

function handle(request: StoreRequest): void {
  if (request.op === "append") return void waiting.push(request);
  commit();
  if (request.op === "compact") return compact(request);
  if (request.op === "reroot") return reroot(request);
  if (request.op === "recall") return recall(request);
  if (request.op === "admin") return administer(request);
  reply(port, request.id, attempt(request));
  if (request.op === "close") void compactor.close().then(() => port?.close());
}

function schedule(): void {
  if (scheduled) return;
  const waitMs = lastCommitMs + COMMIT_GAP_MS - performance.now();
  if (waitMs <= 0) return commit();
  scheduled = true;
  setTimeout(commit, waitMs);
}

function commit(): void {
  scheduled = false;
  if (waiting.length === 0) return;
  const batch = waiting;
  waiting = [];
  const committed = log === undefined ? storeClosed : log.commitAppends(batch, Date.now());
  lastCommitMs = performance.now();
  batch.forEach(({ id }, index) => answerAppend(id, committed.ok ? (committed.value[index] ?? notOpen) : committed));
  // Who waits for an answer waits for the disk, and not for what comes after it.
  if (committed.ok) log?.markAppended(batch);
  checkpointSoon();
  reserveSoon();
}

function answerAppend(id: number, result: Result<{ readonly seq: number }, StoreError>): void {
  if (!result.ok) return reply(port, id, result);
  port?.postMessage([id, result.value.seq] satisfies StoreReply);
}

function reserveSoon(): void {
  if (reserve.full || lastCommitMs < lastReserveMs + RESERVE_GAP_MS) return;
  setImmediate(() => {
    if (scheduled || log === undefined) return;
    reserve.extend();
    lastReserveMs = performance.now();
  });
}

/** After the answers have left. */
function checkpointSoon(): void {
  if (log?.checkpointDue === true) setImmediate(() => log?.checkpoint());
}

const turn = (): Promise<void> => new Promise((go) => setImmediate(go));

function compact({ id, scene, epoch }: Request<"compact">): void {
  compacting = compacting.then(async () => {
    const result = log === undefined ? storeClosed : await compactScene({ log, compactor, scene, epoch, turn });
    reply(port, id, result);
    if (log !== undefined && result.ok) await forgetOld({ log, compactor, scene, epoch, turn });
    checkpointSoon();
  });
}

/** In line with the compactions: each of the two reads what the other writes. */
function reroot({ id, scene, epoch, note }: Request<"reroot">): void {
  compacting = compacting.then(async () => {
    reply(port, id, log === undefined ? storeClosed : await rerootScene({ log, compactor, scene, epoch, turn, note }));
    checkpointSoon();
  });
}

function recall({ id, scene, epoch, query }: Request<"recall">): void {
  const past = log === undefined ? storeClosed : readPastOf(log, scene, epoch);
  if (!past.ok) return reply(port, id, past);
  void compactor.recall(past.value, query).then((answer) => reply(port, id, answer.ok ? answer : err({ code: "io", sentence: `${answer.error}.` })));
}

/** One at a time with compactions, which read what an erasure changes. */
function administer({ id, ask }: Request<"admin">): void {
  compacting = compacting.then(async () => {
    reply(port, id, log === undefined ? storeClosed : await answer(log, ask, turn));
    checkpointSoon();
  });
}

async function answer(open: SqliteLog, ask: AdminAsk, turn: () => Promise<void>): Promise<Result<unknown, AdminError>> {
  switch (ask.what) {
    case "exportScene":
      return exportScene(open, ask.scene);
    case "importScene":
      return importScene({ log: open, compactor, scene: ask.scene, content: ask.content, replace: ask.replace });
    case "exportPerson":
      return exportPerson({ log: open, compactor, user: ask.user, turn });
    case "erasePerson":
      return erasePerson({ log: open, file, user: ask.user, alias: ask.alias, turn });
  }
}

function attempt(request: Request<"start" | "open" | "note" | "release" | "probe" | "close">): Result<unknown, StoreError> {
  try {
    if (request.op === "start") {
      log = new SqliteLog(file, (notice) => port?.postMessage({ notice } satisfies StoreReply), retention);
      return { ok: true, value: sharedMs() };
    }
    if (log === undefined) return storeClosed;
    switch (request.op) {
      case "open":
        return log.load(request.scene);
      case "note":
        return log.note(request.scene, request.key, request.value);
      case "release":
        log.release(request.scene);
        return { ok: true, value: undefined };
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
