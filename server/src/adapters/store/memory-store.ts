/**
 * A store in memory with a disk that can misbehave, for simulations and tests. It meets the same contract as SQLite, and it shows what a
 * caller that trusts too early would lose: records are `written` first and `synced` a step later; a crash keeps only what was synced.
 *
 * [MS1] Deterministic: the only waiting is what `wait` does, in the order of the calls; no clock, no dice.
 * [MS2] The disk outlives the store: `memoryStore({ disk })` after `crash()` is the restart.
 */
import { crc32 } from "node:zlib";
import { err, ok, type Result } from "@copresence/shared/base";
import type { AppendRecord } from "../../core/types.ts";
import { freshRoot } from "../../core/document/fresh-root.ts";
import type { Rerooted, Wear } from "../../core/document/renewal.ts";
import { readPast } from "../../core/history/past.ts";
import type { PastRecord } from "../../core/history/types.ts";
import { fold } from "./compaction.ts";
import { memoryAdmin } from "./memory-admin.ts";
import { corrupt, notOpen, storeClosed } from "./records.ts";
import type { Compacted, LoadedScene, StoreError } from "./scene-store.ts";
import type { AdminStore } from "./store-admin.ts";

type Row = { readonly seq: number; readonly atMs: number; readonly record: AppendRecord; crc: number };
type Snapshot = { readonly seq: number; readonly state: Uint8Array; crc: number; readonly wear?: Wear };
export type SceneFile = {
  epoch: number;
  rows: Row[];
  /** What compaction took from `rows`: the history is never forgotten here. */
  past: Row[];
  /** The pasts of epochs that have ended. */
  readonly ended: PastRecord[][];
  synced: number;
  snapshots: Snapshot[];
  readonly owners: Map<number, string>;
  readonly notes: Map<string, Uint8Array>;
  quarantine: string | undefined;
};

/** What survives a crash. */
export type MemoryDisk = {
  readonly scenes: Map<string, SceneFile>;
  /** Flips a bit of a stored record (by sequence number), or of the newest snapshot. */
  damage(scene: string, what: number | "snapshot"): void;
  /** Leaves half a record behind the last that was fsynced, as a power cut does. */
  tear(scene: string): void;
};
export type StoreOperation = "open" | "append" | "compact" | "reroot" | "note" | "probe";
export type MemoryStoreOptions = {
  readonly disk?: MemoryDisk;
  /** Waits as long as the operation takes: a virtual clock's timer, or nothing. For appends it is the time until fsync returns. */
  readonly wait?: (operation: StoreOperation) => Promise<void> | undefined;
  /** Asked once per operation, after waiting; what it returns is the operation's failure. */
  readonly fault?: (operation: StoreOperation) => StoreError | undefined;
  /** Wall clock of the history, ms; without one everything happens at 0. */
  readonly now?: () => number;
};
export type MemoryStore = AdminStore & {
  readonly disk: MemoryDisk;
  /** Power cut: un-fsynced records vanish, everything under way fails, the store is closed. */
  crash(): void;
};

export function memoryDisk(): MemoryDisk {
  const scenes = new Map<string, SceneFile>();
  return {
    scenes,
    damage: (scene, what) => {
      const file = scenes.get(scene);
      const target = what === "snapshot" ? file?.snapshots.at(-1) : file?.rows.find((row) => row.seq === what);
      if (target !== undefined) target.crc ^= 1;
    },
    tear: (scene) => {
      const file = scenes.get(scene);
      const last = file?.rows.at(-1);
      if (file !== undefined && last !== undefined) file.rows.push({ ...last, seq: last.seq + 1, crc: last.crc ^ 1 });
    },
  };
}

