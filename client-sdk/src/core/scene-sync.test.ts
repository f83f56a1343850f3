import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { SavedState } from "./space-types.ts";
import { type Hall, hall, joinWorld, type TestWorld, valveOf } from "./testing/world.ts";
import { counterValue, deleteObject, readField, readObject, setField, textField } from "@copresence/shared/scene";
import type { Space } from "./space-types.ts";

const inRoom = ({ room }: TestWorld, field: string): unknown => readField(room.doc, hall, "valve-1", field);
function savedStates(space: Space<Hall>): SavedState[] {
  const states: SavedState[] = [];
  space.on("saved", (state) => void states.push(state));
  return states;
}
/** The two replicas say the same. */
function expectConverged({ space, room }: TestWorld): void {
  expect(space.objects.doc.getMap("objects").toJSON()).toEqual(room.doc.getMap("objects").toJSON());
}

/** The scene's valve in a document of another epoch. */
function freshValve(label: string): Y.Doc {
  const fresh = new Y.Doc();
  fresh.clientID = 8;
  const copy = new Y.Map<unknown>([
    ["type", "valve"],
    ["label", new Y.Text(label)],
    ["turns", new Y.Map()],
  ]);
  fresh.getMap("objects").set("valve-1", copy);
  return fresh;
}

describe("typed objects", () => {
  it("read and write every kind of field, seen by the room", async () => {
    const world = await joinWorld();
    const valve = valveOf(world.space);
    const open: boolean = valve.open;
    expect([open, valve.label, valve.turns, valve.tags, valve.parts]).toEqual([false, "", 0, [], []]);
    valve.set("open", true);
    valve.text("label").insert(0, "main valve");
    valve.count("turns", 2);
    valve.count("turns");
    valve.member("tags", "hot", true);
    valve.list("parts").push("stem");
    const lamp = world.space.objects.create("lamp", { color: "#00ff00", transform: { position: [2, 1, 0] } });
    await world.time.run(200);
    expect(["open", "label", "turns", "tags", "parts"].map((field) => inRoom(world, field))).toEqual([true, "main valve", 3, ["hot"], ["stem"]]);
    expect(readObject(world.room.doc, hall, lamp.id)?.fields["color"]).toBe("#00ff00");
    expect([...lamp.transform.subarray(0, 3)]).toEqual([2, 1, 0]);
    world.space.objects.delete(lamp.id);
    await world.time.run(200);
    expect([lamp.exists, readObject(world.room.doc, hall, lamp.id)]).toEqual([false, undefined]);
    lamp.set("color", "#ffffff");
    expect(world.space.saved).toBe("saved");
    expectConverged(world);
  });

  it("throw at once on what the scene does not declare", async () => {
    const { space } = await joinWorld();
    expect(() => valveOf(space).set("open", "yes" as never)).toThrow(RangeError);
    expect(() => space.objects.create("boat" as never)).toThrow(RangeError);
  });

  it("replace a text by the smallest change, so others' edits survive", async () => {
    const world = await joinWorld();
    const text = valveOf(world.space).text("label");
    text.replace("the valve");
    await world.time.run(100);
    world.room.durable = false;
    text.replace("the big valve");
    world.room.edit((doc) => textField(doc, "valve-1", "label")?.insert(9, "!"));
    expect(text.toString()).toBe("the big valve!");
  });

  it("tell which object changed, whoever changed it", async () => {
    const { space, room } = await joinWorld();
    const changed: string[] = [];
    space.on("object", (id) => void changed.push(id));
    valveOf(space).set("open", true);
    room.edit((doc) => setField(doc, hall, "valve-1", "open", false));
    room.edit((doc) => deleteObject(doc, "valve-1"));
    expect(changed).toEqual(["valve-1", "valve-1", "valve-1"]);
    expect(space.objects.get("valve-1")).toBeUndefined();
  });

  it("can be read without a definition", async () => {
    const { space, room } = await joinWorld({ scene: undefined });
    room.edit((doc) => setField(doc, hall, "valve-1", "open", true));
    const valve = space.objects.get("valve-1") as any;
    expect([valve.type, valve.open, valve.label, valve.turns, valve.grabbable]).toEqual(["valve", true, "", 0, true]);
  });
});

