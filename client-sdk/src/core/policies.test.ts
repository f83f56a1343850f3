import { createObject, defaultRoles, defineScene, type SceneSpec, t } from "@copresence/shared/scene";
import { describe, expect, expectTypeOf, it } from "vitest";
import { seededRandom } from "./random.ts";
import { startSpace } from "./space.ts";
import type { CasHandle, CounterHandle, DeniedNotice, ListHandle, SetHandle, Space, SpaceObject } from "./space-types.ts";
import { FakeRoom } from "./testing/fake-room.ts";
import { StepTime } from "./testing/step-time.ts";

const spec = {
  name: "shop",
  version: 1,
  bounds: { min: [-5, 0, -5], max: [5, 5, 5] },
  zones: { stage: { min: [0, 0, 0], max: [5, 5, 5] } },
  roles: defaultRoles,
  permissions: [{ target: "object", name: "sealed", to: "everybody", who: "", right: "edit", allow: false }],
  objects: {
    valve: {
      transform: t.leased(),
      open: t.lww(t.boolean()),
      turns: t.counter(),
      tags: t.set(),
      sizes: t.list(t.number()),
      reservedBy: t.cas(t.string()),
      step: t.cas(t.number(1)),
      serial: t.serverOnly(t.string()),
      label: t.text(),
    },
  },
} satisfies SceneSpec;
type Shop = typeof spec;
const shop = defineScene(spec);

async function join(definition = shop.hash) {
  const time = new StepTime();
  const room = new FakeRoom(time);
  room.definition = definition;
  for (const id of ["valve-1", "sealed"]) createObject(room.doc, shop, "valve", id, { reservedBy: "bob" });
  const { space, ready } = startSpace<Shop>({
    url: "http://room",
    space: "shop",
    ticket: () => "t",
    scene: shop,
    dialer: room.dial,
    clock: time,
    scheduler: time,
    random: seededRandom(5),
  });
  const denied: DeniedNotice[] = [];
  space.on("denied", (notice) => denied.push(notice));
  await time.run(50);
  await ready;
  const valve = valveOf(space, "valve-1");
  return { time, room, space, denied, valve };
}
function valveOf(space: Space<Shop>, id: string): SpaceObject<Shop, "valve"> {
  const valve = space.objects.get(id, "valve");
  if (valve === undefined) throw new Error("no valve");
  return valve;
}

describe("policies have their types", () => {
  it("from the definition to the handle", () => {
    type Valve = SpaceObject<Shop, "valve">;
    expectTypeOf<Valve["open"]>().toEqualTypeOf<boolean>();
    expectTypeOf<Valve["step"]>().toEqualTypeOf<number>();
    const check = (valve: Valve): void => {
      expectTypeOf(valve.cas("step")).toEqualTypeOf<CasHandle<number>>();
      expectTypeOf(valve.list("sizes")).toEqualTypeOf<ListHandle<number>>();
      expectTypeOf(valve.elements("tags")).toEqualTypeOf<SetHandle>();
      expectTypeOf(valve.counter("turns")).toEqualTypeOf<CounterHandle>();
      // @ts-expect-error -- a cas field is not set, it is compared and set
      valve.set("reservedBy", "ann");
      // @ts-expect-error -- only the server writes it
      valve.set("serial", "A-1");
      // @ts-expect-error -- a list of numbers takes no string
      valve.list("sizes").push("a");
      // @ts-expect-error -- the label of nothing
      valve.cas("open");
    };
    expect(check).toBeTypeOf("function");
  });
});

