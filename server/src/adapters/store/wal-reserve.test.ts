import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { SqliteLog } from "./sqlite-log.ts";
import { WalReserve } from "./wal-reserve.ts";

const folder = mkdtempSync(join(tmpdir(), "copresence-reserve-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WANTED = 1_200_000;

function append(log: SqliteLog, count: number): void {
  for (let n = 0; n < count; n++) {
    const done = log.append([{ scene: "s", epoch: 1, records: [{ user: "ada", client: 7, clock: n, update: new Uint8Array(40).fill(n) }] }], 0);
    expect(done.ok).toBe(true);
  }
}

/** As a process that was killed leaves them. */
function pictureOf(file: string, name: string): string {
  const copy = join(folder, name);
  for (const part of ["", "-wal", "-acked"]) copyFileSync(file + part, copy + part);
  return copy;
}

it("[WV1] a log with room behind it reads as it was written, and SQLite writes into that room", () => {
  const file = join(folder, "roomy.sqlite");
  const log = new SqliteLog(file);
  log.load("s");
  append(log, 5);
  const reserve = new WalReserve(file, WANTED);
  for (let step = 0; !reserve.full && step < 10; step++) reserve.extend();
  const roomy = statSync(`${file}-wal`).size;
  expect(roomy).toBeGreaterThanOrEqual(WANTED);
  append(log, 20);
  expect(statSync(`${file}-wal`).size).toBe(roomy);
  const notices: string[] = [];
  const copy = new SqliteLog(pictureOf(file, "copy.sqlite"), (notice) => notices.push(notice));
  expect(copy.load("s")).toMatchObject({ ok: true, value: { seq: 25 } });
  expect(notices).toEqual([]);
  copy.close();
  log.close();
});

it("[WV2] neither a log without a header nor one that is gone gets any", () => {
  const file = join(folder, "bare.sqlite");
  const log = new SqliteLog(file);
  log.load("s");
  truncateSync(`${file}-wal`, 0);
  new WalReserve(file, WANTED).extend();
  expect(statSync(`${file}-wal`).size).toBe(0);
  log.close();
  const gone = new WalReserve(join(folder, "gone.sqlite"), WANTED);
  gone.extend();
  expect(gone.full).toBe(true);
});
