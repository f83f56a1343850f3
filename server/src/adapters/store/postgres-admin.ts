/**
 * Scenes in PostgreSQL as files, and what it keeps about a person (store-admin.ts).
 *
 * [PA1] Renaming goes page by page, each in a transaction that holds the scene's row: an append of ours waits for it and goes on, because term and
 *       number are as it left them. A scene that another living server has open is left alone and named: that server knows the person by
 *       heart, and would write them again; it must be asked itself.
 * [PA2] What PostgreSQL keeps for itself (dead rows until VACUUM, its write-ahead log, archives, replicas' backups) is not ours to rewrite. VACUUM
 *       is asked for; server/OPERATIONS.md says the rest.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { mentions, rulesNaming, withoutPerson } from "./person-notes.ts";
import { copyOf, pastOfPerson } from "./person-past.ts";
import type { PostgresHistory } from "./postgres-history.ts";
import { postgresError } from "./postgres-error.ts";
import { ALIVE } from "./postgres-log.ts";
import { ROW, type SnapshotRow } from "./postgres-snapshots.ts";
import { unpackSnapshot } from "./snapshot-bytes.ts";
import { badRow, corrupt, type Head, headCrc, type LogRow, nameKey, type Note, noteCrc, type Owner, recordCrc, sceneKey, sha256 } from "./records.ts";
import {
  type AdminError,
  baseSeq,
  ERASE_PAGE,
  type Erased,
  occupied,
  openHere,
  type PersonInScene,
  type SceneContent,
  strangeNote,
  unknownScene,
} from "./store-admin.ts";

type HeadRow = Head & { readonly quarantine: string | null; readonly holder: string | null; readonly alive: boolean };
type Place = { readonly scene: string; readonly epoch: number; readonly seq: number };
const HEAD = `SELECT epoch, seq::float8 AS seq, clients, crc::float8 AS crc, quarantine, holder, ${ALIVE} AS alive FROM copresence.scene AS s WHERE key = $1`;
const IMPORT_PAGE = 500;
/** Of a reader: all it sees is from one moment. A writer waits for the scene's row, and must see what is there when it has it. */
const ONE_MOMENT = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

export type PostgresAdminOptions = { readonly pool: Pool; readonly holder: string; readonly compactor: Compactor; readonly history: PostgresHistory };

export class PostgresAdmin {
  private readonly options: PostgresAdminOptions;

  constructor(options: PostgresAdminOptions) {
    this.options = options;
  }

  async exportScene(scene: string): Promise<Result<SceneContent, AdminError>> {
    return this.guarded((client) => readScene(client, sceneKey(scene)), ONE_MOMENT);
  }

  async importScene(scene: string, content: SceneContent, replace: boolean): Promise<Result<{ readonly epoch: number }, AdminError>> {
    const folded = await this.options.compactor.fold(copyOf(content));
    if (!folded.ok) return err({ code: "corrupt", sentence: `The scene was not imported: ${folded.error}.` });
    return this.guarded((client) => write(client, scene, content, replace));
  }

  async exportPerson(user: string): Promise<Result<readonly PersonInScene[], AdminError>> {
    const { compactor } = this.options;
    try {
      const found: PersonInScene[] = [];
      for (const key of await this.scenesOf(user)) {
        const query = async <T extends object>(sql: string, values: unknown[]) => (await this.options.pool.query<T>(sql, values)).rows;
        const clients = await query<{ client: number }>("SELECT client::float8 AS client FROM copresence.client WHERE scene = $1 AND author = $2", [
          key,
          user,
        ]);
        const notes = await query<Note>("SELECT key, bytes, crc::float8 AS crc FROM copresence.note WHERE scene = $1", [key]);
        const [name] = await query<{ value: Buffer }>("SELECT value FROM copresence.meta WHERE key = $1", [nameKey(key)]);
        const content = await this.guarded((client) => readScene(client, key), ONE_MOMENT);
        const past = await pastOfPerson(compactor, content, user, await this.options.history.endedPasts(key));
        const rules = notes.flatMap((note) => rulesNaming(note.key, note.bytes, user) ?? []);
        found.push({ scene: name?.value.toString() ?? "", key, clients: clients.map((row) => row.client), rules, ...past });
      }
      return ok(found);
    } catch (error) {
      return err(postgresError(error));
    }
  }

