/**
 * A `CaseStore` whose file a thread of its own writes: a slow disk holds up moderators, not ticks.
 *
 * [WC1] Calls are carried out in order. More than WAITING_MAX that wait are refused, not kept.
 */
import { Worker } from "node:worker_threads";
import type { CaseStore } from "./case-types.ts";

type Method = keyof CaseStore;
export type CaseCall = { readonly id: number; readonly method: Method; readonly values: readonly unknown[] };
type Reply = { readonly id: number; readonly value?: unknown; readonly error?: string };
type Waiter = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

const METHODS: readonly Method[] = [
  "addCase",
  "setState",
  "addMeasure",
  "endMeasure",
  "addAudit",
  "queue",
  "caseOf",
  "measuresOf",
  "auditOf",
  "active",
  "last",
  "purge",
  "exportPerson",
  "erasePerson",
  "close",
];
const WAITING_MAX = 4096;

/** `file`: a path, or `:memory:`. A file that cannot be opened fails every call with the reason. */
export function openCases(file: string): CaseStore {
  const worker = new Worker(new URL("./cases-worker.ts", import.meta.url), { workerData: { file } });
  worker.unref();
  const waiting = new Map<number, Waiter>();
  let [lastId, ended] = [0, undefined as Error | undefined];
  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on("message", ({ id, value, error }: Reply) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(new Error(error));
  });
  worker.on("error", end);
  worker.on("exit", () => end(new Error("The moderators' file is closed.")));
  const call = (method: Method, values: readonly unknown[]): Promise<unknown> => {
    if (ended !== undefined) return method === "close" ? Promise.resolve() : Promise.reject(ended);
    if (waiting.size >= WAITING_MAX) return Promise.reject(new Error("Too much waits for the moderators' file."));
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, method, values } satisfies CaseCall);
    });
  };
  return Object.fromEntries(METHODS.map((method) => [method, (...values: unknown[]) => call(method, values)])) as unknown as CaseStore;
}
