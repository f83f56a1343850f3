import { CLOSE } from "@copresence/shared/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { DevTicketIssuer } from "../auth/dev-tickets.ts";
import { originPolicy } from "../auth/origins.ts";
import { TicketVerifier } from "../auth/tickets.ts";
import type { Entrance, JoinQuery } from "../colyseus/entrance.ts";
import { openLog } from "../log.ts";
import { Metrics } from "../metrics/metrics.ts";
import { httpApp } from "./app.ts";
import { aHealth } from "../../pipeline/testing/events.ts";
import type { HttpHandler, HttpReply } from "./http.ts";

const authority = { issuer: "dev", audience: "copresence", region: "eu" };
const ORIGIN = "https://app.example";
let seen: JoinQuery | undefined;
let unready: string[];
let issuer: DevTicketIssuer;
let app: HttpHandler;

beforeEach(async () => {
  seen = undefined;
  unready = [];
  issuer = await DevTicketIssuer.create(authority, Date.now);
  const origins = originPolicy([ORIGIN]);
  if (!origins.ok) throw new Error(origins.error);
  const entrance = {
    seat: (query: JoinQuery) => {
      seen = query;
      return Promise.resolve({ ok: true, value: { sessionId: "s" } });
    },
  } as unknown as Entrance;
  app = httpApp({
    entrance,
    origins: origins.value,
    devTickets: issuer,
    files: undefined,
    metrics: new Metrics({ region: "eu" }),
    log: openLog({ level: "silent", region: "eu", build: "b" }),
    health: () => ({ region: "eu", build: "b", version: "1", protocol: 1, transport: "ws" }),
    unready: () => unready,
    explains: undefined,
    operator: undefined,
    pipeline: () => aHealth({ state: "degraded", queued: 3, lagMs: 12.4 }),
  });
});

type Call = { readonly method?: string; readonly body?: string; readonly headers?: Record<string, string> };
async function call(path: string, { method = "GET", body = "", headers = {} }: Call = {}): Promise<HttpReply & { readonly json: any }> {
  const bytes = new TextEncoder().encode(body);
  const reply = await app({ method, path, query: new URLSearchParams(), header: (name) => headers[name], address: "a", body: bytes });
  const isJson = reply.headers["content-type"]?.startsWith("application/json") === true;
  return { ...reply, json: isJson ? JSON.parse(String(reply.body)) : undefined };
}

describe("httpApp", () => {
  it("tells its region, build and version", async () => {
    expect((await call("/healthz")).json).toEqual({ status: "ok", region: "eu", build: "b", version: "1", protocol: 1, transport: "ws" });
  });

  it("is ready, or says why not", async () => {
    expect(await call("/readyz")).toMatchObject({
      status: 200,
      json: { ready: true, pipeline: { state: "degraded", degraded: true, lagMs: 12, runtime: "none" } },
    });
    unready = ["draining"];
    expect(await call("/readyz")).toMatchObject({ status: 503, json: { ready: false, unready: ["draining"] } });
  });

  it("has metrics without labels that name people", async () => {
    const { body } = await call("/metrics");
    expect(body).toContain("copresence_tick_milliseconds");
    expect(body).not.toMatch(/[{,](user|session|name)=/);
  });

  it("hands a join to the entrance with exactly its fields", async () => {
    const headers = { authorization: "Bearer abc", origin: ORIGIN };
    const reply = await call("/matchmake/joinOrCreate/space", { method: "POST", headers, body: '{"space":"demo","protocol":1,"__proto__":{"x":1}}' });
    expect(reply).toMatchObject({ status: 200, headers: { "access-control-allow-origin": ORIGIN }, json: { sessionId: "s" } });
    expect(seen).toEqual({ space: "demo", protocol: 1, ticket: "abc" });
  });

  it("[AP1] answers a preflight, and lets a refused page read the refusal", async () => {
    const origin = "https://evil.example";
    expect((await call("/dev/ticket", { method: "OPTIONS", headers: { origin } })).status).toBe(204);
    const reply = await call("/dev/ticket", { method: "POST", headers: { origin }, body: '{"space":"demo","name":"Eve"}' });
    expect(reply).toMatchObject({ status: 403, headers: { "access-control-allow-origin": origin }, json: { code: CLOSE.originRefused.code } });
  });

  it("issues development tickets that its verifier admits", async () => {
    const { json } = await call("/dev/ticket", { method: "POST", body: '{"space":"demo","name":"Ada","user":"ada"}' });
    const verifier = new TicketVerifier({ ...authority, keys: [issuer.publicKey], wallClock: Date.now });
    expect(await verifier.admit(json.ticket)).toMatchObject({
      ok: true,
      value: { space: "demo", identity: { user: "ada", name: "Ada", role: "member" } },
    });
  });

  it.each(['{"space":"../x","name":"a"}', '{"space":"demo"}', '{"space":"demo","name":""}', '{"space":"demo","name":"a","user":"__proto__"}'])(
    "refuses a ticket for %s",
    async (body) => {
      expect((await call("/dev/ticket", { method: "POST", body })).json).toMatchObject({ code: CLOSE.nameInvalid.code });
    },
  );

  it.each(["\u202eadA", "é".repeat(200), "tab\tbed"])("names the name %j, which a join would refuse, at once", async (name) => {
    const { json } = await call("/dev/ticket", { method: "POST", body: JSON.stringify({ space: "demo", name }) });
    expect(json).toMatchObject({ code: CLOSE.nameInvalid.code });
    expect(JSON.stringify(json)).toContain("The name is");
  });

  it("has nothing else", async () => {
    expect((await call("/nowhere")).status).toBe(404);
    expect((await call("/", { method: "POST" })).status).toBe(405);
    expect((await call("/")).body).toContain("copresence server");
  });
});
