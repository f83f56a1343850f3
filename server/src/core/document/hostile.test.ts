/**
 * Hostile updates against the gate: the known attacks on Yjs servers (OBJECTS.md) by name, then mutated and structure-aware random ones.
 * Seeds are printed on failure; `fuzz(seed, rounds)` reproduces.
 */
import { addCounter, createObject, setField, textField } from "@copresence/shared/scene";
import * as encoding from "lib0/encoding";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { threadCpuMs } from "../../adapters/thread-time.ts";
import { type Peer, workshop, World } from "./document-harness.ts";
import { encodeUpdate, type Piece, type Range, type Struct } from "./update-bytes.ts";
import { Dice } from "./hostile/dice.ts";

const AT = { position: [1, 1, 1], rotation: [0, 0, 0, 1], scale: 1 } as const;

/** A room with a valve, its serial, and three people: a victim who edits, a member who attacks, a guest who may not edit. */
function room(): { world: World; victim: Peer; mallory: Peer; protectedState: () => unknown } {
  const world = new World();
  const victim = world.join("victim", { clientId: 10 });
  world.perform(
    world.document.serverEdit("", (doc) => {
      createObject(doc, workshop, "valve", "valve-1", { label: "Pump", transform: AT, turns: 3, parts: ["a", "b"], tags: ["t"] });
      doc.getMap<Y.Map<unknown>>("objects").get("valve-1")?.set("serial", "A-1");
    }),
  );
  addCounter(victim.doc, "valve-1", "turns", "10", 5);
  textField(victim.doc, "valve-1", "label")?.insert(4, " room");
  const mallory = world.join("mallory", { clientId: 66 });
  const protectedState = (): unknown => {
    const fields = world.document.object("valve-1")?.fields;
    return fields === undefined ? "gone" : [fields["serial"], fields["transform"], shareOf(world, "10"), shareOf(world, "1")];
  };
  return { world, victim, mallory, protectedState };
}

function shareOf(world: World, key: string): unknown {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, world.document.state());
  const turns = doc.getMap<Y.Map<unknown>>("objects").get("valve-1")?.get("turns");
  return turns instanceof Y.Map ? turns.get(key) : "gone";
}

const update = (structs: readonly Struct[], deletes: ReadonlyMap<number, readonly Range[]> = new Map()): Uint8Array => {
  const pieces = new Map<number, Piece[]>();
  for (const struct of structs) pieces.set(struct.id.client, [...(pieces.get(struct.id.client) ?? []), { struct, offset: 0 }]);
  return encodeUpdate(pieces, deletes);
};
const item = (client: number, clock: number, parent: unknown, key: string | null, content: unknown, origin: Y.ID | null = null): Y.Item =>
  new Y.Item(Y.createID(client, clock), null, origin, null, null, parent as never, key, content as never);
const any = (value: unknown): Y.ContentAny => new Y.ContentAny([value]);
const wire = (bytes: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, 2);
    encoding.writeVarUint8Array(encoder, bytes);
  });

/** The victim can still write, and everybody sees it. */
function expectVictimFine({ world, victim }: ReturnType<typeof room>): void {
  setField(victim.doc, workshop, "valve-1", "open", false);
  setField(victim.doc, workshop, "valve-1", "open", true);
  expect(world.document.object("valve-1")?.fields["open"]).toBe(true);
  expect(victim.denied).toEqual([]);
  expect(victim.acked).toBe(victim.sent);
}

