import type { SessionId, UserId } from "@copresence/shared/base";
import {
  addCounter,
  counterValue,
  createObject,
  deleteObject,
  listObjects,
  readField,
  setField,
  setMember,
  textField,
} from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { encodeDocUpdate } from "./doc-wire.ts";
import { contentOf, type Peer, workshop, World } from "./document-harness.ts";
import { SceneDocument } from "./scene-document.ts";

const valve = (peer: Peer, id = "valve-1", init = {}): void => createObject(peer.doc, workshop, "valve", id, init);
const serverContent = (world: World): unknown => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, world.document.state());
  return contentOf(doc);
};
const expectConverged = (world: World): void => {
  for (const peer of world.peers.values()) expect(contentOf(peer.doc)).toEqual(serverContent(world));
};

const fresh = (): SceneDocument => new SceneDocument({ scene: workshop, epoch: 1, seq: 0, clientId: 1 });
/** A short update as a y-protocols message. */
const wire = (update: Uint8Array): Uint8Array => Uint8Array.from([0, 2, update.length, ...update]);
const seed = (doc: Y.Doc): void => {
  createObject(doc, workshop, "valve", "valve-1", { label: "Main", transform: { position: [1, 1, 1] } });
  doc.getMap<Y.Map<unknown>>("objects").get("valve-1")?.set("serial", "A-1");
};

