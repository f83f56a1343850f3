/**
 * What a thousand scenes hold in memory that nobody is in.
 *
 * [OM2] The idle scenes were really there: each was opened by the server for somebody who came, and every one of them is on its disk.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "@copresence/server/store";
import { createObject } from "@copresence/shared/scene";
import notes from "@copresence/simulations/notes-scene";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import { withMemoryServer } from "./memory-visitors.ts";

export type IdleScale = {
  readonly scenes: number;
  readonly bytes: number;
  /** Visited before the first measurement, so that what a server makes once is not counted. */
  readonly warm: number;
};
export const IDLE: IdleScale = { scenes: 1000, bytes: 20_000, warm: 40 };

export async function idle(scale: IdleScale, progress: (line: string) => void): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-idle-"));
  return visited(join(folder, "scenes.sqlite"), scale, progress).finally(() => rm(folder, { recursive: true, force: true }));
}

async function visited(
  file: string,
  { scenes: idleScenes, bytes: idleBytes, warm: warmScenes }: IdleScale,
  progress: (line: string) => void,
): Promise<Figure[]> {
  const names = Array.from({ length: warmScenes + idleScenes }, (_, index) => `memory-idle-${index}`);
  const bytes = names.length * (await fillAlike(file, names, idleBytes));
  return withMemoryServer(file, async (server) => {
    await server.visit(names.slice(0, warmScenes));
    const before = await server.empty();
    const open = await server.visit(names.slice(warmScenes));
    const after = await server.empty();
    const perScene = (after.heldBytes - before.heldBytes) / idleScenes;
    const share = perScene / (bytes / names.length);
    progress(`${open} scenes opened and left; ${(perScene / 1000).toFixed(2)} kB each remain of ${(bytes / names.length / 1000).toFixed(1)} kB`);
    return [
      { id: "objects.idle_scenes", value: open, unit: "scenes", bar: `= ${idleScenes}`, ok: open === idleScenes },
      { id: "objects.idle_rooms", value: after.rooms, unit: "rooms", bar: "= 0", ok: after.rooms === 0 },
      // A document in memory holds several times its size.
      { id: "objects.idle_held_share", value: share, unit: "x", bar: "<= 0.1", ok: share <= 0.1 },
    ];
  });
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
