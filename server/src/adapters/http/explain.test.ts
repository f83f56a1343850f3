import { describe, expect, it } from "vitest";
import { explainReply } from "./explain.ts";
import type { HttpReply } from "./http.ts";

const KEY = "an-operators-key-of-32-characters";
const bob = { slot: 1, user: "bob", hidden: [], tier: "T0", score: 0.123456, why: "2.0 m away", uplinkHz: 30 } as const;

function ask(query: string, authorization: string | undefined = `Bearer ${KEY}`): HttpReply & { readonly json: unknown } {
  const people = (space: string, viewer: string, source?: string) =>
    space !== "demo" ? undefined : viewer !== "ada" || (source !== undefined && source !== "bob") ? null : [bob];
  const header = (name: string) => (name === "authorization" ? authorization : undefined);
  const request = { method: "GET", path: "/debug/explain", query: new URLSearchParams(query), header, address: "a", body: new Uint8Array(0) };
  const reply = explainReply({ people, operatorKey: KEY }, request);
  return { ...reply, json: reply.status === 200 ? JSON.parse(String(reply.body)) : undefined };
}

describe("explainReply", () => {
  it("[EX1] answers who shows the key, and nobody else", () => {
    expect(ask("space=demo&viewer=ada").json).toEqual({ people: [{ ...bob, score: 0.1235 }] });
    for (const authorization of [undefined, "", KEY, `Bearer ${KEY}x`, "Bearer ", `Basic ${KEY}`]) {
      // `undefined` would take the default.
      expect(ask("space=demo&viewer=ada", authorization ?? "none").status).toBe(401);
    }
  });

  it("says what is missing, and what is not there", () => {
    expect(ask("space=demo").status).toBe(400);
    expect(ask("viewer=ada").status).toBe(400);
    expect(ask("space=elsewhere&viewer=ada").status).toBe(404);
    expect(ask("space=demo&viewer=eve").status).toBe(404);
    expect(ask("space=demo&viewer=ada&source=eve").status).toBe(404);
    expect(ask("space=demo&viewer=ada&source=bob").status).toBe(200);
  });
});
