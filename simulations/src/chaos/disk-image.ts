/**
 * What a disk may hold after a power cut, made from two pictures of the store's files: just before and just after one transaction.
 *
 * [DI1] Between two fsyncs a disk may have written any of the sectors that changed, in any order, and half of one of them. So each changed
 *       sector of the picture is old, new, or torn.
 * [DI2] A file may have grown or not.
 * [DI3] What SQLite fsyncs first is on the disk first: a new header of the write-ahead log before its frames
 *       (https://www.sqlite.org/src/file/src/wal.c, syncHeader), the whole log before a checkpoint writes to the file.
 * [DI4] The marks of what was acknowledged are never fsynced: they may be any of their earlier selves.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Random } from "../random.ts";

const SECTOR_BYTES = 512;
const WAL_HEADER_BYTES = 32;
export const PARTS = ["", "-wal", "-acked"] as const;
export type Part = (typeof PARTS)[number];
/** The files of a store; a file that is not there is empty. */
export type Picture = Readonly<Record<Part, Buffer>>;

export function takePicture(file: string): Picture {
  const read = (part: Part): Buffer => (existsSync(file + part) ? readFileSync(file + part) : Buffer.alloc(0));
  return { "": read(""), "-wal": read("-wal"), "-acked": read("-acked") };
}

export function developPicture(file: string, picture: Picture): void {
  for (const part of PARTS) {
    rmSync(file + part, { force: true });
    if (picture[part].length > 0) writeFileSync(file + part, picture[part]);
  }
}

/** [DI1] to [DI4]; `marks`: earlier pictures of the marks, the newest last. */
export function powerCut(before: Picture, after: Picture, marks: readonly Buffer[], random: Random): Picture {
  const mark = marks.length === 0 ? before["-acked"] : random.pick([before["-acked"], ...marks, Buffer.alloc(0)]);
  return { "": half(before[""], after[""], random), "-wal": halfWal(before["-wal"], after["-wal"], random), "-acked": mark };
}

function halfWal(before: Buffer, after: Buffer, random: Random): Buffer {
  const header = after.subarray(0, WAL_HEADER_BYTES);
  if (before.length >= WAL_HEADER_BYTES && before.subarray(0, WAL_HEADER_BYTES).equals(header)) return half(before, after, random);
  const renewed = Buffer.alloc(Math.max(before.length, WAL_HEADER_BYTES));
  before.copy(renewed);
  header.copy(renewed);
  if (random.chance(0.2)) return random.chance(0.5) ? before : renewed;
  return half(renewed, after, random);
}

function half(before: Buffer, after: Buffer, random: Random): Buffer {
  if (before.equals(after)) return before;
  const length =
    after.length <= before.length || random.chance(0.7)
      ? Math.max(before.length, after.length)
      : before.length + random.int(after.length - before.length);
  const disk = Buffer.alloc(length);
  before.copy(disk);
  /** Some cuts come early, some late. */
  const written = random.pick([0, 0.1, 0.5, 0.9, 1]);
  for (let at = 0; at < length; at += SECTOR_BYTES) {
    const fresh = after.subarray(at, Math.min(at + SECTOR_BYTES, length));
    if (!random.chance(written)) continue;
    const torn = random.chance(0.05) ? random.int(fresh.length + 1) : fresh.length;
    fresh.copy(disk, at, 0, torn);
  }
  return disk;
}

/** One bit of one file, chosen by the bytes there are. */
export function flipBit(
  picture: Picture,
  parts: readonly Part[],
  random: Random,
): { readonly picture: Picture; readonly part: Part; readonly byte: number } {
  const part = random.pick(parts.filter((name) => picture[name].length > 0));
  const flipped = Buffer.from(picture[part]);
  const byte = random.int(flipped.length);
  flipped[byte] = (flipped[byte] as number) ^ (1 << random.int(8));
  return { picture: { ...picture, [part]: flipped }, part, byte };
}
