/**
 * The `SceneStore` contract as a suite: every adapter runs it (`scene-store.ts`, [ST1]-[ST4]). A fixture names a place that outlives its store.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { AppendRecord } from "../../core/types.ts";
import type { LoadedScene, SceneStore } from "./scene-store.ts";

export type StoreFixture = {
  /** Opens a store on the fixture's place; called again after `close`. */
  open(): Promise<SceneStore>;
  /** Flips a bit of record `seq` or of the newest snapshot; the store is closed. */
  damage(scene: string, what: number | "snapshot"): Promise<void>;
  dispose(): Promise<void>;
};

/** An update that types `text` into a Y.Text as one client; records of one client build on each other. */
function typing(client: number): (text: string) => AppendRecord {
  const doc = new Y.Doc();
  doc.clientID = client;
  return (text) => {
    const before = Y.encodeStateVector(doc);
    doc.getText("t").insert(doc.getText("t").length, text);
    return { user: `user-${client}`, client, clock: doc.getText("t").length, update: Y.encodeStateAsUpdate(doc, before) };
  };
}

function textOf(loaded: LoadedScene): string {
  const doc = new Y.Doc();
  if (loaded.snapshot !== undefined) Y.applyUpdate(doc, loaded.snapshot);
  for (const update of loaded.updates) Y.applyUpdate(doc, update);
  return doc.getText("t").toString();
}

async function must<T>(result: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>): Promise<T> {
  const settled = await result;
  if (!settled.ok) throw new Error(JSON.stringify(settled.error));
  return settled.value;
}

