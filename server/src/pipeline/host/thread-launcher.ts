/**
 * A worker in a thread.
 *
 * [TV1] It is terminated only through the native gate; one that hangs inside native code is left behind, unable to keep the process alive.
 */
import { Worker } from "node:worker_threads";
import { NativeGate } from "../runtime/native-gate.ts";
import type { FromWorker, WorkerData } from "../worker-messages.ts";
import { HEAP_MB, type Launcher, type Vessel, type VesselEvents } from "./vessel.ts";

/** A second in all: an inference that takes longer is not one of ours. */
const GATE_RETRY_MS = 20;
const GATE_TRIES = 50;

export const threadLauncher: Launcher = { launch, close: () => Promise.resolve() };

function launch(entry: URL, { onMessage, onGone }: VesselEvents): Vessel {
  const gate = new NativeGate();
  const worker = new Worker(entry, {
    name: "copresence-pipeline",
    workerData: { gate: gate.buffer } satisfies WorkerData,
    // The thread needs none of the server's secrets, flags or preloaded modules.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  worker.unref();
  const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  worker.on("message", (message: FromWorker) => onMessage(message));
  worker.on("error", (error: Error) => onGone(`the worker thread failed: ${error.message}`));
  worker.on("exit", (code) => onGone(`the worker thread left with code ${code}`));
  const end = async (): Promise<boolean> => {
    for (let tries = 0; tries < GATE_TRIES; tries++) {
      if (gate.close()) {
        await worker.terminate();
        return true;
      }
      await new Promise<void>((resolve) => void setTimeout(resolve, GATE_RETRY_MS).unref());
    }
    worker.unref();
    return false;
  };
  return {
    pid: undefined,
    post: (message) => worker.postMessage(message),
    end,
    leave: async (ms) => {
      worker.ref();
      const timer = setTimeout(() => void end(), ms);
      worker.postMessage({ kind: "close" });
      await Promise.race([gone, new Promise<void>((resolve) => void setTimeout(resolve, ms + GATE_TRIES * GATE_RETRY_MS).unref())]);
      clearTimeout(timer);
    },
  };
}
