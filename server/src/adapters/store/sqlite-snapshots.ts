/**
 * Snapshots in the SQLite file: read and written in pieces, so that appends get their turn between two of them.
 *
 * [SP1] The pieces of a snapshot are nothing until its row is there; that row, the end of the oldest generation and the truncation of the log
 *       are one transaction.
 * [SP2] The previous generation and the records behind it are kept; older records are history, bounded in age and bytes (records.ts),
 *       and the document as it was before the first of them is kept with them (sqlite-history.ts).
 */
import type { DatabaseSync } from "node:sqlite";
import { crashPoint } from "./crash-point.ts";
import { assemble, CHUNK_BYTES, FORGET_SHARE, GENERATIONS, type LogRow, type Retention, type StoredSnapshot } from "./records.ts";

type SnapshotRow = { seq: number; size: number; sha256: string };

export class SqliteSnapshots {
  /** Bytes written since this was last set to 0. */
  written = 0;
  readonly retention: Retention;
  private readonly db: DatabaseSync;

  constructor(db: DatabaseSync, retention: Retention) {
    this.db = db;
    this.retention = retention;
  }

  /** Newest first, each put together when it is asked for. */
  *stored(key: string, epoch: number): Iterable<StoredSnapshot> {
    const rows = this.db
      .prepare("SELECT seq, size, sha256 FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC")
      .all(key, epoch) as SnapshotRow[];
    for (const { seq, size, sha256 } of rows) {
      let bytes: Uint8Array | undefined;
      try {
        bytes = assemble(size, [...this.pieces(key, epoch, seq)]);
      } catch {
        // A damaged page of this generation; the one before it has pages of its own.
      }
      yield { seq, bytes, sha256 };
    }
  }

  /** One piece at a time; between two of them other statements may run. */
  *pieces(key: string, epoch: number, seq: number): Iterable<Uint8Array> {
    const read = this.db.prepare("SELECT bytes FROM chunk WHERE scene = ? AND epoch = ? AND seq = ? AND part = ?");
    for (let part = 0; ; part++) {
      const row = read.get(key, epoch, seq, part) as { bytes: Uint8Array } | undefined;
      if (row === undefined) return;
      yield row.bytes;
    }
  }

  newest(key: string, epoch: number): SnapshotRow | undefined {
    return this.db.prepare("SELECT seq, size, sha256 FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT 1").get(key, epoch) as
      | SnapshotRow
      | undefined;
  }

  /** The oldest snapshot that is not older than record `from`. */
  oldest(key: string, epoch: number, from: number): SnapshotRow | undefined {
    return this.db
      .prepare("SELECT seq, size, sha256 FROM snapshot WHERE scene = ? AND epoch = ? AND seq >= ? ORDER BY seq LIMIT 1")
      .get(key, epoch, from) as SnapshotRow | undefined;
  }

  /** At most `limit` records after `seq`, none after `last`. */
  records(key: string, epoch: number, range: { readonly after: number; readonly last: number; readonly limit: number }): LogRow[] {
    return this.db
      .prepare(
        "SELECT seq, user, client, clock, atMs, total, bytes, crc FROM log WHERE scene = ? AND epoch = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
      )
      .all(key, epoch, range.after, range.last, range.limit) as LogRow[];
  }

  /** Takes away pieces that a compaction left which was never finished. */
  clear(key: string, epoch: number): void {
    this.db
      .prepare("DELETE FROM chunk WHERE scene = ?1 AND epoch = ?2 AND seq NOT IN (SELECT seq FROM snapshot WHERE scene = ?1 AND epoch = ?2)")
      .run(key, epoch);
  }

