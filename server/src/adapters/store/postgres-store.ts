/** A store in PostgreSQL: for servers on several machines, of which one at a time may write a scene (postgres-log.ts). */
import { randomUUID } from "node:crypto";
import { RETENTION, type Retention } from "./records.ts";
import type { AdminStore } from "./store-admin.ts";
import { openWorkerStore } from "./worker-store.ts";

export type PostgresStoreOptions = {
  /** `postgres://user:password@host:port/database`; for a unix socket `postgres://user@/database?host=/run/postgresql`. */
  readonly url: string;
  /** How far back history goes. */
  readonly retention?: Retention | undefined;
  readonly onNotice?: ((sentence: string) => void) | undefined;
  /** Told what opening it took, ms. */
  readonly onOpened?: ((tookMs: number) => void) | undefined;
};

export const isPostgresUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text);

/** Connects and makes the tables if need be. Rejects with a StoreOpenError. */
export function openPostgresStore({ url, retention = RETENTION, onNotice, onOpened }: PostgresStoreOptions): Promise<AdminStore> {
  const data = { url, holder: randomUUID(), retention };
  return openWorkerStore({ entry: new URL("./postgres-worker.ts", import.meta.url), data, place: withoutPassword(url), onNotice, onOpened });
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.password = "";
    return parsed.href;
  } catch {
    return "the PostgreSQL address in COPRESENCE_STORE";
  }
}
