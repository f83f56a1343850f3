/**
 * The past of a scene in the SQLite file: what can be read of it, and forgetting its beginning.
 *
 * [SH1] The log begins with record 1, or there is a snapshot of the document as it was before its first record: whatever Yjs needs to make
 *       sense of the records is there. Forgetting folds what is due into that snapshot, and changes both in one transaction.
 * [SH3] Epochs that have ended are history too, each with a beginning of its own; one that is due to its last record goes as a whole.
 * [SH2] Forgetting never reaches past the older generation of snapshots, and is given up without a trace when anything fails.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Recalling } from "./compaction-worker.ts";
import type { CompactionOptions } from "./sqlite-compaction.ts";
import { assemble, badRow, CHUNK_BYTES, corrupt, type LogRow, notOpen, sceneKey } from "./records.ts";
import type { StoreError } from "./scene-store.ts";
import { storeError } from "./sqlite-file.ts";
import type { Held, SqliteLog } from "./sqlite-log.ts";

/** The pasts of all epochs, oldest first. */
export function readPastOf(log: SqliteLog, scene: string, epoch: number): Result<Recalling[], StoreError> {
  const held = log.heldAt(scene, epoch);
  if (held === undefined) return notOpen;
  const key = sceneKey(scene);
  try {
    const pasts: Recalling[] = [];
    for (const { epoch: of, last } of [...log.snapshots.endedEpochs(key, epoch), { epoch, last: held.seq }]) {
      const past = pastUpTo(log, { key, epoch: of, last });
      if (!past.ok) return past;
      pasts.push(past.value);
    }
    return ok(pasts);
  } catch (error) {
    return err(storeError(error));
  }
}

/** Pasts of epochs that have ended, as far as they can be read. */
export function endedPasts(log: SqliteLog, key: string, epoch: number): Recalling[] {
  return log.snapshots.endedEpochs(key, epoch).flatMap(({ epoch: of, last }) => {
    const past = pastUpTo(log, { key, epoch: of, last });
    return past.ok ? [past.value] : [];
  });
}

export async function forgetOld(options: CompactionOptions): Promise<void> {
  const { log, scene, epoch } = options;
  const key = sceneKey(scene);
  const held = log.heldAt(scene, epoch);
  if (held === undefined) return;
  try {
    for (const { epoch: ended, last } of log.snapshots.endedEpochs(key, epoch)) {
      await forgetIn(options, held, { epoch: ended, end: last });
      log.snapshots.leaveHistory(key, ended);
    }
    await forgetIn(options, held, { epoch, end: undefined });
  } catch {
    // The past stays a little longer; the next compaction tries again.
  }
}

/** `end`: the last record of an epoch that has ended, which may be forgotten to the end and then as a whole. */
async function forgetIn(
  { log, compactor, scene, epoch: current, turn }: CompactionOptions,
  held: Held,
  { epoch, end }: { readonly epoch: number; readonly end: number | undefined },
): Promise<void> {
  const key = sceneKey(scene);
  const { snapshots } = log;
  const { last, generation } = snapshots.due(key, epoch, { nowMs: Date.now(), total: held.total, end });
  if (last < snapshots.firstRecord(key, epoch)) return;
  if (last === end) return snapshots.forgetEpoch(key, epoch);
  if (last === generation) return snapshots.forget(key, epoch, last, undefined, Date.now());
  const past = pastUpTo(log, { key, epoch, last });
  if (!past.ok) return;
  const { base, records } = past.value;
  const folded = await compactor.fold({ snapshot: base, updates: records.map(({ bytes }) => bytes) });
  if (!folded.ok || log.heldAt(scene, current) !== held) return;
  const { state, sha256 } = folded.value;
  snapshots.clear(key, epoch);
  for (let part = 0; part * CHUNK_BYTES < state.length; part++) {
    snapshots.writePiece(key, epoch, last, part, state);
    await turn();
    if (log.heldAt(scene, current) !== held) return;
  }
  snapshots.forget(key, epoch, last, { seq: last, size: state.length, sha256 }, Date.now());
}

type Range = { readonly key: string; readonly epoch: number; readonly last: number };

function pastUpTo({ snapshots }: SqliteLog, { key, epoch, last }: Range): Result<Recalling, StoreError> {
  let after = Math.min(snapshots.firstRecord(key, epoch) - 1, last);
  let base: Recalling["base"];
  if (after > 0) {
    // Where an older version of this program has cut the log, the history begins with the oldest snapshot behind the cut.
    const start = snapshots.oldest(key, epoch, after);
    const bytes = start === undefined ? undefined : assemble(start.size, [...snapshots.pieces(key, epoch, start.seq)]);
    if (start === undefined || start.seq > last || bytes === undefined) return corrupt("The beginning of the scene's history is lost.");
    base = { bytes: Uint8Array.from(bytes), sha256: start.sha256 };
    after = start.seq;
  }
  const rows: LogRow[] = snapshots.records(key, epoch, { after, last, limit: last - after });
  if (rows.length !== last - after || badRow(key, epoch, rows, after + 1) !== undefined)
    return corrupt("A record of the scene's history is damaged.");
  return ok({ base, records: rows.map(({ user, atMs, bytes }) => ({ user, atMs, bytes: Uint8Array.from(bytes) })) });
}
