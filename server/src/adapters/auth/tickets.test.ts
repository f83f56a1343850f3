import { CLOSE } from "@copresence/shared/protocol";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { closeReason } from "../refusal.ts";
import { TicketLedger } from "./ticket-ledger.ts";
import { issueTicket, TICKET_TYPE, TicketVerifier } from "./tickets.ts";

const authority = { issuer: "app", audience: "copresence" };
const request = { user: "ada", name: "Ada", role: "editor", space: "demo", region: "eu" };
const NOW_S = 1_800_000_000;
let keys: { publicKey: CryptoKey; privateKey: CryptoKey };
let strangerKeys: { publicKey: CryptoKey; privateKey: CryptoKey };
beforeAll(async () => {
  keys = await generateKeyPair("EdDSA");
  strangerKeys = await generateKeyPair("EdDSA");
});

const verifier = (nowS = NOW_S) => new TicketVerifier({ ...authority, keys: [keys.publicKey], region: "eu", wallClock: () => nowS * 1000 });

async function outcome(ticket: string | undefined, nowS = NOW_S): Promise<string> {
  const admitted = await verifier(nowS).admit(ticket);
  return admitted.ok ? "ok" : admitted.error.name;
}
type Claims = Record<string, unknown>;
const claims: Claims = { ...request, iss: "app", aud: "copresence", sub: "ada", jti: "j1", iat: NOW_S, exp: NOW_S + 60 };
const sign = (change: Claims, header: Claims = {}, key = keys.privateKey) => {
  const payload = Object.fromEntries(Object.entries({ ...claims, ...change }).filter(([, value]) => value !== undefined));
  return new SignJWT(payload).setProtectedHeader({ alg: "EdDSA", typ: TICKET_TYPE, ...header }).sign(key, { crit: { x: true } });
};

/** A ticket with one of its parts exchanged. */
const replacePart = (ticket: string, at: number, json: unknown): string =>
  ticket
    .split(".")
    .map((part, index) => (index === at ? Buffer.from(JSON.stringify(json)).toString("base64url") : part))
    .join(".");