describe("saving", () => {
  it("[SS2] is `saving` until the disk has it", async () => {
    const world = await joinWorld();
    const states = savedStates(world.space);
    world.room.durable = false;
    valveOf(world.space).set("open", true);
    await world.time.run(1000);
    expect([world.space.saved, inRoom(world, "open")]).toEqual(["saving", false]);
    world.room.flush();
    expect(states).toEqual(["saving", "saved"]);
  });

  it("[SS1] sends unacknowledged edits again on a new link, and those made offline", async () => {
    const world = await joinWorld();
    const states = savedStates(world.space);
    const valve = valveOf(world.space);
    world.room.durable = false;
    valve.set("open", true);
    valve.count("turns", 5);
    await world.time.run(100);
    world.room.restart();
    valve.text("label").insert(0, "written offline");
    expect(world.space.saved).toBe("offline");
    world.room.durable = true;
    await world.time.run(2000);
    expect(world.space.saved).toBe("saved");
    expect(["open", "label", "turns"].map((field) => inRoom(world, field))).toEqual([true, "written offline", 5]);
    expect(states).toEqual(["saving", "offline", "saving", "saved"]);
    expectConverged(world);
  });

  it("does not repeat what the room has although its ack was lost", async () => {
    const world = await joinWorld();
    world.room.durable = false;
    valveOf(world.space).text("label").insert(0, "once");
    await world.time.run(50);
    const [first] = world.room.all("sync").slice(-1);
    Y.applyUpdate(world.room.doc, (first?.body ?? new Uint8Array()).slice(3));
    world.room.break();
    world.room.durable = true;
    await world.time.run(1000);
    expect([inRoom(world, "label"), world.space.saved]).toEqual(["once", "saved"]);
    expectConverged(world);
  });

  it("[SS3] merges a burst of edits into few messages", async () => {
    const world = await joinWorld();
    const before = world.room.all("sync").length;
    for (let i = 0; i < 300; i++) world.space.objects.create("lamp", { color: "#abcdef" }, `lamp-${i}`);
    await world.time.run(2000);
    expect(world.space.saved).toBe("saved");
    expect(world.room.all("sync").length - before).toBeLessThan(30);
    expect(Math.max(...world.room.all("sync").map(({ body }) => body.length))).toBeLessThan(20_000);
    expectConverged(world);
  });

  it("[SS6] keeps edits through storage trouble", async () => {
    const world = await joinWorld();
    const states = savedStates(world.space);
    world.room.say({ type: "storage", state: "bad", sentence: "disk full" });
    world.room.refuses = () => "read-only";
    valveOf(world.space).set("open", true);
    await world.time.run(100);
    valveOf(world.space).count("turns", 1);
    await world.time.run(100);
    expect([world.space.saved, valveOf(world.space).open]).toEqual(["storage-trouble", true]);
    world.room.refuses = () => undefined;
    world.room.say({ type: "storage", state: "good", sentence: "" });
    world.room.recover();
    await world.time.run(100);
    expect(["open", "turns"].map((field) => inRoom(world, field))).toEqual([true, 1]);
    expect(states).toEqual(["storage-trouble", "saving", "saved"]);
    expectConverged(world);
  });

  it("waits for unsaved edits when leaving", async () => {
    const world = await joinWorld();
    world.room.durable = false;
    valveOf(world.space).set("open", true);
    let gone = false;
    const leaving = world.space.leave().then(() => (gone = true));
    await world.time.run(500);
    expect(gone).toBe(false);
    world.room.flush();
    await leaving;
    expect(inRoom(world, "open")).toBe(true);
  });
});

