/**
 * Presence of document editors (cursors, selections), as y-protocols awareness; never stored, never in the document.
 *
 * [AW1] A clientID's state is set by the one session it is bound to; entries for other ids are ignored (y-websocket echoes them).
 * [AW2] `user` in a state is written by the server: nobody appears under another's name.
 * [AW3] Outgoing clocks are the server's own, rising per clientID, so that a peer who comes back with an old clock is seen again.
 * [AW4] A session's states end with the session.
 */
import type { SessionId } from "@copresence/shared/base";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { Identity } from "../types.ts";

/** JSON of one state: a cursor and a colour, not a document. */
const STATE_BYTES_MAX = 2048;
/** Entries of one message that are looked at: y-websocket echoes everybody's. */
const ENTRIES_MAX = 1024;
/** Client ids one session may be present under: one document, reloaded a few times. */
const CLIENTS_PER_SESSION = 4;
/** Ids whose last clock is remembered after they left. */
const CLOCKS_MAX = 4096;
const COLOR = /^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$/;

type State = { readonly session: SessionId; readonly json: string; readonly clockIn: number };
type Entry = { readonly client: number; readonly clock: number; readonly json: string };

export class AwarenessTable {
  private readonly states = new Map<number, State>();
  private readonly clocksOut = new Map<number, number>();

  /** Takes a peer's awareness update; the bytes for everybody else, undefined when nothing changed, "malformed" when it cannot be read. */
  receive(session: SessionId, identity: Identity, body: Uint8Array): Uint8Array | undefined | "malformed" {
    const entries = decodeEntries(body);
    if (entries === undefined) return "malformed";
    const changed: number[] = [];
    for (const entry of entries) if (this.take(session, identity, entry)) changed.push(entry.client);
    return changed.length === 0 ? undefined : this.encode(changed);
  }

  /** Everybody's states, for somebody who joins; undefined when there are none. */
  all(): Uint8Array | undefined {
    return this.states.size === 0 ? undefined : this.encode([...this.states.keys()]);
  }

  /** Ends a session's states; the bytes that tell the others. */
  leave(session: SessionId): Uint8Array | undefined {
    const gone = [...this.states].filter(([, state]) => state.session === session).map(([client]) => client);
    for (const client of gone) this.drop(client);
    return gone.length === 0 ? undefined : this.encode(gone);
  }

  private take(session: SessionId, identity: Identity, { client, clock, json }: Entry): boolean {
    const known = this.states.get(client);
    if (known !== undefined && (known.session !== session || known.clockIn > clock)) return false;
    if (json === "null") {
      if (known !== undefined) this.drop(client);
      return known !== undefined;
    }
    if (known === undefined && this.count(session) >= CLIENTS_PER_SESSION) return false;
    const signed = signState(json, identity);
    if (signed === undefined) return false;
    this.states.set(client, { session, json: signed, clockIn: clock });
    this.bump(client);
    return true;
  }

  private drop(client: number): void {
    this.states.delete(client);
    this.bump(client);
  }

  private bump(client: number): void {
    const clock = (this.clocksOut.get(client) ?? 0) + 1;
    // Re-inserted, so that the oldest entry is the one longest unused.
    this.clocksOut.delete(client);
    this.clocksOut.set(client, clock);
    if (this.clocksOut.size <= CLOCKS_MAX) return;
    for (const old of this.clocksOut.keys()) {
      if (this.states.has(old)) continue;
      this.clocksOut.delete(old);
      return;
    }
  }

  private count(session: SessionId): number {
    let count = 0;
    for (const state of this.states.values()) if (state.session === session) count++;
    return count;
  }

  private encode(clients: readonly number[]): Uint8Array {
    return encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, clients.length);
      for (const client of clients) {
        encoding.writeVarUint(encoder, client);
        encoding.writeVarUint(encoder, this.clocksOut.get(client) ?? 0);
        encoding.writeVarString(encoder, this.states.get(client)?.json ?? "null");
      }
    });
  }
}

function decodeEntries(body: Uint8Array): Entry[] | undefined {
  try {
    const decoder = decoding.createDecoder(body);
    const count = decoding.readVarUint(decoder);
    if (count > ENTRIES_MAX) return undefined;
    const entries: Entry[] = [];
    for (let i = 0; i < count; i++) {
      entries.push({ client: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder), json: decoding.readVarString(decoder) });
    }
    return decoding.hasContent(decoder) ? undefined : entries;
  } catch {
    return undefined;
  }
}

/** The state with the server's word on who it is [AW2]; undefined when it is not a small JSON object. */
function signState(json: string, identity: Identity): string | undefined {
  if (json.length > STATE_BYTES_MAX) return undefined;
  let state: unknown;
  try {
    state = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  const claimed: unknown = "user" in state ? state.user : undefined;
  const color = typeof claimed === "object" && claimed !== null && "color" in claimed ? claimed.color : undefined;
  const user = { id: identity.user, name: identity.name, role: identity.role };
  return JSON.stringify({ ...state, user: typeof color === "string" && COLOR.test(color) ? { ...user, color } : user });
}
