/**
 * How a store's thread answers its host (worker-store.ts).
 *
 * [RE1] A loaded snapshot is handed over, not copied: nobody in the thread needs it.
 * [RE2] What loading a large one left behind is collected once the answer is out: the thread makes too little garbage for the engine to come to it
 *       by itself, and the pieces that the snapshot was put together from would stay as long as the process.
 */
import type { MessagePort } from "node:worker_threads";
import type { Result } from "@copresence/shared/base";
import { collectNow } from "../collector.ts";
import type { LoadedScene, StoreError } from "./scene-store.ts";
import type { AdminError } from "./store-admin.ts";
import type { StoreReply } from "./store-messages.ts";

/** Snapshots from this size on [RE2]. */
const COLLECTED_BYTES = 4 << 20;

export function reply(port: Pick<MessagePort, "postMessage"> | null, id: number, result: Result<unknown, StoreError | AdminError>): void {
  const loaded = result.ok ? (result.value as Partial<LoadedScene> | undefined)?.snapshot : undefined;
  // Handed over, it has no length any more.
  const large = loaded !== undefined && loaded.length >= COLLECTED_BYTES;
  const whole = loaded !== undefined && loaded.byteLength === loaded.buffer.byteLength;
  port?.postMessage({ id, result } satisfies StoreReply, whole ? [loaded.buffer as ArrayBuffer] : []);
  if (large) setImmediate(collectNow);
}
