/**
 * The scenes of one SQLite file, synchronously; runs in the store's worker thread (sqlite-worker.ts).
 *
 * [SL1] One transaction for many appends; when it returns ok, the records are on the disk (sqlite-file.ts, [SF1]).
 * [SL2] Head, records and authors of a scene change together and check each other (records.ts), and what was acknowledged is marked beside
 *       the file (acked-mark.ts): less than that is never taken for the whole.
 * [SL3] Nothing unreadable is ever deleted: a damaged scene is marked and stays closed until a person acts.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { err, ok, type Result } from "@copresence/shared/base";
import type { AppendRecord } from "../../core/types.ts";
import { AckedMark } from "./acked-mark.ts";
import { crashPoint } from "./crash-point.ts";
import {
  corrupt,
  type Head,
  headCrc,
  judge,
  type LogRow,
  notOpen,
  type Owner,
  recordCrc,
  RETENTION,
  type Retention,
  nameKey,
  sceneKey,
  type Note,
  noteCrc,
} from "./records.ts";
import type { LoadedScene, SceneNote, StoreError } from "./scene-store.ts";
import { openSqliteFile, storeError } from "./sqlite-file.ts";
import { SqliteSnapshots } from "./sqlite-snapshots.ts";
import { mendWal } from "./wal-file.ts";

/** What a probe writes: as much as the largest edit, so that a disk with room for a few bytes does not count as working. */
const PROBE_BYTES = 65_536;
/** Written since the last checkpoint; every commit rewrites about this many pages on top of its records. */
export const CHECKPOINT_BYTES = 8 << 20;
const COMMIT_PAGES_BYTES = 3 * 4096;

/** A scene this process holds. `total`: see LogRow. */
export type Held = { readonly epoch: number; seq: number; clients: number; total: number };
export type SceneAppend = { readonly scene: string; readonly epoch: number; readonly records: readonly AppendRecord[] };

export class SqliteLog {
  readonly snapshots: SqliteSnapshots;
  /** For what is no room's business (sqlite-admin.ts, sqlite-person.ts). */
  readonly db: DatabaseSync;
  readonly mark: AckedMark;
  private readonly held = new Map<string, Held>();
  /** ClientIDs that the table is known to name, by scene: each record would ask it again. */
  private readonly named = new Map<string, Set<number>>();
  private readonly insert: StatementSync;
  private readonly claim: StatementSync;
  private readonly setHead: StatementSync;
  private readonly begin: StatementSync;
  private readonly commit: StatementSync;
  private sinceCheckpoint = 0;

  /** `notice` is told, in sentences, what was found and repaired. Throws what `storeError` makes a sentence of. */
  constructor(file: string, notice: (sentence: string) => void = () => undefined, retention: Retention = RETENTION) {
    mendWal(file, notice);
    this.db = openSqliteFile(file);
    this.mark = new AckedMark(`${file}-acked`);
    this.snapshots = new SqliteSnapshots(this.db, retention);
    this.insert = this.db.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.claim = this.db.prepare("INSERT OR IGNORE INTO client (scene, client, user) VALUES (?, ?, ?)");
    this.setHead = this.db.prepare("UPDATE scene SET seq = ?, clients = ?, crc = ? WHERE key = ? AND epoch = ?");
    this.begin = this.db.prepare("BEGIN IMMEDIATE");
    this.commit = this.db.prepare("COMMIT");
    crashPoint("start.opened");
  }

  /** Loads or creates a scene. */
  load(scene: string): Result<LoadedScene, StoreError> {
    const key = sceneKey(scene);
    let loaded: Result<LoadedScene, StoreError>;
    try {
      const head = this.db.prepare("SELECT epoch, seq, clients, crc, quarantine FROM scene WHERE key = ?").get(key) as
        | (Head & { quarantine: string | null })
        | undefined;
      this.keepName(key, scene);
      if (head === undefined) return this.create(key);
      if (head.quarantine !== null) return err({ code: "corrupt", sentence: head.quarantine });
      loaded = this.read(key, head);
      if (loaded.ok) {
        this.held.set(key, { epoch: head.epoch, seq: head.seq, clients: head.clients, total: this.lastTotal(key, head.epoch) });
        crashPoint("start.loaded");
        return loaded;
      }
    } catch (error) {
      const fault = storeError(error);
      if (fault.code !== "corrupt") return err(fault);
      loaded = corrupt("Its part of the store's file is damaged.");
    }
    this.quarantine(key, loaded.error.sentence);
    return loaded;
  }

  /** As `commitAppends`, and marked. */
  append(appends: readonly SceneAppend[], nowMs: number): Result<Result<{ readonly seq: number }, StoreError>[], StoreError> {
    const results = this.commitAppends(appends, nowMs);
    if (results.ok) this.markAppended(appends);
    return results;
  }

