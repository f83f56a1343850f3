/**
 * Looks at SQLite's write-ahead log before SQLite does. SQLite ends its recovery at the first frame that fails its checksum, which is right
 * for a tail that was being written, and wrong for a flipped bit further up: it would drop commits that were acknowledged.
 *
 * [WF1] A frame that fails is *torn* when no commit was finished behind it: it was never fsynced, SQLite cuts it, we report it. It is
 *       *damaged* when a later transaction was written: a transaction is written only after the fsync of the one before.
 * [WF2] Damage is mended so that SQLite reads on: the checksums are computed again over what is there. The damaged page then meets the checks
 *       of records.ts, which close the scene it belongs to, and no other.
 *       A flipped bit spoils one frame; where more are spoiled we do not know what happened, and leave it to
 *       SQLite and to the marks of what was acknowledged (acked-mark.ts).
 * [WF3] The log as it was found is kept beside the file before anything is changed.
 *
 * Format: https://www.sqlite.org/fileformat2.html#walformat
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { endianness } from "node:os";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** Frames that one flipped bit can spoil. */
const MENDED_MAX = 1;

/** `valid`: frames that SQLite takes. `damaged`: numbers of frames (from 0) that fail although they were durable. `torn`: frames cut at the end. */
export type WalVerdict = { readonly valid: number; readonly damaged: readonly number[]; readonly headerDamaged: boolean; readonly torn: number };

/** Mends `<file>-wal` if it is there and damaged, and says what was found. */
export function mendWal(file: string, notice: (sentence: string) => void): void {
  const path = `${file}-wal`;
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const wal = WalImage.of(bytes);
  if (wal === undefined) return;
  const { damaged, headerDamaged, torn } = wal.verdict;
  if (damaged.length > 0 || headerDamaged) {
    const kept = `${path}.damaged-${Date.now()}`;
    copyFileSync(path, kept);
    if (damaged.length <= MENDED_MAX) rewrite(path, wal.mend());
    const what = damaged.length > 0 ? `${damaged.length} damaged frames` : "a damaged header";
    notice(
      `The store's write-ahead log has ${what}; what is readable is used, scenes that need the rest stay closed, the log as found is in ${kept}.`,
    );
  } else if (torn > 0) notice(`${torn} frames of a commit that was under way when the server died were cut from the store's write-ahead log.`);
}

function rewrite(path: string, bytes: Uint8Array): void {
  const handle = openSync(path, "r+");
  writeSync(handle, bytes, 0, bytes.length, 0);
  fsyncSync(handle);
  closeSync(handle);
}

/** Two words, as they are stored. */
type Sum = { readonly a: number; readonly b: number };
const NO_SUM: Sum = { a: 0, b: 0 };
const same = (one: Sum, other: Sum): boolean => one.a === other.a && one.b === other.b;

/** One write-ahead log in memory; `mend` changes the bytes it was made of. */
export class WalImage {
  readonly verdict: WalVerdict;
  private readonly bytes: Buffer;
  private readonly view: DataView;
  private readonly pageBytes: number;
  private bigEndian: boolean;
  private readonly salt: Buffer;
  private readonly frames: number;

  /** Undefined when there is nothing to look at: an empty log, or one whose page size cannot be made out. */
  static of(bytes: Buffer): WalImage | undefined {
    if (bytes.length < HEADER_BYTES + FRAME_HEADER_BYTES + 512) return undefined;
    const pageBytes = pageSize(bytes);
    return pageBytes === undefined ? undefined : new WalImage(bytes, pageBytes);
  }

  private constructor(bytes: Buffer, pageBytes: number) {
    this.bytes = bytes;
    this.pageBytes = pageBytes;
    const first = bytes.subarray(HEADER_BYTES);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
    const sound = same(this.headerSum(), this.sumAt(24));
    if (!sound) this.bigEndian = endianness() === "BE";
    const all = Math.floor((bytes.length - HEADER_BYTES) / (FRAME_HEADER_BYTES + pageBytes));
    // A header that fails names salts that may be wrong; the frames have them too, and agree.
    this.salt = sound ? bytes.subarray(16, 24) : Buffer.from(first.subarray(8, 16));
    this.frames = this.generationLength(all);
    this.verdict = this.judge(sound);
  }

