/**
 * Preloaded into a server that is to be at hand when its predecessor dies: reads the server's sources, and waits for a line on standard input
 * before it lets the server begin. Nothing of the store has been opened by then, nothing is listening: only Node's own start and
 * the reading of sources are out of the way.
 */
import { readSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  await import("@copresence/server/main");
  // Blocks this process, which has nothing else to do. A closed pipe says that whoever was to begin it is gone, and it goes too.
  if (readSync(0, Buffer.alloc(1)) === 0) process.exit(0);
}
