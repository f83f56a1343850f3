/**
 * The past of a scene in PostgreSQL: the same rules as in SQLite (sqlite-history.ts, [SH1] and [SH2]).
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { PastAnswer, PastQuery } from "../../core/history/types.ts";
import type { Recalling } from "./compaction-worker.ts";
import type { Compactor } from "./compactor.ts";
import { postgresError } from "./postgres-error.ts";
import type { PostgresLog } from "./postgres-log.ts";
import { ROW, type SnapshotRow } from "./postgres-snapshots.ts";
import { badRow, corrupt, FORGET_SHARE, GENERATIONS, type LogRow, notOpen, type Retention, sceneKey } from "./records.ts";
import type { StoreError } from "./scene-store.ts";

type Where = { readonly log: PostgresLog; readonly compactor: Compactor; readonly scene: string; readonly epoch: number };

export class PostgresHistory {
  private readonly pool: Pool;
  private readonly retention: Retention;

  constructor(pool: Pool, retention: Retention) {
    this.pool = pool;
    this.retention = retention;
  }

  async recall({ log, compactor, scene, epoch }: Where, query: PastQuery): Promise<Result<PastAnswer, StoreError>> {
    const held = log.heldAt(scene, epoch);
    if (held === undefined) return notOpen;
    try {
      const past = await this.upTo(sceneKey(scene), epoch, held.seq);
      if (!past.ok) return past;
      const answer = await compactor.recall(past.value, query);
      return answer.ok ? answer : err({ code: "io", sentence: `${answer.error}.` });
    } catch (error) {
      return err(postgresError(error));
    }
  }

  async forgetOld({ log, compactor, scene, epoch }: Where): Promise<void> {
    const key = sceneKey(scene);
    const held = log.heldAt(scene, epoch);
    if (held === undefined) return;
    try {
      const { last, generation } = await this.due(key, epoch);
      if (last < (await this.firstRecord(key, epoch))) return;
      let base: SnapshotRow | undefined;
      if (last !== generation) {
        const past = await this.upTo(key, epoch, last);
        if (!past.ok) return;
        const folded = await compactor.fold({ snapshot: past.value.base, updates: past.value.records.map(({ bytes }) => bytes) });
        if (!folded.ok) return;
        base = { seq: last, bytes: folded.value.state, sha256: folded.value.sha256 };
      }
      await this.forget({ key, epoch, term: held.term, last, base });
    } catch {
      // The past stays a little longer; the next compaction tries again.
    }
  }

  private async upTo(key: string, epoch: number, last: number): Promise<Result<Recalling, StoreError>> {
    let after = Math.min((await this.firstRecord(key, epoch)) - 1, last);
    let base: Recalling["base"];
    if (after > 0) {
      const found = await this.pool.query<SnapshotRow>(
        "SELECT seq::float8 AS seq, bytes, sha256 FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND seq >= $3 ORDER BY seq LIMIT 1",
        [key, epoch, after],
      );
      const [start] = found.rows;
      if (start === undefined || start.seq > last) return corrupt("The beginning of the scene's history is lost.");
      base = { bytes: Uint8Array.from(start.bytes), sha256: start.sha256 };
      after = start.seq;
    }
    const { rows } = await this.pool.query<LogRow>(
      `SELECT ${ROW} FROM copresence.log WHERE scene = $1 AND epoch = $2 AND seq > $3 AND seq <= $4 ORDER BY seq`,
      [key, epoch, after, last],
    );
    if (rows.length !== last - after || badRow(key, epoch, rows, after + 1) !== undefined)
      return corrupt("A record of the scene's history is damaged.");
    return ok({ base, records: rows.map(({ user, atMs, bytes }) => ({ user, atMs, bytes: Uint8Array.from(bytes) })) });
  }

  private async firstRecord(key: string, epoch: number): Promise<number> {
    const { rows } = await this.pool.query<{ seq: number | null }>(
      "SELECT min(seq)::float8 AS seq FROM copresence.log WHERE scene = $1 AND epoch = $2",
      [key, epoch],
    );
    return rows[0]?.seq ?? Number.MAX_SAFE_INTEGER;
  }

  private async due(key: string, epoch: number): Promise<{ readonly last: number; readonly generation: number }> {
    const kept = await this.pool.query<{ seq: number }>(
      "SELECT seq::float8 AS seq FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT $3",
      [key, epoch, GENERATIONS],
    );
    const generation = kept.rows.length < GENERATIONS ? 0 : (kept.rows.at(-1)?.seq ?? 0);
    const { ms, bytes } = this.retention;
    const range = await this.pool.query<{ firstMs: number | null; before: number; total: number }>(
      `SELECT min(at_ms)::float8 AS "firstMs", min(total - length(bytes))::float8 AS before, max(total)::float8 AS total
        FROM copresence.log WHERE scene = $1 AND epoch = $2`,
      [key, epoch],
    );
    const [row] = range.rows;
    if (row === undefined || row.firstMs === null) return { last: 0, generation };
    if (Date.now() - row.firstMs <= ms && row.total - row.before <= bytes) return { last: 0, generation };
    const first = await this.pool.query<{ seq: number | null }>(
      "SELECT min(seq)::float8 AS seq FROM copresence.log WHERE scene = $1 AND epoch = $2 AND at_ms >= $3 AND total > $4",
      [key, epoch, Math.ceil(Date.now() - ms * (1 - FORGET_SHARE)), Math.floor(row.total - bytes * (1 - FORGET_SHARE))],
    );
    return { last: Math.min(generation, (first.rows[0]?.seq ?? Number.MAX_SAFE_INTEGER) - 1), generation };
  }

  private async forget(at: {
    readonly key: string;
    readonly epoch: number;
    readonly term: string;
    readonly last: number;
    readonly base: SnapshotRow | undefined;
  }): Promise<void> {
    const { key, epoch, term, last, base } = at;
    const client: PoolClient = await this.pool.connect();
    let broken = true;
    try {
      await client.query("BEGIN");
      const ours = await client.query("SELECT 1 FROM copresence.scene WHERE key = $1 AND term = $2 AND epoch = $3 FOR UPDATE", [key, term, epoch]);
      if (ours.rowCount !== 0) {
        if (base !== undefined)
          await client.query("INSERT INTO copresence.snapshot VALUES ($1, $2, $3, $4, $5, $6)", [
            key,
            epoch,
            last,
            Buffer.from(base.bytes),
            base.sha256,
            Date.now(),
          ]);
        await client.query("DELETE FROM copresence.log WHERE scene = $1 AND epoch = $2 AND seq <= $3", [key, epoch, last]);
        await client.query("DELETE FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND seq < $3", [key, epoch, last]);
      }
      await client.query("COMMIT");
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}
