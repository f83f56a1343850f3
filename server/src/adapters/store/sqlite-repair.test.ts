import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import * as Y from "yjs";
import { SqliteLog } from "./sqlite-log.ts";
import { checkScene, salvage } from "./sqlite-repair.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "copresence-repair-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("[SR1] [SR2] opens a quarantined scene again with what is readable, says how much is lost, and keeps the rest", () => {
  const file = join(folder, "scenes.sqlite");
  const log = new SqliteLog(file);
  log.load("hall");
  const doc = new Y.Doc();
  for (const letter of "abcdef") {
    const before = Y.encodeStateVector(doc);
    doc.getText("t").insert(doc.getText("t").length, letter);
    const update = Y.encodeStateAsUpdate(doc, before);
    log.append([{ scene: "hall", epoch: 1, records: [{ user: "u", client: doc.clientID, clock: 1, update }] }], 1);
  }
  log.close();
  const db = new DatabaseSync(file);
  db.exec("UPDATE log SET bytes = x'0102' WHERE seq = 5");
  db.close();
  expect(checkScene(file, "hall")).toMatch(/Record 5 .* damaged/);
  expect(salvage(file, "hall")).toEqual({ ok: true, value: { kept: 4, lost: 2 } });
  expect(checkScene(file, "hall")).toBe("The scene is sound: 4 records.");
  const again = new DatabaseSync(file);
  expect(again.prepare("SELECT count(*) AS n FROM cut").get()).toEqual({ n: 2 });
  again.close();
  expect(salvage(file, "elsewhere")).toMatchObject({ ok: false });
});
