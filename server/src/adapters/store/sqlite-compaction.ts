/**
 * One compaction of one scene in the SQLite file: read, fold in another thread, write; with appends in between.
 *
 * [SQ1] It covers the records that were durable when it began; those that come meanwhile stay in the log.
 * [SQ2] Given up without a trace when the scene is released or taken to another epoch meanwhile, or when anything fails.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Folding } from "./compaction-worker.ts";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { assemble, badRow, CHUNK_BYTES, corrupt, notOpen, sceneKey } from "./records.ts";
import type { Compacted, StoreError } from "./scene-store.ts";
import { stateBytes } from "./snapshot-bytes.ts";
import { storeError } from "./sqlite-file.ts";
import type { SqliteLog } from "./sqlite-log.ts";

/** Records read and checked between two turns of others: under a millisecond. */
const PAGE = 100;

export type CompactionOptions = {
  readonly log: SqliteLog;
  readonly compactor: Pick<Compactor, "fold">;
  readonly scene: string;
  readonly epoch: number;
  /** Lets other requests have their turn. */
  readonly turn: () => Promise<void>;
};

export async function compactScene({ log, compactor, scene, epoch, turn }: CompactionOptions): Promise<Result<Compacted, StoreError>> {
  const key = sceneKey(scene);
  const { snapshots } = log;
  const started = log.heldAt(scene, epoch);
  if (started === undefined) return notOpen;
  const { seq } = started;
  try {
    const base = snapshots.newest(key, epoch);
    if (base?.seq === seq) return ok({ seq, bytes: stateBytes(base.sha256, base.size) });
    const whole = await readWhole({ log, key, epoch, seq, turn });
    if (!whole.ok) return whole;
    crashPoint("snapshot.read");
    const folded = await compactor.fold(whole.value);
    if (!folded.ok) return err({ code: "io", sentence: `The log was not compacted: ${folded.error}; it is kept.` });
    const { state, bytes, sha256, wear } = folded.value;
    if (log.heldAt(scene, epoch) !== started) return notOpen;
    snapshots.clear(key, epoch);
    for (let part = 0; part * CHUNK_BYTES < state.length; part++) {
      snapshots.writePiece(key, epoch, seq, part, state);
      await turn();
      if (log.heldAt(scene, epoch) !== started) return notOpen;
    }
    snapshots.finish(key, epoch, { seq, size: state.length, sha256 }, Date.now());
    return ok({ seq, bytes, wear });
  } catch (error) {
    return err(storeError(error));
  }
}

type Whole = Pick<CompactionOptions, "log" | "turn"> & { readonly key: string; readonly epoch: number; /** The last record. */ readonly seq: number };

/** The newest snapshot and the records behind it, checked. */
export async function readWhole({ log: { snapshots }, key, epoch, seq, turn }: Whole): Promise<Result<Folding, StoreError>> {
  const base = snapshots.newest(key, epoch);
  const pieces: Uint8Array[] = [];
  for (const piece of base === undefined ? [] : snapshots.pieces(key, epoch, base.seq)) {
    pieces.push(piece);
    await turn();
  }
  const bytes = base === undefined ? undefined : assemble(base.size, pieces);
  if (base !== undefined && bytes === undefined) return corrupt("The newest snapshot lacks pieces.");
  const snapshot = base === undefined || bytes === undefined ? undefined : { bytes, sha256: base.sha256 };
  const updates: Uint8Array[] = [];
  for (let after = base?.seq ?? 0; after < seq; after += PAGE) {
    const rows = snapshots.records(key, epoch, { after, last: seq, limit: PAGE });
    if (rows.length !== Math.min(PAGE, seq - after) || badRow(key, epoch, rows, after + 1) !== undefined)
      return corrupt("A record behind the newest snapshot is damaged.");
    updates.push(...rows.map(({ bytes }) => bytes));
    await turn();
  }
  return ok({ snapshot, updates });
}
