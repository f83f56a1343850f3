import { describe, expect, expectTypeOf, it } from "vitest";
import { defaultRoles, defineScene, type InitOf, type SceneObject } from "./define-scene.ts";
import { type ObjectTransform, t } from "./fields.ts";
import type { SceneSpec } from "./types.ts";

const spec = {
  name: "workshop",
  version: 1,
  bounds: { min: [-64, -2, -64], max: [64, 30, 64] },
  roles: defaultRoles,
  objects: {
    valve: {
      transform: t.leased(),
      label: t.text(),
      open: t.lww(t.boolean()),
      turns: t.counter(),
      tags: t.set(),
      parts: t.list(t.number()),
      reservedBy: t.cas(t.string()),
      serial: t.serverOnly(t.string("unset")),
    },
    note: { label: t.text(), tint: t.lww(t.color("#ffcc00")) },
  },
} as const satisfies SceneSpec;

describe("defineScene", () => {
  it("carries the types of the declaration to objects and their first values", () => {
    const scene = defineScene(spec);
    type Spec = typeof spec;
    expectTypeOf<SceneObject<Spec, "valve">["fields"]["open"]>().toEqualTypeOf<boolean>();
    expectTypeOf<SceneObject<Spec, "valve">["fields"]["transform"]>().toEqualTypeOf<ObjectTransform>();
    expectTypeOf<SceneObject<Spec, "valve">["fields"]["parts"]>().toEqualTypeOf<readonly number[]>();
    expectTypeOf<SceneObject<Spec>["type"]>().toEqualTypeOf<"valve" | "note">();
    expectTypeOf<InitOf<Spec["objects"]["valve"]>>().not.toHaveProperty("serial");
    expectTypeOf<InitOf<Spec["objects"]["note"]>["tint"]>().toEqualTypeOf<string | undefined>();
    expect(scene.objects.valve.open).toMatchObject({ policy: "lww", value: "boolean", initial: false });
  });

  it("[SD1] freezes what it returns, and is not affected by later changes to the declaration", () => {
    const own = JSON.parse(JSON.stringify(spec)) as { objects: { note: Record<string, unknown> } } & SceneSpec;
    const scene = defineScene(own);
    own.objects.note["extra"] = t.text();
    expect(Object.keys(scene.objects["note"] ?? {})).toEqual(["label", "tint"]);
    expect(() => {
      (scene.objects["note"] as Record<string, unknown>)["x"] = 1;
    }).toThrow(TypeError);
  });

  it("[SD1] checks how a leased object behaves in hands, and an absent body changes no hash", () => {
    const withBody = (body: unknown): SceneSpec => ({ ...spec, objects: { ...spec.objects, ball: { transform: { ...t.leased(), body } as never } } });
    const ball = { radiusM: 0.1, throwable: true, falls: false, tumbles: true, handover: true, scale: [0.5, 2] };
    expect(defineScene(withBody(ball)).objects["ball"]?.["transform"]?.body).toEqual(ball);
    expect(defineScene(withBody(undefined)).hash).toBe(defineScene({ ...spec, objects: { ...spec.objects, ball: { transform: t.leased() } } }).hash);
    for (const wrong of [{ radiusM: -1 }, { radiusM: Number.NaN }, { falls: 1 }, { scale: [2, 1] }, { scale: [0, 1] }, { scale: [1] }]) {
      expect(() => defineScene(withBody(wrong))).toThrow(/objects\.ball\.transform/);
    }
    expect(() => defineScene({ ...spec, objects: { note: { label: { ...t.text(), body: {} } } } })).toThrow(/only t\.leased\(\) takes/);
  });

  it("[SD2] hashes what is declared, not how it is written down", () => {
    const reordered = {
      ...spec,
      objects: { note: { tint: spec.objects.note.tint, label: spec.objects.note.label }, valve: spec.objects.valve },
    } satisfies SceneSpec;
    expect(defineScene(reordered).hash).toBe(defineScene(spec).hash);
    expect(defineScene(spec).hash).toMatch(/^[0-9a-f]{16}$/);
    expect(defineScene({ ...spec, version: 2 }).hash).not.toBe(defineScene(spec).hash);
    expect(defineScene({ ...spec, objects: { note: { ...spec.objects.note, tint: t.lww(t.color("#ffcc01")) } } }).hash).not.toBe(
      defineScene(spec).hash,
    );
  });

  it("a checked scene may be the start of the next", () => {
    const first = defineScene({ ...spec, version: 1 });
    const next = defineScene({ ...first, version: 2 });
    expect(next.hash).not.toBe(first.hash);
    expect(defineScene({ ...first }).hash).toBe(first.hash);
  });

  const wrong: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
    ["a name that is no identifier", { name: "../x" }, /scene has the name/],
    ["no version", { version: 0 }, /version must be/],
    ["an object type called __proto__", { objects: JSON.parse('{"__proto__": {"a": {}}}') }, /__proto__/],
    ["no objects", { objects: {} }, /objects is empty/],
    ["bounds inside out", { bounds: { min: [1, 0, 0], max: [0, 1, 1] } }, /bounds must be finite/],
    ["a role without a right", { roles: { guest: { create: true } } }, /roles.guest must say/],
    ["an unknown policy", { objects: { a: { b: { policy: "maybe", value: "string" } } } }, /objects.a.b has no known policy/],
    ["a leased field by another name", { objects: { a: { place: t.leased() } } }, /objects.a.place is wrong/],
    ["a transform that is not leased", { objects: { a: { transform: t.lww(t.number()) } } }, /objects.a.transform is wrong/],
    ["a field called type", { objects: { a: { type: t.text() } } }, /may not be called "type"/],
    ["an initial value of another type", { objects: { a: { b: t.lww(t.color("red")) } } }, /initial value/],
    ["a part that is none", { object: {} }, /object is no part of a scene/],
    ["no bounds", { bounds: undefined }, /bounds is missing/],
    ["bounds as points", { bounds: { min: { x: 0 }, max: { x: 1 } } }, /bounds must be \{ min: \[x, y, z\]/],
    ["no objects", { objects: undefined }, /objects is missing/],
    ["no roles", { roles: undefined }, /roles is missing/],
    ["a role without rights", { roles: { guest: null } }, /roles.guest is missing/],
    ["a field that is a value", { objects: { valve: { open: t.boolean() } } }, /has no known policy \(undefined\); use t.lww/],
    ["no field", { objects: { valve: { open: null } } }, /has no known policy/],
    ["rules that are no list", { permissions: {} }, /must be a list/],
    ["a misspelt body", { objects: { valve: { transform: t.leased({ radius: 1 } as never) } } }, /no "radius" in its body/],
    ["one scale", { objects: { valve: { transform: t.leased({ scale: 2 as never }) } } }, /not \[smallest, largest\]/],
  ];
  it.each(wrong)("[SD1] says what is wrong with %s", (_what, part, sentence) => {
    expect(() => defineScene({ ...spec, ...part } as unknown as SceneSpec)).toThrow(sentence);
  });
});