  async erasePerson(user: string, alias: string): Promise<Result<Erased, AdminError>> {
    const { pool } = this.options;
    let [records, clients, rules] = [0, 0, 0];
    const left: string[] = [];
    const touched = new Set<string>();
    try {
      for (const key of await this.scenesOf(user)) {
        for (let after: Place | undefined = { scene: key, epoch: 0, seq: 0 }; after !== undefined;) {
          const page: Result<Place | undefined, AdminError> = await this.guarded(async (client) => {
            const ours = await this.mayWrite(client, key);
            if (!ours.ok) return ours;
            const { rows } = await client.query<LogRow & Place>(
              `SELECT scene, epoch, ${ROW} FROM copresence.log WHERE scene = $1 AND author = $2 AND (epoch, seq) > ($3, $4) ORDER BY epoch, seq LIMIT $5`,
              [key, user, after?.epoch, after?.seq, ERASE_PAGE],
            );
            await rename(client, key, rows, alias);
            records += rows.length;
            if (rows.length > 0) return ok(rows.at(-1));
            const claimed = await client.query("UPDATE copresence.client SET author = $3 WHERE scene = $1 AND author = $2", [key, user, alias]);
            clients += claimed.rowCount ?? 0;
            rules += await cleanNotes(client, key, user, left);
            crashPoint("erase.page");
            return ok(undefined);
          });
          if (!page.ok && page.error.code !== "locked") return page;
          if (!page.ok) left.push(`${await this.nameOf(key)}: ${page.error.sentence}`);
          else touched.add(key);
          after = page.ok ? page.value : undefined;
        }
      }
      crashPoint("erase.vacuum");
      for (const table of ["log", "client", "note"]) await pool.query(`VACUUM copresence.${table}`);
      return ok({ scenes: touched.size, records, clients, rules, mentions: await this.mentionsIn(user), left });
    } catch (error) {
      return err(postgresError(error));
    }
  }

  /** Keys of scenes that name a person, or may: notes are looked into later. */
  private async scenesOf(user: string): Promise<string[]> {
    const { rows } = await this.options.pool.query<{ scene: string }>(
      `SELECT scene FROM copresence.log WHERE author = $1 UNION SELECT scene FROM copresence.client WHERE author = $1
        UNION SELECT scene FROM copresence.note WHERE position($2::bytea IN bytes) > 0 ORDER BY scene`,
      [user, Buffer.from(user)],
    );
    return rows.map(({ scene }) => scene);
  }

  /** Locks the scene's row; `locked` when another living server has the scene [PA1]. */
  private async mayWrite(client: PoolClient, key: string): Promise<Result<void, AdminError>> {
    const { rows } = await client.query<HeadRow>(`${HEAD} FOR UPDATE`, [key]);
    const [head] = rows;
    if (head?.alive !== true || head.holder === this.options.holder) return ok(undefined);
    return err({ code: "locked", sentence: "another server has this scene open; ask that server too (--server), or wait until it is closed." });
  }

  private async nameOf(key: string): Promise<string> {
    const { rows } = await this.options.pool.query<{ value: Buffer }>("SELECT value FROM copresence.meta WHERE key = $1", [nameKey(key)]);
    return rows[0]?.value.toString() ?? key;
  }

  private async mentionsIn(user: string): Promise<number> {
    const { rows } = await this.options.pool.query<{ n: number }>(
      `SELECT ((SELECT count(*) FROM copresence.log WHERE position($1::bytea IN bytes) > 0)
        + (SELECT count(*) FROM copresence.note WHERE position($1::bytea IN bytes) > 0)
        + (SELECT count(*) FROM copresence.meta WHERE position($1::bytea IN value) > 0))::float8 AS n`,
      [Buffer.from(user)],
    );
    return (rows[0]?.n ?? 0) + (await this.mentioningSnapshots(user));
  }

