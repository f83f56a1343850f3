/**
 * What an operator may ask of a store, as a suite that every adapter runs (`store-admin.ts`, [SA1]-[SA5]). A fixture names a place that outlives
 * its store, and shows every byte in it.
 */
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { PERMISSIONS_NOTE } from "../../core/note-keys.ts";
import type { AppendRecord } from "../../core/types.ts";
import { decodeSceneFile, encodeSceneFile } from "./scene-file.ts";
import { eachTest, must, type StoreFixture, textOf, typing } from "./scene-store.contract.ts";
import type { AdminStore } from "./store-admin.ts";

export type AdminFixture = Omit<StoreFixture, "open"> & {
  open(): Promise<AdminStore>;
  /** Everything the place holds, as an attacker with the disk (or a dump) would read it; the store is closed. */
  bytes(): Promise<Uint8Array>;
};

/** Names that are nowhere else in a store. */
const CANARY = "canary-7f3a91c05e";
const OTHER = "keeper-22b8d1";
const ALIAS = "erased-0000000001";

const rule = (who: string) => ({ target: "scene", name: "", to: "user", who, right: "edit", allow: false });
const permissions = (...who: string[]): Uint8Array => new TextEncoder().encode(JSON.stringify({ format: 1, rules: who.map(rule) }));

/** Several people's edits of one document. */
function authors() {
  const doc = new Y.Doc();
  const root = doc.getMap<Y.Map<unknown>>("objects");
  const by = (user: string, client: number, change: () => void): AppendRecord => {
    const before = Y.encodeStateVector(doc);
    doc.clientID = client;
    doc.transact(change);
    return { user, client, clock: Y.getState(doc.store, client), update: Y.encodeStateAsUpdate(doc, before) };
  };
  return {
    make: (user: string, client: number, id: string) => by(user, client, () => void root.set(id, new Y.Map<unknown>([["type", "lamp"]]))),
    paint: (user: string, client: number, id: string, color: string) => by(user, client, () => void root.get(id)?.set("color", color)),
    remove: (user: string, client: number, id: string) => by(user, client, () => root.delete(id)),
    json: () => root.toJSON(),
  };
}

function jsonOf(loaded: Parameters<typeof textOf>[0]): unknown {
  const doc = new Y.Doc();
  if (loaded.snapshot !== undefined) Y.applyUpdate(doc, loaded.snapshot);
  for (const update of loaded.updates) Y.applyUpdate(doc, update);
  return doc.getMap("objects").toJSON();
}

