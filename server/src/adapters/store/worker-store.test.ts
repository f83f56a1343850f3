import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { AppendRecord } from "../../core/types.ts";
import type { AdminStore } from "./store-admin.ts";
import { openWorkerStore } from "./worker-store.ts";

let folder: string;
let file: string;
let store: AdminStore;
beforeEach(async () => {
  doc = new Y.Doc();
  folder = mkdtempSync(join(tmpdir(), "copresence-mortal-"));
  file = join(folder, "scenes.sqlite");
  store = await openWorkerStore({ entry: new URL("./mortal-worker.ts", import.meta.url), data: { file }, place: file });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const dieAt = (place: string): void => writeFileSync(`${file}.die`, place);
let doc: Y.Doc;
function record(text: string): AppendRecord {
  const before = Y.encodeStateVector(doc);
  doc.getText("t").insert(0, text);
  return { user: "u", client: doc.clientID, clock: Y.getState(doc.store, doc.clientID), update: Y.encodeStateAsUpdate(doc, before) };
}

describe("a store whose thread dies", () => {
  it.each(["append.begin", "append.inserted", "append.committed"])(
    "[WS1] [WS3] at %s: fails what was under way, and a probe brings it back with all that was acknowledged",
    async (place) => {
      await store.open("a");
      await store.open("b");
      const first = record("first");
      expect(await store.append("a", 1, [first])).toEqual({ ok: true, value: { seq: 1 } });
      dieAt(place);
      const second = record("second");
      const failed = [store.append("a", 1, [second]), store.append("b", 1, [first])];
      for (const result of await Promise.all(failed)) expect(result).toMatchObject({ ok: false, error: { code: "io" } });
      expect(await store.append("a", 1, [second])).toMatchObject({ ok: false, error: { code: "io" } });
      expect(await store.probe()).toEqual({ ok: true, value: undefined });
      // As the room does: the batch that failed is made again. Where it had been committed already, Yjs knows it.
      expect((await store.append("a", 1, [second])).ok).toBe(true);
      expect((await store.append("b", 1, [first])).ok).toBe(true);
      await store.release("a");
      const loaded = await store.open("a");
      if (!loaded.ok) throw new Error(loaded.error.sentence);
      const again = new Y.Doc();
      for (const update of loaded.value.updates) Y.applyUpdate(again, update);
      expect(again.getText("t").toString()).toMatch(/^secondfirst/);
    },
  );

  it.each(["snapshot.chunk", "snapshot.fsync"])("[WS3] at %s of a compaction: the log is kept, and the next compaction succeeds", async (place) => {
    await store.open("a");
    for (const text of ["x", "y", "z"]) await store.append("a", 1, [record(text)]);
    // Records must build on nothing that is not there.
    const whole = Y.encodeStateAsUpdate(doc);
    await store.append("a", 1, [{ user: "u", client: doc.clientID, clock: 1, update: whole }]);
    dieAt(place);
    expect(await store.compact("a", 1)).toMatchObject({ ok: false, error: { code: "io" } });
    expect(await store.probe()).toEqual({ ok: true, value: undefined });
    expect(await store.compact("a", 1)).toMatchObject({ ok: true, value: { seq: 4 } });
  });

  it.each(["erase.page", "erase.vacuum"])("[SA4] at %s of an erasure: asked again, it finishes", async (place) => {
    await store.open("a");
    for (const text of ["x", "y", "z"]) await store.append("a", 1, [{ ...record(text), user: "canary-7f3a91c05e" }]);
    dieAt(place);
    expect(await store.erasePerson("canary-7f3a91c05e", "erased-0000000001")).toMatchObject({ ok: false, error: { code: "io" } });
    expect(await store.probe()).toEqual({ ok: true, value: undefined });
    expect(await store.erasePerson("canary-7f3a91c05e", "erased-0000000002")).toMatchObject({
      ok: true,
      value: { records: place === "erase.page" ? 3 : 0, mentions: 0, left: [] },
    });
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    expect(Buffer.concat(files).includes("canary-7f3a91c05e")).toBe(false);
    expect((await store.append("a", 1, [record("on")])).ok).toBe(true);
    await store.release("a");
    expect(await store.open("a")).toMatchObject({ ok: true, value: { seq: 4 } });
  });

  it("[SA2] at import.commit: the scene that was to be replaced is still there", async () => {
    await store.open("a");
    await store.append("a", 1, [record("x")]);
    const content = await store.exportScene("a");
    if (!content.ok) throw new Error(content.error.sentence);
    await store.append("a", 1, [record("y")]);
    await store.release("a");
    dieAt("import.commit");
    expect(await store.importScene("a", content.value, { replace: true })).toMatchObject({ ok: false, error: { code: "io" } });
    expect(await store.probe()).toEqual({ ok: true, value: undefined });
    expect(await store.open("a")).toMatchObject({ ok: true, value: { seq: 2, epoch: 1 } });
  });

  it("[WS3] a scene that came back with less than was acknowledged is written no more; the others go on", async () => {
    await store.open("a");
    await store.open("b");
    await store.append("a", 1, [record("x")]);
    await store.append("b", 1, [record("y")]);
    dieAt("append.begin");
    await store.append("b", 1, [record("z")]);
    const db = new DatabaseSync(file);
    db.exec("UPDATE log SET bytes = x'00' WHERE scene = (SELECT scene FROM log LIMIT 1)");
    const { n } = db.prepare("SELECT count(*) AS n FROM log").get() as { n: number };
    db.close();
    expect(n).toBe(2);
    expect((await store.probe()).ok).toBe(true);
    const results = [await store.append("a", 1, [record("again")]), await store.append("b", 1, [record("again")])];
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ error: { code: "corrupt" } });
  });
});
