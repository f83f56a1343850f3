/**
 * How far each scene was acknowledged, in a small file of its own beside the database: `<file>-acked`.
 *
 * SQLite ends the recovery of its write-ahead log at the first frame that fails its checksum, so a flipped bit would shorten every scene
 * without a word. This file is written after each commit, so a scene that loads with less than it says was damaged, not torn.
 *
 * [AM1] Written only after the fsync of what it names, without one of its own, and after the answer to who waited for it: it survives the death of
 *       the process, but for what was answered in the microseconds before; after a power cut it may be older than the truth, never newer. A bit that flips in a commit it does not know is found by itself
 *       (wal-file.ts, [WF4]).
 * [AM2] One 32-byte slot per scene: key (16 bytes), seq (two u32), epoch (u32), crc32. A slot that fails
 *       its crc says nothing.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const SLOT_BYTES = 32;

export class AckedMark {
  private readonly fd: number;
  private readonly slots = new Map<string, number>();
  private readonly seqs = new Map<string, { readonly epoch: number; readonly seq: number }>();
  private readonly buffer = Buffer.alloc(SLOT_BYTES);
  private count = 0;

  constructor(file: string) {
    const stored = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    this.count = Math.ceil(stored.length / SLOT_BYTES);
    for (let slot = 0; (slot + 1) * SLOT_BYTES <= stored.length; slot++) {
      const bytes = stored.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
      if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) continue;
      const key = bytes.toString("hex", 0, 16);
      this.slots.set(key, slot);
      this.seqs.set(key, { seq: bytes.readUInt32LE(16) + bytes.readUInt32LE(20) * 2 ** 32, epoch: bytes.readUInt32LE(24) });
    }
    this.fd = openSync(file, existsSync(file) ? "r+" : "w+");
  }

  /** What the scene was acknowledged to, as far as is known. */
  known(key: string): { readonly epoch: number; readonly seq: number } | undefined {
    return this.seqs.get(key);
  }

  /** `key`: 32 hex digits. */
  set(key: string, epoch: number, seq: number): void {
    let slot = this.slots.get(key);
    if (slot === undefined) this.slots.set(key, (slot = this.count++));
    this.seqs.set(key, { epoch, seq });
    const { buffer } = this;
    buffer.write(key, 0, "hex");
    buffer.writeUInt32LE(seq >>> 0, 16);
    buffer.writeUInt32LE(Math.floor(seq / 2 ** 32), 20);
    buffer.writeUInt32LE(epoch, 24);
    buffer.writeUInt32LE(crc32(buffer.subarray(0, 28)), 28);
    writeSync(this.fd, buffer, 0, SLOT_BYTES, slot * SLOT_BYTES);
  }

  close(): void {
    closeSync(this.fd);
  }
}
