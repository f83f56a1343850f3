/** `connect`: the core with everything a browser or node brings. */
import type { SceneSpec } from "@copresence/shared/scene";
import { judgeConnect } from "../core/judge.ts";
import { createSpace } from "../core/space.ts";
import type { SceneCache } from "../core/scene-cache.ts";
import type { ConnectOptions, Space, TicketSource } from "../core/space-types.ts";
import { colyseusDialer, httpUrl } from "./colyseus.ts";
import { openSceneCache } from "./indexed-db.ts";
import { systemClock, systemRandom, systemScheduler } from "./runtime.ts";

/** Joins a space. Resolves when its people and objects are here; rejects with a `JoinError` that says why not. */
export async function connect<S extends SceneSpec = any>(options: ConnectOptions<S>): Promise<Space<S>> {
  judgeConnect(options);
  const kept = options.offline === undefined || options.offline === false ? options : await withCache(options);
  const space = await createSpace<S>({ ...kept, dialer: colyseusDialer, clock: systemClock, scheduler: systemScheduler, random: systemRandom() });
  followNetwork(space);
  return space;
}

/** The copy on this device belongs to a person, and the first ticket says to whom; without a network, to whoever was here last. */
async function withCache<S extends SceneSpec>(options: ConnectOptions<S>): Promise<ConnectOptions<S> & { readonly cache: SceneCache | undefined }> {
  let first = await firstTicket(options.ticket);
  const place = { url: httpUrl(options.url), space: options.space, user: first === undefined ? undefined : userOfTicket(first) };
  const cache = await openSceneCache(place, typeof options.offline === "object" ? options.offline : {}).catch(() => undefined);
  const { ticket } = options;
  const source = (): string | Promise<string> => {
    const fetched = first;
    first = undefined;
    return fetched ?? (typeof ticket === "string" ? ticket : ticket());
  };
  return { ...options, ticket: typeof ticket === "string" ? ticket : source, cache };
}

async function firstTicket(ticket: TicketSource): Promise<string | undefined> {
  if (typeof ticket === "string") return ticket;
  try {
    return await ticket();
  } catch {
    return undefined;
  }
}

/** The `sub` claim, unverified: it chooses which copy to open; the room decides who we are. */
function userOfTicket(ticket: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(atob((ticket.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    const { sub } = claims as { readonly sub?: unknown };
    return typeof sub === "string" ? sub : undefined;
  } catch {
    return undefined;
  }
}

type NetworkEvents = { addEventListener?(type: string, run: () => void): void; removeEventListener?(type: string, run: () => void): void };

/** The browser knows before the socket does that the network is back; node has no such events. */
function followNetwork(space: Space): void {
  const events: NetworkEvents = globalThis as object;
  const onOnline = (): void => space.networkChanged();
  events.addEventListener?.("online", onOnline);
  space.on("status", ({ status }) => {
    if (status === "closed") events.removeEventListener?.("online", onOnline);
  });
}

export type DevClaims = {
  readonly space: string;
  readonly name: string;
  readonly role?: string | undefined;
  /** Stable id of the person; default a fresh one. */
  readonly user?: string | undefined;
};

/** Asks a development server (`npm start`) for one join ticket. Real applications issue tickets on their own server. */
export async function devTicket(url: string, claims: DevClaims): Promise<string> {
  return (await askDevTicket(url, claims)).ticket;
}

/** A ticket source for `connect` on a development server: every ticket is for the same person, so reconnects are the same person too. */
export function devTickets(url: string, claims: DevClaims): () => Promise<string> {
  let { user } = claims;
  return async () => {
    const answer = await askDevTicket(url, { ...claims, user });
    user = answer.user ?? user;
    return answer.ticket;
  };
}

async function askDevTicket(url: string, claims: DevClaims): Promise<{ readonly ticket: string; readonly user: string | undefined }> {
  const response = await fetch(`${httpUrl(url)}/dev/ticket`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(claims),
    credentials: "omit",
  }).catch((cause: unknown) => {
    throw new Error(`There is no server at ${httpUrl(url)}, or it cannot be reached from here.`, { cause });
  });
  // Whatever else listens there may answer with a page.
  const answer: unknown = await response.json().catch(() => undefined);
  const { ticket, user, error } = (answer ?? {}) as { readonly ticket?: string; readonly user?: string; readonly error?: string };
  if (ticket === undefined) throw new Error(error ?? `The server answered ${response.status} instead of a ticket.`);
  return { ticket, user };
}