  writePiece(key: string, epoch: number, seq: number, part: number, state: Uint8Array): void {
    const piece = state.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES);
    this.db.prepare("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)").run(key, epoch, seq, part, piece);
    this.written += piece.length;
    crashPoint("snapshot.chunk");
  }

  /** [SP1]; throws what SQLite throws, after which nothing has changed. */
  finish(key: string, epoch: number, snapshot: SnapshotRow, nowMs: number): void {
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)").run(key, epoch, snapshot.seq, snapshot.size, snapshot.sha256, nowMs);
      const kept = db.prepare("SELECT seq FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT ?").all(key, epoch, GENERATIONS) as {
        seq: number;
      }[];
      // With a single generation the log is its only second source.
      const oldest = kept.length < GENERATIONS ? 0 : (kept.at(-1)?.seq ?? 0);
      this.dropSnapshots(key, epoch, oldest, this.firstRecord(key, epoch) - 1);
      crashPoint("snapshot.fsync");
      db.exec("COMMIT");
      crashPoint("snapshot.committed");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Number of the first record that is kept; past the end when there is none. */
  firstRecord(key: string, epoch: number): number {
    const row = this.db.prepare("SELECT min(seq) AS seq FROM log WHERE scene = ? AND epoch = ?").get(key, epoch) as { seq: number | null };
    return row.seq ?? Number.MAX_SAFE_INTEGER;
  }

  /**
   * The history begins at `at` from now on: with the snapshot `base` of the document as it was then, or one that is there already. Throws what
   * SQLite throws, after which nothing has changed.
   */
  forget(key: string, epoch: number, at: number, base: SnapshotRow | undefined, nowMs: number): void {
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      if (base !== undefined) db.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)").run(key, epoch, base.seq, base.size, base.sha256, nowMs);
      db.prepare("DELETE FROM log WHERE scene = ? AND epoch = ? AND seq <= ?").run(key, epoch, at);
      this.dropSnapshots(key, epoch, at, at);
      crashPoint("snapshot.fsync");
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Epochs before `epoch` that are still there, oldest first, with their last records. */
  endedEpochs(key: string, epoch: number): { readonly epoch: number; readonly last: number }[] {
    // From one to the next: grouping would read the whole of their logs.
    const before = this.db.prepare("SELECT max(epoch) AS epoch FROM log WHERE scene = ? AND epoch < ?");
    const end = this.db.prepare("SELECT max(seq) AS seq FROM log WHERE scene = ? AND epoch = ?");
    const ended: { readonly epoch: number; readonly last: number }[] = [];
    const earlier = (than: number): number | null => (before.get(key, than) as { epoch: number | null }).epoch;
    for (let at = earlier(epoch); at !== null; at = earlier(at)) ended.unshift({ epoch: at, last: (end.get(key, at) as { seq: number }).seq });
    return ended;
  }

  /** Of an epoch that has ended only the history is kept: its log, and the snapshot that begins it where the log does not. */
  leaveHistory(key: string, epoch: number): void {
    const first = this.firstRecord(key, epoch);
    const base = first === 1 ? undefined : this.oldest(key, epoch, first - 1);
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      for (const table of ["snapshot", "chunk"])
        db.prepare(`DELETE FROM ${table} WHERE scene = ? AND epoch = ? AND seq <> ?`).run(key, epoch, base?.seq ?? 0);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Everything of an epoch that has ended goes. Throws what SQLite throws, after which nothing has changed. */
  forgetEpoch(key: string, epoch: number): void {
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      for (const table of ["log", "snapshot", "chunk"]) db.prepare(`DELETE FROM ${table} WHERE scene = ? AND epoch = ?`).run(key, epoch);
      crashPoint("snapshot.fsync");
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * How far the past is due to be forgotten: number of the last such record, 0 for none; and the older generation's number. `total`: see LogRow, at
   * the end of the newest epoch. `end`: the last record of an epoch that has ended.
   */
  due(
    key: string,
    epoch: number,
    { nowMs, total, end }: { readonly nowMs: number; readonly total: number; readonly end: number | undefined },
  ): { readonly last: number; readonly generation: number } {
    const generations = this.db
      .prepare("SELECT seq FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT ?")
      .all(key, epoch, GENERATIONS) as { seq: number }[];
    const generation = end ?? (generations.length < GENERATIONS ? 0 : (generations.at(-1)?.seq ?? 0));
    const { ms, bytes } = this.retention;
    // The first record is the oldest: to look at all of them would hold up the appends behind for as long as the history is.
    const first = this.db
      .prepare("SELECT atMs, total - length(bytes) AS before FROM log WHERE scene = ? AND epoch = ? ORDER BY seq LIMIT 1")
      .get(key, epoch) as { atMs: number; before: number } | undefined;
    if (first === undefined) return { last: 0, generation };
    const late = nowMs - first.atMs > ms || total - first.before > bytes;
    if (!late) return { last: 0, generation };
    const kept = this.db
      .prepare("SELECT min(seq) AS seq FROM log WHERE scene = ? AND epoch = ? AND atMs >= ? AND total > ?")
      .get(key, epoch, nowMs - ms * (1 - FORGET_SHARE), total - bytes * (1 - FORGET_SHARE)) as { seq: number | null };
    return { last: Math.min(generation, (kept.seq ?? Number.MAX_SAFE_INTEGER) - 1), generation };
  }

  private dropSnapshots(key: string, epoch: number, below: number, except: number): void {
    for (const table of ["snapshot", "chunk"])
      this.db.prepare(`DELETE FROM ${table} WHERE scene = ? AND epoch = ? AND seq < ? AND seq <> ?`).run(key, epoch, below, except);
  }
}
