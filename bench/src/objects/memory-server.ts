/**
 * The real server in a process of its own that says how much memory it holds, after collecting. Forked by memory.ts with --expose-gc.
 */
import { setTimeout as pause } from "node:timers/promises";
import { collectNow } from "@copresence/server/collector";
import { developmentConfig } from "@copresence/server/config";
import { startServer } from "@copresence/server/main";
import notes from "@copresence/simulations/notes-scene";

export type ToMemoryServer = { readonly kind: "start"; readonly file: string } | { readonly kind: "measure" } | { readonly kind: "stop" };
/** `rssBytes` of the whole process, every thread's; `heldBytes` what the rooms' thread holds: heap, buffers and what else V8 knows of. */
export type Held = { readonly rssBytes: number; readonly heldBytes: number; readonly rooms: number };
export type FromMemoryServer = { readonly kind: "running"; readonly url: string } | ({ readonly kind: "held" } & Held);

const say = (message: FromMemoryServer): void => void process.send?.(message);
let stop: () => Promise<unknown> = () => Promise.resolve();
let rooms: () => Promise<number> = () => Promise.resolve(0);

process.on("message", (message: ToMemoryServer) => {
  if (message.kind === "start") void start(message.file);
  else if (message.kind === "measure") void measure();
  else void stop().finally(() => process.exit(0));
});

async function start(file: string): Promise<void> {
  const rules = [{ spaces: "memory-*", scene: notes }];
  const server = await startServer(
    developmentConfig(rules, { port: 0, transport: "ws", tickRateHz: 30, logLevel: "silent", roomLingerMs: 1000, store: { kind: "sqlite", file } }),
  );
  // As the process that `npm start` makes does (supervise.ts).
  collectNow();
  stop = () => server.stop();
  rooms = async () => Number(/^copresence_rooms(?:\{.*\})? (\d+)/m.exec(await server.metrics.registry.metrics())?.[1] ?? Number.NaN);
  say({ kind: "running", url: server.url });
}

async function measure(): Promise<void> {
  // What a collection frees may free more: finalizers, and pages that go back to the system on the next.
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await pause(100);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  say({ kind: "held", rssBytes: rss, heldBytes: heapUsed + external, rooms: await rooms() });
}
