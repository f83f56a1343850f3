/**
 * Structured logs without anything that could identify a person or a motion (PROMISES P19).
 *
 * [LG1] Users, sessions and spaces appear only as `logId`: a hash under a key made at start, useless across processes and restarts.
 * [LG2] Fields that could hold a ticket, a text, a pose or bytes are redacted wherever they turn up.
 * [LG3] Errors are logged with name and stack frames; messages of foreign errors may quote input and are left out.
 */
import { createHmac, randomBytes } from "node:crypto";
import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

const SECRET_FIELDS = [
  "ticket",
  "token",
  "authorization",
  "_authToken",
  "jti",
  "session",
  "sessionId",
  "user",
  "name",
  "text",
  "label",
  "pose",
  "body",
  "bytes",
  "address",
];
const key = randomBytes(32);

/** A short stand-in for an identifier, stable within this process only. */
export const logId = (id: string): string => createHmac("sha256", key).update(id).digest("base64url").slice(0, 10);

export type LogOptions = { readonly level: string; readonly region: string; readonly build: string; readonly destination?: DestinationStream };

export function openLog(options: LogOptions): Logger {
  const redact = { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" };
  const base = { region: options.region, build: options.build };
  const settings = { level: options.level, base, redact, timestamp: pino.stdTimeFunctions.isoTime };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

const MAX_FRAMES = 6;

/** What of an error may be logged: its kind, our own sentence if it is an assertion, and where it came from. */
export function errorFields(error: unknown): { readonly error: string; readonly at: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error, at: [] };
  const ours = error.message.startsWith("invariant broken: ");
  const frames = (error.stack ?? "").split("\n").filter((line) => line.trimStart().startsWith("at "));
  return { error: ours ? error.message : error.name, at: frames.slice(0, MAX_FRAMES).map((line) => line.trim()) };
}
