/**
 * Opening the store's SQLite file: who may, what must be in it, and how an older format becomes today's.
 *
 * [SF1] WAL with synchronous=FULL: a commit has been fsynced when it returns. locking_mode=EXCLUSIVE: one process has the file, the kernel
 *       gives the lock back when that process dies. Checkpoints run only when asked for (`SqliteLog.checkpoint`), between commits.
 * [SF2] Tables are made only in a file that has none and never had: a file that lost its tables is damaged, not new.
 * [SF3] A file of an older format is brought to today's in one transaction, its checks included; one of a newer format is left alone.
 *
 * Source of the guarantees: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous
 */
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { CHUNK_BYTES, headCrc, newerFormat, recordCrc, STORE_FORMAT } from "./records.ts";
import type { StoreError } from "./scene-store.ts";

/** "CP" and the format's number: a value that no single flipped bit turns into "never formatted". */
const MARK = 0x43500000;
/** So many formats there may be. */
const NUMBERS = 0x10000;
const FORMAT = MARK + STORE_FORMAT;
/** Today's tables; its snapshots need not be deflated, but may be. */
const FORMAT_3 = MARK + 3;
/** The same without notes. */
const FORMAT_2 = MARK + 2;
const OLDER_TABLES = ["meta", "scene", "log", "cut", "snapshot", "chunk", "client"] as const;
const TABLES = [...OLDER_TABLES, "note"] as const;
const NOTES = `
  CREATE TABLE IF NOT EXISTS note (scene TEXT NOT NULL, key TEXT NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (scene, key)) STRICT;
`;
const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE scene (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, clients INTEGER NOT NULL, crc INTEGER NOT NULL,
    quarantine TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE log (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, user TEXT NOT NULL, client INTEGER NOT NULL,
    clock INTEGER NOT NULL, atMs INTEGER NOT NULL, total INTEGER NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (scene, epoch, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE cut (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, atMs INTEGER NOT NULL) STRICT;
  CREATE TABLE snapshot (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    atMs INTEGER NOT NULL, PRIMARY KEY (scene, epoch, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE chunk (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (scene, epoch, seq, part)) STRICT;
  CREATE TABLE client (scene TEXT NOT NULL, client INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (scene, client)) STRICT, WITHOUT ROWID;
  ${NOTES}
`;

/** Something is wrong with the file as a whole; the message is a sentence for the operator. */
export class StoreFault extends Error {
  readonly code: StoreError["code"];
  constructor(code: StoreError["code"], sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** Throws a StoreFault, or what SQLite throws; `storeError` makes a sentence of both. */
export function openSqliteFile(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;");
    // The first write takes the lock that keeps every other process out [SF1].
    db.exec("BEGIN IMMEDIATE");
    prepareTables(db);
    db.exec("COMMIT");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareTables(db: DatabaseSync): void {
  const { user_version: format } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  const found = (db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]).map(({ name }) => name);
  if (format >= FORMAT_2 && format <= FORMAT) {
    const lost = (format === FORMAT_2 ? OLDER_TABLES : TABLES).find((name) => !found.includes(name));
    if (lost !== undefined) throw new StoreFault("corrupt", `The store's file is damaged (it lost its table ${lost}); restore it from a backup.`);
    if (format === FORMAT) return;
  }
  if (format === FORMAT_2) db.exec(NOTES);
  else if (format > FORMAT && format < MARK + NUMBERS) throw new StoreFault("corrupt", newerFormat(format - MARK));
  else if (format === 0 && found.length === 0) db.exec(SCHEMA);
  else if (format === 0 && found.includes("meta") && formatOne(db)) migrate(db);
  else if (format !== FORMAT_3)
    throw new StoreFault(
      "corrupt",
      `The store's file has format ${format}, which this server does not read; it was written by another version or is damaged.`,
    );
  db.exec(`PRAGMA user_version=${FORMAT}`);
}

const formatOne = (db: DatabaseSync): boolean =>
  (db.prepare("SELECT value FROM meta WHERE key = 'format'").get() as { value: string } | undefined)?.value === "1";

type OldRow = {
  scene: string;
  epoch: number;
  seq: number;
  user: string;
  client: number;
  clock: number;
  atMs: number;
  bytes: Uint8Array;
  crc: number;
};

/** [SF3] A record that fails its old check keeps failing the new one. */
function migrate(db: DatabaseSync): void {
  const old = ["meta", "scene", "log", "cut", "snapshot", "client"];
  for (const name of old) db.exec(`ALTER TABLE ${name} RENAME TO old_${name}`);
  db.exec(SCHEMA);
  db.exec("INSERT INTO cut SELECT * FROM old_cut; INSERT INTO client SELECT * FROM old_client;");
  const log = db.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  let total = 0;
  for (const row of db.prepare("SELECT * FROM old_log ORDER BY scene, epoch, seq").iterate() as Iterable<OldRow>) {
    const { scene, epoch, seq, user, client, clock, atMs, bytes } = row;
    total += bytes.length;
    const whole = row.crc === crc32(bytes, crc32(`${scene}|${epoch}|${seq}|${user}|${client}|${clock}|`));
    const crc = recordCrc(scene, epoch, { seq, user, client, clock, atMs, total, bytes });
    log.run(scene, epoch, seq, user, client, clock, atMs, total, bytes, whole ? crc : crc ^ 1);
  }
  const snapshot = db.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)");
  const chunk = db.prepare("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)");
  type OldSnapshot = { scene: string; epoch: number; seq: number; bytes: Uint8Array; sha256: string };
  for (const { scene, epoch, seq, bytes, sha256 } of db.prepare("SELECT * FROM old_snapshot").iterate() as Iterable<OldSnapshot>) {
    snapshot.run(scene, epoch, seq, bytes.length, sha256, Date.now());
    for (let part = 0; part * CHUNK_BYTES < bytes.length; part++)
      chunk.run(scene, epoch, seq, part, bytes.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES));
  }
  const head = db.prepare("INSERT INTO scene VALUES (?, ?, ?, ?, ?, ?)");
  const newest = db.prepare(`SELECT max(seq) AS seq FROM (SELECT seq FROM log WHERE scene = ?1 AND epoch = ?2
    UNION ALL SELECT seq FROM snapshot WHERE scene = ?1 AND epoch = ?2)`);
  const clientsOf = db.prepare("SELECT count(*) AS count FROM client WHERE scene = ?");
  for (const { key, epoch, quarantine } of db.prepare("SELECT * FROM old_scene").all() as {
    key: string;
    epoch: number;
    quarantine: string | null;
  }[]) {
    const seq = (newest.get(key, epoch) as { seq: number | null }).seq ?? 0;
    const { count: clients } = clientsOf.get(key) as { count: number };
    head.run(key, epoch, seq, clients, headCrc(key, { epoch, seq, clients }), quarantine);
  }
  for (const name of old) db.exec(`DROP TABLE old_${name}`);
}

/** What SQLite threw, as one of the contract's codes (https://www.sqlite.org/rescode.html). */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreFault) return { code: error.code, sentence: error.message };
  const code = typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  const text = error instanceof Error ? error.message : String(error);
  if (code === 13) return { code: "full", sentence: "The disk is full; edits cannot be saved until there is space." };
  if (code === 5 || code === 6) return { code: "locked", sentence: "Another process has the store's file open; stop it first." };
  if (code === 8) return { code: "io", sentence: "The store's file may not be written by this user." };
  if (code === 14) return { code: "io", sentence: "The store's file cannot be opened; it must be a file in a folder this user may write to." };
  if (code === 11 || code === 26) return { code: "corrupt", sentence: `The store's file is damaged (${text}); restore it from a backup.` };
  return { code: "io", sentence: `The store cannot write (${text}).` };
}
