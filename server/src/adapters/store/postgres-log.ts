/**
 * The scenes of one PostgreSQL database, for servers on many machines; runs in the store's worker thread (postgres-worker.ts).
 *
 * [PL1] An append is one statement, hence one transaction: head, records and authors together, or nothing. `synchronous_commit` is at least
 *       `on`: when it returns, the server has fsynced.
 * [PL2] Every write names the term under which the scene was opened. Opening raises it, so whoever held the scene before can write nothing any
 *       more, however long it was frozen or cut off.
 * [PL3] A holder whose backend lives and that was heard of within STALE_S keeps the scene (`locked`); one that died loses it at once.
 *
 * The checks of what is read are those of every store (records.ts).
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { AppendRecord } from "../../core/types.ts";
import { crashPoint } from "./crash-point.ts";
import { postgresError } from "./postgres-error.ts";
import { APPEND, NOTE, PREPARE } from "./postgres-schema.ts";
import { PostgresHistory } from "./postgres-history.ts";
import { PostgresSnapshots } from "./postgres-snapshots.ts";
import { inTransaction } from "./postgres-transaction.ts";
import { corrupt, headCrc, judge, nameKey, notOpen, type Owner, recordCrc, type Retention, sceneKey, type Note, noteCrc } from "./records.ts";
import type { LoadedScene, StoreError } from "./scene-store.ts";

/** A holder that was not heard of this long is taken for dead, whatever its connection says. */
const STALE_S = 10;
/** Whether the holder of the scene `s` lives. */
export const ALIVE = `(coalesce(beat > now() - interval '${STALE_S} s', false)
  AND EXISTS (SELECT 1 FROM pg_stat_activity AS a WHERE a.pid = s.pid AND a.backend_start = s.pid_start))`;
/** How often holders say that they are alive. */
export const BEAT_MS = 3000;

/** A scene this process holds. `total`: see LogRow. */
export type PostgresHeld = { readonly epoch: number; readonly term: string; seq: number; total: number; readonly clients: Set<number> };

export type PostgresLogOptions = {
  readonly pool: Pool;
  /** Names this server process, across connections and threads. */
  readonly holder: string;
  /** Backend of a connection that lives as long as this holder. */
  readonly beaconPid: number;
  readonly retention: Retention;
};

export class PostgresLog {
  readonly snapshots: PostgresSnapshots;
  readonly history: PostgresHistory;
  private readonly options: PostgresLogOptions;
  private readonly pool: Pool;
  private readonly held = new Map<string, PostgresHeld>();
  /** Appends of one scene go one after another: each names the record it follows. */
  private readonly lines = new Map<string, Promise<unknown>>();
  private readonly noting = new Set<Promise<unknown>>();

  constructor(options: PostgresLogOptions) {
    this.options = options;
    this.pool = options.pool;
    this.snapshots = new PostgresSnapshots(options.pool);
    this.history = new PostgresHistory(options.pool, options.retention);
  }

  /** Makes the tables where there are none, and refuses servers that would not keep their word. */
  prepare(): Promise<Result<void, StoreError>> {
    return attempt(async () => {
      await this.pool.query(PREPARE);
      const { rows } = await this.pool.query<{ setting: string }>("SELECT setting FROM pg_settings WHERE name = 'fsync'");
      if (rows[0]?.setting !== "on")
        return err({ code: "io", sentence: "The PostgreSQL server runs with fsync = off and may lose what it has confirmed; set fsync = on." });
      crashPoint("start.opened");
      return ok(undefined);
    });
  }

  load(scene: string): Promise<Result<LoadedScene, StoreError>> {
    const key = sceneKey(scene);
    return attempt(() => inTransaction(this.pool, (client) => this.take(client, key, scene)));
  }

  append(scene: string, epoch: number, records: readonly AppendRecord[]): Promise<Result<{ readonly seq: number }, StoreError>> {
    const key = sceneKey(scene);
    const turn = (this.lines.get(key) ?? Promise.resolve()).then(() => this.appendNow(key, epoch, records));
    this.lines.set(key, turn);
    return turn;
  }

