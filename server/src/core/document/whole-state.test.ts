import type { SessionId } from "@copresence/shared/base";
import { createObject, deleteObject, setField, textField } from "@copresence/shared/scene";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { threadCpuMs } from "../../adapters/thread-time.ts";
import type { CoreEffect } from "../types.ts";
import { contentOf, workshop, World } from "./document-harness.ts";
import { SceneDocument } from "./scene-document.ts";
import { SLICE_UNITS, WholeState } from "./whole-state.ts";

const NO_HEAD = (): Uint8Array => new Uint8Array();
const replica = (update: Uint8Array): Y.Doc => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  return doc;
};
/** A document of so many notes with so long a text each. */
function filled(notes: number, characters: number): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = 77;
  doc.transact(() => {
    for (let i = 0; i < notes; i++) createObject(doc, workshop, "note", `note-${i}`, { label: "words and more ".repeat(characters / 15) });
  });
  return doc;
}

type Change = { readonly client: number; readonly note: number; readonly what: "make" | "write" | "cut" | "delete" | "switch" };
const change = fc.record<Change>({
  client: fc.integer({ min: 1, max: 4 }),
  note: fc.integer({ min: 0, max: 5 }),
  what: fc.constantFrom("make", "write", "cut", "delete", "switch"),
});
function apply(doc: Y.Doc, { client, note, what }: Change): void {
  doc.clientID = client;
  const id = `note-${note}`;
  const exists = doc.getMap("objects").has(id);
  if (what === "make" && !exists) createObject(doc, workshop, "valve", id, { label: "a label" });
  if (!exists) return;
  const label = textField(doc, id, "label") as Y.Text;
  if (what === "write") label.insert(note % (label.length + 1), `by ${client}`);
  if (what === "cut" && label.length > 2) label.delete(1, Math.min(3, label.length - 1));
  if (what === "delete") deleteObject(doc, id);
  if (what === "switch") setField(doc, workshop, id, "open", client % 2 === 0);
}

