/**
 * Snapshots in PostgreSQL, and the compaction that makes them; the same rules as in SQLite (sqlite-snapshots.ts, [SP1] and [SP2]), kept by one
 * transaction that first makes sure the scene is still ours.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { Folding } from "./compaction-worker.ts";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { postgresError } from "./postgres-error.ts";
import type { PostgresHeld, PostgresLog } from "./postgres-log.ts";
import { isSound, stateBytes } from "./snapshot-bytes.ts";
import { badRow, corrupt, GENERATIONS, type LogRow, notOpen, sceneKey, type StoredSnapshot } from "./records.ts";
import type { Compacted, StoreError } from "./scene-store.ts";

export const ROW =
  'seq::float8 AS seq, author AS user, client::float8 AS client, clock::float8 AS clock, at_ms::float8 AS "atMs", total::float8 AS total, bytes, crc::float8 AS crc';
export type SnapshotRow = { seq: number; bytes: Uint8Array; sha256: string };

export class PostgresSnapshots {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** The newest sound snapshot (any that fail before it, too), and the records behind the oldest of them. */
  async read(client: PoolClient, key: string, epoch: number): Promise<{ snapshots: StoredSnapshot[]; rows: LogRow[]; total: number }> {
    const snapshots: SnapshotRow[] = [];
    for (let generation = 0; generation < GENERATIONS; generation++) {
      const { rows } = await client.query<SnapshotRow>(
        "SELECT seq::float8 AS seq, bytes, sha256 FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3",
        [key, epoch, generation],
      );
      const [row] = rows;
      if (row === undefined) break;
      snapshots.push(row);
      if (isSound(row)) break;
    }
    const newest = snapshots.at(-1);
    const sound = newest !== undefined && isSound(newest);
    const after = sound ? newest.seq : 0;
    const { rows } = await client.query<LogRow>(`SELECT ${ROW} FROM copresence.log WHERE scene = $1 AND epoch = $2 AND seq > $3 ORDER BY seq`, [
      key,
      epoch,
      after,
    ]);
    const total = await client.query<{ total: number }>(
      "SELECT total::float8 AS total FROM copresence.log WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT 1",
      [key, epoch],
    );
    return { snapshots, rows, total: total.rows[0]?.total ?? 0 };
  }

  async compact(log: PostgresLog, compactor: Compactor, scene: string, epoch: number): Promise<Result<Compacted, StoreError>> {
    const key = sceneKey(scene);
    const held = log.heldAt(scene, epoch);
    if (held === undefined) return notOpen;
    const { seq } = held;
    try {
      const whole = await this.whole(key, epoch, seq);
      if (!whole.ok) return whole;
      const { snapshot } = whole.value;
      if (whole.value.at === seq && snapshot !== undefined) return ok({ seq, bytes: stateBytes(snapshot.sha256, snapshot.bytes.length) });
      crashPoint("snapshot.read");
      const folded = await compactor.fold(whole.value);
      if (!folded.ok) return err({ code: "io", sentence: `The log was not compacted: ${folded.error}; it is kept.` });
      const { state, bytes, sha256: hash, wear } = folded.value;
      const written = await this.finish(key, held, { seq, bytes: state, sha256: hash });
      return written ? ok({ seq, bytes, wear }) : err({ code: "fenced", sentence: "Another server has taken the scene over; this one must let go." });
    } catch (error) {
      return err(postgresError(error));
    }
  }

  /** The newest snapshot, of record `at`, and the records behind it up to `seq`, checked. Copies: what the driver hands out are views into its buffers. */
  async whole(key: string, epoch: number, seq: number): Promise<Result<Folding & { readonly at: number }, StoreError>> {
    const base = await this.pool.query<SnapshotRow>(
      "SELECT seq::float8 AS seq, bytes, sha256 FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT 1",
      [key, epoch],
    );
    const [snapshot] = base.rows;
    const at = snapshot?.seq ?? 0;
    const { rows } = await this.pool.query<LogRow>(
      `SELECT ${ROW} FROM copresence.log WHERE scene = $1 AND epoch = $2 AND seq > $3 AND seq <= $4 ORDER BY seq`,
      [key, epoch, at, seq],
    );
    if (rows.length !== seq - at || badRow(key, epoch, rows, at + 1) !== undefined) return corrupt("A record behind the newest snapshot is damaged.");
    return ok({
      at,
      snapshot: snapshot === undefined ? undefined : { bytes: Uint8Array.from(snapshot.bytes), sha256: snapshot.sha256 },
      updates: rows.map(({ bytes }) => Uint8Array.from(bytes)),
    });
  }

  /** One transaction; false when the scene is no longer ours. */
  private async finish(key: string, { epoch, term }: PostgresHeld, snapshot: SnapshotRow): Promise<boolean> {
    const client = await this.pool.connect();
    let broken = true;
    try {
      await client.query("BEGIN");
      const ours = await client.query("SELECT 1 FROM copresence.scene WHERE key = $1 AND term = $2 AND epoch = $3 FOR UPDATE", [key, term, epoch]);
      if (ours.rowCount !== 0) await this.replace(client, key, epoch, snapshot);
      await client.query("COMMIT");
      broken = false;
      return ours.rowCount !== 0;
    } finally {
      client.release(broken);
    }
  }

  private async replace(client: PoolClient, key: string, epoch: number, { seq, bytes, sha256: hash }: SnapshotRow): Promise<void> {
    const nowMs = Date.now();
    await client.query("INSERT INTO copresence.snapshot VALUES ($1, $2, $3, $4, $5, $6)", [key, epoch, seq, Buffer.from(bytes), hash, nowMs]);
    const kept = await client.query<{ seq: number }>(
      "SELECT seq::float8 AS seq FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT $3",
      [key, epoch, GENERATIONS],
    );
    // With a single generation the log is its only second source.
    const oldest = kept.rows.length < GENERATIONS ? 0 : (kept.rows.at(-1)?.seq ?? 0);
    // What the history begins with stays (postgres-history.ts).
    await client.query(
      `DELETE FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND seq < $3
        AND seq <> coalesce((SELECT min(seq) FROM copresence.log WHERE scene = $1 AND epoch = $2), 0) - 1`,
      [key, epoch, oldest],
    );
  }
}
