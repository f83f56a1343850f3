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
  /** Leaves half an append behind the last that was acknowledged, as a crash does; the store is closed. Undefined where the database sees to it. */
  tear?: ((scene: string) => Promise<void>) | undefined;
  dispose(): Promise<void>;
};

/** An update that types `text` into a Y.Text as one client; records of one client build on each other. */
export function typing(client: number): (text: string) => AppendRecord {
  const doc = new Y.Doc();
  doc.clientID = client;
  return (text) => {
    const before = Y.encodeStateVector(doc);
    doc.getText("t").insert(doc.getText("t").length, text);
    return { user: `user-${client}`, client, clock: doc.getText("t").length, update: Y.encodeStateAsUpdate(doc, before) };
  };
}

export function textOf(loaded: LoadedScene): string {
  const doc = new Y.Doc();
  if (loaded.snapshot !== undefined) Y.applyUpdate(doc, loaded.snapshot);
  for (const update of loaded.updates) Y.applyUpdate(doc, update);
  return doc.getText("t").toString();
}

export async function must<T>(result: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>): Promise<T> {
  const settled = await result;
  if (!settled.ok) throw new Error(JSON.stringify(settled.error));
  return settled.value;
}

/** A fixture and its store for each test, told to `use`, and put away afterwards. Returns how to close the store and open it again. */
export function eachTest<S extends SceneStore, F extends { open(): Promise<S>; dispose(): Promise<void> }>(
  make: () => Promise<F>,
  use: (fixture: F, store: S) => void,
): (between?: () => Promise<void>) => Promise<S> {
  let fixture: F;
  let store: S;
  const open = async (): Promise<S> => {
    store = await fixture.open();
    use(fixture, store);
    return store;
  };
  beforeEach(async () => {
    fixture = await make();
    await open();
  });
  afterEach(async () => {
    await store.close();
    await fixture.dispose();
  });
  return async (between) => {
    await store.close();
    await between?.();
    return open();
  };
}