describe("a whole document in slices", () => {
  it("[WH1] says what the document says when it is finished, whatever was edited between the slices", () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 40 }),
        fc.array(change, { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        (before, during, units) => {
          const doc = new Y.Doc();
          for (const each of before) apply(doc, each);
          const whole = new WholeState(doc);
          for (const each of during) {
            whole.slice(units);
            apply(doc, each);
          }
          const got = replica(whole.finish(NO_HEAD));
          expect(contentOf(got)).toEqual(contentOf(doc));
          expect(Y.encodeStateVector(got)).toEqual(Y.encodeStateVector(replica(Y.encodeStateAsUpdate(doc))));
          expect(got.store.pendingStructs).toBeNull();
          expect(got.store.pendingDs).toBeNull();
          // And again, with nothing in between or something.
          for (const each of before) apply(doc, each);
          expect(contentOf(replica(whole.finish(NO_HEAD)))).toEqual(contentOf(doc));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("[WH2] never does much more than a slice at a time", () => {
    const doc = filled(2000, 900);
    const whole = new WholeState(doc);
    let slices = 0;
    for (let done = false; !done; slices++) {
      done = whole.slice(2000);
      expect(whole.lastUnits).toBeLessThan(2100);
    }
    expect(slices).toBeGreaterThan(10);
    whole.finish(NO_HEAD);
    expect(whole.lastUnits).toBe(0);
  });
});

describe("those who ask for a large document", () => {
  /** With everything stored as updates, so that nothing ready-made is at hand. */
  function roomWith(doc: Y.Doc): World {
    const world = new World();
    world.document = new SceneDocument({ scene: workshop, epoch: 1, seq: 1, clientId: 1, permissions: world.permissions });
    expect(world.document.load(undefined, [Y.encodeStateAsUpdate(doc)]).ok).toBe(true);
    return world;
  }
  const answers = (effects: readonly CoreEffect[]): Extract<CoreEffect, { kind: "send" | "sendDoc" }>[] =>
    effects.filter((effect) => (effect.kind === "send" || effect.kind === "sendDoc") && effect.bytes.length > 100_000) as never;
  function ticks(world: World): CoreEffect[] {
    const effects: CoreEffect[] = [];
    for (let i = 0; i < 200; i++) {
      const { effects: some } = world.document.tick(world.nowMs);
      world.perform(some);
      effects.push(...some);
    }
    return effects;
  }

  it("[WA1] [WA2] get it once, encoded once, with what was edited meanwhile, whatever kind of peer they are", () => {
    const world = roomWith(filled(9000, 60));
    const [ada, ben, eve] = [world.join("ada"), world.join("ben"), world.join("eve", { kind: "stock" })];
    const gone = world.join("gone");
    expect([ada, ben, eve].map(({ doc }) => doc.getMap("objects").size)).toEqual([0, 0, 0]);
    world.perform(world.document.tick(world.nowMs).effects);
    world.leave(gone);
    world.perform(world.document.serverEdit("room", (doc) => createObject(doc, workshop, "note", "late", { label: "late" })));
    // Asks again before it was answered.
    ben.hello();
    const sent = answers(ticks(world));
    expect(sent.map(({ session }) => session).sort()).toEqual([ada, ben, eve].map(({ session }) => session).sort());
    expect(new Set(sent.map(({ bytes }) => bytes.buffer)).size).toBe(1);
    for (const { doc } of [ada, ben, eve]) {
      expect(doc.getMap("objects").has("late")).toBe(true);
      expect(Y.encodeStateAsUpdate(doc)).toEqual(Y.encodeStateAsUpdate(ada.doc));
      expect(doc.store.pendingStructs).toBeNull();
    }
    // They are as good as anybody: an edit of theirs reaches the others.
    textField(eve.doc, "late", "label")?.insert(0, "Eve: ");
    textField(ada.doc, "note-3", "label")?.insert(0, "Ada: ");
    expect(contentOf(ben.doc)).toEqual(contentOf(eve.doc));
    expect(textField(eve.doc, "note-3", "label")?.toString()).toMatch(/^Ada: /);
  });

  it("[WA1] an edit of one who waits comes back to them with the document or after it", () => {
    const world = roomWith(filled(9000, 60));
    world.auto = false;
    const ada = world.join("ada");
    createObject(ada.doc, workshop, "note", "early", { label: "early" });
    world.perform(world.document.tick(world.nowMs).effects);
    world.land();
    ticks(world);
    expect(ada.doc.getMap("objects").has("early")).toBe(true);
    expect(ada.doc.getMap("objects").size).toBe(9001);
    expect(ada.denied).toEqual([]);
  });

  it("small ones and those who lack little are answered at once", () => {
    const world = roomWith(filled(50, 60));
    expect(world.join("ada").doc.getMap("objects").size).toBe(50);
    const large = roomWith(filled(9000, 60));
    const ada = large.join("ada");
    ticks(large);
    large.leave(ada);
    large.perform(large.document.serverEdit("room", (doc) => createObject(doc, workshop, "note", "late", { label: "late" })));
    large.admit(ada);
    expect(ada.doc.getMap("objects").has("late")).toBe(true);
    expect(ticks(large)).toEqual([]);
  });

  it("[SE5] hold the room's thread no longer than a part of what the document takes in one piece", () => {
    const doc = filled(12_000, 840);
    const least = (times: number, work: () => void): number =>
      Math.min(
        ...Array.from({ length: times }, () => {
          const startMs = threadCpuMs();
          work();
          return threadCpuMs() - startMs;
        }),
      );
    const inOnePieceMs = least(3, () => void Y.encodeStateAsUpdate(doc));
    const world = roomWith(doc);
    const rounds = Array.from({ length: 3 }, (_, round) => {
      let longestMs = 0;
      const timed = (work: () => readonly CoreEffect[]): number => {
        const startMs = threadCpuMs();
        const { length } = answers(work());
        longestMs = Math.max(longestMs, threadCpuMs() - startMs);
        return length;
      };
      const ask = Uint8Array.of(0, 0, 1, 0);
      const everybody = Array.from({ length: 5 }, (_unused, index) => `p-${round}-${index}` as SessionId);
      for (const session of everybody) {
        world.document.join(session, { user: session as never, name: "p", role: "member" }, "sdk");
        timed(() => world.document.receive(session, ask, 0));
      }
      let [answered, tickCount] = [0, 0];
      for (; answered < everybody.length; tickCount++) answered += timed(() => world.document.tick(world.nowMs).effects);
      expect(tickCount).toBeGreaterThan((12_000 * 840) / 64 / SLICE_UNITS);
      for (const session of everybody) world.document.leave(session);
      // Nobody waits: the next round begins anew.
      expect(world.document.tick(world.nowMs).effects).toEqual([]);
      return longestMs;
    });
    expect(Math.min(...rounds)).toBeLessThan(inOnePieceMs * 0.6);
  }, 30_000);
});
