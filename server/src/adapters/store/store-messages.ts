/**
 * What the thread of a store and its host say to each other.
 *
 * [SM1] Appends and their answers travel as flat lists: naming every property of every record, and finding it again on the other side, takes
 *       longer than the thread takes to begin its transaction, and somebody waits for it.
 */
import type { Result } from "@copresence/shared/base";
import type { PastQuery } from "../../core/history/types.ts";
import type { AppendRecord } from "../../core/types.ts";
import type { SceneNote, StoreError } from "./scene-store.ts";
import type { AdminError, SceneContent } from "./store-admin.ts";

export type StoreRequest =
  /** Answered with when it was open, by the clock of thread-time.ts: its host may be busy and hear of it late. */
  | { readonly id: number; readonly op: "start" }
  | { readonly id: number; readonly op: "open"; readonly scene: string }
  | { readonly id: number; readonly op: "append"; readonly scene: string; readonly epoch: number; readonly records: readonly AppendRecord[] }
  | { readonly id: number; readonly op: "compact"; readonly scene: string; readonly epoch: number }
  | { readonly id: number; readonly op: "reroot"; readonly scene: string; readonly epoch: number; readonly note: SceneNote }
  | { readonly id: number; readonly op: "note"; readonly scene: string; readonly key: string; readonly value: Uint8Array }
  | { readonly id: number; readonly op: "recall"; readonly scene: string; readonly epoch: number; readonly query: PastQuery }
  | { readonly id: number; readonly op: "release"; readonly scene: string }
  | { readonly id: number; readonly op: "admin"; readonly ask: AdminAsk }
  | { readonly id: number; readonly op: "probe" }
  | { readonly id: number; readonly op: "close" };
/** An append: id, scene, epoch, then user, client, clock and update of each record [SM1]. */
export type FlatAppend = readonly (number | string | Uint8Array)[];
/** The answer to one that is durable: id and the number of its last record. */
export type FlatAppended = readonly [id: number, seq: number];
type AppendRequest = Extract<StoreRequest, { op: "append" }>;

const HEAD = 3;
const PER_RECORD = 4;

export function flatAppend({ scene, epoch, records }: Omit<AppendRequest, "id" | "op">, id: number): FlatAppend {
  const flat: (number | string | Uint8Array)[] = [id, scene, epoch];
  for (const { user, client, clock, update } of records) flat.push(user, client, clock, tight(update));
  return flat;
}

/** A view into a larger buffer would be cloned with all of it. */
const tight = (bytes: Uint8Array): Uint8Array => (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice());

/** The request that a message is. */
export function requestOf(message: StoreRequest | FlatAppend): StoreRequest {
  if (!Array.isArray(message)) return message as StoreRequest;
  const flat = message as FlatAppend;
  const records: AppendRecord[] = [];
  for (let at = HEAD; at < flat.length; at += PER_RECORD) {
    const [user, client, clock] = [flat[at] as string, flat[at + 1] as number, flat[at + 2] as number];
    records.push({ user, client, clock, update: flat[at + 3] as Uint8Array });
  }
  return { id: flat[0] as number, op: "append", scene: flat[1] as string, epoch: flat[2] as number, records };
}

export type AdminAsk =
  | { readonly what: "exportScene"; readonly scene: string }
  | { readonly what: "importScene"; readonly scene: string; readonly content: SceneContent; readonly replace: boolean }
  | { readonly what: "exportPerson"; readonly user: string }
  | { readonly what: "erasePerson"; readonly user: string; readonly alias: string };
export type StoreReply =
  | { readonly id: number; readonly result: Result<unknown, StoreError | AdminError> }
  | FlatAppended
  /** Something an operator should read in the log. */
  | { readonly notice: string };
