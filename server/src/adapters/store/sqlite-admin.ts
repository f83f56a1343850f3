/** Scenes of the SQLite file as files, and what it keeps about a person (store-admin.ts); erasing is in sqlite-person.ts. */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { rulesNaming } from "./person-notes.ts";
import { copyOf, pastOfPerson } from "./person-past.ts";
import {
  assemble,
  badRow,
  CHUNK_BYTES,
  corrupt,
  type Head,
  headCrc,
  type LogRow,
  nameKey,
  type Note,
  noteCrc,
  type Owner,
  recordCrc,
  sceneKey,
  sha256,
} from "./records.ts";
import { type AdminError, baseSeq, occupied, openHere, type PersonInScene, type SceneContent, unknownScene } from "./store-admin.ts";
import { endedPasts } from "./sqlite-history.ts";
import { unpackSnapshot } from "./snapshot-bytes.ts";
import { storeError } from "./sqlite-file.ts";
import type { SqliteLog } from "./sqlite-log.ts";

type HeadRow = Head & { readonly quarantine: string | null };
type Read = { readonly head: HeadRow; readonly content: SceneContent };

/** Everything the newest epoch of a scene has, checked. Cost: one hash over all of it. */
export function exportScene(log: SqliteLog, scene: string): Result<SceneContent, AdminError> {
  try {
    const read = readScene(log, sceneKey(scene));
    return read.ok ? ok(read.value.content) : read;
  } catch (error) {
    return err(storeError(error));
  }
}

function readScene({ db, snapshots }: SqliteLog, key: string): Result<Read, AdminError> {
  const head = db.prepare("SELECT epoch, seq, clients, crc, quarantine FROM scene WHERE key = ?").get(key) as HeadRow | undefined;
  if (head === undefined) return err(unknownScene);
  if (head.quarantine !== null) return err({ code: "corrupt", sentence: head.quarantine });
  const { epoch, seq: last } = head;
  const owners = db.prepare("SELECT client, user FROM client WHERE scene = ?").all(key) as Owner[];
  const notes = db.prepare("SELECT key, bytes, crc FROM note WHERE scene = ?").all(key) as Note[];
  if (head.crc !== headCrc(key, head) || owners.length !== head.clients || notes.some((note) => note.crc !== noteCrc(key, note.key, note.bytes)))
    return corrupt("The scene's entry is damaged.");
  let after = Math.min(snapshots.firstRecord(key, epoch) - 1, last);
  let base: Uint8Array | undefined;
  if (after > 0) {
    const start = snapshots.oldest(key, epoch, after);
    const bytes = start === undefined ? undefined : assemble(start.size, [...snapshots.pieces(key, epoch, start.seq)]);
    base = start === undefined || bytes === undefined ? undefined : unpackSnapshot({ bytes, sha256: start.sha256 });
    if (start === undefined || base === undefined || start.seq > last) return corrupt("The beginning of the scene's history is lost.");
    after = start.seq;
  }
  const rows: LogRow[] = snapshots.records(key, epoch, { after, last, limit: last - after });
  if (rows.length !== last - after || badRow(key, epoch, rows, after + 1) !== undefined) return corrupt("A record of the scene's log is damaged.");
  const records = rows.map(({ user, client, clock, atMs, bytes }) => ({ user, client, clock, atMs, bytes }));
  return ok({ head, content: { base, records, owners, notes: new Map(notes.map((note) => [note.key, note.bytes])) } });
}

export type ImportOptions = {
  readonly log: SqliteLog;
  readonly compactor: Compactor;
  readonly scene: string;
  readonly content: SceneContent;
  readonly replace: boolean;
};

export async function importScene({
  log,
  compactor,
  scene,
  content,
  replace,
}: ImportOptions): Promise<Result<{ readonly epoch: number }, AdminError>> {
  const folded = await compactor.fold(copyOf(content));
  if (!folded.ok) return err({ code: "corrupt", sentence: `The scene was not imported: ${folded.error}.` });
  try {
    return write(log, scene, content, replace);
  } catch (error) {
    if (log.db.isTransaction) log.db.exec("ROLLBACK");
    return err(storeError(error));
  }
}

