/** Sessions that end offline and begin again, on a real scene cache (over fake-indexeddb) and a scripted room. */
import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { counterValue, createObject, deleteObject, readField, textField } from "@copresence/shared/scene";
import { JoinError, type MergeReport } from "../core/space-types.ts";
import { FakeRoom } from "../core/testing/fake-room.ts";
import { type Hall, hall, startWorld, type TestWorld, valveOf } from "../core/testing/world.ts";
import type { SceneCache } from "../core/scene-cache.ts";
import type { SpaceOptions } from "../core/space.ts";
import { seededRandom } from "../core/random.ts";
import { forgetOffline, openSceneCache } from "./indexed-db.ts";

const PLACE = { url: "http://room", space: "hall" };
const NO_NETWORK = { code: 1006, sentence: "no network", retryable: true };
let sessions = 0;

type Page = TestWorld & { readonly cache: SceneCache; readonly merged: readonly MergeReport[] };

/** One page: opened, and maybe joined. `room` is the server, the same for all pages of a test. */
async function page(
  room: FakeRoom | undefined,
  options: { readonly user?: string | undefined; readonly offline?: boolean } & Partial<SpaceOptions<Hall>> = {},
): Promise<Page> {
  const { user, offline = false, ...rest } = options;
  const cache = await openSceneCache({ ...PLACE, user });
  const world = startWorld({ cache, random: seededRandom(100 + sessions++), ...rest });
  if (room !== undefined)
    Object.assign(world.room, {
      doc: room.doc,
      epoch: room.epoch,
      me: room.me,
      durable: room.durable,
      refuses: room.refuses,
      names: room.names,
    });
  if (offline) world.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
  const merged: MergeReport[] = [];
  world.space.on("merged", (report) => void merged.push(report));
  await world.time.run(100);
  await world.ready;
  return { ...world, cache, merged };
}

/** What pages do when they are closed: nothing more. What was written before is durable. */
async function close(world: Page): Promise<void> {
  world.room.handlers = undefined;
  await world.cache.close();
}

const inRoom = (room: FakeRoom, field: string): unknown => readField(room.doc, hall, "valve-1", field);

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

