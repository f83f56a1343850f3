/** How much is stored for a document, to know when compacting is worth its cost (OBJECTS.md) and when it is full. */

const COMPACT_UPDATES = 500;
const COMPACT_BYTES = 256 * 1024;
/** Below LIMITS.syncDownBytes, with room for one batch: the whole document must fit one sync message. */
const DOCUMENT_BYTES_MAX = 24 << 20;

export class LogSize {
  private updates = 0;
  private logBytes = 0;
  private documentBytes = 0;

  loaded(snapshotBytes: number, updates: readonly Uint8Array[]): void {
    this.updates = updates.length;
    this.logBytes = updates.reduce((sum, update) => sum + update.length, 0);
    this.documentBytes = snapshotBytes + this.logBytes;
  }

  add(bytes: number): void {
    this.updates++;
    this.logBytes += bytes;
    this.documentBytes += bytes;
  }

  get wantsCompaction(): boolean {
    return this.updates >= COMPACT_UPDATES || this.logBytes >= COMPACT_BYTES;
  }

  /** Compaction was asked for: what comes from now on counts towards the next. */
  compacting(): void {
    this.updates = 0;
    this.logBytes = 0;
  }

  /** The log was folded into a snapshot of this many bytes; the rest came since it was asked for, some of it within it. */
  compacted(bytes: number): void {
    this.documentBytes = bytes + this.logBytes;
  }

  fits(bytes: number): boolean {
    return this.documentBytes + bytes <= DOCUMENT_BYTES_MAX;
  }
}