  heldAt(scene: string, epoch: number): PostgresHeld | undefined {
    const held = this.held.get(sceneKey(scene));
    return held?.epoch === epoch ? held : undefined;
  }

  /** The scene has begun a new epoch (postgres-reroot.ts). */
  begun(scene: string, held: PostgresHeld): void {
    this.held.set(sceneKey(scene), held);
  }

  /** Lets go of a scene, so that others need not wait for the beat to stop. */
  async release(scene: string): Promise<void> {
    const key = sceneKey(scene);
    const held = this.held.get(key);
    this.held.delete(key);
    this.lines.delete(key);
    if (held === undefined) return;
    const freed = this.pool.query("UPDATE copresence.scene SET beat = NULL WHERE key = $1 AND term = $2", [key, held.term]);
    await freed.catch(() => undefined);
  }

  /** Resolves when no append and no note is under way. */
  async drained(): Promise<void> {
    await Promise.all([...this.lines.values(), ...this.noting]);
  }

  async releaseAll(): Promise<void> {
    const all = [...this.held];
    this.held.clear();
    const freed = this.pool.query(
      "UPDATE copresence.scene AS s SET beat = NULL FROM unnest($1::text[], $2::bigint[]) AS mine(key, term) WHERE s.key = mine.key AND s.term = mine.term",
      [all.map(([key]) => key), all.map(([, { term }]) => term)],
    );
    if (all.length > 0) await freed.catch(() => undefined);
  }

  /** Says that this holder is alive. */
  async beat(): Promise<void> {
    const all = [...this.held];
    if (all.length === 0) return;
    const beaten = this.pool.query(
      "UPDATE copresence.scene AS s SET beat = now() FROM unnest($1::text[], $2::bigint[]) AS mine(key, term) WHERE s.key = mine.key AND s.term = mine.term",
      [all.map(([key]) => key), all.map(([, { term }]) => term)],
    );
    // One that fails is made up for by the next; should all fail, somebody else may take over, and that is what beats are for.
    await beaten.catch(() => undefined);
  }

  /** Replaces a note; on the disk when this resolves ok. */
  note(scene: string, name: string, value: Uint8Array): Promise<Result<void, StoreError>> {
    const key = sceneKey(scene);
    const held = this.held.get(key);
    if (held === undefined) return Promise.resolve(notOpen);
    const noted = attempt(async () => {
      const written = await this.pool.query(NOTE, [key, held.term, name, Buffer.from(value), noteCrc(key, name, value)]);
      return written.rowCount === 0 ? this.lost(key) : ok(undefined);
    }).finally(() => this.noting.delete(noted));
    this.noting.add(noted);
    return noted;
  }

  probe(): Promise<Result<void, StoreError>> {
    return attempt(async () => {
      const written = Buffer.alloc(65_536, String(Date.now()));
      const { rows } = await this.pool.query<{ value: Buffer }>(
        "INSERT INTO copresence.meta VALUES ('probe', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING value",
        [written],
      );
      const same = rows[0]?.value.equals(written) === true;
      return same ? ok(undefined) : err({ code: "io", sentence: "The store does not return what was written to it." });
    });
  }