  /** Writes header and checksums anew over everything up to the last finished commit [WF2]; returns the bytes. */
  mend(): Uint8Array {
    const { bytes, salt } = this;
    bytes.writeUInt32BE(MAGIC | (this.bigEndian ? 1 : 0), 0);
    bytes.writeUInt32BE(3_007_000, 4);
    bytes.writeUInt32BE(this.pageBytes, 8);
    salt.copy(bytes, 16);
    let sum = this.headerSum();
    this.writeSum(sum, 24);
    const end = this.lastCommit() + 1;
    for (let frame = 0; frame < end; frame++) {
      const at = this.at(frame);
      salt.copy(bytes, at + 8);
      sum = this.frameSum(frame, sum);
      this.writeSum(sum, at + 16);
    }
    return bytes;
  }

  private judge(headerSound: boolean): WalVerdict {
    const { frames } = this;
    const failing: number[] = [];
    let said = this.headerSum();
    let meant = said;
    for (let frame = 0; frame < frames; frame++) {
      const stored = this.sumAt(this.at(frame) + 16);
      // Against what the frame before says and what it should say, so that one bad frame does not condemn those behind it.
      const fromSaid = this.frameSum(frame, said);
      const agrees = same(fromSaid, stored) || (!same(said, meant) && same(this.frameSum(frame, meant), stored));
      const sound = agrees && this.saltRight(frame);
      if (!sound && !(frame === 0 && !headerSound)) failing.push(frame);
      said = stored;
      meant = fromSaid;
    }
    const first = failing[0] ?? frames;
    const finished = this.lastCommit();
    // The transaction of the first bad frame was durable if another was written behind it.
    const following = this.commitAfter(first);
    const durable = failing.length > 0 && following < frames - 1 && !failing.includes(following + 1);
    const damaged = durable ? failing.filter((frame) => frame <= finished) : [];
    const valid = durable ? finished + 1 : failing.length > 0 ? this.commitBefore(first) + 1 : finished + 1;
    // A header alone is written and fsynced before its frames; frames that agree with each other show that it was sound once.
    return { valid, damaged, headerDamaged: !headerSound && frames > 1 && !failing.includes(1), torn: frames - valid };
  }

  /** Frames of this generation: those behind the last one with our salts are left over from an earlier, longer one. */
  private generationLength(all: number): number {
    for (let frame = all - 1; frame >= 0; frame--) if (this.saltRight(frame)) return frame + 1;
    return 0;
  }

  private commitAfter(frame: number): number {
    for (let at = frame; at < this.frames; at++) if (this.isCommit(at)) return at;
    return this.frames;
  }

  private commitBefore(frame: number): number {
    for (let at = frame - 1; at >= 0; at--) if (this.isCommit(at)) return at;
    return -1;
  }

  private lastCommit(): number {
    return this.commitBefore(this.frames);
  }

  private isCommit(frame: number): boolean {
    return this.bytes.readUInt32BE(this.at(frame) + 4) !== 0;
  }

  private saltRight(frame: number): boolean {
    const at = this.at(frame) + 8;
    return this.bytes.subarray(at, at + 8).equals(this.salt);
  }

  private at(frame: number): number {
    return HEADER_BYTES + frame * (FRAME_HEADER_BYTES + this.pageBytes);
  }

  private headerSum(): Sum {
    return this.sum(0, 24, NO_SUM);
  }

  private frameSum(frame: number, previous: Sum): Sum {
    const at = this.at(frame);
    const page = at + FRAME_HEADER_BYTES;
    return this.sum(page, page + this.pageBytes, this.sum(at, at + 8, previous));
  }

  private sumAt(at: number): Sum {
    return { a: this.view.getUint32(at), b: this.view.getUint32(at + 4) };
  }

  private writeSum({ a, b }: Sum, at: number): void {
    this.view.setUint32(at, a);
    this.view.setUint32(at + 4, b);
  }

  /** SQLite's running checksum over pairs of 32-bit words. Every start reads megabytes with it, in code that has never run before. */
  private sum(from: number, end: number, start: Sum): Sum {
    let { a, b } = start;
    const { view, bigEndian } = this;
    for (let at = from; at < end; at += 8) {
      a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
      b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
    }
    return { a, b };
  }
}

/** The page size the header names, or, when a bit of it is flipped, ours. */
function pageSize(bytes: Buffer): number | undefined {
  const named = bytes.readUInt32BE(8);
  if (named >= 512 && named <= 65_536 && (named & (named - 1)) === 0) return named;
  return bytes.length >= HEADER_BYTES + FRAME_HEADER_BYTES + 4096 ? 4096 : undefined;
}
