/**
 * The session plane as Colyseus decodes it, turned into `SessionEvent`s: what is new, what was replaced, what is gone.
 *
 * [SM1] The server replaces an entry as a whole, so the decoded instance is its version: identity is all there is to compare.
 * [SM2] Within one state: who left before who came, people before flights before leases before veils; a flight's end after the leases,
 *       so that an object which changes from hand to air or back is never nowhere.
 */
import type { FlightInfo, LeaseInfo, PersonInfo, SessionEvent } from "../core/session-events.ts";

/** What this file needs of a Colyseus map. */
type Entries = { forEach(visit: (value: any, key: string) => void): void } | undefined;
/** Names as in server/src/adapters/colyseus/session-plane.ts. */
export type SessionState = { readonly people?: Entries; readonly leases?: Entries; readonly flights?: Entries; readonly veils?: Entries };

export class SessionMirror {
  private readonly people = new Map<string, unknown>();
  private readonly leases = new Map<string, unknown>();
  private readonly flights = new Map<string, unknown>();
  private readonly veils = new Map<string, unknown>();
  private readonly emit: (event: SessionEvent) => void;

  constructor(emit: (event: SessionEvent) => void) {
    this.emit = emit;
  }

  /** The state as it is now. The first one gives everything. */
  update(state: SessionState): void {
    const { emit } = this;
    diff(this.people, state.people, {
      gone: (key) => emit({ kind: "personGone", slot: Number(key) }),
      set: (value) => emit({ kind: "person", person: personOf(value) }),
    });
    const landed: string[] = [];
    diff(this.flights, state.flights, {
      gone: (key) => void landed.push(key),
      set: (value) => emit({ kind: "flight", flight: flightOf(value) }),
    });
    diff(this.leases, state.leases, {
      gone: (key) => emit({ kind: "leaseGone", object: key }),
      set: (value) => emit({ kind: "lease", lease: leaseOf(value) }),
    });
    for (const object of landed) emit({ kind: "flightGone", object });
    diff(this.veils, state.veils, {
      gone: (key) => {
        const [object = "", field = ""] = key.split("/");
        emit({ kind: "veilGone", object, field });
      },
      set: ({ object, field, author, reason }) => emit({ kind: "veil", object, field, author, reason }),
    });
  }
}

function diff(known: Map<string, unknown>, entries: Entries, on: { readonly gone: (key: string) => void; readonly set: (value: any) => void }): void {
  const now = new Map<string, unknown>();
  entries?.forEach((value, key) => void now.set(key, value));
  for (const key of known.keys()) {
    if (now.has(key)) continue;
    known.delete(key);
    on.gone(key);
  }
  for (const [key, value] of now) {
    if (known.get(key) === value) continue;
    known.set(key, value);
    on.set(value);
  }
}

function personOf({ slot, session, user, name, role, color, status }: PersonInfo): PersonInfo {
  return { slot, session, user, name, role, color, status };
}

type LeaseEntry = Record<"gripX" | "gripY" | "gripZ" | "gripQx" | "gripQy" | "gripQz" | "gripQw", number> &
  Omit<LeaseInfo, "gripMm" | "gripRotation">;

function leaseOf(entry: LeaseEntry): LeaseInfo {
  const { object, slot, hand, scale, spanMm, sinceTick } = entry;
  const gripMm = [entry.gripX, entry.gripY, entry.gripZ];
  const gripRotation = [entry.gripQx, entry.gripQy, entry.gripQz, entry.gripQw];
  return { object, slot, hand, gripMm, gripRotation, scale, spanMm, sinceTick };
}

type FlightEntry = Pick<FlightInfo, "object" | "slot" | "startMs" | "scale" | "upright"> & { readonly motion: Iterable<number> };

/** `motion` as the server packs it: position, rotation, velocity, spin, box. */
function flightOf({ object, slot, startMs, scale, upright, motion }: FlightEntry): FlightInfo {
  const all = [...motion];
  return {
    object,
    slot,
    startMs,
    scale,
    upright,
    positionMm: all.slice(0, 3),
    rotation: all.slice(3, 7),
    velocityMmS: all.slice(7, 10),
    spinMradS: all.slice(10, 13),
    boxMm: all.slice(13, 19),
  };
}
