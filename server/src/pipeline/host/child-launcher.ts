/**
 * A worker in a child process of its own.
 *
 * [CV1] Killing is by SIGKILL: it works on a stopped process and inside native code.
 * [CV2] It ends by itself when the channel to the room's process closes, so a killed server leaves no orphan (worker.ts).
 */
import { fork } from "node:child_process";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { FromWorker } from "../worker-messages.ts";
import { WORKER_ENV, WORKER_FLAGS, type Launch } from "./vessel.ts";

function compileCache(): Record<string, string> {
  const folder = process.env["NODE_COMPILE_CACHE"];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

/** Whether this process's executable can start another Node: not under another C library's loader, which would be the executable. */
export const canFork = (): boolean => !basename(process.execPath).startsWith("ld-");

export const childVessel: Launch = (entry, { onMessage, onGone }) => {
  const child = fork(fileURLToPath(entry), {
    serialization: "advanced",
    // It needs none of the server's secrets, flags or preloaded modules; only what it need not compile again.
    env: { ...WORKER_ENV, ...compileCache() },
    execArgv: [...WORKER_FLAGS],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.unref();
  child.channel?.unref();
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.on("message", (message) => onMessage(message as FromWorker));
  child.on("error", (error: NodeJS.ErrnoException) => onGone(`the worker process failed: ${error.code ?? error.name}`));
  child.on("exit", (code, signal) => onGone(`the worker process left with ${signal ?? `code ${code}`}`));
  const end = async (): Promise<boolean> => {
    child.kill("SIGKILL");
    return true;
  };
  return {
    pid: child.pid,
    // A closed channel is noticed as the end of the process; the callback keeps the error from being thrown.
    post: (message) => void (child.connected && child.send(message, () => undefined)),
    end,
    leave: async (ms) => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.ref();
      const timer = setTimeout(() => void end(), ms);
      if (child.connected) child.send({ kind: "close" }, () => undefined);
      await gone;
      clearTimeout(timer);
    },
  };
};
