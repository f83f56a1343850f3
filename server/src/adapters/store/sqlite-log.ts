/**
 * The scene log in one SQLite file, synchronously; runs in the store's worker thread (sqlite-worker.ts).
 *
 * [SL1] WAL with synchronous=FULL: a commit has been fsynced when it returns. locking_mode=EXCLUSIVE: one process has the file, the kernel
 *       gives the lock back when that process dies.
 * [SL2] Every record carries a crc over all that names it, every snapshot a sha256; sequence numbers have no holes.
 * [SL3] Nothing unreadable is ever deleted: a cut tail moves aside, a damaged scene is marked and stays closed until a person acts.
 * [SL4] The records since the previous snapshot are kept as long as it is, so either generation loads the same document.
 *
 * Source of the guarantees: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous
 */
import { createHash } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { err, ok, type Result } from "@copresence/shared/base";
import * as Y from "yjs";
import type { AppendRecord } from "../../core/types.ts";
import type { LoadedScene, StoreError } from "./scene-store.ts";

const FORMAT = "1";
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS scene (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL, quarantine TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS log (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, user TEXT NOT NULL, client INTEGER NOT NULL,
    clock INTEGER NOT NULL, atMs INTEGER NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (scene, epoch, seq)) STRICT;
  CREATE TABLE IF NOT EXISTS cut (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, atMs INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS snapshot (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (scene, epoch, seq)) STRICT;
  CREATE TABLE IF NOT EXISTS client (scene TEXT NOT NULL, client INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (scene, client)) STRICT;
  CREATE TABLE IF NOT EXISTS note (scene TEXT NOT NULL, key TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (scene, key)) STRICT;
`;
/** Generations of snapshots kept. */
const GENERATIONS = 2;

type LogRow = { seq: number; user: string; client: number; clock: number; bytes: Uint8Array; crc: number };
type SnapshotRow = { seq: number; bytes: Uint8Array; sha256: string };
type Open = { readonly epoch: number; seq: number };
export type SceneAppend = { readonly scene: string; readonly epoch: number; readonly records: readonly AppendRecord[] };

export class SqliteLog {
  private readonly db: DatabaseSync;
  private readonly open = new Map<string, Open>();
  private readonly insert: StatementSync;
  private readonly claim: StatementSync;

  /** Throws what SQLite throws; `storeError` makes a sentence of it. */
  constructor(file: string) {
    this.db = new DatabaseSync(file, { timeout: 0 });
    this.db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
    // The first write takes the lock that keeps every other process out [SL1].
    this.db.exec(`BEGIN IMMEDIATE; ${SCHEMA} INSERT OR IGNORE INTO meta VALUES ('format', '${FORMAT}'); COMMIT;`);
    const format = this.db.prepare("SELECT value FROM meta WHERE key = 'format'").get() as { value: string };
    if (format.value !== FORMAT) throw new Error(`the file has format ${format.value}, this server reads format ${FORMAT}`);
    this.insert = this.db.prepare("INSERT INTO log (scene, epoch, seq, user, client, clock, atMs, bytes, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.claim = this.db.prepare("INSERT OR IGNORE INTO client (scene, client, user) VALUES (?, ?, ?)");
  }

  /** Loads or creates a scene. */
  load(scene: string): Result<LoadedScene, StoreError> {
    const key = sceneKey(scene);
    const row = this.db.prepare("SELECT epoch, quarantine FROM scene WHERE key = ?").get(key) as
      | { epoch: number; quarantine: string | null }
      | undefined;
    if (row === undefined) this.db.prepare("INSERT INTO scene (key, epoch) VALUES (?, 1)").run(key);
    else if (row.quarantine !== null) return corrupt(row.quarantine);
    const epoch = row?.epoch ?? 1;
    const read = this.read(key, epoch);
    if (!read.ok) {
      this.db.prepare("UPDATE scene SET quarantine = ? WHERE key = ?").run(read.error.sentence, key);
      return read;
    }
    this.open.set(key, { epoch, seq: read.value.seq });
    return read;
  }

  /**
   * One transaction for many appends. The outer error is the disk's and concerns all; an inner one concerns one scene only. When this
   * returns ok, the records are on the disk.
   */
  append(appends: readonly SceneAppend[], nowMs: number): Result<Result<{ readonly seq: number }, StoreError>[], StoreError> {
    const before = new Map<Open, number>();
    for (const { scene } of appends) {
      const open = this.open.get(sceneKey(scene));
      if (open !== undefined) before.set(open, open.seq);
    }
    try {
      this.db.exec("BEGIN IMMEDIATE");
      const results = appends.map((append) => this.appendOne(append, nowMs));
      this.db.exec("COMMIT");
      return ok(results);
    } catch (error) {
      this.rollback();
      for (const [open, seq] of before) open.seq = seq;
      return err(storeError(error));
    }
  }

  /** Replaces the log up to `seq` by `state`, after `state` was seen to decode [SL4]. */
  snapshot(scene: string, epoch: number, seq: number, state: Uint8Array): Result<void, StoreError> {
    const key = sceneKey(scene);
    const open = this.open.get(key);
    if (open?.epoch !== epoch || seq > open.seq || seq < 0)
      return err({ code: "closed", sentence: "The scene is not open at this epoch and sequence number." });
    if (!decodes(state)) return corrupt("The snapshot does not decode; the log is kept.");
    try {
      this.db.exec("BEGIN IMMEDIATE");
      this.db
        .prepare("INSERT OR REPLACE INTO snapshot (scene, epoch, seq, bytes, sha256) VALUES (?, ?, ?, ?, ?)")
        .run(key, epoch, seq, state, sha256(state));
      const kept = this.db
        .prepare("SELECT seq FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT ?")
        .all(key, epoch, GENERATIONS) as { seq: number }[];
      // With a single generation the log is its only second source.
      const oldest = kept.length < GENERATIONS ? 0 : (kept.at(-1)?.seq ?? 0);
      this.db.prepare("DELETE FROM snapshot WHERE scene = ? AND epoch = ? AND seq < ?").run(key, epoch, oldest);
      this.db.prepare("DELETE FROM log WHERE scene = ? AND epoch = ? AND seq <= ?").run(key, epoch, oldest);
      this.db.exec("COMMIT");
      return ok(undefined);
    } catch (error) {
      this.rollback();
      return err(storeError(error));
    }
  }

  /** Replaces a note; on the disk when this returns ok. */
  note(scene: string, key: string, value: Uint8Array): Result<void, StoreError> {
    if (!this.open.has(sceneKey(scene))) return err({ code: "closed", sentence: "The scene is not open." });
    try {
      this.db.prepare("INSERT OR REPLACE INTO note (scene, key, bytes) VALUES (?, ?, ?)").run(sceneKey(scene), key, value);
      return ok(undefined);
    } catch (error) {
      return err(storeError(error));
    }
  }

  /** Writes a value, commits it and reads it back. */
  probe(nowMs: number): Result<void, StoreError> {
    try {
      this.db.prepare("INSERT OR REPLACE INTO meta VALUES ('probe', ?)").run(String(nowMs));
      const row = this.db.prepare("SELECT value FROM meta WHERE key = 'probe'").get() as { value: string } | undefined;
      return row?.value === String(nowMs) ? ok(undefined) : err({ code: "io", sentence: "The store does not return what was written to it." });
    } catch (error) {
      return err(storeError(error));
    }
  }

  close(): void {
    this.db.close();
  }

  private appendOne({ scene, epoch, records }: SceneAppend, nowMs: number): Result<{ readonly seq: number }, StoreError> {
    const key = sceneKey(scene);
    const open = this.open.get(key);
    if (open?.epoch !== epoch) return err({ code: "closed", sentence: "The scene is not open at this epoch." });
    for (const { user, client, clock, update } of records) {
      const seq = ++open.seq;
      this.insert.run(key, epoch, seq, user, client, clock, nowMs, update, recordCrc(key, epoch, { seq, user, client, clock, bytes: update }));
      if (client !== 0) this.claim.run(key, client, user);
    }
    return ok({ seq: open.seq });
  }

  private rollback(): void {
    if (this.db.isTransaction) this.db.exec("ROLLBACK");
  }

  private read(key: string, epoch: number): Result<LoadedScene, StoreError> {
    const snapshots = this.db
      .prepare("SELECT seq, bytes, sha256 FROM snapshot WHERE scene = ? AND epoch = ? ORDER BY seq DESC")
      .all(key, epoch) as SnapshotRow[];
    const snapshot = snapshots.find((row) => sha256(row.bytes) === row.sha256);
    const rows = this.db
      .prepare("SELECT seq, user, client, clock, bytes, crc FROM log WHERE scene = ? AND epoch = ? AND seq > ? ORDER BY seq")
      .all(key, epoch, snapshot?.seq ?? 0) as LogRow[];
    const first = (snapshot?.seq ?? 0) + 1;
    const bad = rows.findIndex((row, index) => row.seq !== first + index || row.crc !== recordCrc(key, epoch, row));
    // The last record alone may be torn; what has good records after it was durable once, and is damage [ST3].
    if (bad >= 0 && bad < rows.length - 1) return corrupt(`Record ${first + bad} of the scene's log is damaged or missing; the scene stays closed.`);
    const good = bad < 0 ? rows : rows.slice(0, bad);
    const seq = first + good.length - 1;
    const newest = snapshots[0]?.seq ?? 0;
    if (seq < newest) return corrupt(`The snapshot at record ${newest} is damaged and the log behind it does not reach it; the scene stays closed.`);
    if (bad >= 0) this.cut(key, epoch, seq);
    const owners = this.db.prepare("SELECT client, user FROM client WHERE scene = ?").all(key) as { client: number; user: string }[];
    const notes = this.db.prepare("SELECT key, bytes FROM note WHERE scene = ?").all(key) as { key: string; bytes: Uint8Array }[];
    return ok({
      epoch,
      seq,
      snapshot: snapshot?.bytes,
      updates: good.map(({ bytes }) => bytes),
      cutRecords: rows.length - good.length,
      owners: new Map(owners.map(({ client, user }) => [client, user])),
      notes: new Map(notes.map(({ key: name, bytes }) => [name, bytes])),
    });
  }

  /** Moves a torn tail aside, so that its sequence number is free again [SL3]. */
  private cut(key: string, epoch: number, seq: number): void {
    this.db.exec("BEGIN IMMEDIATE");
    this.db
      .prepare(
        "INSERT INTO cut (scene, epoch, seq, bytes, atMs) SELECT scene, epoch, seq, bytes, atMs FROM log WHERE scene = ? AND epoch = ? AND seq > ?",
      )
      .run(key, epoch, seq);
    this.db.prepare("DELETE FROM log WHERE scene = ? AND epoch = ? AND seq > ?").run(key, epoch, seq);
    this.db.exec("COMMIT");
  }
}

