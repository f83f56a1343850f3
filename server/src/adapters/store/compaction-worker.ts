/** The thread that folds (compaction.ts), so that neither ticks nor commits wait for it; begins in compaction-entry.ts. */
import { parentPort } from "node:worker_threads";
import { assert, err, type Result } from "@copresence/shared/base";
import { type FreshPiece, freshRoot } from "../../core/document/fresh-root.ts";
import { readPast } from "../../core/history/past.ts";
import type { PastAnswer, PastQuery, PastRecord } from "../../core/history/types.ts";
import { type Fold, fold } from "./compaction.ts";
import { packSnapshot, unpackSnapshot } from "./snapshot-bytes.ts";

export type Folding = {
  readonly snapshot: { readonly bytes: Uint8Array; readonly sha256: string } | undefined;
  readonly updates: readonly Uint8Array[];
};
export type FoldRequest = Folding & { readonly id: number };
/** The past is in the log: what `Folding` is per epoch, oldest first, with the records' authors and times, `sha256` and all. */
export type RecallRequest = { readonly id: number; readonly query: PastQuery; readonly pasts: readonly Recalling[] };
export type Recalling = { readonly base: Folding["snapshot"]; readonly records: readonly PastRecord[] };
/** A fresh document, written under `root`. */
export type RenewRequest = Folding & { readonly id: number; readonly root: number };
/** `state` as it is stored; `bytes` long when it is not. */
export type Folded = Fold & { readonly bytes: number; readonly sha256: string };
export type Renewed = readonly FreshPiece[];
export type Answer = Folded | PastAnswer | Renewed;
export type FoldReply = { readonly id: number; readonly result: Result<Answer, string> };

const port = parentPort;
assert(port !== null, "runs as a worker");
port.on("message", (request: FoldRequest | RecallRequest | RenewRequest) => {
  const result: Result<Answer, string> = "query" in request ? recall(request) : "root" in request ? renew(request) : foldWhole(request);
  port.postMessage({ id: request.id, result } satisfies FoldReply);
});

function recall({ pasts, query }: RecallRequest): Result<PastAnswer, string> {
  try {
    const opened = pasts.map(({ base, records }) => ({ base: base === undefined ? undefined : unpackSnapshot(base), records }));
    if (opened.some(({ base }, index) => base === undefined && pasts[index]?.base !== undefined))
      return err("the beginning of the history is damaged");
    return { ok: true, value: readPast(opened, query) };
  } catch (error) {
    return err(`the history cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}

function foldWhole({ snapshot, updates }: Folding): Result<Folded, string> {
  const base = snapshot === undefined ? undefined : unpackSnapshot(snapshot);
  if (snapshot !== undefined && base === undefined) return err("the newest snapshot is damaged");
  const folded = fold(base, updates);
  if (!folded.ok) return folded;
  const { state, wear } = folded.value;
  const { bytes, sha256 } = packSnapshot(state);
  return { ok: true, value: { state: bytes, bytes: state.length, sha256, wear } };
}

function renew({ snapshot, updates, root }: RenewRequest): Result<Renewed, string> {
  const base = snapshot === undefined ? undefined : unpackSnapshot(snapshot);
  if (snapshot !== undefined && base === undefined) return err("the newest snapshot is damaged");
  return freshRoot(base === undefined ? updates : [base, ...updates], root);
}
