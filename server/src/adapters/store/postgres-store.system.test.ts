import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppendRecord } from "../../core/types.ts";
import { type PostgresServer, startPostgres } from "../testing/postgres-server.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { sceneKey } from "./records.ts";
import { sceneStoreContract } from "./scene-store.contract.ts";
import { type AdminFixture, storeAdminContract } from "./store-admin.contract.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());

async function fixture(): Promise<AdminFixture> {
  // Emptied for every test: a new database costs more than the test.
  const name = "postgres";
  const { url } = server;
  server.sql(name, "DROP SCHEMA IF EXISTS copresence CASCADE");
  return {
    open: () => openPostgresStore({ url }),
    damage: async (scene, what) => {
      const table = what === "snapshot" ? "snapshot" : "log";
      const which = what === "snapshot" ? `(SELECT max(seq) FROM copresence.snapshot WHERE scene = '${sceneKey(scene)}')` : String(what);
      server.sql(
        name,
        `UPDATE copresence.${table} SET bytes = set_bit(bytes, (length(bytes) * 4)::bigint, 1 - get_bit(bytes, (length(bytes) * 4)::bigint))
          WHERE scene = '${sceneKey(scene)}' AND seq = ${which}`,
      );
    },
    bytes: async () => Buffer.from(server.dump(name)),
    dispose: async () => undefined,
  };
}
sceneStoreContract("postgres", fixture);
storeAdminContract("postgres", fixture);

const record = (clock: number): AppendRecord => ({ user: "u", client: 1, clock, update: new Uint8Array([0, 0]) });

