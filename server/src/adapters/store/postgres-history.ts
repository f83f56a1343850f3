/**
 * The past of a scene in PostgreSQL: the same rules as in SQLite (sqlite-history.ts, [SH1] and [SH2]).
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { PastAnswer, PastQuery } from "../../core/history/types.ts";
import type { Recalling } from "./compaction-worker.ts";
import type { Compactor } from "./compactor.ts";
import { postgresError } from "./postgres-error.ts";
import type { PostgresHeld, PostgresLog } from "./postgres-log.ts";
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
      const key = sceneKey(scene);
      const pasts: Recalling[] = [];
      for (const { epoch: of, last } of [...(await this.endedEpochs(key, epoch)), { epoch, last: held.seq }]) {
        const past = await this.upTo(key, of, last);
        if (!past.ok) return past;
        pasts.push(past.value);
      }
      const answer = await compactor.recall(pasts, query);
      return answer.ok ? answer : err({ code: "io", sentence: `${answer.error}.` });
    } catch (error) {
      return err(postgresError(error));
    }
  }

  async forgetOld(where: Where): Promise<void> {
    const { log, scene, epoch } = where;
    const key = sceneKey(scene);
    const held = log.heldAt(scene, epoch);
    if (held === undefined) return;
    try {
      for (const { epoch: ended, last } of await this.endedEpochs(key, epoch)) await this.forgetIn(where, held, { epoch: ended, end: last });
      await this.forgetIn(where, held, { epoch, end: undefined });
    } catch {
      // The past stays a little longer; the next compaction tries again.
    }
  }

  /** `end`: the last record of an epoch that has ended, which may be forgotten to the end and then as a whole. */
  private async forgetIn(
    { scene, compactor }: Where,
    held: PostgresHeld,
    { epoch, end }: { readonly epoch: number; readonly end: number | undefined },
  ): Promise<void> {
    const key = sceneKey(scene);
    const { last, generation } = await this.due(key, epoch, held.total, end);
    const first = await this.firstRecord(key, epoch);
    const at = { key, epoch, current: held.epoch, term: held.term };
    // Of an epoch that has ended only the history is kept: its log, and the snapshot that begins it where the log does not.
    if (end !== undefined && last < first) return this.forget({ ...at, last: first - 1, base: undefined, ended: true });
    if (last < first) return;
    if (last === end) return this.forget({ ...at, last, base: undefined, ended: true });
    let base: SnapshotRow | undefined;
    if (last !== generation) {
      const past = await this.upTo(key, epoch, last);
      if (!past.ok) return;
      const folded = await compactor.fold({ snapshot: past.value.base, updates: past.value.records.map(({ bytes }) => bytes) });
      if (!folded.ok) return;
      base = { seq: last, bytes: folded.value.state, sha256: folded.value.sha256 };
    }
    await this.forget({ ...at, last, base, ended: end !== undefined });
  }

  /** Pasts of a scene's epochs that have ended, as far as they can be read. */
  async endedPasts(key: string): Promise<Recalling[]> {
    const { rows } = await this.pool.query<{ epoch: number }>("SELECT epoch FROM copresence.scene WHERE key = $1", [key]);
    const pasts: Recalling[] = [];
    for (const { epoch, last } of await this.endedEpochs(key, rows[0]?.epoch ?? 0)) {
      const past = await this.upTo(key, epoch, last);
      if (past.ok) pasts.push(past.value);
    }
    return pasts;
  }

  /** Epochs before `epoch` that are still there, oldest first, with their last records. */
  private async endedEpochs(key: string, epoch: number): Promise<{ readonly epoch: number; readonly last: number }[]> {
    const { rows } = await this.pool.query<{ epoch: number; last: number }>(
      "SELECT epoch, max(seq)::float8 AS last FROM copresence.log WHERE scene = $1 AND epoch < $2 GROUP BY epoch ORDER BY epoch",
      [key, epoch],
    );
    return rows;
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

  private async due(
    key: string,
    epoch: number,
    total: number,
    end: number | undefined,
  ): Promise<{ readonly last: number; readonly generation: number }> {
    const kept = await this.pool.query<{ seq: number }>(
      "SELECT seq::float8 AS seq FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 ORDER BY seq DESC LIMIT $3",
      [key, epoch, GENERATIONS],
    );
    const generation = end ?? (kept.rows.length < GENERATIONS ? 0 : (kept.rows.at(-1)?.seq ?? 0));
    const { ms, bytes } = this.retention;
    const range = await this.pool.query<{ firstMs: number | null; before: number }>(
      `SELECT min(at_ms)::float8 AS "firstMs", min(total - length(bytes))::float8 AS before
        FROM copresence.log WHERE scene = $1 AND epoch = $2`,
      [key, epoch],
    );
    const [row] = range.rows;
    if (row === undefined || row.firstMs === null) return { last: 0, generation };
    if (Date.now() - row.firstMs <= ms && total - row.before <= bytes) return { last: 0, generation };
    const first = await this.pool.query<{ seq: number | null }>(
      "SELECT min(seq)::float8 AS seq FROM copresence.log WHERE scene = $1 AND epoch = $2 AND at_ms >= $3 AND total > $4",
      [key, epoch, Math.ceil(Date.now() - ms * (1 - FORGET_SHARE)), Math.floor(total - bytes * (1 - FORGET_SHARE))],
    );
    return { last: Math.min(generation, (first.rows[0]?.seq ?? Number.MAX_SAFE_INTEGER) - 1), generation };
  }

  private async forget(at: {
    readonly key: string;
    readonly epoch: number;
    readonly term: string;
    /** The epoch in charge. */
    readonly current: number;
    readonly last: number;
    readonly base: SnapshotRow | undefined;
    /** Nothing loads this epoch any more: snapshots behind its beginning go, too. */
    readonly ended: boolean;
  }): Promise<void> {
    const { key, epoch, current, term, last, base, ended } = at;
    const client: PoolClient = await this.pool.connect();
    let broken = true;
    try {
      await client.query("BEGIN");
      const ours = await client.query("SELECT 1 FROM copresence.scene WHERE key = $1 AND term = $2 AND epoch = $3 FOR UPDATE", [key, term, current]);
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
        if (ended)
          await client.query(
            `DELETE FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND ($3 OR seq > (SELECT min(seq) FROM copresence.snapshot WHERE scene = $1
              AND epoch = $2))`,
            [key, epoch, last === 0],
          );
      }
      await client.query("COMMIT");
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}
