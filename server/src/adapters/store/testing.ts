/** The parts of the SQLite store that a simulated disk is put under (simulations/src/chaos/disk-seed.ts). Not for servers. */
export { fold } from "./compaction.ts";
export { sha256 } from "./records.ts";
export { compactScene } from "./sqlite-compaction.ts";
export { storeError } from "./sqlite-file.ts";
export { SqliteLog } from "./sqlite-log.ts";
export { WalReserve } from "./wal-reserve.ts";