describe("SceneDocument: durable before visible", () => {
  it("[SE1] shows an edit to nobody before it is on the disk, then to the others, and acknowledges it to its author", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob", { kind: "stock" })];
    valve(ann);
    expect(world.appends).toHaveLength(1);
    expect(world.document.objects()).toEqual([]);
    expect(contentOf(bob.doc)).toEqual({});
    expect(ann.acked).toBeLessThan(ann.sent);
    const late = world.join("late");
    expect(contentOf(late.doc)).toEqual({});
    world.land();
    expect(world.document.object("valve-1")).toMatchObject({ id: "valve-1", type: "valve", fields: { open: false, turns: 0, label: "" } });
    expect(ann.acked).toBe(ann.sent);
    expectConverged(world);
  });

  it("[SE2] groups what arrives during an append into the next one, keeps the order, and acknowledges cumulatively", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob")];
    valve(ann);
    for (const letter of "hello") textField(ann.doc, "valve-1", "label")?.insert(textField(ann.doc, "valve-1", "label")?.length ?? 0, letter);
    setField(ann.doc, workshop, "valve-1", "open", true);
    expect(world.appends).toHaveLength(1);
    expect(world.document.pendingBatches).toBe(2);
    world.land();
    expect(ann.acked).toBeGreaterThan(0);
    expect(ann.acked).toBeLessThan(ann.sent);
    expect(world.appends).toHaveLength(1);
    expect(world.appends[0]?.records).toHaveLength(6);
    world.land();
    expect(ann.acked).toBe(ann.sent);
    expect(readField(bob.doc, workshop, "valve-1", "label")).toBe("hello");
    expectConverged(world);
  });

  it("[SE2] acknowledges a message without effect only after the edits before it", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann);
    const acked = ann.acked;
    ann.sendUpdate(Y.encodeStateAsUpdate(ann.doc));
    ann.sendUpdate(Y.encodeStateAsUpdate(ann.doc));
    expect(ann.acked).toBe(acked);
    world.land();
    expect(ann.acked).toBe(ann.sent);
    expect(world.log).toHaveLength(1);
  });

  it("[SE1] gives the same document after a kill at any moment, with everything that was acknowledged", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann);
    world.land();
    textField(ann.doc, "valve-1", "label")?.insert(0, "kept");
    world.land();
    textField(ann.doc, "valve-1", "label")?.insert(0, "not acked ");
    world.restart();
    expect(world.document.object("valve-1")?.fields["label"]).toBe("kept");
    world.auto = true;
    world.admit(ann);
    expect(world.document.object("valve-1")?.fields["label"]).toBe("not acked kept");
    expectConverged(world);
  });

  it("merges edits made while disconnected, and what overlaps with edits still on their way to the disk", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann);
    world.land();
    textField(ann.doc, "valve-1", "label")?.insert(0, "abc");
    world.leave(ann);
    textField(ann.doc, "valve-1", "label")?.insert(3, "def");
    world.admit(ann);
    while (world.appends.length > 0) world.land();
    expect(world.document.object("valve-1")?.fields["label"]).toBe("abcdef");
    expect(ann.denied).toEqual([]);
    expect(ann.acked).toBe(ann.sent);
  });

  it("takes what was made and changed several times before it was ever sent", () => {
    const world = new World();
    const ann = world.join("ann");
    world.leave(ann);
    valve(ann, "valve-1", { label: "Pump" });
    valve(ann, "valve-2");
    for (const value of [true, false, true]) setField(ann.doc, workshop, "valve-1", "open", value);
    for (const name of ["a", "b", "c"]) setField(ann.doc, workshop, "valve-1", "reservedBy", name);
    for (let i = 0; i < 3; i++) addCounter(ann.doc, "valve-1", "turns", String(ann.doc.clientID), 1);
    setMember(ann.doc, workshop, "valve-1", "tags", "wet", true);
    setMember(ann.doc, workshop, "valve-1", "tags", "wet", false);
    textField(ann.doc, "valve-1", "label")?.delete(0, 2);
    deleteObject(ann.doc, "valve-2");
    world.admit(ann);
    expect(ann.denied).toEqual([]);
    expect(world.document.objects()).toMatchObject([{ id: "valve-1", fields: { label: "mp", open: true, reservedBy: "c", turns: 3, tags: [] } }]);
    world.leave(ann);
    for (const name of ["d", "e"]) setField(ann.doc, workshop, "valve-1", "reservedBy", name);
    world.admit(ann);
    expect(ann.denied).toEqual([]);
    expect(world.document.object("valve-1")?.fields["reservedBy"]).toBe("e");
    expectConverged(world);
  });

  it("asks for what is missing instead of storing an update with a gap", () => {
    const world = new World();
    const ann = world.join("ann");
    const hidden = new Y.Doc();
    hidden.clientID = 555;
    createObject(hidden, workshop, "note", "note-1");
    const before = Y.encodeStateVector(hidden);
    textField(hidden, "note-1", "label")?.insert(0, "gap");
    Y.applyUpdate(ann.doc, Y.encodeStateAsUpdate(hidden), ann);
    ann.doc.clientID = 555;
    const asked = ann.told.filter(({ type }) => type === "syncDown").length;
    ann.sendUpdate(Y.encodeStateAsUpdate(hidden, before));
    expect(ann.told.filter(({ type }) => type === "syncDown").length).toBe(asked + 1);
    expect(world.document.object("note-1")?.fields["label"]).toBe("gap");
    expect(ann.acked).toBe(ann.sent);
  });

  it("asks for a compaction after enough updates, and counts the document's bytes by it", () => {
    const world = new World();
    const ann = world.join("ann");
    valve(ann);
    for (let i = 0; i < 520; i++) setField(ann.doc, workshop, "valve-1", "open", i % 2 === 0);
    expect(world.effects.filter((effect) => effect.kind === "compact")).toHaveLength(1);
    world.document.compacted(24 << 20, undefined);
    setField(ann.doc, workshop, "valve-1", "open", true);
    expect(ann.told.at(-1)).toMatchObject({ type: "syncDown" });
    expect(ann.told.some((message) => message.type === "denied" && message.reason === "too-large")).toBe(true);
    world.document.compacted(1000, undefined);
    ann.hello();
    setField(ann.doc, workshop, "valve-1", "open", false);
    expect(world.document.object("valve-1")?.fields["open"]).toBe(false);
  });

  it("refuses to load what cannot be decoded or is incomplete", () => {
    const world = new World();
    const ann = world.join("ann");
    valve(ann);
    textField(ann.doc, "valve-1", "label")?.insert(0, "x");
    expect(fresh().load(new Uint8Array([1, 2, 3]), [])).toMatchObject({ ok: false, error: { code: "corrupt" } });
    expect(fresh().load(undefined, [world.log[1]?.update ?? new Uint8Array()])).toMatchObject({ ok: false, error: { code: "corrupt" } });
  });
});

