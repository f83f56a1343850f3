import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err, type Result } from "@copresence/shared/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LoadedScene, StoreError } from "./scene-store.ts";
import { storeError } from "./sqlite-file.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { WalImage } from "./wal-file.ts";

const FRAME = 24 + 4096;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "copresence-wal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The files of a store that died after `appends` acknowledged appends, under another name. */
function dead(appends: number): string {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  const [live, file] = [join(folder, "live.sqlite"), join(folder, "dead.sqlite")];
  const log = new SqliteLog(live);
  log.load("hall");
  for (let clock = 1; clock <= appends; clock++)
    log.append([{ scene: "hall", epoch: 1, records: [{ user: "u", client: 1, clock, update: new Uint8Array(40).fill(clock) }] }], clock);
  for (const part of ["", "-wal", "-acked"]) copyFileSync(live + part, file + part);
  log.close();
  return file;
}

/** A file that is refused as a whole is refused aloud too. */
function load(file: string): { loaded: Result<LoadedScene, StoreError>; notices: string[] } {
  const notices: string[] = [];
  try {
    const log = new SqliteLog(file, (sentence) => notices.push(sentence));
    const loaded = log.load("hall");
    log.close();
    return { loaded, notices };
  } catch (error) {
    return { loaded: err(storeError(error)), notices };
  }
}

function flip(file: string, byte: number, mask = 16): void {
  const bytes = readFileSync(file);
  bytes[byte] = (bytes[byte] as number) ^ mask;
  writeFileSync(file, bytes);
}

describe("a write-ahead log", () => {
  it("is judged sound as SQLite leaves it", () => {
    const image = WalImage.of(readFileSync(`${dead(6)}-wal`));
    expect(image?.verdict).toMatchObject({ damaged: [], headerDamaged: false, torn: 0 });
    expect(image?.verdict.valid).toBeGreaterThan(6);
  });

  it.each([0, 4, 8, 9, 16, 23, 24, 31])("[WF2] with a flipped bit in byte %i of its header loses nothing", (byte) => {
    const file = dead(6);
    flip(`${file}-wal`, byte);
    expect(load(file).loaded).toMatchObject({ ok: true, value: { seq: 6 } });
  });

  it("[WF1] [WF2] [WF3] with a flipped bit in any frame but the newest loads all of it or closes the scene, says so, and keeps what was found", () => {
    const file = dead(4);
    const whole = ["", "-wal", "-acked"].map((part) => [file + part, readFileSync(file + part)] as const);
    const frames = (readFileSync(`${file}-wal`).length - 32) / FRAME;
    // Page number, size, salt, checksum, page: each of them in some frame, every frame in some of them.
    const places = [2, 6, 12, 20, 24, 500, 4000];
    for (let frame = 0; frame < frames - 3; frame++) {
      for (const at of [places[frame % places.length] ?? 0, 20]) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name));
        for (const [name, bytes] of whole) writeFileSync(name, bytes);
        flip(`${file}-wal`, 32 + frame * FRAME + at);
        const { loaded, notices } = load(file);
        if (loaded.ok) expect(loaded.value.seq, `frame ${frame}, byte ${at}`).toBe(4);
        else expect(loaded.error.code).toBe("corrupt");
        expect(notices.join()).toMatch(/damaged/);
        expect(readdirSync(folder).some((name) => name.includes("damaged-"))).toBe(true);
      }
    }
  });

  it("[WF1] whose newest commit is half there is cut, and that is reported", () => {
    const file = dead(6);
    const bytes = readFileSync(`${file}-wal`);
    const two = WalImage.of(bytes)?.verdict.valid ?? 0;
    // The seventh commit was being written: its first frame is there, its last is not.
    const torn = Buffer.concat([bytes, Buffer.from(bytes.subarray(32 + (two - 1) * FRAME, 32 + two * FRAME))]);
    torn.fill(9, torn.length - 3000);
    writeFileSync(`${file}-wal`, torn);
    const { loaded, notices } = load(file);
    expect(loaded).toMatchObject({ ok: true, value: { seq: 6 } });
    expect(notices.join()).toMatch(/1 frames of a commit/);
  });

  it("[WF4] with any flipped bit in the newest commit has all of it or closes the scene, though no mark tells of it, says so, and keeps what was found", () => {
    const file = dead(4);
    const whole = ["", "-wal"].map((part) => [file + part, readFileSync(file + part)] as const);
    const wal = readFileSync(`${file}-wal`);
    const frames = WalImage.of(Buffer.from(wal))?.verdict.valid ?? 0;
    const isCommit = (frame: number): boolean => wal.readUInt32BE(32 + frame * FRAME + 4) !== 0;
    const first = Array.from({ length: frames - 1 }, (_, frame) => frame).findLast(isCommit) ?? -1;
    expect(frames - first - 1).toBeGreaterThan(1);
    // Page number, size (its only bit, too), both salts, both checksums, page.
    const places = [2, 3, 4, 7, 9, 15, 17, 22, 24, 500, 2047, 4000, 24 + 4095];
    let righted = 0;
    for (let frame = first + 1; frame < frames; frame++) {
      for (const at of places) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name));
        for (const [name, bytes] of whole) writeFileSync(name, bytes);
        flip(`${file}-wal`, 32 + frame * FRAME + at, 1 << ((at + frame) % 8));
        const { loaded, notices } = load(file);
        if (loaded.ok) expect(loaded.value.seq, `frame ${frame}, byte ${at}`).toBe(4);
        // The highest bits of a word could be others (wal-flip.ts, [WX2]).
        else expect([loaded.error.code, at % 4]).toEqual(["corrupt", 3]);
        expect(notices.join(), `frame ${frame}, byte ${at}`).toMatch(/damaged/);
        if (notices.join().includes("set right")) righted++;
        expect(readdirSync(folder).some((name) => name.includes("damaged-"))).toBe(true);
      }
    }
    expect(righted).toBeGreaterThan(((frames - first - 1) * places.length) / 2);
  });

  it("[WF4] whose newest commit lost its size, and so its end, to one bit has it again", () => {
    const file = dead(4);
    const wal = readFileSync(`${file}-wal`);
    const { valid } = WalImage.of(Buffer.from(wal))?.verdict ?? { valid: 0 };
    const at = 32 + (valid - 1) * FRAME + 4;
    const meant = Buffer.from(wal.subarray(0, 32 + valid * FRAME));
    // Of a size that is one bit; the checksums are made anew over it.
    const image = WalImage.of(meant);
    meant.writeUInt32BE(256, at);
    image?.mend();
    const found = Buffer.from(meant);
    found.writeUInt32BE(0, at);
    expect(WalImage.of(found)?.verdict).toMatchObject({ valid, torn: 0, righted: at + 2 });
    expect(found.equals(meant)).toBe(true);
  });

  it("[SL2] whose newest acknowledged commit is spoiled closes the scene: the mark knows better", () => {
    const file = dead(6);
    const bytes = readFileSync(`${file}-wal`);
    bytes.fill(1, bytes.length - 2000);
    writeFileSync(`${file}-wal`, bytes);
    expect(load(file).loaded).toMatchObject({ ok: false, error: { code: "corrupt" } });
  });
});
