/**
 * The victim of sqlite-store.system.test.ts: appends to a store from several sides at once, takes snapshots, and prints a line for every
 * record the store said is durable. Arguments: file, first record number. Runs until it is killed.
 */
import { writeSync } from "node:fs";
import * as Y from "yjs";
import { openSqliteStore } from "./sqlite-store.ts";

const SCENE = "hall";
const [file = "", first = "0"] = process.argv.slice(2);
const store = await openSqliteStore({ file });
const loaded = await store.open(SCENE);
if (!loaded.ok) throw new Error(loaded.error.sentence);
const doc = new Y.Doc();
if (loaded.value.snapshot !== undefined) Y.applyUpdate(doc, loaded.value.snapshot);
for (const update of loaded.value.updates) Y.applyUpdate(doc, update);
// A client of its own per life, as after a real restart.
doc.clientID = 1000 + Number(first);

const { epoch } = loaded.value;
for (let number = Number(first); ; number += 4) {
  const batch = [0, 1, 2, 3].map((offset) => {
    const before = Y.encodeStateVector(doc);
    doc.getMap("records").set(String(number + offset), "x".repeat((number * 37 + offset) % 900));
    return { number: number + offset, update: Y.encodeStateAsUpdate(doc, before) };
  });
  const appended = await Promise.all(
    batch.map(async (record) => {
      const result = await store.append(SCENE, epoch, [{ user: "writer", client: doc.clientID, clock: record.number, update: record.update }]);
      // Synchronous, so that a line that was not printed is a promise that was not made.
      if (result.ok) writeSync(1, `${record.number}\n`);
      return result;
    }),
  );
  const last = appended.at(-1);
  if (last?.ok && number % 40 === 0) void store.snapshot(SCENE, epoch, last.value.seq, Y.encodeStateAsUpdate(doc));
}
