/**
 * Entry point of the process that starts workers for the room's (child-launcher.ts) and passes on what they say to each other.
 * It imports next to nothing and keeps nothing, so that starting a process from here is cheap and little can break.
 *
 * [NU1] When the room's process is gone every worker is killed, a stopped one too.
 * [NU2] A signal to the whole group (Ctrl-C, a service manager's stop) is the server's to answer; this one leaves when the server does.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { FromWorker } from "../worker-messages.ts";
import type { FromNursery, ToNursery } from "./nursery-messages.ts";
import { WORKER_FLAGS } from "./vessel.ts";

const workers = new Map<number, ChildProcess>();
const say = (message: FromNursery): void => void process.send?.(message, undefined, undefined, () => undefined);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.once("disconnect", () => {
  for (const worker of workers.values()) worker.kill("SIGKILL");
  process.exit(0);
});
process.on("message", (message: ToNursery) => {
  const worker = workers.get(message.id);
  if (message.kind === "start") start(message.id, message.entry);
  else if (message.kind === "kill") worker?.kill("SIGKILL");
  else if (worker?.connected === true) worker.send(message.message, () => undefined);
});

function start(id: number, entry: string): void {
  const worker = fork(entry, { serialization: "advanced", execArgv: [...WORKER_FLAGS], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  workers.set(id, worker);
  const gone = (sentence: string): void => {
    if (workers.delete(id)) say({ kind: "gone", id, sentence });
  };
  worker.on("message", (message) => say({ kind: "said", id, message: message as FromWorker }));
  worker.once("error", (error: NodeJS.ErrnoException) => {
    worker.kill("SIGKILL");
    if (worker.pid === undefined) gone(`the worker process failed: ${error.code ?? error.name}`);
  });
  worker.once("exit", (code, signal) => gone(`the worker process left with ${signal ?? `code ${code}`}`));
  if (worker.pid !== undefined) say({ kind: "started", id, pid: worker.pid });
}
