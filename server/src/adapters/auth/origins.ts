/**
 * The Origin allow-list (PROMISES.md, threat O). Checked at every upgrade and every matchmaking or ticket request.
 *
 * [OR1] A request without an Origin header does not come from a page: bots and native clients pass, their ticket decides.
 * [OR2] An entry is an exact origin, or one with `:*` for any port. Nothing is derived from the Host header, which a rebinding
 *       attacker controls.
 */
import { err, ok, type Result } from "@copresence/shared/base";

export type OriginPolicy = { allows(origin: string | undefined): boolean };

/** Pages served from this machine, on any port: what a developer's browser sends. */
export const LOCAL_ORIGINS: readonly string[] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

const ENTRY = /^(https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]))(:(?:\d{1,5}|\*))?$/;

/** Fails with a sentence that names the entry it does not understand. */
export function originPolicy(entries: readonly string[]): Result<OriginPolicy, string> {
  const exact = new Set<string>();
  const anyPort = new Set<string>();
  for (const entry of entries) {
    const match = ENTRY.exec(entry);
    if (match?.[1] === undefined || !URL.canParse(match[2] === ":*" ? match[1] : entry)) {
      return err(`"${entry}" is not an origin; write it like https://example.com or http://localhost:*, without a path.`);
    }
    if (match[2] === ":*") anyPort.add(match[1].toLowerCase());
    else exact.add(new URL(entry).origin);
  }
  return ok({
    allows(origin) {
      if (origin === undefined) return true;
      if (exact.has(origin)) return true;
      return anyPort.has(origin.replace(/:\d+$/, ""));
    },
  });
}