describe("SceneDocument: a store in trouble", () => {
  it("[SE4] turns read-only, says so to everybody, keeps what was admitted, and saves it first when the store works again", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob")];
    valve(ann);
    world.land(false);
    expect(world.document.readOnly).toBe(true);
    expect(bob.told.at(-1)).toMatchObject({ type: "storage", state: "bad", sentence: "The disk is full." });
    valve(bob, "valve-2");
    expect(bob.denied.at(-1)).toMatchObject({ reason: "read-only" });
    expect(bob.rebuilt).toBe(0);
    expect(world.appends).toEqual([]);
    world.perform(world.document.recovered());
    expect(bob.told.some((message) => message.type === "storage" && message.state === "good")).toBe(true);
    while (world.appends.length > 0) world.land();
    expect(world.document.objects().map(({ id }) => id)).toEqual(["valve-1", "valve-2"]);
    expect(bob.acked).toBe(bob.sent);
    expectConverged(world);
  });

  it("[SE4] may fail again, and closes stock peers retryably so that they keep their edits", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob", { kind: "stock" })];
    valve(ann);
    world.land(false);
    world.perform(world.document.recovered());
    world.land(false);
    expect(world.document.readOnly).toBe(true);
    valve(bob, "valve-2");
    expect(bob.closed).toBe("storageUnavailable");
    world.perform(world.document.recovered());
    while (world.appends.length > 0) world.land();
    world.auto = true;
    world.admit(bob);
    expect(world.document.objects().map(({ id }) => id)).toEqual(["valve-1", "valve-2"]);
  });
});

describe("SceneDocument: refusals", () => {
  it("[SE3] keeps a refused edit out, and the author ends with what everybody has", () => {
    const world = new World();
    const [ann, guest] = [world.join("ann"), world.join("guest", { role: "guest" })];
    valve(ann);
    textField(ann.doc, "valve-1", "label")?.insert(0, "Ann's");
    textField(guest.doc, "valve-1", "label")?.delete(0, 3);
    expect(guest.denied).toMatchObject([{ reason: "not-allowed", object: "valve-1", field: "label" }]);
    expect(guest.rebuilt).toBe(1);
    deleteObject(guest.doc, "valve-1");
    expect(guest.rebuilt).toBe(2);
    expect(guest.acked).toBe(guest.sent);
    expect(world.log).toHaveLength(2);
    expectConverged(world);
  });

  it("[SE3] ignores what was under way behind a refused edit until the author syncs anew", () => {
    const world = new World();
    const ann = world.join("ann");
    valve(ann);
    const shadow = new Y.Doc();
    Y.applyUpdate(shadow, Y.encodeStateAsUpdate(ann.doc));
    shadow.clientID = ann.doc.clientID;
    const updates: Uint8Array[] = [];
    shadow.on("update", (update: Uint8Array) => updates.push(update));
    shadow.getMap<Y.Map<unknown>>("objects").get("valve-1")?.set("serial", "stolen");
    shadow.getMap<Y.Map<unknown>>("objects").get("valve-1")?.set("open", true);
    // Both leave before the answer to the first comes back.
    const session = ann.session;
    const first = world.document.receive(session, wire(updates[0] ?? new Uint8Array()), 0);
    const second = world.document.receive(session, wire(updates[1] ?? new Uint8Array()), 0);
    ann.sent += 2;
    expect(second.filter(({ kind }) => kind === "append")).toEqual([]);
    world.perform([...first, ...second]);
    expect(ann.denied).toMatchObject([{ reason: "server-only", object: "valve-1", field: "serial" }]);
    expect(ann.acked).toBe(ann.sent);
    expectConverged(world);
    setField(ann.doc, workshop, "valve-1", "open", true);
    expect(world.document.object("valve-1")?.fields["open"]).toBe(true);
  });

  it("[SE3] gives a replica that begins anew also its author's earlier edits that are still on their way to the disk", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann);
    world.land();
    setField(ann.doc, workshop, "valve-1", "open", true);
    ann.doc.getMap<Y.Map<unknown>>("objects").get("valve-1")?.set("serial", "stolen");
    expect(ann.rebuilt).toBe(1);
    world.land();
    expect(readField(ann.doc, workshop, "valve-1", "open")).toBe(true);
    expectConverged(world);
  });

  it("[SE3] closes a stock peer whose edit was refused", () => {
    const world = new World();
    const [ann, guest] = [world.join("ann"), world.join("guest", { role: "guest", kind: "stock" })];
    valve(ann);
    setField(guest.doc, workshop, "valve-1", "open", true);
    expect(guest.closed).toBe("deniedTooOften");
    expect(world.document.object("valve-1")?.fields["open"]).toBe(false);
  });

  it("[SE5] closes a session that goes on being refused, or sends what nobody honest sends", () => {
    const world = new World();
    const [ann, guest, mallory] = [world.join("ann"), world.join("guest", { role: "guest" }), world.join("mallory")];
    valve(ann);
    for (let i = 0; i < 40 && guest.closed === undefined; i++) {
      world.nowMs += 100;
      setField(guest.doc, workshop, "valve-1", "open", true);
    }
    expect(guest.closed).toMatch(/deniedTooOften|tooManyMessages/);
    for (let i = 0; i < 3; i++) world.receive(mallory, new Uint8Array([0, 2, 3, 255, 255, 255]));
    expect(mallory.closed).toBe("malformedMessage");
    expect(ann.closed).toBeUndefined();
  });
});

