export { type MemoryDisk, memoryDisk, memoryStore, type MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export type { LoadedScene, SceneStore, StoreError } from "./scene-store.ts";
export { openSqliteStore, type SqliteStoreOptions, StoreOpenError } from "./sqlite-store.ts";
