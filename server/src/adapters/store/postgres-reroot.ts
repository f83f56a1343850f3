/**
 * A scene in PostgreSQL begins a new epoch, by the same rules as in SQLite (sqlite-reroot.ts): one transaction, which first makes sure that the
 * scene is still ours and was not written to meanwhile.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Pool, PoolClient } from "pg";
import type { Rerooted } from "../../core/document/renewal.ts";
import type { AppendRecord } from "../../core/types.ts";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { postgresError } from "./postgres-error.ts";
import type { PostgresHeld, PostgresLog } from "./postgres-log.ts";
import { PREPARED } from "./postgres-schema.ts";
import { inTransaction } from "./postgres-transaction.ts";
import { headCrc, noteCrc, notOpen, recordCrc, sceneKey } from "./records.ts";
import { freshRecords, inPieces } from "./reroot-records.ts";
import type { SceneNote, StoreError } from "./scene-store.ts";

type Where = {
  readonly log: PostgresLog;
  readonly pool: Pool;
  readonly compactor: Pick<Compactor, "renew">;
  readonly scene: string;
  readonly epoch: number;
  readonly note: SceneNote;
};

export async function rerootPostgres({ log, pool, compactor, scene, epoch, note }: Where): Promise<Result<Rerooted, StoreError>> {
  const key = sceneKey(scene);
  const held = log.heldAt(scene, epoch);
  if (held === undefined) return notOpen;
  const { seq } = held;
  try {
    const whole = await log.snapshots.whole(key, epoch, seq);
    if (!whole.ok) return whole;
    const fresh = await freshRecords(compactor, whole.value);
    if (!fresh.ok) return fresh;
    const { root, records, updates } = fresh.value;
    const begun = await inTransaction(pool, (client) => begin(client, { key, held, seq, records, note }));
    crashPoint("reroot.committed");
    if (begun === undefined) return err({ code: "fenced", sentence: "Another server has taken the scene over; this one must let go." });
    log.begun(scene, begun);
    return ok({ epoch: begun.epoch, root, updates });
  } catch (error) {
    return err(postgresError(error));
  }
}

type Change = {
  readonly key: string;
  readonly held: PostgresHeld;
  readonly seq: number;
  readonly records: readonly AppendRecord[];
  readonly note: SceneNote;
};

/** The scene as it is held from now on; undefined when it is no longer ours as it was. */
async function begin(client: PoolClient, { key, held, seq, records, note }: Change): Promise<PostgresHeld | undefined> {
  const ours = await client.query("SELECT 1 FROM copresence.scene WHERE key = $1 AND term = $2 AND epoch = $3 AND seq = $4 FOR UPDATE", [
    key,
    held.term,
    held.epoch,
    seq,
  ]);
  if (ours.rowCount === 0) return undefined;
  const epoch = held.epoch + 1;
  const atMs = Date.now();
  let { total } = held;
  const rows = records.map(({ user, client: author, clock, update }, index) => {
    total += update.length;
    const row = { seq: index + 1, user, client: author, clock, atMs, total, bytes: update };
    return { ...row, crc: recordCrc(key, epoch, row) };
  });
  for (const part of inPieces(rows, ({ bytes }) => bytes.length)) {
    await client.query(PREPARED, [
      key,
      epoch,
      part[0]?.client ?? 0,
      atMs,
      part.map((row) => row.seq),
      part.map(({ clock }) => clock),
      part.map((row) => row.total),
      part.map(({ bytes }) => Buffer.from(bytes)),
      part.map(({ crc }) => crc),
    ]);
    crashPoint("reroot.records");
  }
  await client.query("DELETE FROM copresence.client WHERE scene = $1", [key]);
  await client.query(
    "INSERT INTO copresence.note VALUES ($1, $2, $3, $4) ON CONFLICT (scene, key) DO UPDATE SET bytes = excluded.bytes, crc = excluded.crc",
    [key, note.key, Buffer.from(note.value), noteCrc(key, note.key, note.value)],
  );
  const head = { epoch, seq: rows.length, clients: 0 };
  await client.query("UPDATE copresence.scene SET epoch = $2, seq = $3, clients = 0, crc = $4, beat = now() WHERE key = $1", [
    key,
    epoch,
    head.seq,
    headCrc(key, head),
  ]);
  crashPoint("reroot.fsync");
  return { epoch, term: held.term, seq: head.seq, total, clients: new Set() };
}
