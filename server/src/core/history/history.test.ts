import { createObject, deleteObject, objectMap, setField, textField } from "@copresence/shared/scene";
import { beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { counted, only, scene, sent } from "../core-kit.ts";
import { CoreRun, edit, session } from "../core-run.ts";
import { encodeStep1 } from "../document/doc-wire.ts";
import type { CoreEffect, CoreInput } from "../types.ts";
import { readPast } from "./past.ts";
import type { PastRecord } from "./types.ts";

/** A room, a replica per person, and a log that remembers. */
class Room {
  readonly run = new CoreRun();
  readonly log: PastRecord[] = [];
  atMs = 1000;
  private readonly replicas = new Map<string, Y.Doc>();

  join(user: string, role = "member"): Y.Doc {
    this.note(this.run.join(user, role));
    const doc = new Y.Doc();
    doc.clientID = 100 + this.replicas.size;
    this.replicas.set(user, doc);
    this.sync();
    return doc;
  }

  /** `user` edits their replica; everybody hears of it, unless `quiet`. */
  edits(user: string, change: (doc: Y.Doc) => void): void {
    const doc = this.replicas.get(user) as Y.Doc;
    const message = edit(doc, () => change(doc));
    this.note(this.run.say(user, message));
    this.sync();
  }

  /** Two edits of which neither knows the other. */
  atOnce(...edits: readonly (readonly [user: string, change: (doc: Y.Doc) => void])[]): void {
    const messages = edits.map(([user, change]) => {
      const doc = this.replicas.get(user) as Y.Doc;
      return [user, edit(doc, () => change(doc))] as const;
    });
    for (const [user, message] of messages) this.note(this.run.say(user, message));
    this.sync();
  }

  rollback(user: string, what: { readonly by?: string; readonly object?: string; readonly sinceMs?: number }, meanwhile?: () => void): CoreEffect[] {
    const asked = this.run.say(user, { type: "rollback", ref: 9, by: "", object: "", sinceMs: 0, ...what });
    const answers = this.answers(asked);
    meanwhile?.();
    const effects = this.run.step(...answers);
    this.note(effects);
    this.sync();
    return [...asked, ...effects];
  }

  answers(effects: readonly CoreEffect[]): CoreInput[] {
    return only(effects, "recall").map(({ id, query }) => ({
      kind: "recalled",
      id,
      answer: readPast([{ base: undefined, records: this.log }], query),
      sentence: "",
    }));
  }

  objects(): unknown {
    const [doc] = this.replicas.values();
    return doc?.getMap("objects").toJSON();
  }

  private note(effects: readonly CoreEffect[]): void {
    for (const { records } of only(effects, "append"))
      for (const { user, update } of records) this.log.push({ user, atMs: this.atMs, bytes: update });
  }

  private sync(): void {
    for (const [user, doc] of this.replicas) {
      const answer = this.run.say(user, { type: "sync", body: encodeStep1(Y.encodeStateVector(doc)) });
      // [0 sync][1 step 2][length][update]
      for (const { body } of sent(answer, session(user), "syncDown")) Y.applyUpdate(doc, updateOf(body));
    }
  }
}

function updateOf(body: Uint8Array): Uint8Array {
  let at = 2;
  while ((body[at++] as number) > 127);
  return body.subarray(at);
}

const sign = (id: string, label: string) => (doc: Y.Doc) => createObject(doc, scene, "sign", id, { label });
const cup = (id: string) => (doc: Y.Doc) => createObject(doc, scene, "cup", id);
const type = (id: string, at: number, text: string) => (doc: Y.Doc) => textField(doc, id, "label")?.insert(at, text);
const full = (id: string, on: boolean) => (doc: Y.Doc) => setField(doc, scene, id, "full", on);
const labelOf = (room: Room, id: string) => (room.objects() as Record<string, { label: string }>)[id]?.label;

describe("history and rollback", () => {
  let room: Room;
  beforeEach(() => {
    room = new Room();
    room.join("ann");
    room.join("bob");
    room.join("mo", "moderator");
  });

  it("[HI1] undoes one person's letters and keeps the letters others typed among them", () => {
    room.edits("ann", sign("s", "hello"));
    room.edits("bob", type("s", 5, " SPAM"));
    room.edits("ann", type("s", 10, " world"));
    const effects = room.rollback("mo", { by: "bob" });
    expect(labelOf(room, "s")).toBe("hello world");
    expect(sent(effects, session("mo"), "rolledBack")).toEqual([{ type: "rolledBack", ref: 9, changed: 1, kept: 0 }]);
    expect(counted(effects, "rollback")).toBe(1);
    expect(room.log.at(-1)?.user).toBe("mo");
  });

  it("[HD2] what was typed while the past was read is merged, not lost", () => {
    room.edits("ann", sign("s", "hello"));
    room.edits("bob", type("s", 5, " SPAM"));
    room.rollback("mo", { by: "bob" }, () => room.edits("ann", type("s", 0, "oh ")));
    expect(labelOf(room, "s")).toBe("oh hello");
  });

  it("[HI1] brings back what was deleted with all its fields, and leaves alone what was changed since", () => {
    room.edits("ann", cup("a"));
    room.edits("ann", full("a", true));
    room.edits("ann", cup("b"));
    room.edits("bob", (doc) => deleteObject(doc, "a"));
    room.edits("bob", full("b", true));
    room.edits("ann", full("b", false));
    const effects = room.rollback("mo", { by: "bob" });
    expect(room.objects()).toMatchObject({ a: { type: "cup", full: true }, b: { type: "cup", full: false } });
    expect(sent(effects, session("mo"), "rolledBack")).toMatchObject([{ changed: 1, kept: 1 }]);
  });

  it("[HI2] an object by the undone person stays when others have worked on it, without that person's words", () => {
    room.edits("bob", sign("theirs", "SPAM"));
    room.edits("bob", sign("junk", "junk"));
    room.edits("ann", type("theirs", 4, " useful"));
    room.rollback("mo", { by: "bob" });
    expect(room.objects()).toEqual({ theirs: { type: "sign", label: " useful" } });
  });

  it("undoes one object, and one period", () => {
    room.edits("ann", sign("x", "x1"));
    room.edits("ann", sign("y", "y1"));
    room.atMs = 5000;
    room.edits("bob", type("x", 2, "-late"));
    room.edits("ann", type("y", 2, "-late"));
    room.rollback("mo", { object: "x", sinceMs: 5000 });
    expect([labelOf(room, "x"), labelOf(room, "y")]).toEqual(["x1", "y1-late"]);
    room.rollback("mo", { sinceMs: 5000, by: "ann" });
    expect(labelOf(room, "y")).toBe("y1");
  });

  it("a rollback can be rolled back", () => {
    room.edits("bob", sign("s", "good after all"));
    room.rollback("mo", { by: "bob" });
    expect(room.objects()).toEqual({});
    room.rollback("mo", { by: "mo" });
    expect(labelOf(room, "s")).toBe("good after all");
  });

  it("concurrent edits converge: undo of one of two people who typed at once", () => {
    room.edits("ann", sign("s", "ab"));
    room.atOnce(["ann", type("s", 1, "ANN")], ["bob", type("s", 1, "BOB")]);
    room.rollback("bob", { by: "bob" });
    expect(labelOf(room, "s")).toBe("aANNb");
  });

  it("[HD1] people undo their own, moderators anybody's; others are told why not", () => {
    room.edits("ann", sign("s", "hello"));
    const refused = (user: string, what: { by?: string; object?: string; sinceMs?: number }) =>
      sent(room.rollback(user, what), session(user), "denied").map(({ ref, reason }) => [ref, reason]);
    expect(refused("bob", { by: "ann" })).toEqual([[9, "not-allowed"]]);
    expect(refused("bob", { object: "s" })).toEqual([[9, "not-allowed"]]);
    expect(refused("mo", {})).toEqual([[9, "malformed"]]);
    expect(refused("ann", { by: "ann" })).toEqual([]);
    expect(room.objects()).toEqual({});
  });

  it("[HD3] answers one question of a session at a time, and says when the store cannot", () => {
    const ask = { type: "historyAsk", ref: 1, by: "", object: "", sinceMs: 0, limit: 5 } as const;
    const [first] = only(room.run.say("ann", ask), "recall");
    expect(sent(room.run.say("ann", { ...ask, ref: 2 }), session("ann"), "denied")).toMatchObject([{ ref: 2, reason: "too-many" }]);
    const failed = room.run.step({ kind: "recalled", id: first?.id ?? 0, answer: undefined, sentence: "disk" });
    expect(sent(failed, session("ann"), "denied")).toMatchObject([{ ref: 1, reason: "read-only" }]);
  });

  it("lists who changed what, newest first, typing as one entry", () => {
    room.edits("ann", sign("s", ""));
    for (const letter of "hey") {
      room.atMs += 100;
      room.edits("ann", type("s", 0, letter));
    }
    room.atMs += 1000;
    room.edits("bob", (doc) => objectMap(doc, "s") && deleteObject(doc, "s"));
    const asked = room.run.say("bob", { type: "historyAsk", ref: 4, by: "", object: "", sinceMs: 0, limit: 5 });
    const [history] = sent(room.run.step(...room.answers(asked)), session("bob"), "history");
    expect(history).toMatchObject({ ref: 4, startMs: 1000, more: false });
    expect(history?.entries).toEqual([
      { user: "bob", object: "s", kind: "deleted", fields: [], fromMs: 2300, untilMs: 2300, edits: 1 },
      { user: "ann", object: "s", kind: "created", fields: ["label"], fromMs: 1000, untilMs: 1300, edits: 4 },
    ]);
  });

  it("[HD2] is answered when durable, not before", () => {
    room.edits("bob", sign("s", "SPAM"));
    const asked = room.run.say("mo", { type: "rollback", ref: 9, by: "bob", object: "", sinceMs: 0 });
    room.run.storeWorks = false;
    const waiting = room.run.step(...room.answers(asked));
    expect(sent(waiting, session("mo"), "rolledBack")).toEqual([]);
    const landed = room.run.step(...room.run.unanswered.splice(0).map((batch): CoreInput => ({ kind: "appended", batch, ok: true, sentence: "" })));
    const more = room.run.step(...room.run.unanswered.splice(0).map((batch): CoreInput => ({ kind: "appended", batch, ok: true, sentence: "" })));
    expect(sent([...landed, ...more], session("mo"), "rolledBack")).toHaveLength(1);
  });
});
