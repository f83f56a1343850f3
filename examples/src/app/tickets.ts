/**
 * Tickets from the development issuer of the server that served this page. A real application asks its own backend instead, which knows
 * who is signed in.
 */
import type { JoinChoice } from "../ui/join-screen.ts";

/** One person per page load: reconnecting keeps the id, a second window is somebody else. */
const user = `dev-${crypto.getRandomValues(new Uint32Array(2)).join("")}`;

/** Returns a function, because every join (and rejoin) needs a fresh ticket. It throws a sentence. */
export function ticketSource(server: string, choice: JoinChoice): () => Promise<string> {
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
