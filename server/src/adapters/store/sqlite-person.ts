/**
 * Takes a person out of the SQLite file (store-admin.ts, [SA3] to [SA5]).
 *
 * [SX1] Records are renamed in pages, each a transaction, with appends in between; a record that failed its check keeps failing it.
 * [SX2] Then the file is written anew (VACUUM) and the write-ahead log emptied: what SQLite left in free pages, and in the free space of pages,
 *       goes with it. That needs as much free space on the disk as the file takes, and holds up commits while it lasts.
 * [SX3] Copies of a damaged write-ahead log beside the file (wal-file.ts) may be all that is left of somebody's work: they are named, not touched.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { err, ok, type Result } from "@copresence/shared/base";
import { crashPoint } from "./crash-point.ts";
import { mentions, rulesNaming, withoutPerson } from "./person-notes.ts";
import { assemble, type LogRow, type Note, noteCrc, recordCrc } from "./records.ts";
import { unpackSnapshot } from "./snapshot-bytes.ts";
import { storeError } from "./sqlite-file.ts";
import type { SqliteLog } from "./sqlite-log.ts";
import { type AdminError, ERASE_PAGE, type Erased, strangeNote } from "./store-admin.ts";

export type EraseOptions = {
  readonly log: SqliteLog;
  readonly file: string;
  readonly user: string;
  readonly alias: string;
  /** Lets other requests have their turn. */
  readonly turn: () => Promise<void>;
};
type Place = { readonly scene: string; readonly epoch: number; readonly seq: number };
type Row = LogRow & Place;

export async function erasePerson({ log, file, user, alias, turn }: EraseOptions): Promise<Result<Erased, AdminError>> {
  const { db } = log;
  const scenes = new Set<string>();
  const left: string[] = [];
  let [records, clients, rules] = [0, 0, 0];
  try {
    db.exec("PRAGMA secure_delete = ON");
    for (let after: Place = { scene: "", epoch: 0, seq: 0 }; ;) {
      const rows = pageOf(log, user, after);
      if (rows.length === 0) break;
      inTransaction(log, () => rename(log, rows, alias));
      for (const { scene } of rows) scenes.add(scene);
      records += rows.length;
      after = rows.at(-1) as Row;
      await turn();
    }
    inTransaction(log, () => {
      for (const { scene } of db.prepare("SELECT scene FROM client WHERE user = ?").all(user) as { scene: string }[]) scenes.add(scene);
      clients = Number(db.prepare("UPDATE client SET user = ? WHERE user = ?").run(alias, user).changes);
      for (const note of db.prepare("SELECT scene, key, bytes, crc FROM note").all() as (Note & { scene: string })[]) {
        if (!mentions(note.bytes, user)) continue;
        const [gone, bytes] = [rulesNaming(note.key, note.bytes, user), withoutPerson(note.key, note.bytes, user)];
        if (gone === undefined || bytes === undefined) left.push(strangeNote(note.key));
        else if (gone.length > 0) {
          const sound = note.crc === noteCrc(note.scene, note.key, note.bytes);
          const crc = noteCrc(note.scene, note.key, bytes);
          db.prepare("UPDATE note SET bytes = ?, crc = ? WHERE scene = ? AND key = ?").run(bytes, sound ? crc : crc ^ 1, note.scene, note.key);
          scenes.add(note.scene);
          rules += gone.length;
        }
      }
    });
    await turn();
    crashPoint("erase.vacuum");
    db.exec("VACUUM");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    left.push(...damagedCopies(file, user));
    return ok({ scenes: scenes.size, records, clients, rules, mentions: mentionsIn(log, user), left });
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    const fault = storeError(error);
    return err(
      fault.code === "full"
        ? { code: "full", sentence: "The disk has no space for a second copy of the store's file; make some, and erase again." }
        : fault,
    );
  } finally {
    db.exec("PRAGMA secure_delete = OFF");
  }
}

function pageOf({ db }: SqliteLog, user: string, { scene, epoch, seq }: Place): Row[] {
  return db
    .prepare(
      `SELECT scene, epoch, seq, user, client, clock, atMs, total, bytes, crc FROM log
        WHERE (scene, epoch, seq) > (?, ?, ?) AND user = ? ORDER BY scene, epoch, seq LIMIT ?`,
    )
    .all(scene, epoch, seq, user, ERASE_PAGE) as Row[];
}

function rename({ db }: SqliteLog, rows: readonly Row[], alias: string): void {
  const update = db.prepare("UPDATE log SET user = ?, crc = ? WHERE scene = ? AND epoch = ? AND seq = ?");
  for (const row of rows) {
    const { scene, epoch, seq } = row;
    const crc = recordCrc(scene, epoch, { ...row, user: alias });
    update.run(alias, row.crc === recordCrc(scene, epoch, row) ? crc : crc ^ 1, scene, epoch, seq);
  }
}

function inTransaction({ db }: SqliteLog, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  work();
  crashPoint("erase.page");
  db.exec("COMMIT");
}

/** [SA5] */
function mentionsIn(log: SqliteLog, user: string): number {
  const { db } = log;
  const columns = [
    ["log", "bytes"],
    ["cut", "bytes"],
    ["note", "bytes"],
    ["meta", "value"],
  ] as const;
  const count = (table: string, column: string): number =>
    (db.prepare(`SELECT count(*) AS n FROM ${table} WHERE instr(${column}, ?) > 0`).get(Buffer.from(user)) as { n: number }).n;
  return columns.reduce((sum, [table, column]) => sum + count(table, column), 0) + mentioningSnapshots(log, user);
}

/** Snapshots are deflated: they have to be opened. */
function mentioningSnapshots({ db, snapshots }: SqliteLog, user: string): number {
  type Row = { readonly scene: string; readonly epoch: number; readonly seq: number; readonly size: number; readonly sha256: string };
  const rows = db.prepare("SELECT scene, epoch, seq, size, sha256 FROM snapshot").all() as Row[];
  return rows.filter(({ scene, epoch, seq, size, sha256 }) => {
    const bytes = assemble(size, [...snapshots.pieces(scene, epoch, seq)]);
    const state = bytes === undefined ? undefined : unpackSnapshot({ bytes, sha256 });
    return state !== undefined && mentions(state, user);
  }).length;
}

/** [SX3] */
function damagedCopies(file: string, user: string): string[] {
  const folder = dirname(file);
  const copies = readdirSync(folder).filter((name) => name.startsWith(`${basename(file)}-wal.damaged`));
  return copies
    .filter((name) => readFileSync(join(folder, name)).includes(user))
    .map((name) => `${name} was kept as it was found, and has them in it: restore or salvage what is quarantined, then delete it.`);
}