  /** Snapshots are deflated: they have to be opened, one at a time. */
  private async mentioningSnapshots(user: string): Promise<number> {
    const { pool } = this.options;
    let count = 0;
    const { rows } = await pool.query<{ scene: string; epoch: number; seq: string }>("SELECT scene, epoch, seq FROM copresence.snapshot");
    for (const { scene, epoch, seq } of rows) {
      const at = "SELECT bytes, sha256 FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND seq = $3";
      const [row] = (await pool.query<{ bytes: Uint8Array; sha256: string }>(at, [scene, epoch, seq])).rows;
      const state = row === undefined ? undefined : unpackSnapshot(row);
      if (state !== undefined && mentions(state, user)) count++;
    }
    return count;
  }

  /** One transaction, kept only when `work` says ok. */
  private async guarded<T>(work: (client: PoolClient) => Promise<Result<T, AdminError>>, mode = ""): Promise<Result<T, AdminError>> {
    const client = await this.options.pool.connect();
    let broken = true;
    try {
      await client.query(`BEGIN ${mode}`);
      const result = await work(client);
      await client.query(result.ok ? "COMMIT" : "ROLLBACK");
      broken = false;
      return result;
    } catch (error) {
      return err(postgresError(error));
    } finally {
      client.release(broken);
    }
  }
}

async function readScene(client: PoolClient, key: string): Promise<Result<SceneContent, AdminError>> {
  const [head] = (await client.query<HeadRow>(HEAD, [key])).rows;
  if (head === undefined) return err(unknownScene);
  if (head.quarantine !== null) return err({ code: "corrupt", sentence: head.quarantine });
  const { epoch, seq: last } = head;
  const owners = (await client.query<Owner>("SELECT client::float8 AS client, author AS user FROM copresence.client WHERE scene = $1", [key])).rows;
  const notes = (await client.query<Note>("SELECT key, bytes, crc::float8 AS crc FROM copresence.note WHERE scene = $1", [key])).rows;
  if (head.crc !== headCrc(key, head) || owners.length !== head.clients || notes.some((note) => note.crc !== noteCrc(key, note.key, note.bytes)))
    return corrupt("The scene's entry is damaged.");
  const rows = (await client.query<LogRow>(`SELECT ${ROW} FROM copresence.log WHERE scene = $1 AND epoch = $2 ORDER BY seq`, [key, epoch])).rows;
  let after = Math.min((rows[0]?.seq ?? Number.MAX_SAFE_INTEGER) - 1, last);
  let base: Uint8Array | undefined;
  if (after > 0) {
    const [start] = (
      await client.query<SnapshotRow>(
        "SELECT seq::float8 AS seq, bytes, sha256 FROM copresence.snapshot WHERE scene = $1 AND epoch = $2 AND seq >= $3 ORDER BY seq LIMIT 1",
        [key, epoch, after],
      )
    ).rows;
    base = start === undefined ? undefined : unpackSnapshot({ bytes: Uint8Array.from(start.bytes), sha256: start.sha256 });
    if (start === undefined || base === undefined || start.seq > last) return corrupt("The beginning of the scene's history is lost.");
    after = start.seq;
  }
  const kept = rows.filter(({ seq }) => seq > after);
  if (kept.length !== last - after || badRow(key, epoch, kept, after + 1) !== undefined) return corrupt("A record of the scene's log is damaged.");
  const records = kept.map(({ user, client: id, clock, atMs, bytes }) => ({ user, client: id, clock, atMs, bytes: Uint8Array.from(bytes) }));
  return ok({ base, records, owners, notes: new Map(notes.map((note) => [note.key, Uint8Array.from(note.bytes)])) });
}