/** A store on `disk`, by default on a fresh one. */
export function memoryStore({ disk = memoryDisk(), wait, fault, now = () => 0 }: MemoryStoreOptions = {}): MemoryStore {
  let open = true;
  const opened = new Set<string>();
  /** Operations run one after another, as a disk's do. */
  let line: Promise<unknown> = Promise.resolve();

  const inLine = <T>(operation: StoreOperation, before: () => Result<T, StoreError>, after?: () => void): Promise<Result<T, StoreError>> => {
    const turn = line.then(async (): Promise<Result<T, StoreError>> => {
      if (!open) return storeClosed;
      const result = before();
      if (!result.ok) return result;
      await wait?.(operation);
      if (!open) return storeClosed;
      const failure = fault?.(operation);
      if (failure === undefined) {
        after?.();
        return result;
      }
      for (const file of disk.scenes.values()) file.rows.length = file.synced;
      return err(failure);
    });
    line = turn;
    return turn;
  };

  const at = (scene: string, epoch: number): SceneFile | undefined => {
    const file = opened.has(scene) ? disk.scenes.get(scene) : undefined;
    return file?.epoch === epoch ? file : undefined;
  };

  return {
    disk,
    ...memoryAdmin(disk, (scene) => opened.has(scene)),
    open: async (scene) => {
      const reached = await inLine("open", () => ok(undefined));
      if (!reached.ok) return reached;
      const loaded = load(disk, scene);
      if (loaded.ok) opened.add(scene);
      return loaded;
    },
    append: (scene, epoch, records) => {
      const copies = records.map((record) => ({ ...record, update: record.update.slice() }));
      return inLine(
        "append",
        () => {
          const file = at(scene, epoch);
          if (file === undefined) return notOpen;
          let seq = lastSeq(file);
          for (const record of copies) file.rows.push({ seq: ++seq, atMs: now(), record, crc: crc32(record.update) });
          return ok({ seq });
        },
        () => {
          const file = disk.scenes.get(scene) as SceneFile;
          file.synced = file.rows.length;
          for (const { client, user } of copies) if (client !== 0 && !file.owners.has(client)) file.owners.set(client, user);
        },
      );
    },
    compact: (scene, epoch) => {
      let made: Snapshot | undefined;
      return inLine<Compacted>(
        "compact",
        () => {
          const file = at(scene, epoch);
          if (file === undefined) return notOpen;
          const base = file.snapshots.at(-1);
          const folded = fold(
            base?.state,
            file.rows.filter(({ seq }) => seq > (base?.seq ?? 0)).map(({ record }) => record.update),
          );
          if (!folded.ok) return err({ code: "io", sentence: `The log was not compacted: ${folded.error}; it is kept.` });
          made = { seq: lastSeq(file), state: folded.value.state, crc: crc32(folded.value.state), wear: folded.value.wear };
          return ok({ seq: made.seq, bytes: made.state.length, wear: made.wear });
        },
        () => replaceLog(disk.scenes.get(scene) as SceneFile, made as Snapshot),
      );
    },
    reroot: (scene, epoch, note) => {
      const value = note.value.slice();
      let next: SceneFile | undefined;
      return inLine<Rerooted>(
        "reroot",
        () => {
          const file = at(scene, epoch);
          if (file === undefined) return notOpen;
          const base = file.snapshots.at(-1);
          const rows = file.rows.filter(({ seq }) => seq > (base?.seq ?? 0)).map(({ record }) => record.update);
          const root = FIRST_ROOT + epoch;
          const fresh = freshRoot(base === undefined ? rows : [base.state, ...rows], root);
          if (!fresh.ok) return err({ code: "io", sentence: `The scene was not made anew: ${fresh.error}; it is left as it is.` });
          const records = fresh.value.map(({ update, clock }) => ({ user: "", client: root, clock, update }));
          next = { ...newFile(epoch + 1), notes: new Map(file.notes).set(note.key, value), ended: [...file.ended, pastOf(file)] };
          next.rows = records.map((record, index) => ({ seq: index + 1, atMs: now(), record, crc: crc32(record.update) }));
          next.synced = next.rows.length;
          return ok({ epoch: next.epoch, root, updates: records.map(({ update }) => update) });
        },
        () => void disk.scenes.set(scene, next as SceneFile),
      );
    },
    note: (scene, key, value) => {
      const copy = value.slice();
      return inLine(
        "note",
        () => (opened.has(scene) ? ok(undefined) : notOpen),
        () => void disk.scenes.get(scene)?.notes.set(key, copy),
      );
    },
    recall: (scene, epoch, query) =>
      inLine("open", () => {
        const file = at(scene, epoch);
        if (file === undefined) return notOpen;
        return ok(
          readPast(
            [...file.ended, pastOf(file)].map((records) => ({ base: undefined, records })),
            query,
          ),
        );
      }),
    release: async (scene) => {
      await line;
      opened.delete(scene);
    },
    probe: () => inLine("probe", () => ok(undefined)),
    close: async () => {
      await line;
      open = false;
    },
    crash: () => {
      open = false;
      for (const file of disk.scenes.values()) file.rows.length = file.synced;
    },
  };
}

