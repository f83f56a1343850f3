import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { sceneStoreContract } from "./scene-store.contract.ts";
import { CHUNK_BYTES, sceneKey } from "./records.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { type AdminFixture, storeAdminContract } from "./store-admin.contract.ts";
import { StoreOpenError } from "./worker-store.ts";

async function folder(): Promise<{ file: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "copresence-store-"));
  return { file: join(path, "deep", "scenes.sqlite"), remove: () => rm(path, { recursive: true, force: true }) };
}

async function fixture(): Promise<AdminFixture> {
  const { file, remove } = await folder();
  return {
    open: () => openSqliteStore({ file }),
    damage: async (scene, what) => {
      const db = new DatabaseSync(file);
      const key = sceneKey(scene);
      const [table, seq] =
        what === "snapshot"
          ? ["chunk", db.prepare("SELECT max(seq) AS seq FROM snapshot WHERE scene = ?").get(key)?.["seq"] as number]
          : ["log", what];
      const { bytes } = db.prepare(`SELECT bytes FROM ${table} WHERE scene = ? AND seq = ?`).get(key, seq) as { bytes: Uint8Array };
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
      db.prepare(`UPDATE ${table} SET bytes = ? WHERE scene = ? AND seq = ?`).run(bytes, key, seq);
      db.close();
    },
    bytes: async () => {
      const files = await readdir(dirname(file));
      return Buffer.concat(await Promise.all(files.map((name) => readFile(join(dirname(file), name)))));
    },
    dispose: remove,
  };
}
sceneStoreContract("sqlite", fixture);
storeAdminContract("sqlite", fixture);

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
    const { mkdir } = await import("node:fs/promises");
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
    const { mkdir } = await import("node:fs/promises");
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

  it("[SF2] does not take a file that lost a table, or a scene that lost its entry, for a new one", async () => {
    const store = await openSqliteStore({ file: place.file });
    await store.open("a");
    await store.append("a", 1, [{ user: "u", client: 1, clock: 1, update: new Uint8Array([0, 0]) }]);
    await store.close();
    const change = (sql: string): void => {
      const db = new DatabaseSync(place.file);
      db.exec(sql);
      db.close();
    };
    change("CREATE TABLE kept AS SELECT * FROM scene; DELETE FROM scene;");
    const without = await openSqliteStore({ file: place.file });
    expect(await without.open("a")).toMatchObject({ ok: false, error: { code: "corrupt" } });
    await without.close();
    change("INSERT INTO scene SELECT * FROM kept; DROP TABLE log;");
    await expect(openSqliteStore({ file: place.file })).rejects.toMatchObject({ code: "corrupt" });
  });

  it("[SL2] finds that the end of what was acknowledged is missing, even where all that is left agrees with itself", async () => {
    const update = new Uint8Array([0, 0]);
    const store = await openSqliteStore({ file: place.file });
    await store.open("a");
    await store.append("a", 1, [{ user: "u", client: 1, clock: 1, update }]);
    await store.close();
    const { copyFile } = await import("node:fs/promises");
    await copyFile(place.file, `${place.file}.old`);
    const later = await openSqliteStore({ file: place.file });
    await later.open("a");
    await later.append("a", 1, [{ user: "u", client: 1, clock: 2, update }]);
    await later.close();
    await copyFile(`${place.file}.old`, place.file);
    const shortened = await openSqliteStore({ file: place.file });
    expect(await shortened.open("a")).toMatchObject({
      ok: false,
      error: { code: "corrupt", sentence: expect.stringMatching(/acknowledged up to record 2/) },
    });
    await shortened.close();
  });

  it("[SF3] reads a file of format 2, which had no notes", async () => {
    const before = await openSqliteStore({ file: place.file });
    await before.open("whole");
    await before.close();
    const db = new DatabaseSync(place.file);
    db.exec(`DROP TABLE note; PRAGMA user_version=${0x43500002}`);
    db.close();
    const store = await openSqliteStore({ file: place.file });
    expect(await store.open("whole")).toMatchObject({ ok: true, value: { seq: 0 } });
    expect(await store.note("whole", "permissions", Uint8Array.of(1))).toMatchObject({ ok: true });
    await store.close();
  });

  it("[SF3] reads a file of format 3, and marks it so that its server would refuse it from then on", async () => {
    const before = await openSqliteStore({ file: place.file });
    await before.open("whole");
    await before.append("whole", 1, [{ user: "u", client: 1, clock: 1, update: new Uint8Array([0, 0]) }]);
    await before.close();
    const format = (change = ""): unknown => {
      const db = new DatabaseSync(place.file);
      db.exec(change);
      const { user_version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
      db.close();
      return user_version;
    };
    expect(format(`PRAGMA user_version=${0x43500003}`)).toBe(0x43500003);
    const store = await openSqliteStore({ file: place.file });
    expect(await store.open("whole")).toMatchObject({ ok: true, value: { seq: 1 } });
    await store.close();
    expect(format()).toBe(0x43500004);
  });

  it("[SF3] refuses a file of a newer format in a sentence, and leaves it as it is", async () => {
    const before = await openSqliteStore({ file: place.file });
    await before.close();
    const db = new DatabaseSync(place.file);
    db.exec(`PRAGMA user_version=${0x43500005}`);
    db.close();
    const opening = openSqliteStore({ file: place.file });
    await expect(opening).rejects.toThrow(/written by a newer server \(store format 5; this one reads up to 4\); start that version/);
    const after = new DatabaseSync(place.file);
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 0x43500005 });
    after.close();
  });

  it("[SH1] forgets what is older or larger than may be kept, and still knows what was there before", async () => {
    const store = await openSqliteStore({ file: place.file, retention: { ms: 3600_000, bytes: 2000 } });
    await store.open("a");
    const doc = new Y.Doc();
    doc.clientID = 5;
    const root = doc.getMap<Y.Map<unknown>>("objects");
    const write = async (user: string, change: () => void): Promise<void> => {
      const before = Y.encodeStateVector(doc);
      doc.transact(change);
      const record = { user, client: 5, clock: Y.getState(doc.store, 5), update: Y.encodeStateAsUpdate(doc, before) };
      expect((await store.append("a", 1, [record])).ok).toBe(true);
    };
    await write("old", () => root.set("lamp", new Y.Map<unknown>([["type", "lamp"]])));
    for (let i = 0; i < 100; i++) {
      await write("ann", () => root.get("lamp")?.set("color", `shade ${i} ${"x".repeat(40)}`));
      if (i % 10 === 9) await store.compact("a", 1);
    }
    // The answer waits for the forgetting behind the last compaction.
    await store.compact("a", 1);
    await write("bob", () => root.delete("lamp"));
    const list = await store.recall("a", 1, { kind: "list", by: "", object: "", sinceMs: 0, limit: 50 });
    expect(list).toMatchObject({
      ok: true,
      value: {
        entries: [
          { user: "bob", kind: "deleted" },
          { user: "ann", object: "lamp" },
        ],
      },
    });
    const edits = list.ok && list.value.kind === "list" ? (list.value.entries[1]?.edits ?? 0) : 0;
    expect(edits).toBeGreaterThan(10);
    expect(edits).toBeLessThan(60);
    const undo = await store.recall("a", 1, { kind: "undo", by: "bob", object: "", sinceMs: 0, limit: 0 });
    expect(undo).toMatchObject({
      ok: true,
      value: { objects: [{ object: "lamp", after: { type: "lamp", color: expect.stringMatching(/^shade 99 /) } }] },
    });
    await store.close();
    const db = new DatabaseSync(place.file);
    expect(db.prepare("SELECT count(*) AS count FROM snapshot").get()).toEqual({ count: 3 });
    expect(db.prepare("SELECT count(*) AS count FROM log WHERE user = 'old'").get()).toEqual({ count: 0 });
    db.close();
    const again = await openSqliteStore({ file: place.file });
    expect(await again.open("a")).toMatchObject({ ok: true, value: { seq: 102 } });
    await again.close();
  });

  it("[SX2] a person who was forgotten already is erased from the pages they left behind", async () => {
    const user = "canary-7f3a91c05e";
    const store = await openSqliteStore({ file: place.file, retention: { ms: 3600_000, bytes: 2000 } });
    await store.open("a");
    const doc = new Y.Doc();
    doc.clientID = 5;
    const write = async (by: string, text: string): Promise<void> => {
      const before = Y.encodeStateVector(doc);
      doc.getText("t").insert(0, text);
      const record = { user: by, client: 0, clock: Y.getState(doc.store, 5), update: Y.encodeStateAsUpdate(doc, before) };
      expect((await store.append("a", 1, [record])).ok).toBe(true);
    };
    for (let i = 0; i < 60; i++) await write(user, "y".repeat(90));
    await store.compact("a", 1);
    for (let i = 0; i < 60; i++) await write("somebody", "z".repeat(90));
    // The answer to the last waits for the forgetting behind the one before.
    for (let i = 0; i < 3; i++) {
      await write("somebody", ".");
      await store.compact("a", 1);
    }
    const found = async (): Promise<boolean> => (await readFile(place.file)).includes(user) || (await readFile(`${place.file}-wal`)).includes(user);
    expect(await store.exportPerson(user)).toEqual({ ok: true, value: [] });
    expect(await found()).toBe(true);
    expect(await store.erasePerson(user, "erased-0000000001")).toMatchObject({ ok: true, value: { records: 0, left: [] } });
    // The server still has the file: nothing waits in its write-ahead log for a stop.
    expect(await found()).toBe(false);
    await store.close();
  });

  it("[SX3] names what it must not touch: a damaged write-ahead log that was kept", async () => {
    const store = await openSqliteStore({ file: place.file });
    await writeFile(`${place.file}-wal.damaged-1`, "frames of canary-7f3a91c05e");
    const erased = await store.erasePerson("canary-7f3a91c05e", "erased-0000000001");
    expect(erased).toMatchObject({ ok: true, value: { left: [expect.stringMatching(/scenes\.sqlite-wal\.damaged-1/)] } });
    await store.close();
  });

  it("[SF3] reads a file of format 1", async () => {
    const { createHash } = await import("node:crypto");
    const { crc32 } = await import("node:zlib");
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(place.file, ".."), { recursive: true });
    const db = new DatabaseSync(place.file);
    db.exec(`CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT; INSERT INTO meta VALUES ('format', '1');
      CREATE TABLE scene (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL, quarantine TEXT) STRICT;
      CREATE TABLE log (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, user TEXT NOT NULL, client INTEGER NOT NULL,
        clock INTEGER NOT NULL, atMs INTEGER NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (scene, epoch, seq)) STRICT;
      CREATE TABLE cut (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, atMs INTEGER NOT NULL) STRICT;
      CREATE TABLE snapshot (scene TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, bytes BLOB NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (scene, epoch, seq)) STRICT;
      CREATE TABLE client (scene TEXT NOT NULL, client INTEGER NOT NULL, user TEXT NOT NULL, PRIMARY KEY (scene, client)) STRICT;`);
    const bytes = new Uint8Array(CHUNK_BYTES + 10).fill(7);
    const update = new Uint8Array([0, 0]);
    for (const scene of ["whole", "damaged"]) {
      const key = sceneKey(scene);
      db.prepare("INSERT INTO scene VALUES (?, 1, NULL)").run(key);
      db.prepare("INSERT INTO snapshot VALUES (?, 1, 4, ?, ?)").run(key, bytes, createHash("sha256").update(bytes).digest("hex"));
      const crc = crc32(update, crc32(`${key}|1|5|u|9|3|`)) + (scene === "whole" ? 0 : 1);
      db.prepare("INSERT INTO log VALUES (?, 1, 5, 'u', 9, 3, 1000, ?, ?)").run(key, update, crc);
      db.prepare("INSERT INTO client VALUES (?, 9, 'u')").run(key);
    }
    db.close();
    const store = await openSqliteStore({ file: place.file });
    expect(await store.open("whole")).toEqual({
      ok: true,
      value: { epoch: 1, seq: 5, snapshot: bytes, updates: [update], cutRecords: 0, owners: new Map([[9, "u"]]), notes: new Map() },
    });
    expect(await store.open("damaged")).toMatchObject({ ok: false, error: { code: "corrupt" } });
    await store.close();
    const again = await openSqliteStore({ file: place.file });
    expect(await again.append("whole", 1, [{ user: "u", client: 9, clock: 4, update }])).toMatchObject({ ok: false });
    expect(await again.open("whole")).toMatchObject({ ok: true, value: { seq: 5 } });
    await again.close();
  });
});
