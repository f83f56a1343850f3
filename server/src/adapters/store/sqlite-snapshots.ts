/**
 * Snapshots in the SQLite file: read and written in pieces, so that appends get their turn between two of them.
 *
 * [SP1] The pieces of a snapshot are nothing until its row is there; that row, the end of the oldest generation and the truncation of the log
 *       are one transaction.
 * [SP2] The previous generation and the records behind it are kept; older records are history, bounded in age and bytes (records.ts).
 */
import type { DatabaseSync } from "node:sqlite";
import { crashPoint } from "./crash-point.ts";
import { assemble, CHUNK_BYTES, GENERATIONS, HISTORY_BYTES, HISTORY_MS, type LogRow, type StoredSnapshot } from "./records.ts";

type SnapshotRow = { seq: number; size: number; sha256: string };

export class SqliteSnapshots {
  /** Bytes written since this was last set to 0. */
  written = 0;
  private readonly db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.db = db;
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
      for (const table of ["snapshot", "chunk"]) db.prepare(`DELETE FROM ${table} WHERE scene = ? AND epoch = ? AND seq < ?`).run(key, epoch, oldest);
      db.prepare("DELETE FROM log WHERE scene = ? AND epoch = ? AND seq <= ? AND seq < ?").run(
        key,
        epoch,
        oldest,
        this.historyStart(key, epoch, nowMs),
      );
      crashPoint("snapshot.fsync");
      db.exec("COMMIT");
      crashPoint("snapshot.committed");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Number of the first record that is young enough, and close enough to the end, to be kept as history. */
  private historyStart(key: string, epoch: number, nowMs: number): number {
    const last = this.db.prepare("SELECT total FROM log WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT 1").get(key, epoch);
    const total = (last as { total: number } | undefined)?.total ?? 0;
    const first = this.db
      .prepare("SELECT seq FROM log WHERE scene = ? AND epoch = ? AND atMs >= ? AND total > ? ORDER BY seq LIMIT 1")
      .get(key, epoch, nowMs - HISTORY_MS, total - HISTORY_BYTES);
    return (first as { seq: number } | undefined)?.seq ?? Number.MAX_SAFE_INTEGER;
  }
}
