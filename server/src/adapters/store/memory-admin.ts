/** The memory store's side of store-admin.ts. */
import { crc32 } from "node:zlib";
import { err, ok } from "@copresence/shared/base";
import { readPast } from "../../core/history/past.ts";
import { fold } from "./compaction.ts";
import type { MemoryDisk, SceneFile } from "./memory-store.ts";
import { mentions, rulesNaming, withoutPerson } from "./person-notes.ts";
import { pastOfPerson } from "./person-past.ts";
import { corrupt } from "./records.ts";
import { baseSeq, occupied, openHere, type PersonInScene, type SceneContent, type StoreAdmin, strangeNote, unknownScene } from "./store-admin.ts";

export function memoryAdmin({ scenes }: MemoryDisk, isOpen: (scene: string) => boolean): StoreAdmin {
  return {
    exportScene: async (scene) => {
      const file = scenes.get(scene);
      if (file === undefined) return err(unknownScene);
      return file.quarantine === undefined ? ok(contentOf(file)) : corrupt(file.quarantine);
    },
    importScene: async (scene, content, { replace }) => {
      const folded = fold(
        content.base,
        content.records.map(({ bytes }) => bytes),
      );
      if (!folded.ok) return err({ code: "corrupt", sentence: `The scene was not imported: ${folded.error}.` });
      if (isOpen(scene)) return err(openHere);
      const there = scenes.get(scene);
      const empty = there === undefined || (there.rows.length === 0 && there.snapshots.length === 0 && there.quarantine === undefined);
      if (!empty && !replace) return err(occupied);
      const epoch = (there?.epoch ?? 0) + 1;
      scenes.set(scene, fileOf(content, epoch));
      return ok({ epoch });
    },
    exportPerson: async (user) => {
      const found: PersonInScene[] = [];
      for (const [scene, file] of scenes) {
        const clients = [...file.owners].filter(([, owner]) => owner === user).map(([client]) => client);
        const rules = [...file.notes].flatMap(([key, bytes]) => rulesNaming(key, bytes, user) ?? []);
        const content = contentOf(file);
        if (clients.length + rules.length === 0 && ![...content.records, ...file.ended.flat()].some((record) => record.user === user)) continue;
        const recall: Parameters<typeof pastOfPerson>[0]["recall"] = async (pasts, query) =>
          ok(
            readPast(
              pasts.map(({ base, records }) => ({ base: base?.bytes, records })),
              query,
            ),
          );
        const ended = file.ended.map((records) => ({ base: undefined, records }));
        const readable = file.quarantine === undefined ? ok(content) : corrupt(file.quarantine);
        found.push({ scene, key: scene, clients, rules, ...(await pastOfPerson({ recall }, readable, user, ended)) });
      }
      return ok(found);
    },
    erasePerson: async (user, alias) => {
      const touched = new Set<string>();
      const left: string[] = [];
      let [records, clients, rules, named] = [0, 0, 0, 0];
      for (const [scene, file] of scenes) {
        const before = records + clients + rules;
        for (const rows of [file.rows, file.past])
          for (const [index, row] of rows.entries()) {
            if (row.record.user !== user) continue;
            rows[index] = { ...row, record: { ...row.record, user: alias } };
            records++;
          }
        for (const rows of file.ended)
          for (const [index, record] of rows.entries()) {
            if (record.user !== user) continue;
            rows[index] = { ...record, user: alias };
            records++;
          }
        for (const [client, owner] of file.owners) if (owner === user && file.owners.set(client, alias)) clients++;
        for (const [key, bytes] of file.notes) {
          const [gone, cleaned] = [rulesNaming(key, bytes, user), withoutPerson(key, bytes, user)];
          if (gone !== undefined && cleaned !== undefined && gone.length > 0) {
            file.notes.set(key, cleaned);
            rules += gone.length;
          } else if (gone === undefined && mentions(bytes, user)) left.push(strangeNote(key));
        }
        if (records + clients + rules > before) touched.add(scene);
        const kept = [...file.rows, ...file.past].map(({ record }) => record.update);
        named += [...kept, ...file.snapshots.map(({ state }) => state), ...file.notes.values()].filter((bytes) => mentions(bytes, user)).length;
      }
      return ok({ scenes: touched.size, records, clients, rules, mentions: named, left });
    },
  };
}

function contentOf({ past, rows, synced, owners, notes }: SceneFile): SceneContent {
  const all = [...past, ...rows.slice(0, synced)];
  return {
    base: undefined,
    records: all.map(({ record: { user, client, clock, update }, atMs }) => ({ user, client, clock, atMs, bytes: update })),
    owners: [...owners].map(([client, user]) => ({ client, user })),
    notes: new Map(notes),
  };
}

function fileOf(content: SceneContent, epoch: number): SceneFile {
  const { base, records, owners, notes } = content;
  const first = baseSeq(content) + 1;
  const rows = records.map(({ user, client, clock, atMs, bytes }, index) => ({
    seq: first + index,
    atMs,
    record: { user, client, clock, update: bytes },
    crc: crc32(bytes),
  }));
  return {
    epoch,
    rows,
    past: [],
    ended: [],
    synced: rows.length,
    snapshots: base === undefined ? [] : [{ seq: baseSeq(content), state: base, crc: crc32(base) }],
    owners: new Map(owners.map(({ client, user }) => [client, user])),
    notes: new Map(notes),
    quarantine: undefined,
  };
}