  /**
   * One transaction for many appends. The outer error is the disk's and concerns all; an inner one concerns one scene only. When this
   * returns ok, the records are on the disk, and `markAppended` is to follow.
   */
  commitAppends(appends: readonly SceneAppend[], nowMs: number): Result<Result<{ readonly seq: number }, StoreError>[], StoreError> {
    const before = new Map<Held, Held>();
    for (const { scene } of appends) {
      const held = this.held.get(sceneKey(scene));
      if (held !== undefined) before.set(held, { ...held });
    }
    try {
      crashPoint("append.begin");
      this.begin.run();
      const results = appends.map((append) => this.appendOne(append, nowMs));
      crashPoint("append.inserted");
      crashPoint("append.fsync");
      this.commit.run();
      crashPoint("append.committed");
      return ok(results);
    } catch (error) {
      this.rollback();
      this.named.clear();
      for (const [held, was] of before) Object.assign(held, was);
      return err(storeError(error));
    }
  }

  /** Notes how far scenes are durable; the answers need not wait for it (acked-mark.ts, [AM1]). */
  markAppended(appends: readonly SceneAppend[]): void {
    for (const { scene, epoch } of appends) this.acknowledge(sceneKey(scene), epoch);
  }

  heldAt(scene: string, epoch: number): Held | undefined {
    const held = this.held.get(sceneKey(scene));
    return held?.epoch === epoch ? held : undefined;
  }

  holds(scene: string): boolean {
    return this.held.has(sceneKey(scene));
  }

  release(scene: string): void {
    this.held.delete(sceneKey(scene));
    this.named.delete(sceneKey(scene));
  }

  /** Replaces a note; on the disk when this returns ok. */
  note(scene: string, key: string, value: Uint8Array): Result<void, StoreError> {
    const at = sceneKey(scene);
    if (!this.held.has(at)) return notOpen;
    try {
      this.writeNote(at, key, value);
      return ok(undefined);
    } catch (error) {
      this.rollback();
      return err(storeError(error));
    }
  }

  /** Takes away records of an epoch that never came to be in charge. */
  clearAfter(key: string, epoch: number): void {
    this.db.prepare("DELETE FROM log WHERE scene = ? AND epoch > ?").run(key, epoch);
  }

