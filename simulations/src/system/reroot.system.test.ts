/** A document that is made anew under people who are in it: real server, store and SDK. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect, devTicket, devTickets, docStep1, type Space } from "@copresence/client/node";
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { syncCloseCode } from "@copresence/shared/protocol";
import { createObject, type Scene, setField } from "@copresence/shared/scene";
import * as Y from "yjs";
import notes from "../chaos/notes-scene.ts";

type Notes = typeof notes extends Scene<infer S> ? S : never;
const folder = mkdtempSync(join(tmpdir(), "copresence-reroot-"));
let server: RunningServer;
beforeAll(async () => {
  server = await startServer(
    developmentConfig([{ spaces: "hall", scene: notes }], {
      port: 0,
      transport: "ws",
      store: { kind: "sqlite", file: join(folder, "scenes.sqlite") },
      pipeline: { kind: "inline" },
      logLevel: "silent",
    }),
  );
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const enter = (name: string): Promise<Space<Notes>> =>
  connect<Notes>({ url: server.url, space: "hall", scene: notes, ticket: devTickets(server.url, { space: "hall", name }) });
const contentOf = (space: Space<Notes>): unknown => space.objects.doc.getMap("objects").toJSON();
const bodyOf = (space: Space<Notes>): Y.Text => space.objects.doc.getMap<Y.Map<unknown>>("objects").get("base")?.get("body") as Y.Text;

it("[SE7] [SS5] nobody leaves, nothing is lost or made twice, and an old replica is sent away for good", async () => {
  const [ann, bob] = [await enter("ann"), await enter("bob")];
  const lost: string[] = [];
  for (const space of [ann, bob]) space.on("status", (status) => void lost.push(String(status)));
  const { doc } = ann.objects;
  createObject(doc, notes, "note", "base", { body: "begun" });
  createObject(doc, notes, "note", "other");
  await until("bob sees the note", () => bodyOf(bob) !== undefined);
  const old = Y.encodeStateVector(bob.objects.doc);
  for (let i = 0; i < 2600; i++) setField(doc, notes, i % 2 === 0 ? "base" : "other", "color", `#00${(1000 + i).toString(16).padStart(4, "0")}`);
  // Enough bytes for the log to be folded, which is when it is found out.
  for (let i = 0; i < 90; i++) createObject(doc, notes, "note", `note-${i}`, { body: `${i} `.repeat(1200) });
  let typed = 0;
  await until("both have a fresh document", () => {
    // Somebody writes all the time.
    if (typed < 400) bodyOf(bob).insert(bodyOf(bob).length, String(typed++ % 10));
    return ann.objects.doc !== doc && Y.encodeStateVector(bob.objects.doc).length < 60 && bob.objects.doc.store.clients.size <= 5;
  });
  await until("all is saved", () => ann.saved === "saved" && bob.saved === "saved");
  await until("both see the same", () => isDeepStrictEqual(contentOf(ann), contentOf(bob)));
  expect(bodyOf(ann).toString()).toBe(`begun${Array.from({ length: typed }, (_, i) => i % 10).join("")}`);
  expect(Object.keys(contentOf(ann) as object)).toHaveLength(92);
  expect(lost).toEqual([]);

  const ticket = await devTicket(server.url, { space: "hall", name: "carl" });
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/sync/hall?ticket=${ticket}`);
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  socket.addEventListener("open", () => socket.send(docStep1(old) as Uint8Array<ArrayBuffer>));
  expect(await closed).toBe(syncCloseCode("documentRenewed"));
  const content = contentOf(ann);
  await Promise.all([ann.leave(), bob.leave()]);
  const late = await enter("late");
  await until("a later visitor sees it", () => isDeepStrictEqual(contentOf(late), content));
  await late.leave();
}, 60_000);