describe("known attacks on Yjs servers", () => {
  it("clock squatting: nobody writes under another's clientID, so the victim's next edits count", () => {
    const r = room();
    const clock = Y.getState(r.victim.doc.store, 10);
    const squat = update([new Y.GC(Y.createID(10, clock), 1000)]);
    r.mallory.sendUpdate(squat);
    expect(r.mallory.denied).toMatchObject([{ reason: "client-id" }]);
    expectVictimFine(r);
  });

  it("the server's clientID is nobody else's", () => {
    const r = room();
    r.mallory.sendUpdate(update([new Y.GC(Y.createID(1, Y.getState(r.victim.doc.store, 1)), 5)]));
    expect(r.mallory.denied).toMatchObject([{ reason: "client-id" }]);
    r.world.perform(r.world.document.writeTransform("valve-1", { ...AT, scale: 2 }, "victim"));
    expect(r.world.document.object("valve-1")?.fields["transform"]).toMatchObject({ scale: 2 });
  });

  it("20 000 invented clientIDs: refused by count before any of them is looked at twice", () => {
    const r = room();
    const flood = update(Array.from({ length: 20_000 }, (_, i) => new Y.GC(Y.createID(1_000_000 + i, 0), 1)));
    const started = threadCpuMs();
    r.world.perform(r.world.document.receive(r.mallory.session, wire(flood), 0));
    expect(threadCpuMs() - started).toBeLessThan(500);
    expect(r.mallory.denied).toMatchObject([{ reason: "too-large" }]);
    for (let i = 0; i < 10; i++) {
      r.world.nowMs += 10_000;
      r.mallory.sendUpdate(update(Array.from({ length: 8 }, (_, k) => new Y.GC(Y.createID(2_000_000 + i * 8 + k, 0), 1))));
    }
    const known = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(r.world.document.state()));
    expect(known.size).toBeLessThan(24);
    expectVictimFine(r);
  });

  it("4 000-deep nesting: no value that deep is even decoded, none is stored", () => {
    const r = room();
    const deep = encoding.createEncoder();
    for (const byte of [1, 1, 66, 0, 0x28, 0, 1]) encoding.writeUint8(deep, byte);
    encoding.writeVarString(deep, "x");
    encoding.writeVarUint(deep, 1);
    for (let i = 0; i < 16_000; i++) for (const byte of [117, 1]) encoding.writeUint8(deep, byte);
    r.mallory.sendUpdate(encoding.toUint8Array(deep));
    expect(r.mallory.denied).toMatchObject([{ reason: "malformed" }]);
    let nested: unknown = 1;
    for (let i = 0; i < 20; i++) nested = [nested];
    const map = [...r.world.document.objects()].length;
    r.mallory.sendUpdate(
      update([
        item(r.mallory.doc.clientID, 0, "objects", "n", new Y.ContentType(new Y.Map() as never)),
        item(r.mallory.doc.clientID, 1, Y.createID(r.mallory.doc.clientID, 0), "type", any("valve")),
        item(r.mallory.doc.clientID, 2, Y.createID(r.mallory.doc.clientID, 0), "open", any(nested)),
      ]),
    );
    expect(r.mallory.denied.at(-1)).toMatchObject({ reason: "malformed" });
    expect(r.world.document.objects()).toHaveLength(map);
    expectVictimFine(r);
  });

  it("1 000 gap messages: nothing is stored, one sync step is asked for", () => {
    const r = room();
    const told = r.mallory.told.length;
    const gaps = Array.from({ length: 1000 }, (_, i) => wire(update([new Y.GC(Y.createID(66, 10 + i * 2), 1)])));
    const started = threadCpuMs();
    const effects = gaps.flatMap((gap) => r.world.document.receive(r.mallory.session, gap, 0));
    expect(threadCpuMs() - started).toBeLessThan(400);
    expect(effects.filter(({ kind }) => kind === "append")).toEqual([]);
    expect(effects.filter((effect) => effect.kind === "send" && effect.bytes[1] === 36)).toHaveLength(1);
    expect(r.mallory.told).toHaveLength(told);
    expectVictimFine(r);
  });

  it("a V2 merge bomb is V1 here: it does not decode, and nothing is merged", () => {
    const r = room();
    const v2 = Y.encodeStateAsUpdateV2(r.victim.doc);
    const started = threadCpuMs();
    r.mallory.sendUpdate(v2);
    expect(threadCpuMs() - started).toBeLessThan(100);
    expectVictimFine(r);
  });

  it("a cycle of neighbours never reaches Yjs's pending storage", () => {
    const r = room();
    const [a, b] = [Y.createID(66, 0), Y.createID(67, 0)];
    r.mallory.sendUpdate(update([item(66, 0, null, null, any(1), b), item(67, 0, null, null, any(1), a)]));
    expect(r.mallory.denied).toMatchObject([{ reason: "malformed" }]);
    r.mallory.sendUpdate(update([item(66, 0, null, null, any(1), Y.createID(66, 0))]));
    expect(r.mallory.denied).toHaveLength(2);
    expectVictimFine(r);
  });

  it("a step 1 with a huge state vector costs one answer, a flood of them the session", () => {
    const r = room();
    const step1 = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarUint8Array(
        encoder,
        encoding.encode((inner) => {
          encoding.writeVarUint(inner, 9000);
          for (let i = 0; i < 9000; i++) {
            encoding.writeVarUint(inner, 1_000_000 + i);
            encoding.writeVarUint(inner, 5);
          }
        }),
      );
    });
    const started = threadCpuMs();
    for (let i = 0; i < 50 && r.mallory.closed === undefined; i++) r.world.receive(r.mallory, step1);
    expect(threadCpuMs() - started).toBeLessThan(500);
    expect(r.mallory.closed).toBe("tooManyMessages");
    expectVictimFine(r);
  });
});

