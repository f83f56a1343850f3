import { describe, expect, it } from "vitest";
import { memoryDisk, memoryStore, type StoreOperation } from "./memory-store.ts";
import { sceneStoreContract } from "./scene-store.contract.ts";
import { storeAdminContract } from "./store-admin.contract.ts";
import type { StoreError } from "./scene-store.ts";

sceneStoreContract("memory", async () => {
  const disk = memoryDisk();
  return {
    open: async () => memoryStore({ disk }),
    damage: async (scene, what) => disk.damage(scene, what),
    tear: async (scene) => disk.tear(scene),
    dispose: async () => undefined,
  };
});

storeAdminContract("memory", async () => {
  const disk = memoryDisk();
  const plain = (_key: string, value: unknown): unknown =>
    value instanceof Map ? [...value] : value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
  return {
    open: async () => memoryStore({ disk }),
    damage: async (scene, what) => disk.damage(scene, what),
    bytes: async () => Buffer.from(JSON.stringify([...disk.scenes], plain)),
    dispose: async () => undefined,
  };
});

const record = { user: "u", client: 1, clock: 1, update: new Uint8Array([0, 0]) };

describe("memoryStore faults", () => {
  it("[ST1] forgets in a crash what was not fsynced, and keeps what was", async () => {
    const waiting: (() => void)[] = [];
    const store = memoryStore({ wait: (operation) => (operation === "append" ? new Promise((go) => waiting.push(go)) : undefined) });
    await store.open("a");
    const first = store.append("a", 1, [record]);
    await Promise.resolve().then(() => Promise.resolve());
    await expect.poll(() => waiting.length).toBe(1);
    waiting.shift()?.();
    expect(await first).toEqual({ ok: true, value: { seq: 1 } });
    const second = store.append("a", 1, [record]);
    await expect.poll(() => waiting.length).toBe(1);
    store.crash();
    waiting.shift()?.();
    expect(await second).toMatchObject({ ok: false });
    expect(await memoryStore({ disk: store.disk }).open("a")).toMatchObject({ ok: true, value: { seq: 1 } });
  });

  it("fails what it is told to, takes nothing of it, and works again", async () => {
    let fault: StoreError | undefined = { code: "full", sentence: "No space." };
    const store = memoryStore({ fault: (operation: StoreOperation) => (operation === "open" ? undefined : fault) });
    await store.open("a");
    expect(await store.append("a", 1, [record])).toEqual({ ok: false, error: fault });
    expect(await store.probe()).toEqual({ ok: false, error: fault });
    fault = undefined;
    expect(await store.append("a", 1, [record])).toEqual({ ok: true, value: { seq: 1 } });
  });
});
