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
 * [WF4] Behind the newest commit nothing was written that could tell a flipped bit from a torn tail. But a torn tail lacks sectors, and a flipped
 *       bit is one bit: where setting a single bit makes every checksum right and a finished commit of it, that is what was written, and it is
 *       set (wal-flip.ts). Whether it was acknowledged need not be known: a commit that nobody was told of may be there. Where it could be one
 *       of several bits, the frame is damaged as one further up is.
 *
 * Format: https://www.sqlite.org/fileformat2.html#walformat
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import { type Flip, oneBitApart, wrongBit } from "./wal-flip.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** Frames that one flipped bit can spoil. */
const MENDED_MAX = 1;

/**
 * `valid`: frames that SQLite takes. `damaged`: numbers of frames (from 0) that fail although they were durable. `torn`: frames cut at the end.
 * `righted`: the byte in which a bit of the newest commit was wrong; it is right in the image's bytes now.
 */
export type WalVerdict = {
  readonly valid: number;
  readonly damaged: readonly number[];
  readonly headerDamaged: boolean;
  readonly torn: number;
  readonly righted?: number;
};

/** Mends `<file>-wal` if it is there and damaged, and says what was found. */
export function mendWal(file: string, notice: (sentence: string) => void): void {
  const path = `${file}-wal`;
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const wal = WalImage.of(bytes);
  if (wal === undefined) return;
  const { damaged, headerDamaged, torn, righted } = wal.verdict;
  if (righted !== undefined) {
    const kept = keep(path);
    rewrite(path, bytes.subarray(righted, righted + 1), righted);
    notice(
      `The newest commit in the store's write-ahead log was damaged by one bit, which was set right: nothing is lost; the log as found is in ${kept}.`,
    );
  }
  if (damaged.length > 0 || headerDamaged) {
    const kept = keep(path);
    if (damaged.length <= MENDED_MAX) rewrite(path, wal.mend(), 0);
    const what = damaged.length > 0 ? `${damaged.length} damaged frames` : "a damaged header";
    notice(
      `The store's write-ahead log has ${what}; what is readable is used, scenes that need the rest stay closed, the log as found is in ${kept}.`,
    );
  } else if (torn > 0) notice(`${torn} frames of a commit that was under way when the server died were cut from the store's write-ahead log.`);
}

/** [WF3] */
function keep(path: string): string {
  const kept = `${path}.damaged-${Date.now()}`;
  copyFileSync(path, kept);
  return kept;
}

function rewrite(path: string, bytes: Uint8Array, at: number): void {
  const handle = openSync(path, "r+");
  writeSync(handle, bytes, 0, bytes.length, at);
  fsyncSync(handle);
  closeSync(handle);
}

