import { Decoder, Encoder, Reflection } from "@colyseus/schema";
import type { SessionId, Slot, Tick, UserId } from "@copresence/shared/base";
import { describe, expect, it } from "vitest";
import type { SessionDelta } from "../../core/types.ts";
import { applyDelta, SessionPlane } from "./session-plane.ts";

/** A server's plane and a client's, which knows its schema from the handshake only. */
function pair() {
  const plane = new SessionPlane();
  const encoder = new Encoder(plane);
  const decoder = Reflection.decode(Reflection.encode(encoder)) as Decoder;
  decoder.decode(encoder.encodeAll());
  const step = (...deltas: SessionDelta[]) => {
    for (const delta of deltas) applyDelta(plane, delta);
    decoder.decode(encoder.encode());
    encoder.discardChanges();
    return (decoder.state as { toJSON(): unknown }).toJSON();
  };
  return { step };
}

const person = (slot: number, status: "awake" | "asleep" = "awake"): SessionDelta => ({
  kind: "person",
  person: {
    slot: slot as Slot,
    session: `s${slot}` as SessionId,
    user: `u${slot}` as UserId,
    name: "Ada",
    role: "member",
    color: 0xff8800,
    status,
  },
});
const lease = (slot: number): SessionDelta => ({
  kind: "lease",
  lease: {
    object: "crate",
    slot: slot as Slot,
    hand: "left",
    gripMm: [1, -2, 3],
    gripRotation: [0, 0, 0, 32_767],
    scale: 1.5,
    spanMm: 0,
    sinceTick: 70_000 as Tick,
  },
});

describe("session plane", () => {
  it("[SP1] reaches a client with every field", () => {
    const { step } = pair();
    expect(step(person(3), lease(3), { kind: "veil", object: "crate", field: "label", author: "u3", reason: "lexicon" })).toEqual({
      people: { 3: { slot: 3, session: "s3", user: "u3", name: "Ada", role: "member", color: 0xff8800, status: "awake" } },
      leases: {
        crate: {
          object: "crate",
          slot: 3,
          hand: "left",
          gripX: 1,
          gripY: -2,
          gripZ: 3,
          gripQx: 0,
          gripQy: 0,
          gripQz: 0,
          gripQw: 32_767,
          scale: 1.5,
          spanMm: 0,
          sinceTick: 70_000,
        },
      },
      flights: {},
      veils: { "crate/label": { object: "crate", field: "label", author: "u3", reason: "lexicon" } },
    });
  });

  it("[SP2] replaces and removes whole entries", () => {
    const { step } = pair();
    step(person(1), person(2), lease(1));
    expect(step(person(2, "asleep"), { kind: "personGone", slot: 1 as Slot }, lease(2))).toMatchObject({
      people: { 2: { status: "asleep" } },
      leases: { crate: { slot: 2 } },
    });
    expect(step({ kind: "personGone", slot: 2 as Slot }, { kind: "leaseGone", object: "crate" })).toEqual({
      people: {},
      leases: {},
      flights: {},
      veils: {},
    });
  });

  it("carries a flight whole, and its end", () => {
    const { step } = pair();
    const launch = { positionMm: [1, 2, -3], rotation: [0, 0, 0, 32_767], velocityMmS: [4, 5, 6], spinMradS: [7, 8, 9] };
    const flight = { object: "crate", slot: 2, startMs: 1234.5, ...launch, scale: 0.3, boxMm: [-10, 0, -10, 10, 20, 70_000], upright: true };
    const { object, slot, startMs, scale, upright } = flight;
    const motion = [1, 2, -3, 0, 0, 0, 32_767, 4, 5, 6, 7, 8, 9, -10, 0, -10, 10, 20, 70_000];
    expect(step({ kind: "flight", flight })).toMatchObject({ flights: { crate: { object, slot, startMs, scale, upright, motion } } });
    expect(step({ kind: "flightGone", object })).toMatchObject({ flights: {} });
  });

  it("a slot that is freed and taken within one step ends as the newcomer's", () => {
    const { step } = pair();
    step(person(0));
    expect(step({ kind: "personGone", slot: 0 as Slot }, person(0, "asleep"))).toMatchObject({ people: { 0: { status: "asleep" } } });
  });
});
