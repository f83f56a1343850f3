/** The embedded default store: one SQLite file, written by a worker thread, so that an fsync never holds up a tick. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RETENTION, type Retention } from "./records.ts";
import type { AdminStore } from "./store-admin.ts";
import { openWorkerStore, StoreOpenError } from "./worker-store.ts";

export type SqliteStoreOptions = {
  /** Path of the database file; its folder is made if need be. */
  readonly file: string;
  /** How far back history goes. */
  readonly retention?: Retention | undefined;
  readonly onNotice?: ((sentence: string) => void) | undefined;
  /** Told what opening it took, ms. */
  readonly onOpened?: ((tookMs: number) => void) | undefined;
};

/** Opens or creates the file. Rejects with a StoreOpenError, `locked` when another process has it. */
export async function openSqliteStore({ file, retention = RETENTION, onNotice, onOpened }: SqliteStoreOptions): Promise<AdminStore> {
  const path = resolve(file);
  try {
    makeFolder(dirname(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StoreOpenError({ code: "io", sentence: `The store's folder cannot be made (${code ?? String(error)}); choose another.` }, path);
  }
  return openWorkerStore({ entry: new URL("./sqlite-worker.ts", import.meta.url), data: { file: path, retention }, place: path, onNotice, onOpened });
}

/** As `mkdirSync` with `recursive`, which never returns where the system refuses with ENOENT (below /proc, for one). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
