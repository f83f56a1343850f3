/** What both transports are to the composition root: something that listens, and can stop in two steps. */
import type { HttpHandler } from "../../http/http.ts";
import type { Doorman } from "./wire.ts";

export type ListenerOptions = {
  readonly http: HttpHandler;
  readonly doorman: Doorman;
  readonly trustProxy: boolean;
};

export type ListenError = { readonly code: "in-use" | "forbidden" | "failed"; readonly sentence: string };

export type Listener = {
  readonly kind: "ws" | "uws";
  /** The port bound; throws a `ListenFailure`. Port 0 takes a free one. */
  listen(port: number, host: string): Promise<number>;
  /** No new connections; existing ones go on. */
  stopListening(): void;
  /** Cuts every connection that is left. Idempotent. */
  close(): Promise<void>;
};

/** The port could not be bound; the message is the sentence for the operator. */
export class ListenFailure extends Error {
  readonly reason: ListenError["code"];

  constructor(error: ListenError) {
    super(error.sentence);
    this.reason = error.code;
  }
}

export function listenFailure(port: number, host: string, code: string | undefined): ListenFailure {
  if (code === "EADDRINUSE") {
    const sentence = `Port ${port} on ${host} is taken by another program. Stop it, or choose another port with COPRESENCE_PORT.`;
    return new ListenFailure({ code: "in-use", sentence });
  }
  if (code === "EACCES") {
    return new ListenFailure({
      code: "forbidden",
      sentence: `Port ${port} may not be opened by this user. Choose one above 1023 with COPRESENCE_PORT.`,
    });
  }
  return new ListenFailure({ code: "failed", sentence: `Could not listen on ${host}:${port} (${code ?? "unknown reason"}).` });
}
