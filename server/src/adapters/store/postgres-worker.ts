/**
 * The PostgreSQL store's worker thread: parsing, hashing and waiting happen here and not on the rooms' thread.
 *
 * [PW1] Appends of one scene go in order, those of different scenes side by side; PostgreSQL shares their fsyncs.
 * [PW2] A beacon connection lives as long as this thread; should it break, the thread ends, and the host starts another (worker-store.ts).
 */
import { parentPort, workerData } from "node:worker_threads";
import { assert, err, ok, type Result } from "@copresence/shared/base";
import pg from "pg";
import { sharedMs } from "../thread-time.ts";
import { Compactor } from "./compactor.ts";
import { PostgresAdmin } from "./postgres-admin.ts";
import { postgresError } from "./postgres-error.ts";
import { BEAT_MS, PostgresLog } from "./postgres-log.ts";
import { ANNOUNCE } from "./postgres-schema.ts";
import { type Retention, storeClosed } from "./records.ts";
import { rerootPostgres } from "./postgres-reroot.ts";
import type { SceneNote, StoreError } from "./scene-store.ts";
import type { AdminError } from "./store-admin.ts";
import { type AdminAsk, type FlatAppend, requestOf, type StoreRequest } from "./store-messages.ts";
import { reply } from "./store-reply.ts";

const CONNECTIONS = 8;
const CONNECT_MS = 5000;
/** No statement of ours takes this long; a server that does not answer must not hold up the room's verdict on it. */
const STATEMENT_MS = 10_000;
/** At least as durable as a local fsync; a stricter setting of the server stays. */
const DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

const port = parentPort;
assert(port !== null, "runs as a worker");
const { url, holder, retention } = workerData as { url: string; holder: string; retention: Retention };
const options = {
  connectionString: url,
  connectionTimeoutMillis: CONNECT_MS,
  statement_timeout: STATEMENT_MS,
  query_timeout: STATEMENT_MS,
  keepAlive: true,
  application_name: "copresence",
};
const compactor = new Compactor();
const beacon = new pg.Client(options);
const pool = new pg.Pool({ ...options, max: CONNECTIONS, onConnect: async (client) => void (await client.query(`${DURABLE}; ${ANNOUNCE}`)) });
let log: PostgresLog | undefined;
let beating: NodeJS.Timeout | undefined;
let compacting: Promise<unknown> = Promise.resolve();

// A connection that breaks while idle is replaced by the pool.
pool.on("error", () => undefined);
port.on("message", (message: StoreRequest | FlatAppend) => {
  const request = requestOf(message);
  const answer = perform(request).catch((error: unknown) => err(postgresError(error)));
  void answer.then((result) => {
    reply(port, request.id, result);
    if (request.op === "close") port.close();
  });
});

async function perform(request: StoreRequest): Promise<Result<unknown, StoreError | AdminError>> {
  if (request.op === "start") return start();
  if (log === undefined) return storeClosed;
  switch (request.op) {
    case "open":
      return log.load(request.scene);
    case "append":
      return log.append(request.scene, request.epoch, request.records);
    case "compact":
      return compact(log, request.scene, request.epoch);
    case "reroot":
      return reroot(log, request.scene, request.epoch, request.note);
    case "note":
      return log.note(request.scene, request.key, request.value);
    case "recall":
      return log.history.recall({ log, compactor, scene: request.scene, epoch: request.epoch }, request.query);
    case "admin":
      return administer(log, request.ask);
    case "release":
      await log.release(request.scene);
      return { ok: true, value: undefined };
    case "probe":
      return log.probe();
    case "close":
      return close(log);
  }
}

async function start(): Promise<Result<number, StoreError>> {
  await beacon.connect();
  beacon.on("error", (error) => {
    throw error;
  });
  const { rows } = await beacon.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const opened = new PostgresLog({ pool, holder, beaconPid: rows[0]?.pid ?? 0, retention });
  const prepared = await opened.prepare();
  if (!prepared.ok) return prepared;
  log = opened;
  beating = setInterval(() => void opened.beat(), BEAT_MS);
  return ok(sharedMs());
}

async function administer(from: PostgresLog, ask: AdminAsk): Promise<Result<unknown, StoreError | AdminError>> {
  const admin = new PostgresAdmin({ pool, holder, compactor, history: from.history });
  switch (ask.what) {
    case "exportScene":
      return admin.exportScene(ask.scene);
    case "importScene":
      return admin.importScene(ask.scene, ask.content, ask.replace);
    case "exportPerson":
      return admin.exportPerson(ask.user);
    case "erasePerson":
      await from.drained();
      return admin.erasePerson(ask.user, ask.alias);
  }
}

function compact(from: PostgresLog, scene: string, epoch: number): Promise<Result<unknown, StoreError>> {
  const turn = compacting.then(() => from.snapshots.compact(from, compactor, scene, epoch));
  compacting = turn.then(() => from.history.forgetOld({ log: from, compactor, scene, epoch }));
  return turn;
}

/** In line with the compactions: each of the two reads what the other writes. */
function reroot(to: PostgresLog, scene: string, epoch: number, note: SceneNote): Promise<Result<unknown, StoreError>> {
  const turn = compacting.then(() => rerootPostgres({ log: to, pool, compactor, scene, epoch, note }));
  compacting = turn;
  return turn;
}

async function close(open: PostgresLog): Promise<Result<void, StoreError>> {
  log = undefined;
  clearInterval(beating);
  await open.drained();
  await open.releaseAll();
  await compactor.close();
  await pool.end();
  await beacon.end();
  return { ok: true, value: undefined };
}
