export { type MemoryDisk, memoryDisk, memoryStore, type MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { isPostgresUrl, openPostgresStore, type PostgresStoreOptions } from "./postgres-store.ts";
export { RETENTION, type Retention } from "./records.ts";
export type { Compacted, LoadedScene, SceneStore, StoreError } from "./scene-store.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
export type { AdminStore } from "./store-admin.ts";
export { StoreOpenError } from "./worker-store.ts";
