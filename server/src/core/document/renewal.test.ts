import { addCounter, createObject, readField, setField, textField } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { contentOf, type Peer, workshop, World } from "./document-harness.ts";
import { isWornOut } from "./renewal.ts";
import { hash32 } from "../palette.ts";
import { RetiredClients } from "./retired-clients.ts";

const WORN = { clients: 10, live: 100, dead: 5000 };
const valve = (peer: Peer, id: string): void => createObject(peer.doc, workshop, "valve", id, { label: "Main" });
const label = (peer: Peer, id = "v"): Y.Text => textField(peer.doc, id, "label") as Y.Text;
const wear = (world: World): void => world.perform(world.document.compacted(1000, WORN));
const serverContent = (world: World): unknown => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, world.document.state());
  return contentOf(doc);
};
const expectConverged = (world: World): void => {
  for (const peer of world.peers.values()) expect(contentOf(peer.doc)).toEqual(serverContent(world));
};
/** Two people and some work. */
function setup(options: { readonly auto?: boolean } = {}) {
  const world = new World(options);
  const [ann, bob] = [world.join("ann", { clientId: 100 }), world.join("bob", { clientId: 101 })];
  valve(ann, "v");
  while (world.appends.length > 0) world.land();
  label(bob).insert(4, " hall");
  addCounter(bob.doc, "v", "turns", String(bob.doc.clientID), 3);
  while (world.appends.length > 0) world.land();
  return { world, ann, bob };
}

