/** The SQLite store's thread for worker-store.test.ts: it ends at the place that a file `<database>.die` names, once. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { workerData } from "node:worker_threads";

const order = `${(workerData as { file: string }).file}.die`;
Object.assign(globalThis, {
  [Symbol.for("copresence.crash-point")]: (name: string): void => {
    if (!existsSync(order) || readFileSync(order, "utf8") !== name) return;
    rmSync(order);
    process.exit(1);
  },
});
await import("./sqlite-worker.ts");
