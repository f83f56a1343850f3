import { FlightTrack } from "@copresence/shared/motion";
import { LIMITS } from "@copresence/shared/protocol";
import { createObject, deleteObject, readTransform, textField } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { counted, deltas, grabMessage, letGoMessage, only, releaseMessage, scene, sent } from "./core-kit.ts";
import { coreOptions, CoreRun, CUP, edit, enter, framesOf, pose, session, storedCups, TICK_MS, withCup } from "./core-run.ts";
import { SceneCore } from "./scene-core.ts";
import type { CoreEffect } from "./types.ts";

const label = (run: CoreRun, user: string, id: string, text: string) => {
  const replica = new Y.Doc();
  replica.clientID = 1000 + text.length;
  return {
    replica,
    effects: run.say(
      user,
      edit(replica, () => createObject(replica, scene, "sign", id, { label: text })),
    ),
  };
};

const texts = (all: readonly CoreEffect[]) => only(all, "event").flatMap(({ event }) => (event.kind === "text" ? [event] : []));

describe("SceneCore: objects", () => {
  it("a grab, a move and a release become one lease and one durable transform", () => {
    const run = withCup();
    const ada = enter(run, "ada");
    enter(run, "bob", [5, 1, 5]);
    const granted = run.wait(TICK_MS, run.input("ada", grabMessage({ seq: 5 })));
    expect(sent(granted, session("ada"), "grabResult")).toMatchObject([{ seq: 5, granted: true, holder: ada.slot }]);
    expect(run.core.snapshotSession().some(({ kind }) => kind === "lease")).toBe(true);
    const released = run.say("ada", releaseMessage({ positionMm: [1500, 900, -250] }));
    const kinds = released.map((effect) => (effect.kind === "session" ? effect.delta.kind : effect.kind));
    expect(kinds.indexOf("append")).toBeGreaterThanOrEqual(0);
    expect(kinds.indexOf("leaseGone")).toBeGreaterThan(kinds.indexOf("append"));
    expect(sent(released, session("bob"), "syncDown")).toHaveLength(1);
    expect(run.wait(500).filter(({ kind }) => kind === "append")).toEqual([]);
  });

  it("[FD1] who joins during a flight is told of it; a crash in mid-air leaves the object where it would have landed", () => {
    const run = withCup();
    enter(run, "ada");
    run.wait(TICK_MS, run.input("ada", grabMessage()));
    const effects = run.say("ada", letGoMessage({ atMs: run.nowMs, positionMm: [0, 1200, 0], velocityMmS: [3000, 2000, 0] }));
    const flight = run.core.snapshotSession().find(({ kind }) => kind === "flight");
    expect(flight).toMatchObject({ flight: { object: "cup-1", velocityMmS: [3000, 2000, 0] } });
    const landing = flight?.kind === "flight" ? [...new FlightTrack(flight.flight).rest.subarray(0, 3)] : [];
    const doc = new Y.Doc();
    Y.applyUpdate(doc, storedCups({ "cup-1": CUP }));
    for (const { records } of only(effects, "append")) for (const { update } of records) Y.applyUpdate(doc, update);
    expect(readTransform(doc, "cup-1")?.position).toEqual(landing);
    expect(landing[1]).toBe(0);
  });

  it("[LE2] poses keep a lease alive; silence ends it", () => {
    const run = withCup();
    const ada = enter(run, "ada");
    run.wait(TICK_MS, run.input("ada", grabMessage()));
    for (let i = 0; i < 30; i++) {
      run.wait(500);
      pose(run, "ada", ada, CUP);
    }
    expect(run.core.stats.leases).toBe(1);
    const effects = run.wait(LIMITS.leaseMs + TICK_MS);
    expect(deltas(effects)).toEqual(["leaseGone"]);
    expect(counted(effects, "lease_expired")).toBe(1);
    expect(sent(run.say("ada", releaseMessage()), session("ada"), "denied")).toMatchObject([{ reason: "lease-expired" }]);
  });

  it("who touched first wins, whatever the ping", () => {
    const run = withCup();
    run.nowMs = 1000;
    const [near, far] = [enter(run, "near"), enter(run, "far")];
    for (let i = 0; i < 10; i++) {
      run.wait(20);
      pose(run, "near", near, CUP, 5);
      if (i > 3) pose(run, "far", far, CUP, 140);
    }
    const touchTick = run.core.tick;
    // near touches 40 ms after far, but its claim is there 100 ms earlier.
    run.wait(45, run.input("near", grabMessage({ seq: 1, atTick: touchTick + 2 })));
    expect(sent(run.wait(TICK_MS), session("near"), "grabResult")).toMatchObject([{ granted: true }]);
    pose(run, "far", far, CUP, 140);
    const effects = [...run.wait(80, run.input("far", grabMessage({ seq: 9, atTick: touchTick }))), ...run.wait(TICK_MS)];
    expect(sent(effects, session("far"), "grabResult")).toMatchObject([{ seq: 9, granted: true, holder: far.slot }]);
    expect(sent(effects, session("near"), "grabResult")).toMatchObject([{ seq: 1, granted: false, reason: "held-by-other", holder: far.slot }]);
    expect(run.core.snapshotSession().filter(({ kind }) => kind === "lease")).toMatchObject([{ lease: { slot: far.slot } }]);
  });

  it("deleting a held object ends the hold", () => {
    const run = withCup();
    enter(run, "ada");
    run.wait(TICK_MS, run.input("ada", grabMessage()));
    const replica = new Y.Doc();
    Y.applyUpdate(replica, storedCups({ "cup-1": CUP }));
    const effects = run.say(
      "ada",
      edit(replica, () => deleteObject(replica, "cup-1")),
    );
    expect(deltas(effects)).toEqual(["leaseGone"]);
    expect(sent(run.wait(TICK_MS, run.input("ada", grabMessage())), session("ada"), "grabResult")).toMatchObject([{ reason: "unknown-object" }]);
  });
});

