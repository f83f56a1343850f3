import type { UserId } from "@copresence/shared/base";
import { createObject, deleteObject, readTransform, textField } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { grabMessage, identity, only, scene, sent, sessionId } from "../core-kit.ts";
import { closes, CoreRun, CUP, edit, enter, pose, session, storedCups, TICK_MS, withCup } from "../core-run.ts";
import type { CoreInput } from "../types.ts";

const restrict = (user: string, what: "mute" | "freeze" | "remove", on: boolean): CoreInput => ({ kind: "restrict", user: user as UserId, what, on });
const quarantine = (on: boolean): CoreInput => ({ kind: "quarantine", object: "cup-1", on });

/** A client's replica of `withCup`, and an edit of it. */
function replica(client: number) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, storedCups({ "cup-1": CUP }));
  doc.clientID = client;
  return doc;
}
/** Whether an edit became part of the document; `said` is how many sentences its author got. */
function change(run: CoreRun, user: string, client: number, doing: (doc: Y.Doc) => void): { readonly taken: boolean; readonly said: number } {
  const doc = replica(client);
  const effects = run.say(
    user,
    edit(doc, () => doing(doc)),
  );
  return { taken: only(effects, "append").length > 0, said: sent(effects, session(user), "denied").length };
}
const taken = (run: CoreRun, user: string, client: number, doing = write): boolean => change(run, user, client, doing).taken;
function write(doc: Y.Doc): void {
  textField(doc, "cup-1", "label")?.insert(0, "mine");
}
const held = (run: CoreRun): number => run.core.stats.leases;

describe("Restrictions", () => {
  it("a muted person's lines reach nobody, and are heard again afterwards", () => {
    const run = withCup();
    enter(run, "ada");
    enter(run, "eve");
    const say = (): number => {
      const effects = run.say("eve", { type: "chat", ref: 1, text: "hello" });
      return sent([...effects, ...run.wait(400)], session("ada"), "chatMessage").length;
    };
    run.step(restrict("eve", "mute", true));
    expect(say()).toBe(0);
    run.step(restrict("eve", "mute", false));
    expect(say()).toBe(1);
  });

  it("[RS1] who is frozen lets go, and neither edits, creates, deletes nor grabs, whatever the rules allow", () => {
    const run = withCup();
    const mod = run.join("mod", "moderator");
    expect(mod.length).toBeGreaterThan(0);
    enter(run, "ada");
    const hello = enter(run, "eve");
    // A rule of the type is narrower than one of the scene: it must not set a frozen person free.
    for (const right of ["edit", "grab", "create", "delete"] as const)
      run.say("mod", { type: "permit", ref: 1, scope: { target: "type", name: "cup", to: "everybody", who: "", right }, effect: "allow" });
    run.wait(TICK_MS, run.input("eve", grabMessage()));
    expect(held(run)).toBe(1);
    run.step(restrict("eve", "freeze", true));
    expect(held(run)).toBe(0);
    pose(run, "eve", hello, CUP);
    const again = run.wait(TICK_MS, run.input("eve", grabMessage({ seq: 2 })));
    expect(sent(again, session("eve"), "grabResult")).toMatchObject([{ granted: false }]);
    expect(change(run, "eve", 501, write)).toEqual({ taken: false, said: 1 });
    // Who was refused is to catch up before anything else is taken from them, so everybody tries once.
    for (const user of ["fay", "gus", "hal"]) {
      enter(run, user);
      run.step(restrict(user, "freeze", true));
    }
    expect(taken(run, "fay", 502, (doc) => createObject(doc, scene, "sign", "s-1", {}))).toBe(false);
    expect(taken(run, "gus", 503, (doc) => void deleteObject(doc, "cup-1"))).toBe(false);
    expect(taken(run, "ada", 504)).toBe(true);
    // A moderator's rule written meanwhile carries nothing of it into the store.
    const noted = run.say("mod", {
      type: "permit",
      ref: 2,
      scope: { target: "type", name: "ball", to: "everybody", who: "", right: "grab" },
      effect: "deny",
    });
    expect(new TextDecoder().decode(only(noted, "note")[0]?.value)).not.toContain('"who":"eve"');
    run.step(restrict("hal", "freeze", false));
    expect(taken(run, "hal", 505)).toBe(true);
  });

  it("[RS1] an object in quarantine leaves its holder's hand where it lay, and only moderators touch it; a rule of its own comes back", () => {
    const run = withCup();
    run.join("mod", "moderator");
    enter(run, "ada");
    const hello = enter(run, "eve");
    run.say("mod", { type: "permit", ref: 1, scope: { target: "object", name: "cup-1", to: "user", who: "ada", right: "edit" }, effect: "deny" });
    run.wait(TICK_MS, run.input("eve", grabMessage()));
    expect(held(run)).toBe(1);
    const effects = run.step(quarantine(true));
    expect(held(run)).toBe(0);
    expect(only(effects, "append")).toEqual([]);
    expect(readTransform(replica(1), "cup-1")?.position).toEqual([...CUP]);
    pose(run, "eve", hello, CUP);
    expect(sent(run.wait(TICK_MS, run.input("eve", grabMessage({ seq: 2 }))), session("eve"), "grabResult")).toMatchObject([{ granted: false }]);
    expect(taken(run, "eve", 511)).toBe(false);
    for (const user of ["fay", "gus"]) enter(run, user);
    expect(taken(run, "fay", 512, (doc) => void deleteObject(doc, "cup-1"))).toBe(false);
    expect(taken(run, "mod", 513)).toBe(true);
    run.step(quarantine(false));
    expect(taken(run, "gus", 514)).toBe(true);
    expect(taken(run, "ada", 515)).toBe(false);
  });

  it("who is removed is out at once, by every door, and may come back when it is over", () => {
    const run = withCup();
    enter(run, "eve");
    run.step({ kind: "docJoin", session: sessionId("doc-eve"), identity: identity("eve") });
    expect(closes(run.step(restrict("eve", "remove", true)))).toEqual([
      ["s-eve", "removedByModerator"],
      ["doc-eve", "removedByModerator"],
    ]);
    expect(run.core.stats).toMatchObject({ people: 0, docPeers: 0 });
    expect(closes(run.join("eve", "member", "s-2"))).toEqual([["s-2", "removedByModerator"]]);
    expect(closes(run.step({ kind: "docJoin", session: sessionId("d-2"), identity: identity("eve") }))).toEqual([["d-2", "removedByModerator"]]);
    run.step(restrict("eve", "remove", false));
    expect(closes(run.join("eve", "member", "s-3"))).toEqual([]);
  });

  it("[RS2] says when there is no room for more", () => {
    const run = new CoreRun();
    const refused = (input: CoreInput): number => only(run.step(input), "count").filter(({ metric }) => metric === "hide_refused").length;
    for (let i = 0; i < 1024; i++) expect(refused({ kind: "quarantine", object: `o-${i}`, on: true })).toBe(0);
    expect(refused({ kind: "quarantine", object: "one-more", on: true })).toBe(1);
    expect(refused({ kind: "quarantine", object: "o-7", on: true })).toBe(0);
    expect(refused({ kind: "quarantine", object: "o-7", on: false })).toBe(0);
    expect(refused({ kind: "quarantine", object: "one-more", on: true })).toBe(0);
  });
});
