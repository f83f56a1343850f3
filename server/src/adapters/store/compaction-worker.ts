/** The thread that folds (compaction.ts), so that neither ticks nor commits wait for it. */
import { parentPort } from "node:worker_threads";
import { assert, err, type Result } from "@copresence/shared/base";
import { fold } from "./compaction.ts";
import { sha256 } from "./records.ts";

export type Folding = {
  readonly snapshot: { readonly bytes: Uint8Array; readonly sha256: string } | undefined;
  readonly updates: readonly Uint8Array[];
};
export type FoldRequest = Folding & { readonly id: number };
export type Folded = { readonly state: Uint8Array; readonly sha256: string };
export type FoldReply = { readonly id: number; readonly result: Result<Folded, string> };

const port = parentPort;
assert(port !== null, "runs as a worker");
port.on("message", ({ id, snapshot, updates }: FoldRequest) => {
  port.postMessage({ id, result: foldWhole({ snapshot, updates }) } satisfies FoldReply);
});

function foldWhole({ snapshot, updates }: Folding): Result<Folded, string> {
  if (snapshot !== undefined && sha256(snapshot.bytes) !== snapshot.sha256) return err("the newest snapshot is damaged");
  const folded = fold(snapshot?.bytes, updates);
  return folded.ok ? { ok: true, value: { state: folded.value, sha256: sha256(folded.value) } } : folded;
}
