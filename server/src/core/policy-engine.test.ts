import { createObject, defaultRoles, defineScene, entryVersion, META_ROOT, setField, t, textField } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { deltas, grabMessage, only, sent } from "./core-kit.ts";
import { coreOptions, CoreRun, edit, enter, session, TICK_MS } from "./core-run.ts";
import { loadPermissions } from "./permission-desk.ts";
import { PERMISSIONS_NOTE } from "./note-keys.ts";
import { SceneCore } from "./scene-core.ts";
import type { CoreEffect } from "./types.ts";

const shop = defineScene({
  name: "shop",
  version: 1,
  bounds: { min: [-10, 0, -10], max: [10, 5, 10] },
  roles: defaultRoles,
  zones: { stage: { min: [5, 0, 5], max: [10, 5, 10] } },
  objects: {
    cup: { transform: t.leased(), label: t.text(), full: t.lww(t.boolean()), owner: t.cas(t.string()), step: t.cas(t.number()) },
    sign: { label: t.text() },
  },
});
const stored = (() => {
  const doc = new Y.Doc();
  doc.clientID = 77;
  createObject(doc, shop, "cup", "cup-1", { transform: { position: [0, 1, 0] } });
  createObject(doc, shop, "cup", "cup-2", { transform: { position: [6, 1, 6] } });
  return Y.encodeStateAsUpdate(doc);
})();
const loaded = { epoch: 1, seq: 1, snapshot: undefined, updates: [stored], cutRecords: 0 };
const open = (notes?: ReadonlyMap<string, Uint8Array>): CoreRun =>
  new CoreRun({ scene: shop, loaded: notes === undefined ? loaded : { ...loaded, notes } });
const replicaOf = (clientId: number): Y.Doc => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, stored);
  doc.clientID = clientId;
  return doc;
};
const string = (text: string) => ({ kind: "string", number: 0, text }) as const;
const owner = (run: CoreRun): unknown => {
  const doc = new Y.Doc();
  for (const record of records(run.join("reader"))) Y.applyUpdate(doc, record);
  return doc.getMap<Y.Map<unknown>>("objects").get("cup-1")?.get("owner");
};
const records = (effects: readonly CoreEffect[]): Uint8Array[] =>
  only(effects, "append").flatMap(({ records: list }) => list.map(({ update }) => update));

describe("compare-and-set at the room", () => {
  const ask = (seen: { client: number; clock: number } | null, text: string, over = {}) =>
    ({ type: "cas", ref: 1, object: "cup-1", field: "owner", seen, value: string(text), ...over }) as const;

  it("[CS1] [CS2] lets one of two win, and answers the loser with what everybody sees, after everybody saw it", () => {
    const run = open();
    run.join("ann");
    run.join("bob");
    const effects = run.step(run.input("ann", ask(null, "ann")), run.input("bob", ask(null, "bob")));
    expect(sent(effects, session("ann"), "casResult")).toMatchObject([{ won: true, current: string("ann") }]);
    expect(sent(effects, session("bob"), "casResult")).toMatchObject([{ won: false, reason: "lost-race", current: string("ann") }]);
    const forBob = effects
      .filter((effect) => effect.kind === "send" && effect.session === session("bob"))
      .map((effect) => (effect as { bytes: Uint8Array }).bytes[1]);
    expect(forBob.indexOf(36)).toBeLessThan(forBob.indexOf(61));
    const doc = replicaOf(5);
    for (const update of records(effects)) Y.applyUpdate(doc, update);
    const seen = entryVersion(doc, "cup-1", "owner");
    expect(sent(run.say("bob", ask(seen, "bob")), session("bob"), "casResult")).toMatchObject([{ won: true, current: string("bob") }]);
    expect(sent(run.say("ann", ask(seen, "ann")), session("ann"), "casResult")).toMatchObject([{ won: false, current: string("bob") }]);
  });

  it("[CS2] answers nobody before the disk has decided", () => {
    const run = open();
    run.join("ann");
    run.join("bob");
    run.storeWorks = false;
    const effects = run.step(run.input("ann", ask(null, "ann")), run.input("bob", ask(null, "bob")));
    expect([...sent(effects, session("ann"), "casResult"), ...sent(effects, session("bob"), "casResult")]).toEqual([]);
    const landed = run.step(...run.unanswered.map((batch) => ({ kind: "appended", batch, ok: true, sentence: "" }) as const));
    expect(sent(landed, session("bob"), "casResult")).toMatchObject([{ won: false, current: string("ann") }]);
  });

  it.each([
    ["an object that is not there", { object: "cup-9" }, "unknown-object"],
    ["a field that is no cas field", { field: "full" }, "malformed"],
    ["a value of another type", { field: "step" }, "malformed"],
  ])("refuses %s with a reason", (_, over, reason) => {
    const run = open();
    run.join("ann");
    expect(sent(run.say("ann", ask(null, "ann", over)), session("ann"), "casResult")).toMatchObject([{ won: false, reason }]);
  });

  it("refuses somebody who may not edit, and a stale write by a stock editor", () => {
    const run = open();
    run.join("guest", "guest");
    expect(sent(run.say("guest", ask(null, "me")), session("guest"), "casResult")).toMatchObject([{ won: false, reason: "not-allowed" }]);
    run.join("ann");
    run.say("ann", ask(null, "ann"));
    const stale = replicaOf(900);
    run.join("bob");
    const effects = run.say(
      "bob",
      edit(stale, () => setField(stale, shop, "cup-1", "owner", "bob")),
    );
    expect(sent(effects, session("bob"), "denied")).toMatchObject([{ reason: "lost-race", object: "cup-1", field: "owner" }]);
    expect(owner(run)).toBeUndefined();
  });
});

