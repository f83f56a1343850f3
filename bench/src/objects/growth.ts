/**
 * How much a scene takes after people have worked in it: an hour of a hundred editors, in the room's own document and the SQLite store, with
 * time and sockets left out.
 *
 * [OG1] Nothing is spared: every edit goes through the gate, the log, fsync, compactions and re-rootings, in the order and at the moments in
 *       which a room asks for them.
 * [OG2] What is counted is what remains on the disk, not one snapshot: both generations, the log between and behind them, names of authors,
 *       notes. History is another matter, kept for as long as the operator says: once without, once with all of the hour.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore, type SceneStore } from "@copresence/server/store";
import type { Figure } from "../report.ts";
import { CrowdDocument } from "./crowd-document.ts";
import { site, Workers } from "./workers.ts";

export type GrowthScale = {
  readonly people: number;
  readonly minutes: number;
  /** Between two edits of one person, on average. */
  readonly pauseS: number;
  readonly objects: number;
  readonly seed: number;
};
export const GROWTH: GrowthScale = { people: 100, minutes: 60, pauseS: 4, objects: 600, seed: 1 };

const SCENE = "growth";
/** Edits that arrive while one append is under way. */
const TOGETHER = 40;
const HOUR = { ms: 24 * 3600 * 1000, bytes: 1 << 30 };
/** As little as can be: what COPRESENCE_HISTORY_DAYS=0 keeps. */
const NO_HISTORY = { ms: 0, bytes: 1 << 30 };

type Grown = {
  readonly edits: number;
  readonly liveBytes: number;
  readonly stateBytes: number;
  readonly storedBytes: number;
  readonly fileBytes: number;
  readonly reroots: number;
  readonly largest: number;
  readonly slowestSliceMs: number;
};

export async function growth(scale: GrowthScale, progress: (line: string) => void): Promise<Figure[]> {
  const bare = await grow(scale, NO_HISTORY, progress);
  const kept = await grow({ ...scale, minutes: scale.minutes / 10 }, HOUR, () => undefined);
  const ratio = bare.storedBytes / bare.liveBytes;
  return [
    { id: "growth.edits", value: bare.edits, unit: "edits" },
    { id: "growth.live_kb", value: bare.liveBytes / 1000, unit: "kB" },
    { id: "growth.ratio", value: ratio, unit: "x", bar: "<= 3", ok: ratio <= 3 },
    { id: "growth.state_ratio", value: bare.stateBytes / bare.liveBytes, unit: "x" },
    { id: "growth.largest_state_ratio", value: bare.largest, unit: "x" },
    { id: "growth.file_ratio", value: bare.fileBytes / bare.liveBytes, unit: "x" },
    { id: "growth.reroots", value: bare.reroots, unit: "" },
    { id: "growth.slice_ms_max", value: bare.slowestSliceMs, unit: "ms", bar: "<= 50", ok: bare.slowestSliceMs <= 50 },
    { id: "growth.history_b_per_edit", value: (kept.storedBytes - (kept.liveBytes * bare.storedBytes) / bare.liveBytes) / kept.edits, unit: "B" },
  ];
}

async function grow(scale: GrowthScale, retention: { ms: number; bytes: number }, progress: (line: string) => void): Promise<Grown> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-growth-"));
  const file = join(folder, "scenes.sqlite");
  let store: SceneStore | undefined;
  try {
    store = await openSqliteStore({ file, retention });
    const run = await CrowdDocument.open(store, SCENE, site);
    const workers = new Workers(run, scale);
    const total = Math.round((scale.people * scale.minutes * 60) / scale.pauseS);
    let largest = 0;
    for (let done = 0; done < total; done += TOGETHER) {
      workers.act(Math.min(TOGETHER, total - done));
      await run.settle();
      if (Math.floor(done / (total / 6)) === Math.floor((done + TOGETHER) / (total / 6))) continue;
      const state = run.state().length / run.liveBytes();
      largest = Math.max(largest, state);
      progress(`${done + TOGETHER} of ${total} edits: ${workers.count} objects, ${run.reroots} re-rootings, state ${state.toFixed(2)} x live JSON`);
    }
    await run.compact();
    const [liveBytes, stateBytes] = [run.liveBytes(), run.state().length];
    await store.close();
    store = undefined;
    const { size: fileBytes } = await stat(file);
    return {
      edits: run.edits,
      liveBytes,
      stateBytes,
      storedBytes: rowsOf(file),
      fileBytes,
      reroots: run.reroots,
      largest,
      slowestSliceMs: run.slowestSliceMs,
    };
  } finally {
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes of everything that any row of the scene holds; SQLite's own share is in the file's size. */
function rowsOf(file: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const held: Readonly<Record<string, string>> = {
      log: "length(bytes) + length(user) + 40",
      chunk: "length(bytes) + 20",
      snapshot: "length(sha256) + 30",
      client: "length(user) + 8",
      note: "length(bytes) + length(key) + 8",
    };
    return Object.entries(held).reduce((sum, [table, bytes]) => {
      const row = db.prepare(`SELECT coalesce(sum(${bytes}), 0) AS bytes FROM ${table}`).get() as { bytes: number };
      return sum + row.bytes;
    }, 0);
  } finally {
    db.close();
  }
}
