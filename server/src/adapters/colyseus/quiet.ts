/**
 * Colyseus's log lines, reduced to what may be kept: its error texts quote session ids and join options (PROMISES P19).
 */
import { type Logger, errorFields } from "../log.ts";

type Line = (...parts: unknown[]) => void;

export function quietColyseus(log: Logger): Record<"debug" | "info" | "trace" | "warn" | "error", Line> {
  const quiet: Line = () => {};
  /** The stack's frames say where; the first line, which is the message, stays here. */
  const report: Line = (first) => log.warn(errorFields(asError(first)), "colyseus reported an error");
  return { debug: quiet, trace: quiet, info: quiet, warn: report, error: report };
}

function asError(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const error = new Error("reported as text");
  error.stack = value;
  return error;
}
