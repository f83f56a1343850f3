import { mkdtemp, readdir, rm } from "node:fs/promises";
import { copyFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { err, ok } from "@copresence/shared/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { freshRoot } from "../../core/document/fresh-root.ts";
import type { AppendRecord } from "../../core/types.ts";
import { type CrashPoint, REROOT_POINTS } from "./crash-point.ts";
import type { LoadedScene } from "./scene-store.ts";
import { type PackedSnapshot, unpackSnapshot } from "./snapshot-bytes.ts";
import { SqliteLog } from "./sqlite-log.ts";
import { rerootScene } from "./sqlite-reroot.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const HOOK = Symbol.for("copresence.crash-point");
const compactor = {
  renew: async ({ snapshot, updates }: { snapshot: PackedSnapshot | undefined; updates: readonly Uint8Array[] }, root: number) => {
    const fresh = freshRoot(snapshot === undefined ? updates : [unpackSnapshot(snapshot) as Uint8Array, ...updates], root);
    return fresh.ok ? ok(fresh.value) : err(fresh.error);
  },
};
const note = { key: "retired", value: Uint8Array.of(7) };
const turn = async (): Promise<void> => undefined;

/** A document of a few hundred kilobytes, so that there are several pieces. */
function records(): { readonly records: AppendRecord[]; readonly doc: Y.Doc } {
  const doc = new Y.Doc();
  const records: AppendRecord[] = [];
  for (let i = 0; i < 900; i++) {
    const before = Y.encodeStateVector(doc);
    doc.clientID = 1 + (i % 7);
    doc.getMap("objects").set(
      `o${i % 300}`,
      new Y.Map([
        ["type", "note"],
        ["body", new Y.Text(`${i} `.repeat(300))],
      ]),
    );
    records.push({ user: `u${i % 7}`, client: doc.clientID, clock: Y.getState(doc.store, doc.clientID), update: Y.encodeStateAsUpdate(doc, before) });
  }
  return { records, doc };
}
const contentOf = ({ snapshot, updates }: LoadedScene): unknown => {
  const doc = new Y.Doc();
  if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc.getMap("objects").toJSON();
};
function must<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

describe("a re-rooting that is cut short", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "copresence-reroot-"));
  });
  afterEach(async () => {
    Reflect.deleteProperty(globalThis, HOOK);
    await rm(folder, { recursive: true, force: true });
  });
  /** What a killed process leaves: the files as they are at this moment. */
  const pictured = (file: string, name: string): string => {
    const to = join(folder, name, basename(file));
    mkdirSync(dirname(to), { recursive: true });
    for (const end of ["", "-wal", "-acked"]) copyFileSync(file + end, to + end);
    return to;
  };

  it("[ST8] leaves the old epoch or the new one, whole, whichever place the process dies at, and can be tried again", async () => {
    const file = join(folder, "scenes.sqlite");
    const { records: written, doc } = records();
    const content = doc.getMap("objects").toJSON();
    const log = new SqliteLog(file);
    must(log.load("a"));
    for (let at = 0; at < written.length; at += 50)
      must(must(log.append([{ scene: "a", epoch: 1, records: written.slice(at, at + 50) }], 1000 + at))[0] as never);
    const pictures: { readonly point: CrashPoint; readonly file: string }[] = [];
    Object.assign(globalThis, {
      [HOOK]: (point: CrashPoint) => {
        if (point.startsWith("reroot.")) pictures.push({ point, file: pictured(file, `${pictures.length}`) });
      },
    });
    const fresh = must(await rerootScene({ log, compactor, scene: "a", epoch: 1, turn, note }));
    Reflect.deleteProperty(globalThis, HOOK);
    log.close();
    expect(new Set(pictures.map(({ point }) => point))).toEqual(new Set(REROOT_POINTS));
    expect(pictures.filter(({ point }) => point === "reroot.records").length).toBeGreaterThan(1);
    for (const { point, file: picture } of pictures) {
      const again = new SqliteLog(picture);
      const loaded = must(again.load("a"));
      const begun = point === "reroot.committed";
      expect([point, loaded.epoch, loaded.seq]).toEqual([point, begun ? 2 : 1, begun ? fresh.updates.length : written.length]);
      expect(contentOf(loaded)).toEqual(content);
      expect([...(loaded.owners ?? [])]).toHaveLength(begun ? 0 : 7);
      // Goes on, and a second attempt does not stumble over what the first one left.
      const type = { user: "u", client: 99, clock: 1, update: Y.encodeStateAsUpdate(new Y.Doc()) };
      must(must(again.append([{ scene: "a", epoch: loaded.epoch, records: [type] }], 9999))[0] as never);
      const second = must(await rerootScene({ log: again, compactor, scene: "a", epoch: loaded.epoch, turn, note }));
      again.close();
      const store = await openSqliteStore({ file: picture });
      const reread = must(await store.open("a"));
      expect([reread.epoch, reread.seq]).toEqual([second.epoch, second.updates.length]);
      expect(contentOf(reread)).toEqual(content);
      await store.close();
    }
  });

  it("[SQ4] is given up when somebody appended meanwhile", async () => {
    const log = new SqliteLog(join(folder, "scenes.sqlite"));
    must(log.load("a"));
    const { records: written } = records();
    must(log.append([{ scene: "a", epoch: 1, records: written.slice(0, 3) }], 1));
    const meddling = {
      renew: async (...args: Parameters<typeof compactor.renew>) => {
        must(log.append([{ scene: "a", epoch: 1, records: written.slice(3, 4) }], 2));
        return compactor.renew(...args);
      },
    };
    expect(await rerootScene({ log, compactor: meddling, scene: "a", epoch: 1, turn, note })).toMatchObject({ ok: false, error: { code: "io" } });
    expect(log.heldAt("a", 1)?.seq).toBe(4);
    log.close();
    expect((await readdir(folder)).length).toBeGreaterThan(0);
  });

  it("[SH3] an epoch that has ended is forgotten with its time, and its snapshots go at once", async () => {
    const file = join(folder, "scenes.sqlite");
    const { records: written, doc } = records();
    const store = await openSqliteStore({ file, retention: { ms: 0, bytes: 0 } });
    must(await store.open("a"));
    must(await store.append("a", 1, written));
    must(await store.compact("a", 1));
    const fresh = must(await store.reroot("a", 1, note));
    const list = { kind: "list", by: "", object: "", sinceMs: 0, limit: 5 } as const;
    expect(must(await store.recall("a", fresh.epoch, list))).toMatchObject({ entries: { length: 5 } });
    must(await store.compact("a", fresh.epoch));
    // The next request waits behind the forgetting.
    must(await store.compact("a", fresh.epoch));
    expect(must(await store.recall("a", fresh.epoch, list))).toMatchObject({ entries: { length: 0 } });
    await store.close();
    const again = await openSqliteStore({ file, retention: { ms: 0, bytes: 0 } });
    expect(contentOf(must(await again.open("a")))).toEqual(doc.getMap("objects").toJSON());
    await again.close();
  });
});