  /** Writes records of an epoch that is not in charge yet; `next` counts them. Throws what SQLite throws. */
  prepareRecords(key: string, next: Held, records: readonly AppendRecord[], nowMs: number): void {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      for (const record of records) this.insertRecord(key, next.epoch, next, record, nowMs);
      this.db.exec("COMMIT");
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Puts an epoch whose records are there in charge, with no authors yet. Throws what SQLite throws; nothing has changed then. */
  beginEpoch(scene: string, next: Held, { key: name, value }: SceneNote): void {
    const key = sceneKey(scene);
    const { epoch, seq } = next;
    this.db.exec("BEGIN IMMEDIATE");
    try {
      this.db.prepare("DELETE FROM client WHERE scene = ?").run(key);
      this.writeNote(key, name, value);
      this.db
        .prepare("UPDATE scene SET epoch = ?, seq = ?, clients = 0, crc = ? WHERE key = ?")
        .run(epoch, seq, headCrc(key, { epoch, seq, clients: 0 }), key);
      crashPoint("reroot.fsync");
      this.db.exec("COMMIT");
      crashPoint("reroot.committed");
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.held.set(key, next);
    this.named.delete(key);
    this.acknowledge(key, epoch);
  }

  /** Writes a value, commits it and reads it back. */
  probe(nowMs: number): Result<void, StoreError> {
    try {
      const written = Buffer.alloc(PROBE_BYTES, String(nowMs));
      this.db.prepare("INSERT OR REPLACE INTO meta VALUES ('probe', ?)").run(written);
      const row = this.db.prepare("SELECT value FROM meta WHERE key = 'probe'").get() as { value: Uint8Array } | undefined;
      const same = row !== undefined && written.equals(row.value);
      this.db.prepare("DELETE FROM meta WHERE key = 'probe'").run();
      return same ? ok(undefined) : err({ code: "io", sentence: "The store does not return what was written to it." });
    } catch (error) {
      this.rollback();
      return err(storeError(error));
    }
  }

  /** Whether enough was written that the write-ahead log should be folded into the file. */
  get checkpointDue(): boolean {
    return this.sinceCheckpoint + this.snapshots.written >= CHECKPOINT_BYTES;
  }

  /** Moves the write-ahead log into the file; what fails here fails again, and is found, at the next commit. */
  checkpoint(): void {
    this.sinceCheckpoint = 0;
    this.snapshots.written = 0;
    try {
      crashPoint("checkpoint.begin");
      crashPoint("checkpoint.fsync");
      this.db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // Nothing was lost: the log is still there, and the next checkpoint tries again.
    }
  }

  close(): void {
    this.db.close();
    this.mark.close();
  }

  /** So that operators read names and not hashes; a disk that cannot take it has bigger trouble, and says so elsewhere. */
  private keepName(key: string, scene: string): void {
    try {
      if (this.db.prepare("SELECT 1 FROM meta WHERE key = ?").get(nameKey(key)) === undefined)
        this.db.prepare("INSERT INTO meta VALUES (?, ?)").run(nameKey(key), Buffer.from(scene));
    } catch {
      // As above.
    }
  }

  private create(key: string): Result<LoadedScene, StoreError> {
    const left = ["log", "snapshot", "client", "note"].find(
      (table) => this.db.prepare(`SELECT 1 FROM ${table} WHERE scene = ? LIMIT 1`).get(key) !== undefined,
    );
    if (left !== undefined || this.mark.known(key) !== undefined) return corrupt("The scene's entry is lost, while other parts of it are there.");
    const head = { epoch: 1, seq: 0, clients: 0 };
    this.db.prepare("INSERT INTO scene (key, epoch, seq, clients, crc) VALUES (?, 1, 0, 0, ?)").run(key, headCrc(key, head));
    this.mark.set(key, 1, 0);
    this.held.set(key, { ...head, total: 0 });
    return ok({ epoch: 1, seq: 0, snapshot: undefined, updates: [], cutRecords: 0, owners: new Map(), notes: new Map() });
  }

  private read(key: string, head: Head): Result<LoadedScene, StoreError> {
    const known = this.mark.known(key);
    if (known !== undefined && (known.epoch > head.epoch || (known.epoch === head.epoch && known.seq > head.seq)))
      return corrupt(`The scene was acknowledged up to record ${known.seq}, but the file ends at record ${head.seq}.`);
    const owners = this.db.prepare("SELECT client, user FROM client WHERE scene = ?").all(key) as Owner[];
    crashPoint("start.read");
    return judge({
      key,
      head,
      snapshots: this.snapshots.stored(key, head.epoch),
      logAfter: (seq) =>
        this.db
          .prepare("SELECT seq, user, client, clock, atMs, total, bytes, crc FROM log WHERE scene = ? AND epoch = ? AND seq > ? ORDER BY seq")
          .all(key, head.epoch, seq) as LogRow[],
      owners,
      notes: this.db.prepare("SELECT key, bytes, crc FROM note WHERE scene = ?").all(key) as Note[],
    });
  }

  private lastTotal(key: string, epoch: number): number {
    const row = this.db.prepare("SELECT total FROM log WHERE scene = ? AND epoch = ? ORDER BY seq DESC LIMIT 1").get(key, epoch);
    return (row as { total: number } | undefined)?.total ?? 0;
  }

  private quarantine(key: string, sentence: string): void {
    try {
      this.db.prepare("UPDATE scene SET quarantine = ? WHERE key = ?").run(sentence, key);
    } catch {
      // The damage that was found once is found again at the next load.
    }
  }

  private appendOne({ scene, epoch, records }: SceneAppend, nowMs: number): Result<{ readonly seq: number }, StoreError> {
    const key = sceneKey(scene);
    const held = this.held.get(key);
    if (held?.epoch !== epoch) return notOpen;
    for (const { user, client, clock, update } of records) {
      this.insertRecord(key, epoch, held, { user, client, clock, update }, nowMs);
      if (client !== 0) this.name(key, held, client, user);
    }
    const { seq, clients } = held;
    this.setHead.run(seq, clients, headCrc(key, { epoch, seq, clients }), key, epoch);
    this.sinceCheckpoint += COMMIT_PAGES_BYTES;
    return ok({ seq });
  }

  private name(key: string, held: Held, client: number, user: string): void {
    let named = this.named.get(key);
    if (named === undefined) this.named.set(key, (named = new Set()));
    if (named.has(client)) return;
    held.clients += Number(this.claim.run(key, client, user).changes);
    named.add(client);
  }

  private insertRecord(key: string, epoch: number, counts: Held, { user, client, clock, update }: AppendRecord, nowMs: number): void {
    const seq = ++counts.seq;
    counts.total += update.length;
    this.sinceCheckpoint += update.length;
    const crc = recordCrc(key, epoch, { seq, user, client, clock, atMs: nowMs, total: counts.total, bytes: update });
    this.insert.run(key, epoch, seq, user, client, clock, nowMs, counts.total, update, crc);
  }

  private writeNote(at: string, key: string, value: Uint8Array): void {
    this.db.prepare("INSERT OR REPLACE INTO note (scene, key, bytes, crc) VALUES (?, ?, ?, ?)").run(at, key, value, noteCrc(at, key, value));
    this.sinceCheckpoint += COMMIT_PAGES_BYTES + value.length;
  }

  /** The mark is one more witness, not a condition of durability: a disk that cannot take it has taken the records. */
  private acknowledge(key: string, epoch: number): void {
    const held = this.held.get(key);
    if (held?.epoch !== epoch) return;
    try {
      this.mark.set(key, epoch, held.seq);
    } catch {
      // As above.
    }
  }

  private rollback(): void {
    if (this.db.isTransaction) this.db.exec("ROLLBACK");
  }
}
