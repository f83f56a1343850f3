/** The thread that folds (compaction.ts), so that neither ticks nor commits wait for it. */
import { parentPort } from "node:worker_threads";
import { assert, err, type Result } from "@copresence/shared/base";
import { readPast } from "../../core/history/past.ts";
import type { PastAnswer, PastQuery, PastRecord } from "../../core/history/types.ts";
import { fold } from "./compaction.ts";
import { sha256 } from "./records.ts";

export type Folding = {
  readonly snapshot: { readonly bytes: Uint8Array; readonly sha256: string } | undefined;
  readonly updates: readonly Uint8Array[];
};
export type FoldRequest = Folding & { readonly id: number };
/** The past is in the log: what `Folding` is, with the records' authors and times, `sha256` and all. */
export type RecallRequest = { readonly id: number; readonly query: PastQuery } & Recalling;
export type Recalling = { readonly base: Folding["snapshot"]; readonly records: readonly PastRecord[] };
export type Folded = { readonly state: Uint8Array; readonly sha256: string };
export type FoldReply = { readonly id: number; readonly result: Result<Folded | PastAnswer, string> };

const port = parentPort;
assert(port !== null, "runs as a worker");
port.on("message", (request: FoldRequest | RecallRequest) => {
  const result = "query" in request ? recall(request) : foldWhole(request);
  port.postMessage({ id: request.id, result } satisfies FoldReply);
});

function recall({ base, records, query }: RecallRequest): Result<PastAnswer, string> {
  if (base !== undefined && sha256(base.bytes) !== base.sha256) return err("the beginning of the history is damaged");
  try {
    return { ok: true, value: readPast({ base: base?.bytes, records }, query) };
  } catch (error) {
    return err(`the history cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function foldWhole({ snapshot, updates }: Folding): Result<Folded, string> {
  if (snapshot !== undefined && sha256(snapshot.bytes) !== snapshot.sha256) return err("the newest snapshot is damaged");
  const folded = fold(snapshot?.bytes, updates);
  return folded.ok ? { ok: true, value: { state: folded.value, sha256: sha256(folded.value) } } : folded;
}