describe("permission rules", () => {
  const rule = (over = {}) => ({ target: "object", name: "cup-1", to: "role", who: "member", right: "edit", ...over }) as const;
  const permit = (scope: ReturnType<typeof rule>, effect: "allow" | "deny" | "clear" = "deny") =>
    ({ type: "permit", ref: 3, scope, effect }) as const;
  const write = (run: CoreRun, user: string, clientId: number, id = "cup-1") => {
    const doc = replicaOf(clientId);
    return run.say(
      user,
      edit(doc, () => setField(doc, shop, id, "full", true)),
    );
  };

  it("[PD1] are in force at once, told to those they concern when they are saved, and taken back", () => {
    const run = open();
    for (const [user, role] of [
      ["mod", "moderator"],
      ["ann", "member"],
      ["gil", "guest"],
    ] as const)
      run.join(user, role);
    const changed = run.say("mod", permit(rule()));
    const [note] = only(changed, "note");
    expect(note?.key).toBe(PERMISSIONS_NOTE);
    expect(sent(changed, session("ann"), "permissions")).toEqual([]);
    expect(sent(write(run, "ann", 500), session("ann"), "denied")).toMatchObject([{ reason: "not-allowed", object: "cup-1", field: "full" }]);
    const saved = run.step({ kind: "noted", write: note?.write ?? 0, ok: true, sentence: "" });
    expect(sent(saved, session("ann"), "permissions")).toMatchObject([{ all: false, rules: [{ allow: false }] }]);
    expect(sent(saved, session("mod"), "permissions")).toHaveLength(1);
    expect(sent(saved, session("gil"), "permissions")).toEqual([]);
    run.say("mod", permit(rule(), "clear"));
    run.join("amy");
    expect(sent(write(run, "amy", 501), session("amy"), "denied")).toEqual([]);
  });

  it("[PD1] hold for zones, and end a hold that they forbid", () => {
    const run = open();
    run.join("mod", "moderator");
    enter(run, "ann", [0, 1, 0]);
    run.wait(TICK_MS, run.input("ann", grabMessage({ object: "cup-1" })));
    expect(run.core.stats.leases).toBe(1);
    run.say("mod", permit(rule({ target: "zone", name: "stage", to: "everybody", who: "", right: "edit" })));
    expect(sent(write(run, "ann", 600, "cup-2"), session("ann"), "denied")).toMatchObject([{ reason: "not-allowed", object: "cup-2" }]);
    expect(run.core.stats.leases).toBe(1);
    const ended = run.say("mod", permit(rule({ right: "grab" })));
    expect(deltas(ended)).toContain("leaseGone");
    expect(run.core.stats.leases).toBe(0);
    const again = run.wait(TICK_MS, run.input("ann", grabMessage({ object: "cup-1", seq: 2 })));
    expect(sent(again, session("ann"), "grabResult")).toMatchObject([{ granted: false, reason: "not-allowed" }]);
  });

  it("are nobody else's to change, and are about what there is", () => {
    const run = open();
    run.join("ann");
    run.join("mod", "moderator");
    expect(sent(run.say("ann", permit(rule())), session("ann"), "denied")).toMatchObject([{ ref: 3, reason: "not-allowed" }]);
    for (const wrong of [
      { target: "zone", name: "attic" },
      { target: "type", name: "boat" },
      { who: "pirate" },
      { target: "object", name: "__proto__" },
    ]) {
      const effects = run.say("mod", permit(rule(wrong)));
      expect(sent(effects, session("mod"), "denied")).toMatchObject([{ reason: "malformed" }]);
      expect(only(effects, "note")).toEqual([]);
    }
  });

  it("[PD1] stay in force while the store is in trouble, which their author is told, and are written when it works", () => {
    const run = open();
    run.join("mod", "moderator");
    const [note] = only(run.say("mod", permit(rule())), "note");
    const failed = run.step({ kind: "noted", write: note?.write ?? 0, ok: false, sentence: "The disk is full." });
    expect(sent(failed, session("mod"), "denied")).toMatchObject([{ ref: 3, reason: "read-only" }]);
    const [again] = only(run.step({ kind: "storeRecovered" }), "note");
    expect(again?.value).toEqual(note?.value);
    expect(sent(run.step({ kind: "noted", write: again?.write ?? 0, ok: true, sentence: "" }), session("mod"), "permissions")).toHaveLength(1);
  });

  it("[PD2] are there after a restart, and a space whose rules cannot be read stays closed", () => {
    const run = open();
    run.join("mod", "moderator");
    const [note] = only(run.say("mod", permit(rule())), "note");
    const again = open(new Map([[PERMISSIONS_NOTE, note?.value ?? new Uint8Array()]]));
    const joined = again.join("ann");
    expect(sent(joined, session("ann"), "permissions")).toMatchObject([{ all: true, rules: [{ scope: rule(), allow: false }] }]);
    expect(sent(write(again, "ann", 700), session("ann"), "denied")).toMatchObject([{ reason: "not-allowed" }]);
    for (const broken of ["", "{}", '{"format":2,"rules":[]}', '{"format":1,"rules":[{"allow":"yes"}]}']) {
      const notes = new Map([[PERMISSIONS_NOTE, new TextEncoder().encode(broken)]]);
      expect(SceneCore.open(coreOptions({ scene: shop, loaded: { ...loaded, notes } }))).toMatchObject({ ok: false, error: { code: "corrupt" } });
      expect(loadPermissions(shop, notes.get(PERMISSIONS_NOTE)).ok).toBe(false);
    }
  });
});

