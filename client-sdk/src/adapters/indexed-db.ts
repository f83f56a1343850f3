/**
 * The scene cache of browsers, in IndexedDB: one database for the origin, one copy per server, space and person.
 *
 * [IX1] Changes of one turn of the event loop are one transaction; batches follow each other in order [CA2].
 * [IX2] Several tabs may share a copy: rows are only added, and removed by their own key, so both tabs' edits are kept; what both send
 *       again, Yjs takes once.
 * [IX3] More than COMPACT_AT confirmed rows are merged into one when the copy is opened.
 * [IX4] Copies not opened for `keepDays` are erased, those with unsaved edits never.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import * as Y from "yjs";
import type { OutboxPart } from "../core/outbox.ts";
import type { CacheChange, CachedScene, SceneCache } from "../core/scene-cache.ts";
import type { OfflineOptions } from "../core/space-types.ts";
import { httpUrl } from "./colyseus.ts";

const DATABASE = "copresence-offline";
const VERSION = 1;
const COMPACT_AT = 100;
const KEEP_DAYS = 30;
const DAY_MS = 86_400_000;
const STORES = ["copies", "confirmed", "pending"] as const;

interface Tables extends DBSchema {
  copies: {
    key: string;
    value: { readonly key: string; readonly place: string; readonly user: string; epoch: number; openedMs: number };
    indexes: { place: string };
  };
  confirmed: { key: number; value: { readonly copy: string; readonly update: Uint8Array }; indexes: { copy: string } };
  pending: { key: number; value: { readonly copy: string; readonly edit: OutboxPart }; indexes: { copy: string; edit: [string, string] } };
}
type Database = IDBPDatabase<Tables>;

export type CachePlace = {
  /** Address of the server and identifier of the space. */
  readonly url: string;
  readonly space: string;
  /** Who is joining, as far as it is known; undefined opens the copy that was used last. */
  readonly user: string | undefined;
};

/** Opens this person's copy of a space; rejects where the browser has no IndexedDB for us. */
export async function openSceneCache(place: CachePlace, options: OfflineOptions = {}, nowMs: number = Date.now()): Promise<SceneCache> {
  const database = await open(options.database ?? DATABASE);
  await eraseOld(database, nowMs - (options.keepDays ?? KEEP_DAYS) * DAY_MS);
  const user = place.user ?? (await lastUser(database, placeOf(place)));
  const found = user === undefined ? undefined : await load(database, copyOf(place, user), user);
  return new IndexedDbCache(database, place, user, found, nowMs);
}

export type ForgetOptions = {
  readonly database?: string | undefined;
  readonly url?: string | undefined;
  readonly space?: string | undefined;
  readonly user?: string | undefined;
};

/**
 * Erases what this device keeps: of one person, one space, one server, or everything. Unsaved edits are erased with it. For "sign out" on
 * shared devices.
 */
export async function forgetOffline(options: ForgetOptions = {}): Promise<void> {
  const database = await open(options.database ?? DATABASE);
  const wanted = (copy: Tables["copies"]["value"]): boolean => {
    const [url, space] = JSON.parse(copy.place) as [string, string];
    return (
      (options.url === undefined || httpUrl(options.url) === url) &&
      (options.space === undefined || options.space === space) &&
      (options.user === undefined || options.user === copy.user)
    );
  };
  for (const copy of await database.getAll("copies")) if (wanted(copy)) await erase(database, copy.key);
  database.close();
}

class IndexedDbCache implements SceneCache {
  readonly found: CachedScene | undefined;
  onTrouble: (sentence: string) => void = () => undefined;
  private readonly database: Database;
  private readonly place: CachePlace;
  private readonly openedMs: number;
  private user: string | undefined;
  private waiting: { readonly copy: string; readonly user: string; readonly change: CacheChange }[] = [];
  private last: Promise<void> = Promise.resolve();
  private scheduled = false;

  constructor(database: Database, place: CachePlace, user: string | undefined, found: CachedScene | undefined, openedMs: number) {
    this.database = database;
    this.place = place;
    this.user = user;
    this.found = found;
    this.openedMs = openedMs;
  }

  become(user: string): void {
    this.user = user;
  }

  write(change: CacheChange): void {
    // Before the first join nobody knows whose edits these are; the core writes them again when the room has said so.
    if (this.user === undefined) return;
    this.waiting.push({ copy: copyOf(this.place, this.user), user: this.user, change });
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      const batch = this.waiting.splice(0);
      this.last = this.last.then(() => this.commit(batch)).catch((cause: unknown) => this.onTrouble(sentenceOf(cause)));
    });
  }

  async close(): Promise<void> {
    // The batch of this turn is queued behind this microtask.
    await Promise.resolve();
    await this.last;
    this.database.close();
  }

  private async commit(batch: typeof this.waiting): Promise<void> {
    const transaction = this.database.transaction(STORES, "readwrite", { durability: "strict" });
    try {
      for (const { copy, user, change } of batch)
        await apply(transaction, copy, { place: placeOf(this.place), user, openedMs: this.openedMs }, change);
      await transaction.done;
    } catch (cause) {
      transaction.done.catch(() => undefined);
      throw cause;
    }
  }
}

