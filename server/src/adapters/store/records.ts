/**
 * What is stored for a scene, how it proves that it is whole, and what may be loaded of it. Pure; the SQL adapters share it.
 *
 * [RC1] Every record carries a crc over all that names it; numbers have no holes; the scene's head says how many there must be. So a record
 *       that was changed, swapped or lost is found, and so is a tail that is missing as a whole.
 * [RC2] A snapshot that fails its sha256 is passed over for the previous one and the records behind that.
 * [RC3] What does not add up is `corrupt`, with a sentence that says what is damaged.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { err, ok, type Result } from "@copresence/shared/base";
import type { LoadedScene, StoreError } from "./scene-store.ts";
import { unpackSnapshot } from "./snapshot-bytes.ts";

/**
 * Of what the adapters write. 2: pieces of snapshots; 3: notes; 4: snapshots deflated (snapshot-bytes.ts). Raised with everything that an older
 * server would misread; it refuses the store then, instead of taking what it does not know for damage.
 */
export const STORE_FORMAT = 4;
export const newerFormat = (format: number): string =>
  `The store was written by a newer server (store format ${format}; this one reads up to ${STORE_FORMAT}); start that version.`;

/** Generations of snapshots kept. */
export const GENERATIONS = 2;
/**
 * How far back the past is kept, for history and rollback: records that are older, or further from the end of the log, are forgotten. The
 * previous generation and what follows it is always kept, so that a damaged snapshot can be passed over [RC2].
 */
export type Retention = { readonly ms: number; readonly bytes: number };
/** A month, and a day of a busy room. */
export const RETENTION: Retention = { ms: 30 * 24 * 3600 * 1000, bytes: 64 << 20 };
/** Forgetting begins when this part of what may be kept is due: it folds the beginning of the log into a snapshot. */
export const FORGET_SHARE = 1 / 8;

/** A snapshot is stored in pieces, so that appends get their turn between two of them. */
export const CHUNK_BYTES = 256 * 1024;

/** `total`: bytes of all updates up to and with this one, so that retention need not add them up. `atMs`: wall clock when it was stored. */
export type LogRow = {
  readonly seq: number;
  readonly user: string;
  readonly client: number;
  readonly clock: number;
  readonly atMs: number;
  readonly total: number;
  readonly bytes: Uint8Array;
  readonly crc: number;
};
/** The scene's own row: how many records and how many clientIDs there must be. */
export type Head = { readonly epoch: number; readonly seq: number; readonly clients: number; readonly crc: number };
/** `bytes` undefined: pieces are missing. */
export type StoredSnapshot = { readonly seq: number; readonly bytes: Uint8Array | undefined; readonly sha256: string };
/** A small record beside the document (permissions). */
export type Note = { readonly key: string; readonly bytes: Uint8Array; readonly crc: number };
export type Owner = { readonly client: number; readonly user: string };

/** Scene names are hashed before they become keys. */
export function sceneKey(scene: string): string {
  const known = keys.get(scene);
  if (known !== undefined) return known;
  const key = sha256(new TextEncoder().encode(scene)).slice(0, 32);
  if (keys.size >= KEYS_KNOWN) keys.clear();
  keys.set(scene, key);
  return key;
}
/** Every append asks for its scene's key several times, and a hash costs more than the rest of preparing one. */
const KEYS_KNOWN = 4096;
const keys = new Map<string, string>();
/** Under which key the table `meta` has the name of a scene. */
export const nameKey = (key: string): string => `name:${key}`;
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const headCrc = (key: string, { epoch, seq, clients }: Omit<Head, "crc">): number => crc32(`${key}|${epoch}|${seq}|${clients}`);
export const noteCrc = (scene: string, key: string, bytes: Uint8Array): number => crc32(bytes, crc32(`${scene}|${key}|`));
export function recordCrc(key: string, epoch: number, row: Omit<LogRow, "crc">): number {
  return crc32(row.bytes, crc32(`${key}|${epoch}|${row.seq}|${row.user}|${row.client}|${row.clock}|${row.atMs}|${row.total}|`));
}

export const corrupt = (sentence: string) =>
  err<StoreError>({ code: "corrupt", sentence: `${sentence} The scene stays closed; server/OPERATIONS.md says how to restore it.` });
export const notOpen = err<StoreError>({ code: "closed", sentence: "The scene is not open at this epoch." });
export const storeClosed = err<StoreError>({ code: "closed", sentence: "The store is closed." });

export type Stored = {
  readonly key: string;
  readonly head: Head;
  /** Newest first. */
  readonly snapshots: Iterable<StoredSnapshot>;
  /** Records after `seq`, in order. */
  readonly logAfter: (seq: number) => readonly LogRow[];
  readonly owners: readonly Owner[];
  readonly notes: readonly Note[];
};

/** The document as it was acknowledged, or why it cannot be had. Cost: one hash over what is loaded. */
export function judge({ key, head, snapshots, logAfter, owners, notes }: Stored): Result<LoadedScene, StoreError> {
  if (head.crc !== headCrc(key, head)) return corrupt("The scene's entry is damaged.");
  if (owners.length !== head.clients) return corrupt(`The scene names ${owners.length} of ${head.clients} authors.`);
  const torn = notes.find((note) => !isBlob(note.bytes) || note.crc !== noteCrc(key, note.key, note.bytes));
  if (torn !== undefined) return corrupt(`The scene's note "${torn.key}" is damaged.`);
  let snapshot: { readonly seq: number; readonly state: Uint8Array } | undefined;
  for (const stored of snapshots) {
    const state = stored.bytes === undefined ? undefined : unpackSnapshot({ bytes: stored.bytes, sha256: stored.sha256 });
    if (state === undefined) continue;
    snapshot = { seq: stored.seq, state };
    break;
  }
  const first = (snapshot?.seq ?? 0) + 1;
  const rows = logAfter(first - 1);
  const bad = badRow(key, head.epoch, rows, first);
  if (bad !== undefined) return corrupt(`Record ${bad} of the scene's log is damaged or missing.`);
  const seq = first + rows.length - 1;
  if (seq !== head.seq) return corrupt(`The scene has ${head.seq} records, of which ${seq} can be read.`);
  return ok({
    epoch: head.epoch,
    seq,
    snapshot: snapshot?.state,
    updates: rows.map(({ bytes }) => bytes),
    cutRecords: 0,
    owners: new Map(owners.map(({ client, user }) => [client, user])),
    notes: new Map(notes.map((note) => [note.key, note.bytes])),
  });
}

/** A flipped bit can make another type of a value, whatever its column says. */
const isBlob = (value: unknown): boolean => value instanceof Uint8Array;

/** Number of the first of `rows` that is damaged or out of place, when they should begin with `first`. */
export function badRow(key: string, epoch: number, rows: readonly LogRow[], first: number): number | undefined {
  const at = rows.findIndex((row, index) => row.seq !== first + index || !isBlob(row.bytes) || row.crc !== recordCrc(key, epoch, row));
  return at < 0 ? undefined : first + at;
}

/** A snapshot put together from its pieces, or undefined when they do not add up to `size`. */
export function assemble(size: number, pieces: readonly Uint8Array[]): Uint8Array | undefined {
  if (pieces.reduce((sum, { length }) => sum + length, 0) !== size) return undefined;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