describe("documents of older definitions", () => {
  const newer = (migrations: object, version = 3) =>
    defineScene({
      ...shop,
      version,
      permissions: [],
      objects: { ...shop.objects, cup: { ...shop.objects.cup, note: t.text(), size: t.lww(t.number(1)) } },
      migrations: migrations as never,
    });

  it("[MI2] [MI3] are migrated by the room before anybody edits them, as one durable edit", () => {
    const order: number[] = [];
    const scene = newer({
      2: (old: any) => {
        order.push(2);
        for (const cup of old.objects("cup")) cup.set("note", `was ${cup.id}`);
      },
      3: (old: any) => {
        order.push(3);
        for (const cup of old.objects("cup")) cup.set("size", 2);
      },
    });
    const run = new CoreRun({ scene, loaded });
    const first = run.step();
    expect(
      only(first, "append")
        .flatMap(({ records: list }) => list)
        .filter(({ update }) => update.length > 2),
    ).toHaveLength(1);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, stored);
    for (const update of records(first)) Y.applyUpdate(doc, update);
    expect(order).toEqual([2, 3]);
    expect(doc.getMap(META_ROOT).toJSON()).toEqual({ version: 3 });
    expect(textField(doc, "cup-1", "note")?.toString()).toBe("was cup-1");
    const again = new CoreRun({ scene, loaded: { ...loaded, updates: [Y.encodeStateAsUpdate(doc)] } });
    expect(only(again.step(), "append")).toEqual([]);
  });

  it("[MI4] a newer document and a failing migration keep the space closed, with a sentence", () => {
    const doc = replicaOf(77);
    doc.getMap(META_ROOT).set("version", 9);
    const tooNew = SceneCore.open(coreOptions({ scene: shop, loaded: { ...loaded, updates: [Y.encodeStateAsUpdate(doc)] } }));
    expect(tooNew).toMatchObject({ ok: false, error: { code: "corrupt", sentence: expect.stringContaining("version 9") as string } });
    const failing = newer(
      {
        2: () => {
          throw new Error("no such thing");
        },
      },
      2,
    );
    expect(SceneCore.open(coreOptions({ scene: failing, loaded }))).toMatchObject({
      ok: false,
      error: { sentence: expect.stringContaining("no such thing") as string },
    });
  });
});