type Write = ReturnType<typeof writeTransaction>;
const writeTransaction = (database: Database) => database.transaction(STORES, "readwrite", { durability: "strict" });
type CopyHead = { readonly place: string; readonly user: string; readonly openedMs: number };

async function apply(transaction: Write, copy: string, head: CopyHead, change: CacheChange): Promise<void> {
  const [copies, confirmed, pending] = STORES.map((name) => transaction.objectStore(name)) as unknown as [
    ReturnType<typeof transaction.objectStore<"copies">>,
    ReturnType<typeof transaction.objectStore<"confirmed">>,
    ReturnType<typeof transaction.objectStore<"pending">>,
  ];
  const dropEdit = async (id: string): Promise<void> => {
    for (const key of await pending.index("edit").getAllKeys([copy, id])) await pending.delete(key);
  };
  switch (change.kind) {
    case "epoch":
      await copies.put({ key: copy, ...head, epoch: change.epoch });
      return;
    case "confirm":
      await confirmed.add({ copy, update: change.update });
      return;
    case "add":
      await dropEdit(change.edit.id);
      await pending.add({ copy, edit: change.edit });
      return;
    case "drop":
      for (const id of change.ids) await dropEdit(id);
      return;
    case "replace":
      for (const key of await confirmed.index("copy").getAllKeys(copy)) await confirmed.delete(key);
      await confirmed.add({ copy, update: change.state });
  }
}

async function load(database: Database, copy: string, user: string): Promise<CachedScene | undefined> {
  const transaction = writeTransaction(database);
  const head = await transaction.objectStore("copies").get(copy);
  if (head === undefined) return undefined;
  const store = transaction.objectStore("confirmed");
  let confirmed = (await store.index("copy").getAll(copy)).map(({ update }) => update);
  if (confirmed.length > COMPACT_AT) {
    confirmed = [compact(confirmed)];
    for (const key of await store.index("copy").getAllKeys(copy)) await store.delete(key);
    await store.add({ copy, update: confirmed[0] as Uint8Array });
  }
  const pending = (await transaction.objectStore("pending").index("copy").getAll(copy)).map(({ edit }) => edit);
  await transaction.done;
  return { user, epoch: head.epoch, confirmed, pending };
}

/** Through a document that collects what was deleted. */
function compact(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  const state = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return state;
}

async function lastUser(database: Database, place: string): Promise<string | undefined> {
  const copies = await database.getAllFromIndex("copies", "place", place);
  return copies.toSorted((a, b) => b.openedMs - a.openedMs)[0]?.user;
}

/** [IX4] */
async function eraseOld(database: Database, beforeMs: number): Promise<void> {
  for (const copy of await database.getAll("copies")) {
    if (copy.openedMs >= beforeMs) continue;
    if ((await database.countFromIndex("pending", "copy", copy.key)) === 0) await erase(database, copy.key);
  }
}

async function erase(database: Database, copy: string): Promise<void> {
  const transaction = writeTransaction(database);
  await transaction.objectStore("copies").delete(copy);
  for (const name of ["confirmed", "pending"] as const) {
    const store = transaction.objectStore(name);
    for (const key of await store.index("copy").getAllKeys(copy)) await store.delete(key);
  }
  await transaction.done;
}

async function open(name: string): Promise<Database> {
  return openDB<Tables>(name, VERSION, {
    upgrade: (database) => {
      database.createObjectStore("copies", { keyPath: "key" }).createIndex("place", "place");
      database.createObjectStore("confirmed", { autoIncrement: true }).createIndex("copy", "copy");
      const pending = database.createObjectStore("pending", { autoIncrement: true });
      pending.createIndex("copy", "copy");
      pending.createIndex("edit", ["copy", "edit.id"]);
    },
    // A newer version of the page wants to upgrade: this tab must not stand in its way.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

const placeOf = ({ url, space }: CachePlace): string => JSON.stringify([url, space]);
const copyOf = (place: CachePlace, user: string): string => JSON.stringify([place.url, place.space, user]);

function sentenceOf(cause: unknown): string {
  const quota = cause instanceof DOMException && cause.name === "QuotaExceededError";
  if (quota) return "This device has no space left to keep unsaved edits; they are kept while the page is open.";
  return `This device does not keep unsaved edits (${cause instanceof Error ? cause.message : String(cause)}); they are kept while the page is open.`;
}
