/**
 * Join tickets: short-lived EdDSA JWTs that the studio's application issues and this server verifies (RFC 8725).
 *
 * [TK1] Pinned: alg EdDSA, typ, iss, aud. The header's `kid`, `jku`, `x5u` and `crit` choose nothing: keys come from configuration only.
 * [TK2] A ticket lives at most `LIMITS.ticketSeconds` from `iat`; both claims are required.
 * [TK3] A ticket admits once; its `jti` is remembered until it has expired.
 * [TK4] Claims become identity only after their grammar was checked; nothing of a refused ticket is echoed or logged.
 */
import { KeyObject } from "node:crypto";
import { isIdentifier, type Result, err, ok, type UserId } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { type CryptoKey, SignJWT } from "jose";
import type { Identity } from "../../core/types.ts";
import { type Refusal, refusal } from "../refusal.ts";
import { type Claims, readSigned } from "./signed-claims.ts";
import { TicketLedger } from "./ticket-ledger.ts";

export const TICKET_TYPE = "copresence-join+jwt";
const ALGORITHM = "EdDSA";
/** Two honest clocks may disagree by this much; it widens the life of a ticket at its end only. */
const CLOCK_TOLERANCE_S = 5;
const MAX_JTI_CHARS = 128;
/** What a signed ticket lacks, by the claim that is wrong: for whoever sets the issuer up, so that nobody has to guess at a plain "invalid". */
const CLAIM_FAULTS: ReadonlyMap<string, string> = new Map([
  ["iss", "The join ticket's iss is not the issuer this server was configured with."],
  ["aud", "The join ticket's aud is not the audience this server was configured with."],
  ["typ", `The join ticket's typ must be ${TICKET_TYPE}.`],
  ["iat", `The join ticket's iat is missing or in the future: its issuer's clock and this server's differ by over ${CLOCK_TOLERANCE_S} s.`],
  ["exp", "The join ticket's exp is missing."],
  ["jti", "The join ticket's jti is missing."],
  ["sub", "The join ticket's sub is missing."],
]);

export type TicketAuthority = { readonly issuer: string; readonly audience: string };
/** What a verified ticket says: who, and for which space. */
export type Admission = { readonly identity: Identity; readonly space: string };
export type TicketRequest = { readonly user: string; readonly name: string; readonly role: string; readonly space: string; readonly region: string };

/** Signs a ticket. For the development issuer and for tests; an application signs its own. */
export function issueTicket(key: CryptoKey, authority: TicketAuthority, request: TicketRequest, nowS: number, seconds = 60): Promise<string> {
  return new SignJWT({ name: request.name, role: request.role, space: request.space, region: request.region })
    .setProtectedHeader({ alg: ALGORITHM, typ: TICKET_TYPE })
    .setIssuer(authority.issuer)
    .setAudience(authority.audience)
    .setSubject(request.user)
    .setJti(crypto.randomUUID())
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + seconds)
    .sign(key);
}

/** A display name: something to see, no control or bidi-override characters, within the limit. */
function isDisplayName(value: unknown): value is string {
  if (typeof value !== "string" || value.trim() === "" || /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(value)) return false;
  return new TextEncoder().encode(value).length <= LIMITS.displayNameBytes;
}

export type TicketVerifierOptions = TicketAuthority & {
  readonly keys: readonly CryptoKey[];
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
};

export class TicketVerifier {
  private readonly options: TicketVerifierOptions;
  private readonly keys: readonly KeyObject[];
  private readonly ledger = new TicketLedger();

  constructor(options: TicketVerifierOptions) {
    this.options = options;
    this.keys = options.keys.map((key) => KeyObject.from(key));
  }

  /** Verifies and uses up a ticket. The identity is safe to show and to use as a key. */
  async admit(ticket: string | undefined): Promise<Result<Admission, Refusal>> {
    if (ticket === undefined || ticket === "") return err(refusal("ticketMissing"));
    if (ticket.length > LIMITS.ticketBytes) return err(refusal("ticketInvalid", "The join ticket is longer than a ticket can be."));
    const nowS = Math.floor(this.options.wallClock() / 1000);
    const payload = this.verify(ticket, nowS);
    if (!payload.ok) return payload;
    return this.accept(payload.value, nowS);
  }

  private verify(ticket: string, nowS: number): Result<Claims, Refusal> {
    const signed = readSigned(ticket, this.keys);
    if (signed === undefined) return err(refusal("ticketInvalid"));
    const fault = faultOf(signed, this.options, nowS);
    if (fault === undefined) return ok(signed.claims);
    // An expired ticket has a valid signature: say so, because a fresh one helps.
    return err(fault === "expired" ? refusal("ticketExpired") : refusal("ticketInvalid", CLAIM_FAULTS.get(fault)));
  }

  private accept(payload: Claims, nowS: number): Result<Admission, Refusal> {
    const { sub, name, role, space, region, jti, exp, iat } = payload;
    if (typeof exp !== "number" || typeof iat !== "number" || exp - iat > LIMITS.ticketSeconds) {
      return err(refusal("ticketInvalid", `A join ticket may live ${LIMITS.ticketSeconds} seconds at most; issue it with a nearer exp.`));
    }
    if (!isIdentifier(sub) || !isIdentifier(role) || !isIdentifier(space)) {
      return err(refusal("nameInvalid", "The ticket's sub, role and space must match ^[A-Za-z0-9_-]{1,64}$ and not be reserved."));
    }
    if (!isDisplayName(name)) return err(refusal("ticketInvalid", "The ticket's name is empty, too long, or holds control characters."));
    if (region !== this.options.region) return err(refusal("regionMismatch"));
    if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI_CHARS)
      return err(refusal("ticketInvalid", "The ticket's jti is missing or too long."));
    switch (this.ledger.use(jti, exp + CLOCK_TOLERANCE_S, nowS)) {
      case "used":
        return err(refusal("ticketUsed"));
      case "full":
        return err(refusal("addressBusy", "Too many joins in the last minute; try again shortly."));
      case "ok":
        return ok({ identity: { user: sub as UserId, name: name.trim(), role }, space });
    }
  }
}

/** The claim that is wrong, `expired` for one that was right; undefined when all are (RFC 7519, 4.1). */
function faultOf(
  { header, claims }: { readonly header: Claims; readonly claims: Claims },
  options: TicketVerifierOptions,
  nowS: number,
): string | undefined {
  const lacking = ["iss", "aud", "iat", "exp", "jti", "sub"].find((claim) => !Object.hasOwn(claims, claim));
  if (lacking !== undefined) return lacking;
  if (header["typ"] !== TICKET_TYPE) return "typ";
  const { iss, aud, iat, exp, nbf } = claims;
  if (iss !== options.issuer) return "iss";
  if (!(Array.isArray(aud) ? aud : [aud]).includes(options.audience)) return "aud";
  if (typeof iat !== "number" || iat > nowS + CLOCK_TOLERANCE_S) return "iat";
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > nowS + CLOCK_TOLERANCE_S)) return "nbf";
  if (typeof exp !== "number") return "exp";
  return exp <= nowS - CLOCK_TOLERANCE_S || nowS - iat - CLOCK_TOLERANCE_S > LIMITS.ticketSeconds ? "expired" : undefined;
}
