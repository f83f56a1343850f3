/** The parts of the SQLite store that a simulated disk is put under (simulations/src/chaos/disk-seed.ts). Not for servers. */
export { fold } from "./compaction.ts";
export { freshRoot } from "../../core/document/fresh-root.ts";
export { packSnapshot, type PackedSnapshot, unpackSnapshot } from "./snapshot-bytes.ts";
export { compactScene } from "./sqlite-compaction.ts";
export { rerootScene } from "./sqlite-reroot.ts";
export { storeError } from "./sqlite-file.ts";
export { SqliteLog } from "./sqlite-log.ts";
export { WalReserve } from "./wal-reserve.ts";