/** One write-ahead log in memory; making it and `mend` may change the bytes it is made of. */
export class WalImage {
  readonly verdict: WalVerdict;
  private readonly bytes: Buffer;
  private readonly pageBytes: number;
  private bigEndian: boolean;
  private readonly salt: Buffer;
  private frames: number;
  /** The first frame that fails; one past the last when none does. */
  private suspect = 0;

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
    const headerSum = bytes.subarray(24, 32);
    this.bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
    const sound = this.sum(bytes.subarray(0, 24)).equals(headerSum);
    if (!sound) this.bigEndian = endianness() === "BE";
    const all = Math.floor((bytes.length - HEADER_BYTES) / (FRAME_HEADER_BYTES + pageBytes));
    // A header that fails names salts that may be wrong; the frames have them too, and agree.
    this.salt = sound ? bytes.subarray(16, 24) : Buffer.from(first.subarray(8, 16));
    this.frames = this.generationLength(all);
    const verdict = this.judge(sound);
    this.verdict = sound && verdict.damaged.length === 0 ? (this.rightedNewest(verdict, all) ?? verdict) : verdict;
  }

  /** Writes header and checksums anew over everything up to the last finished commit [WF2]; returns the bytes. */
  mend(): Uint8Array {
    const { bytes, salt } = this;
    bytes.writeUInt32BE(MAGIC | (this.bigEndian ? 1 : 0), 0);
    bytes.writeUInt32BE(3_007_000, 4);
    bytes.writeUInt32BE(this.pageBytes, 8);
    salt.copy(bytes, 16);
    let sum = this.sum(bytes.subarray(0, 24));
    sum.copy(bytes, 24);
    const end = this.lastCommit() + 1;
    for (let frame = 0; frame < end; frame++) {
      const at = this.at(frame);
      salt.copy(bytes, at + 8);
      sum = this.frameSum(frame, sum);
      sum.copy(bytes, at + 16);
    }
    return bytes;
  }

  private judge(headerSound: boolean): WalVerdict {
    const { frames } = this;
    const failing: number[] = [];
    let said = this.sum(this.bytes.subarray(0, 24));
    let meant = said;
    for (let frame = 0; frame < frames; frame++) {
      const stored = this.bytes.subarray(this.at(frame) + 16, this.at(frame) + 24);
      // Against what the frame before says and what it should say, so that one bad frame does not condemn those behind it.
      const fromSaid = this.frameSum(frame, said);
      const agrees = fromSaid.equals(stored) || (!said.equals(meant) && this.frameSum(frame, meant).equals(stored));
      const sound = agrees && this.saltRight(frame);
      if (!sound && !(frame === 0 && !headerSound)) failing.push(frame);
      said = Buffer.from(stored);
      meant = fromSaid;
    }
    const first = failing[0] ?? frames;
    this.suspect = first;
    const finished = this.lastCommit();
    // The transaction of the first bad frame was durable if another was written behind it.
    const following = this.commitAfter(first);
    const durable = failing.length > 0 && following < frames - 1 && !failing.includes(following + 1);
    const damaged = durable ? failing.filter((frame) => frame <= finished) : [];
    const valid = durable ? finished + 1 : failing.length > 0 ? this.commitBefore(first) + 1 : finished + 1;
    // A header alone is written and fsynced before its frames; frames that agree with each other show that it was sound once.
    return { valid, damaged, headerDamaged: !headerSound && frames > 1 && !failing.includes(1), torn: frames - valid };
  }

  /** [WF4] */
  private rightedNewest(found: WalVerdict, all: number): WalVerdict | undefined {
    // The frame that fails; or the one behind the last, if it is only its salt that makes it another's.
    const suspect = this.suspect;
    if (suspect >= all) return undefined;
    const at = this.at(suspect);
    const previous = suspect === 0 ? this.bytes.subarray(24, 32) : this.bytes.subarray(this.at(suspect - 1) + 16, this.at(suspect - 1) + 24);
    const byte = this.wrongByte(at, Buffer.from(previous));
    if (byte === undefined) return undefined;
    if (byte === "several") {
      const finished = this.lastCommit();
      return finished < suspect ? undefined : { valid: finished + 1, damaged: [suspect], headerDamaged: false, torn: this.frames - finished - 1 };
    }
    const { bytes, frames } = this;
    const was = bytes[byte.at] as number;
    bytes[byte.at] = was ^ byte.mask;
    this.frames = this.generationLength(all);
    const righted = this.judge(true);
    if (righted.valid > found.valid && righted.torn === 0 && righted.damaged.length === 0) return { ...righted, righted: byte.at };
    bytes[byte.at] = was;
    this.frames = frames;
    return undefined;
  }

  /** The bit of the frame at `at` that is wrong, if it is one. `previous`: checksum of the frame before. */
  private wrongByte(at: number, previous: Buffer): Flip | "several" | undefined {
    const { bytes, salt, pageBytes } = this;
    const stored = bytes.subarray(at + 16, at + 24);
    const data = Buffer.concat([bytes.subarray(at, at + 8), bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + pageBytes)]);
    const sum = this.sum(data, previous);
    const inSalt = oneBitApart(bytes.subarray(at + 8, at + 16), salt);
    if (inSalt !== undefined) return sum.equals(stored) ? { at: at + 8 + inSalt.at, mask: inSalt.mask } : undefined;
    if (!bytes.subarray(at + 8, at + 16).equals(salt)) return undefined;
    const inSum = oneBitApart(stored, sum);
    const inData = wrongBit(data, { sum, meant: stored, bigEndian: this.bigEndian });
    // The highest bit of a word of the data may change one bit of the checksum, too.
    if (inSum !== undefined) return inData === undefined ? { at: at + 16 + inSum.at, mask: inSum.mask } : "several";
    if (inData === undefined || inData === "several") return inData;
    return { at: at + inData.at + (inData.at < 8 ? 0 : FRAME_HEADER_BYTES - 8), mask: inData.mask };
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

  private frameSum(frame: number, previous: Buffer): Buffer {
    const at = this.at(frame);
    const page = at + FRAME_HEADER_BYTES;
    return this.sum(this.bytes.subarray(page, page + this.pageBytes), this.sum(this.bytes.subarray(at, at + 8), previous));
  }

  /** SQLite's running checksum over pairs of 32-bit words. Every start reads megabytes with it, in code that has never run before. */
  private sum(data: Buffer, start?: Buffer): Buffer {
    let a = start?.readUInt32BE(0) ?? 0;
    let b = start?.readUInt32BE(4) ?? 0;
    const isLittle = !this.bigEndian;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (let at = 0; at < data.length; at += 8) {
      a = (a + view.getUint32(at, isLittle) + b) >>> 0;
      b = (b + view.getUint32(at + 4, isLittle) + a) >>> 0;
    }
    const out = Buffer.alloc(8);
    out.writeUInt32BE(a, 0);
    out.writeUInt32BE(b, 4);
    return out;
  }
}

/** The page size the header names, or, when a bit of it is flipped, ours. */
function pageSize(bytes: Buffer): number | undefined {
  const named = bytes.readUInt32BE(8);
  if (named >= 512 && named <= 65_536 && (named & (named - 1)) === 0) return named;
  return bytes.length >= HEADER_BYTES + FRAME_HEADER_BYTES + 4096 ? 4096 : undefined;
}
