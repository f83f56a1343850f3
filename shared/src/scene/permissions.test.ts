import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineScene } from "./define-scene.ts";
import { judgeOf, type PermissionPerson, type PermissionRule, type PermissionSubject, PermissionTable, RIGHTS } from "./permissions.ts";

const right = { create: true, edit: true, grab: true, chat: true, moderate: false };
const SCENE = defineScene({
  name: "hall",
  bounds: { min: [-9, -9, -9], max: [9, 9, 9] },
  version: 1,
  objects: { cup: { label: { policy: "lww", value: "string", initial: "" } }, valve: { label: { policy: "lww", value: "string", initial: "" } } },
  roles: { guest: { ...right, create: false, edit: false }, member: right, moderator: { ...right, moderate: true } },
  zones: { stage: { min: [0, 0, 0], max: [4, 4, 4] }, vault: { min: [2, 0, 2], max: [8, 4, 8] } },
});
const names = { scene: [""], type: ["cup", "valve"], zone: ["stage", "vault"], object: ["cup-1", "valve-1"] } as const;
const whos = { everybody: [""], role: ["guest", "member"], user: ["ada", "bob"] } as const;
const rule: fc.Arbitrary<PermissionRule> = fc
  .record({ target: fc.constantFrom("scene", "type", "zone", "object"), to: fc.constantFrom("everybody", "role", "user") } as const)
  .chain(({ target, to }) =>
    fc.record({
      target: fc.constant(target),
      to: fc.constant(to),
      name: fc.constantFrom<string>(...names[target]),
      who: fc.constantFrom<string>(...whos[to]),
      right: fc.constantFrom(...RIGHTS),
      allow: fc.boolean(),
    }),
  );
const person: fc.Arbitrary<PermissionPerson> = fc.record({
  user: fc.constantFrom("ada", "bob", "eve"),
  role: fc.constantFrom("guest", "member", "moderator", "stranger"),
});
const coordinate = fc.integer({ min: -1, max: 9 });
const subject: fc.Arbitrary<PermissionSubject> = fc.record({
  object: fc.constantFrom("cup-1", "valve-1", "other"),
  type: fc.constantFrom("cup", "valve", undefined),
  position: fc.option(fc.tuple(coordinate, coordinate, coordinate), { nil: undefined }),
});
const tableOf = (rules: readonly PermissionRule[]): PermissionTable => {
  const table = new PermissionTable(SCENE);
  for (const { allow, ...scope } of rules) table.set(scope, allow);
  return table;
};

describe("PermissionTable", () => {
  it("[PE1] a right that was resolved says of every object what the table says", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 12 }),
        person,
        fc.constantFrom(...RIGHTS),
        fc.array(subject, { minLength: 1 }),
        (rules, who, which, all) => {
          const table = tableOf(rules);
          const resolved = table.resolve(who, which);
          const judge = resolved === undefined ? () => true : judgeOf(resolved);
          for (const one of all) expect(judge(one)).toBe(table.may(who, which, one));
        },
      ),
    );
  });

  it("[PE5] everybody finds everything until a rule says otherwise; moderators always do", () => {
    const cup = { object: "cup-1", type: "cup", position: undefined };
    const hidden = { target: "object", name: "cup-1", to: "everybody", who: "", right: "find", allow: false } as const;
    for (const role of ["guest", "member", "moderator", "stranger"]) {
      expect(tableOf([]).may({ user: "ada", role }, "find", cup)).toBe(true);
      expect(tableOf([]).resolve({ user: "ada", role }, "find")).toBeUndefined();
      expect(tableOf([hidden]).may({ user: "ada", role }, "find", cup)).toBe(role === "moderator");
    }
    expect(tableOf([{ ...hidden, allow: true }]).mayWrite({ user: "ada", role: "guest" })).toBe(false);
  });
});