describe("SceneCore: edits, verdicts and the store", () => {
  it("[CO3] an edit is seen by others, and acknowledged, only when it is durable", () => {
    const run = withCup();
    run.join("ada");
    run.join("bob");
    run.storeWorks = false;
    const { effects } = label(run, "ada", "sign-1", "hello");
    expect(only(effects, "append")).toHaveLength(1);
    expect(sent(effects, session("bob"), "syncDown")).toEqual([]);
    expect(sent(effects, session("ada"), "ack")).toEqual([]);
    const after = run.step({ kind: "appended", batch: run.unanswered[0]!, ok: true, sentence: "" });
    expect(sent(after, session("bob"), "syncDown")).toHaveLength(1);
    expect(sent(after, session("ada"), "ack")).toMatchObject([{ updates: 1, level: "disk" }]);
  });

  it("a failing store turns edits off and says so; poses go on; it recovers", () => {
    const run = withCup();
    run.join("bob");
    const ada = enter(run, "ada");
    run.storeWorks = false;
    label(run, "ada", "sign-1", "hello");
    const failed = run.step({ kind: "appended", batch: run.unanswered[0]!, ok: false, sentence: "disk full" });
    for (const user of ["ada", "bob"]) expect(sent(failed, session(user), "storage")).toMatchObject([{ state: "bad" }]);
    expect(run.core.stats.readOnly).toBe(true);
    run.wait(TICK_MS / 2, run.input("ada", grabMessage()));
    pose(run, "ada", ada, CUP);
    const meanwhile = run.wait(TICK_MS * 2);
    expect(sent(meanwhile, session("ada"), "grabResult")).toMatchObject([{ granted: false, reason: "read-only" }]);
    expect(framesOf(meanwhile, session("bob")).length).toBeGreaterThan(0);
    run.storeWorks = true;
    const recovered = run.step({ kind: "storeRecovered" });
    expect(sent(recovered, session("bob"), "storage")).toMatchObject([{ state: "good" }]);
    expect(run.core.stats.readOnly).toBe(false);
  });

  it("a store that hangs turns edits off, fails nothing, and acknowledges what was under way once it is over", () => {
    const run = withCup();
    run.join("ada");
    run.join("bob");
    run.storeWorks = false;
    label(run, "ada", "sign-1", "hello");
    const hung = run.step({ kind: "storeStalled", sentence: "no answer" });
    for (const user of ["ada", "bob"]) expect(sent(hung, session(user), "storage")).toMatchObject([{ state: "bad" }]);
    expect(sent(run.step({ kind: "storeStalled", sentence: "no answer" }), session("ada"), "storage")).toEqual([]);
    expect(sent(label(run, "bob", "sign-2", "hi").effects, session("bob"), "denied")).toMatchObject([{ reason: "read-only" }]);
    const over = run.step({ kind: "storeRecovered" }, { kind: "appended", batch: run.unanswered[0]!, ok: true, sentence: "" });
    expect(sent(over, session("bob"), "storage")).toMatchObject([{ state: "good" }]);
    expect(sent(over, session("ada"), "ack")).toMatchObject([{ updates: 1, level: "disk" }]);
    expect(run.core.stats.readOnly).toBe(false);
  });

  it("[IO1] writes its initial objects into an empty document, once", () => {
    const initial = [{ id: "cup-9", type: "cup", fields: { transform: [1, 1, 1, 0, 0, 0, 1, 2], label: "first" } }];
    const run = new CoreRun({ initial });
    const events = only(run.step(), "event").map(({ event }) => event);
    expect(events[0]).toMatchObject({ kind: "object", object: "cup-9", label: "first", position: [1, 1, 1], sizeM: 2 });
    const again = new CoreRun({ initial, loaded: { epoch: 1, seq: 1, snapshot: undefined, updates: [storedCups({})], cutRecords: 0 } });
    expect(only(again.step(), "append")).toEqual([]);
    const opened = SceneCore.open(coreOptions({ initial: [{ id: "cup-9", type: "cup", fields: { colour: 1 } }] }));
    expect(!opened.ok && opened.error).toEqual({ code: "initial", sentence: 'cup has no field "colour"' });
  });

  it("tells the pipeline everything that was stored, at the first tick", () => {
    const objects = only(withCup().wait(TICK_MS), "event").map(({ event }) => event.kind === "object" && event.object);
    expect(objects).toEqual(["cup-1"]);
  });

  it("veils a label by verdict, tells its author, and lifts the veil for a better text", () => {
    const run = withCup();
    run.join("ada");
    run.join("bob");
    const { effects, replica } = label(run, "ada", "sign-1", "rude");
    const first = texts(effects).at(-1)!;
    expect(first).toMatchObject({ subject: { kind: "field", object: "sign-1", field: "label" }, user: "ada", text: "rude" });
    const judged = run.step({ kind: "verdict", subject: first.subject, version: first.version, hide: true, reason: "insult" });
    expect(only(judged, "session").map(({ delta }) => delta)).toEqual([
      { kind: "veil", object: "sign-1", field: "label", author: "ada", reason: "insult" },
    ]);
    expect(sent(judged, session("ada"), "denied")).toMatchObject([{ reason: "text-hidden", object: "sign-1", field: "label" }]);
    expect(sent(judged, session("bob"), "denied")).toEqual([]);
    run.say(
      "ada",
      edit(replica, () => textField(replica, "sign-1", "label")?.insert(0, "not ")),
    );
    const better = run.wait(TICK_MS);
    const second = texts(better).at(-1)!;
    expect(second.version).toBeGreaterThan(first.version);
    expect(deltas(run.step({ kind: "verdict", subject: second.subject, version: second.version, hide: false, reason: "" }))).toEqual(["veilGone"]);
  });

  it("chat goes through moderation and back to everybody", () => {
    const run = withCup();
    run.join("ada");
    run.join("bob");
    run.say("ada", { type: "chat", ref: 3, text: "hi" });
    const shown = run.step({ kind: "verdict", subject: { kind: "chat", id: 1 }, version: 1, hide: false, reason: "" });
    expect(sent(shown, session("bob"), "chatMessage")).toMatchObject([{ user: "ada", text: "hi", hidden: false }]);
    run.say("ada", { type: "chat", ref: 4, text: "ho" });
    expect(sent(run.wait(199), session("bob"), "chatMessage")).toEqual([]);
    expect(sent(run.wait(1), session("bob"), "chatMessage")).toMatchObject([{ text: "ho" }]);
  });
});