  private async take(client: PoolClient, key: string, scene: string): Promise<Result<LoadedScene, StoreError>> {
    const { holder, beaconPid } = this.options;
    const fresh = headCrc(key, { epoch: 1, seq: 0, clients: 0 });
    await client.query("INSERT INTO copresence.scene (key, crc) VALUES ($1, $2) ON CONFLICT DO NOTHING", [key, fresh]);
    // So that operators read names and not hashes.
    await client.query("INSERT INTO copresence.meta VALUES ($1, $2) ON CONFLICT DO NOTHING", [nameKey(key), Buffer.from(scene)]);
    type HeadRow = { epoch: number; seq: number; clients: number; crc: number; holder: string | null; quarantine: string | null; alive: boolean };
    const { rows } = await client.query<HeadRow>(
      `SELECT epoch, seq::float8 AS seq, clients, crc::float8 AS crc, holder, quarantine, ${ALIVE} AS alive
        FROM copresence.scene AS s WHERE key = $1 FOR UPDATE`,
      [key],
    );
    const head = rows[0];
    if (head === undefined) return corrupt("The scene's entry is lost.");
    if (head.quarantine !== null) return err({ code: "corrupt", sentence: head.quarantine });
    if (head.alive && head.holder !== holder)
      return err({ code: "locked", sentence: "Another server has the scene open; it can be opened here when that one has let go or has died." });
    const owners = await client.query<Owner>("SELECT client::float8 AS client, author AS user FROM copresence.client WHERE scene = $1", [key]);
    const notes = await client.query<Note>("SELECT key, bytes, crc::float8 AS crc FROM copresence.note WHERE scene = $1", [key]);
    crashPoint("start.read");
    const { snapshots, rows: log, total } = await this.snapshots.read(client, key, head.epoch);
    const logAfter = (seq: number) => log.filter((row) => row.seq > seq);
    const loaded = judge({ key, head, snapshots, logAfter, owners: owners.rows, notes: notes.rows });
    if (!loaded.ok) return this.quarantine(client, key, loaded.error);
    const taken = await client.query<{ term: string }>(
      `UPDATE copresence.scene SET term = term + 1, holder = $2, beat = now(), pid = a.pid, pid_start = a.backend_start
        FROM pg_stat_activity AS a WHERE key = $1 AND a.pid = $3 RETURNING term`,
      [key, holder, beaconPid],
    );
    const term = taken.rows[0]?.term;
    if (term === undefined) return err({ code: "io", sentence: "The store's connection was lost." });
    this.held.set(key, { epoch: head.epoch, term, seq: head.seq, total, clients: new Set(owners.rows.map((owner) => owner.client)) });
    crashPoint("start.loaded");
    return loaded;
  }

  /** Marks the scene; the transaction goes through, so that the mark stays. */
  private async quarantine(client: PoolClient, key: string, error: StoreError): Promise<Result<never, StoreError>> {
    await client.query("UPDATE copresence.scene SET quarantine = $2 WHERE key = $1", [key, error.sentence]);
    return err(error);
  }

  private appendNow(key: string, epoch: number, records: readonly AppendRecord[]): Promise<Result<{ readonly seq: number }, StoreError>> {
    const held = this.held.get(key);
    if (held?.epoch !== epoch) return Promise.resolve(notOpen);
    return attempt(async () => {
      const atMs = Date.now();
      let { seq, total } = held;
      const claims = new Map<number, string>();
      const rows = records.map(({ user, client, clock, update }) => {
        seq++;
        total += update.length;
        if (client !== 0 && !held.clients.has(client) && !claims.has(client)) claims.set(client, user);
        const row = { seq, user, client, clock, atMs, total, bytes: update };
        return { ...row, crc: recordCrc(key, epoch, row) };
      });
      const head = { epoch, seq, clients: held.clients.size + claims.size };
      crashPoint("append.begin");
      const written = await this.pool.query(APPEND, [
        key,
        held.term,
        held.seq,
        epoch,
        seq,
        head.clients,
        headCrc(key, head),
        atMs,
        rows.map((row) => row.seq),
        rows.map(({ user }) => user),
        rows.map(({ client }) => client),
        rows.map(({ clock }) => clock),
        rows.map((row) => row.total),
        rows.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
        rows.map(({ crc }) => crc),
        [...claims.keys()],
        [...claims.values()],
      ]);
      crashPoint("append.committed");
      if (written.rowCount === 0) return this.lost(key);
      held.seq = seq;
      held.total = total;
      for (const client of claims.keys()) held.clients.add(client);
      return ok({ seq });
    });
  }

  /** Nothing was written, because the head is not as we left it: somebody else has the scene [PL2]. */
  private lost(key: string): Result<never, StoreError> {
    this.held.delete(key);
    return err({ code: "fenced", sentence: "Another server has taken the scene over; this one must let go." });
  }
}

/** Whatever the database throws, as a value. */
async function attempt<T>(work: () => Promise<Result<T, StoreError>>): Promise<Result<T, StoreError>> {
  try {
    return await work();
  } catch (error) {
    return err(postgresError(error));
  }
}
