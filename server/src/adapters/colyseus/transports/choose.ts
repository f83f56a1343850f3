/**
 * Which transport runs: `auto` takes uWS where its binary loads and says once why where it does not.
 */
import type { Listener, ListenerOptions } from "./listener.ts";
import { UwsListener } from "./uws-listener.ts";
import { WsListener } from "./ws-listener.ts";

export type TransportChoice = "auto" | "uws" | "ws";

/** `uws` was asked for and does not load here; the message says what to do. */
export class TransportUnavailable extends Error {}

/** `log` is told at most one line. */
export async function openListener(choice: TransportChoice, options: ListenerOptions, log: (line: string) => void): Promise<Listener> {
  if (choice === "ws") return new WsListener(options);
  try {
    const uws = await import("uWebSockets.js");
    return new UwsListener(uws.default ?? uws, options);
  } catch (error) {
    const why = firstLine(error);
    if (choice === "uws") {
      throw new TransportUnavailable(
        `uWebSockets.js does not load on this machine (${why}). It needs glibc 2.38 or newer (Debian 13, Ubuntu 24.04); ` +
          "set COPRESENCE_TRANSPORT=ws, or start under a newer loader: see server/src/adapters/colyseus/transports/trixie-loader.ts.",
        { cause: error },
      );
    }
    log(`uWebSockets.js does not load here (${why}); using the ws transport`);
    return new WsListener(options);
  }
}

/** The cause without machine paths: `GLIBC_2.38 not found` says it all. */
function firstLine(error: unknown): string {
  const text = error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}` : String(error);
  return /GLIBC(XX)?_[\d.]+/.exec(text)?.[0].concat(" not found") ?? "not installed or no binary for this platform";
}