/** The id of the valve's map. */
const map = (world: World): Y.ID => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, world.document.state());
  return doc.getMap<Y.Map<unknown>>("objects")._map.get("valve-1")?.id as Y.ID;
};
/** The id of the newest write of one of its fields. */
const newest = (r: ReturnType<typeof room>, key: string): Y.ID => {
  const stored = r.victim.doc.getMap<Y.Map<unknown>>("objects").get("valve-1");
  return (stored as Y.Map<unknown>)._map.get(key)?.lastId as Y.ID;
};

describe("what a member may not do to a live object", () => {
  const attempts: readonly [string, string, (r: ReturnType<typeof room>) => Uint8Array][] = [
    ["serverOnly by a fresh entry", "server-only", (r) => update([item(66, 0, map(r.world), "serial", any("B-2"))])],
    ["serverOnly on top of the current one", "server-only", (r) => update([item(66, 0, null, null, any("B-2"), newest(r, "serial"))])],
    ["serverOnly by a tombstone", "server-only", (r) => update([item(66, 0, null, null, new Y.ContentDeleted(1), newest(r, "serial"))])],
    [
      "serverOnly by a delete range",
      "server-only",
      (r) => update([], new Map([[newest(r, "serial").client, [{ clock: newest(r, "serial").clock, len: 1 }]]])),
    ],
    ["the transform of something not held", "not-holder", (r) => update([item(66, 0, map(r.world), "transform", any([0, 0, 0, 0, 0, 0, 1, 1]))])],
    ["the type", "not-allowed", (r) => update([item(66, 0, null, null, any("note"), newest(r, "type"))])],
    ["a text as a whole", "lost-race", (r) => update([item(66, 0, map(r.world), "label", new Y.ContentType(new Y.Text() as never))])],
    ["the object by another of its id", "lost-race", () => update([item(66, 0, "objects", "valve-1", new Y.ContentType(new Y.Map() as never))])],
    ["a field the scene does not declare", "malformed", (r) => update([item(66, 0, map(r.world), "colour", any("red"))])],
    ["a value of another type", "malformed", (r) => update([item(66, 0, map(r.world), "open", any("yes"))])],
    ["an XML element", "malformed", (r) => update([item(66, 0, map(r.world), "open", new Y.ContentType(new Y.XmlElement("x") as never))])],
    ["a subdocument", "malformed", (r) => update([item(66, 0, map(r.world), "open", new Y.ContentDoc(new Y.Doc({ guid: "x" }) as never))])],
    ["another root", "malformed", () => update([item(66, 0, "secrets", "x", any(1))])],
    ["another's share of a counter", "client-id", (r) => update([item(66, 0, newest(r, "turns"), "10", any(-100))])],
    ["an element with a key in a text", "malformed", (r) => update([item(66, 0, newest(r, "label"), "bold", any(true))])],
    ["an element without a key in a map", "malformed", (r) => update([item(66, 0, map(r.world), null, any(1))])],
    ["a reserved id", "malformed", () => update([item(66, 0, "objects", "__proto__", new Y.ContentType(new Y.Map() as never))])],
  ];
  it.each(attempts)("%s: %s", (_what, reason, attack) => {
    const r = room();
    const before = JSON.stringify(r.protectedState());
    const logged = r.world.log.length;
    r.mallory.sendUpdate(attack(r));
    expect(r.mallory.denied).toMatchObject([{ reason }]);
    expect(r.world.log).toHaveLength(logged);
    expect(JSON.stringify(r.protectedState())).toBe(before);
    expectVictimFine(r);
  });

  it("may create objects, but only inside the space and with their declared fields", () => {
    const r = room();
    const make = (transform: readonly number[]): Uint8Array => {
      const id = r.mallory.doc.clientID;
      const object = Y.createID(id, 0);
      return update([
        item(id, 0, "objects", "note-1", new Y.ContentType(new Y.Map() as never)),
        item(id, 1, object, "transform", any(transform)),
        item(id, 2, object, "type", any("note")),
      ]);
    };
    r.mallory.sendUpdate(make([99, 0, 0, 0, 0, 0, 1, 1]));
    expect(r.mallory.denied).toMatchObject([{ reason: "out-of-bounds" }]);
    r.mallory.sendUpdate(make([9, 0, 0, 0, 0, 0, 1, 1]));
    expect(r.mallory.denied).toHaveLength(1);
    expect(r.world.document.object("note-1")?.fields["transform"]).toMatchObject({ position: [9, 0, 0] });
  });
});

