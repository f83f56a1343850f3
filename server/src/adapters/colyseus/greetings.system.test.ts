/** Who opens a space over a real socket: has its document before the room is built, goes on in the room, or is kept out of both. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createObject, readField, textField } from "@copresence/shared/scene";
import { syncCloseCode } from "@copresence/shared/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { decodeDocMessage, encodeDocUpdate, encodeStep1, encodeStep2 } from "../../core/document/doc-wire.ts";
import { DEFAULT_RETENTION } from "../moderation/case-types.ts";
import { ModerationDesk } from "../moderation/moderation-desk.ts";
import { DEFAULT_SAFETY } from "../moderation/policy.ts";
import { openCases } from "../moderation/worker-cases.ts";
import { memoryStore, type SceneStore } from "../store/index.ts";
import { startTestServer, testScene, type TestServer } from "../testing/test-server.ts";

const HOUR = 3_600_000;
/** The machine may be busy: only what never comes is a fault. */
const PATIENCE = { timeout: 15_000, interval: 20 };
let folder: string;
let server: TestServer | undefined;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "copresence-greetings-"))));
afterEach(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const start = async (): Promise<TestServer> =>
  (server = await startTestServer("ws", { store: { kind: "sqlite", file: join(folder, "scenes.sqlite") }, casesFile: join(folder, "cases.sqlite") }));
const stop = async (): Promise<void> => {
  await server?.stop();
  server = undefined;
};

/** A peer on the sync endpoint that asks for everything; the kinds of the document messages it got, in order. */
async function peer(user: string, socketEnded: (code: number) => void = () => undefined, asked: () => void = () => undefined) {
  const { url = "", ticket } = server as TestServer;
  const socket = new WebSocket(`${url.replace("http", "ws")}/sync/demo?ticket=${await ticket({ user })}`);
  const doc = new Y.Doc();
  const kinds: string[] = [];
  socket.on("open", () => {
    socket.send(encodeStep1(Y.encodeStateVector(doc)));
    // Its answer says that the server has read what was sent before it.
    socket.ping();
  });
  socket.on("pong", asked);
  socket.on("close", socketEnded);
  socket.on("message", (data: Buffer) => {
    const message = decodeDocMessage(new Uint8Array(data));
    if (!message.ok || message.value.kind === "awareness") return;
    kinds.push(message.value.kind);
    if (message.value.kind === "step1") socket.send(encodeStep2(Y.encodeStateAsUpdate(doc, message.value.vector)));
    if (message.value.kind === "step2" || message.value.kind === "update") Y.applyUpdate(doc, message.value.update, "server");
  });
  doc.on("update", (update: Uint8Array, origin: unknown) => void (origin === "server" || socket.send(encodeDocUpdate(update))));
  return { doc, kinds, close: () => (socket.close(), once(socket, "close")) };
}
const labelOf = (doc: Y.Doc): unknown => readField(doc, testScene, "box-1", "label");

describe("whoever opens a space", () => {
  it("[GR2] [GR3] has its document before the room is there, and works on in the room", async () => {
    const built = new Y.Doc();
    built.clientID = 7;
    createObject(built, testScene, "box", "box-1", { label: "kept" });
    const store = memoryStore({ now: Date.now });
    const opened = await store.open("demo");
    const epoch = opened.ok ? opened.value.epoch : 0;
    const record = { user: "builder", client: 7, clock: Y.getState(built.store, 7), update: Y.encodeStateAsUpdate(built) };
    expect([await store.append("demo", epoch, [record]), await store.compact("demo", epoch)]).toMatchObject([{ ok: true }, { ok: true }]);
    await store.release("demo");
    // The store answers when the opener's question has arrived, whatever else the machine does.
    let asked: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => (asked = resolve));
    const patient: SceneStore = Object.assign(Object.create(store) as SceneStore, {
      open: async (scene: string) => {
        await heard;
        return store.open(scene);
      },
    });
    server = await startTestServer("ws", { store: { kind: "own", store: patient } });
    const opener = await peer("ada", undefined, asked);
    await expect.poll(() => opener.kinds, PATIENCE).toEqual(["step2", "step1"]);
    expect(labelOf(opener.doc)).toBe("kept");
    const second = await peer("bob");
    // The room is there: it asks first.
    await expect.poll(() => second.kinds, PATIENCE).toEqual(["step1", "step2"]);
    createObject(opener.doc, testScene, "box", "box-2", { label: "new" });
    await expect.poll(() => readField(second.doc, testScene, "box-2", "label"), PATIENCE).toBe("new");
    textField(second.doc, "box-2", "label")?.insert(3, "er");
    await expect.poll(() => readField(opener.doc, testScene, "box-2", "label"), PATIENCE).toBe("newer");
    expect(opener.kinds.filter((kind) => kind === "step2")).toHaveLength(1);
  }, 60_000);

  it("[GR1] [MO1] is sent nothing when moderation keeps them out, also in a room that opens later", async () => {
    await start();
    const author = await peer("ada");
    await expect.poll(() => author.kinds, PATIENCE).toContain("step2");
    createObject(author.doc, testScene, "box", "box-1", { label: "kept" });
    const witness = await peer("bob");
    await expect.poll(() => labelOf(witness.doc), PATIENCE).toBe("kept");
    await stop();
    const desk = await ModerationDesk.open({
      cases: openCases(join(folder, "cases.sqlite")),
      push: () => undefined,
      safetyOf: () => DEFAULT_SAFETY,
      retention: DEFAULT_RETENTION,
      wallClock: Date.now,
      onTrouble: () => undefined,
    });
    const evidence = { lines: [], distanceM: 1, witnesses: [] };
    desk.report("demo", { id: 1, atMs: 0, user: "eve", object: "", reporter: "ada", reason: "harassment", text: "", evidence });
    await desk.decide("demo", 1, "mod", { kind: "remove", forMs: HOUR, words: "" });
    await desk.close();
    await start();
    const codes: number[] = [];
    const eve = await peer("eve", (code) => codes.push(code));
    await expect.poll(() => codes, PATIENCE).toEqual([syncCloseCode("removedByModerator")]);
    expect(eve.kinds).not.toContain("step2");
  }, 60_000);
});