/** Declares the suite for one adapter. */
export function sceneStoreContract(name: string, make: () => Promise<StoreFixture>): void {
  describe(`SceneStore contract: ${name}`, () => {
    let fixture: StoreFixture;
    let store: SceneStore;
    const reopen = eachTest<SceneStore, StoreFixture>(make, (...opened) => ([fixture, store] = opened));
    /** Appends "a", "b", ... one by one, compacting after those whose numbers are in `compactAt`. */
    const write = async (scene: string, text: string, ...compactAt: number[]): Promise<void> => {
      const { epoch } = await must(store.open(scene));
      const type = typing(7);
      for (const [index, letter] of [...text].entries()) {
        await must(store.append(scene, epoch, [type(letter)]));
        if (compactAt.includes(index + 1)) expect((await must(store.compact(scene, epoch))).seq).toBe(index + 1);
      }
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
      await write("a", "abcdef", 4);
      await reopen();
      const loaded = await must(store.open("a"));
      expect(loaded.snapshot).toBeDefined();
      expect(loaded.updates).toHaveLength(2);
      expect(loaded.seq).toBe(6);
      expect(textOf(loaded)).toBe("abcdef");
      const type = typing(8);
      expect(await must(store.append("a", 1, [type("!")]))).toEqual({ seq: 7 });
    });

    it("[ST4] compacts while appends go on, and collects what was deleted", async () => {
      const { epoch } = await must(store.open("a"));
      const doc = new Y.Doc();
      doc.clientID = 3;
      const edit = (change: (text: Y.Text) => void): AppendRecord => {
        const before = Y.encodeStateVector(doc);
        change(doc.getText("t"));
        return { user: "u", client: 3, clock: Y.getState(doc.store, 3), update: Y.encodeStateAsUpdate(doc, before) };
      };
      for (let round = 0; round < 30; round++) {
        await must(store.append("a", epoch, [edit((text) => text.insert(0, "x".repeat(1000)))]));
        await must(store.append("a", epoch, [edit((text) => text.delete(0, 1000))]));
      }
      const compacted = store.compact("a", epoch);
      const during = await must(store.append("a", epoch, [edit((text) => text.insert(0, "kept"))]));
      expect(during.seq).toBe(61);
      expect((await compacted).ok).toBe(true);
      const again = await must(store.compact("a", epoch));
      expect(again.seq).toBe(61);
      expect(again.bytes).toBeLessThan(1000);
      const loaded = await must((await reopen()).open("a"));
      expect(loaded.updates).toEqual([]);
      expect(textOf(loaded)).toBe("kept");
    });

    it("[ST4] compacting what has not changed changes nothing", async () => {
      await write("a", "abc", 3);
      const first = await must(store.compact("a", 1));
      expect(await must(store.compact("a", 1))).toEqual(first);
      expect(await store.compact("a", 2)).toMatchObject({ ok: false, error: { code: "closed" } });
      expect(await store.compact("nowhere", 1)).toMatchObject({ ok: false, error: { code: "closed" } });
    });

    it("[ST4] survives a damaged snapshot through the previous generation, twice over", async () => {
      await write("a", "abcdef", 2, 4, 6);
      await reopen(() => fixture.damage("a", "snapshot"));
      const loaded = await must(store.open("a"));
      expect(textOf(loaded)).toBe("abcdef");
      expect(loaded.seq).toBe(6);
    });

    it("[ST4] survives a damaged only snapshot through the log", async () => {
      await write("a", "abc", 3);
      await reopen(() => fixture.damage("a", "snapshot"));
      expect(textOf(await must(store.open("a")))).toBe("abc");
    });

    it("[ST4] does not compact what does not decode, and keeps the log", async () => {
      const { epoch } = await must(store.open("a"));
      const unfounded = typing(7);
      unfounded("a");
      const second = unfounded("b");
      await must(store.append("a", epoch, [second]));
      expect(await store.compact("a", epoch)).toMatchObject({ ok: false, error: { code: "io" } });
      expect((await must((await reopen()).open("a"))).updates).toEqual([second.update]);
    });

    it("[ST3] cuts a tail that was never acknowledged, and goes on from there", async () => {
      await write("a", "abc");
      await reopen(async () => await fixture.tear?.("a"));
      const loaded = await must(store.open("a"));
      expect(loaded.seq).toBe(3);
      expect(textOf(loaded)).toBe("abc");
      expect(await must(store.append("a", 1, [typing(8)("!")]))).toEqual({ seq: 4 });
      expect(await must((await reopen()).open("a"))).toMatchObject({ seq: 4, cutRecords: 0 });
    });

    it.each([1, 2, 4])("[ST3] quarantines a scene whose record %i of 4 is damaged, for good, and leaves the others alone", async (record) => {
      await write("a", "abcd");
      await write("b", "fine");
      await reopen(() => fixture.damage("a", record));
      expect(await store.open("a")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await (await reopen()).open("a")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await store.append("a", 1, [typing(8)("!")])).toMatchObject({ ok: false });
      expect(textOf(await must(store.open("b")))).toBe("fine");
    });

    it("[ST6] keeps notes beside the document, the newest of each key, through snapshots and restarts", async () => {
      expect(await store.note("a", "permissions", Uint8Array.of(1))).toMatchObject({ ok: false, error: { code: "closed" } });
      expect((await must(store.open("a"))).notes ?? new Map()).toEqual(new Map());
      await must(store.note("a", "permissions", Uint8Array.of(1, 2)));
      await must(store.note("a", "other", Uint8Array.of(9)));
      await must(store.note("a", "permissions", Uint8Array.of(3)));
      await must(store.append("a", 1, [typing(7)("x")]));
      await must(store.compact("a", 1));
      await reopen();
      const { notes } = await must(store.open("a"));
      expect([...(notes ?? [])].map(([key, bytes]) => [key, [...bytes]]).sort()).toEqual([
        ["other", [9]],
        ["permissions", [3]],
      ]);
      expect([...((await must(store.open("b"))).notes ?? [])]).toEqual([]);
    });

    it("[ST7] remembers who changed what after compactions, and what it was before", async () => {
      const { epoch } = await must(store.open("a"));
      const doc = new Y.Doc();
      const by = (user: string, client: number, change: (root: Y.Map<Y.Map<unknown>>) => void): AppendRecord => {
        const before = Y.encodeStateVector(doc);
        doc.clientID = client;
        doc.transact(() => change(doc.getMap("objects")));
        return { user, client, clock: Y.getState(doc.store, client), update: Y.encodeStateAsUpdate(doc, before) };
      };
      const edits = [
        () => by("ann", 1, (root) => root.set("lamp", new Y.Map<unknown>([["type", "lamp"]]))),
        () => by("ann", 1, (root) => root.get("lamp")?.set("color", "red")),
        () => by("bob", 2, (root) => root.get("lamp")?.set("color", "black")),
        () => by("bob", 2, (root) => root.set("junk", new Y.Map<unknown>([["type", "crate"]]))),
        () => by("ann", 1, (root) => root.get("lamp")?.set("on", true)),
        () => by("bob", 2, (root) => root.delete("lamp")),
      ];
      for (const edit of edits) {
        await must(store.append("a", epoch, [edit()]));
        await must(store.compact("a", epoch));
      }
      await reopen();
      await must(store.open("a"));
      const list = await must(store.recall("a", epoch, { kind: "list", by: "", object: "lamp", sinceMs: 0, limit: 10 }));
      expect(list.kind === "list" && list.entries.map(({ user, kind, fields }) => ({ user, kind, fields }))).toEqual(
        expect.arrayContaining([
          { user: "ann", kind: "created", fields: ["color"] },
          { user: "bob", kind: "deleted", fields: [] },
        ]),
      );
      const undo = await must(store.recall("a", epoch, { kind: "undo", by: "bob", object: "", sinceMs: 0, limit: 0 }));
      expect(undo).toEqual({
        kind: "undo",
        touched: 2,
        objects: [
          { object: "junk", before: { type: "crate" }, after: undefined },
          { object: "lamp", before: undefined, after: { type: "lamp", color: "red", on: true } },
        ],
      });
      expect(await store.recall("a", epoch + 1, { kind: "undo", by: "bob", object: "", sinceMs: 0, limit: 0 })).toMatchObject({ ok: false });
    });

    describe("[ST8] begins a new epoch", () => {
      const note = { key: "retired", value: Uint8Array.of(7) };
      /** A scene of objects, written by two people, with a log, a snapshot and deletions. */
      const scene = async () => {
        const { epoch } = await must(store.open("a"));
        const doc = new Y.Doc();
        const by = async (user: string, client: number, change: (root: Y.Map<Y.Map<unknown>>) => void): Promise<void> => {
          const before = Y.encodeStateVector(doc);
          doc.clientID = client;
          doc.transact(() => change(doc.getMap("objects")));
          await must(store.append("a", epoch, [{ user, client, clock: Y.getState(doc.store, client), update: Y.encodeStateAsUpdate(doc, before) }]));
        };
        await by("ann", 1, (root) =>
          root.set(
            "lamp",
            new Y.Map<unknown>([
              ["type", "lamp"],
              ["label", new Y.Text("Main")],
            ]),
          ),
        );
        for (let i = 0; i < 40; i++) await by("bob", 2, (root) => root.get("lamp")?.set("color", `c${i}`));
        await must(store.compact("a", epoch));
        await by("bob", 2, (root) => root.set("junk", new Y.Map<unknown>([["type", "crate"]])));
        await by("ann", 1, (root) => void (root.get("lamp")?.get("label") as Y.Text | undefined)?.insert(4, " hall", { bold: true }));
        return { epoch, doc };
      };
      const documentOf = ({ snapshot, updates }: LoadedScene): Y.Doc => {
        const doc = new Y.Doc();
        if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
        for (const update of updates) Y.applyUpdate(doc, update);
        return doc;
      };
      const content = (doc: Y.Doc): unknown => doc.getMap("objects").toJSON();

      it("with the same content, no authors and no tombstones, and goes on from there", async () => {
        const { epoch, doc } = await scene();
        await must(store.note("a", "permissions", Uint8Array.of(1)));
        const fresh = await must(store.reroot("a", epoch, note));
        expect(fresh.epoch).toBe(epoch + 1);
        expect(content(documentOf({ ...fresh, seq: 0, snapshot: undefined, cutRecords: 0 }))).toEqual(content(doc));
        const type = typing(9);
        expect(await must(store.append("a", fresh.epoch, [type("x")]))).toEqual({ seq: fresh.updates.length + 1 });
        for (const compacting of [false, true]) {
          if (compacting) {
            await must(store.compact("a", fresh.epoch));
            await must(store.append("a", fresh.epoch, [type("y")]));
            const { wear } = await must(store.compact("a", fresh.epoch));
            expect(wear).toMatchObject({ clients: 2, dead: 0 });
          }
          const loaded = await must((await reopen()).open("a"));
          expect(loaded.epoch).toBe(fresh.epoch);
          expect(content(documentOf(loaded))).toEqual(content(doc));
          expect(documentOf(loaded).getMap<Y.Map<unknown>>("objects").get("lamp")?.get("label")).toBeInstanceOf(Y.Text);
          expect(textOf(loaded)).toBe(compacting ? "xy" : "x");
          expect([...documentOf(loaded).store.clients.keys()].sort()).toEqual([9, fresh.root].sort());
          expect([...(loaded.owners ?? [])]).toEqual([[9, "user-9"]]);
          expect([...(loaded.notes ?? [])].map(([key, bytes]) => [key, [...bytes]]).sort()).toEqual([
            ["permissions", [1]],
            ["retired", [7]],
          ]);
        }
      });

      it("which the old epoch's writes and a stale second attempt do not touch", async () => {
        const { epoch } = await scene();
        const fresh = await must(store.reroot("a", epoch, note));
        expect(await store.append("a", epoch, [typing(9)("late")])).toMatchObject({ ok: false });
        expect(await store.reroot("a", epoch, note)).toMatchObject({ ok: false, error: { code: "closed" } });
        expect(await store.compact("a", epoch)).toMatchObject({ ok: false, error: { code: "closed" } });
        expect(await store.reroot("nowhere", 1, note)).toMatchObject({ ok: false, error: { code: "closed" } });
        expect(await must((await reopen()).open("a"))).toMatchObject({ epoch: fresh.epoch, seq: fresh.updates.length });
        expect((await must(store.reroot("a", fresh.epoch, note))).epoch).toBe(fresh.epoch + 1);
      });

      it("of an emptied document, which is not one that never was", async () => {
        const { epoch } = await must(store.open("a"));
        const fresh = await must(store.reroot("a", epoch, note));
        expect((await must((await reopen()).open("a"))).seq).toBeGreaterThan(0);
        expect(fresh.updates.length).toBeGreaterThan(0);
      });

      it("not at all of what does not decode", async () => {
        const { epoch } = await must(store.open("a"));
        const unfounded = typing(7);
        unfounded("a");
        await must(store.append("a", epoch, [unfounded("b")]));
        expect(await store.reroot("a", epoch, note)).toMatchObject({ ok: false, error: { code: "io" } });
        expect(await must((await reopen()).open("a"))).toMatchObject({ epoch, seq: 1 });
      });

      it("and keeps what was before as history, which can be listed and undone", async () => {
        const { epoch } = await scene();
        const fresh = await must(store.reroot("a", epoch, note));
        const doc = documentOf({ ...fresh, seq: 0, snapshot: undefined, cutRecords: 0 });
        const before = Y.encodeStateVector(doc);
        doc.clientID = 5;
        doc.getMap<Y.Map<unknown>>("objects").get("lamp")?.set("on", true);
        const record = { user: "bob", client: 5, clock: 1, update: Y.encodeStateAsUpdate(doc, before) };
        await must(store.append("a", fresh.epoch, [record]));
        await must(store.compact("a", fresh.epoch));
        await reopen();
        await must(store.open("a"));
        const list = await must(store.recall("a", fresh.epoch, { kind: "list", by: "", object: "", sinceMs: 0, limit: 10 }));
        if (list.kind !== "list") throw new Error("not a list");
        expect(list.entries.map(({ user, object, kind }) => [user, object, kind]).slice(0, 1)).toEqual([["bob", "lamp", "changed"]]);
        expect(list.entries.map(({ user, object, kind }) => [user, object, kind])).toEqual(
          expect.arrayContaining([
            ["ann", "lamp", "created"],
            ["bob", "junk", "created"],
          ]),
        );
        const undo = await must(store.recall("a", fresh.epoch, { kind: "undo", by: "bob", object: "", sinceMs: 0, limit: 0 }));
        if (undo.kind !== "undo") throw new Error("not an undo");
        expect(undo.touched).toBe(2);
        expect(undo.objects[0]).toMatchObject({ object: "lamp", before: { on: true }, after: { color: "c39" } });
        expect(undo.objects.slice(1)).toEqual([
          { object: "junk", before: { type: "crate" }, after: undefined },
          { object: "lamp", before: { type: "lamp", color: "c39", label: "Main hall" }, after: { type: "lamp", label: "Main hall" } },
        ]);
      });
    });

    it("[ST5] writes nothing for a scene that was released, until it is opened again", async () => {
      await write("a", "ab");
      await store.release("a");
      expect(await store.append("a", 1, [typing(8)("!")])).toMatchObject({ ok: false, error: { code: "closed" } });
      expect(textOf(await must(store.open("a")))).toBe("ab");
      expect(await must(store.append("a", 1, [typing(8)("!")]))).toEqual({ seq: 3 });
    });

    it("answers a probe while it works and nothing after it was closed", async () => {
      expect(await store.probe()).toEqual({ ok: true, value: undefined });
      await store.close();
      expect(await store.probe()).toMatchObject({ ok: false, error: { code: "closed" } });
      expect(await store.open("a")).toMatchObject({ ok: false, error: { code: "closed" } });
    });
  });
}
