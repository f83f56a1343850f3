/**
 * Honest people under bad luck: random edits, slow and failing disks, lost connections, killed servers. Whatever the order, replicas end
 * equal, and nothing acknowledged is lost. `run(seed)` reproduces a failure.
 */
import { addCounter, createObject, deleteObject, objectIds, setField, setMember, textField } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { contentOf, type Peer, workshop, World } from "./document-harness.ts";
import { Dice } from "./hostile/dice.ts";

function edit(peer: Peer, roll: (below: number) => number, name: string): void {
  const { doc } = peer;
  const ids = objectIds(doc);
  const id = ids[roll(Math.max(1, ids.length))];
  if (id === undefined || roll(12) === 0) return createObject(doc, workshop, "valve", name, { label: name });
  switch (roll(8)) {
    case 0:
      return void deleteObject(doc, id);
    case 1:
      return setField(doc, workshop, id, "open", roll(2) === 0);
    case 2:
      return setField(doc, workshop, id, "reservedBy", name);
    case 3:
      return addCounter(doc, id, "turns", String(doc.clientID), 1);
    case 4:
      return setMember(doc, workshop, id, "tags", `t${roll(4)}`, roll(3) > 0);
    case 5: {
      const text = textField(doc, id, "label");
      return void text?.delete(0, Math.min(2, text.length));
    }
    default: {
      const text = textField(doc, id, "label");
      return void text?.insert(roll(text.length + 1), name);
    }
  }
}

/** Plays one story; returns how many edits the disk has. Throws on any broken promise. */
function run(seed: number): number {
  const dice = new Dice(seed);
  const roll = (below: number): number => dice.roll(below);
  const world = new World({ auto: false });
  const people = [world.join("ann"), world.join("bob", { kind: "stock" }), world.join("cy"), world.join("di", { kind: "stock" })];
  const inside = (peer: Peer): boolean => world.peers.get(peer.session) === peer;
  for (let step = 0; step < 120; step++) {
    world.nowMs += 500;
    const peer = people[roll(people.length)] as Peer;
    const luck = roll(40);
    if (luck === 0) world.restart();
    else if (luck === 1 && inside(peer)) world.leave(peer);
    else if (luck < 5 && !inside(peer)) comeBack(world, peer);
    else if (luck === 5 && world.appends.length > 0) world.land(false);
    else if (luck < 9) world.perform(world.document.recovered());
    else if (luck < 24) {
      if (world.appends.length > 0) world.land();
    } else edit(peer, roll, `n${step}`);
    for (const { denied } of people) {
      const wrong = denied.find(({ reason }) => reason !== "lost-race" && reason !== "read-only");
      if (wrong !== undefined) throw new Error(`seed ${seed}, step ${step}: an honest edit was refused: ${JSON.stringify(wrong)}`);
    }
  }
  world.perform(world.document.recovered());
  for (const peer of people) if (!inside(peer)) comeBack(world, peer);
  while (world.appends.length > 0) world.land();
  for (const peer of people) if (!inside(peer)) comeBack(world, peer);
  while (world.appends.length > 0) world.land();
  const before = JSON.stringify(world.document.objects());
  const stored = new Y.Doc();
  Y.applyUpdate(stored, world.document.state());
  for (const peer of people) {
    if (!inside(peer)) throw new Error(`seed ${seed}: ${peer.user} is not let in`);
    if (JSON.stringify(sorted(contentOf(peer.doc))) !== JSON.stringify(sorted(contentOf(stored))))
      throw new Error(`seed ${seed}: ${peer.user} differs`);
    if (peer.kind === "sdk" && peer.acked !== peer.sent) throw new Error(`seed ${seed}: ${peer.user} has ${peer.acked} of ${peer.sent} acknowledged`);
  }
  world.restart();
  if (JSON.stringify(world.document.objects()) !== before) throw new Error(`seed ${seed}: the log holds something else than the document`);
  return world.log.length;
}

/** A stock peer whose edit lost a race was closed and must start anew, as its application would. */
function comeBack(world: World, peer: Peer): void {
  if (peer.closed === "deniedTooOften") peer.renew(peer.doc.clientID + 1000);
  peer.closed = undefined;
  world.admit(peer);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

describe("honest people under bad luck", () => {
  it("[SE1] [SE2] [SE4] end with equal replicas and everything acknowledged on the disk", () => {
    let edits = 0;
    for (let seed = 1; seed <= 60; seed++) edits += run(seed * 7919);
    expect(edits).toBeGreaterThan(1000);
  });
});
