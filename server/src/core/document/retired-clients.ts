/**
 * Yjs clientIDs of earlier generations of a document, with hashes of their owners and last clocks: kept as a note of the store, written in the same
 * transaction that re-roots the document.
 *
 * [RT1] Nobody writes under a retired id again: a replica that names one is of an earlier generation, and merging it would bring everything
 *       twice.
 * [RT2] What a person wrote last under each id is told to that person's replicas in sync step 1, so that an edit which became durable before
 *       the re-rooting, but whose acknowledgement was lost, is not made a second time.
 * [RT4] Nobody is named: an owner is a short hash, enough to tell a person their own clocks. Should two people share one, they learn each
 *       other's clocks, which say nothing and match none of their edits.
 * [RT3] Bounded: the newest GENERATIONS_MAX re-rootings are remembered.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { hash32 } from "../palette.ts";
import { type ClientRegistry, NOBODY } from "./client-registry.ts";

export const RETIRED_NOTE = "retired";
/** A re-rooting retires a few thousand ids at most, and comes days or weeks after the last. */
const GENERATIONS_MAX = 8;
const FORMAT = 1;

/** `owner`: `ownerOf` whoever wrote under it; `clock`: the next one this client would have used. */
export type RetiredClient = { readonly client: number; readonly owner: number; readonly clock: number };

type Generation = { readonly doc: Y.Doc; readonly clients: ClientRegistry; readonly retired: RetiredClients };

const ownerOf = (user: string): number => (user === NOBODY ? 0 : hash32(user));

export class RetiredClients {
  private readonly generations: readonly (readonly RetiredClient[])[];
  private readonly clients = new Set<number>();

  constructor(generations: readonly (readonly RetiredClient[])[] = []) {
    this.generations = generations.slice(-GENERATIONS_MAX);
    for (const generation of this.generations) for (const { client } of generation) this.clients.add(client);
  }

  has(client: number): boolean {
    return this.clients.has(client);
  }

  /** Last clocks of one person's ids. */
  clocksOf(user: string): ReadonlyMap<number, number> {
    const own = this.generations.flat().filter(({ owner, clock }) => owner === ownerOf(user) && clock > 0);
    return new Map(own.map(({ client, clock }) => [client, clock]));
  }

  /** These and one generation more. */
  with(generation: readonly RetiredClient[]): RetiredClients {
    return new RetiredClients([...this.generations, generation]);
  }

  encode(): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, FORMAT);
    encoding.writeVarUint(encoder, this.generations.length);
    for (const generation of this.generations) {
      const byOwner = Map.groupBy(generation, ({ owner }) => owner);
      encoding.writeVarUint(encoder, byOwner.size);
      for (const [owner, list] of byOwner) {
        encoding.writeVarUint(encoder, owner);
        encoding.writeVarUint(encoder, list.length);
        for (const { client, clock } of list) {
          encoding.writeVarUint(encoder, client);
          encoding.writeVarUint(encoder, clock);
        }
      }
    }
    return encoding.toUint8Array(encoder);
  }

  /** Undefined for bytes that this version did not write. */
  static decode(note: Uint8Array | undefined): RetiredClients | undefined {
    if (note === undefined) return new RetiredClients();
    try {
      const decoder = decoding.createDecoder(note);
      if (decoding.readVarUint(decoder) !== FORMAT) return undefined;
      const times = <T>(read: () => T): T[] => Array.from({ length: decoding.readVarUint(decoder) }, read);
      const generations = times(() =>
        times(() => {
          const owner = decoding.readVarUint(decoder);
          return times(() => ({ client: decoding.readVarUint(decoder), owner, clock: decoding.readVarUint(decoder) }));
        }).flat(),
      );
      return new RetiredClients(generations);
    } catch {
      return undefined;
    }
  }
}

/** What is retired once this generation is: its ids, and those retired before. */
export function retiredWith({ doc, clients, retired }: Generation): RetiredClients {
  const owners = clients.all();
  const ids = new Set([...owners.keys(), ...doc.store.clients.keys()]);
  return retired.with([...ids].map((client) => ({ client, owner: ownerOf(owners.get(client) ?? NOBODY), clock: Y.getState(doc.store, client) })));
}
