/** The thread of the moderators' file: calls come in by name, in order. */
import { parentPort, workerData } from "node:worker_threads";
import { CaseFile } from "./case-file.ts";
import type { CaseCall } from "./worker-cases.ts";

const file = new CaseFile((workerData as { readonly file: string }).file);

parentPort?.on("message", ({ id, method, values }: CaseCall) => {
  try {
    const call = file[method] as (...values: unknown[]) => unknown;
    parentPort?.postMessage({ id, value: call.apply(file, values as unknown[]) });
    if (method === "close") parentPort?.close();
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