async function write(
  client: PoolClient,
  scene: string,
  content: SceneContent,
  replace: boolean,
): Promise<Result<{ readonly epoch: number }, AdminError>> {
  const key = sceneKey(scene);
  const fresh = headCrc(key, { epoch: 0, seq: 0, clients: 0 });
  await client.query("INSERT INTO copresence.scene (key, epoch, crc) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING", [key, fresh]);
  const [head] = (await client.query<HeadRow>(`${HEAD} FOR UPDATE`, [key])).rows;
  if (head === undefined) return err(unknownScene);
  if (head.alive) return err(openHere);
  if ((head.seq > 0 || head.quarantine !== null) && !replace) return err(occupied);
  const epoch = head.epoch + 1;
  for (const table of ["log", "snapshot", "client", "note"]) await client.query(`DELETE FROM copresence.${table} WHERE scene = $1`, [key]);
  const { base, records, owners, notes } = content;
  let seq = baseSeq(content);
  let total = 0;
  if (base !== undefined) {
    const values = [key, epoch, seq, Buffer.from(base), sha256(base), records[0]?.atMs ?? Date.now()];
    await client.query("INSERT INTO copresence.snapshot VALUES ($1, $2, $3, $4, $5, $6)", values);
  }
  const rows = records.map(({ user, client: id, clock, atMs, bytes }) => {
    total += bytes.length;
    const row = { seq: ++seq, user, client: id, clock, atMs, total, bytes };
    return { ...row, crc: recordCrc(key, epoch, row) };
  });
  for (let at = 0; at < rows.length; at += IMPORT_PAGE) await insertRows(client, key, epoch, rows.slice(at, at + IMPORT_PAGE));
  await client.query("INSERT INTO copresence.client SELECT $1, c.client, c.author FROM unnest($2::bigint[], $3::text[]) AS c(client, author)", [
    key,
    owners.map((owner) => owner.client),
    owners.map((owner) => owner.user),
  ]);
  for (const [name, bytes] of notes)
    await client.query("INSERT INTO copresence.note VALUES ($1, $2, $3, $4)", [key, name, Buffer.from(bytes), noteCrc(key, name, bytes)]);
  await client.query("INSERT INTO copresence.meta VALUES ($1, $2) ON CONFLICT DO NOTHING", [nameKey(key), Buffer.from(scene)]);
  const clients = owners.length;
  await client.query(
    "UPDATE copresence.scene SET epoch = $2, seq = $3, clients = $4, crc = $5, quarantine = NULL, term = term + 1, holder = NULL, beat = NULL WHERE key = $1",
    [key, epoch, seq, clients, headCrc(key, { epoch, seq, clients })],
  );
  crashPoint("import.commit");
  return ok({ epoch });
}

async function insertRows(client: PoolClient, key: string, epoch: number, rows: readonly LogRow[]): Promise<void> {
  await client.query(
    `INSERT INTO copresence.log SELECT $1, $2, r.* FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[],
      $10::bigint[]) AS r(seq, author, client, clock, at_ms, total, bytes, crc)`,
    [
      key,
      epoch,
      rows.map((row) => row.seq),
      rows.map((row) => row.user),
      rows.map((row) => row.client),
      rows.map((row) => row.clock),
      rows.map((row) => row.atMs),
      rows.map((row) => row.total),
      rows.map(({ bytes }) => Buffer.from(bytes)),
      rows.map((row) => row.crc),
    ],
  );
}

/** A record that failed its check keeps failing it. */
async function rename(client: PoolClient, key: string, rows: readonly (LogRow & Place)[], alias: string): Promise<void> {
  const crcs = rows.map((row) => {
    const crc = recordCrc(key, row.epoch, { ...row, user: alias });
    return row.crc === recordCrc(key, row.epoch, row) ? crc : crc ^ 1;
  });
  await client.query(
    `UPDATE copresence.log AS l SET author = $2, crc = r.crc FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS r(epoch, seq, crc)
      WHERE l.scene = $1 AND l.epoch = r.epoch AND l.seq = r.seq`,
    [key, alias, rows.map((row) => row.epoch), rows.map((row) => row.seq), crcs],
  );
}

async function cleanNotes(client: PoolClient, key: string, user: string, left: string[]): Promise<number> {
  const { rows } = await client.query<Note>("SELECT key, bytes, crc::float8 AS crc FROM copresence.note WHERE scene = $1 FOR UPDATE", [key]);
  let rules = 0;
  for (const note of rows.filter(({ bytes }) => mentions(bytes, user))) {
    const [gone, bytes] = [rulesNaming(note.key, note.bytes, user), withoutPerson(note.key, note.bytes, user)];
    if (gone === undefined || bytes === undefined) left.push(strangeNote(note.key));
    else if (gone.length > 0) {
      const crc = noteCrc(key, note.key, bytes);
      const sound = note.crc === noteCrc(key, note.key, note.bytes);
      await client.query("UPDATE copresence.note SET bytes = $3, crc = $4 WHERE scene = $1 AND key = $2", [
        key,
        note.key,
        Buffer.from(bytes),
        sound ? crc : crc ^ 1,
      ]);
      rules += gone.length;
    }
  }
  return rules;
}
