/**
 * Join tickets: short-lived EdDSA JWTs that the studio's application issues and this server verifies (RFC 8725).
 *
 * [TK1] Pinned: alg EdDSA, typ, iss, aud. The header's `kid`, `jku`, `x5u` and `crit` choose nothing: keys come from configuration only.
 * [TK2] A ticket lives at most `LIMITS.ticketSeconds` from `iat`; both claims are required.
 * [TK3] A ticket admits once; its `jti` is remembered until it has expired.
 * [TK4] Claims become identity only after their grammar was checked; nothing of a refused ticket is echoed or logged.
 */
import { isIdentifier, type Result, err, ok, type UserId } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { type CryptoKey, errors, jwtVerify, SignJWT } from "jose";
import type { Identity } from "../../core/types.ts";
import { type Refusal, refusal } from "../refusal.ts";
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
export function isDisplayName(value: unknown): value is string {
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
  private readonly ledger = new TicketLedger();

  constructor(options: TicketVerifierOptions) {
    this.options = options;
  }

  /** Verifies and uses up a ticket. The identity is safe to show and to use as a key. */
  async admit(ticket: string | undefined): Promise<Result<Admission, Refusal>> {
    if (ticket === undefined || ticket === "") return err(refusal("ticketMissing"));
    if (ticket.length > LIMITS.ticketBytes) return err(refusal("ticketInvalid", "The join ticket is longer than a ticket can be."));
    const nowS = Math.floor(this.options.wallClock() / 1000);
    const payload = await this.verify(ticket, nowS);
    if (!payload.ok) return payload;
    return this.accept(payload.value, nowS);
  }

  private async verify(ticket: string, nowS: number): Promise<Result<Record<string, unknown>, Refusal>> {
    let refused = refusal("ticketInvalid");
    for (const key of this.options.keys) {
      try {
        const { payload } = await jwtVerify(ticket, key, {
          algorithms: [ALGORITHM],
          typ: TICKET_TYPE,
          issuer: this.options.issuer,
          audience: this.options.audience,
          requiredClaims: ["exp", "iat", "jti", "sub"],
          clockTolerance: CLOCK_TOLERANCE_S,
          maxTokenAge: LIMITS.ticketSeconds,
          currentDate: new Date(nowS * 1000),
        });
        return ok(payload);
      } catch (error) {
        // An expired ticket has a valid signature: say so, because a fresh one helps. Everything else is just not valid.
        if (error instanceof errors.JWTExpired) refused = refusal("ticketExpired");
        else if (error instanceof errors.JWTClaimValidationFailed) refused = refusal("ticketInvalid", CLAIM_FAULTS.get(error.claim));
      }
    }
    return err(refused);
  }

  private accept(payload: Record<string, unknown>, nowS: number): Result<Admission, Refusal> {
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
