/**
 * The development ticket issuer behind `POST /dev/ticket`: anyone who can reach it may enter any space in any role. It exists so that a
 * clone runs with one command; production leaves it off and lets the application sign tickets.
 *
 * [DT1] Off unless configured. The key pair is made at start and never leaves the process.
 */
import { err, isIdentifier, ok, type Result } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { type CryptoKey, generateKeyPair } from "jose";
import { z } from "zod";
import { type Refusal, refusal } from "../refusal.ts";
import { isDisplayName, issueTicket, type TicketAuthority } from "./tickets.ts";

const identifier = z.string().refine(isIdentifier);
const body = z.object({
  space: identifier,
  name: z.string(),
  role: identifier.default("member"),
  /** Stable id, so that a person who reloads the page stays the same person. */
  user: identifier.optional(),
});

export class DevTicketIssuer {
  readonly publicKey: CryptoKey;
  private readonly privateKey: CryptoKey;
  private readonly authority: TicketAuthority & { readonly region: string };
  private readonly wallClock: () => number;

  private constructor(
    keys: { publicKey: CryptoKey; privateKey: CryptoKey },
    authority: TicketAuthority & { readonly region: string },
    wallClock: () => number,
  ) {
    this.publicKey = keys.publicKey;
    this.privateKey = keys.privateKey;
    this.authority = authority;
    this.wallClock = wallClock;
  }

  static async create(authority: TicketAuthority & { readonly region: string }, wallClock: () => number): Promise<DevTicketIssuer> {
    return new DevTicketIssuer(await generateKeyPair("EdDSA"), authority, wallClock);
  }

  /** `json` is the parsed body of the request. */
  async issue(json: unknown): Promise<Result<{ readonly ticket: string; readonly user: string; readonly expiresInSeconds: number }, Refusal>> {
    const parsed = body.safeParse(json);
    if (!parsed.success) {
      return err(refusal("nameInvalid", "Send JSON {space, name, role?, user?}; space, role and user match ^[A-Za-z0-9_-]{1,64}$."));
    }
    const { space, name, role } = parsed.data;
    if (!isDisplayName(name)) {
      const sentence = `The name is empty, longer than ${LIMITS.displayNameBytes} bytes, or holds control or text-direction characters; send another.`;
      return err(refusal("nameInvalid", sentence));
    }
    const user = parsed.data.user ?? `dev-${crypto.randomUUID().slice(0, 12)}`;
    const nowS = Math.floor(this.wallClock() / 1000);
    const request = { user, name, role, space, region: this.authority.region };
    const ticket = await issueTicket(this.privateKey, this.authority, request, nowS, LIMITS.ticketSeconds);
    return ok({ ticket, user, expiresInSeconds: LIMITS.ticketSeconds });
  }
}
