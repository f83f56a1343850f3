import { createObject, textField } from "@copresence/shared/scene";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { contentOf, type Peer, workshop, World } from "./document-harness.ts";
import { Dice } from "./hostile/dice.ts";

const label = (peer: Peer): Y.Text => textField(peer.doc, "valve-1", "label") as Y.Text;
const saved = (world: World): unknown => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, world.document.state());
  return contentOf(doc);
};
/** Everybody has a long text that is durable, and nothing waits. */
function textRoom(kind: "sdk" | "stock", ...names: string[]): { world: World; peers: Peer[] } {
  const world = new World({ auto: false });
  const peers = names.map((name) => world.join(name, { kind }));
  createObject((peers[0] as Peer).doc, workshop, "valve", "valve-1", { label: "x".repeat(1500) });
  settle(world);
  return { world, peers };
}
function settle(world: World): void {
  while (world.appends.length > 0) world.land();
}
/** One message with insertions all over the text: none of them is the neighbour of another. */
function scatter(peer: Peer, dice: Dice, insertions: number): void {
  peer.doc.transact(() => {
    for (let i = 0; i < insertions; i++) label(peer).insert(dice.roll(label(peer).length), "abcdefgh"[dice.roll(8)] ?? "a");
  });
}
/** Processor time of this thread. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
/** Messages of `scatter` that one text takes on top of each other while nothing lands, and then some. */
const MANY = 60;