export function storeAdminContract(name: string, make: () => Promise<AdminFixture>): void {
  describe(`StoreAdmin contract: ${name}`, () => {
    let fixture: AdminFixture;
    let store: AdminStore;
    const reopen = eachTest<AdminStore, AdminFixture>(make, (...opened) => ([fixture, store] = opened));
    const has = async (word: string): Promise<boolean> => Buffer.from(await fixture.bytes()).includes(word);

    /** A scene that two people worked in, through several generations; the canary made `hers`, and last changed `theirs`. */
    const lived = async (scene: string): Promise<unknown> => {
      const { epoch } = await must(store.open(scene));
      const { make: create, paint, remove, json } = authors();
      const edits = [
        () => create(OTHER, 1, "theirs"),
        () => create(CANARY, 2, "hers"),
        () => paint(OTHER, 1, "hers", "red"),
        () => create(CANARY, 2, "gone"),
        () => remove(CANARY, 2, "gone"),
        () => paint(CANARY, 3, "theirs", "black"),
      ];
      for (const [index, edit] of edits.entries()) {
        await must(store.append(scene, epoch, [edit()]));
        if (index % 2 === 1) await must(store.compact(scene, epoch));
      }
      await must(store.note(scene, PERMISSIONS_NOTE, permissions(CANARY, OTHER)));
      return json();
    };

    it("[SA1] [SA2] takes a scene with its history, authors and notes into another store, through a file", async () => {
      const json = await lived("hall");
      const content = await must(store.exportScene("hall"));
      const decoded = decodeSceneFile(encodeSceneFile({ scene: "hall", exportedMs: 5, content }));
      if (!decoded.ok) throw new Error(decoded.error);
      expect(decoded.value).toEqual({ scene: "hall", exportedMs: 5, content });
      expect(await must(store.importScene("copy", decoded.value.content, { replace: false }))).toEqual({ epoch: 1 });
      const loaded = await must((await reopen()).open("copy"));
      expect(jsonOf(loaded)).toEqual(json);
      expect(new Map(loaded.owners)).toEqual(
        new Map([
          [1, OTHER],
          [2, CANARY],
          [3, CANARY],
        ]),
      );
      expect(loaded.notes?.get(PERMISSIONS_NOTE)).toEqual(permissions(CANARY, OTHER));
      await must(store.open("hall"));
      const query = { kind: "list", by: "", object: "", sinceMs: 0, limit: 50 } as const;
      expect(await must(store.recall("copy", 1, query))).toEqual(await must(store.recall("hall", 1, query)));
      // And it is a scene like any other.
      await must(store.append("copy", 1, [typing(9)("on")]));
      await must(store.compact("copy", 1));
      expect(textOf(await must((await reopen()).open("copy")))).toBe("on");
    });

    it("[SA2] refuses to overwrite, except when told, and then under a new epoch", async () => {
      await lived("hall");
      const content = await must(store.exportScene("hall"));
      const { epoch } = await must(store.open("full"));
      await must(store.append("full", epoch, [typing(4)("old")]));
      expect(await store.importScene("full", content, { replace: true })).toMatchObject({ ok: false, error: { code: "locked" } });
      await store.release("full");
      expect(await store.importScene("full", content, { replace: false })).toMatchObject({ ok: false, error: { code: "occupied" } });
      expect(textOf(await must((await reopen()).open("full")))).toBe("old");
      await store.release("full");
      expect(await must(store.importScene("full", content, { replace: true }))).toEqual({ epoch: epoch + 1 });
      const loaded = await must((await reopen()).open("full"));
      expect(loaded.epoch).toBe(epoch + 1);
      expect(textOf(loaded)).toBe("");
      expect(jsonOf(loaded)).toMatchObject({ theirs: { color: "black" } });
      expect(await store.append("full", epoch, [typing(4)("late")])).toMatchObject({ ok: false });
    });

    it("[SA2] an empty scene may be imported into, and replacing opens a quarantined one again", async () => {
      await lived("hall");
      const content = await must(store.exportScene("hall"));
      await must(store.open("empty"));
      await store.release("empty");
      await must(store.importScene("empty", content, { replace: false }));
      const { epoch } = await must(store.open("broken"));
      await must(store.append("broken", epoch, [typing(4)("x")]));
      await reopen(() => fixture.damage("broken", 1));
      expect(await store.open("broken")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await store.exportScene("broken")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await store.importScene("broken", content, { replace: false })).toMatchObject({ ok: false, error: { code: "occupied" } });
      await must(store.importScene("broken", content, { replace: true }));
      expect(jsonOf(await must(store.open("broken")))).toMatchObject({ theirs: { color: "black" } });
    });

    it("[SA2] imports nothing that does not decode, and exports nothing that is not there", async () => {
      const type = typing(5);
      type("a");
      const { user, client, clock, update } = type("b");
      const content = { base: undefined, records: [{ user, client, clock, atMs: 1, bytes: update }], owners: [], notes: new Map() };
      expect(await store.importScene("new", content, { replace: false })).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(await store.exportScene("new")).toMatchObject({ ok: false, error: { code: "unknown" } });
      expect(await must(store.open("new"))).toMatchObject({ seq: 0 });
    });

    it("hands out what is kept about a person, by scene, with their own words and nobody else's", async () => {
      await lived("hall");
      await must(store.open("cellar"));
      await must(store.append("cellar", 1, [typing(9)("somebody else's")]));
      const told = await must(store.exportPerson(CANARY));
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ scene: "hall", clients: [2, 3], rules: [rule(CANARY)], fault: undefined });
      expect(told[0]?.edits.map(({ changes }) => changes.map(({ object, kind }) => `${kind} ${object}`))).toEqual([
        ["created hers"],
        ["created gone"],
        ["deleted gone"],
        ["changed theirs"],
      ]);
      expect(told[0]?.edits.flatMap(({ wrote }) => wrote)).toEqual(["lamp", "lamp", "black"]);
      expect(told[0]?.objects).toEqual([
        { object: "theirs", made: false, lastChanged: true, gone: false },
        { object: "hers", made: true, lastChanged: false, gone: false },
        { object: "gone", made: true, lastChanged: true, gone: true },
      ]);
      expect(await must(store.exportPerson("nobody-of-that-name"))).toEqual([]);
    });

    it("[SA3] [SA4] takes a person out of everything, down to the last byte, and leaves the scenes as they were", async () => {
      const json = await lived("hall");
      await lived("attic");
      // So that the log takes more than a page.
      for (let i = 0; i < 20; i++) await must(store.append("hall", 1, [{ ...typing(50 + i)("x".repeat(400)), user: CANARY }]));
      await reopen();
      await reopen(async () => expect(await has(CANARY)).toBe(true));
      await must(store.open("hall"));
      const erased = await must(store.erasePerson(CANARY, ALIAS));
      expect(erased).toEqual({ scenes: 2, records: 28, clients: 24, rules: 2, mentions: 0, left: [] });
      expect(await must(store.exportPerson(CANARY))).toEqual([]);
      // The room that was open goes on.
      await must(store.append("hall", 1, [typing(9)("on")]));
      await must(store.compact("hall", 1));
      await reopen(async () => {
        expect(await has(CANARY)).toBe(false);
        expect(await has(OTHER)).toBe(true);
      });
      const loaded = await must(store.open("hall"));
      expect(jsonOf(loaded)).toEqual(json);
      expect(loaded.owners?.get(2)).toBe(ALIAS);
      expect(loaded.notes?.get(PERMISSIONS_NOTE)).toEqual(permissions(OTHER));
      const list = await must(store.recall("hall", 1, { kind: "list", by: ALIAS, object: "hers", sinceMs: 0, limit: 5 }));
      expect(list).toMatchObject({ entries: [{ user: ALIAS, object: "hers", kind: "created" }] });
      expect(await must(store.erasePerson(CANARY, "erased-0000000002"))).toEqual({
        scenes: 0,
        records: 0,
        clients: 0,
        rules: 0,
        mentions: 0,
        left: [],
      });
      expect((await must(store.open("attic"))).owners?.get(2)).toBe(ALIAS);
    });

    it("[SA3] reaches into scenes that are quarantined, and does not mend them by the way", async () => {
      await lived("hall");
      const { epoch } = await must(store.open("broken"));
      const type = typing(7);
      for (const letter of "abcd") await must(store.append("broken", epoch, [{ ...type(letter), user: CANARY }]));
      await reopen(() => fixture.damage("broken", 3));
      expect(await store.open("broken")).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect((await must(store.exportPerson(CANARY))).find(({ clients }) => clients.includes(7))?.fault).toMatch(/damaged/);
      expect(await must(store.erasePerson(CANARY, ALIAS))).toMatchObject({ scenes: 2, records: 8 });
      await reopen(async () => {
        expect(await has(CANARY)).toBe(false);
      });
      expect(await store.open("broken")).toMatchObject({ ok: false, error: { code: "corrupt" } });
    });

    it("[SA5] leaves what people wrote, and counts where the id is part of it", async () => {
      const { epoch } = await must(store.open("hall"));
      await must(store.append("hall", epoch, [{ ...typing(7)(`ask ${CANARY}`), user: OTHER }]));
      await must(store.note("hall", "of-a-later-version", new TextEncoder().encode(CANARY)));
      const erased = await must(store.erasePerson(CANARY, ALIAS));
      expect(erased).toMatchObject({ records: 0, mentions: 2 });
      expect(erased.left).toEqual([expect.stringMatching(/"of-a-later-version"/)]);
      expect(textOf(await must((await reopen()).open("hall")))).toBe(`ask ${CANARY}`);
    });
  });
}