/** Declares the suite for one adapter. */
export function sceneStoreContract(name: string, make: () => Promise<StoreFixture>): void {
  describe(`SceneStore contract: ${name}`, () => {
    let fixture: StoreFixture;
    let store: SceneStore;

    beforeEach(async () => {
      fixture = await make();
      store = await fixture.open();
    });
    afterEach(async () => {
      await store.close();
      await fixture.dispose();
    });
    const reopen = async (): Promise<SceneStore> => {
      await store.close();
      store = await fixture.open();
      return store;
    };
    /** Appends "a", "b", ... one by one and returns the snapshot of the first `count` of them. */
    const write = async (scene: string, letters: string): Promise<(count: number) => Uint8Array> => {
      const { epoch } = await must(store.open(scene));
      const type = typing(7);
      const records = [...letters].map(type);
      for (const record of records) await must(store.append(scene, epoch, [record]));
      return (count) => {
        const doc = new Y.Doc();
        for (const { update } of records.slice(0, count)) Y.applyUpdate(doc, update);
        return Y.encodeStateAsUpdate(doc);
      };
    };

    it("[ST2] makes an empty scene once and keeps it", async () => {
      const first = await must(store.open("hall"));
      expect(first).toMatchObject({ seq: 0, snapshot: undefined, updates: [], cutRecords: 0 });
      expect(await must((await reopen()).open("hall"))).toMatchObject({ epoch: first.epoch, seq: 0 });
    });

    it("[ST1] keeps appended records in order, per scene, with consecutive numbers", async () => {
      const [a, b] = [typing(1), typing(2)];
      const epoch = (await must(store.open("a"))).epoch;
      await must(store.open("b"));
      expect(await must(store.append("a", epoch, [a("x"), a("y")]))).toEqual({ seq: 2 });
      expect(await must(store.append("b", epoch, [b("other")]))).toEqual({ seq: 1 });
      const results = await Promise.all(["1", "2", "3"].map((text) => must(store.append("a", epoch, [a(text)]))));
      expect(results.map(({ seq }) => seq)).toEqual([3, 4, 5]);
      await reopen();
      const loaded = await must(store.open("a"));
      expect(textOf(loaded)).toBe("xy123");
      expect(loaded.seq).toBe(5);
      expect(textOf(await must(store.open("b")))).toBe("other");
    });

    it("keeps who writes under which client id, first come first served", async () => {
      const { epoch } = await must(store.open("a"));
      await must(
        store.append("a", epoch, [
          typing(1)("x"),
          { ...typing(1)("x"), user: "thief" },
          { user: "u", client: 0, clock: 0, update: new Uint8Array(2) },
        ]),
      );
      await reopen();
      expect([...((await must(store.open("a"))).owners ?? [])]).toEqual([[1, "user-1"]]);
    });

    it("refuses an append to a scene that is not open, or of another epoch", async () => {
      const record = typing(1)("x");
      expect(await store.append("nowhere", 1, [record])).toMatchObject({ ok: false, error: { code: "closed" } });
      const { epoch } = await must(store.open("a"));
      expect(await store.append("a", epoch + 1, [record])).toMatchObject({ ok: false, error: { code: "closed" } });
      expect(await must(store.append("a", epoch, [record]))).toEqual({ seq: 1 });
    });

    it("copies what it is given", async () => {
      const { epoch } = await must(store.open("a"));
      const record = typing(1)("safe");
      const pending = store.append("a", epoch, [record]);
      record.update.fill(0xff);
      await must(pending);
      await reopen();
      expect(textOf(await must(store.open("a")))).toBe("safe");
    });

    it("[ST4] loads a snapshot and the log behind it", async () => {
      const state = await write("a", "abcdef");
      await must(store.snapshot("a", 1, 4, state(4)));
      await reopen();
      const loaded = await must(store.open("a"));
      expect(loaded.updates).toHaveLength(2);
      expect(loaded.seq).toBe(6);
      expect(textOf(loaded)).toBe("abcdef");
      const type = typing(8);
      expect(await must(store.append("a", 1, [type("!")]))).toEqual({ seq: 7 });
    });

    it("[ST4] survives a damaged snapshot through the previous generation, twice over", async () => {
      const state = await write("a", "abcdef");
      await must(store.snapshot("a", 1, 2, state(2)));
      await must(store.snapshot("a", 1, 4, state(4)));
      await must(store.snapshot("a", 1, 6, state(6)));
      await store.close();
      await fixture.damage("a", "snapshot");
      store = await fixture.open();
      const loaded = await must(store.open("a"));
      expect(textOf(loaded)).toBe("abcdef");
      expect(loaded.seq).toBe(6);
    });

    it("[ST4] survives a damaged only snapshot through the log", async () => {
      const state = await write("a", "abc");
      await must(store.snapshot("a", 1, 3, state(3)));
      await store.close();
      await fixture.damage("a", "snapshot");
      store = await fixture.open();
      expect(textOf(await must(store.open("a")))).toBe("abc");
    });

    it("refuses a snapshot from the future", async () => {
      const state = await write("a", "abc");
      expect(await store.snapshot("a", 1, 9, state(3))).toMatchObject({ ok: false });
    });

    it("[ST3] cuts a torn tail, reports it, and goes on from there", async () => {
      await write("a", "abcd");
      await store.close();
      await fixture.damage("a", 4);
      store = await fixture.open();
      const loaded = await must(store.open("a"));
      expect(loaded).toMatchObject({ seq: 3, cutRecords: 1 });
      expect(textOf(loaded)).toBe("abc");
      expect(await must(store.append("a", 1, [typing(8)("!")]))).toEqual({ seq: 4 });
      expect(await must((await reopen()).open("a"))).toMatchObject({ seq: 4, cutRecords: 0 });
    });

    it("[ST3] quarantines a scene with damage in the middle, for good, and leaves the others alone", async () => {
      await write("a", "abcd");
      await write("b", "fine");
      await store.close();
      await fixture.damage("a", 2);
      store = await fixture.open();
      expect(await store.open("a")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await (await reopen()).open("a")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await store.append("a", 1, [typing(8)("!")])).toMatchObject({ ok: false });
      expect(textOf(await must(store.open("b")))).toBe("fine");
    });

    it("[ST5] keeps notes beside the document, the newest of each key, through snapshots and restarts", async () => {
      expect(await store.note("a", "permissions", Uint8Array.of(1))).toMatchObject({ ok: false, error: { code: "closed" } });
      expect((await must(store.open("a"))).notes ?? new Map()).toEqual(new Map());
      await must(store.note("a", "permissions", Uint8Array.of(1, 2)));
      await must(store.note("a", "other", Uint8Array.of(9)));
      await must(store.note("a", "permissions", Uint8Array.of(3)));
      const state = Y.encodeStateAsUpdate(new Y.Doc());
      await must(store.append("a", 1, [typing(7)("x")]));
      await must(store.snapshot("a", 1, 0, state));
      await reopen();
      const { notes } = await must(store.open("a"));
      expect([...(notes ?? [])].map(([key, bytes]) => [key, [...bytes]]).sort()).toEqual([
        ["other", [9]],
        ["permissions", [3]],
      ]);
      expect([...((await must(store.open("b"))).notes ?? [])]).toEqual([]);
    });

    it("answers a probe while it works and nothing after it was closed", async () => {
      expect(await store.probe()).toEqual({ ok: true, value: undefined });
      await store.close();
      expect(await store.probe()).toMatchObject({ ok: false, error: { code: "closed" } });
      expect(await store.open("a")).toMatchObject({ ok: false, error: { code: "closed" } });
    });
  });
}
