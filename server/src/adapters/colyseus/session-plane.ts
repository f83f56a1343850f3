/**
 * The session plane as Colyseus schema: roster, leases, flights, veils. The wire names below are what clients read.
 *
 * [SP1] Keys: people by slot (decimal), leases and flights by object id, veils by `object/field`.
 * [SP2] A delta replaces the whole entry, so a client sees an entry appear, be replaced, or go, never half of one.
 */
import { Encoder, schema, type SchemaType, t } from "@colyseus/schema";
import type { Flight, Lease, Person, SessionDelta } from "../../core/types.ts";

/** A full room's roster with the longest names; Colyseus would grow to it by itself, with a warning on the console at every room. */
Encoder.BUFFER_SIZE = 256 * 1024;

export const PersonState = schema(
  {
    slot: t.uint16(),
    session: t.string(),
    user: t.string(),
    name: t.string(),
    role: t.string(),
    color: t.uint32(),
    status: t.string(),
  },
  "Person",
);
export const LeaseState = schema(
  {
    object: t.string(),
    slot: t.uint16(),
    hand: t.string(),
    gripX: t.int16(),
    gripY: t.int16(),
    gripZ: t.int16(),
    gripQx: t.int16(),
    gripQy: t.int16(),
    gripQz: t.int16(),
    gripQw: t.int16(),
    scale: t.float64(),
    spanMm: t.uint16(),
    sinceTick: t.uint32(),
  },
  "Lease",
);
/** `motion`: position mm, rotation x 32767, velocity mm/s, spin mrad/s, box mm (19 integers), in one array: it never changes. */
export const FlightState = schema(
  { object: t.string(), slot: t.uint16(), startMs: t.float64(), scale: t.float64(), upright: t.boolean(), motion: t.array("int32") },
  "Flight",
);
export const VeilState = schema({ object: t.string(), field: t.string(), author: t.string(), reason: t.string() }, "Veil");

export const SessionPlane = schema(
  { people: t.map(PersonState), leases: t.map(LeaseState), flights: t.map(FlightState), veils: t.map(VeilState) },
  "SessionPlane",
);
export type SessionPlane = SchemaType<typeof SessionPlane>;

function personState(person: Person): SchemaType<typeof PersonState> {
  const { slot, session, user, name, role, color, status } = person;
  return new PersonState({ slot, session, user, name, role, color, status });
}

function leaseState({ object, slot, hand, gripMm, gripRotation, scale, spanMm, sinceTick }: Lease): SchemaType<typeof LeaseState> {
  const [gripX = 0, gripY = 0, gripZ = 0] = gripMm;
  const [gripQx = 0, gripQy = 0, gripQz = 0, gripQw = 0] = gripRotation;
  return new LeaseState({ object, slot, hand, gripX, gripY, gripZ, gripQx, gripQy, gripQz, gripQw, scale, spanMm, sinceTick });
}

function flightState({ object, slot, startMs, scale, upright, ...launch }: Flight): SchemaType<typeof FlightState> {
  const { positionMm, rotation, velocityMmS, spinMradS, boxMm } = launch;
  return new FlightState({ object, slot, startMs, scale, upright, motion: [...positionMm, ...rotation, ...velocityMmS, ...spinMradS, ...boxMm] });
}

export function applyDelta(plane: SessionPlane, delta: SessionDelta): void {
  switch (delta.kind) {
    case "person":
      plane.people.set(String(delta.person.slot), personState(delta.person));
      return;
    case "personGone":
      plane.people.delete(String(delta.slot));
      return;
    case "lease":
      plane.leases.set(delta.lease.object, leaseState(delta.lease));
      return;
    case "leaseGone":
      plane.leases.delete(delta.object);
      return;
    case "flight":
      plane.flights.set(delta.flight.object, flightState(delta.flight));
      return;
    case "flightGone":
      plane.flights.delete(delta.object);
      return;
    case "veil": {
      const { object, field, author, reason } = delta;
      plane.veils.set(`${object}/${field}`, new VeilState({ object, field, author, reason }));
      return;
    }
    case "veilGone":
      plane.veils.delete(`${delta.object}/${delta.field}`);
      return;
  }
}