describe("re-rooting under people", () => {
  it("is due for many clientIDs or for tombstones that outweigh what lives, and not for less", () => {
    expect(isWornOut({ clients: 2000, live: 10, dead: 2000 })).toBe(false);
    expect(isWornOut({ clients: 2001, live: 10, dead: 0 })).toBe(true);
    expect(isWornOut({ clients: 1, live: 10, dead: 2001 })).toBe(true);
    expect(isWornOut({ clients: 1, live: 100_000, dead: 50_000 })).toBe(false);
  });

  it("[SE7] people keep their sessions, see the same, and go on editing; ids of the old generation are gone", () => {
    const { world, ann, bob } = setup();
    const before = serverContent(world) as { v: { label: string } };
    wear(world);
    world.reroot();
    expect([ann.closed, bob.closed, ann.epoch, world.document.epoch]).toEqual([undefined, undefined, 2, 2]);
    expect((serverContent(world) as typeof before).v.label).toBe(before.v.label);
    expect(readField(ann.doc, workshop, "v", "turns")).toBe(3);
    label(ann).insert(0, "The ");
    setField(bob.doc, workshop, "v", "open", true);
    expect(world.document.object("v")?.fields).toMatchObject({ label: "The Main hall", open: true, turns: 3 });
    expectConverged(world);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, world.document.state());
    expect([...doc.store.clients.keys()].filter((client) => client === 100 || client === 101)).toEqual([]);
    const state = world.document.state();
    world.restart();
    expect(world.document.state()).toEqual(state);
  });

  it("[RN1] admits nothing meanwhile and acknowledges nothing of it; what was admitted before is in the fresh document", () => {
    const { world, ann, bob } = setup({ auto: false });
    label(ann).insert(0, "1 ");
    wear(world);
    expect(world.reroots).toHaveLength(0);
    label(bob).insert(0, "2 ");
    const [acked, sent] = [bob.acked, bob.sent];
    expect(world.document.readOnly).toBe(true);
    expect(world.document.writeTransform("v", { position: [0, 0, 0], rotation: [0, 0, 0, 1], scale: 1 }, "ann")).toEqual([]);
    world.land();
    expect(ann.acked).toBe(ann.sent);
    expect([bob.acked, bob.sent]).toEqual([acked, sent]);
    world.reroot();
    expect(readField(bob.doc, workshop, "v", "label")).toBe("1 Main hall");
    expect(world.document.readOnly).toBe(false);
    label(bob).insert(0, "2 ");
    world.land();
    expect(bob.acked).toBe(bob.sent);
    expect(world.document.object("v")?.fields["label"]).toBe("2 1 Main hall");
    expectConverged(world);
  });

  it("[SE7] ignores what was made on the old generation until the new one is asked for by its root", () => {
    const waiting: (() => void)[] = [];
    let slow = false;
    const world = new World({
      link: (peer, direction, deliver) => void (slow && peer.user === "ann" && direction === "down" ? waiting.push(deliver) : deliver()),
    });
    const ann = world.join("ann", { clientId: 100 });
    valve(ann, "v");
    slow = true;
    wear(world);
    world.reroot();
    // Not heard of it yet: an object that needs nothing of what was there would be taken for an edit of the new generation, and made twice.
    valve(ann, "late");
    const { acked } = ann;
    ann.hello();
    valve(ann, "later");
    expect(world.document.objects().map(({ id }) => id)).toEqual(["v"]);
    slow = false;
    for (const deliver of waiting.splice(0)) deliver();
    expect([ann.acked, ann.epoch]).toEqual([acked, 2]);
    valve(ann, "late");
    expect(world.document.objects().map(({ id }) => id)).toEqual(["late", "v"]);
    expect([ann.acked, ann.denied]).toEqual([ann.sent, []]);
    expectConverged(world);
  });

  it("[RN2] a store that fails leaves everything as it is, and asks for what was ignored meanwhile", () => {
    const { world, ann, bob } = setup();
    wear(world);
    label(bob).insert(0, "kept ");
    expect(bob.acked).toBeLessThan(bob.sent);
    world.reroot(false);
    expect([world.document.epoch, bob.epoch]).toEqual([1, 1]);
    expect(world.document.object("v")?.fields["label"]).toBe("kept Main hall");
    expect(bob.acked).toBe(bob.sent);
    expectConverged(world);
    wear(world);
    world.reroot();
    expect(ann.epoch).toBe(2);
  });

  it("[SE7] a stock peer is closed for good, says why, and is let in again with a fresh Y.Doc only", () => {
    const { world } = setup();
    const carl = world.join("carl", { kind: "stock", clientId: 300 });
    label(carl).insert(0, "c ");
    wear(world);
    world.reroot();
    expect(carl.closed).toBe("documentRenewed");
    const content = serverContent(world);
    carl.closed = undefined;
    world.admit(carl);
    expect(carl.closed).toBe("documentRenewed");
    expect(serverContent(world)).toEqual(content);
    const again = world.join("carl", { kind: "stock", clientId: 301 });
    expect([again.closed, contentOf(again.doc)]).toEqual([undefined, content]);
    label(again).insert(0, "again ");
    expect(world.document.object("v")?.fields["label"]).toBe("again c Main hall");
    // After a restart the old replica is still known for what it is.
    world.restart();
    const returned = world.admit(carl);
    expect(returned.closed).toBe("documentRenewed");
  });

  it("[RT2] tells a person what of theirs the old generation has, in sync step 1, so that nothing is made twice", () => {
    const { world, bob } = setup();
    const clock = Y.getState(bob.doc.store, 101);
    wear(world);
    world.reroot();
    const seen: ReadonlyMap<number, number>[] = [];
    const later = world.join("bob", { clientId: 400 });
    for (const message of later.told)
      if (message.type === "syncDown" && message.body[1] === 0) seen.push(Y.decodeStateVector(message.body.subarray(3)));
    expect(seen[0]?.get(101)).toBe(clock);
    expect(seen[0]?.has(100)).toBe(false);
  });

  it("begins by itself where a worn out document was loaded", () => {
    const world = new World();
    const ann = world.join("ann", { clientId: 100 });
    valve(ann, "v");
    valve(ann, "w");
    for (let i = 0; i < 1200; i++) {
      setField(ann.doc, workshop, "v", "open", i % 2 === 0);
      setField(ann.doc, workshop, "w", "open", i % 2 === 0);
    }
    world.restart();
    world.perform(world.document.start());
    world.reroot();
    expect(world.document.epoch).toBe(2);
    expect(world.document.state().length).toBeLessThan(1000);
    const late = world.join("late");
    expect(readField(late.doc, workshop, "v", "open")).toBe(false);
  });
});

describe("retired clientIDs", () => {
  it("[RT1] [RT3] survive encoding, and the oldest are forgotten in the end", () => {
    let retired = new RetiredClients();
    for (let epoch = 1; epoch <= 10; epoch++) retired = retired.with([{ client: 2 ** 40 + epoch, owner: hash32(`u-${epoch % 2}`), clock: epoch }]);
    const again = RetiredClients.decode(retired.encode());
    expect([again?.has(2 ** 40 + 1), again?.has(2 ** 40 + 3), again?.has(2 ** 40 + 10)]).toEqual([false, true, true]);
    expect([...(again?.clocksOf("u-0") ?? [])].map(([, clock]) => clock)).toEqual([4, 6, 8, 10]);
    expect(RetiredClients.decode(undefined)?.has(1)).toBe(false);
    expect(RetiredClients.decode(Uint8Array.of(9, 9))).toBe(undefined);
    expect(RetiredClients.decode(Uint8Array.of(1, 3, 1))).toBe(undefined);
  });
});
