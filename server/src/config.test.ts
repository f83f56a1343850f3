import { defaultRoles, defineScene, t } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import { configFaults, configFromEnvironment, developmentConfig, isLoopback, ruleLookup } from "./config.ts";

const scene = defineScene({
  name: "test",
  version: 1,
  bounds: { min: [-1, 0, -1], max: [1, 2, 1] },
  roles: defaultRoles,
  objects: { box: { transform: t.leased() } },
});
const read = (env: Record<string, string>) => configFromEnvironment(env, scene);

describe("configFromEnvironment", () => {
  it("needs a ticket key or the word that this is development", () => {
    expect(read({})).toMatchObject({ ok: false, error: [expect.stringContaining("COPRESENCE_DEV_TICKETS")] });
    expect(read({ COPRESENCE_DEV_TICKETS: "1" })).toMatchObject({ ok: true, value: { port: 2567, host: "127.0.0.1", tickRateHz: 60 } });
  });

  it("reads text thresholds, and names the one that is none", () => {
    const set = (COPRESENCE_TEXT_THRESHOLDS: string) => read({ COPRESENCE_DEV_TICKETS: "1", COPRESENCE_TEXT_THRESHOLDS });
    expect(set("toxic=0.6, insult = 1")).toMatchObject({ ok: true, value: { moderation: { thresholds: { toxic: 0.6, insult: 1 } } } });
    for (const wrong of ["toxic=2", "toxic", "toxic=", "toxic=high"])
      expect(set(wrong)).toMatchObject({ ok: false, error: [expect.stringMatching(/text threshold toxic/)] });
  });

  it("[CF1] says everything that is wrong at once", () => {
    const result = read({
      COPRESENCE_DEV_TICKETS: "yes",
      COPRESENCE_PORT: "http",
      COPRESENCE_TRANSPORT: "tcp",
      COPRESENCE_TICK_RATE: "500",
      COPRESENCE_ORIGINS: "example.com",
      COPRESENCE_TICKET_KEYS: "{",
      COPRESENCE_PROT: "1",
    });
    expect(result.ok ? [] : result.error.map((sentence) => /COPRESENCE_\w+|tick rate|origin/.exec(sentence)?.[0])).toEqual(
      expect.arrayContaining([
        "COPRESENCE_DEV_TICKETS",
        "COPRESENCE_PORT",
        "COPRESENCE_TRANSPORT",
        "tick rate",
        "origin",
        "COPRESENCE_TICKET_KEYS",
        "COPRESENCE_PROT",
      ]),
    );
  });

  it.each([
    ["COPRESENCE_PORT", "", /COPRESENCE_PORT must be a number/],
    ["COPRESENCE_PORT", "65536", /port must be a number from 0/],
    ["COPRESENCE_HOST", "", /host is empty/],
    ["COPRESENCE_STORE", "", /COPRESENCE_STORE is empty/],
    ["COPRESENCE_TICK_RATE", "59.94", /whole number/],
    ["COPRESENCE_STOP_MS", "-1", /deadline of a stop/],
    ["COPRESENCE_STOP_MS", "1e12", /deadline of a stop/],
    ["COPRESENCE_ORIGINS", "https://app.example:99999", /is not an origin/],
    ["COPRESENCE_SPACES", " , ", /No space is configured/],
    ["COPRESENCE_TICKET_KEYS", "[1]", /Ticket key 1 is not a JWK/],
    ["COPRESENCE_TICKET_KEYS", '[{"kty":"oct","k":"c2VjcmV0"}]', /Ticket key 1 is not an Ed25519 key/],
    ["COPRESENCE_TICKET_KEYS", `[{"kty":"OKP","crv":"Ed25519","x":"${"A".repeat(43)}","d":"c2VjcmV0"}]`, /Ticket key 1 is the private key/],
  ])("refuses %s=%j with a sentence", (name, value, sentence) => {
    const result = read({ COPRESENCE_DEV_TICKETS: "1", [name]: value });
    expect(result).toMatchObject({ ok: false, error: [expect.stringMatching(sentence)] });
    expect(JSON.stringify(result)).not.toContain("c2VjcmV0");
  });

  it("ignores what is not its own", () => expect(read({ PATH: "/bin", COPRESENCE_DEV_TICKETS: "1" }).ok).toBe(true));
});

describe("ruleLookup", () => {
  it("finds exact names and prefixes, the first rule first", () => {
    const other = { ...scene, name: "other" };
    const ruleOf = ruleLookup([
      { spaces: "demo", scene },
      { spaces: "demo*", scene: other },
    ]);
    expect([ruleOf("demo")?.scene.name, ruleOf("demo2")?.scene.name, ruleOf("lobby")]).toEqual(["test", "other", undefined]);
  });

  it("a rule must be a name or a prefix", () => {
    expect(configFaults(developmentConfig([{ spaces: "../x", scene }]))).toHaveLength(1);
    expect(configFaults(developmentConfig([{ spaces: "*", scene }]))).toEqual([]);
  });
});

it("knows which addresses only this machine can reach", () => {
  expect(["127.0.0.1", "127.8.9.1", "::1", "localhost"].every(isLoopback)).toBe(true);
  expect(["0.0.0.0", "::", "192.168.1.5", "127.0.0.1.evil.test", "localhost.evil.test"].some(isLoopback)).toBe(false);
});