function write(log: SqliteLog, scene: string, content: SceneContent, replace: boolean): Result<{ readonly epoch: number }, AdminError> {
  const { db, mark } = log;
  const key = sceneKey(scene);
  if (log.holds(scene)) return err(openHere);
  db.exec("BEGIN IMMEDIATE");
  const there = db.prepare("SELECT epoch, seq, quarantine FROM scene WHERE key = ?").get(key) as HeadRow | undefined;
  const before = Math.max(there?.epoch ?? 0, mark.known(key)?.epoch ?? 0);
  const empty = there === undefined ? before === 0 : there.seq === 0 && there.quarantine === null;
  if (!empty && !replace) {
    db.exec("ROLLBACK");
    return err(occupied);
  }
  const epoch = before + 1;
  for (const table of ["log", "snapshot", "chunk", "client", "note"]) db.prepare(`DELETE FROM ${table} WHERE scene = ?`).run(key);
  const { base, records, owners, notes } = content;
  let seq = baseSeq(content);
  let total = 0;
  if (base !== undefined) {
    db.prepare("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?)").run(key, epoch, seq, base.length, sha256(base), records[0]?.atMs ?? Date.now());
    const chunk = db.prepare("INSERT INTO chunk VALUES (?, ?, ?, ?, ?)");
    for (let part = 0; part * CHUNK_BYTES < base.length; part++)
      chunk.run(key, epoch, seq, part, base.subarray(part * CHUNK_BYTES, (part + 1) * CHUNK_BYTES));
  }
  const insert = db.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const { user, client, clock, atMs, bytes } of records) {
    total += bytes.length;
    const row = { seq: ++seq, user, client, clock, atMs, total, bytes };
    insert.run(key, epoch, seq, user, client, clock, atMs, total, bytes, recordCrc(key, epoch, row));
  }
  for (const { client, user } of owners) db.prepare("INSERT INTO client VALUES (?, ?, ?)").run(key, client, user);
  for (const [name, bytes] of notes) db.prepare("INSERT INTO note VALUES (?, ?, ?, ?)").run(key, name, bytes, noteCrc(key, name, bytes));
  const clients = owners.length;
  db.prepare("INSERT OR REPLACE INTO scene VALUES (?, ?, ?, ?, ?, NULL)").run(key, epoch, seq, clients, headCrc(key, { epoch, seq, clients }));
  db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(nameKey(key), Buffer.from(scene));
  crashPoint("import.commit");
  db.exec("COMMIT");
  mark.set(key, epoch, seq);
  return ok({ epoch });
}

export type PersonOptions = { readonly log: SqliteLog; readonly compactor: Compactor; readonly user: string; readonly turn: () => Promise<void> };

export async function exportPerson({ log, compactor, user, turn }: PersonOptions): Promise<Result<readonly PersonInScene[], AdminError>> {
  const { db } = log;
  try {
    const found: PersonInScene[] = [];
    const notes = db.prepare("SELECT scene, key, bytes FROM note").all() as { scene: string; key: string; bytes: Uint8Array }[];
    const rulesIn = (scene: string) => notes.flatMap((note) => (note.scene === scene ? (rulesNaming(note.key, note.bytes, user) ?? []) : []));
    const keys = db.prepare("SELECT DISTINCT scene FROM (SELECT scene FROM log WHERE user = ?1 UNION ALL SELECT scene FROM client WHERE user = ?1)");
    const named = (keys.all(user) as { scene: string }[]).map(({ scene }) => scene);
    const ruled = notes.filter(({ key, bytes }) => (rulesNaming(key, bytes, user) ?? []).length > 0).map(({ scene }) => scene);
    for (const key of [...new Set([...named, ...ruled])].sort()) {
      await turn();
      const clients = db.prepare("SELECT client FROM client WHERE scene = ? AND user = ?").all(key, user) as { client: number }[];
      const name = db.prepare("SELECT value FROM meta WHERE key = ?").get(nameKey(key)) as { value: Uint8Array } | undefined;
      const read = readScene(log, key);
      const ended = read.ok ? endedPasts(log, key, read.value.head.epoch) : [];
      const past = await pastOfPerson(compactor, read.ok ? ok(read.value.content) : read, user, ended);
      found.push({
        scene: name === undefined ? "" : Buffer.from(name.value).toString(),
        key,
        clients: clients.map(({ client }) => client),
        rules: rulesIn(key),
        ...past,
      });
    }
    return ok(found);
  } catch (error) {
    return err(storeError(error));
  }
}
