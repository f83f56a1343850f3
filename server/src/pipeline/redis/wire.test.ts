import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../carrier.ts";
import { chatEvent, labelEvent, objectEvent, searchEvent } from "../testing/events.ts";
import { pseudonymOf, readOutcomes, readPosted, writeOutcomes, writePosted } from "./wire.ts";

const EVENTS = [
  objectEvent("v1", "red valve"),
  { kind: "objectGone", object: "v1", version: 3 } as const,
  chatEvent(7, "hello ☃ \u0000 \ud800"),
  labelEvent("box", 4, ""),
  searchEvent(1, "valve"),
  { ...objectEvent("v2", "shelf"), size: [1, 2, 0.3], tags: ["open"], room: "attic" },
  {
    ...searchEvent(2, "what is here"),
    find: {
      otherwise: true,
      objects: [["safe", false] as const],
      types: [["valve", true] as const],
      zones: [{ min: [0, 0, 0] as const, max: [1, 2, 3] as const, allow: false, rank: 2 }],
    },
    veiled: ["v1"],
    describe: { view: true, people: [{ name: "Ada", asleep: false, view: null, holds: ["v1"] }] },
  },
];
const around = (event: (typeof EVENTS)[number]) => readPosted(writePosted({ producer: "p-1", id: 1, scene: "room", event }))?.event;

describe("events and outcomes in Redis", () => {
  it("come back as they went", () => {
    for (const event of EVENTS) expect(around(event)).toEqual(event.kind === "text" ? { ...event, user: pseudonymOf(event.user) } : event);
    expect(readPosted(writePosted({ producer: "p-1", id: 0, scene: "room" }))).toEqual({ producer: "p-1", id: 0, scene: "room" });
    const outcomes: Outcome[] = [
      {
        id: 1,
        scene: "room",
        answer: {
          kind: "verdict",
          subject: { kind: "chat", id: 1 },
          version: 1,
          hide: true,
          reason: "insult",
          by: { model: "text", version: "1.0.0", why: ["insult 0.93 >= 0.7"], thresholds: { insult: 0.7 } },
        },
      },
      {
        id: 2,
        scene: "room",
        answer: {
          kind: "searched",
          session: "s",
          ref: 1,
          degraded: false,
          hits: [{ object: "o", score: 1, position: [1, 2, 3], label: "", why: "" }],
          count: 3,
          description: { text: "One valve.", objects: 1, people: 0, groups: [{ label: "valve", count: 1, position: [0, 0, 0] }] },
        },
      },
      { id: 3, scene: "room", dead: { why: "text failed", key: "room/chat/3", version: 1 } },
      { id: 4, scene: "room" },
    ];
    expect(readOutcomes(writeOutcomes(outcomes))).toEqual(outcomes);
  });

  it("[EW4] name nobody: a user's id becomes a pseudonym, the same everywhere, and no two the same", () => {
    expect([pseudonymOf("ada"), pseudonymOf("")]).toEqual([pseudonymOf("ada"), ""]);
    expect(pseudonymOf("ada")).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(pseudonymOf("ada")).not.toBe(pseudonymOf("adb"));
    expect(writePosted({ producer: "p-1", id: 1, scene: "room", event: chatEvent(1, "hello", "canary-user") })).not.toContain("canary-user");
  });

  it("[EW1] refuse what is not theirs, and never throw", () => {
    const posted = { producer: "p-1", id: 1, scene: "room", event: objectEvent("v1", "valve") };
    expect(readPosted(JSON.stringify(posted))).toEqual(posted);
    for (const wrong of [
      { ...posted, producer: "../x" },
      { ...posted, id: -1 },
      { ...posted, extra: 1 },
      { ...posted, event: { ...posted.event, pose: [1, 2, 3] } },
      { ...posted, event: { ...posted.event, position: [1, 2, 3, 4, 5, 6, 7] } },
      { ...posted, event: { kind: "motion", user: "a", other: "b", version: 1, features: { headX: 1 } } },
      { ...posted, event: { ...posted.event, version: "1" } },
    ]) {
      expect(readPosted(JSON.stringify(wrong))).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readPosted(text)).toBeUndefined();
        const outcomes = readOutcomes(text);
        expect(outcomes === undefined || outcomes.length === 0).toBe(true);
      }),
    );
  });

  it("[EW2] hold no pose: a viewpoint is rounded so that many poses give one, and still points where it pointed", () => {
    const number = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(
        number,
        number,
        number,
        fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
        fc.double({ min: -0.4, max: 0.4, noNaN: true }),
        (x, y, z, yaw, tilt) => {
          // Yaw, then a tilt of the head about its own sideways axis.
          const [sy, cy, st, ct] = [Math.sin(yaw / 2), Math.cos(yaw / 2), Math.sin(tilt / 2), Math.cos(tilt / 2)];
          const event = { ...searchEvent(1, "valve"), from: { position: [x, y, z], rotation: [cy * st, sy * ct, -sy * st, cy * ct] } };
          const back = around(event);
          if (back?.kind !== "search" || back.from === null) throw new Error("no viewpoint came back");
          const { position, rotation } = back.from;
          [x, y, z].forEach((metres, axis) => {
            expect(Number.isInteger((position[axis] ?? 0.1) * 4)).toBe(true);
            expect(Math.abs((position[axis] ?? NaN) - metres)).toBeLessThanOrEqual(0.125001);
          });
          expect([rotation[0], rotation[2]]).toEqual([0, 0]);
          const turned = 2 * Math.atan2(rotation[1] ?? NaN, rotation[3] ?? NaN);
          expect(Math.abs(Math.round(turned / (Math.PI / 16)) - turned / (Math.PI / 16))).toBeLessThan(1e-6);
          expect(Math.cos(turned - yaw)).toBeGreaterThanOrEqual(Math.cos(Math.PI / 32) - 1e-6);
        },
      ),
    );
  });
});
