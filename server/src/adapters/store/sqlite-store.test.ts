import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sceneStoreContract } from "./scene-store.contract.ts";
import { sceneKey } from "./sqlite-log.ts";
import { openSqliteStore, StoreOpenError } from "./sqlite-store.ts";

async function folder(): Promise<{ file: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "copresence-store-"));
  return { file: join(path, "deep", "scenes.sqlite"), remove: () => rm(path, { recursive: true, force: true }) };
}

sceneStoreContract("sqlite", async () => {
  const { file, remove } = await folder();
  return {
    open: () => openSqliteStore({ file }),
    damage: async (scene, what) => {
      const db = new DatabaseSync(file);
      const table = what === "snapshot" ? "snapshot" : "log";
      const where = what === "snapshot" ? "seq = (SELECT max(seq) FROM snapshot WHERE scene = ?1)" : `seq = ${what}`;
      const row = db.prepare(`SELECT rowid AS id, bytes FROM ${table} WHERE scene = ?1 AND ${where}`).get(sceneKey(scene)) as {
        id: number;
        bytes: Uint8Array;
      };
      row.bytes[row.bytes.length >> 1] = (row.bytes[row.bytes.length >> 1] ?? 0) ^ 4;
      db.prepare(`UPDATE ${table} SET bytes = ? WHERE rowid = ?`).run(row.bytes, row.id);
      db.close();
    },
    dispose: remove,
  };
});

describe("openSqliteStore", () => {
  let place: Awaited<ReturnType<typeof folder>>;
  beforeEach(async () => {
    place = await folder();
  });
  afterEach(() => place.remove());

  it("[SL1] refuses a second opener of the same file, until the first is done", async () => {
    const first = await openSqliteStore({ file: place.file });
    await expect(openSqliteStore({ file: place.file })).rejects.toMatchObject({ code: "locked" });
    await first.close();
    const second = await openSqliteStore({ file: place.file });
    await second.close();
  });

  it("says in a sentence why a file that is no database cannot be opened, and leaves it alone", async () => {
    const { mkdir, readFile, writeFile } = await import("node:fs/promises");
    await mkdir(join(place.file, ".."), { recursive: true });
    await writeFile(place.file, "a text file, longer than the header of a database, that somebody may still want to read. ".repeat(4));
    await expect(openSqliteStore({ file: place.file })).rejects.toMatchObject({ code: "corrupt" });
    expect(await readFile(place.file, "utf8")).toMatch(/^a text file/);
  });

  it.each([
    ["a folder below a file", (file: string) => join(file, "deeper", "scenes.sqlite"), /folder cannot be made \(ENOTDIR\)/],
    ["a folder where the system makes none", () => "/proc/nowhere/scenes.sqlite", /folder cannot be made \(ENOENT\)/],
    ["a file that is a folder", (file: string) => join(file, ".."), /file cannot be opened/],
  ])("says in a sentence what is wrong with %s", async (_what, placed, sentence) => {
    const { mkdir, writeFile } = await import("node:fs/promises");
    await mkdir(join(place.file, ".."), { recursive: true });
    await writeFile(place.file, "");
    const opening = openSqliteStore({ file: placed(place.file) });
    await expect(opening).rejects.toBeInstanceOf(StoreOpenError);
    await expect(opening).rejects.toThrow(sentence);
  });

  it("[SL1] runs with a write-ahead log and full synchronisation", async () => {
    const store = await openSqliteStore({ file: place.file });
    await store.open("a");
    await store.close();
    const db = new DatabaseSync(place.file);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    db.close();
  });

  it("[SL2] does not accept a snapshot that does not decode", async () => {
    const store = await openSqliteStore({ file: place.file });
    await store.open("a");
    await store.append("a", 1, [{ user: "u", client: 1, clock: 1, update: new Uint8Array([0, 0]) }]);
    expect(await store.snapshot("a", 1, 1, new Uint8Array([9, 9, 9]))).toMatchObject({ ok: false, error: { code: "corrupt" } });
    await store.close();
  });
});