describe("refused edits", () => {
  const poison = (update: Uint8Array): "not-allowed" | undefined => (new TextDecoder().decode(update).includes("poison") ? "not-allowed" : undefined);

  it("[SS4] are undone with a reason, while everything else is kept", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    const reasons: string[] = [];
    const documents: unknown[] = [];
    space.on("denied", ({ reason }) => void reasons.push(reason));
    space.on("resynced", (doc) => void documents.push(doc));
    room.refuses = poison;
    space.simulate({ latencyMs: 20, jitterMs: 0, lossPct: 0 });
    const valve = valveOf(space);
    valve.count("turns", 4);
    await time.run(100);
    valve.text("label").insert(0, "poison");
    await time.run(5);
    valve.set("open", true);
    valve.count("turns", 3);
    space.objects.create("lamp", { color: "#123456" }, "lamp-after");
    expect(valve.label).toBe("poison");
    await time.run(500);
    expect([valve.label, valve.open, valve.turns, space.objects.get("lamp-after", "lamp")?.color]).toEqual(["", true, 7, "#123456"]);
    expect([reasons, documents.length, space.objects.doc]).toEqual([["not-allowed"], 1, documents[0]]);
    expect(space.saved).toBe("denied");
    expectConverged(world);
    valve.text("label").insert(0, "fine");
    await time.run(100);
    expect(space.saved).toBe("saved");
    expect(inRoom(world, "label")).toBe("fine");
    expect(counterValue(room.doc, "valve-1", "turns")).toBe(7);
  });

  it("are undone also when the link breaks before the room could say more", async () => {
    const world = await joinWorld();
    const { space, room, time } = world;
    room.durable = false;
    valveOf(space).count("turns", 2);
    await time.run(100);
    room.refuses = poison;
    valveOf(space).text("label").insert(0, "poison");
    await time.run(50);
    room.restart();
    room.durable = true;
    await time.run(2000);
    expect([valveOf(space).label, valveOf(space).turns, inRoom(world, "turns"), space.saved]).toEqual(["", 2, 2, "denied"]);
    expectConverged(world);
  });

  it("undo deletions too", async () => {
    const world = await joinWorld();
    world.room.refuses = () => "not-allowed";
    world.space.simulate({ latencyMs: 20, jitterMs: 0, lossPct: 0 });
    world.space.objects.delete("valve-1");
    expect(world.space.objects.get("valve-1")).toBeUndefined();
    await world.time.run(200);
    expect(valveOf(world.space).exists).toBe(true);
    expectConverged(world);
  });

  it("take a fresh session before the client ids of this one run out", async () => {
    const world = await joinWorld();
    world.room.refuses = poison;
    for (let i = 0; i < 13; i++) {
      valveOf(world.space).text("label").insert(0, "poison");
      await world.time.run(500);
    }
    expect([world.room.joins.length, world.space.status, valveOf(world.space).label]).toEqual([2, "live", ""]);
  });

  it("that are too large never leave, and are undone", async () => {
    const world = await joinWorld();
    const reasons: string[] = [];
    world.space.on("denied", ({ reason }) => void reasons.push(reason));
    valveOf(world.space).text("label").ytext?.insert(0, "x".repeat(70_000));
    await world.time.run(200);
    expect([valveOf(world.space).label, reasons, world.space.saved]).toEqual(["", ["too-large"], "denied"]);
  });

  it("[SS5] a document of another epoch replaces ours and gets our unsaved edits", async () => {
    const world = await joinWorld();
    world.room.durable = false;
    valveOf(world.space).text("label").insert(0, "kept");
    await world.time.run(50);
    world.room.doc = freshValve("");
    world.room.epoch = 2;
    world.room.durable = true;
    world.room.break();
    await world.time.run(2000);
    expect([inRoom(world, "label"), valveOf(world.space).label, world.space.saved]).toEqual(["kept", "kept", "saved"]);
    expectConverged(world);
  });

  it("[SS5] a document that is re-rooted under the link gets what was not acknowledged, where it was meant, and nothing twice", async () => {
    const world = await joinWorld();
    const label = (): ReturnType<ReturnType<typeof valveOf>["text"]> => valveOf(world.space).text("label");
    label().insert(0, "hello");
    await world.time.run(50);
    world.room.durable = false;
    label().insert(5, " world");
    valveOf(world.space).count("turns", 2);
    label().delete(0, 1);
    await world.time.run(50);
    const fresh = freshValve("hello");
    world.room.durable = true;
    world.room.renew(fresh);
    label().insert(label().toString().length, "!");
    await world.time.run(500);
    expect([inRoom(world, "label"), inRoom(world, "turns"), world.space.saved]).toEqual(["ello world!", 2, "saved"]);
    expectConverged(world);
  });

  it("[SS5] a link that is lost before the new document is in leaves nothing of the old one behind", async () => {
    const world = await joinWorld();
    world.room.durable = false;
    valveOf(world.space).text("label").insert(0, "kept");
    await world.time.run(50);
    world.room.renew(freshValve(""));
    world.room.break();
    world.room.durable = true;
    await world.time.run(2000);
    expect([inRoom(world, "label"), world.space.saved]).toEqual(["kept", "saved"]);
    expect([...world.room.doc.store.clients.keys()]).toEqual(expect.arrayContaining([8]));
    expect(world.room.doc.store.clients.size).toBe(2);
    expectConverged(world);
  });

  it("[SS5] becoming another person takes another client id along with the unsaved edits", async () => {
    const world = await joinWorld();
    world.room.durable = false;
    const before = world.space.objects.doc.clientID;
    valveOf(world.space).count("turns", 3);
    await world.time.run(50);
    world.room.me = { ...world.room.me, user: "u-other" };
    world.room.durable = true;
    world.room.break();
    await world.time.run(2000);
    expect(world.space.objects.doc.clientID).not.toBe(before);
    expect([inRoom(world, "turns"), world.space.saved]).toEqual([3, "saved"]);
    expectConverged(world);
  });

  it("where the role may not, the document is not touched at all", async () => {
    const roles = { member: { create: false, edit: false, grab: true, chat: true, moderate: false } };
    const world = await joinWorld({ scene: { ...hall, roles: { ...hall.roles, ...roles } } as typeof hall });
    const reasons: string[] = [];
    world.space.on("denied", ({ reason }) => void reasons.push(reason));
    valveOf(world.space).set("open", true);
    valveOf(world.space).text("label").insert(0, "no");
    world.space.objects.delete("valve-1");
    expect([reasons, valveOf(world.space).open, world.space.saved]).toEqual([["not-allowed", "not-allowed", "not-allowed"], false, "saved"]);
  });
});
