/**
 * What an open document holds in memory, and what a thousand scenes hold that nobody is in: the real server in a process of its own, people
 * outside of it.
 *
 * [OM1] `objects.memory_ratio` is resident memory, as the kernel counts it for the whole process, store and compaction threads included: with the
 *       document open, less the same server with an empty document open and somebody in it.
 * [OM2] The idle scenes were really there: each was opened by the server for somebody who came, and every one of them is on its disk.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { devTicket } from "@copresence/client/node";
import { openSqliteStore } from "@copresence/server/store";
import { createObject } from "@copresence/shared/scene";
import { fillStore } from "@copresence/simulations/filled-store";
import notes from "@copresence/simulations/notes-scene";
import { WebSocket } from "ws";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import type { FromMemoryServer, Held, ToMemoryServer } from "./memory-server.ts";

export type MemoryScale = {
  readonly documentBytes: number;
  readonly idleScenes: number;
  readonly idleBytes: number;
  /** Visited before the first measurement, so that what a server makes once is not counted. */ readonly warmScenes: number;
};
export const MEMORY: MemoryScale = { documentBytes: 10_000_000, idleScenes: 1000, idleBytes: 20_000, warmScenes: 40 };

const SERVER = fileURLToPath(new URL("./memory-server.ts", import.meta.url));
/** Scenes visited at once. */
const AT_ONCE = 8;

export async function memory(scale: MemoryScale, progress: (line: string) => void): Promise<Figure[]> {
  return inFile(async (file) => {
    const filled = await fillStore(file, "memory-large", scale.documentBytes);
    const small = await fillStore(file, "memory-small", 0);
    progress(`a document of ${filled.objects} notes, ${(filled.bytes / 1e6).toFixed(1)} MB encoded`);
    const empty = await withServer(file, async (server) => server.opened("memory-small"));
    const large = await withServer(file, async (server) => server.opened("memory-large"));
    const rss = (large.rssBytes - empty.rssBytes) / (filled.bytes - small.bytes);
    const held = (large.heldBytes - empty.heldBytes) / (filled.bytes - small.bytes);
    progress(`resident ${(empty.rssBytes / 1e6).toFixed(0)} -> ${(large.rssBytes / 1e6).toFixed(0)} MB`);
    return [
      { id: "objects.memory_document_mb", value: filled.bytes / 1e6, unit: "MB" },
      { id: "objects.memory_ratio", value: rss, unit: "x", bar: "<= 6", ok: rss <= 6 },
      { id: "objects.memory_held_ratio", value: held, unit: "x" },
    ];
  });
}

export async function idle({ idleScenes, idleBytes, warmScenes }: MemoryScale, progress: (line: string) => void): Promise<Figure[]> {
  return inFile(async (file) => {
    const names = Array.from({ length: warmScenes + idleScenes }, (_, index) => `memory-idle-${index}`);
    const bytes = await fillAlike(file, names, idleBytes);
    return withServer(file, async (server) => {
      await server.visit(names.slice(0, warmScenes));
      const before = await server.empty();
      const open = await server.visit(names.slice(warmScenes));
      const after = await server.empty();
      const perScene = (after.heldBytes - before.heldBytes) / idleScenes;
      const share = perScene / bytes;
      progress(`${open} scenes opened and left; ${(perScene / 1000).toFixed(2)} kB each remain of ${(bytes / 1000).toFixed(1)} kB`);
      return [
        { id: "objects.idle_scenes", value: open, unit: "scenes", bar: `= ${idleScenes}`, ok: open === idleScenes },
        { id: "objects.idle_rooms", value: after.rooms, unit: "rooms", bar: "= 0", ok: after.rooms === 0 },
        // A document in memory holds several times its size.
        { id: "objects.idle_held_share", value: share, unit: "x", bar: "<= 0.1", ok: share <= 0.1 },
      ];
    });
  });
}

async function inFile<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-memory-"));
  try {
    return await work(join(folder, "scenes.sqlite"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same small document in many scenes of a store; its encoded size. */
async function fillAlike(file: string, scenes: readonly string[], bytes: number): Promise<number> {
  const doc = new Y.Doc();
  doc.clientID = 7;
  for (let at = 0; at < bytes; at += 1000) createObject(doc, notes, "note", `note-${at}`, { body: "words ".repeat(140) });
  const update = Y.encodeStateAsUpdate(doc);
  const store = await openSqliteStore({ file });
  try {
    for (const scene of scenes) {
      const opened = await store.open(scene);
      const record = { user: "builder", client: 7, clock: Y.getState(doc.store, 7), update };
      const appended = opened.ok ? await store.append(scene, opened.value.epoch, [record]) : opened;
      if (!appended.ok) throw new Error(appended.error.sentence);
      await store.release(scene);
    }
  } finally {
    await store.close();
  }
  return update.length;
}

type MemoryServer = {
  /** Somebody is in it, and the server says what it holds. */
  opened(space: string): Promise<Held>;
  /** Comes into every space and leaves; how many the server opened. */
  visit(spaces: readonly string[]): Promise<number>;
  /** Waits until no room is open. */
  empty(): Promise<Held>;
};

async function withServer<T>(file: string, work: (server: MemoryServer) => Promise<T>): Promise<T> {
  const child = fork(SERVER, { execArgv: ["--expose-gc"], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const tell = (message: ToMemoryServer): void => void child.send(message);
  try {
    const running = answer(child, "running");
    tell({ kind: "start", file });
    const { url } = await running;
    const measure = async (): Promise<Held> => {
      const held = answer(child, "held");
      tell({ kind: "measure" });
      return held;
    };
    return await work({
      opened: async (space) => {
        const socket = await come(url, space);
        await pause(1000);
        const held = await measure();
        socket.close();
        return held;
      },
      visit: async (spaces) => {
        let opened = 0;
        const left = [...spaces];
        const visitor = async (): Promise<void> => {
          for (let space = left.pop(); space !== undefined; space = left.pop()) {
            (await come(url, space)).close();
            opened++;
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, visitor));
        return opened;
      },
      empty: async () => {
        let held = await measure();
        while (held.rooms > 0) {
          await pause(500);
          held = await measure();
        }
        return held;
      },
    });
  } finally {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.connected) {
      tell({ kind: "stop" });
      await ended;
    }
  }
}

function answer<K extends FromMemoryServer["kind"]>(child: ChildProcess, kind: K): Promise<Extract<FromMemoryServer, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error("The measured server ended."));
    const hear = (message: FromMemoryServer): void => {
      if (message.kind !== kind) return;
      child.off("message", hear);
      child.off("exit", gone);
      resolve(message as Extract<FromMemoryServer, { kind: K }>);
    };
    child.on("message", hear);
    child.once("exit", gone);
  });
}

/** A stock peer that was let in and asked what it has: its room is open. */
async function come(url: string, space: string): Promise<WebSocket> {
  const ticket = await devTicket(url, { space, name: "visitor", user: `visitor-${space}` });
  const socket = new WebSocket(`${url.replace("http", "ws")}/sync/${space}?ticket=${ticket}`);
  await once(socket, "message");
  return socket;
}
