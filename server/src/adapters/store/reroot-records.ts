/** What every store does alike when a scene begins a new epoch: a fresh document of what it read, as records that are written in pieces. */
import { randomInt } from "node:crypto";
import { err, ok, type Result } from "@copresence/shared/base";
import type { AppendRecord } from "../../core/types.ts";
import type { Compactor } from "./compactor.ts";
import { crashPoint } from "./crash-point.ts";
import { CHUNK_BYTES } from "./records.ts";
import type { StoreError } from "./scene-store.ts";

/** `root`: the clientID under which all records are written, in nobody's name. */
export type FreshRecords = { readonly root: number; readonly records: readonly AppendRecord[]; readonly updates: readonly Uint8Array[] };

export async function freshRecords(
  compactor: Pick<Compactor, "renew">,
  whole: Parameters<Compactor["renew"]>[0],
): Promise<Result<FreshRecords, StoreError>> {
  crashPoint("reroot.read");
  const root = randomInt(1, 2 ** 32);
  const fresh = await compactor.renew(whole, root);
  if (!fresh.ok) return err({ code: "io", sentence: `The scene was not made anew: ${fresh.error}; it is left as it is.` });
  crashPoint("reroot.built");
  const records = fresh.value.map(({ update, clock }) => ({ user: "", client: root, clock, update }));
  return ok({ root, records, updates: records.map(({ update }) => update) });
}

/** Runs of records of about a piece's size, at least one each. */
export function* inPieces<T>(records: readonly T[], bytesOf: (record: T) => number): Iterable<readonly T[]> {
  for (let from = 0; from < records.length;) {
    let to = from;
    for (let bytes = 0; to < records.length && bytes < CHUNK_BYTES; to++) bytes += bytesOf(records[to] as T);
    yield records.slice(from, to);
    from = to;
  }
}