describe("SceneDocument: the server's own writes", () => {
  it("writes a resting transform through the log, on top of one that waits, under its own clientID", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann);
    world.perform(world.document.writeTransform("valve-1", { position: [1, 2, 3], rotation: [0, 0, 0, 1], scale: 1 }, "ann"));
    expect(world.document.queuedBatch).toBe(2);
    world.land();
    world.perform(world.document.writeTransform("valve-1", { position: [4, 5, 6], rotation: [0, 0, 0, 1], scale: 2 }, "ann"));
    while (world.appends.length > 0) world.land();
    expect(world.document.object("valve-1")?.fields["transform"]).toEqual({ position: [4, 5, 6], rotation: [0, 0, 0, 1], scale: 2 });
    expect(world.log.at(-1)).toMatchObject({ user: "ann", client: 1 });
    expectConverged(world);
  });

  it("writes nothing for objects that are gone, values that are no transforms, or while read-only", () => {
    const world = new World({ auto: false });
    const at = { position: [0, 0, 0], rotation: [0, 0, 0, 1], scale: 1 } as const;
    const ann = world.join("ann");
    valve(ann);
    world.land();
    expect(world.document.writeTransform("nothing", at, "ann")).toEqual([]);
    expect(world.document.writeTransform("valve-1", { ...at, position: [NaN, 0, 0] }, "ann")).toEqual([]);
    setField(ann.doc, workshop, "valve-1", "open", true);
    world.land(false);
    expect(world.document.writeTransform("valve-1", at, "ann")).toEqual([]);
  });

  it("seeds a space, also with what only the server writes", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    world.perform(world.document.serverEdit("", seed));
    world.perform(world.document.serverEdit("", (doc) => setField(doc, workshop, "valve-1", "open", true)));
    while (world.appends.length > 0) world.land();
    expect(world.document.object("valve-1")?.fields).toMatchObject({ label: "Main", serial: "A-1", open: true });
    expectConverged(world);
    expect(ann.denied).toEqual([]);
  });
});

