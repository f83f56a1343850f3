import { describe, expect, it } from "vitest";
import { AddressGate } from "./address-gate.ts";
import { LOCAL_ORIGINS, originPolicy } from "./origins.ts";

describe("originPolicy", () => {
  const allows = (entries: readonly string[], origin: string | undefined): boolean => {
    const policy = originPolicy(entries);
    return policy.ok && policy.value.allows(origin);
  };

  it("[OR1] lets requests without an origin through", () => expect(allows([], undefined)).toBe(true));

  it.each([
    ["https://app.example", "https://app.example", true],
    ["https://app.example", "https://app.example:8443", false],
    ["https://app.example", "http://app.example", false],
    ["https://app.example", "https://app.example.evil.test", false],
    ["https://app.example:443", "https://app.example", true],
    ["http://localhost:*", "http://localhost:5173", true],
    ["http://localhost:*", "http://localhost", true],
    ["http://localhost:*", "http://localhost.evil.test:80", false],
    ["http://[::1]:*", "http://[::1]:2567", true],
    ["https://app.example", "null", false],
  ])("[OR2] %s and the origin %s: %s", (entry, origin, expected) => expect(allows([entry], origin)).toBe(expected));

  it.each([
    "*",
    "https://*.example",
    "https://a/b",
    "app.example",
    "javascript:alert(1)",
    "https://app.example:99999",
    "http://1.2.3.4.5",
    "http://[::::]:*",
  ])("refuses %s as an entry", (entry) => {
    expect(originPolicy([entry])).toMatchObject({ ok: false });
  });

  it("understands its own default", () => expect(originPolicy(LOCAL_ORIGINS).ok).toBe(true));
});

describe("AddressGate", () => {
  it("counts per address and gives places back", () => {
    const gate = new AddressGate(2);
    expect([gate.enter("a"), gate.enter("a"), gate.enter("a"), gate.enter("b")]).toEqual([true, true, false, true]);
    gate.leave("a");
    expect(gate.enter("a")).toBe(true);
  });
});