describe("compare-and-set", () => {
  it("[CA2] asks with the version it shows, and shows nothing before the verdict", async () => {
    const { room, time, valve } = await join();
    const asked = valve.cas("reservedBy").set("ann");
    const ask = room.last("cas");
    expect(ask).toMatchObject({ object: "valve-1", field: "reservedBy", value: { kind: "string", text: "ann" } });
    expect(ask?.seen).toMatchObject({ client: room.doc.clientID });
    expect(valve.reservedBy).toBe("bob");
    room.edit((doc) => doc.getMap<any>("objects").get("valve-1").set("reservedBy", "ann"));
    room.say({ type: "casResult", ref: ask?.ref ?? 0, object: "valve-1", field: "reservedBy", won: true, reason: "lost-race", current: none });
    await time.run(10);
    expect(await asked).toEqual({ won: true, value: "ann" });
  });

  it("tries again on what everybody sees after a lost race, and gives up when told to", async () => {
    const { room, time, valve } = await join();
    const seen: number[] = [];
    const updated = valve.cas("step").update((current) => {
      seen.push(current);
      return current + 1;
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      const ref = room.last("cas")?.ref ?? 0;
      room.edit((doc) =>
        doc
          .getMap<any>("objects")
          .get("valve-1")
          .set("step", 10 + attempt),
      );
      room.say({ type: "casResult", ref, object: "valve-1", field: "step", won: attempt === 1, reason: "lost-race", current: none });
      await time.run(10);
    }
    expect(await updated).toEqual({ won: true, value: 11 });
    expect(seen).toEqual([1, 10]);
    expect(room.all("cas")[0]?.seen).toBeNull();
    expect(await valve.cas("step").update(() => undefined)).toEqual({ won: false, reason: "declined", value: 11 });
  });

  it("[CA1] settles when the link ends, and without one", async () => {
    const { room, time, valve } = await join();
    const asked = valve.cas("reservedBy").set("ann");
    room.break();
    await time.run(1);
    expect(await asked).toEqual({ won: false, reason: "offline", value: "bob" });
    expect(await valve.cas("reservedBy").set("ann")).toMatchObject({ won: false, reason: "offline" });
  });

  it("throws on what the field does not take, and on setting it like any other field", async () => {
    const { valve } = await join();
    await expect(valve.cas("step").set("two" as never)).rejects.toThrow(RangeError);
    expect(() => valve.set("step" as never, 2 as never)).toThrow(/cas\("step"\)/);
    expect(() => valve.cas("open" as never)).toThrow(RangeError);
  });
});

describe("lists, sets and counters", () => {
  it("are views by name with their own verbs", async () => {
    const { valve, room, time } = await join();
    valve.list("sizes").push(1, 2);
    valve.list("sizes").insert(0, 3);
    valve.list("sizes").delete(1);
    valve.elements("tags").add("hot");
    valve.elements("tags").add("old");
    valve.elements("tags").delete("old");
    valve.counter("turns").add(2);
    valve.counter("turns").add();
    expect([...valve.list("sizes")]).toEqual([3, 2]);
    expect([valve.list("sizes").at(-1), valve.list("sizes").length]).toEqual([2, 2]);
    expect([[...valve.elements("tags")], valve.elements("tags").has("hot"), valve.elements("tags").size]).toEqual([["hot"], true, 1]);
    expect(valve.counter("turns").value).toBe(3);
    expect(() => valve.list("sizes").push("x" as never)).toThrow(RangeError);
    expect(() => valve.list("sizes").delete(5)).toThrow(RangeError);
    await time.run(100);
    expect(room.doc.getMap<any>("objects").get("valve-1").get("sizes").toArray()).toEqual([3, 2]);
  });
});

describe("mistakes of an application", () => {
  it("[OH3] throw a RangeError wherever a field is named that is not declared, or otherwise", async () => {
    const { valve, denied, room, time } = await join();
    const loose = valve as unknown as Record<string, (field: string, ...rest: unknown[]) => unknown>;
    for (const [verb, field] of [
      ["text", "titel"],
      ["text", "open"],
      ["list", "tags"],
      ["elements", "sizes"],
      ["counter", "tags"],
      ["count", "tags"],
      ["count", "nothing"],
      ["cas", "nothing"],
      ["set", "serial"],
    ] as const)
      expect(() => loose[verb]?.(field, 1), `${verb}(${field})`).toThrow(RangeError);
    await time.run(100);
    expect([denied, room.doc.getMap<any>("objects").get("valve-1").get("tags").size]).toEqual([[], 0]);
  });

  it("throw a RangeError for a place that is none", async () => {
    const { valve } = await join();
    valve.list("sizes").push(1, 2);
    valve.text("label").insert(0, "ab");
    for (const index of [0.5, -1, 3, Number.NaN, undefined as unknown as number]) {
      expect(() => valve.list("sizes").insert(index, 1)).toThrow(RangeError);
      expect(() => valve.text("label").insert(index, "x")).toThrow(RangeError);
      expect(() => valve.list("sizes").delete(0, index ?? 9)).toThrow(RangeError);
      expect(() => valve.text("label").delete(0, index)).toThrow(RangeError);
    }
    for (const text of [5, undefined, "a\0b"]) expect(() => valve.text("label").replace(text as never)).toThrow(/takes a string/);
    expect([valve.list("sizes").toArray(), String(valve.text("label"))]).toEqual([[1, 2], "ab"]);
  });

  it("say that a property is not assigned to, and change nothing", async () => {
    const { valve } = await join();
    expect(() => Object.assign(valve, { open: true })).toThrow(/use set\("open", value\)/);
    expect(() => Object.assign(valve.fields, { open: true })).toThrow(/use set\("open", value\)/);
    expect([valve.open, JSON.parse(JSON.stringify(valve))]).toMatchObject([false, { id: "valve-1", type: "valve", fields: { open: false } }]);
  });

  it("[OH2] more than a field holds, or out of bounds, is denied before the document changes", async () => {
    const { space, valve, denied, room, time } = await join();
    valve.list("sizes").push(...Array<number>(1025).fill(1));
    valve.text("label").insert(0, "x".repeat(65_537));
    valve.text("label").replace("x".repeat(65_537));
    for (let n = 0; n < 257; n++) valve.elements("tags").add(`t${n}`);
    valve.elements("tags").add("t1");
    const made = [{ label: "x".repeat(65_537) }, { sizes: Array<number>(1025).fill(1) }, { transform: { position: [6, 0, 0] } as const }].map(
      (init) => space.objects.create("valve", init),
    );
    expect(denied.map(({ reason, field }) => `${reason} ${field}`)).toEqual([
      "too-large sizes",
      "too-large label",
      "too-large label",
      "too-large tags",
      "too-large label",
      "too-large sizes",
      "out-of-bounds transform",
    ]);
    await time.run(100);
    expect([made.map(({ exists }) => exists), room.doc.getMap("objects").size]).toEqual([[false, false, false], 2]);
    expect([valve.list("sizes").length, valve.text("label").length, valve.elements("tags").size]).toEqual([0, 0, 256]);
  });
});

describe("rights", () => {
  const zoneRule = { target: "zone", name: "stage", to: "everybody", who: "", right: "edit" } as const;

  it("[RI1] refuse early what a rule of the definition or of a moderator forbids, naming object and field", async () => {
    const { space, room, denied, valve } = await join();
    valveOf(space, "sealed").set("open", true);
    expect(denied).toMatchObject([{ reason: "not-allowed", object: "sealed", field: "open" }]);
    valve.set("open", true);
    expect(valve.open).toBe(true);
    const told: number[] = [];
    space.on("permissions", (rules) => told.push(rules.length));
    room.say({ type: "permissions", all: false, rules: [{ scope: zoneRule, allow: false }] });
    valve.set("open", false);
    expect([valve.open, denied.length]).toEqual([true, 2]);
    room.say({ type: "permissions", all: false, rules: [{ scope: zoneRule, allow: null }] });
    valve.set("open", false);
    expect([valve.open, denied.length, told]).toEqual([false, 2, [2, 1]]);
  });

  it("are changed by a message", async () => {
    const { space, room } = await join();
    space.permissions.set(zoneRule, false);
    space.permissions.set(zoneRule, undefined);
    expect(room.all("permit").map(({ effect }) => effect)).toEqual(["deny", "clear"]);
    expect(space.permissions.rules()).toHaveLength(1);
  });

  it("[RI2] with another definition than the room's one may look, not edit, and is told why", async () => {
    const { space, denied, valve, room } = await join("ffffffffffffffff");
    expect(space.definitionMatches).toBe(false);
    expect(denied).toMatchObject([{ reason: "schema-mismatch", object: "" }]);
    valve.set("open", true);
    space.objects.create("valve");
    expect(await valve.cas("reservedBy").set("ann")).toMatchObject({ won: false, reason: "schema-mismatch" });
    expect(denied.map(({ reason }) => reason)).toEqual(Array(4).fill("schema-mismatch"));
    expect([valve.open, room.all("cas").length]).toEqual([false, 0]);
    expect(valve.reservedBy).toBe("bob");
  });
});

const none = { kind: "none", number: 0, text: "" } as const;
