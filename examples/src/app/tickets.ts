/**
 * Tickets from the development issuer of the server that served this page. A real application asks its own backend instead, which knows
 * who is signed in.
 */
import type { JoinChoice } from "../ui/join-screen.ts";

/** Held for as long as the page lives, so that no other window becomes the same person. */
const LOCK = "copresence-person:";

/**
 * Who this window is. Coming back under the same name one is the same person, with what was left unsaved on this device; a second window
 * that is open at the same time is somebody else.
 */
export async function personNamed(name: string): Promise<string> {
  const key = `${LOCK}${name}`;
  const fresh = `dev-${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
  const mine = await new Promise<boolean>((resolve) => {
    void navigator.locks.request(key, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise<never>(() => undefined);
    });
  });
  if (!mine) return fresh;
  const user = localStorage.getItem(key) ?? fresh;
  localStorage.setItem(key, user);
  return user;
}

/** Returns a function, because every join (and rejoin) needs a fresh ticket. It throws a sentence. */
export function ticketSource(server: string, choice: JoinChoice, user: string): () => Promise<string> {
  return async () => {
    let response: Response;
    try {
      response = await fetch(new URL("dev/ticket", server), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...choice, user }),
      });
    } catch (cause) {
      throw new Error("The server does not answer. Is it running?", { cause });
    }
    const answer: unknown = await response.json().catch(() => undefined);
    const { ticket, error } = (answer ?? {}) as { readonly ticket?: unknown; readonly error?: unknown };
    if (response.ok && typeof ticket === "string") return ticket;
    throw new Error(typeof error === "string" ? error : `The server gave no ticket (HTTP ${response.status}).`);
  };
}