/** Fresh documents are written under this and the epoch: deterministic [MS1]. */
const FIRST_ROOT = 0xf000_0000;

const newFile = (epoch: number): SceneFile => ({
  epoch,
  rows: [],
  past: [],
  ended: [],
  synced: 0,
  snapshots: [],
  owners: new Map(),
  notes: new Map(),
  quarantine: undefined,
});

function pastOf({ past, rows, synced }: SceneFile): PastRecord[] {
  return [...past, ...rows.slice(0, synced)].map(({ record, atMs }) => ({ user: record.user, atMs, bytes: record.update }));
}

const lastSeq = (file: SceneFile): number => file.rows.at(-1)?.seq ?? file.snapshots.at(-1)?.seq ?? 0;

/** As the SQLite store: the previous generation and the log behind it are kept. */
function replaceLog(file: SceneFile, snapshot: Snapshot): void {
  file.snapshots = [...file.snapshots.filter(({ seq }) => seq < snapshot.seq), snapshot].slice(-2);
  const oldest = file.snapshots.length < 2 ? 0 : (file.snapshots[0]?.seq ?? 0);
  file.past.push(...file.rows.filter(({ seq }) => seq <= oldest));
  file.rows = file.rows.filter(({ seq }) => seq > oldest);
  file.synced = file.rows.length;
}

function load(disk: MemoryDisk, scene: string): Result<LoadedScene, StoreError> {
  let file = disk.scenes.get(scene);
  if (file === undefined) {
    file = newFile(1);
    disk.scenes.set(scene, file);
  }
  const quarantined = (sentence: string): Result<never, StoreError> => {
    (file as SceneFile).quarantine = sentence;
    return corrupt(sentence);
  };
  if (file.quarantine !== undefined) return quarantined(file.quarantine);
  const snapshot = file.snapshots.findLast(({ state, crc }) => crc32(state) === crc);
  const first = (snapshot?.seq ?? 0) + 1;
  const rows = file.rows.filter(({ seq }) => seq >= first);
  const bad = rows.findIndex((row, index) => row.seq !== first + index || crc32(row.record.update) !== row.crc);
  // What comes after the last fsync was promised to nobody; anything before it was.
  if (bad >= 0 && file.rows.indexOf(rows[bad] as Row) < file.synced) return quarantined(`Record ${first + bad} of the scene's log is damaged.`);
  const good = bad < 0 ? rows : rows.slice(0, bad);
  const seq = first + good.length - 1;
  if (seq < (file.snapshots.at(-1)?.seq ?? 0)) return quarantined("The snapshot is damaged and the log behind it does not reach it.");
  file.rows = file.rows.filter((row) => row.seq <= seq);
  file.synced = file.rows.length;
  return ok({
    epoch: file.epoch,
    seq,
    snapshot: snapshot?.state,
    updates: good.map(({ record }) => record.update),
    cutRecords: rows.length - good.length,
    owners: new Map(file.owners),
    notes: new Map(file.notes),
  });
}
