/**
 * What an operator can do about a quarantined scene in a SQLite file when there is no backup: keep what is readable, and know what is not.
 * The server must be stopped; the file's lock sees to that.
 *
 * [SR1] `salvage` keeps the newest sound snapshot and the records behind it up to the first damaged one, and only if they make a document.
 * [SR2] Nothing is deleted: what is taken out of the log is in the table `cut`.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { AckedMark } from "./acked-mark.ts";
import { fold } from "./compaction.ts";
import { badRow, type Head, headCrc, RETENTION, sceneKey } from "./records.ts";
import { isSound, unpackSnapshot } from "./snapshot-bytes.ts";
import { openSqliteFile, storeError } from "./sqlite-file.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { SqliteSnapshots } from "./sqlite-snapshots.ts";

export type Salvaged = { readonly kept: number; readonly lost: number };

/** The state of a scene, in a sentence. */
export function checkScene(file: string, scene: string): string {
  try {
    const log = new SqliteLog(file);
    const loaded = log.load(scene);
    log.close();
    return loaded.ok ? `The scene is sound: ${loaded.value.seq} records.` : loaded.error.sentence;
  } catch (error) {
    return storeError(error).sentence;
  }
}

export function salvage(file: string, scene: string): Result<Salvaged, string> {
  const key = sceneKey(scene);
  const db = openSqliteFile(file);
  const mark = new AckedMark(`${file}-acked`);
  try {
    const head = db.prepare("SELECT epoch, seq, clients, crc FROM scene WHERE key = ?").get(key) as Head | undefined;
    if (head === undefined) return err("The file has no entry for this scene.");
    const { epoch } = head;
    const snapshots = new SqliteSnapshots(db, RETENTION);
    const sound = [...snapshots.stored(key, epoch)].find(({ bytes, sha256: hash }) => bytes !== undefined && isSound({ bytes, sha256: hash }));
    const from = sound?.seq ?? 0;
    const rows = snapshots.records(key, epoch, { after: from, last: Number.MAX_SAFE_INTEGER, limit: -1 });
    const seq = (badRow(key, epoch, rows, from + 1) ?? from + rows.length + 1) - 1;
    const good = rows.slice(0, seq - from).map(({ bytes }) => bytes);
    const folded = fold(sound?.bytes === undefined ? undefined : unpackSnapshot({ bytes: sound.bytes, sha256: sound.sha256 }), good);
    if (!folded.ok) return err(`What is readable makes no document (${folded.error}); restore the scene from a backup.`);
    const { clients } = db.prepare("SELECT count(*) AS clients FROM client WHERE scene = ?").get(key) as { clients: number };
    db.exec("BEGIN IMMEDIATE");
    db.prepare("INSERT INTO cut SELECT scene, epoch, seq, bytes, atMs FROM log WHERE scene = ? AND epoch = ? AND seq > ?").run(key, epoch, seq);
    for (const table of ["log", "snapshot", "chunk"])
      db.prepare(`DELETE FROM ${table} WHERE scene = ? AND epoch = ? AND seq > ?`).run(key, epoch, seq);
    db.prepare("UPDATE scene SET seq = ?, clients = ?, crc = ?, quarantine = NULL WHERE key = ?").run(
      seq,
      clients,
      headCrc(key, { epoch, seq, clients }),
      key,
    );
    db.exec("COMMIT");
    const promised = Math.max(head.seq, mark.known(key)?.seq ?? 0);
    mark.set(key, epoch, seq);
    return ok({ kept: seq, lost: Math.max(0, promised - seq) });
  } catch (error) {
    return err(storeError(error).sentence);
  } finally {
    db.close();
    mark.close();
  }
}
