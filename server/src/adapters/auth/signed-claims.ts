/**
 * Reads a compact JWS (RFC 7515) signed with Ed25519, at once: a library answers from its thread pool, which takes longer than the signature
 * (0.1 ms) and holds up everybody who comes in. What the claims mean is for the caller.
 *
 * [SI1] One algorithm, pinned; no key, algorithm or extension is taken from the token. A header that demands an extension is refused.
 * [SI2] Nothing is returned that no key of ours has signed; never throws.
 */
import { type KeyObject, verify } from "node:crypto";

export type Claims = Readonly<Record<string, unknown>>;

const PART = /^[A-Za-z0-9_-]+$/;

/** The header and the claims of a token that one of `keys` has signed; undefined for every other text. */
export function readSigned(token: string, keys: readonly KeyObject[]): { readonly header: Claims; readonly claims: Claims } | undefined {
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => PART.test(part))) return undefined;
  const header = readJson(head);
  if (header === undefined || header["alg"] !== "EdDSA" || Object.hasOwn(header, "crit") || Object.hasOwn(header, "b64")) return undefined;
  const signed = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!keys.some((key) => key.asymmetricKeyType === "ed25519" && verify(null, signed, key, bytes))) return undefined;
  const claims = readJson(body);
  return claims === undefined ? undefined : { header, claims };
}

function readJson(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
