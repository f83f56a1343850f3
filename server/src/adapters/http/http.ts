/**
 * HTTP as the two transports share it: a request read whole, a reply written whole.
 *
 * [HT1] A body is bounded by `LIMITS.bodyBytes` before it reaches a handler.
 * [HT2] A handler never throws; what it throws anyway becomes a 500 without a word about the cause.
 */
import type { Refusal } from "../refusal.ts";
import { httpStatus } from "../refusal.ts";

export type HttpRequest = {
  /** Upper case. */
  readonly method: string;
  /** Path as sent, without the query, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case name; undefined when absent. */
  readonly header: (name: string) => string | undefined;
  readonly address: string;
  readonly body: Uint8Array;
};

export type HttpReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
};

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

const COMMON = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status,
    headers: { ...COMMON, "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
    body: JSON.stringify(value),
  };
}

export function textReply(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status, headers: { ...COMMON, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers }, body };
}

/** What every refused request gets: Colyseus's `{code, error}`, with the table's name and whether trying again helps. */
export const refusalBody = (refused: Refusal): Record<string, unknown> => ({
  code: refused.code,
  error: refused.sentence,
  name: refused.name,
  retryable: refused.retryable,
});

export const refusalReply = (refused: Refusal, headers: Readonly<Record<string, string>> = {}): HttpReply =>
  jsonReply(httpStatus(refused.name), refusalBody(refused), headers);

/** The address to hold a connection to account by: the last hop a configured proxy wrote, else the socket's. */
export function clientAddress(socketAddress: string, forwardedFor: string | undefined, trustProxy: boolean): string {
  if (!trustProxy || forwardedFor === undefined) return socketAddress;
  return forwardedFor.split(",").at(-1)?.trim() || socketAddress;
}