/** Throws when anything protected changed, anything crashed, or an honest member could not write any more. */
function fuzz(seed: number, rounds: number): void {
  const dice = new Dice(seed);
  const roll = (below: number): number => dice.roll(below);
  const r = room();
  const { world, victim } = r;
  const before = JSON.stringify(r.protectedState());
  const names = ["valve-1", "note-1", "n", "label", "open", "turns", "tags", "parts", "reservedBy", "serial", "transform", "type", "10", "66", "x"];
  const types = [() => new Y.Map(), () => new Y.Text(), () => new Y.Array(), () => new Y.XmlText(), () => new Y.XmlFragment()];
  const values = [true, 1, "valve", "#ffffff", null, [1, 2], { a: 1 }, Number.NaN, [0, 0, 0, 0, 0, 0, 1, 1], undefined];
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T;
  const clients = [10, 66, 67, 1];
  const id = (): Y.ID => Y.createID(pick(clients), roll(40));
  const content = (): unknown =>
    pick([
      () => any(pick(values)),
      () => any(pick(values)),
      () => new Y.ContentString(pick(["a", "bc", "\0"])),
      () => new Y.ContentType(pick(types)() as never),
      () => new Y.ContentDeleted(1 + roll(3)),
      () => new Y.ContentFormat("bold", (pick(values) ?? null) as never),
      () => new Y.ContentEmbed({ a: 1 }),
      () => new Y.ContentBinary(new Uint8Array(3)),
    ])();
  const structured = (clock: number): Uint8Array => {
    const structs: Struct[] = [];
    for (let at = clock, n = roll(4); n >= 0; n--) {
      const neighbour = roll(2) === 0;
      const struct =
        roll(12) === 0
          ? new Y.GC(Y.createID(66, at), 1 + roll(3))
          : new Y.Item(
              Y.createID(66, at),
              null,
              neighbour ? pick([id(), Y.createID(66, Math.max(0, at - 1))]) : null,
              null,
              neighbour && roll(3) === 0 ? id() : null,
              neighbour ? null : (pick(["objects", id(), id(), "other", Y.createID(66, Math.max(0, at - 1))]) as never),
              neighbour || roll(6) === 0 ? null : pick(names),
              content() as never,
            );
      structs.push(struct);
      at += struct.length;
    }
    const deletes = new Map(roll(2) === 0 ? [[pick(clients), [{ clock: roll(40), len: 1 + roll(3) }]]] : []);
    return update(structs, deletes);
  };
  const mutated = (): Uint8Array => {
    const bytes = Uint8Array.from(pick(world.log.slice(-20)).update);
    for (let n = 1 + roll(4); n > 0; n--) bytes[roll(bytes.length)] = roll(256);
    return roll(8) === 0 ? bytes.subarray(0, roll(bytes.length)) : bytes;
  };
  // The attacker's replica has an id of its own: what is sent under 66 is made up.
  world.leave(r.mallory);
  // An editor may not delete the object away under the attack, a member may: both are worth attacking as.
  const join = (): Peer => world.join("mallory", { clientId: 4_000_000_000, role: seed % 3 === 0 ? "member" : "editor" });
  let mallory = join();
  for (let round = 0; round < rounds; round++) {
    world.nowMs += 10_000;
    const clock = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(world.document.state())).get(66) ?? 0;
    const bytes = roll(3) === 0 ? mutated() : structured(clock);
    // Straight to the document: what the attacker's own replica makes of it is nobody's concern.
    const effects = world.document.receive(mallory.session, wire(bytes), world.nowMs);
    world.perform(effects.filter(({ kind }) => kind === "append" || kind === "close"));
    if (mallory.closed !== undefined || effects.some(({ kind }) => kind === "count")) {
      world.leave(mallory);
      mallory = join();
    }
  }
  const after = JSON.stringify(r.protectedState());
  if (after !== before && !after.includes("gone")) throw new Error(`seed ${seed}: protected state ${before} became ${after}`);
  createObject(victim.doc, workshop, "note", "proof");
  if (world.document.object("proof") === undefined || victim.denied.length > 0) throw new Error(`seed ${seed}: the victim cannot write any more`);
  world.restart();
  if (world.document.object("proof") === undefined) throw new Error(`seed ${seed}: the log does not load`);
}

describe("random hostile updates", () => {
  it("leave protected state, honest people and the log intact", () => {
    for (let seed = 1; seed <= 12; seed++) fuzz(seed * 7919, 150);
  });
});
