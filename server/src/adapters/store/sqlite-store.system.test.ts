import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as Y from "yjs";
import { openSqliteStore } from "./sqlite-store.ts";

const KILLS = 10;
const WRITER = fileURLToPath(new URL("./kill-writer.ts", import.meta.url));

/** Runs the writer until it has acknowledged `acks` records, kills it, and returns the record numbers it printed. */
async function lifeOf(file: string, first: number, acks: number): Promise<number[]> {
  const child = spawn(process.execPath, [WRITER, file, String(first)], { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    printed += chunk;
    if (printed.split("\n").length > acks) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint += chunk));
  const signal = await new Promise((done) => child.on("close", (_code, by) => done(by)));
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself: ${complaint}`);
  // A last line without its end was cut by the kill and promises nothing.
  return printed.split("\n").slice(0, -1).map(Number);
}

it(`[P1] loses no acknowledged record in ${KILLS} kills -9 at random moments, under appends and snapshots`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "copresence-kill-"));
  const file = join(folder, "scenes.sqlite");
  const acked = new Set<number>();
  let next = 0;
  for (let life = 0; life < KILLS; life++) {
    // Different ages at death; where within a commit or a snapshot the kill falls is the machine's dice.
    for (const number of await lifeOf(file, next, 5 + ((life * 61) % 120))) acked.add(number);
    const store = await openSqliteStore({ file });
    const loaded = await store.open("hall");
    if (!loaded.ok) throw new Error(loaded.error.sentence);
    const doc = new Y.Doc();
    if (loaded.value.snapshot !== undefined) Y.applyUpdate(doc, loaded.value.snapshot);
    for (const update of loaded.value.updates) Y.applyUpdate(doc, update);
    await store.close();
    expect(doc.store.pendingStructs).toBeNull();
    expect(loaded.value.cutRecords).toBe(0);
    const records = doc.getMap<string>("records");
    const lost = [...acked].filter((number) => !records.has(String(number)));
    expect(lost, `after life ${life}`).toEqual([]);
    next = Math.max(next, ...[...records.keys()].map(Number)) + 1;
  }
  expect(acked.size).toBeGreaterThan(KILLS * 5);
  await rm(folder, { recursive: true, force: true });
});