describe("a PostgreSQL store", () => {
  it("[ST5] leaves a scene to the holder that lives, and gives it away when that one lets go", async () => {
    const url = await server.database("holders");
    const [first, second] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
    expect((await first.open("hall")).ok).toBe(true);
    expect(await second.open("hall")).toMatchObject({ ok: false, error: { code: "locked" } });
    expect((await second.open("cellar")).ok).toBe(true);
    await first.release("hall");
    expect((await second.open("hall")).ok).toBe(true);
    expect(await first.append("hall", 1, [record(1)])).toMatchObject({ ok: false, error: { code: "closed" } });
    await first.close();
    await second.close();
  });

  it("[ST5] a holder that was silent too long is taken over, and can write nothing any more", async () => {
    const url = await server.database("fence");
    const [frozen, heir] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
    expect((await frozen.open("hall")).ok).toBe(true);
    expect(await frozen.append("hall", 1, [record(1)])).toEqual({ ok: true, value: { seq: 1 } });
    // As if it had not been heard of for a minute.
    server.sql("fence", "UPDATE copresence.scene SET beat = now() - interval '1 minute'");
    expect(await heir.open("hall")).toMatchObject({ ok: true, value: { seq: 1 } });
    expect(await frozen.append("hall", 1, [record(2)])).toMatchObject({ ok: false, error: { code: "fenced" } });
    expect(await frozen.compact("hall", 1)).toMatchObject({ ok: false });
    expect(await heir.append("hall", 1, [record(3)])).toEqual({ ok: true, value: { seq: 2 } });
    await frozen.close();
    await heir.close();
  });

  it("[ST1] [WS3] says that the server is gone, comes back with it, and has lost nothing", async () => {
    const url = await server.database("restart");
    const store = await openPostgresStore({ url });
    await store.open("hall");
    expect((await store.append("hall", 1, [record(1)])).ok).toBe(true);
    await server.stop("immediate");
    expect(await store.append("hall", 1, [record(2)])).toMatchObject({ ok: false, error: { code: "io" } });
    expect(await store.probe()).toMatchObject({ ok: false, error: { code: "io", sentence: expect.stringMatching(/cannot be reached/) } });
    await server.start();
    await expect.poll(() => store.probe(), { timeout: 10_000 }).toMatchObject({ ok: true });
    expect(await store.append("hall", 1, [record(2)])).toEqual({ ok: true, value: { seq: 2 } });
    await store.close();
  });

  it("[PA1] erases beside the rooms of its own server, and leaves a scene that another server has open to that server", async () => {
    const url = await server.database("erasing");
    const [mine, other] = [await openPostgresStore({ url }), await openPostgresStore({ url })];
    const hers = { ...record(1), user: "canary-7f3a91c05e" };
    for (const [store, scene] of [
      [mine, "hall"],
      [other, "cellar"],
    ] as const) {
      await store.open(scene);
      expect((await store.append(scene, 1, [hers])).ok).toBe(true);
    }
    const appends = Array.from({ length: 20 }, (_, index) => mine.append("hall", 1, [record(index)]));
    const first = await mine.erasePerson("canary-7f3a91c05e", "erased-0000000001");
    expect(first).toMatchObject({ ok: true, value: { records: 1, clients: 1, left: [expect.stringMatching(/^cellar: another server/)] } });
    for (const appended of await Promise.all(appends)) expect(appended.ok).toBe(true);
    expect(await other.erasePerson("canary-7f3a91c05e", "erased-0000000002")).toMatchObject({ ok: true, value: { records: 1, left: [] } });
    await mine.close();
    await other.close();
    expect(server.dump("erasing")).not.toContain("canary-7f3a91c05e");
  });

  it("[PF1] is refused in a sentence by a newer format, at start and by a scene that is opened later, and nothing is changed", async () => {
    const url = await server.database("newer");
    const running = await openPostgresStore({ url });
    await running.open("hall");
    expect((await running.append("hall", 1, [record(1)])).ok).toBe(true);
    server.sql("newer", "UPDATE copresence.meta SET value = '5' WHERE key = 'format'");
    await expect(openPostgresStore({ url })).rejects.toThrow(
      /written by a newer server \(store format 5; this one reads up to 4\); start that version/,
    );
    // A scene that is open goes on; the next is refused.
    expect((await running.append("hall", 1, [record(2)])).ok).toBe(true);
    const refused = { ok: false, error: { code: "corrupt", sentence: expect.stringMatching(/newer server \(store format 5\)/) } };
    expect(await running.open("cellar")).toMatchObject(refused);
    await running.close();
    expect(server.sql("newer", "SELECT count(*) FROM copresence.scene WHERE quarantine IS NULL").trim()).toBe("1");
    expect(server.sql("newer", "SELECT convert_from(value, 'UTF8') FROM copresence.meta WHERE key = 'format'").trim()).toBe("5");
  });

  it("[PF1] refuses servers from before there were formats, and reads what they wrote", async () => {
    const url = await server.database("older");
    const before = await openPostgresStore({ url });
    await before.open("hall");
    expect((await before.append("hall", 1, [record(1)])).ok).toBe(true);
    await before.close();
    server.sql("older", "DROP FUNCTION copresence.refuse_older CASCADE; DELETE FROM copresence.meta WHERE key = 'format'");
    const after = await openPostgresStore({ url });
    expect(await after.open("hall")).toMatchObject({ ok: true, value: { seq: 1 } });
    await after.close();
    // How they begin to open a scene.
    const theirs = "INSERT INTO copresence.scene (key, crc) VALUES ('k', 1) ON CONFLICT DO NOTHING";
    expect(() => server.sql("older", theirs)).toThrow(/newer server \(store format 4\)/);
  });

  it("[PF2] does not make a lost table anew", async () => {
    const url = await server.database("lost");
    const before = await openPostgresStore({ url });
    await before.open("hall");
    expect((await before.append("hall", 1, [record(1)])).ok).toBe(true);
    await before.close();
    server.sql("lost", "DROP TABLE copresence.log");
    const after = await openPostgresStore({ url });
    expect(await after.open("hall")).toMatchObject({ ok: false, error: { sentence: expect.stringMatching(/log.* does not exist/) } });
    await after.close();
  });

  it("says in a sentence why it cannot be opened, without the password", async () => {
    const url = `${server.url.replace("copresence@", "copresence:secret@").replace("/postgres?", "/nowhere?")}`;
    await expect(openPostgresStore({ url })).rejects.toThrow(/no such database/);
    await expect(openPostgresStore({ url })).rejects.not.toThrow(/secret/);
    await expect(openPostgresStore({ url: "postgres://u@127.0.0.1:1/x" })).rejects.toThrow(/cannot be reached \(ECONNREFUSED\)/);
  });
});