describe("SceneDocument: what the pipeline reads", () => {
  it("tells of objects and texts with their author and rising versions, only once durable", () => {
    const world = new World({ auto: false });
    const ann = world.join("ann");
    valve(ann, "valve-1", { transform: { position: [1, 2, 3], scale: 2 }, tint: "#ff0000" });
    textField(ann.doc, "valve-1", "label")?.insert(0, "Pump");
    const tick = (): void => world.perform(world.document.tellChanges());
    tick();
    expect(world.effects.filter(({ kind }) => kind === "event")).toEqual([]);
    while (world.appends.length > 0) world.land();
    tick();
    tick();
    deleteObject(ann.doc, "valve-1");
    world.land();
    const events = world.effects.flatMap((effect) => (effect.kind === "event" ? [effect.event] : []));
    expect(events).toEqual([
      { kind: "object", object: "valve-1", version: 1, type: "valve", label: "valve", text: "", position: [1, 2, 3], sizeM: 2, color: "#ff0000" },
      { kind: "object", object: "valve-1", version: 2, type: "valve", label: "Pump", text: "Pump", position: [1, 2, 3], sizeM: 2, color: "#ff0000" },
      { kind: "text", subject: { kind: "field", object: "valve-1", field: "label" }, version: 2, user: "ann", text: "Pump" },
      { kind: "objectGone", object: "valve-1", version: 3 },
    ]);
  });

  it("[CL2] [CL3] tells of a tick's edits of one text once, with each of their authors", () => {
    const world = new World();
    const [ann, bob] = [world.join("ann"), world.join("bob")];
    createObject(ann.doc, workshop, "note", "note-1");
    world.effects.length = 0;
    for (const peer of [ann, bob, ann]) textField(peer.doc, "note-1", "label")?.insert(0, peer.user);
    world.perform(world.document.tellChanges());
    const events = world.effects.flatMap((effect) => (effect.kind === "event" ? [effect.event] : []));
    expect(events.map((event) => [event.kind, "user" in event ? event.user : ""])).toEqual([
      ["object", ""],
      ["text", "ann"],
      ["text", "bob"],
    ]);
    expect(events.every((event) => "version" in event && event.version === 4)).toBe(true);
  });

  it("[SE1] acknowledges, and gives the disk what waits, before it applies what is durable; others hear of it after that", () => {
    const soon: string[] = [];
    const seen = (): string => `${listObjects(doc(), workshop).length} applied`;
    const document = new SceneDocument({
      scene: workshop,
      epoch: 1,
      seq: 0,
      clientId: 1,
      soon: (effects) => {
        soon.push(...effects.map((effect) => `${effect.kind}${effect.kind === "append" ? ` ${effect.batch}:` : ""} ${seen()}`));
        return true;
      },
    });
    const doc = (): Y.Doc => (Reflect.get(document, "root") as { readonly doc: Y.Doc }).doc;
    expect(document.load(undefined, []).ok).toBe(true);
    const [ann, bob] = ["ann", "bob"].map((name) => `${name}-1` as SessionId) as [SessionId, SessionId];
    for (const [session, user] of [[ann, "ann"] as const, [bob, "bob"] as const])
      document.join(session, { user: user as UserId, name: user, role: "member" }, "sdk");
    const mine = new Y.Doc();
    mine.clientID = 99;
    const updates: Uint8Array[] = [];
    mine.on("update", (update: Uint8Array) => updates.push(update));
    for (const id of ["note-1", "note-2"]) createObject(mine, workshop, "note", id);
    expect(updates.flatMap((update) => document.receive(ann, encodeDocUpdate(update), 0))).toEqual([]);
    expect(soon.splice(0)).toEqual(["append 1: 0 applied"]);
    expect(document.appended(1, true, "", 0).filter(({ kind }) => kind === "append")).toEqual([]);
    expect(soon.splice(0)).toEqual(["send 0 applied", "append 2: 0 applied"]);
    expect(seen()).toBe("1 applied");
    const last = document.appended(2, true, "", 10);
    expect(soon).toEqual(["send 1 applied"]);
    expect(last.some((effect) => effect.kind === "send" && effect.session === bob)).toBe(true);
  });

  it("retells the whole scene to a pipeline that starts with nothing", () => {
    const world = new World();
    const ann = world.join("ann");
    valve(ann, "valve-1", { label: "Pump" });
    createObject(ann.doc, workshop, "note", "note-1");
    expect(world.document.allEvents().map((event) => event.kind)).toEqual(["object", "object", "text"]);
  });
});

describe("SceneDocument: concurrent people", () => {
  it("keeps every increment, every tag and every character of two who write at once", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob", { kind: "stock" })];
    valve(ann);
    world.land();
    for (const peer of [ann, bob]) {
      for (let i = 0; i < 5; i++) addCounter(peer.doc, "valve-1", "turns", String(peer.doc.clientID), 1);
      setMember(peer.doc, workshop, "valve-1", "tags", peer.user, true);
      textField(peer.doc, "valve-1", "label")?.insert(0, peer.user);
    }
    while (world.appends.length > 0) world.land();
    expect(counterValue(ann.doc, "valve-1", "turns")).toBe(10);
    expect(readField(ann.doc, workshop, "valve-1", "tags")).toEqual(["ann", "bob"]);
    expect(readField(ann.doc, workshop, "valve-1", "label")).toHaveLength(6);
    expectConverged(world);
  });

  it("lets one of two win a compare-and-set, and tells the other", () => {
    const world = new World({ auto: false });
    const [ann, bob] = [world.join("ann"), world.join("bob")];
    valve(ann);
    world.land();
    setField(ann.doc, workshop, "valve-1", "reservedBy", "ann");
    setField(bob.doc, workshop, "valve-1", "reservedBy", "bob");
    while (world.appends.length > 0) world.land();
    expect(bob.denied).toMatchObject([{ reason: "lost-race", object: "valve-1", field: "reservedBy" }]);
    expect(world.document.object("valve-1")?.fields["reservedBy"]).toBe("ann");
    setField(bob.doc, workshop, "valve-1", "reservedBy", "bob");
    while (world.appends.length > 0) world.land();
    expect(world.document.object("valve-1")?.fields["reservedBy"]).toBe("bob");
    expectConverged(world);
  });
});