/** Scene names are hashed before they become keys. */
export const sceneKey = (scene: string): string => sha256(new TextEncoder().encode(scene)).slice(0, 32);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const corrupt = (sentence: string) => err({ code: "corrupt", sentence } as const);

function recordCrc(key: string, epoch: number, row: Omit<LogRow, "crc">): number {
  return crc32(row.bytes, crc32(`${key}|${epoch}|${row.seq}|${row.user}|${row.client}|${row.clock}|`));
}

function decodes(state: Uint8Array): boolean {
  const doc = new Y.Doc();
  try {
    Y.applyUpdate(doc, state);
    return doc.store.pendingStructs === null && doc.store.pendingDs === null;
  } catch {
    return false;
  } finally {
    doc.destroy();
  }
}

/** What SQLite threw, as one of the contract's codes (https://www.sqlite.org/rescode.html). */
export function storeError(error: unknown): StoreError {
  const code = typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  const text = error instanceof Error ? error.message : String(error);
  if (code === 13) return { code: "full", sentence: "The disk is full; edits cannot be saved until there is space." };
  if (code === 5 || code === 6) return { code: "locked", sentence: "Another process has the store's file open; stop it first." };
  if (code === 8) return { code: "io", sentence: "The store's file may not be written by this user." };
  if (code === 14) return { code: "io", sentence: "The store's file cannot be opened; it must be a file in a folder this user may write to." };
  if (code === 11 || code === 26) return { code: "corrupt", sentence: `The store's file is damaged (${text}); restore it from a backup.` };
  return { code: "io", sentence: `The store cannot write (${text}).` };
}