describe("TicketVerifier", () => {
  it("admits what its issuer signed, with the identity it says", async () => {
    const ticket = await issueTicket(keys.privateKey, authority, request, NOW_S);
    expect(await verifier().admit(ticket)).toEqual({ ok: true, value: { identity: { user: "ada", name: "Ada", role: "editor" }, space: "demo" } });
  });

  it("[TK3] admits once", async () => {
    const once = verifier();
    const ticket = await issueTicket(keys.privateKey, authority, request, NOW_S);
    expect((await once.admit(ticket)).ok).toBe(true);
    expect(await once.admit(ticket)).toMatchObject({ ok: false, error: { name: "ticketUsed", code: CLOSE.ticketUsed.code } });
  });

  const cases: readonly (readonly [string, () => Promise<string | undefined> | string | undefined, string])[] = [
    ["none", () => undefined, "ticketMissing"],
    ["empty", () => "", "ticketMissing"],
    ["noise", () => "a.b.c", "ticketInvalid"],
    ["oversized", () => "x".repeat(3000), "ticketInvalid"],
    ["alg none", () => new UnsecuredJWT(claims).encode(), "ticketInvalid"],
    ["a stranger's key", () => sign({}, {}, strangerKeys.privateKey), "ticketInvalid"],
    [
      "a stranger's key by jwk header",
      async () => sign({}, { jwk: await exportJWK(strangerKeys.publicKey) }, strangerKeys.privateKey),
      "ticketInvalid",
    ],
    ["a kid that is a path", () => sign({}, { kid: "../../etc/passwd" }, strangerKeys.privateKey), "ticketInvalid"],
    ["another type", () => sign({}, { typ: "JWT" }), "ticketInvalid"],
    ["a critical header nobody knows", () => sign({}, { crit: ["x"], x: 1 }), "ticketInvalid"],
    ["another issuer", () => sign({ iss: "evil" }), "ticketInvalid"],
    ["another audience", () => sign({ aud: "other" }), "ticketInvalid"],
    ["no expiry", () => sign({ exp: undefined }), "ticketInvalid"],
    ["no issue time", () => sign({ iat: undefined }), "ticketInvalid"],
    ["an audience list without us", () => sign({ aud: ["other"] }), "ticketInvalid"],
    ["a time before which it is not valid", () => sign({ nbf: NOW_S + 30 }), "ticketInvalid"],
    ["an issue time that is no number", () => sign({ iat: `${NOW_S}` as never }), "ticketInvalid"],
    ["an expiry that is no number", () => sign({ exp: null }), "ticketInvalid"],
    ["a changed claim", async () => replacePart(await sign({}), 1, { ...claims, sub: "eve" }), "ticketInvalid"],
    ["a changed header", async () => replacePart(await sign({}), 0, { alg: "EdDSA", typ: TICKET_TYPE, kid: "x" }), "ticketInvalid"],
    [
      "another algorithm's name over a good signature",
      async () => replacePart(await sign({}), 0, { alg: "none", typ: TICKET_TYPE }),
      "ticketInvalid",
    ],
    ["no signature", async () => (await sign({})).replace(/[^.]+$/, ""), "ticketInvalid"],
    ["a signature that is cut", async () => (await sign({})).slice(0, -3), "ticketInvalid"],
    ["a part more", async () => `${await sign({})}.e30`, "ticketInvalid"],
    ["a part that is no object", async () => replacePart(await sign({}), 1, [1]), "ticketInvalid"],
    ["no jti", () => sign({ jti: undefined }), "ticketInvalid"],
    ["a life over a minute", () => sign({ exp: NOW_S + 61 }), "ticketInvalid"],
    ["issued in the future", () => sign({ iat: NOW_S + 3600, exp: NOW_S + 3660 }), "ticketInvalid"],
    ["expired", () => sign({ iat: NOW_S - 100, exp: NOW_S - 40 }), "ticketExpired"],
    ["another region", () => sign({ region: "us" }), "regionMismatch"],
    ["a space that is a path", () => sign({ space: "../x" }), "nameInvalid"],
    ["a user that is a prototype", () => sign({ sub: "__proto__" }), "nameInvalid"],
    ["a role with NUL", () => sign({ role: "a\0" }), "nameInvalid"],
    ["a name of control characters", () => sign({ name: "a\r\nb" }), "ticketInvalid"],
    ["a name that turns text around", () => sign({ name: "a\u202eb" }), "ticketInvalid"],
    ["a name that is too long", () => sign({ name: "x".repeat(65) }), "ticketInvalid"],
    ["an empty name", () => sign({ name: "  " }), "ticketInvalid"],
  ];
  it.each(cases)("[TK1] [TK2] [TK4] refuses a ticket with %s", async (_what, make, expected) => {
    expect(await outcome(await make())).toBe(expected);
  });

  it.each([
    [{ iss: "evil" }, {}, "iss"],
    [{ aud: "other" }, {}, "aud"],
    [{ iat: NOW_S + 30, exp: NOW_S + 60 }, {}, "clock"],
    [{ jti: undefined }, {}, "jti"],
    [{}, { typ: "JWT" }, "typ"],
  ])("says what a signed ticket lacks: %j %j", async (change, header, word) => {
    const refused = await verifier().admit(await sign(change, header));
    expect(refused).toMatchObject({ ok: false, error: { name: "ticketInvalid", sentence: expect.stringContaining(word) } });
    if (!refused.ok) expect(closeReason(refused.error.sentence)).toBe(refused.error.sentence);
  });

  it("tells a stranger nothing about what the claims should be", async () => {
    const refused = await verifier().admit(await sign({ iss: "evil" }, {}, strangerKeys.privateKey));
    expect(refused).toMatchObject({ ok: false, error: { sentence: CLOSE.ticketInvalid.sentence } });
  });

  it("[TK3] admits once also when it is presented twice at the same time", async () => {
    const once = verifier();
    const ticket = await issueTicket(keys.privateKey, authority, request, NOW_S);
    const answers = await Promise.all([once.admit(ticket), once.admit(ticket), once.admit(ticket)]);
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it("[TK2] two honest clocks may differ by a few seconds, either way", async () => {
    expect(await outcome(await sign({ aud: ["other", "copresence"], nbf: NOW_S + 4 }))).toBe("ok");
    expect(await outcome(await sign({ iat: NOW_S + 4, exp: NOW_S + 64 }))).toBe("ok");
    expect(await outcome(await sign({ iat: NOW_S - 63, exp: NOW_S - 3 }))).toBe("ok");
  });

  it("[TK1] refuses HS256 signed with the public key as secret", async () => {
    const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const secret = new TextEncoder().encode(await exportSPKI(publicKey));
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: TICKET_TYPE }).sign(secret);
    const confused = new TicketVerifier({ ...authority, keys: [publicKey], region: "eu", wallClock: () => NOW_S * 1000 });
    expect(await confused.admit(forged)).toMatchObject({ ok: false, error: { name: "ticketInvalid" } });
  });
});

describe("TicketLedger", () => {
  it("[TL1] forgets what has expired", () => {
    const ledger = new TicketLedger();
    for (let i = 0; i < 100; i++) ledger.use(`j${i}`, NOW_S + i, NOW_S);
    expect(ledger.use("late", NOW_S + 200, NOW_S + 99)).toBe("ok");
    expect(ledger.size).toBe(2);
  });

  it("[TL2] refuses rather than forget", () => {
    const ledger = new TicketLedger(2);
    expect([ledger.use("a", NOW_S + 60, NOW_S), ledger.use("b", NOW_S + 60, NOW_S), ledger.use("c", NOW_S + 60, NOW_S)]).toEqual([
      "ok",
      "ok",
      "full",
    ]);
    expect(ledger.use("a", NOW_S + 60, NOW_S)).toBe("used");
  });
});