describe("HeldEdits: a slow disk", () => {
  it.each(["sdk", "stock"] as const)("[HE1] refuses nobody whose text is dear only on top of what waits (%s)", (kind) => {
    const { world, peers } = textRoom(kind, "ann", "bob");
    const dice = new Dice(1);
    for (let i = 0; i < MANY; i++) for (const peer of peers) scatter(peer, dice, 40);
    expect(world.appends).toHaveLength(1);
    settle(world);
    for (const peer of peers) {
      expect(peer.closed).toBeUndefined();
      expect(peer.denied).toEqual([]);
      expect(contentOf(peer.doc)).toEqual(saved(world));
      if (kind === "sdk") expect(peer.acked).toBe(peer.sent);
    }
    expect(label(peers[0] as Peer).length).toBe(1500 + 2 * MANY * 40);
  });

  it("refuses, as before, what is too dear when nothing waits", () => {
    const { world, peers } = textRoom("stock", "ann");
    const mallory = world.join("mallory", { kind: "stock" });
    const [first, second] = [new Y.Doc(), new Y.Doc()];
    for (const doc of [first, second]) Y.applyUpdate(doc, world.document.state());
    const crowd = (doc: Y.Doc, elements: number): Uint8Array[] => {
      const updates: Uint8Array[] = [];
      doc.on("update", (update: Uint8Array) => updates.push(update));
      for (let i = 0; i < elements; i++) textField(doc, "valve-1", "label")?.insert(700, "m");
      return updates;
    };
    const parts = crowd(first, 900);
    mallory.sendUpdate(Y.mergeUpdates(parts));
    settle(world);
    mallory.sendUpdate(Y.mergeUpdates(crowd(second, 900)));
    settle(world);
    expect(mallory.closed).toBe("deniedTooOften");
    expect(peers[0]?.closed).toBeUndefined();
  });

  it("[HE2] takes more edits than may wait, without a refusal", () => {
    const { world, peers } = textRoom("sdk", "ann", "bob");
    const each = 2300;
    for (const peer of peers) for (let i = 0; i < each; i++) label(peer).insert(label(peer).length, "y");
    settle(world);
    for (const peer of peers) {
      expect(peer.denied).toEqual([]);
      expect(peer.acked).toBe(peer.sent);
    }
    expect(label(peers[0] as Peer).length).toBe(1500 + 2 * each);
  });

  it("[HE2] asks an SDK peer for what was too much to hold, and closes a stock one retryably", () => {
    for (const kind of ["sdk", "stock"] as const) {
      const { world, peers } = textRoom(kind, "ann", "bob");
      const [ann, bob] = peers as [Peer, Peer];
      const dice = new Dice(2);
      for (let i = 0; i < MANY; i++) scatter(bob, dice, 40);
      scatter(ann, dice, 400);
      for (let i = 0; i < 560; i++) scatter(ann, dice, 1);
      if (kind === "stock") {
        expect(ann.closed).toBe("storageUnavailable");
        settle(world);
        world.admit(ann);
      } else {
        expect(ann.denied.map(({ reason }) => reason)).toEqual(["read-only"]);
        expect(ann.acked).toBeLessThan(ann.sent);
      }
      settle(world);
      expect(contentOf(ann.doc)).toEqual(saved(world));
      expect(label(ann).length).toBe(1500 + MANY * 40 + 400 + 560);
    }
  });

  it("[HE1] acknowledges nothing before the disk has it, however the landings fall", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.boolean()), { minLength: 10, maxLength: 20 }), fc.nat(), (steps, seed) => {
        const { world, peers } = textRoom("sdk", "ann", "bob", "cy");
        const dice = new Dice(seed);
        const onDisk = new Y.Doc();
        let read = 0;
        const ends = new Map(peers.map((peer) => [peer, new Map<number, number>()]));
        for (const [who, landings, large] of steps) {
          const peer = peers[who] as Peer;
          scatter(peer, dice, large ? 150 : 3);
          ends.get(peer)?.set(peer.sent, Y.getState(peer.doc.store, peer.doc.clientID));
          for (let i = 0; i < landings && world.appends.length > 0; i++) world.land();
          for (; read < world.log.length; read++) Y.applyUpdate(onDisk, world.log[read]?.update ?? new Uint8Array([0, 0]));
          for (const each of peers)
            for (const [message, end] of ends.get(each) ?? [])
              if (message <= each.acked && Y.getState(onDisk.store, each.doc.clientID) < end)
                throw new Error(`${each.user} was told of ${message} too early`);
        }
        settle(world);
        for (const peer of peers) {
          expect(peer.denied).toEqual([]);
          expect(peer.acked).toBe(peer.sent);
          expect(contentOf(peer.doc)).toEqual(saved(world));
        }
      }),
      { numRuns: 4 },
    );
  });

  it("[HE3] brings in an edit that meets others' edits again and again", () => {
    const { world, peers } = textRoom("sdk", "ann", "bob");
    const [ann, bob] = peers as [Peer, Peer];
    const dice = new Dice(3);
    for (let i = 0; i < MANY; i++) scatter(bob, dice, 40);
    scatter(ann, dice, 200);
    const sent = ann.sent;
    for (let landings = 0; ann.acked < sent; landings++) {
      if (landings === 40) throw new Error("ann's edit was never taken");
      for (let i = 0; i < 8; i++) scatter(bob, dice, 40);
      world.land();
    }
    settle(world);
    expect([ann.denied, bob.denied]).toEqual([[], []]);
    expect(contentOf(ann.doc)).toEqual(saved(world));
  });

  it("[HE5] keeps what somebody sent who has left meanwhile, and names their alias when they are erased", () => {
    const { world, peers } = textRoom("stock", "ann", "bob");
    const [ann, bob] = peers as [Peer, Peer];
    const dice = new Dice(4);
    for (let i = 0; i < MANY; i++) scatter(bob, dice, 40);
    scatter(ann, dice, 200);
    const mine = ann.doc.clientID;
    world.leave(ann);
    world.document.forgetPerson("ann", "somebody");
    settle(world);
    expect(label(bob).length).toBe(1500 + MANY * 40 + 200);
    expect(world.log.findLast(({ client, clock }) => client === mine && clock > 0)?.user).toBe("somebody");
  });

  it("keeps what is held while the store is in trouble, and takes it when it works again", () => {
    const { world, peers } = textRoom("sdk", "ann", "bob");
    const dice = new Dice(5);
    for (let i = 0; i < MANY; i++) for (const peer of peers) scatter(peer, dice, 40);
    world.land(false);
    for (const peer of peers) scatter(peer, dice, 40);
    world.perform(world.document.recovered());
    settle(world);
    for (const peer of peers) {
      expect(peer.denied).toEqual([]);
      expect(peer.acked).toBe(peer.sent);
      expect(contentOf(peer.doc)).toEqual(saved(world));
    }
  });

  it("[HE4] holds the thread for no longer than 50 ms, whatever waits", () => {
    const { world, peers } = textRoom("sdk", "ann", "m1", "m2", "m3");
    const [ann, ...hostile] = peers as [Peer, ...Peer[]];
    const { document } = world;
    let slowestMs = 0;
    const timed = <A extends unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
      return (...args) => {
        const before = threadMs();
        const result = call(...args);
        slowestMs = Math.max(slowestMs, threadMs() - before);
        return result;
      };
    };
    document.receive = timed(document.receive.bind(document));
    document.appended = timed(document.appended.bind(document));
    // Each writes a thousand letters between the same two, again and again, without looking at what the others write.
    const updates = hostile.map(({ doc }) => {
      const made: Uint8Array[] = [];
      const own = new Y.Doc();
      Y.applyUpdate(own, Y.encodeStateAsUpdate(doc));
      own.clientID = doc.clientID + 50_000;
      for (let n = 0; n < 12; n++) {
        const before = Y.encodeStateVector(own);
        own.transact(() => {
          for (let i = 0; i < 900; i++) textField(own, "valve-1", "label")?.insert(700, "m");
        });
        made.push(Y.encodeStateAsUpdate(own, before));
      }
      return made;
    });
    const dice = new Dice(6);
    for (let n = 0; n < 12; n++) {
      for (const [i, peer] of hostile.entries()) peer.sendUpdate(updates[i]?.[n] ?? new Uint8Array([0, 0]));
      scatter(ann, dice, 40);
    }
    settle(world);
    expect(slowestMs).toBeLessThan(50);
    expect([ann.closed, ann.denied]).toEqual([undefined, []]);
    expect(contentOf(ann.doc)).toEqual(saved(world));
  });
});