describe("a device that keeps the scene", () => {
  it("opens it without a network, and brings home what was edited, across closed pages", async () => {
    const first = await page(undefined);
    valveOf(first.space).set("open", true);
    await first.time.run(100);
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).text("label").insert(0, "offline ");
    valveOf(first.space).count("turns", 2);
    expect([first.space.offline, first.space.saved]).toEqual(["kept", "offline"]);
    await close(first);

    const second = await page(first.room, { offline: true });
    expect([second.space.status, second.space.saved, valveOf(second.space).label, valveOf(second.space).open]).toEqual([
      "connecting",
      "offline",
      "offline ",
      true,
    ]);
    valveOf(second.space).text("label").insert(8, "twice");
    second.space.objects.create("lamp", { color: "#123456" }, "lamp-off");
    await close(second);

    const third = await page(first.room);
    const { merged } = third;
    await third.time.run(500);
    expect(third.space.saved).toBe("saved");
    expect([inRoom(first.room, "label"), counterValue(first.room.doc, "valve-1", "turns"), inRoom(first.room, "open")]).toEqual([
      "offline twice",
      2,
      true,
    ]);
    expect(third.space.objects.doc.getMap("objects").toJSON()).toEqual(first.room.doc.getMap("objects").toJSON());
    expect(merged).toHaveLength(1);
    expect(merged[0]?.saved).toBe(4);
    expect(merged[0]?.edits.map(({ objects }) => objects)).toEqual([["valve-1"], ["valve-1"], ["valve-1"], ["lamp-off"]]);
    await close(third);

    const fourth = await page(first.room);
    await fourth.time.run(500);
    expect(counterValue(first.room.doc, "valve-1", "turns")).toBe(2);
    expect(fourth.space.saved).toBe("saved");
  });

  it("keeps what was edited before the first join, once it knows whose it is", async () => {
    const cache = await openSceneCache({ ...PLACE, user: undefined });
    const early = startWorld({ cache });
    early.room.durable = false;
    early.space.objects.create("lamp", {}, "lamp-early");
    await early.time.run(200);
    await cache.close();
    const later = await openSceneCache({ ...PLACE, user: undefined });
    expect(later.found?.pending.map(({ edits }) => edits.length)).toEqual([1]);
    await later.close();
  });

  it("merges with what others did meanwhile", async () => {
    const first = await page(undefined);
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).text("label").insert(0, "mine");
    valveOf(first.space).count("turns", 3);
    await close(first);
    textField(first.room.doc, "valve-1", "label")?.insert(0, "theirs");
    createObject(first.room.doc, hall, "lamp", "lamp-2", {});
    const second = await page(first.room);
    await second.time.run(500);
    expect(String(inRoom(first.room, "label"))).toMatch(/^(minetheirs|theirsmine)$/);
    expect(second.space.objects.get("lamp-2")?.exists).toBe(true);
    expect([inRoom(first.room, "turns"), second.space.saved]).toEqual([3, "saved"]);
  });

  it("[OB3] gives every edit its own answer: the refused one is undone with its reason, the others are saved", async () => {
    const first = await page(undefined);
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).set("open", true);
    valveOf(first.space).text("label").insert(0, "poison");
    valveOf(first.space).count("turns", 1);
    await close(first);
    const room = first.room;
    room.refuses = (update) => (new TextDecoder().decode(update).includes("poison") ? "not-allowed" : undefined);
    room.names = { object: "valve-1", field: "label" };
    const second = await page(room, {});
    const { merged } = second;
    await second.time.run(2000);
    expect([valveOf(second.space).open, valveOf(second.space).label, valveOf(second.space).turns, second.space.saved]).toEqual([
      true,
      "",
      1,
      "denied",
    ]);
    expect([second.room.doc, inRoom(second.room, "open"), inRoom(second.room, "turns")]).toEqual([second.room.doc, true, 1]);
    expect(merged.flatMap(({ edits }) => edits.map(({ outcome }) => outcome)).toSorted()).toEqual(["not-allowed", "saved", "saved"]);
    await close(second);
    const third = await page(second.room);
    await third.time.run(500);
    expect([valveOf(third.space).label, third.space.saved]).toEqual(["", "saved"]);
  });

  it("[CA3] never shows or sends one person's edits as another's", async () => {
    const first = await page(undefined, { user: "u-me" });
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).text("label").insert(0, "secret");
    await close(first);
    const room = first.room;
    room.me = { ...room.me, user: "u-other" };
    const other = await page(room, { user: undefined });
    await other.time.run(500);
    expect([valveOf(other.space).label, inRoom(room, "label"), other.space.saved]).toEqual(["", "", "saved"]);
    await close(other);
    room.me = { ...room.me, user: "u-me" };
    const again = await page(room, { user: "u-me" });
    await again.time.run(500);
    expect([valveOf(again.space).label, inRoom(room, "label")]).toEqual(["secret", "secret"]);
  });

  it("makes the edits again on a document of another epoch", async () => {
    const first = await page(undefined);
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).count("turns", 2);
    valveOf(first.space).text("label").insert(0, "kept");
    first.space.objects.create("lamp", {}, "lamp-9");
    await close(first);
    const fresh = new FakeRoom(first.time);
    fresh.epoch = 5;
    createObject(fresh.doc, hall, "valve", "valve-1", {});
    const second = await page(fresh);
    const { merged } = second;
    await second.time.run(1000);
    expect([inRoom(fresh, "label"), inRoom(fresh, "turns"), second.space.saved]).toEqual(["kept", 2, "saved"]);
    expect(merged[0]?.saved).toBe(3);
    await close(second);
    const third = await page(fresh);
    await third.time.run(500);
    expect([inRoom(fresh, "turns"), third.space.saved]).toEqual([2, "saved"]);
  });

  it("says so when what an edit changed is gone", async () => {
    const first = await page(undefined);
    first.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    first.room.break();
    valveOf(first.space).count("turns", 2);
    await close(first);
    const fresh = new FakeRoom(first.time);
    fresh.epoch = 6;
    createObject(fresh.doc, hall, "valve", "valve-1", {});
    deleteObject(fresh.doc, "valve-1");
    const second = await page(fresh);
    const { merged } = second;
    await second.time.run(1000);
    expect(merged[0]?.edits.map(({ outcome, sentence }) => [outcome, sentence !== ""])).toEqual([["unknown-object", true]]);
    expect(second.space.saved).not.toBe("saving");
  });

  it("[IX3][IX4] keeps copies small, and erases those nobody opens, but never unsaved edits", async () => {
    const first = await page(undefined);
    for (let i = 0; i < 150; i++) {
      valveOf(first.space).count("turns", 1);
      await first.time.run(30);
    }
    await close(first);
    const cache = await openSceneCache({ ...PLACE, user: undefined });
    expect([cache.found?.confirmed.length, cache.found?.pending.length]).toEqual([1, 0]);
    await cache.close();
    const later = await openSceneCache({ ...PLACE, user: undefined }, { keepDays: 2 }, Date.now() + 3 * 86_400_000);
    expect(later.found).toBeUndefined();
    await later.close();

    const second = await page(first.room);
    second.room.failures.push(...Array.from({ length: 1000 }, () => NO_NETWORK));
    second.room.break();
    valveOf(second.space).count("turns", 1);
    await close(second);
    const kept = await openSceneCache({ ...PLACE, user: undefined }, { keepDays: 2 }, Date.now() + 3 * 86_400_000);
    expect(kept.found?.pending.length).toBe(1);
    await kept.close();
    await forgetOffline({ space: "another" });
    expect((await openSceneCache({ ...PLACE, user: undefined })).found?.pending.length).toBe(1);
    await forgetOffline({ url: "ws://room/" });
    expect((await openSceneCache({ ...PLACE, user: undefined })).found).toBeUndefined();
  });

  it("still refuses a join that will never succeed, and one without a copy", async () => {
    const cache = await openSceneCache({ ...PLACE, user: undefined });
    const world = startWorld({ cache, patienceMs: 500 });
    world.room.failures.push(...Array.from({ length: 100 }, () => NO_NETWORK));
    const rejected = expect(world.ready).rejects.toBeInstanceOf(JoinError);
    await world.time.run(1000);
    await rejected;
  });

  it("loses nothing and repeats nothing, whenever pages close and links break", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom("edit", "break", "close", "wait", "offline"), { minLength: 4, maxLength: 24 }), async (steps) => {
        globalThis.indexedDB = new IDBFactory();
        let world = await page(undefined);
        const room = world.room;
        let turns = 0;
        for (const step of steps) {
          if (step === "edit") valveOf(world.space).count("turns", 1);
          if (step === "edit") turns++;
          if (step === "break") world.room.break();
          if (step === "wait") await world.time.run(300);
          if (step !== "close" && step !== "offline") continue;
          await close(world);
          world = await page(room, { offline: step === "offline" });
        }
        await close(world);
        world = await page(room);
        await world.time.run(2000);
        expect([counterValue(room.doc, "valve-1", "turns"), valveOf(world.space).turns, world.space.saved]).toEqual([turns, turns, "saved"]);
        await close(world);
      }),
      { numRuns: 25 },
    );
  });
});
