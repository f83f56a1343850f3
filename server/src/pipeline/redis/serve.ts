/**
 * What runs inside a worker process behind Redis: told where to work by its parent, tests and warms up its models, serves until told to leave.
 *
 * [SV1] It ends with its parent, and leaves its parts to others when asked to (SIGTERM of the parent).
 */
import type { Load } from "../worker-body.ts";
import type { Consumers } from "../consumers.ts";
import { RedisWorker, type WorkerCounts } from "./redis-worker.ts";

export type ToServer = { readonly kind: "start"; readonly url: string; readonly namespace: string } | { readonly kind: "stop" };
export type WorkerStats = {
  readonly counts: WorkerCounts;
  readonly parts: number;
  readonly indexed: number;
  readonly up: boolean;
  readonly rssMb: number;
  readonly runtime: string;
};
export type FromServer =
  | { readonly kind: "serving"; readonly runtime: string; readonly worker: string }
  | { readonly kind: "log"; readonly sentence: string }
  | { readonly kind: "stats"; readonly stats: WorkerStats };

const STATS_MS = 1000;

export function serveRedis(load: Load): void {
  const say = (message: FromServer): void => void process.send?.(message, undefined, undefined, () => undefined);
  let worker: RedisWorker | undefined;
  process.once("disconnect", () => process.exit(0));
  process.on("SIGINT", () => undefined);
  process.on("message", (message: ToServer) => {
    if (message.kind === "stop") return void (worker?.stop() ?? Promise.resolve()).finally(() => process.exit(0));
    void load().then(({ consumers, runtime }) => {
      const { url, namespace } = message;
      worker = new RedisWorker({ url, namespace, consumers, runtime, onLog: (sentence) => say({ kind: "log", sentence }) });
      say({ kind: "serving", runtime: runtime.sentence, worker: worker.worker });
      const report = statsOf(worker, consumers, runtime.sentence);
      setInterval(() => say({ kind: "stats", stats: report() }), STATS_MS);
    });
  });
}

const statsOf = (worker: RedisWorker, consumers: Consumers, runtime: string) => (): WorkerStats => ({
  counts: worker.counts,
  parts: worker.parts,
  indexed: consumers.indexed,
  up: worker.up,
  rssMb: process.memoryUsage.rss() / 1e6,
  runtime,
});
