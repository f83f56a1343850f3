/**
 * Entry point of the process that starts workers for the room's (child-launcher.ts). What these say to each other goes past it, by `WIRE_FD`.
 * It imports next to nothing and keeps nothing, so that starting a process from here is cheap and little can break.
 *
 * [NU1] When the room's process is gone every worker is killed, a stopped one too.
 * [NU2] A signal to the whole group (Ctrl-C, a service manager's stop) is the server's to answer; this one leaves when the server does.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { FromNursery, ToNursery } from "./nursery-messages.ts";
import { MARK_VARIABLE, WIRE_FD, WORKER_FLAGS } from "./vessel.ts";

const workers = new Map<number, ChildProcess>();
const say = (message: FromNursery): void => void process.send?.(message, undefined, undefined, () => undefined);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.once("disconnect", () => {
  for (const worker of workers.values()) worker.kill("SIGKILL");
  process.exit(0);
});
process.on("message", (message: ToNursery) => {
  const worker = workers.get(message.id);
  if (message.kind === "start") start(message.id, message.entry, message.mark);
  else worker?.kill("SIGKILL");
});

function start(id: number, entry: string, mark: string): void {
  const worker = fork(entry, {
    execArgv: [...WORKER_FLAGS],
    env: { ...process.env, [MARK_VARIABLE]: mark },
    stdio: ["ignore", "ignore", "inherit", "ipc", WIRE_FD],
  });
  workers.set(id, worker);
  const gone = (sentence: string): void => {
    if (workers.delete(id)) say({ kind: "gone", id, sentence });
  };
  worker.once("error", (error: NodeJS.ErrnoException) => {
    worker.kill("SIGKILL");
    if (worker.pid === undefined) gone(`the worker process failed: ${error.code ?? error.name}`);
  });
  worker.once("exit", (code, signal) => gone(`the worker process left with ${signal ?? `code ${code}`}`));
  if (worker.pid !== undefined) say({ kind: "started", id, pid: worker.pid });
}
