/**
 * A scene in the SQLite file begins a new epoch: read, made anew in another thread, written, put in charge; with other scenes' appends in between.
 *
 * [SQ3] The fresh document's records are nothing until the scene's head names their epoch; that change, the end of the old authors and the note
 *       are one transaction. A crash before it leaves records that the next attempt takes away.
 * [SQ4] Given up without a trace when anything fails, or when anything was appended meanwhile.
 * [SQ5] The old epoch's log and snapshots stay: they are history (sqlite-history.ts), and another source of the document until the new epoch
 *       has been compacted once.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { Rerooted } from "../../core/document/renewal.ts";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { notOpen, sceneKey } from "./records.ts";
import { freshRecords, inPieces } from "./reroot-records.ts";
import type { SceneNote, StoreError } from "./scene-store.ts";
import { type CompactionOptions, readWhole } from "./sqlite-compaction.ts";
import { storeError } from "./sqlite-file.ts";

export type RerootOptions = Omit<CompactionOptions, "compactor"> & { readonly compactor: Pick<Compactor, "renew">; readonly note: SceneNote };

export async function rerootScene({ log, compactor, scene, epoch, turn, note }: RerootOptions): Promise<Result<Rerooted, StoreError>> {
  const key = sceneKey(scene);
  const held = log.heldAt(scene, epoch);
  if (held === undefined) return notOpen;
  const { seq } = held;
  const written = err<StoreError>({ code: "io", sentence: "The scene was written to while it was to be made anew; it is left as it is." });
  try {
    const whole = await readWhole({ log, key, epoch, seq, turn });
    if (!whole.ok) return whole;
    const fresh = await freshRecords(compactor, whole.value);
    if (!fresh.ok) return fresh;
    const { root, records, updates } = fresh.value;
    log.clearAfter(key, epoch);
    const next = { epoch: epoch + 1, seq: 0, clients: 0, total: held.total };
    for (const piece of inPieces(records, ({ update }) => update.length)) {
      if (log.heldAt(scene, epoch) !== held) return notOpen;
      log.prepareRecords(key, next, piece, Date.now());
      crashPoint("reroot.records");
      await turn();
    }
    if (log.heldAt(scene, epoch) !== held) return notOpen;
    if (held.seq !== seq) return written;
    log.beginEpoch(scene, next, note);
    return ok({ epoch: next.epoch, root, updates });
  } catch (error) {
    return err(storeError(error));
  }
}
